//! The dry runs of one exchange, side by side.

use bytes::Bytes;

use super::applied::Tried;
use super::document::SLICE;
use super::dry_run::DryRun;
use super::guard::Guard;
use super::trials::Tries;
use crate::audit::{self, Outcome};

/// At least one.
pub(super) struct DryRuns(Vec<(Tries, DryRun)>);

impl DryRuns {
    /// Nothing of none.
    pub(super) fn new(runs: Vec<(Tries, DryRun)>) -> Option<Box<Self>> {
        (!runs.is_empty()).then(|| Box::new(Self(runs)))
    }

    /// Takes bytes of the upstream's.
    pub(super) fn take(&mut self, bytes: &Bytes) {
        self.0.iter_mut().for_each(|(_, run)| run.take(bytes.clone()));
    }

    /// Whether something is left to do of what has come.
    pub(super) fn has_work(&self) -> bool {
        self.0.iter().any(|(_, run)| run.has_work())
    }

    /// Does a slice of it.
    pub(super) fn work(&mut self) {
        self.0.iter_mut().for_each(|(_, run)| run.work());
    }

    /// Tells the guard how far they have come.
    pub(super) fn report(&mut self, guard: &mut Guard) {
        for (tries, run) in &mut self.0 {
            let (tried, used) = run.found();
            guard.try_out(tries, tried, used);
        }
    }

    /// Ends the exchange with what they make of it. What takes longer is worked out while others have
    /// their turn, and the record waits for that, as nothing else does.
    pub(super) fn end(mut self: Box<Self>, guard: &mut Guard, outcome: Outcome, is_whole: bool) {
        for (_, run) in &mut self.0 {
            run.ends(is_whole);
            if run.held() <= SLICE {
                while run.has_work() {
                    run.work();
                }
            }
        }
        self.report(guard);
        if !self.has_work() {
            return guard.end(outcome);
        }
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            self.0.iter_mut().for_each(|(_, run)| run.stop(audit::DryRun::NoRoom));
            self.report(guard);
            return guard.end(outcome);
        };
        let Some(mut ended) = guard.ended(outcome) else { return };
        for (tries, run) in self.0.iter_mut().filter(|(_, run)| run.has_work()) {
            // Should the runtime end first.
            let (tried, _) = run.found();
            ended.try_out(tries, Tried { outcome: audit::DryRun::AnswerUnread, ..tried }, None);
        }
        runtime.spawn(async move {
            while self.has_work() {
                self.work();
                tokio::task::yield_now().await;
            }
            for (tries, run) in &mut self.0 {
                let (tried, used) = run.found();
                ended.try_out(tries, tried, used);
            }
        });
    }
}
