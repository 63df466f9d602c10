//! A hook that every decided exchange passes, also of callers to whom nothing is done.
//!
//! An audit record is left by those who have reached a grade. Whoever compares policies has to know of
//! all the others too: which arm they were in, that nothing was done to them, and how it ended.

use std::fmt;

use tokio::time::Instant;

use super::arms::{Counted, Met};
use crate::audit::Outcome;
use crate::policy::Decision;
use crate::risk::Assessment;

/// Is told of every decision, and of the end of what was decided.
///
/// It is called on the way of requests: what takes longer than counting belongs on a queue.
pub trait Hook: fmt::Debug + Send + Sync {
    /// It was decided about a request. What is returned is told how the exchange ends.
    fn decided(&self, decided: &Decided<'_>) -> Option<Box<dyn AtEnd>> {
        let _ = decided;
        None
    }
}

/// Is told once how an exchange ended.
pub trait AtEnd: Send + Sync {
    /// It has ended so.
    fn ended(self: Box<Self>, end: &End);
}

/// What was decided, and about whom.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Decided<'d> {
    /// The decision. What depends on the requested model is still open where its body was not read.
    pub decision: &'d Decision,
    /// The caller and their risk, as they were assessed.
    pub assessment: &'d Assessment,
}

/// How an exchange ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct End {
    /// In what way.
    pub outcome: Outcome,
    /// The status that the client got; absent when it left before there was one.
    pub status: Option<u16>,
    /// How long it took, in milliseconds.
    pub total_ms: u64,
}

impl<'d> Decided<'d> {
    pub(super) fn new(decision: &'d Decision, assessment: &'d Assessment) -> Self {
        Self { decision, assessment }
    }
}

/// Tells the end of an exchange once, as cancelled if nothing else is said of it: to the hook, and to
/// the experiment that counts it.
pub(super) struct Watch {
    at_end: Option<Box<dyn AtEnd>>,
    counted: Option<Counted>,
    started: Instant,
    status: Option<u16>,
    /// When the first bytes of the answer went out.
    first: Option<Instant>,
    bytes: u64,
    pieces: u32,
}

impl Watch {
    pub(super) fn new(
        at_end: Option<Box<dyn AtEnd>>,
        counted: Option<Counted>,
        started: Instant,
    ) -> Self {
        Self { at_end, counted, started, status: None, first: None, bytes: 0, pieces: 0 }
    }

    /// So many bytes of the answer's body go out.
    pub(super) fn sent(&mut self, bytes: usize) {
        if self.counted.is_none() || bytes == 0 {
            return;
        }
        self.first.get_or_insert_with(Instant::now);
        self.bytes = self.bytes.saturating_add(bytes as u64);
        self.pieces = self.pieces.saturating_add(1);
    }

    /// What the experiment is to be told, as far as it is known here. It is not told by this one then.
    pub(super) fn take_counted(&mut self, outcome: Outcome) -> Option<(Counted, Met)> {
        let counted = self.counted.take()?;
        let (started, status, first) = (self.started, self.status, self.first);
        let (bytes, pieces) = (self.bytes, self.pieces);
        let since = |from: Instant| from.elapsed().as_micros().try_into().unwrap_or(u64::MAX);
        let first_byte = first.map(|first| first.duration_since(started).as_millis());
        let met = Met {
            outcome,
            status,
            turned_away: None,
            first_byte_ms: first_byte.map(|it| u64::try_from(it).unwrap_or(u64::MAX)),
            span_us: first.filter(|_| pieces > 1).map(since),
            bytes,
            tokens: None,
            words_withheld: 0,
            sites_marked: 0,
        };
        Some((counted, met))
    }

    /// The client is answered with this status.
    pub(super) fn answered(&mut self, status: u16) {
        self.status = Some(status);
    }

    /// The exchange has ended. Later calls do nothing.
    pub(super) fn end(&mut self, outcome: Outcome) {
        if let Some((counted, met)) = self.take_counted(outcome) {
            counted.ended(&met);
        }
        let Some(at_end) = self.at_end.take() else { return };
        let total_ms = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        at_end.ended(&End { outcome, status: self.status, total_ms });
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.end(Outcome::Cancelled);
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Watch").finish_non_exhaustive()
    }
}
