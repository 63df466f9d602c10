//! What is to be done to an answer that is read again.

use std::sync::Arc;

use super::{ResponseEdits, request};
use crate::countermeasure::stored::StoredAnswers;
use crate::countermeasure::watermark::Caller;
use crate::countermeasure::{Renamed, RepeatGuard};
use crate::policy::plan::{Keep, Plan, enforced};
use crate::wire::json::unescape_lossy;
use crate::wire::{Protocol, Request, Scan};

/// The most bytes of a request's names that are remembered with a decision. Without them more is closed.
const NAMES: usize = 4096;

/// What a decision takes beside them.
const EDITS: usize = 512;

/// Bytes of an id as it is written, where nothing else tells it from other texts.
const LONGEST_ID: usize = 1024;

impl ResponseEdits {
    /// What `plan` does to an answer that was given before and of which nothing is known: its request is
    /// taken for one that could steer its model, and the model that answered is not named.
    #[must_use]
    pub fn of_unknown(
        plan: &Plan,
        protocol: &dyn Protocol,
        request: &Request,
        caller: Option<Caller<'_>>,
    ) -> Self {
        let marked = enforced(&plan.watermark)
            .zip(caller)
            .and_then(|(settings, caller)| request::lexical(settings, &caller, protocol, request));
        let hidden = enforced(&plan.downgrade).filter(|it| !it.disclose);
        let rename = hidden
            .and_then(|settings| settings.of_unnamed())
            .map(|from| Renamed { from: from.to_owned(), to: String::new() });
        Self { marked, rename, steered: true, ..Self::new(plan, request, false) }
    }

    /// The same, remembered for those who read the answer later.
    #[must_use]
    pub fn kept_in(mut self, stored: &Arc<StoredAnswers>) -> Self {
        if !self.changes_answer() {
            return self;
        }
        let mut kept = Self { kept_in: None, kept: None, ..self.clone() };
        kept.guard = kept.guard.map(|guard| guard.afresh());
        if kept.names() > NAMES {
            (kept.tools, kept.stops) = (Vec::new(), Vec::new());
        }
        self.kept = Some(Arc::new(kept));
        self.kept_in = Some(Arc::clone(stored));
        self
    }

    /// What is done to what an answer was given to: nothing of it is new to whom it was said, so that
    /// all that the model said in it is withheld.
    #[must_use]
    pub fn of_input(self) -> Self {
        let close_leaks = Some(self.close_leaks.unwrap_or_default());
        Self { keep: Some(Keep::None), close_leaks, marked: None, kept_in: None, ..self }
    }

    /// The same where it holds something about which more was decided than nothing.
    #[must_use]
    pub fn of_known(self, stored: &Arc<StoredAnswers>) -> Self {
        Self { of_known: Some(Arc::clone(stored)), ..self }
    }

    /// Whether what is done depends on the ids in what comes.
    #[must_use]
    pub fn waits_for_ids(&self) -> bool {
        self.of_known.is_some()
    }

    /// Whether it is done to what was found.
    #[must_use]
    pub fn concerns(&self, payload: &[u8], scan: &Scan) -> bool {
        self.of_known
            .as_ref()
            .is_none_or(|stored| ids(payload, scan).any(|id| stored.find(&id).is_some()))
    }

    /// The same of what could not be read: any of its strings may be an id.
    #[must_use]
    pub(crate) fn concerns_unread(&self, payload: &[u8]) -> bool {
        let Some(stored) = &self.of_known else { return true };
        let mut strings = payload.split(|byte| *byte == b'"').filter(|it| it.len() <= LONGEST_ID);
        strings.any(|it| stored.find(&unescape_lossy(it)).is_some())
    }

    /// Remembers it by the ids that were found.
    pub fn remember_by(&self, payload: &[u8], scan: &Scan) {
        let Some((stored, kept)) = self.kept_in.as_ref().zip(self.kept.as_ref()) else { return };
        for id in ids(payload, scan) {
            let bytes = if Arc::strong_count(kept) == 1 { kept.more() + kept.names() } else { 0 };
            stored.remember(&id, kept, bytes);
        }
    }

    /// Bytes of the names that it has of its request's.
    fn names(&self) -> usize {
        self.tools.iter().chain(&self.stops).map(String::len).sum()
    }

    /// Bytes that it takes beside them.
    fn more(&self) -> usize {
        EDITS + self.guard.as_ref().map_or(0, RepeatGuard::bytes)
    }
}

fn ids<'s>(payload: &'s [u8], scan: &'s Scan) -> impl Iterator<Item = String> + 's {
    scan.ids.iter().filter_map(|span| payload.get(span.clone())).map(unescape_lossy)
}
