//! The body of a response on its way to the client.
//!
//! It wraps the upstream's body: no task, no channel, so that a client who leaves drops the
//! upstream's body with it, and a client who reads slowly slows the upstream down.
//!
//! A failure comes one poll after all that was read before it. Servers that write what they have when
//! a body has nothing more, as hyper's do, have written it by then, unless the client is behind: a
//! body cannot see whether its bytes have left. The proxy, which owns the socket, waits for that.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::response;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use super::budget::Held;
use super::dry_runs::DryRuns;
use super::error::{BodyError, BoxError};
use super::form::Form;
use super::guard::Guard;
use super::hook::Watch;
use super::reading::Reading;
use super::summarizing::Summarizing;
use super::teed::Teed;
use super::timing::Pacing;
use crate::audit::Outcome;

pin_project! {
    /// A response body under the layer: the upstream's own, one that is read and rewritten as it
    /// comes, or an answer of the layer's.
    ///
    /// A failed answer ends with an error, never as if it were complete. Of a stream, the protocol's
    /// error event comes before it. The error is given only when the body is polled anew after
    /// everything else was taken.
    pub struct DefenseBody<B> {
        kind: Kind<B>,
        // A body moves a dozen times before it is read: what is large lies elsewhere.
        guard: Option<Box<Guard>>,
        // Of an exchange to which nothing is done.
        watch: Option<Watch>,
        failure: Option<BodyError>,
    }

    impl<B> PinnedDrop for DefenseBody<B> {
        fn drop(this: Pin<&mut Self>) {
            let this = this.project();
            let Some(guard) = this.guard else { return };
            let dry_runs = match this.kind {
                Kind::Passed { body } => body.as_mut().take_dry_runs(),
                Kind::Read { body, reading } => {
                    reading.report(guard);
                    body.as_mut().take_dry_runs()
                }
                Kind::Whole { .. } => None,
            };
            if let Some(mut dry_runs) = dry_runs {
                dry_runs.report(guard);
            }
        }
    }
}

enum Kind<B> {
    Passed { body: Pin<Box<Teed<B>>> },
    Read { body: Pin<Box<Teed<B>>>, reading: Box<Reading> },
    Whole { bytes: Option<Bytes> },
}

/// Prints no text of the answer's.
impl<B> fmt::Debug for DefenseBody<B> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match &self.kind {
            Kind::Passed { .. } => "passed",
            Kind::Read { .. } => "read",
            Kind::Whole { .. } => "whole",
        };
        formatter.debug_struct("DefenseBody").field("kind", &kind).finish_non_exhaustive()
    }
}

/// Why nothing of a body can go out, and the end of its exchange.
type Undecided = (BodyError, Option<Box<Guard>>);

impl<B> DefenseBody<B> {
    /// The upstream's own body, of an exchange to which nothing is done.
    pub(super) fn passed(body: B, mut watch: Option<Watch>) -> Self
    where
        B: Body<Data = Bytes>,
    {
        if let Some(watch) = watch.as_mut().filter(|_| body.is_end_stream()) {
            watch.end(Outcome::Complete);
        }
        let kind = Kind::Passed { body: Box::pin(Teed::new(body, None)) };
        Self { kind, guard: None, watch, failure: None }
    }

    /// The upstream's own body, whose end is noted, and of which a dry run may see a copy.
    pub(super) fn teed(mut body: Teed<B>, mut guard: Box<Guard>) -> Self
    where
        B: Body<Data = Bytes>,
    {
        // A server asks a body that has ended for nothing.
        if body.is_end_stream() {
            end(&mut guard, body.leave_dry_runs(), Outcome::Complete, true);
        }
        let kind = Kind::Passed { body: Box::pin(body) };
        Self { kind, guard: Some(guard), watch: None, failure: None }
    }

    /// An answer of the layer's own.
    pub(super) fn whole(bytes: Bytes) -> Self {
        let bytes = Some(bytes).filter(|bytes| !bytes.is_empty());
        Self { kind: Kind::Whole { bytes }, guard: None, watch: None, failure: None }
    }

    /// The upstream's body, read as it comes.
    pub(super) fn read(
        body: Teed<B>,
        (form, summarizing): (Form, Option<Box<Summarizing>>),
        pacing: Option<Pacing>,
        guard: Box<Guard>,
        held: Held,
    ) -> Self {
        let reading = Reading::new(form, pacing, held).summarizing(summarizing);
        let kind = Kind::Read { body: Box::pin(body), reading: Box::new(reading) };
        Self { kind, guard: Some(guard), watch: None, failure: None }
    }
}

impl<B> Body for DefenseBody<B>
where
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        if let Some(failure) = self.as_mut().project().failure.take() {
            return Poll::Ready(Some(Err(failure)));
        }
        match ready!(self.as_mut().poll_any(context)) {
            Some(Err(failure)) => {
                *self.project().failure = Some(failure);
                context.waker().wake_by_ref();
                Poll::Pending
            }
            frame => Poll::Ready(frame),
        }
    }

    fn is_end_stream(&self) -> bool {
        if self.failure.is_some() {
            return false;
        }
        match &self.kind {
            Kind::Whole { bytes } => bytes.is_none(),
            Kind::Passed { body } => body.is_end_stream(),
            // True is a promise that nothing is held: a server that is told so asks no more.
            Kind::Read { reading, .. } => reading.is_done(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Whole { bytes } => {
                SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
            }
            Kind::Passed { body } => body.size_hint(),
            Kind::Read { .. } => SizeHint::default(),
        }
    }
}

impl<B> DefenseBody<B>
where
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    /// Whether the head of the answer is to wait until something of the body can go out.
    pub(super) fn is_undecided(&self) -> bool {
        matches!(&self.kind, Kind::Read { reading, .. } if reading.is_undecided())
    }

    /// The length of all that goes out, where it is known already.
    pub(super) fn length(&self) -> Option<usize> {
        match &self.kind {
            Kind::Read { reading, .. } => reading.length(),
            Kind::Passed { .. } | Kind::Whole { .. } => None,
        }
    }

    /// The head as it came, if nothing is done to the answer after all.
    pub(super) fn take_head(&mut self) -> Option<Box<response::Parts>> {
        match &mut self.kind {
            Kind::Read { reading, .. } => reading.take_head(),
            Kind::Passed { .. } | Kind::Whole { .. } => None,
        }
    }

    /// Reads until something can go out. A body that has failed before then has nothing to give any
    /// more but the end of its exchange.
    pub(super) fn poll_decided(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), Undecided>> {
        let Kind::Read { body, reading } = &mut self.kind else { return Poll::Ready(Ok(())) };
        let decided = ready!(reading.poll_decided(body.as_mut(), context));
        Poll::Ready(decided.map_err(|error| {
            let mut guard = self.guard.take();
            if let Some(guard) = &mut guard {
                reading.report(guard);
                if let Some(mut dry_runs) = body.as_mut().take_dry_runs() {
                    dry_runs.report(guard);
                }
            }
            (error, guard)
        }))
    }

    /// The next frame, or failure.
    fn poll_any(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = self.project();
        match this.kind {
            Kind::Whole { bytes } => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Kind::Passed { body } => {
                let frame = ready!(body.as_mut().poll_frame(context));
                let ends = |body: &Teed<B>| body.is_end_stream() || is_last(&frame);
                let ended = || {
                    let is_whole = !matches!(frame, Some(Err(_)));
                    let failed = Outcome::UpstreamError;
                    (if is_whole { Outcome::Complete } else { failed }, is_whole)
                };
                if let Some(guard) = this.guard {
                    guard.sent(bytes_in(&frame));
                    if ends(body) {
                        let (outcome, is_whole) = ended();
                        end(guard, body.as_mut().take_dry_runs(), outcome, is_whole);
                    }
                } else if let Some(watch) = this.watch {
                    watch.sent(bytes_in(&frame));
                    if ends(body) {
                        watch.end(ended().0);
                    }
                }
                Poll::Ready(frame.map(|frame| frame.map_err(BodyError::upstream)))
            }
            Kind::Read { body, reading } => {
                let polled = reading.poll(body.as_mut(), this.guard.as_deref_mut(), context);
                // Also while nothing goes out: reasoning that is withheld is used all the same.
                if let Some(guard) = this.guard {
                    guard.charge(reading.rewriter().passed());
                }
                let frame = ready!(polled);
                if let Some(guard) = this.guard {
                    guard.sent(bytes_in(&frame));
                    if is_last(&frame) || reading.is_done() {
                        reading.report(guard);
                        let (outcome, is_whole) = match &frame {
                            Some(Err(error)) => (error.outcome(), false),
                            _ => (reading.outcome(), true),
                        };
                        end(guard, body.as_mut().take_dry_runs(), outcome, is_whole);
                    }
                }
                Poll::Ready(frame)
            }
        }
    }
}

/// Ends an exchange, and the dry runs beside it.
fn end(guard: &mut Guard, dry_runs: Option<Box<DryRuns>>, outcome: Outcome, is_whole: bool) {
    match dry_runs {
        Some(dry_runs) => dry_runs.end(guard, outcome, is_whole),
        None => guard.end(outcome),
    }
}

type Polled<E> = Option<Result<Frame<Bytes>, E>>;

fn bytes_in<E>(frame: &Polled<E>) -> usize {
    let Some(Ok(frame)) = frame else { return 0 };
    frame.data_ref().map_or(0, Bytes::len)
}

/// Whether a server asks no more after this: it does not wait for the `None` behind trailers.
fn is_last<E>(frame: &Polled<E>) -> bool {
    !matches!(frame, Some(Ok(frame)) if frame.is_data())
}
