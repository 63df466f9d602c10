//! An exchange that asks for an answer which was given before.

use std::sync::Arc;

use bytes::Bytes;
use http::{Response, request, response};
use http_body::Body;

use super::{Exchange, ReadRequest, scoped, target};
use crate::countermeasure::ResponseEdits;
use crate::countermeasure::watermark::Caller;
use crate::layer::body::DefenseBody;
use crate::layer::document::Document;
use crate::layer::estimate::{Estimate, estimated_tokens};
use crate::layer::fields;
use crate::layer::form::Form;
use crate::layer::guard::Answer;
use crate::layer::head::{self, Readable};
use crate::layer::recalled::{Asks, Recalled};
use crate::layer::refused::Refused;
use crate::layer::teed::Teed;
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
        if self.edits.waits_for_ids() {
            return Ok(());
        }
        let (from, after) = from_its_start(target(&parts.method, &parts.uri).as_str());
        self.resumed_after = after;
        if !head::redirect(&mut parts.uri, &from) {
            let message = "the target of the request is too long".to_owned();
            return Err(Box::new(Refused::new(Refusal { kind: RefusalKind::Malformed, message })));
        }
        Ok(())
    }

    /// Whether the answer is a list to which something is done only if it holds something that is known:
    /// the protocol that reads it. What could be asked for in parts is read as anything else is.
    pub(super) fn lists(
        &self,
        readable: Readable,
        head: &response::Parts,
    ) -> Option<&'static dyn Protocol> {
        let whole = !head::is_partial(head) && !matches!(readable, Readable::Events(_));
        self.protocol.filter(|_| whole && self.edits.waits_for_ids())
    }

    /// Its caller gets it as it came, with its head, unless it holds something that is known.
    pub(super) fn answer_list<R: Body<Data = Bytes>>(
        mut self: Box<Self>,
        protocol: &'static dyn Protocol,
        readable: Readable,
        (mut head, body): (response::Parts, Teed<R>),
    ) -> Response<DefenseBody<R>> {
        let mut rewritten = head.clone();
        // Some servers keep the reason phrase there, and send it on.
        rewritten.extensions.clear();
        if let Some(record) = self.guard.record() {
            record.status = Some(head.status.as_u16());
            for head in [&mut head, &mut rewritten] {
                head.extensions.insert(record.decision.clone());
            }
        }
        let Self { live, edits, mut guard, mut held, .. } = *self;
        let _ = held.resize(0);
        guard.answer = match readable {
            Readable::Document => Answer::Read,
            Readable::NoBody | Readable::Error => Answer::Missing,
            Readable::Events(_) | Readable::Opaque => Answer::Unread,
        };
        if readable != Readable::Document {
            return Response::from_parts(head, DefenseBody::teed(body, guard));
        }
        // No caller of whom nothing is known is told that a list is too long, while there is room for it.
        let limit = live.caps.held_by_principal;
        fields::guard(&edits, &mut rewritten.headers);
        head::rewrite_response(&mut rewritten.headers);
        let form = (Form::Document(Document::list(protocol, edits, limit, head)), None);
        Response::from_parts(rewritten, DefenseBody::read(body, form, None, guard, held))
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
