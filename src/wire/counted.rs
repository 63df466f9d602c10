//! Requests that stand in others, whose tokens are to be counted.

use std::ops::Range;

use super::Protocol;
use super::json::{Error, Kind, Reader};
use crate::secret::opaque_debug;

/// A request in the body of another.
#[derive(Clone)]
pub struct Counted {
    /// Whose it is.
    pub protocol: &'static dyn Protocol,
    /// Where it stands.
    pub place: CountedPlace,
}

/// Where such a request stands.
#[derive(Clone, PartialEq, Eq)]
pub enum CountedPlace {
    /// A value.
    Value(Range<usize>),
    /// In base64: the contents of a string.
    Base64(Range<usize>),
}

opaque_debug!(Counted, CountedPlace);

impl Counted {
    /// What stands in a value, if that is an object.
    pub(super) fn value(
        protocol: &'static dyn Protocol,
        reader: &mut Reader<'_>,
    ) -> Result<Option<Self>, Error> {
        let is_object = reader.kind()? == Kind::Object;
        let span = reader.skip()?;
        Ok(is_object.then_some(Self { protocol, place: CountedPlace::Value(span) }))
    }
}
