//! Writing back, in the conversation that a request repeats, answers that were marked.
//!
//! It comes before everything else that is decided about a body, and whatever is done to its caller
//! now: a conversation in which answers were marked goes on when its caller has come clear.

use std::sync::Arc;

use bytes::Bytes;
use http::HeaderMap;
use tokio::time::Instant;

use super::head::can_be_read;
use crate::countermeasure::originals::{Conversation, Memory, Originals, Owner, Place};
use crate::risk::Principal;
use crate::secret::opaque_debug;
use crate::wire::json::{Edit, Text, splice, unescape};
use crate::wire::{Protocol, Said};

/// A request's conversation, and whose it is.
#[derive(Clone, Debug)]
pub(super) struct History {
    originals: Arc<Originals>,
    owner: Owner,
    protocol: &'static dyn Protocol,
}

/// A body with its conversation as the upstream knows it.
pub(super) struct Restored {
    /// The client's own bytes if nothing was marked.
    pub(super) body: Bytes,
    /// How many texts were written back.
    pub(super) texts: u64,
    /// The place of the answer that the body asks for.
    pub(super) place: Place,
}

opaque_debug!(Restored);

impl History {
    /// What a request repeats that can be read for it, by its head, and that may hold anything to be put
    /// back. Most requests go on unread here.
    pub(super) fn repeated(
        originals: &Arc<Originals>,
        principal: &Principal,
        protocol: Option<&'static dyn Protocol>,
        headers: &HeaderMap,
        cap: usize,
    ) -> Option<Self> {
        let known = Self::known(originals, principal, protocol?)?;
        can_be_read(headers, cap).then_some(known)
    }

    /// The conversation of a principal of whom any answer is remembered.
    pub(super) fn known(
        originals: &Arc<Originals>,
        principal: &Principal,
        protocol: &'static dyn Protocol,
    ) -> Option<Self> {
        let history = originals.is_used().then(|| Self::new(originals, principal, protocol))?;
        originals.knows(history.owner, Instant::now()).then_some(history)
    }

    pub(super) fn new(
        originals: &Arc<Originals>,
        principal: &Principal,
        protocol: &'static dyn Protocol,
    ) -> Self {
        let tenant = principal.tenant.as_ref().map(|tenant| tenant.as_str());
        let owner = originals.owner(tenant, principal.account.as_str());
        Self { originals: Arc::clone(originals), owner, protocol }
    }

    /// Where the answer is remembered that is given in a place of it.
    pub(super) fn memory(&self, place: Place) -> Memory {
        Memory::new(Arc::clone(&self.originals), self.owner, place)
    }

    /// Writes back what was marked. A body that cannot be read stays as it is.
    pub(super) fn restore(&self, body: Bytes) -> Restored {
        let mut marked = MarkRestorer {
            conversation: self.originals.conversation(self.owner),
            now: Instant::now(),
        };
        let mut restorers: [&mut dyn Restorer; 1] = [&mut marked];
        let mut edits = Vec::new();
        let scanned = self.protocol.scan_history(&body, &mut |said| {
            // Each follows all of the conversation; the first that knows a text puts it back.
            let restored = restorers.iter_mut().fold(None, |restored: Option<Edit>, restorer| {
                let own = restorer.follow(&body, &said);
                restored.or(own)
            });
            edits.extend(restored);
        });
        if scanned.is_err() {
            edits.clear();
        }
        Restored {
            texts: edits.len() as u64,
            place: marked.conversation.place(),
            body: if edits.is_empty() { body } else { splice(&body, &mut edits).into() },
        }
    }
}

/// Puts back what one of the ways changed in which answers are changed.
trait Restorer {
    /// What the conversation says next: what is to stand in its place, if it was changed.
    fn follow(&mut self, body: &[u8], said: &Said) -> Option<Edit>;
}

/// Puts back what was marked.
struct MarkRestorer<'o> {
    conversation: Conversation<'o>,
    now: Instant,
}

impl Restorer for MarkRestorer<'_> {
    fn follow(&mut self, body: &[u8], said: &Said) -> Option<Edit> {
        // What cannot be decoded was never marked.
        let decoded = |text: &Text| unescape(body.get(text.span.clone()).unwrap_or_default()).ok();
        match said {
            Said::Answer(text) => {
                let original = self.conversation.answer(&decoded(text)?, self.now)?;
                Some(Edit::text(text.span.clone(), &original))
            }
            Said::Other(text) => {
                self.conversation.other(&decoded(text)?);
                None
            }
            Said::End => {
                self.conversation.end();
                None
            }
        }
    }
}
