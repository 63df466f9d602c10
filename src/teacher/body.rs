//! Response bodies: events are written one by one as the client reads, paced in tokio time.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::time::{Sleep, sleep};

use super::gzip::Gzip;
use super::model::Fault;
use super::protocol::{chat, messages};

/// How many events a faulty stream sends before it fails.
const EVENTS_BEFORE_FAULT: usize = 6;

/// The upstream dropped the connection, because the model name asked for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the upstream dropped the connection")]
pub struct Dropped;

/// What is going on in a [`Teacher`](super::Teacher).
#[derive(Debug, Default)]
pub(crate) struct Gauges {
    pub(crate) served: AtomicUsize,
    pub(crate) in_flight: AtomicUsize,
    pub(crate) open_streams: AtomicUsize,
    pub(crate) cancelled: AtomicUsize,
}

/// Counts one request while it lives.
#[derive(Debug)]
pub(crate) struct InFlight {
    gauges: Arc<Gauges>,
    stream: bool,
    done: bool,
}

impl InFlight {
    pub(crate) fn new(gauges: Arc<Gauges>) -> Self {
        gauges.in_flight.fetch_add(1, Ordering::Relaxed);
        Self { gauges, stream: false, done: false }
    }

    fn open_stream(&mut self) {
        if !self.stream {
            self.stream = true;
            self.gauges.open_streams.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.gauges.in_flight.fetch_sub(1, Ordering::Relaxed);
        if self.stream {
            self.gauges.open_streams.fetch_sub(1, Ordering::Relaxed);
        }
        let ended = if self.done { &self.gauges.served } else { &self.gauges.cancelled };
        ended.fetch_add(1, Ordering::Relaxed);
    }
}

/// How fast a stream is written.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Pace {
    pub(crate) first_token: Duration,
    pub(crate) per_token: Duration,
}

impl Pace {
    /// How long `tokens` take, the first one included.
    pub(crate) fn whole(self, tokens: u64) -> Duration {
        self.first_token.saturating_add(
            self.per_token.saturating_mul(u32::try_from(tokens).unwrap_or(u32::MAX)),
        )
    }
}

/// An event with the number of tokens it carries.
#[derive(Debug)]
pub(crate) struct Event {
    pub(crate) data: Bytes,
    pub(crate) tokens: u32,
}

#[derive(Debug)]
enum Source {
    Whole(Option<Bytes>),
    Chat(Box<chat::Stream>),
    Messages(Box<messages::Stream>),
    /// Events that are there, and what a failure among them looks like.
    Ready(std::vec::IntoIter<Event>, Bytes),
}

impl Source {
    fn next(&mut self) -> Option<Event> {
        match self {
            Self::Whole(data) => data.take().map(|data| Event { data, tokens: 0 }),
            Self::Chat(stream) => stream.next(),
            Self::Messages(stream) => stream.next(),
            Self::Ready(events, _) => events.next(),
        }
    }

    fn error(&mut self) -> Option<Bytes> {
        match self {
            Self::Whole(_) => None,
            Self::Chat(_) => Some(chat::error()),
            Self::Messages(stream) => Some(stream.error()),
            Self::Ready(_, error) => Some(error.clone()),
        }
    }
}

type Polled = Poll<Option<Result<Frame<Bytes>, Dropped>>>;

/// A response body of the teacher. Dropping it ends the stream; nothing runs without being polled.
#[derive(Debug)]
pub struct TeacherBody {
    source: Source,
    pace: Pace,
    fault: Option<Fault>,
    gzip: Option<Gzip>,
    sleep: Option<Pin<Box<Sleep>>>,
    waiting: Option<Event>,
    sent: usize,
    ended: bool,
    guard: Option<InFlight>,
}

impl TeacherBody {
    fn new(source: Source) -> Self {
        Self {
            source,
            pace: Pace::default(),
            fault: None,
            gzip: None,
            sleep: None,
            waiting: None,
            sent: 0,
            ended: false,
            guard: None,
        }
    }

    pub(crate) fn whole(text: String) -> Self {
        Self::new(Source::Whole(Some(text.into())))
    }

    pub(crate) fn chat(stream: chat::Stream, pace: Pace) -> Self {
        Self { pace, ..Self::new(Source::Chat(Box::new(stream))) }
    }

    pub(crate) fn messages(stream: messages::Stream, pace: Pace) -> Self {
        Self { pace, ..Self::new(Source::Messages(Box::new(stream))) }
    }

    pub(crate) fn ready(events: Vec<Event>, error: Bytes, pace: Pace) -> Self {
        Self { pace, ..Self::new(Source::Ready(events.into_iter(), error)) }
    }

    pub(crate) fn with_fault(mut self, fault: Option<Fault>) -> Self {
        self.gzip = (fault == Some(Fault::Gzip)).then(Gzip::new);
        self.fault = fault;
        self
    }

    pub(crate) fn guarded(mut self, mut guard: InFlight) -> Self {
        if !matches!(self.source, Source::Whole(_)) {
            guard.open_stream();
        }
        self.guard = Some(guard);
        self
    }

    /// Counts the request as answered and lets go of it.
    fn close(&mut self) {
        self.ended = true;
        if let Some(mut guard) = self.guard.take() {
            guard.done = true;
        }
    }

    fn fail(&mut self) -> Option<Polled> {
        let whole = matches!(self.source, Source::Whole(_));
        if self.sent < if whole { 1 } else { EVENTS_BEFORE_FAULT } {
            return None;
        }
        match self.fault? {
            Fault::MidStream if !whole => {
                let error = self.source.error()?;
                self.close();
                Some(Poll::Ready(Some(Ok(Frame::data(error)))))
            }
            Fault::Cut => {
                self.close();
                Some(Poll::Ready(Some(Err(Dropped))))
            }
            Fault::Stall => {
                // Nobody wakes this task again; only a client that leaves ends the stream.
                Some(Poll::Pending)
            }
            _ => None,
        }
    }
}

impl Body for TeacherBody {
    type Data = Bytes;
    type Error = Dropped;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Dropped>>> {
        let this = &mut *self;
        if this.ended {
            return Poll::Ready(None);
        }
        if let Some(outcome) = this.fail() {
            return outcome;
        }
        if this.waiting.is_none() {
            this.waiting = this.source.next();
            let Some(event) = &this.waiting else {
                this.close();
                let end = this.gzip.as_mut().map(|gzip| Ok(Frame::data(gzip.finish())));
                return Poll::Ready(end);
            };
            let first = if this.sent == 0 { this.pace.first_token } else { Duration::ZERO };
            let delay = first.saturating_add(this.pace.per_token.saturating_mul(event.tokens));
            this.sleep = (!delay.is_zero()).then(|| Box::pin(sleep(delay)));
        }
        if let Some(waiting) = &mut this.sleep {
            ready!(waiting.as_mut().poll(cx));
            this.sleep = None;
        }
        let Some(Event { data, .. }) = this.waiting.take() else { return Poll::Ready(None) };
        this.sent += 1;
        let data = match (&this.source, this.fault) {
            // A document that is cut arrives in half.
            (Source::Whole(_), Some(Fault::Cut | Fault::Stall)) => data.slice(..data.len() / 2),
            _ => data,
        };
        let data = match &mut this.gzip {
            Some(gzip) => gzip.frame(&data),
            None => data,
        };
        Poll::Ready(Some(Ok(Frame::data(data))))
    }

    fn is_end_stream(&self) -> bool {
        self.ended
    }

    fn size_hint(&self) -> SizeHint {
        match (&self.source, self.fault) {
            (Source::Whole(Some(data)), None) => SizeHint::with_exact(data.len() as u64),
            (Source::Whole(None), None) => SizeHint::with_exact(0),
            _ => SizeHint::default(),
        }
    }
}
