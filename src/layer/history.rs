//! Writing back, in the conversation that a request repeats, what was done to the answers in it: marks
//! are undone, and sealed reasoning is opened.
//!
//! It comes before everything else that is decided about a body, and whatever is done to its caller
//! now: a conversation goes on when its caller has come clear.

use std::ops::Range;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::HeaderMap;
use tokio::time::Instant;

use super::head::can_be_read;
use super::unmarking::{Unmarked, unmark};
use super::unsealing::unseal;
use crate::countermeasure::originals::{Memory, Originals, Owner, Place};
use crate::countermeasure::seal::{Opener, SealHolder, SealKeys};
use crate::countermeasure::{OpenedIndex, RepeatGuard};
use crate::risk::Principal;
use crate::secret::opaque_debug;
use crate::wire::json::{Edit, splice, unescape};
use crate::wire::{Counted, CountedPlace, Protocol, Request};

/// A request's conversation, and whose it is.
#[derive(Clone, Debug)]
pub(super) struct History {
    protocol: &'static dyn Protocol,
    /// Where the answers of its principal are remembered, if any of them may be in it.
    marked: Option<(Arc<Originals>, Owner)>,
    /// What opens the principal's blobs, if any may be in it.
    sealed: Option<SealHolder>,
    /// It is only counted.
    counts: bool,
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

opaque_debug!(Restored, WrittenBack);

impl RestoredTally {
    /// Whether the body is another than the client's.
    pub(super) fn is_changed(&self) -> bool {
        *self != Self::default()
    }

    fn add(&mut self, Self { texts, opened, dropped }: Self) {
        self.texts += texts;
        self.opened += opened;
        self.dropped += dropped;
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
        let Self { marked, sealed, counts, .. } = Self::new(known, principal, protocol);
        let knows =
            |(originals, owner): &(Arc<Originals>, Owner)| originals.knows(*owner, Instant::now());
        let marked = marked.filter(knows);
        (marked.is_some() || sealed.is_some()).then_some(Self { protocol, marked, sealed, counts })
    }

    pub(super) fn new(
        Known { originals, seals }: Known<'_>,
        principal: &Principal,
        protocol: &'static dyn Protocol,
    ) -> Self {
        let tenant = principal.tenant.as_ref().map(|tenant| tenant.as_str());
        let owner = originals.owner(tenant, principal.account.as_str());
        let sealed = seals.map(|keys| SealHolder::new(keys, principal));
        let marked = Some((Arc::clone(originals), owner));
        Self { protocol, marked, sealed, counts: false }
    }

    /// The same, if what it asks for is only a count.
    pub(super) fn counting(self, counts: bool) -> Self {
        Self { counts, ..self }
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
        let WrittenBack { mut edits, mut tally, place, index } =
            self.write_back(self.protocol, &body, |body| asked(body));
        let guard = (!index.is_empty()).then(|| RepeatGuard::new(Arc::new(index)));
        if self.counts {
            edits.extend(self.write_back_counted(&body, &mut tally));
        }
        let body = if edits.is_empty() { body } else { splice(&body, &mut edits).into() };
        Restored { body, tally, place, guard }
    }

    /// What is written back of one request.
    fn write_back(
        &self,
        protocol: &dyn Protocol,
        body: &Bytes,
        asked: impl FnOnce(&Bytes) -> Option<String>,
    ) -> WrittenBack {
        let unmarked = self
            .marked
            .as_ref()
            .map(|(originals, owner)| unmark(protocol, body, originals.conversation(*owner)));
        let Unmarked { mut edits, texts, place } = unmarked.unwrap_or_default();
        let mut index = OpenedIndex::default();
        let mut tally = RestoredTally { texts, ..RestoredTally::default() };
        if let Some(holder) = self.sealed.as_ref().filter(|_| Opener::may_open(body)) {
            let unsealed = unseal(protocol, body, &Opener::new(holder.clone(), asked(body)));
            edits.extend(unsealed.edits);
            (tally.opened, tally.dropped) = (unsealed.opened, unsealed.dropped);
            index = unsealed.index;
        }
        WrittenBack { edits, tally, place, index }
    }

    /// The same of the requests that stand in one for a count of tokens. No blob opens there, as in any
    /// that only counts: how long it is would be told.
    fn write_back_counted(&self, body: &Bytes, tally: &mut RestoredTally) -> Vec<Edit> {
        let mut edits = Vec::new();
        let scanned = self.protocol.scan_counted(body, &mut |Counted { protocol, place }| {
            let stands = |span: &Range<usize>| body.get(span.clone()).unwrap_or_default();
            let request = match &place {
                CountedPlace::Value(span) => Some(body.slice(span.clone())),
                CountedPlace::Base64(span) => {
                    let text = unescape(stands(span)).ok();
                    text.and_then(|text| STANDARD.decode(text.as_bytes()).ok()).map(Bytes::from)
                }
            };
            let Some(request) = request else { return };
            let mut back = self.write_back(protocol, &request, |_| None);
            if back.edits.is_empty() {
                return;
            }
            tally.add(back.tally);
            let with = splice(&request, &mut back.edits);
            edits.push(match place {
                CountedPlace::Value(span) => Edit { span, with },
                CountedPlace::Base64(span) => Edit::text(span, &STANDARD.encode(with)),
            });
        });
        if scanned.is_err() {
            edits.clear();
        }
        edits
    }
}

/// What is written back of a request.
struct WrittenBack {
    edits: Vec<Edit>,
    tally: RestoredTally,
    /// The place of its answer.
    place: Place,
    /// What was opened.
    index: OpenedIndex,
}

/// The model that a request names, if no server could take it to name another; empty if it names none.
pub(super) fn certain_model(request: &Request) -> Option<&str> {
    let first = request.models.first().map_or(Some(""), |model| model.name.as_deref())?;
    let same = request.models.iter().all(|model| model.name.as_deref() == Some(first));
    (same || request.models.is_empty()).then_some(first).filter(|_| request.ambiguous.is_none())
}
