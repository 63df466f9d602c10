//! One decided exchange, from the decision to the head of the answer.

mod admit;
mod answer;
mod observed;
mod recall;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::HeaderMap;
use http::uri::PathAndQuery;
use http::{Method, Response, Uri, request};
use jiff::Timestamp;
use tokio::time::Instant;

use super::admission::{Pending, Subjects};
use super::arms::Chosen;
use super::body::DefenseBody;
use super::budget::{Held, NoRoom, Room};
use super::copied::Copying;
use super::dry_run::Prepared;
use super::error::BodyError;
use super::estimate::{Estimate, estimated_tokens};
use super::guard::{Guard, MarkedFor};
use super::head;
use super::history::{History, Known, Restored, RestoredTally, certain_model};
use super::hook::Watch;
use super::recalled::Recalled;
use super::record::begun;
use super::refusal::refusal;
use super::refused::{Refused, refused};
use super::repeating::{Asked, OpenedFor};
use super::shared::{Live, Shared};
use super::trials::Tries;
use super::unsealing::conversation_of;
use crate::audit::{Counter, RequestSink};
use crate::countermeasure::originals::Memory;
use crate::countermeasure::seal::{SealHolder, Sealer};
use crate::countermeasure::watermark::Caller;
use crate::countermeasure::{RepeatGuard, RequestEdits, ResponseEdits, Tally, downgrade};
use crate::limit::{RateLimitFields, Turn};
use crate::policy::plan::{Mode, MultiTurn, Plan, Unopened, enforced};
use crate::policy::{Countermeasure, Decision, Reason};
use crate::risk::Assessment;
use crate::wire::{
    Edited, Protocol, Refusal, RefusalKind, Request, Target, conversation_protocol, error_protocol,
};

/// An exchange of a caller who has reached a grade.
#[derive(Debug)]
pub(super) struct Exchange {
    shared: Arc<Shared>,
    /// Stays the same for the whole exchange, whatever replaces it meanwhile.
    live: Arc<Live>,
    decision: Decision,
    assessment: Assessment,
    subjects: Subjects,
    protocol: Option<&'static dyn Protocol>,
    /// The protocol of the conversation that the request repeats, whatever its answer is.
    conversation: Option<&'static dyn Protocol>,
    /// The protocol in whose shape the client expects errors, its path being known or not.
    errors: &'static dyn Protocol,
    method: Method,
    uri: Uri,
    /// Moves with what it guards, and is large.
    guard: Box<Guard>,
    /// What is held of its request, and then of its answer.
    held: Held,
    edits: ResponseEdits,
    rate_limit: Option<RateLimitFields>,
    /// An admission by limits that are only observed, which nobody waits for.
    pending: Option<Pending>,
    /// Its place among the answers that go out at a pace.
    turn: Option<Turn>,
    /// The place that it would have if the pace was not only observed.
    observed_turn: Option<Turn>,
    /// The policy governs some models only, so that nothing is certain before the request is read.
    scoped_by_model: bool,
    /// Drawn to be tried out, if something is only observed.
    sampled: bool,
    /// The copy of the request's body that a dry run will read.
    copy: Option<Copying>,
    /// What dry runs have made of the request.
    trying: Vec<Trying>,
    /// What other arms of an experiment decide, where it is not the same: all that they would carry
    /// out, as if it was only observed.
    others: Vec<(Arc<str>, Decision)>,
    /// The answer is read for its tokens, as it is in every arm.
    is_read: bool,
    /// What was opened in its request, which its answer may not repeat.
    opened: Option<RepeatGuard>,
    /// What is known of the answer that is asked for, if one is that was given before.
    recalled: Option<Recalled>,
    /// Whoever is in front goes on by itself, and is told whom the request is from.
    left_to_front: bool,
    /// The event behind which its stream begins for the client.
    resumed_after: Option<u64>,
    now: Timestamp,
}

/// A plan that is tried out, and what it has made of the request.
#[derive(Debug)]
struct Trying {
    tries: Tries,
    plan: Arc<Plan>,
    prepared: Prepared,
}

/// A request that was read, before it is admitted.
pub(super) struct ReadRequest {
    body: Bytes,
    /// What was read of it, if its answer holds text.
    text: Option<(&'static dyn Protocol, Request)>,
    /// Where its answer is remembered.
    memory: Option<Memory>,
    pub(super) estimate: Estimate,
}

/// An answer that may yet become a refusal.
#[derive(Debug)]
pub(super) struct Undecided {
    errors: &'static dyn Protocol,
    decision: Decision,
    rate_limit: Option<RateLimitFields>,
}

impl Undecided {
    pub(super) fn refuse<R>(
        self,
        error: &BodyError,
        guard: Box<Guard>,
    ) -> Response<DefenseBody<R>> {
        let Self { errors, decision, rate_limit } = self;
        refused(errors, &decision, guard, Refused::new(refusal(error)), rate_limit.as_ref())
    }
}

impl Exchange {
    pub(super) fn new(
        shared: &Arc<Shared>,
        live: Arc<Live>,
        (chosen, is_read): (Chosen, bool),
        assessment: Assessment,
        protocol: Option<&'static dyn Protocol>,
        parts: &request::Parts,
        (now, started): (Timestamp, Instant),
    ) -> Self {
        let Chosen { decision, observe_sample, is_scoped_by_model, mut others, counted: _ } =
            chosen;
        for (_, other) in &mut others {
            other.plan = Arc::new(other.plan.carried_out_as_observed());
        }
        let record = begun(&live.keys.audit, &decision, &assessment, protocol, now);
        let sink = Arc::clone(&live.sink);
        let sink = match parts.extensions.get::<RequestSink>() {
            Some(own) => own.clone().before(sink),
            None => sink,
        };
        let subjects = Subjects::of(&assessment.principal, live.keys.subject.expose());
        let conversation = conversation_protocol(live.server, &parts.method, parts.uri.path());
        let mut exchange = Self {
            sampled: decision.id.is_within(observe_sample),
            // Paths that the layer does not know are governed whatever the model.
            scoped_by_model: protocol.is_some() && is_scoped_by_model,
            guard: Box::new(Guard::new(sink, shared.settlements.clone(), record, started)),
            held: Held::new(Arc::clone(&shared.budget), subjects.account),
            subjects,
            shared: Arc::clone(shared),
            live,
            copy: None,
            trying: Vec::new(),
            others,
            is_read,
            decision,
            assessment,
            protocol,
            conversation,
            errors: error_protocol(parts.uri.path()),
            method: parts.method.clone(),
            uri: parts.uri.clone(),
            edits: ResponseEdits::default(),
            rate_limit: None,
            pending: None,
            turn: None,
            observed_turn: None,
            opened: None,
            recalled: None,
            left_to_front: false,
            resumed_after: None,
            now,
        };
        exchange.note_others();
        exchange
    }

    /// Somebody is to be told how it ends.
    pub(super) fn watch(&mut self, watch: Option<Watch>) {
        self.guard.watch = watch;
    }

    /// Whether anything is to be carried out, so that the request has to be read.
    pub(super) fn acts(&self) -> bool {
        Countermeasure::ALL
            .into_iter()
            .any(|named| named.mode_in(&self.decision.plan) == Some(Mode::Enforce))
    }

    /// Whether the caller's text may not pass by the layer: something is carried out, or would be on
    /// another path.
    pub(super) fn keeps_protocol(&self) -> bool {
        self.acts() || self.decision.reasons.contains(Reason::UnknownRoutePassed)
    }

    /// The most bytes of a request body that are read.
    pub(super) fn body_cap(&self) -> usize {
        self.live.caps.request_body
    }

    /// How long it may take.
    pub(super) fn body_time(&self) -> Duration {
        self.live.caps.request_body_time
    }

    /// From now on so many bytes are held.
    pub(super) fn hold(&mut self, bytes: usize) -> Result<(), NoRoom> {
        self.held.resize(bytes)
    }

    /// For what is held besides.
    pub(super) fn holding(&self) -> Held {
        self.room().take()
    }

    fn room(&self) -> Room {
        Room::new(Arc::clone(&self.shared.budget), self.subjects.account)
    }

    /// Reads a request whose body is there, as far as the plan needs it.
    pub(super) fn read(
        &mut self,
        parts: &request::Parts,
        body: Bytes,
    ) -> Result<ReadRequest, Box<Refused>> {
        if self.recalled.is_some() {
            return self.read_recalling(parts, body);
        }
        let Some(protocol) = self.protocol else { return Ok(self.read_without_text(body)) };
        let (body, memory, tally) = self.restore(protocol, body);
        let request =
            protocol.scan_request(target(&parts.method, &parts.uri), &body).map_err(|error| {
                let message = format!("the request body is {error}");
                Box::new(Refused::new(Refusal { kind: RefusalKind::Malformed, message }))
            })?;
        let request = request.addressed(self.live.server);
        self.decision = scoped(&self.decision, &request);
        if let Some(refusal) =
            self.refuse_by_policy().or_else(|| self.refuse_unopened(protocol, tally))
        {
            return Err(Box::new(Refused::new(refusal)));
        }
        self.note_observed(true);
        if let Some(record) = self.guard.record() {
            record.stream = request.stream;
        }
        let output_cap = RequestEdits::output_cap(&self.decision.plan, &request);
        let input_tokens = estimated_tokens(body.len() as u64);
        let estimate = Estimate { input_tokens, output_cap };
        Ok(ReadRequest { body, text: Some((protocol, request)), memory, estimate })
    }

    /// The same where the answer holds no text: only the limits apply.
    fn read_without_text(&mut self, body: Bytes) -> ReadRequest {
        let body = match self.conversation {
            // What only counts tokens is told nothing of what is sealed.
            Some(protocol) => self.restore(protocol, body).0,
            None => body,
        };
        self.note_observed(true);
        let input_tokens = estimated_tokens(body.len() as u64);
        let estimate = Estimate { input_tokens, output_cap: Some(0) };
        ReadRequest { body, text: None, memory: None, estimate }
    }

    /// Applies the plan to a request that was admitted.
    pub(super) fn apply(
        &mut self,
        parts: &mut request::Parts,
        read: ReadRequest,
    ) -> Result<Bytes, Box<Refused>> {
        let ReadRequest { body, text, memory, .. } = read;
        let Some((protocol, request)) = text else {
            self.frame(&mut parts.headers, body.len());
            self.recall(parts)?;
            return Ok(body);
        };
        let plan = Arc::clone(&self.decision.plan);
        let caller =
            self.live.marks.as_deref().and_then(|marks| Caller::of(marks, &self.assessment));
        let arm = self.decision.arm.clone();
        let caller =
            caller.map(|caller| Caller { memory: memory.as_ref(), arm: arm.as_deref(), ..caller });
        let tally = &mut self.guard.tally;
        let RequestEdits { edits, response } =
            RequestEdits::of(&plan, protocol, &request, caller, tally)
                .map_err(|refusal| Box::new(Refused::new(refusal)))?;
        let changed = !edits.is_empty() || self.is_restored();
        if changed && !self.live.signs_anew && head::is_signed(parts) {
            return Err(self.refuse_signed());
        }
        if self.guard.tally.carrier.is_some() {
            let principal = self.assessment.principal.clone();
            self.guard.marked_for =
                self.live.marks.clone().map(|marks| MarkedFor { marks, principal, arm });
        }
        let sealer = self.sealer(protocol, &request, &body);
        let step = self.live.input_step();
        let response = response.sealed_by(sealer).guarded_by(self.opened.take(), step);
        let keeps = protocol.features().stores;
        self.edits = if keeps { response.kept_in(&self.shared.stored) } else { response };
        self.observe_read(protocol, &request);
        let Edited { target, body } = edits.apply(&request.target, body);
        if target.is_some_and(|target| !head::redirect(&mut parts.uri, &target)) {
            let message = "the target of the request is too long".to_owned();
            return Err(Box::new(Refused::new(Refusal { kind: RefusalKind::Malformed, message })));
        }
        self.frame(&mut parts.headers, body.len());
        if self.reads_answer() {
            head::ask_for_plain_answer(&mut parts.headers);
        }
        Ok(body)
    }

    /// Frames a request whose body was read and now has `length` bytes.
    fn frame(&self, headers: &mut HeaderMap, length: usize) {
        head::frame_request(headers, length);
        if !self.decision.plan.is_empty() {
            head::rewrite_request(headers);
            let downgrade = enforced(&self.decision.plan.downgrade);
            if let Some(settings) = downgrade.filter(|it| it.replaces_models()) {
                head::drop_model_choice(headers, |word| settings.replaces(word));
            }
        } else if self.is_restored() {
            head::drop_digests(headers);
        }
    }

    /// Writes back what was changed of the conversation, and says where its answer is to be
    /// remembered if that may be marked and come back.
    fn restore(
        &mut self,
        protocol: &'static dyn Protocol,
        body: Bytes,
    ) -> (Bytes, Option<Memory>, RestoredTally) {
        let settings = enforced(&self.decision.plan.watermark);
        let remembers = self.live.marks.is_some()
            && settings.is_some_and(|settings| settings.multi_turn == MultiTurn::Restore);
        let (known, principal) = (self.known(), &self.assessment.principal);
        let history = if remembers {
            Some(History::new(known, principal, protocol))
        } else {
            History::known(known, principal, protocol)
        };
        let Some(history) = history else { return (body, None, RestoredTally::default()) };
        let asked = |body: &Bytes| {
            let target = self.protocol.map(|_| target(&self.method, &self.uri))?;
            let request = protocol.scan_request(target, body).ok()?;
            asked_model(&scoped(&self.decision, &request), &request).map(str::to_owned)
        };
        let history = history.counting(self.protocol.is_none());
        let Restored { body, tally, place, guard } = history.restore(body, asked);
        self.restored(tally);
        self.opened = guard;
        (body, remembers.then(|| history.memory(place)).flatten(), tally)
    }

    /// What is known of earlier answers.
    fn known(&self) -> Known<'_> {
        Known { originals: &self.shared.originals, seals: self.live.seals() }
    }

    /// What the request repeats, if it may hold anything that is to be put back and can be read for it,
    /// and how it is read.
    pub(super) fn known_history(&self, headers: &HeaderMap) -> Option<(History, Asked)> {
        let (principal, cap) = (&self.assessment.principal, self.body_cap());
        let protocol = self.conversation?;
        let history = History::repeated(self.known(), principal, Some(protocol), headers, cap)?;
        let target = self.protocol.map(|_| target(&self.method, &self.uri));
        Some((history.counting(target.is_none()), Asked { protocol, target }))
    }

    /// So much of a request was written back.
    pub(super) fn restored(&mut self, RestoredTally { texts, opened, dropped }: RestoredTally) {
        let tally = &mut self.guard.tally;
        tally.texts_restored += texts;
        tally.blocks_opened += opened;
        tally.blocks_dropped += dropped;
    }

    /// Has the answer to a request to which nothing else is done repeat nothing that was opened in it.
    pub(super) fn guard_opened(&mut self, opened: Option<OpenedFor>, headers: &mut HeaderMap) {
        let Some(OpenedFor { guard, tools }) = opened else { return };
        let edits = ResponseEdits::default().calling(tools);
        let edits = edits.guarded_by(Some(guard), self.live.input_step());
        let keeps = self.protocol.is_some_and(|protocol| protocol.features().stores);
        self.edits = if keeps { edits.kept_in(&self.shared.stored) } else { edits };
        head::ask_for_plain_answer(headers);
    }

    /// Whether the request is another than the client's by what was written back.
    fn is_restored(&self) -> bool {
        let Tally { texts_restored, blocks_opened, blocks_dropped, .. } = self.guard.tally;
        texts_restored + blocks_opened + blocks_dropped > 0
    }

    /// A refusal, if the policy refuses what was left out.
    fn refuse_unopened(
        &mut self,
        protocol: &dyn Protocol,
        RestoredTally { dropped, .. }: RestoredTally,
    ) -> Option<Refusal> {
        let seal = enforced(&self.decision.plan.reasoning)?.seal.as_ref()?;
        if dropped == 0 || seal.unopened != Unopened::Refuse {
            return None;
        }
        self.count(Countermeasure::Reasoning, Counter::RequestsRefused);
        let message = protocol.unopened().to_owned();
        Some(Refusal { kind: RefusalKind::Unopened, message })
    }

    /// A refusal of a request that would have to be changed, and that its client has signed.
    fn refuse_signed(&mut self) -> Box<Refused> {
        let by =
            [Countermeasure::Downgrade, Countermeasure::SideChannels, Countermeasure::Reasoning];
        let by = by.into_iter().find(|it| it.mode_in(&self.decision.plan) == Some(Mode::Enforce));
        self.count(by.unwrap_or(Countermeasure::Watermark), Counter::RequestsRefused);
        let message = "the request is signed and would have to be changed".to_owned();
        Box::new(Refused::new(Refusal { kind: RefusalKind::Malformed, message }))
    }

    /// What seals the reasoning of the answer to this request, if the plan says so.
    fn sealer(&self, protocol: &dyn Protocol, request: &Request, body: &[u8]) -> Option<Sealer> {
        let settings = enforced(&self.decision.plan.reasoning)?.seal.as_ref()?;
        let model = asked_model(&self.decision, request);
        let holder = SealHolder::new(&self.live.keys.seal, &self.assessment.principal);
        let conversation = settings.by_conversation().then(|| conversation_of(protocol, body));
        let in_strings = settings.in_strings.then(|| protocol.string_carrier()).flatten();
        Some(Sealer::new(holder, settings, model, conversation).in_strings(in_strings))
    }
}

/// The model that is asked in the end, if that is certain.
fn asked_model<'r>(decision: &'r Decision, request: &'r Request) -> Option<&'r str> {
    let named = certain_model(request)?;
    let downgrade = enforced(&decision.plan.downgrade);
    let requested = Some(named).filter(|name| !name.is_empty());
    let replaced = downgrade.and_then(|settings| downgrade::replacement(settings, requested));
    Some(replaced.unwrap_or(named))
}

/// The target of a request.
pub(super) fn target(method: &Method, uri: &Uri) -> Target {
    Target::new(method.clone(), uri.path_and_query().map_or("", PathAndQuery::as_str))
}

/// The decision, once the request's models are known.
fn scoped(decision: &Decision, request: &Request) -> Decision {
    decision.clone().for_request(&request.model_names(), |pattern| {
        request.target.mentions(pattern.segments(), |word| pattern.covers_word(word))
    })
}
