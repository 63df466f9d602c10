//! When what is read of an answer goes out: at a pace, after a while, or to say that it lives.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::Instant;

use super::estimate::estimated_tokens;
use crate::alarm::Alarm;
use crate::limit::Turn;

/// How long a stream stays silent before a heartbeat goes out: below the idle timeouts of the
/// proxies in between, which begin at about 30 s.
pub(super) const HEARTBEAT: Duration = Duration::from_secs(15);

/// How long text waits to be marked while the upstream is silent: longer than between two tokens,
/// shorter than a reader notices.
pub(super) const LINGER: Duration = Duration::from_millis(150);

/// How a response is slowed down.
#[derive(Debug)]
pub(super) struct Pacing {
    /// The delay of the first piece; taken once.
    pub(super) first: Option<Duration>,
    /// Its place among the streams that share a rate.
    pub(super) turn: Option<Turn>,
}

impl Pacing {
    /// How long the next piece has to wait at `now`, which has so many bytes of text.
    pub(super) fn wait(&mut self, delivered: u64, now: Instant) -> Duration {
        let first = self.first.take().unwrap_or_default();
        let tokens = estimated_tokens(delivered);
        let turn = self.turn.as_mut().filter(|_| tokens > 0);
        first + turn.map_or(Duration::ZERO, |turn| turn.acquire(tokens, now))
    }
}

/// What a piece waits for until it may go out.
pub(super) struct Wait {
    alarm: Pin<Box<Alarm>>,
    since: Instant,
}

impl Wait {
    pub(super) fn new(wait: Duration) -> Self {
        let since = Instant::now();
        Self { alarm: Box::pin(Alarm::at(since + wait)), since }
    }

    pub(super) fn poll_over(&mut self, context: &mut Context<'_>) -> Poll<()> {
        self.alarm.as_mut().poll(context)
    }

    /// How long it has waited.
    pub(super) fn so_far(&self) -> Duration {
        self.since.elapsed()
    }
}

/// Fires when nothing has happened for a while. What happens costs it nothing: it is moved when it
/// fires, not with every event.
pub(super) struct Timer {
    alarm: Pin<Box<Alarm>>,
    /// How long it is quiet before it fires.
    after: Duration,
    /// Since when nothing has happened; `None` while it is not known.
    silent_since: Option<Instant>,
}

impl Timer {
    pub(super) fn new(after: Duration) -> Self {
        let now = Instant::now();
        let alarm = Box::pin(Alarm::at(now + after));
        Self { alarm, after, silent_since: Some(now) }
    }

    /// Something has happened.
    pub(super) fn disturb(&mut self) {
        self.silent_since = None;
    }

    /// Nothing happens now. Ready when it has not for long enough, and then as if something had.
    pub(super) fn poll_silence(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let due = *self.silent_since.get_or_insert_with(Instant::now) + self.after;
        loop {
            ready!(self.alarm.as_mut().poll(context));
            let now = Instant::now();
            if due <= now {
                self.silent_since = Some(now);
                self.alarm.as_mut().set(now + self.after);
                return Poll::Ready(());
            }
            self.alarm.as_mut().set(due);
        }
    }
}
