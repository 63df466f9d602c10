//! The commas between the elements of a streamed array.

use bytes::Bytes;

use super::{Framing, array};

/// Keeps the array whole when elements are left out or put in: the first that goes out has no comma
/// before it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Commas {
    /// The framing has such.
    needed: bool,
    opened: bool,
    /// An element has gone out.
    goes_on: bool,
}

impl Commas {
    pub(crate) fn new(framing: Framing) -> Self {
        Self { needed: framing == Framing::JsonArray, opened: false, goes_on: false }
    }

    /// One event or several, as they go out.
    pub(crate) fn placed(&mut self, out: Bytes) -> Bytes {
        if !self.needed || self.goes_on {
            return out;
        }
        let text = out.trim_ascii_start();
        if text.is_empty() {
            return out;
        }
        if !self.opened && array::is_opening(&out) {
            self.opened = true;
            return out;
        }
        self.goes_on = true;
        match text.strip_prefix(b",") {
            Some(rest) => {
                let space = out.get(..out.len() - text.len()).unwrap_or_default();
                [space, rest].concat().into()
            }
            None => out,
        }
    }
}
