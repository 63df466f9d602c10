//! Reading an answer as it comes: rewriting it, holding it back, breaking it off.

mod taking;

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, response};
use http_body::{Body, Frame};
use tokio::time::Instant;

use super::budget::Held;
use super::document::SLICE;
use super::error::{BodyError, BoxError};
use super::form::Form;
use super::guard::Guard;
use super::refusal::refusal;
use super::rewrite::ResponseRewriter;
use super::summarizing::Summarizing;
use super::timing::{HEARTBEAT, LINGER, Pacing, Timer, Wait};
use super::turns::let_others_go_first;
use crate::audit::Outcome;

/// A body that is read as it comes.
pub(super) struct Reading {
    form: Form,
    /// What of it is condensed, if that is done.
    summarizing: Option<Box<Summarizing>>,
    pacing: Option<Pacing>,
    /// What `held` has to wait for.
    wait: Option<Wait>,
    /// The waits that are over.
    waited: Duration,
    heartbeat: Option<Timer>,
    /// When text that waits to be marked leaves; made when some first waits.
    linger: Option<Timer>,
    /// Rewritten and not yet out.
    held: Option<Bytes>,
    /// The upstream has ended.
    ended: bool,
    trailers: Option<HeaderMap>,
    /// What breaks the body off once `held` is out.
    broken: Option<BodyError>,
    /// What comes after the error event.
    failure: Option<BodyError>,
    /// Nothing more comes.
    done: bool,
    /// What of the answer is held.
    room: Held,
    /// All that has come was looked at, and what of it is held is counted.
    looked_through: bool,
    /// Bytes read since the task last let others have their turn.
    spent: usize,
}

impl Reading {
    pub(super) fn new(form: Form, pacing: Option<Pacing>, room: Held) -> Self {
        let streams = matches!(form, Form::Events(_));
        let heartbeat = streams.then(|| Timer::new(HEARTBEAT));
        Self {
            form,
            summarizing: None,
            pacing,
            wait: None,
            waited: Duration::ZERO,
            heartbeat,
            linger: None,
            held: None,
            ended: false,
            trailers: None,
            broken: None,
            failure: None,
            done: false,
            room,
            looked_through: false,
            spent: 0,
        }
    }

    /// The same, with summaries in it.
    pub(super) fn summarizing(self, summarizing: Option<Box<Summarizing>>) -> Self {
        Self { summarizing, ..self }
    }

    /// Whether nothing more comes.
    pub(super) fn is_done(&self) -> bool {
        self.done
    }

    /// Whether the head of the answer can wait for what becomes of its body: a document that is read
    /// to be changed comes in one piece, and until then it can still be told properly that it failed.
    pub(super) fn is_undecided(&self) -> bool {
        matches!(self.form, Form::Document(_)) && !self.rewriter().only_counts()
    }

    /// The length of a document of which nothing has gone out and all has come.
    pub(super) fn length(&self) -> Option<usize> {
        let whole = self.ended && matches!(self.form, Form::Document(_));
        self.held.as_ref().filter(|_| whole).map(Bytes::len)
    }

    /// The head as it came, if nothing is done to what it is the head of.
    pub(super) fn take_head(&mut self) -> Option<Box<response::Parts>> {
        match &mut self.form {
            Form::Document(document) => document.take_head(),
            Form::Events(_) => None,
        }
    }

    /// Reads until something can go out.
    pub(super) fn poll_decided<B>(
        &mut self,
        mut body: Pin<&mut B>,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), BodyError>>
    where
        B: Body<Data = Bytes>,
        B::Error: Into<BoxError>,
    {
        while self.held.is_none() {
            if self.yields(context) {
                return Poll::Pending;
            }
            if !self.advance()? {
                if self.ended {
                    break;
                }
                ready!(self.poll_more(body.as_mut(), context))?;
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Whether what went out was the end of a document. A server that was told its length asks for
    /// nothing behind it.
    fn was_last_of_document(&self) -> bool {
        let nothing_left = self.held.is_none() && self.trailers.is_none();
        let no_failure = self.failure.is_none() && self.broken.is_none();
        matches!(self.form, Form::Document(_)) && self.ended && nothing_left && no_failure
    }

    /// Whether it is the turn of others, after so much work.
    fn yields(&mut self, context: &mut Context<'_>) -> bool {
        if self.spent < SLICE {
            return false;
        }
        self.spent = 0;
        let_others_go_first(context);
        true
    }

    pub(super) fn poll<B>(
        &mut self,
        mut body: Pin<&mut B>,
        guard: Option<&mut Guard>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>>
    where
        B: Body<Data = Bytes>,
        B::Error: Into<BoxError>,
    {
        loop {
            if let Some(failure) = self.failure.take() {
                self.done = true;
                return Poll::Ready(Some(Err(failure)));
            }
            if self.done {
                return Poll::Ready(None);
            }
            if let Some(wait) = &mut self.wait {
                if wait.poll_over(context).is_pending() {
                    return self.poll_heartbeat(guard, context);
                }
                self.waited = self.waited();
                self.wait = None;
            }
            if let Some(bytes) = self.next_piece() {
                if let Some(heartbeat) = &mut self.heartbeat {
                    heartbeat.disturb();
                }
                self.done = self.was_last_of_document();
                return Poll::Ready(Some(Ok(Frame::data(bytes))));
            }
            if self.yields(context) {
                return Poll::Pending;
            }
            match self.advance() {
                Ok(true) => continue,
                Ok(false) if self.ended => {
                    self.done = true;
                    let trailers = self.trailers.take();
                    return Poll::Ready(trailers.map(|trailers| Ok(Frame::trailers(trailers))));
                }
                Ok(false) => {}
                Err(error) => {
                    if let Some(frame) = self.fail(error) {
                        return Poll::Ready(Some(Ok(frame)));
                    }
                    continue;
                }
            }
            let Poll::Ready(taken) = self.poll_more(body.as_mut(), context) else {
                if self.poll_linger(context).is_ready() {
                    continue;
                }
                return self.poll_heartbeat(guard, context);
            };
            if let Err(error) = taken {
                if let Some(frame) = self.fail(error) {
                    return Poll::Ready(Some(Ok(frame)));
                }
            }
        }
    }

    /// What goes out next of what is held. A server takes a piece whole, however slowly its client
    /// reads: a long one goes out in parts, so that the rest is still counted as held.
    fn next_piece(&mut self) -> Option<Bytes> {
        let mut bytes = self.held.take()?;
        let piece = bytes.split_to(bytes.len().min(SLICE));
        self.held = Some(bytes).filter(|rest| !rest.is_empty());
        Some(piece)
    }

    /// Holds what goes out next; `false` if more has to come first.
    fn advance(&mut self) -> Result<bool, BodyError> {
        if let Some(error) = self.broken.take() {
            return Err(error);
        }
        let before = self.rewriter().delivered();
        let events = match &mut self.form {
            Form::Events(events) => events,
            Form::Document(document) if document.has_work() => {
                self.spent += SLICE;
                if let Some(last) = document.work()? {
                    self.room.resize(last.len())?;
                    // It comes in one piece, so it waits as long as its stream would have taken.
                    self.hold(last, before);
                }
                return Ok(true);
            }
            Form::Document(_) => return Ok(false),
        };
        if self.looked_through {
            return Ok(false);
        }
        let Some(first) = events.next_event()? else {
            self.hold_room(0)?;
            self.looked_through = true;
            return Ok(false);
        };
        if first.len() > SLICE {
            self.hold_room(first.len())?;
        }
        // It is still there.
        let Form::Events(events) = &mut self.form else { return Ok(false) };
        if self.pacing.is_some() {
            self.hold(first, before);
            return Ok(true);
        }
        // All that came in one frame goes out in one, unless it is long.
        let mut all = None;
        let mut bytes = first.len();
        while bytes < SLICE {
            match events.next_event() {
                Ok(Some(event)) => {
                    bytes += event.len();
                    all.get_or_insert_with(|| BytesMut::from(&*first)).extend_from_slice(&event);
                }
                Ok(None) => break,
                Err(error) => {
                    self.broken = Some(error.into());
                    break;
                }
            }
        }
        self.spent += bytes;
        self.held = Some(all.map_or(first, BytesMut::freeze));
        Ok(true)
    }

    /// Holds `bytes` for as long as the text has to wait that was delivered since `before`.
    fn hold(&mut self, bytes: Bytes, before: u64) {
        self.held = Some(bytes);
        self.wait = self.pace(before).map(Wait::new);
    }

    /// How long the body has waited so far.
    fn waited(&self) -> Duration {
        self.waited + self.wait.as_ref().map(Wait::so_far).unwrap_or_default()
    }

    /// How long the text has to wait that was delivered since `before`, in bytes.
    fn pace(&mut self, before: u64) -> Option<Duration> {
        let delivered = self.rewriter().delivered() - before;
        let wait = self.pacing.as_mut()?.wait(delivered, Instant::now());
        Some(wait).filter(|wait| !wait.is_zero())
    }

    /// Breaks the body off: the protocol's error event, if this is a stream, then the error.
    fn fail(&mut self, error: BodyError) -> Option<Frame<Bytes>> {
        let event = match &mut self.form {
            Form::Events(events) => Some(Frame::data(events.fail(&refusal(&error)))),
            Form::Document(_) => None,
        };
        self.failure = Some(error);
        event
    }

    /// The upstream is silent; text that waits to be marked is held no longer than a while. Ready if
    /// some is to go out.
    fn poll_linger(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let Form::Events(events) = &mut self.form else { return Poll::Pending };
        if !events.rewriter().lingers() {
            return Poll::Pending;
        }
        let timer = self.linger.get_or_insert_with(|| Timer::new(LINGER));
        ready!(timer.poll_silence(context));
        let before = events.rewriter().delivered();
        let text = events.release();
        self.looked_through = false;
        self.hold(text, before);
        Poll::Ready(())
    }

    /// Nothing can go out now; a stream that has been silent for long says that it lives.
    fn poll_heartbeat(
        &mut self,
        guard: Option<&mut Guard>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let Form::Events(events) = &self.form else { return Poll::Pending };
        let Some(timer) = &mut self.heartbeat else { return Poll::Pending };
        // It is only made where one is due, which is asked behind every event.
        if !events.has_heartbeat() {
            return Poll::Pending;
        }
        ready!(timer.poll_silence(context));
        let Some(heartbeat) = events.heartbeat() else { return Poll::Pending };
        if let Some(guard) = guard {
            guard.tally.heartbeats += 1;
        }
        Poll::Ready(Some(Ok(Frame::data(heartbeat))))
    }

    pub(super) fn rewriter(&self) -> &ResponseRewriter {
        self.form.rewriter()
    }

    /// Tells the guard how far the response has come.
    pub(super) fn report(&self, guard: &mut Guard) {
        let rewriter = self.rewriter();
        guard.report(rewriter.tally(), rewriter.usage(), rewriter.seen());
        guard.tally.waited_ms = u64::try_from(self.waited().as_millis()).unwrap_or(u64::MAX);
    }

    pub(super) fn outcome(&self) -> Outcome {
        let failed = match &self.form {
            Form::Events(events) => events.failed(),
            Form::Document(document) => document.failed(),
        };
        if failed { Outcome::UpstreamError } else { Outcome::Complete }
    }
}
