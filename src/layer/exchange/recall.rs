//! An exchange that asks for an answer which was given before.

use std::sync::Arc;

use bytes::Bytes;
use http::request;

use super::{Exchange, ReadRequest, scoped, target};
use crate::countermeasure::ResponseEdits;
use crate::countermeasure::watermark::Caller;
use crate::layer::estimate::{Estimate, estimated_tokens};
use crate::layer::head;
use crate::layer::recalled::{Asks, Recalled};
use crate::layer::refused::Refused;
use crate::wire::{Protocol, Refusal, RefusalKind, Request, from_its_start};

impl Exchange {
    /// It asks for such an answer.
    pub(in crate::layer) fn recalls(&mut self, recalled: Option<Recalled>) {
        self.recalled = recalled;
    }

    /// A refusal, if it asks for the answer in a way that nobody knows.
    pub(in crate::layer) fn refuse_unknown_way(&self) -> Option<Refusal> {
        let unknown = self.recalled.as_ref().is_some_and(|it| it.asks == Asks::Unknown);
        unknown.then(|| {
            let message = "This path is not available.".to_owned();
            Refusal { kind: RefusalKind::NotFound, message }
        })
    }

    /// Reads the request, as far as there is anything to read.
    pub(super) fn read_recalling(
        &mut self,
        parts: &request::Parts,
        body: Bytes,
    ) -> Result<ReadRequest, Box<Refused>> {
        let request = unknown(parts);
        self.decision = scoped(&self.decision, &request);
        if let Some(refusal) = self.refuse_by_policy() {
            return Err(Box::new(Refused::new(refusal)));
        }
        self.note_observed(true);
        let input_tokens = estimated_tokens(body.len() as u64);
        let estimate = Estimate { input_tokens, output_cap: Some(0) };
        Ok(ReadRequest { body, text: None, memory: None, estimate })
    }

    /// Has what was decided about the answer be done to it again.
    pub(in crate::layer) fn recall(
        &mut self,
        parts: &mut request::Parts,
    ) -> Result<(), Box<Refused>> {
        let Some((recalled, protocol)) = self.recalled.as_ref().zip(self.protocol) else {
            return Ok(());
        };
        let stored = Arc::clone(&self.shared.stored);
        let (kept, asks) = (recalled.kept.clone(), recalled.asks);
        let (known, graded) = (kept.is_some(), self.acts());
        let edits = match kept {
            Some(kept) => ResponseEdits::clone(&kept),
            None if graded => self.unknown_answer(protocol, &unknown(parts)),
            None => ResponseEdits::default(),
        };
        self.edits = match asks {
            Asks::Input if known || graded => edits.of_input(),
            Asks::Input => edits.of_input().of_known(&stored),
            _ if known => edits,
            _ => edits.kept_in(&stored),
        };
        if !self.edits.changes_answer() {
            return Ok(());
        }
        head::ask_for_plain_answer(&mut parts.headers);
        let (from, after) = from_its_start(target(&parts.method, &parts.uri).as_str());
        self.resumed_after = after;
        if !head::redirect(&mut parts.uri, &from) {
            let message = "the target of the request is too long".to_owned();
            return Err(Box::new(Refused::new(Refusal { kind: RefusalKind::Malformed, message })));
        }
        Ok(())
    }

    /// What the caller's own grade does to an answer of which nothing is known.
    fn unknown_answer(&self, protocol: &dyn Protocol, request: &Request) -> ResponseEdits {
        let caller =
            self.live.marks.as_deref().and_then(|marks| Caller::of(marks, &self.assessment));
        let arm = self.decision.arm.as_deref();
        let caller = caller.map(|caller| Caller { arm, ..caller });
        ResponseEdits::of_unknown(&self.decision.plan, protocol, request, caller)
    }
}

/// A request of which no more is known than its target.
fn unknown(parts: &request::Parts) -> Request {
    let target = target(&parts.method, &parts.uri);
    Request { target, steers_tags: true, ..Request::default() }
}
