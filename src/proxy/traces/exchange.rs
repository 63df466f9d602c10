//! The span of an exchange with a client.

use std::borrow::Cow;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use opentelemetry::trace::{Span, SpanContext, Status};
use opentelemetry::{Array, KeyValue, StringValue, Value};
use opentelemetry_sdk::trace;

use crate::audit::record::mode_name;
use crate::audit::{Applied, DecisionName, Exempt, Outcome, Record, Risk, Sink};
use crate::secret::opaque_debug;

opaque_debug!(ExchangeSpan, Open);

/// The span, until the exchange ends.
pub(in crate::proxy) struct ExchangeSpan(Arc<Open>);

/// A span that is told of by two: whoever watches the exchange, and whoever decided about it. The
/// decision's record may come after the end, where something was tried on a copy of the exchange; so the
/// span ends with the later of them, as of the time that the exchange did.
struct Open(Mutex<State>);

struct State {
    span: trace::Span,
    ended: Option<SystemTime>,
    /// The record knows more ways to end.
    outcome: Option<Outcome>,
}

impl ExchangeSpan {
    /// With the name by which others know the span.
    pub(super) fn new(span: trace::Span) -> (Self, SpanContext) {
        let context = span.span_context().clone();
        (Self(Arc::new(Open(Mutex::new(State { span, ended: None, outcome: None })))), context)
    }

    /// What is to be given the record of the decision, if anybody will see the span.
    pub(super) fn sink(&self) -> Option<Arc<dyn Sink>> {
        let recording = self.0.with(|state| state.span.is_recording());
        recording.then(|| Arc::clone(&self.0) as Arc<dyn Sink>)
    }

    /// The first bytes of the answer's body go out.
    pub(in crate::proxy) fn first_byte(&self) {
        self.0.with(|state| state.span.add_event("first_byte", Vec::new()));
    }

    /// The exchange has ended so.
    pub(in crate::proxy) fn end(
        self,
        status: Option<u16>,
        bytes: u64,
        outcome: Outcome,
        decision: Option<&DecisionName>,
    ) {
        self.0.with(|state| {
            let span = &mut state.span;
            state.ended = Some(SystemTime::now());
            state.outcome.get_or_insert(outcome);
            if !span.is_recording() {
                return;
            }
            if let Some(status) = status {
                span.set_attribute(KeyValue::new("http.response.status_code", i64::from(status)));
            }
            let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
            span.set_attribute(KeyValue::new("http.response.body.size", bytes));
            if let Some(decision) = decision {
                span.set_attribute(KeyValue::new("guilloche.decision", decision.to_string()));
            }
            if status.is_some_and(|status| status >= 500) || outcome == Outcome::UpstreamError {
                span.set_status(Status::error(""));
            }
        });
    }
}

impl Open {
    fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        // Nothing panics while it is held.
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Sink for Open {
    fn record(&self, record: Record) {
        let refused_by = record.refused_by().map(|by| by.name());
        let Record { grade, exempt, arm, policy, stream, mode, .. } = record;
        let exempt = exempt.map(|exempt| match exempt {
            Exempt::Whole => "whole",
            Exempt::Part => "part",
        });
        let risk = match record.risk {
            Risk::Known { .. } => Cow::Borrowed("known"),
            Risk::Unknown { reason } => reason,
        };
        let optional = [
            arm.map(|arm| KeyValue::new("guilloche.arm", arm)),
            exempt.map(|exempt| KeyValue::new("guilloche.exempt", exempt)),
            refused_by.map(|by| KeyValue::new("guilloche.refused_by", by)),
        ];
        self.with(|state| {
            state.span.set_attributes([
                KeyValue::new("guilloche.grade", grade),
                KeyValue::new("guilloche.mode", mode_name(mode)),
                KeyValue::new("guilloche.policy.name", policy.name),
                KeyValue::new("guilloche.policy.revision", policy.revision),
                KeyValue::new("guilloche.risk", risk),
                KeyValue::new("guilloche.stream", stream),
                KeyValue::new("guilloche.applied", names(&record.applied)),
                KeyValue::new("guilloche.observed", names(&record.observed)),
            ]);
            state.outcome = Some(record.outcome);
            state.span.set_attributes(optional.into_iter().flatten());
        });
    }
}

fn names(applied: &[Applied]) -> Value {
    let names = applied.iter().map(|it| StringValue::from(it.countermeasure.name()));
    Value::Array(Array::String(names.collect()))
}

impl Drop for State {
    fn drop(&mut self) {
        if let Some(outcome) = self.outcome {
            self.span.set_attribute(KeyValue::new("guilloche.outcome", outcome.name()));
        }
        let ended = self.ended.unwrap_or_else(SystemTime::now);
        self.span.end_with_timestamp(ended);
    }
}
