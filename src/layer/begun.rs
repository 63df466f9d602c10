//! Events and documents that begin to go out before their end has come.
//!
//! One that shows a long picture is not held for it. What stands before the picture goes out once it is
//! certain what becomes of it; the picture follows as it comes. When the end has come, all but the picture
//! is rewritten as if nothing had gone out: what has must be its beginning, or the answer breaks.

use bytes::Bytes;

use super::outcome::Rewritten;
use super::rewrite::ResponseRewriter;
use crate::secret::opaque_debug;
use crate::wire::framing::Framing;
use crate::wire::{Scan, json};

/// What of an event or document went out, without the data that flowed.
#[derive(Default)]
pub(super) struct Begun {
    out: Vec<u8>,
    /// What makes a whole event of it.
    end: Vec<u8>,
}

opaque_debug!(Begun);

impl Begun {
    pub(super) fn new(out: Vec<u8>, end: Vec<u8>) -> Self {
        Self { out, end }
    }

    /// Whether anything did.
    pub(super) fn has_begun(&self) -> bool {
        !self.out.is_empty()
    }

    /// Takes over what would go out by now: what of it has not.
    pub(super) fn go_on(&mut self, later: Self) -> Option<Bytes> {
        let new = later.out.strip_prefix(self.out.as_slice())?.to_vec();
        *self = later;
        Some(new.into())
    }

    /// What is left to go out of the whole, if that begins with what has.
    pub(super) fn rest(&mut self, whole: Bytes) -> Option<Bytes> {
        if !self.has_begun() {
            return Some(whole);
        }
        let rest = whole.starts_with(&self.out).then(|| whole.slice(self.out.len()..))?;
        *self = Self::default();
        Some(rest)
    }

    /// What ends an event that will not be whole.
    pub(super) fn abandon(&mut self) -> Vec<u8> {
        std::mem::take(self).end
    }

    /// Bytes held.
    pub(super) fn held(&self) -> usize {
        self.out.capacity()
    }
}

/// What becomes of JSON of which the end, from `cut` on, has not come, if that is certain: `cut` stands in
/// a string that may hold data of any length, and no text that would be edited is said before it. What has
/// to go out before an event, in this framing, goes to `ahead`.
pub(super) fn beginning(
    payload: &[u8],
    cut: usize,
    rewriter: &mut ResponseRewriter,
    ahead: Option<(Framing, &mut Vec<u8>)>,
    scan: impl FnOnce(&[u8], &mut Scan) -> Result<(), json::Error>,
) -> Option<Rewritten> {
    let mut found = Scan::default();
    scan(payload, &mut found).ok()?;
    if !found.is_certain_before(cut) {
        return None;
    }
    if let Some((framing, ahead)) = ahead {
        rewriter.carry_ahead(&found, framing, ahead).ok()?;
    }
    rewriter.foresee(payload, &found, cut)
}
