//! Writing back, in the conversation that a request repeats, answers that were marked.
//!
//! It comes before everything else that is decided about a body, and whatever is done to its caller
//! now: a conversation in which answers were marked goes on when its caller has come clear.

use std::sync::Arc;

use bytes::Bytes;
use tokio::time::Instant;

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
        let now = Instant::now();
        let mut conversation = self.originals.conversation(self.owner);
        let mut edits = Vec::new();
        let scanned = self.protocol.scan_history(&body, &mut |said| {
            edits.extend(follow(&mut conversation, &body, said, now));
        });
        if scanned.is_err() {
            edits.clear();
        }
        Restored {
            texts: edits.len() as u64,
            place: conversation.place(),
            body: if edits.is_empty() { body } else { splice(&body, &mut edits).into() },
        }
    }
}

fn follow(
    conversation: &mut Conversation<'_>,
    body: &[u8],
    said: Said,
    now: Instant,
) -> Option<Edit> {
    // What cannot be decoded was never marked.
    let decoded = |text: &Text| unescape(body.get(text.span.clone()).unwrap_or_default()).ok();
    match said {
        Said::Answer(text) => {
            let original = conversation.answer(&decoded(&text)?, now)?;
            Some(Edit::text(text.span, &original))
        }
        Said::Other(text) => {
            conversation.other(&decoded(&text)?);
            None
        }
        Said::End => {
            conversation.end();
            None
        }
    }
}
