//! The last ten minutes in a few sums, so that whoever opens the status page sees what came before.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::time::sleep;

use super::metrics::Metrics;
use super::traffic::Glance;

/// How often the sums are noted, and how many times are kept.
const INTERVAL: Duration = Duration::from_secs(5);
const KEPT: usize = 121;

/// What was counted until each of some moments, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Recent(Mutex<VecDeque<(Timestamp, Glance)>>);

impl Recent {
    /// Notes the sums again and again.
    pub(super) async fn run(self: Arc<Self>, metrics: Arc<Metrics>) {
        loop {
            self.note(Timestamp::now(), metrics.traffic().glance());
            sleep(INTERVAL).await;
        }
    }

    fn note(&self, now: Timestamp, glance: Glance) {
        let mut noted = self.lock();
        if noted.len() >= KEPT {
            noted.pop_front();
        }
        noted.push_back((now, glance));
    }

    /// As the page asks for it.
    pub(super) fn status(&self) -> Value {
        let noted = self.lock();
        let each = noted.iter().map(|(at, glance)| {
            let Glance { passed, grades, refused, words } = glance;
            json!({ "at": at, "passed": passed, "grades": grades, "refused": refused, "words": words })
        });
        each.collect()
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<(Timestamp, Glance)>> {
        // Nothing panics while it is held.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_moments_make_room() {
        let recent = Recent::default();
        for passed in 0..KEPT as u64 + 3 {
            recent.note(Timestamp::UNIX_EPOCH, Glance { passed, ..Glance::default() });
        }
        let status = recent.status();
        let status = status.as_array().unwrap();
        assert_eq!((status.len(), &status[0]["passed"]), (KEPT, &json!(3)));
    }
}
