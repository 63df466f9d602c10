//! What is only observed of an exchange, and what other arms of an experiment would do: listed, and
//! tried out on a copy.

use std::sync::Arc;

use http::header::{CONTENT_LENGTH, HeaderMap, UPGRADE};
use http::response;

use super::{Exchange, Trying, scoped, target};
use crate::audit::{Counter, DryRun};
use crate::countermeasure::Tally;
use crate::countermeasure::seal::{SealHolder, Sealer};
use crate::countermeasure::watermark::Caller;
use crate::layer::applied::{Tried, note, observe};
use crate::layer::budget::Held;
use crate::layer::copied::{Copied, Copying};
use crate::layer::dry_run::{Prepared, has_something_to_try};
use crate::layer::dry_runs::DryRuns;
use crate::layer::estimate::{Estimate, estimated_tokens};
use crate::layer::head::Readable;
use crate::layer::trials::{Tries, listed};
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
        let plans = self.plans_to_try();
        if plans.is_empty() {
            return None;
        }
        if self.unreadable_by_head(headers).is_some() {
            plans.iter().for_each(|(tries, plan)| self.would_refuse(tries, plan));
            return None;
        }
        for (tries, plan) in &plans {
            self.tried(tries, plan, Tally::default(), DryRun::RequestUnread);
        }
        // Nobody knows what is said behind a change of protocol.
        let copied = !headers.contains_key(UPGRADE);
        self.copy = copied.then(|| Copying::new(self.body_cap(), self.spare()));
        self.copy.clone()
    }

    /// The plans that are tried out in this exchange; those that are not drawn are noted as such.
    fn plans_to_try(&mut self) -> Vec<(Tries, Arc<Plan>)> {
        let mut plans = Vec::new();
        if self.protocol.is_none() || self.recalled.is_some() {
            return plans;
        }
        let own = (Tries::Observed, &self.decision, self.sampled, self.scoped_by_model);
        let others = self.others.iter().map(|(arm, other)| {
            (Tries::Arm(Arc::clone(arm)), other, self.is_read, other.depends_on_models())
        });
        let all = [own].into_iter().chain(others).map(|(tries, decision, sampled, is_open)| {
            (tries, Arc::clone(&decision.plan), sampled, is_open)
        });
        for (tries, plan, sampled, is_open) in all.collect::<Vec<_>>() {
            let depends = is_open && observed(&plan.refuse).is_some();
            if !depends && !has_something_to_try(&plan) {
                continue;
            }
            if sampled {
                plans.push((tries, plan));
            } else {
                self.tried(&tries, &plan, Tally::default(), DryRun::NotSampled);
            }
        }
        if plans.is_empty() && self.is_read {
            plans.push((Tries::Tokens, Arc::default()));
        }
        plans
    }

    /// A dry run has come so far.
    fn tried(&mut self, tries: &Tries, plan: &Arc<Plan>, tally: Tally, outcome: DryRun) {
        self.guard.tries(tries, plan, Tried { tally, outcome });
    }

    /// Room for what can be done without.
    fn spare(&self) -> Held {
        Held::dispensable(Arc::clone(&self.shared.budget), self.subjects.account)
    }

    /// The request would not have been read, or not have been let through as it is.
    fn would_refuse(&mut self, tries: &Tries, plan: &Arc<Plan>) {
        let reading = [
            Countermeasure::SideChannels,
            Countermeasure::Reasoning,
            Countermeasure::Downgrade,
            Countermeasure::Watermark,
        ];
        let mut reading = reading.into_iter().chain(Countermeasure::ALL);
        let by = reading.find(|named| named.mode_in(plan) == Some(Mode::Observe));
        if let Some((record, by)) = self.guard.record().zip(by) {
            let list = match tries {
                Tries::Observed => &mut record.observed,
                Tries::Arm(arm) => record.other_arms.entry(arm.to_string()).or_default(),
                Tries::Tokens => return,
            };
            note(list, by, Counter::RequestsRefused);
        }
        self.tried(tries, plan, Tally::default(), DryRun::Complete);
    }

    /// What a dry run makes of a request, or nothing if it would be refused.
    fn try_request(
        &mut self,
        tries: Tries,
        plan: Arc<Plan>,
        protocol: &'static dyn Protocol,
        request: &Request,
    ) -> Option<Trying> {
        if tries == Tries::Tokens {
            return Some(Trying { tries, plan, prepared: Prepared::reading() });
        }
        let caller =
            self.live.marks.as_deref().and_then(|marks| Caller::of(marks, &self.assessment));
        let arm = self.decision.arm.as_deref();
        let caller = caller.map(|caller| Caller { arm, ..caller });
        match Prepared::new(&plan, protocol, request, caller) {
            Ok(prepared) => {
                let prepared = prepared.sealed_by(self.would_seal(&plan, protocol));
                self.tried(&tries, &plan, prepared.tally, DryRun::Complete);
                Some(Trying { tries, plan, prepared })
            }
            Err(_) => {
                self.would_refuse(&tries, &plan);
                None
            }
        }
    }

    /// What would seal the reasoning of the answer. Nothing of it goes out, so that it does not matter
    /// for which model or conversation.
    fn would_seal(&self, plan: &Plan, protocol: &dyn Protocol) -> Option<Sealer> {
        let settings = observed(&plan.reasoning)?.seal.as_ref()?;
        let holder = SealHolder::new(&self.live.keys.seal, &self.assessment.principal);
        let in_strings = settings.in_strings.then(|| protocol.string_carrier()).flatten();
        Some(Sealer::new(holder, settings, Some(""), None).in_strings(in_strings))
    }

    /// The same of the copy that was taken of it.
    pub(super) fn try_copied(&mut self) -> Vec<Trying> {
        let Some((copy, protocol)) = self.copy.take().zip(self.protocol) else { return Vec::new() };
        let body = match copy.copied() {
            Copied::Whole(body) => Some(body),
            Copied::Part => return Vec::new(),
            Copied::TooLong => None,
        };
        let request = body
            .and_then(|body| protocol.scan_request(target(&self.method, &self.uri), &body).ok());
        let Some(request) = request else {
            let plans = self.plans_to_try();
            plans.iter().for_each(|(tries, plan)| self.would_refuse(tries, plan));
            return Vec::new();
        };
        let request = request.addressed(self.live.server);
        if let Some(record) = self.guard.record() {
            record.stream = request.stream;
        }
        self.decision = scoped(&self.decision, &request);
        self.scope_others(&request);
        if self.scoped_by_model {
            self.note_observed(true);
        }
        self.try_plans(protocol, &request)
    }

    /// Tries out a request that has been read for what is carried out.
    pub(super) fn observe_read(&mut self, protocol: &'static dyn Protocol, request: &Request) {
        self.scope_others(request);
        self.trying = self.try_plans(protocol, request);
    }

    fn try_plans(&mut self, protocol: &'static dyn Protocol, request: &Request) -> Vec<Trying> {
        let (drawn, mut trying) = (self.plans_to_try(), Vec::new());
        for (tries, plan) in drawn {
            if tries != Tries::Tokens && !has_something_to_try(&plan) {
                self.tried(&tries, &plan, Tally::default(), DryRun::Complete);
            } else if let Some(tried) = self.try_request(tries, plan, protocol, request) {
                trying.push(tried);
            }
        }
        trying
    }

    /// The other arms' decisions, once the request's models are known.
    fn scope_others(&mut self, request: &Request) {
        for (arm, other) in &mut self.others {
            *other = scoped(other, request);
            if other.plan.is_empty() {
                // Another model is asked for than that arm's policy governs.
                let record = self.guard.record();
                let list = record.and_then(|record| record.other_arms.get_mut(&**arm));
                list.into_iter().for_each(Vec::clear);
            }
        }
    }

    /// What tries out the answer with this head.
    pub(super) fn try_answer(
        &mut self,
        readable: Readable,
        head: &response::Parts,
    ) -> Option<Box<DryRuns>> {
        let mut trying = std::mem::take(&mut self.trying);
        trying.extend(self.try_copied());
        let protocol = self.protocol?;
        let mut turn = self.observed_turn.take();
        let mut runs = Vec::new();
        let mut reads = self.reads_answer();
        let begun = !trying.is_empty();
        for Trying { tries, plan, prepared } in trying {
            let Self { live, subjects, now, .. } = &*self;
            // Whether an answer would find a place at another arm's pace depends on all before it.
            let turn = if tries == Tries::Observed { turn.take() } else { None };
            let pace = observed(&plan.pace);
            let pacing = pace.map(|pace| subjects.pacing(&live.keys.delay, pace, turn, *now));
            let caps = &live.caps;
            let (tried, run) =
                prepared.answered(protocol, (readable, head), pacing, caps, self.spare());
            self.guard.tries(&tries, &plan, tried);
            reads |= run.is_some();
            runs.extend(run.map(|run| (tries, run)));
        }
        if self.is_read && begun && !reads {
            // Tokens that are known in one arm are to be known in all.
            let caps = &self.live.caps;
            let reading = Prepared::reading();
            let (_, run) = reading.answered(protocol, (readable, head), None, caps, self.spare());
            runs.extend(run.map(|run| (Tries::Tokens, run)));
        }
        DryRuns::new(runs)
    }

    /// Lists the countermeasures that the plan only observes. `is_certain` if it is known to apply.
    pub(super) fn note_observed(&mut self, is_certain: bool) {
        let refused = is_certain && observed(&self.decision.plan.refuse).is_some();
        let plan = Arc::clone(&self.decision.plan);
        if let Some(record) = self.guard.record() {
            let before = std::mem::replace(&mut record.observed, listed(&plan));
            observe(&mut record.observed, &plan, before);
            if refused {
                note(&mut record.observed, Countermeasure::Refuse, Counter::RequestsRefused);
            }
        }
    }

    /// Lists what the other arms would carry out.
    pub(super) fn note_others(&mut self) {
        let Self { guard, others, .. } = self;
        let Some(record) = guard.record() else { return };
        for (arm, other) in others {
            let mut list = listed(&other.plan);
            if observed(&other.plan.refuse).is_some() {
                note(&mut list, Countermeasure::Refuse, Counter::RequestsRefused);
            }
            record.other_arms.insert(arm.to_string(), list);
        }
    }
}
