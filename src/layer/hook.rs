//! A hook that every decided exchange passes, also of callers to whom nothing is done.
//!
//! An audit record is left by those who have reached a grade. Whoever compares policies has to know of
//! all the others too: which arm they were in, that nothing was done to them, and how it ended.

use std::fmt;

use tokio::time::Instant;

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

/// No hook.
#[derive(Clone, Copy, Debug)]
pub(super) struct NoHook;

impl Hook for NoHook {}

impl<'d> Decided<'d> {
    pub(super) fn new(decision: &'d Decision, assessment: &'d Assessment) -> Self {
        Self { decision, assessment }
    }
}

/// Tells the end of an exchange once, as cancelled if nothing else is said of it.
pub(super) struct Watch {
    at_end: Option<Box<dyn AtEnd>>,
    started: Instant,
    status: Option<u16>,
}

impl Watch {
    pub(super) fn new(at_end: Box<dyn AtEnd>, started: Instant) -> Self {
        Self { at_end: Some(at_end), started, status: None }
    }

    /// The client is answered with this status.
    pub(super) fn answered(&mut self, status: u16) {
        self.status = Some(status);
    }

    /// The exchange has ended. Later calls do nothing.
    pub(super) fn end(&mut self, outcome: Outcome) {
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
