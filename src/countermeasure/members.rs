//! Which members of requests and answers were closed.
//!
//! The audit says so, and a member's name is whatever a client or an upstream wrote. So only names
//! that servers are known to use are told, from the table here; all others are one: `other`.

use std::fmt;

use crate::wire::member_names::KNOWN;

/// What every name that is not in the table is called.
const OTHER: &str = "other";

/// A set of names out of the table: of one size, however many members a request invents.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct ClosedMembers(u128);

impl ClosedMembers {
    /// Adds a name.
    pub fn add(&mut self, name: &str) {
        let place = KNOWN.binary_search(&name).unwrap_or(KNOWN.len());
        self.0 |= 1 << place;
    }

    /// The names of both.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The names, sorted; `other` last.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        let names = KNOWN.into_iter().chain([OTHER]).enumerate();
        names.filter(move |(place, _)| self.0 & 1 << place != 0).map(|(_, name)| name)
    }
}

impl fmt::Debug for ClosedMembers {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.names()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_has_room() {
        assert!(KNOWN.is_sorted() && KNOWN.len() < 128);
        assert!(!KNOWN.contains(&OTHER));
    }

    #[test]
    fn only_names_of_the_table_are_told() {
        let mut closed = ClosedMembers::default();
        for name in ["top_logprobs", "my secret prompt", "LOGPROBS", "", "echo", "echo"] {
            closed.add(name);
        }
        assert_eq!(closed.names().collect::<Vec<_>>(), ["echo", "top_logprobs", "other"]);
        for name in KNOWN {
            let mut one = ClosedMembers::default();
            one.add(name);
            assert_eq!(one.names().collect::<Vec<_>>(), [name]);
        }
    }
}
