//! What is only observed of an exchange: listed, and tried out on a copy.

use std::sync::Arc;

use http::header::{CONTENT_LENGTH, HeaderMap, UPGRADE};
use http::response;

use super::{Exchange, scoped, target};
use crate::audit::{self, Applied, Counter};
use crate::countermeasure::Tally;
use crate::countermeasure::watermark::Caller;
use crate::layer::applied::{Tried, note, observe};
use crate::layer::budget::Held;
use crate::layer::copied::{Copied, Copying};
use crate::layer::dry_run::{DryRun, Prepared, has_something_to_try};
use crate::layer::estimate::{Estimate, estimated_tokens};
use crate::layer::head::Readable;
use crate::policy::Countermeasure;
use crate::policy::plan::{Mode, Plan, observed};
use crate::wire::{Protocol, Request};

impl Exchange {
    /// Notes what would have been done to an exchange to which nothing is done. What takes a copy of
    /// its body is given back.
    pub(in crate::layer) fn observe(&mut self, headers: &HeaderMap) -> Option<Copying> {
        let length = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok());
        let bytes = length.and_then(|length| length.parse().ok()).unwrap_or_default();
        let estimate = Estimate { input_tokens: estimated_tokens(bytes), output_cap: None };
        self.note_observed(!self.scoped_by_model);
        // Nothing is enforced, so nothing can be refused or waited for.
        let _admitted = self.admit(estimate);
        if !self.has_to_try() {
            return None;
        }
        if !self.sampled {
            self.tried(Tally::default(), audit::DryRun::NotSampled);
            return None;
        }
        if self.unreadable_by_head(headers).is_some() {
            self.would_refuse();
            return None;
        }
        self.tried(Tally::default(), audit::DryRun::RequestUnread);
        // Nobody knows what is said behind a change of protocol.
        let copied = !headers.contains_key(UPGRADE);
        self.copy = copied.then(|| Copying::new(self.body_cap(), self.spare()));
        self.copy.clone()
    }

    /// Whether there is something that is only observed, of which a dry run can tell more.
    fn has_to_try(&self) -> bool {
        let Plan { refuse, .. } = &*self.decision.plan;
        let depends = self.scoped_by_model && observed(refuse).is_some();
        self.protocol.is_some() && (depends || has_something_to_try(&self.decision.plan))
    }

    /// A dry run has come so far.
    fn tried(&mut self, tally: Tally, outcome: audit::DryRun) {
        self.guard.tries(Arc::clone(&self.decision.plan), Tried { tally, outcome });
    }

    /// Room for what can be done without.
    fn spare(&self) -> Held {
        Held::dispensable(Arc::clone(&self.shared.budget), self.subjects.account)
    }

    /// The request would not have been read, or not have been let through as it is.
    fn would_refuse(&mut self) {
        let plan = Arc::clone(&self.decision.plan);
        let reading = [
            Countermeasure::SideChannels,
            Countermeasure::Reasoning,
            Countermeasure::Downgrade,
            Countermeasure::Watermark,
        ];
        let mut reading = reading.into_iter().chain(Countermeasure::ALL);
        let by = reading.find(|named| named.mode_in(&plan) == Some(Mode::Observe));
        if let Some((record, by)) = self.guard.record().zip(by) {
            note(&mut record.observed, by, Counter::RequestsRefused);
        }
        self.tried(Tally::default(), audit::DryRun::Complete);
    }

    /// What a dry run makes of a request, or nothing if it would be refused.
    fn try_request(
        &mut self,
        protocol: &'static dyn Protocol,
        request: &Request,
    ) -> Option<Prepared> {
        let caller =
            self.live.marks.as_deref().and_then(|marks| Caller::of(marks, &self.assessment));
        match Prepared::new(&self.decision.plan, protocol, request, caller) {
            Ok(prepared) => {
                self.tried(prepared.tally, audit::DryRun::Complete);
                Some(prepared)
            }
            Err(_) => {
                self.would_refuse();
                None
            }
        }
    }

    /// The same of the copy that was taken of it.
    pub(super) fn try_copied(&mut self) -> Option<Prepared> {
        let (copy, protocol) = self.copy.take().zip(self.protocol)?;
        let body = match copy.copied() {
            Copied::Whole(body) => body,
            Copied::Part => return None,
            Copied::TooLong => {
                self.would_refuse();
                return None;
            }
        };
        let Ok(request) = protocol.scan_request(target(&self.method, &self.uri), &body) else {
            self.would_refuse();
            return None;
        };
        let request = request.addressed(self.live.server);
        if let Some(record) = self.guard.record() {
            record.stream = request.stream;
        }
        self.decision = scoped(&self.decision, &request);
        if self.scoped_by_model {
            self.note_observed(true);
        }
        if !has_something_to_try(&self.decision.plan) {
            self.tried(Tally::default(), audit::DryRun::Complete);
            return None;
        }
        self.try_request(protocol, &request)
    }

    /// What tries out the answer with this head.
    pub(super) fn try_answer(
        &mut self,
        readable: Readable,
        head: &response::Parts,
    ) -> Option<Box<DryRun>> {
        let prepared = self.prepared.take().or_else(|| self.try_copied())?;
        let turn = self.observed_turn.take();
        let Self { live, subjects, decision, now, .. } = &*self;
        let pace = observed(&decision.plan.pace);
        let pacing = pace.map(|pace| subjects.pacing(&live.keys.delay, pace, turn, *now));
        let (caps, room) = (&live.caps, self.spare());
        let (tried, dry_run) =
            prepared.answered(self.protocol?, (readable, head), pacing, caps, room);
        self.guard.tries(Arc::clone(&self.decision.plan), tried);
        dry_run
    }

    /// Tries out what is only observed of a request that has been read for what is carried out.
    pub(super) fn observe_read(&mut self, protocol: &'static dyn Protocol, request: &Request) {
        if !self.has_to_try() {
            return;
        }
        if self.sampled {
            self.prepared = self.try_request(protocol, request);
        } else {
            self.tried(Tally::default(), audit::DryRun::NotSampled);
        }
    }

    /// Lists the countermeasures that the plan only observes. `is_certain` if it is known to apply.
    pub(super) fn note_observed(&mut self, is_certain: bool) {
        let listed = Countermeasure::ALL
            .into_iter()
            .filter(|named| named.mode_in(&self.decision.plan) == Some(Mode::Observe))
            .map(|countermeasure| Applied::new(countermeasure, audit::Counts::default()))
            .collect();
        let refused = is_certain && observed(&self.decision.plan.refuse).is_some();
        if let Some(record) = self.guard.record() {
            let before = std::mem::replace(&mut record.observed, listed);
            observe(&mut record.observed, &self.decision.plan, before);
            if refused {
                note(&mut record.observed, Countermeasure::Refuse, Counter::RequestsRefused);
            }
        }
    }
}
