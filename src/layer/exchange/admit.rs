//! Whether an exchange is let in: refused by its policy or its head, by limits, or by the pace.

use std::sync::Arc;
use std::task::{Context, Poll};

use http::header::{CONTENT_LENGTH, HeaderMap};

use super::Exchange;
use crate::audit::Counter;
use crate::countermeasure::refuse;
use crate::layer::admission::{self, Pending};
use crate::layer::applied::note;
use crate::layer::estimate::{Estimate, estimated_tokens};
use crate::layer::head;
use crate::layer::refusal::too_large;
use crate::layer::refused::{Refused, insert_rate_limit};
use crate::limit::{self, Admission, Amounts, Denied, Granted, Reserving};
use crate::policy::Countermeasure;
use crate::policy::plan::{Measure, Mode, enforced, observed};
use crate::ready::MaybeReady;
use crate::risk::Risk;
use crate::wire::{Refusal, RefusalKind};

impl Exchange {
    /// Asks the limits, as far as the head tells what the request uses, before its body is read. What
    /// depends on the model waits for it.
    pub(in crate::layer) fn admit_by_head(
        &mut self,
        headers: &HeaderMap,
    ) -> Result<(), Box<Refused>> {
        let plan = Arc::clone(&self.decision.plan);
        let known = self.protocol.is_some() && !self.scoped_by_model;
        let Some(measure) = plan.rate.as_ref().filter(|_| known) else { return Ok(()) };
        if measure.enforced().is_none() {
            return Ok(());
        }
        let length = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok());
        let bytes = length.and_then(|length| length.parse().ok()).unwrap_or_default();
        // The least that such a request can be.
        let input_tokens = estimated_tokens(bytes);
        let least = Amounts { requests: 1, input_tokens, ..Amounts::default() };
        let demands = self.subjects.demands(measure, least);
        let Some(limit::Refused { denied, advertised }) = self.shared.rates.foresee(&demands)
        else {
            return Ok(());
        };
        self.rate_limit = admission::fields(measure, &advertised);
        Err(Box::new(self.deny(Countermeasure::Rate, denied)))
    }

    pub(super) fn deny(&mut self, by: Countermeasure, denied: Denied) -> Refused {
        self.count(by, Counter::RequestsRefused);
        let message = "Rate limit reached for this account.".to_owned();
        let refusal = Refusal { kind: RefusalKind::RateLimited, message };
        Refused { refusal, denied: Some(denied) }
    }

    /// What can be said by the head alone: a refusal, or nothing yet.
    pub(in crate::layer) fn refuse_by_head(&mut self, headers: &HeaderMap) -> Option<Refusal> {
        if !self.scoped_by_model || self.is_contested() {
            if let Some(refusal) = self.refuse_by_policy() {
                return Some(refusal);
            }
        }
        self.acts().then(|| self.unreadable_by_head(headers))?
    }

    /// What is said of a request whose body cannot be read, if its head tells.
    pub(super) fn unreadable_by_head(&self, headers: &HeaderMap) -> Option<Refusal> {
        if head::is_compressed(headers) {
            let message = "compressed request bodies are not accepted".to_owned();
            return Some(Refusal { kind: RefusalKind::Encoding, message });
        }
        if head::has_other_charset(headers) {
            let message =
                "request bodies are accepted in UTF-8 only, with one content type".to_owned();
            return Some(Refusal { kind: RefusalKind::Encoding, message });
        }
        let length = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok());
        let length: Option<usize> = length.and_then(|length| length.parse().ok());
        length.filter(|length| *length > self.body_cap()).map(|_| too_large())
    }

    pub(super) fn refuse_by_policy(&mut self) -> Option<Refusal> {
        let settings = self.decision.plan.refuse.as_ref().and_then(Measure::enforced)?;
        let mut refusal = refuse::refusal(settings);
        if self.is_contested() {
            // What is wrong is the request: its sender can mend it.
            refusal.kind = RefusalKind::Malformed;
        }
        self.count(Countermeasure::Refuse, Counter::RequestsRefused);
        Some(refusal)
    }

    /// Whether the request leaves open whom it is from.
    pub(super) fn is_contested(&self) -> bool {
        matches!(self.assessment.risk, Risk::Contested { .. })
    }

    /// Asks pace and limits. What is given back has to be waited for.
    pub(in crate::layer) fn admit(
        &mut self,
        estimate: Estimate,
    ) -> Result<Option<Pending>, Box<Refused>> {
        let plan = Arc::clone(&self.decision.plan);
        let limits = plan.rate.as_ref().map(|rate| &rate.settings);
        if let Some(pace) = enforced(&plan.pace) {
            let pacer = &self.shared.pacer;
            let turn = self.subjects.admit_paced(pacer, pace, limits, estimate);
            self.turn = turn.map_err(|denied| Box::new(self.deny(Countermeasure::Pace, denied)))?;
        }
        if let Some(pace) = observed(&plan.pace) {
            let pacer = &self.shared.observed_pacer;
            match self.subjects.admit_paced(pacer, pace, limits, estimate) {
                Ok(turn) => self.observed_turn = turn,
                Err(_) => {
                    if let Some(record) = self.guard.record() {
                        note(&mut record.observed, Countermeasure::Pace, Counter::RequestsRefused);
                    }
                }
            }
        }
        let Some(rate) = &plan.rate else { return Ok(None) };
        let reserved = admission::reserved(&rate.settings, estimate);
        match self.shared.rates.reserve(self.subjects.demands(rate, reserved)) {
            MaybeReady::Ready(outcome) => self.admitted(outcome, reserved).map(|()| None),
            MaybeReady::Waiting(waiting) => {
                let reserving = Reserving::new(waiting, self.shared.settlements.clone());
                let pending = Some(Pending::new(reserving, reserved));
                if rate.mode == Mode::Enforce {
                    return Ok(pending);
                }
                // Nobody is kept waiting for what is only observed.
                self.pending = pending;
                Ok(None)
            }
        }
    }

    /// Takes what the limits say.
    pub(in crate::layer) fn admitted(
        &mut self,
        outcome: Admission,
        reserved: Amounts,
    ) -> Result<(), Box<Refused>> {
        let plan = Arc::clone(&self.decision.plan);
        let Some(rate) = &plan.rate else { return Ok(()) };
        match outcome {
            Ok(Granted { lease, advertised }) => {
                self.rate_limit = admission::fields(rate, &advertised);
                let would_deny = lease.would_deny().is_some();
                if let Some(record) = self.guard.record().filter(|_| would_deny) {
                    note(&mut record.observed, Countermeasure::Rate, Counter::RequestsRefused);
                }
                let counts_tokens = rate.settings.counts_tokens().then_some(rate.mode);
                self.guard.hold(lease, reserved, counts_tokens);
                Ok(())
            }
            Err(limit::Refused { denied, advertised }) => {
                self.rate_limit = admission::fields(rate, &advertised);
                Err(Box::new(self.deny(Countermeasure::Rate, denied)))
            }
        }
    }

    /// Looks whether limits that are only observed have said something. What they say after the head
    /// of the answer counts for nothing, and what they took is given back.
    pub(in crate::layer) fn poll_observed(&mut self, context: &mut Context<'_>) {
        let Some(pending) = &mut self.pending else { return };
        let Poll::Ready((outcome, reserved)) = pending.poll(context) else { return };
        self.pending = None;
        // Nothing is enforced, so nothing can be refused.
        let _admitted = self.admitted(outcome, reserved);
    }

    pub(super) fn count(&mut self, countermeasure: Countermeasure, counter: Counter) {
        if let Some(record) = self.guard.record() {
            note(&mut record.applied, countermeasure, counter);
        }
    }

    pub(super) fn tell_rate_limit(&self, headers: &mut HeaderMap) {
        insert_rate_limit(self.rate_limit.as_ref(), headers);
    }
}
