//! From the upstream's answer to what the client gets.

use std::sync::Arc;

use bytes::Bytes;
use http::{Method, Response};
use http_body::Body;

use super::{Exchange, Undecided, target};
use crate::audit::Outcome;
use crate::countermeasure::ResponseEdits;
use crate::layer::body::DefenseBody;
use crate::layer::document::Document;
use crate::layer::error::BoxError;
use crate::layer::fields;
use crate::layer::form::Form;
use crate::layer::guard::Answer;
use crate::layer::head::{self, Readable};
use crate::layer::refused::{Refused, refused, told_anew};
use crate::layer::socket::AskedBy;
use crate::layer::stream::EventStream;
use crate::layer::summarizer::Condenser;
use crate::layer::summarizing::Summarizing;
use crate::layer::teed::Teed;
use crate::policy::Unhandled;
use crate::policy::plan::{Measure, Plan, Rate};
use crate::wire::{Protocol, Refusal, RefusalKind};

impl Exchange {
    /// Whether the path says that the answer is streamed.
    fn is_streamed_by_path(&self) -> bool {
        let streams = || target(&self.method, &self.uri).stream();
        self.protocol.is_some() && streams().is_some_and(|(_, streamed)| streamed)
    }

    /// The answer, with the body that carries the plan out.
    pub(in crate::layer) fn answer<R>(
        mut self: Box<Self>,
        response: Response<R>,
    ) -> Response<DefenseBody<R>>
    where
        R: Body<Data = Bytes>,
        R::Error: Into<BoxError>,
    {
        let (mut head, body) = response.into_parts();
        let asked = self.guard.record().is_some_and(|record| record.stream);
        // Nothing was read of a request whose answer is guarded only.
        let streamed = asked || self.is_streamed_by_path();
        let readable = head::readable(&self.method, &head, self.protocol, streamed);
        let body = Teed::new(body, self.try_answer(readable, &head));
        if let Some(protocol) = self.lists(readable, &head) {
            return self.answer_list(protocol, readable, (head, body));
        }
        if self.edits.guards() {
            fields::guard(&self.edits, &mut head.headers);
            // Some servers keep the reason phrase there, and send it on.
            head.extensions.clear();
        }
        if let Some(record) = self.guard.record() {
            record.status = Some(head.status.as_u16());
            head.extensions.insert(record.decision.clone());
        }
        self.tell_rate_limit(&mut head.headers);
        self.guard.answer = match readable {
            Readable::NoBody | Readable::Error => Answer::Missing,
            _ => Answer::Unread,
        };
        let Some(protocol) = self.protocol.filter(|_| self.reads_answer()) else {
            return Response::from_parts(head, DefenseBody::teed(body, self.guard));
        };
        let Self {
            live,
            decision,
            subjects,
            edits,
            mut guard,
            rate_limit,
            turn,
            now,
            mut held,
            recalled,
            resumed_after,
            ..
        } = *self;
        // The request has been sent.
        let _ = held.resize(0);
        let pace = decision.plan.pace.as_ref().and_then(Measure::enforced);
        let must_be_read = edits.changes_answer();
        let limits = decision.plan.rate.as_ref().map(|rate| &rate.settings);
        let edits = edits.counting_reasoning(limits.is_some_and(Rate::counts_reasoning));
        let on_opaque = match must_be_read {
            // It was decided about with another request.
            true if recalled.is_some() => Unhandled::Refuse,
            true => decision.on_opaque,
            false => Unhandled::Pass,
        };
        let form = match (readable, on_opaque) {
            (Readable::Error, _) if edits.guards() => {
                let status = head.status;
                if !head::is_plain_json(&head.headers) {
                    return told_anew(protocol, head, guard);
                }
                head::rewrite_response(&mut head.headers);
                let cap = live.caps.document;
                let form = Form::Document(Document::error(protocol, edits, status, cap));
                return Response::from_parts(
                    head,
                    DefenseBody::read(body, (form, None), None, guard, held),
                );
            }
            (Readable::Events(framing), _) => {
                summed_up((live.condenser.as_ref(), protocol), edits, |edits| {
                    let cap = live.caps.event;
                    let events = EventStream::new(protocol, framing, edits, on_opaque, cap);
                    Form::Events(events.or_document(live.caps.document).behind(resumed_after))
                })
            }
            (Readable::Document, _) => {
                summed_up((live.condenser.as_ref(), protocol), edits, |edits| {
                    let cap = live.caps.document;
                    Form::Document(Document::new(protocol, edits, on_opaque, cap))
                })
            }
            (Readable::NoBody, _) if edits.guards() => {
                // What trailers it has are passed unread otherwise.
                guard.end(Outcome::Complete);
                return Response::from_parts(head, DefenseBody::whole(Bytes::new()));
            }
            (Readable::NoBody | Readable::Error, _) => {
                return Response::from_parts(head, DefenseBody::teed(body, guard));
            }
            (Readable::Opaque, Unhandled::Pass) => {
                return Response::from_parts(head, DefenseBody::teed(body, guard));
            }
            (Readable::Opaque, Unhandled::Refuse) => {
                guard.answer = Answer::Missing;
                let message = "the upstream's answer cannot be read".to_owned();
                let refusal = Refusal { kind: RefusalKind::Unreadable, message };
                let refusal = Refused::new(refusal);
                return refused(protocol, &decision, guard, refusal, rate_limit.as_ref());
            }
        };
        // A document that is only counted or slowed down keeps its bytes. A head that shows that it
        // was read would tell a caller its grade.
        if must_be_read || matches!(readable, Readable::Events(_)) {
            head::rewrite_response(&mut head.headers);
        }
        guard.answer = Answer::Read;
        let pacing = pace.map(|pace| subjects.pacing(&live.keys.delay, pace, turn, now));
        Response::from_parts(head, DefenseBody::read(body, form, pacing, guard, held))
    }

    /// What is needed to refuse an answer whose head has not left.
    pub(in crate::layer) fn undecided(&self) -> Undecided {
        Undecided {
            errors: self.errors,
            decision: self.decision.clone(),
            rate_limit: self.rate_limit.clone(),
        }
    }

    /// An answer of the layer's own instead of the upstream's.
    pub(in crate::layer) fn refuse<R>(
        self: Box<Self>,
        refusal: Refused,
    ) -> Response<DefenseBody<R>> {
        let room = self.left_to_front.then(|| self.room());
        let Self { decision, errors, guard, rate_limit, method, assessment, .. } = *self;
        let mut answer = refused(errors, &decision, guard, refusal, rate_limit.as_ref());
        if let Some(room) = room {
            answer.extensions_mut().insert(AskedBy::new(assessment, room));
        }
        if method == Method::HEAD {
            // Its length is told all the same.
            return answer.map(|_| DefenseBody::whole(Bytes::new()));
        }
        answer
    }

    /// Whoever is in front goes on by itself, and asks again: nothing has been answered.
    pub(in crate::layer) fn leave_to_front(&mut self) {
        self.left_to_front = true;
        self.guard.forget();
    }

    /// The inner service failed before it answered.
    pub(in crate::layer) fn failed(mut self: Box<Self>) {
        // It would have asked for something else.
        drop(self.try_copied());
        self.guard.end(Outcome::UpstreamError);
    }

    /// Whether the answer has to be read: to change it, to slow it down, or to count it.
    pub(super) fn reads_answer(&self) -> bool {
        let Plan { rate, pace, .. } = &*self.decision.plan;
        self.edits.changes_answer()
            || pace.as_ref().and_then(Measure::enforced).is_some()
            || rate.as_ref().and_then(Measure::enforced).is_some_and(|rate| rate.counts_tokens())
    }
}

/// What reads an answer with these edits, and what has its reasoning condensed, if that is done.
fn summed_up(
    (condenser, protocol): (Option<&Arc<Condenser>>, &dyn Protocol),
    edits: ResponseEdits,
    form: impl Fn(ResponseEdits) -> Form,
) -> (Form, Option<Box<Summarizing>>) {
    match condenser.filter(|_| edits.sums_up()) {
        Some(condenser) => {
            let (edits, summarizing) = Summarizing::begin(condenser, protocol, edits, &form);
            (form(edits), Some(summarizing))
        }
        None => (form(edits), None),
    }
}
