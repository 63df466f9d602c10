//! Where in a request something stands, and where it is added if it does not.

use std::ops::Range;

use crate::secret::opaque_debug;
use crate::wire::json::escape;
use crate::wire::target::{in_component, in_path};

/// Where something stands that a request says: a model, a cap, whether the answer is streamed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A whole value of the body.
    Body(Range<usize>),
    /// A part of the path.
    Path(Range<usize>),
    /// A part of the path that stays within its segment.
    Segment(Range<usize>),
    /// The value of a parameter of the query.
    Query(Range<usize>),
}

/// Where a setting is added to a body that does not have it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SettingPlace {
    /// Nowhere: there is nothing of which it would be one.
    #[default]
    Nowhere,
    /// At the top level, under this name; under several, in objects inside of each other.
    Member(&'static [&'static str]),
    /// In an object that is there, just behind its brace.
    Inside {
        /// Behind the brace.
        at: usize,
        /// The object has no other members.
        empty: bool,
        /// The names under which it is added there.
        names: &'static [&'static str],
    },
    /// In an object that takes the place of a value which is none.
    Instead {
        /// Where the value begins and ends.
        of: (usize, usize),
        /// The names under which it is added there.
        names: &'static [&'static str],
    },
}

/// What is said at a place.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum SettingValue<'v> {
    /// A name.
    Text(&'v str),
    /// A number.
    Number(u64),
}

opaque_debug!(SettingValue<'_>);

impl<'v> From<&'v str> for SettingValue<'v> {
    fn from(text: &'v str) -> Self {
        Self::Text(text)
    }
}

impl From<u64> for SettingValue<'_> {
    fn from(number: u64) -> Self {
        Self::Number(number)
    }
}

impl SettingPlace {
    /// Whether this is the place of a member of this name.
    #[must_use]
    pub fn is_of(self, member: &str) -> bool {
        let (Self::Member(names) | Self::Inside { names, .. } | Self::Instead { names, .. }) = self
        else {
            return false;
        };
        names.last() == Some(&member)
    }
}

impl SettingPlace {
    /// Whether this is a place in an object of this name that is not there yet.
    pub(in crate::wire) fn is_outer(self, holder: &str) -> bool {
        matches!(self, Self::Member([outer, _, ..]) if *outer == holder)
    }
}

impl SettingValue<'_> {
    /// As it is spelled at a place.
    pub(super) fn spelled(self, place: &Place) -> String {
        match (self, place) {
            (Self::Number(number), _) => number.to_string(),
            (Self::Text(_), Place::Body(_)) => self.in_body(&[]),
            (Self::Text(text), Place::Path(_)) => in_path(text),
            (Self::Text(text), Place::Segment(_) | Place::Query(_)) => in_component(text),
        }
    }

    /// As JSON, in objects inside of each other.
    pub(super) fn in_body(self, names: &[&str]) -> String {
        let value = match self {
            Self::Number(number) => number.to_string(),
            Self::Text(text) => {
                let mut quoted = vec![b'"'];
                escape(text, &mut quoted);
                quoted.push(b'"');
                String::from_utf8_lossy(&quoted).into_owned()
            }
        };
        names.iter().rev().fold(value, |inner, name| format!("{{\"{name}\":{inner}}}"))
    }
}
