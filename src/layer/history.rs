//! Writing back, in the conversation that a request repeats, what was done to the answers in it: marks
//! are undone, and sealed reasoning is opened.
//!
//! It comes before everything else that is decided about a body, and whatever is done to its caller
//! now: a conversation goes on when its caller has come clear.

use std::sync::Arc;

use bytes::Bytes;
use http::HeaderMap;
use tokio::time::Instant;

use super::head::can_be_read;
use super::unmarking::{Unmarked, unmark};
use super::unsealing::{Unsealed, unseal};
use crate::countermeasure::RepeatGuard;
use crate::countermeasure::originals::{Memory, Originals, Owner, Place};
use crate::countermeasure::seal::{Opener, SealHolder, SealKeys};
use crate::risk::Principal;
use crate::secret::opaque_debug;
use crate::wire::json::splice;
use crate::wire::{Protocol, Request};

/// A request's conversation, and whose it is.
#[derive(Clone, Debug)]
pub(super) struct History {
    protocol: &'static dyn Protocol,
    /// Where the answers of its principal are remembered, if any of them may be in it.
    marked: Option<(Arc<Originals>, Owner)>,
    /// What opens the principal's blobs, if any may be in it.
    sealed: Option<SealHolder>,
}

/// What is known of earlier answers.
#[derive(Clone, Copy)]
pub(super) struct Known<'k> {
    pub(super) originals: &'k Arc<Originals>,
    /// The keys of blobs, where any may come.
    pub(super) seals: Option<&'k Arc<SealKeys>>,
}

opaque_debug!(Known<'_>);

/// A body with its conversation as the upstream knows it.
pub(super) struct Restored {
    /// The client's own bytes if nothing was changed.
    pub(super) body: Bytes,
    /// What was written back.
    pub(super) tally: RestoredTally,
    /// The place of the answer that the body asks for.
    pub(super) place: Place,
    /// What was opened of it, which its answer may not repeat.
    pub(super) guard: Option<RepeatGuard>,
}

/// What was written back of a body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct RestoredTally {
    /// Texts whose marks were undone.
    pub(super) texts: u64,
    /// Blocks that were opened.
    pub(super) opened: u64,
    /// Blocks that were left out.
    pub(super) dropped: u64,
}

opaque_debug!(Restored);

impl RestoredTally {
    /// Whether the body is another than the client's.
    pub(super) fn is_changed(&self) -> bool {
        *self != Self::default()
    }
}

impl History {
    /// What a request repeats that can be read for it, by its head, and that may hold anything to be put
    /// back. Most requests go on unread here.
    pub(super) fn repeated(
        known: Known<'_>,
        principal: &Principal,
        protocol: Option<&'static dyn Protocol>,
        headers: &HeaderMap,
        cap: usize,
    ) -> Option<Self> {
        let known = Self::known(known, principal, protocol?)?;
        can_be_read(headers, cap).then_some(known)
    }

    /// The conversation of a principal of whom any answer is remembered, or any blob may come.
    pub(super) fn known(
        known: Known<'_>,
        principal: &Principal,
        protocol: &'static dyn Protocol,
    ) -> Option<Self> {
        let Known { originals, seals } = known;
        if !originals.is_used() && seals.is_none() {
            return None;
        }
        let Self { marked, sealed, .. } = Self::new(known, principal, protocol);
        let knows =
            |(originals, owner): &(Arc<Originals>, Owner)| originals.knows(*owner, Instant::now());
        let marked = marked.filter(knows);
        (marked.is_some() || sealed.is_some()).then_some(Self { protocol, marked, sealed })
    }

    pub(super) fn new(
        Known { originals, seals }: Known<'_>,
        principal: &Principal,
        protocol: &'static dyn Protocol,
    ) -> Self {
        let tenant = principal.tenant.as_ref().map(|tenant| tenant.as_str());
        let owner = originals.owner(tenant, principal.account.as_str());
        let sealed = seals.map(|keys| SealHolder::new(keys, principal));
        Self { protocol, marked: Some((Arc::clone(originals), owner)), sealed }
    }

    /// Where the answer is remembered that is given in a place of it.
    pub(super) fn memory(&self, place: Place) -> Option<Memory> {
        let (originals, owner) = self.marked.as_ref()?;
        Some(Memory::new(Arc::clone(originals), *owner, place))
    }

    /// Writes back what was changed. A body that cannot be read stays as it is. `asked` tells which
    /// model is asked, if that is certain, and is only called for a body that may hold a blob.
    pub(super) fn restore(
        &self,
        body: Bytes,
        asked: impl FnOnce(&Bytes) -> Option<String>,
    ) -> Restored {
        let unmarked = self
            .marked
            .as_ref()
            .map(|(originals, owner)| unmark(self.protocol, &body, originals.conversation(*owner)));
        let Unmarked { mut edits, texts, place } = unmarked.unwrap_or_default();
        let mut guard = None;
        let mut tally = RestoredTally { texts, ..RestoredTally::default() };
        if let Some(holder) = self.sealed.as_ref().filter(|_| Opener::may_open(&body)) {
            let opener = Opener::new(holder.clone(), asked(&body));
            let unsealed = unseal(self.protocol, &body, &opener);
            let Unsealed { edits: opened, opened: count, dropped, index } = unsealed;
            edits.extend(opened);
            (tally.opened, tally.dropped) = (count, dropped);
            guard = (!index.is_empty()).then(|| RepeatGuard::new(Arc::new(index)));
        }
        let body = if edits.is_empty() { body } else { splice(&body, &mut edits).into() };
        Restored { body, tally, place, guard }
    }
}

/// The model that a request names, if no server could take it to name another; empty if it names none.
pub(super) fn certain_model(request: &Request) -> Option<&str> {
    let first = request.models.first().map_or(Some(""), |model| model.name.as_deref())?;
    let same = request.models.iter().all(|model| model.name.as_deref() == Some(first));
    (same || request.models.is_empty()).then_some(first).filter(|_| request.ambiguous.is_none())
}
