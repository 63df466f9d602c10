//! Where a place of the original text lies in the edited one, for citations.

/// What positions are counted in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unit {
    /// Bytes of UTF-8.
    Bytes,
    /// Unicode scalar values, as Python counts.
    #[default]
    Characters,
    /// Code units of UTF-16, as JavaScript counts.
    Utf16,
}

impl Unit {
    /// The length of a text.
    #[must_use]
    pub fn length(self, text: &str) -> usize {
        match self {
            Self::Bytes => text.len(),
            Self::Characters => text.chars().count(),
            Self::Utf16 => text.chars().map(char::len_utf16).sum(),
        }
    }
}

/// One substitution: `removed` units at `at` of the original became `inserted` units at `to`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Substitution {
    at: usize,
    removed: usize,
    to: usize,
    inserted: usize,
}

impl Substitution {
    /// Where a place behind it, and before the next one, has come to stand.
    fn behind(&self, offset: usize) -> usize {
        offset - (self.at + self.removed) + self.to + self.inserted
    }
}

/// The substitutions of one text, in order.
#[derive(Clone, Debug)]
pub struct OffsetMap {
    unit: Unit,
    substitutions: Vec<Substitution>,
}

impl OffsetMap {
    /// An empty map that counts in `unit`.
    #[must_use]
    pub fn new(unit: Unit) -> Self {
        Self { unit, substitutions: Vec::new() }
    }

    /// What positions are counted in.
    #[must_use]
    pub fn unit(&self) -> Unit {
        self.unit
    }

    /// Memory that is taken.
    pub(super) fn allocated(&self) -> usize {
        self.substitutions.capacity() * size_of::<Substitution>()
    }

    pub(super) fn substitute(&mut self, at: usize, removed: usize, inserted: usize) {
        let to = self.substitutions.last().map_or(at, |last| last.behind(at));
        self.substitutions.push(Substitution { at, removed, to, inserted });
    }

    /// Where `offset` of the original lies in the edited text; `None` inside a substitution, where
    /// no such place exists. Offsets of a text that is not at its end yet are right as far as it
    /// has come.
    #[must_use]
    pub fn map(&self, offset: usize) -> Option<usize> {
        let before = self.substitutions.partition_point(|edit| edit.at + edit.removed <= offset);
        if self.substitutions.get(before).is_some_and(|edit| edit.at < offset) {
            return None;
        }
        let last = before.checked_sub(1).and_then(|last| self.substitutions.get(last));
        Some(last.map_or(offset, |last| last.behind(offset)))
    }

    /// Whether the original's `start..end` was left as it was.
    #[must_use]
    pub fn is_untouched(&self, start: usize, end: usize) -> bool {
        let before = self.substitutions.partition_point(|edit| edit.at + edit.removed <= start);
        self.substitutions.get(before).is_none_or(|edit| edit.at >= end)
    }

    /// The substitutions in order: where in the original, its length there, where in the edited
    /// text, its length there.
    pub fn substitutions(&self) -> impl Iterator<Item = (usize, usize, usize, usize)> {
        self.substitutions.iter().map(|edit| (edit.at, edit.removed, edit.to, edit.inserted))
    }

    /// How many substitutions there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.substitutions.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.substitutions.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Against the definition: what was removed and inserted before a place moves it.
        #[test]
        fn a_place_is_moved_by_all_that_was_exchanged_before_it(
            edits in proptest::collection::vec((0..9_usize, 1..9_usize, 0..9_usize), 0..20),
            start in 0..300_usize,
            length in 0..20_usize,
        ) {
            let mut map = OffsetMap::new(Unit::Bytes);
            let (mut at, mut all) = (0, Vec::new());
            for (gap, removed, inserted) in edits {
                at += gap;
                map.substitute(at, removed, inserted);
                all.push((at, removed, inserted));
                at += removed;
            }
            let before = all.iter().filter(|(at, removed, _)| at + removed <= start);
            let moved = before.fold(start as i64, |place, (_, removed, inserted)| {
                place - *removed as i64 + *inserted as i64
            });
            let inside = all.iter().any(|(at, removed, _)| *at < start && start < at + removed);
            prop_assert_eq!(map.map(start), (!inside).then_some(moved as usize));
            let end = start + length;
            let touched = all.iter().any(|(at, removed, _)| *at < end && start < at + removed);
            prop_assert_eq!(map.is_untouched(start, end), !touched);
        }
    }
}
