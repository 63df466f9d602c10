//! Trying out, on a copy of an exchange, what is only observed.
//!
//! The editors that would change the exchange see all of it, and what they make of it is thrown away:
//! what they counted is what they would have done. Nothing here can fail, hold up or change the
//! exchange. It works a slice at a time, in what room is left over, and stops where it cannot go on.

use std::time::Duration;

use bytes::Bytes;
use http::response;
use tokio::time::Instant;

use super::applied::Tried;
use super::budget::Held;
use super::document::{Document, SLICE};
use super::form::Form;
use super::head::{self, Readable};
use super::outcome::TextBytes;
use super::shared::Caps;
use super::stream::EventStream;
use super::timing::{LINGER, Pacing};
use crate::audit;
use crate::countermeasure::seal::Sealer;
use crate::countermeasure::watermark::Caller;
use crate::countermeasure::{RequestEdits, ResponseEdits, Tally};
use crate::policy::plan::{Mode, MultiTurn, Plan, Rate, observed};
use crate::policy::{Countermeasure, Unhandled};
use crate::wire::{Protocol, Refusal, Request, Usage};

/// A request after a dry run, and what would be done to its answer.
#[derive(Debug)]
pub(super) struct Prepared {
    /// What would be done to the request.
    pub(super) tally: Tally,
    edits: ResponseEdits,
    reads_answer: bool,
}

/// An answer that is read and rewritten for its counts.
pub(super) struct DryRun {
    /// `None` once it has stopped.
    form: Option<Form>,
    pacing: Option<Pacing>,
    room: Held,
    /// What would be done to the request.
    request: Tally,
    tried: Tried,
    usage: Usage,
    seen: TextBytes,
    /// Something of what has come is still to be read.
    behind: bool,
    end: End,
    /// When the upstream last said something.
    heard: Instant,
    /// When what was paced would have left, and how long that would have waited in all.
    leaves: Instant,
    waited: Duration,
}

/// Whether the answer has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Open,
    /// It has, and is yet to be finished.
    Whole,
    Broken,
    Finished,
}

/// Whether a plan has something in it that is only observed and can be tried out.
pub(super) fn has_something_to_try(plan: &Plan) -> bool {
    Countermeasure::ALL
        .into_iter()
        .any(|named| named != Countermeasure::Refuse && named.mode_in(plan) == Some(Mode::Observe))
}

impl Prepared {
    /// What all of `plan` would do to a request, whether it is carried out or not.
    pub(super) fn new(
        plan: &Plan,
        protocol: &dyn Protocol,
        request: &Request,
        caller: Option<Caller<'_>>,
    ) -> Result<Self, Refusal> {
        let mut all = plan.enforced();
        if let Some(watermark) = &mut all.watermark {
            // As if it were remembered what the texts read like before, which it is not.
            if watermark.settings.multi_turn == MultiTurn::Restore {
                watermark.settings.multi_turn = MultiTurn::Mark;
            }
        }
        let mut tally = Tally::default();
        let edits = RequestEdits::of(&all, protocol, request, caller, &mut tally)?;
        let edits = match observed(&plan.downgrade) {
            // The model that was asked for answers.
            Some(_) => edits.response.undowngraded(&all, request),
            None => edits.response,
        };
        let counts_tokens = observed(&plan.rate).is_some_and(Rate::counts_tokens);
        let counts_reasoning = observed(&plan.rate).is_some_and(Rate::counts_reasoning);
        let edits = edits.counting_reasoning(counts_reasoning);
        let paced = observed(&plan.pace).is_some();
        let reads_answer = edits.changes_answer() || counts_tokens || paced;
        Ok(Self { tally, edits, reads_answer })
    }

    /// The same, with what would be withheld sealed, if it would be.
    pub(super) fn sealed_by(self, sealer: Option<Sealer>) -> Self {
        Self { edits: self.edits.sealed_by(sealer), ..self }
    }

    /// What only reads the answer, for its tokens.
    pub(super) fn reading() -> Self {
        Self { tally: Tally::default(), edits: ResponseEdits::default(), reads_answer: true }
    }

    /// What is known of an answer by its head, and what finds out the rest, if there is any.
    pub(super) fn answered(
        self,
        protocol: &'static dyn Protocol,
        (readable, head): (Readable, &response::Parts),
        pacing: Option<Pacing>,
        caps: &Caps,
        room: Held,
    ) -> (Tried, Option<DryRun>) {
        let Self { mut tally, edits, reads_answer } = self;
        let tried = |tally, outcome| (Tried { tally, outcome }, None);
        if !reads_answer {
            return tried(tally, audit::DryRun::Complete);
        }
        let form = match readable {
            Readable::NoBody => return tried(tally, audit::DryRun::Complete),
            Readable::Error if !edits.guards() => return tried(tally, audit::DryRun::Complete),
            Readable::Error if !head::is_plain_json(&head.headers) => {
                // It would be told anew.
                tally.response_fields_closed += 1;
                return tried(tally, audit::DryRun::Complete);
            }
            Readable::Opaque => return tried(tally, audit::DryRun::AnswerUnread),
            Readable::Error => {
                let status = head.status;
                Form::Document(Document::error(protocol, edits, status, caps.document))
            }
            Readable::Events(framing) => {
                let refuse = Unhandled::Refuse;
                let events = EventStream::new(protocol, framing, edits, refuse, caps.event);
                Form::Events(events.or_document(caps.document))
            }
            Readable::Document => {
                let refuse = Unhandled::Refuse;
                Form::Document(Document::new(protocol, edits, refuse, caps.document))
            }
        };
        let now = Instant::now();
        let tried = Tried { tally, outcome: audit::DryRun::Complete };
        let dry_run = DryRun {
            form: Some(form),
            pacing,
            room,
            request: tally,
            tried,
            usage: Usage::default(),
            seen: TextBytes::default(),
            behind: false,
            end: End::Open,
            heard: now,
            leaves: now,
            waited: Duration::ZERO,
        };
        (tried, Some(dry_run))
    }
}

impl DryRun {
    /// Takes bytes of the upstream's.
    pub(super) fn take(&mut self, bytes: Bytes) {
        let now = Instant::now();
        let silent = now.duration_since(std::mem::replace(&mut self.heard, now));
        let Some(form) = &mut self.form else { return };
        let bytes = form.look_at(bytes);
        let pushed = match form {
            Form::Events(events) => {
                if silent >= LINGER && !self.behind && events.rewriter().lingers() {
                    // It would have left by now.
                    drop(events.release());
                }
                events.push(bytes);
                self.behind = true;
                Ok(())
            }
            Form::Document(document) => document.push(bytes).map(drop),
        };
        match pushed {
            Ok(()) => self.hold(),
            Err(_) => self.stop(audit::DryRun::AnswerUnread),
        }
    }

    /// Whether something is left to do of what has come.
    pub(super) fn has_work(&self) -> bool {
        self.behind || matches!(self.end, End::Whole | End::Broken) && self.form.is_some()
    }

    /// Does a slice of it.
    pub(super) fn work(&mut self) {
        if !self.has_work() {
            return;
        }
        match self.slice() {
            Ok(()) => self.hold(),
            Err(Unreadable) => self.stop(audit::DryRun::AnswerUnread),
        }
    }

    fn slice(&mut self) -> Result<(), Unreadable> {
        match &mut self.form {
            None => {}
            Some(Form::Events(events)) => {
                let mut left = SLICE;
                while left > 0 {
                    let before = events.rewriter().delivered();
                    let Some((bytes, leaves)) = events.read_event().map_err(|_| Unreadable)? else {
                        self.behind = false;
                        break;
                    };
                    left = left.saturating_sub(bytes.max(1));
                    let delivered = events.rewriter().delivered() - before;
                    if let Some(pacing) = self.pacing.as_mut().filter(|_| leaves) {
                        // The next one would be waited for from when this one has left.
                        let now = Instant::now().max(self.leaves);
                        let wait = pacing.wait(delivered, now);
                        self.leaves = now + wait;
                        self.waited += wait;
                    }
                }
                match self.end {
                    End::Whole if !self.behind => {
                        self.end = End::Finished;
                        events.finish().map_err(|_| Unreadable)?;
                    }
                    End::Broken if !self.behind => {
                        self.end = End::Finished;
                        drop(events.flush());
                    }
                    _ => {}
                }
            }
            Some(Form::Document(document)) => {
                let done = if document.has_work() {
                    document.work().map_err(|_| Unreadable)?.is_some()
                } else if self.end == End::Whole {
                    document.finish().map_err(|_| Unreadable)?.is_some()
                } else {
                    true
                };
                if done && self.end != End::Open {
                    self.end = End::Finished;
                    let delivered = document.rewriter().delivered();
                    if let Some(pacing) = self.pacing.as_mut().filter(|_| delivered > 0) {
                        self.waited += pacing.wait(delivered, Instant::now());
                    }
                }
            }
        }
        Ok(())
    }

    /// Holds what it now holds, or no more if there is no room for it.
    fn hold(&mut self) {
        let bytes = self.held();
        if self.room.resize(bytes).is_err() {
            self.stop(audit::DryRun::NoRoom);
        }
    }

    /// Goes no further.
    pub(super) fn stop(&mut self, outcome: audit::DryRun) {
        self.note();
        self.tried.outcome = outcome;
        (self.form, self.behind) = (None, false);
        // Less is always room enough.
        let _ = self.room.resize(0);
    }

    /// Notes what was counted so far.
    fn note(&mut self) {
        let Some(rewriter) = self.form.as_ref().map(Form::rewriter) else { return };
        self.tried.tally = self.request.and(rewriter.tally());
        self.tried.tally.waited_ms = u64::try_from(self.waited.as_millis()).unwrap_or(u64::MAX);
        (self.usage, self.seen) = (rewriter.usage(), rewriter.seen());
    }

    /// What it has found so far, and what the answer used once it knows that.
    pub(super) fn found(&mut self) -> (Tried, Option<(Usage, TextBytes)>) {
        self.note();
        let known = !self.has_work() && self.tried.outcome == audit::DryRun::Complete;
        (self.tried, known.then_some((self.usage, self.seen)))
    }

    /// Nothing more comes of the answer.
    pub(super) fn ends(&mut self, is_whole: bool) {
        self.end = if is_whole { End::Whole } else { End::Broken };
    }

    /// Bytes that are held for it.
    pub(super) fn held(&self) -> usize {
        self.form.as_ref().map_or(0, Form::held)
    }
}

/// It would have broken the answer off.
struct Unreadable;
