//! Summarizers that follow a script.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use guilloche::countermeasure::summary::SummaryFailure;
use guilloche::layer::{Summarizer, SummaryLimits};
use guilloche::policy::Policy;
use guilloche::ready::Waiting;
use tokio::time::sleep;

use super::support::*;

/// A trace of as many words as are worth a summary, with one by which it is known.
pub(super) const REASONING: &str = "The zebra stands at the start. Then the first figure is put beside \
    the second one, and both are read from the left. The wholes are alike, so the tenths decide, and \
    eight of those are more than one. That is checked once more and found to hold.";

pub(super) const SUMMARY: &str = "It compared both figures and chose the greater.";

pub(super) const SUM_UP: &str = "reasoning = { keep = \"summary\", signed = \"seal\" }";

/// Answers after a while, with what a function makes of the text.
pub(super) struct Scribe {
    after: Duration,
    write: fn(&str) -> Result<String, SummaryFailure>,
    /// What it was asked.
    pub(super) asked: Mutex<Vec<String>>,
    /// What it is working on.
    pub(super) at_work: Arc<AtomicUsize>,
}

impl std::fmt::Debug for Scribe {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Scribe")
    }
}

struct AtWork(Arc<AtomicUsize>);

impl Drop for AtWork {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Scribe {
    pub(super) fn new(
        after: Duration,
        write: fn(&str) -> Result<String, SummaryFailure>,
    ) -> Arc<Self> {
        Arc::new(Self { after, write, asked: Mutex::default(), at_work: Arc::default() })
    }

    /// One that writes what it should, at once.
    pub(super) fn prompt() -> Arc<Self> {
        Self::new(Duration::ZERO, |_| Ok(SUMMARY.to_owned()))
    }

    /// One that does after so many seconds.
    pub(super) fn slow(seconds: u64) -> Arc<Self> {
        Self::new(Duration::from_secs(seconds), |_| Ok(SUMMARY.to_owned()))
    }

    pub(super) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    pub(super) fn at_work(&self) -> usize {
        self.at_work.load(Ordering::Relaxed)
    }
}

impl Summarizer for Scribe {
    fn summarize(&self, reasoning: Arc<str>) -> Waiting<Result<String, SummaryFailure>> {
        self.asked.lock().unwrap().push(reasoning.to_string());
        self.at_work.fetch_add(1, Ordering::Relaxed);
        let at_work = AtWork(Arc::clone(&self.at_work));
        let (after, write) = (self.after, self.write);
        Box::pin(async move {
            let _at_work = at_work;
            if !after.is_zero() {
                sleep(after).await;
            }
            write(&reasoning)
        })
    }
}

pub(super) fn world(policy: Policy, scribe: &Arc<Scribe>, limits: SummaryLimits) -> World {
    let scribe = Arc::clone(scribe) as Arc<dyn Summarizer>;
    World::with(policy, |builder| builder.summarizer(scribe, limits))
}

/// The layer that condenses, with the usual limits.
pub(super) fn summing_up(scribe: &Arc<Scribe>) -> World {
    world(policy(SUM_UP), scribe, SummaryLimits::default())
}

/// A chat completion as one document.
pub(super) fn completion(reasoning: &str) -> String {
    serde_json::json!({"id": "c", "choices": [{"index": 0, "finish_reason": "stop", "message":
        {"role": "assistant", "reasoning_content": reasoning, "content": "It is 9.8."}}]})
    .to_string()
}
