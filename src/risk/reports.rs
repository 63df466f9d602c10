//! How often the risk was unknown, and why: counted always, logged now and then, without content.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use jiff::Timestamp;

use super::UnknownReason;

/// A fault is logged at most once in so many seconds for each reason.
const LOG_INTERVAL_SECONDS: i64 = 60;

/// Counts of unknown risks by reason. Share one in an `Arc` among the sources and the metrics, and
/// keep it when the configuration is reloaded.
#[derive(Debug, Default)]
pub struct Reports {
    reasons: [Report; UnknownReason::ALL.len()],
}

#[derive(Debug)]
struct Report {
    count: AtomicU64,
    /// Unix seconds.
    logged: AtomicI64,
}

impl Default for Report {
    fn default() -> Self {
        Self { count: AtomicU64::new(0), logged: AtomicI64::new(i64::MIN) }
    }
}

impl Reports {
    /// Every reason with how often it has been met since the start.
    pub fn counts(&self) -> impl Iterator<Item = (UnknownReason, u64)> {
        UnknownReason::ALL
            .into_iter()
            .zip(&self.reasons)
            .map(|(reason, report)| (reason, report.count.load(Ordering::Relaxed)))
    }

    /// Counts one, and logs it if it is a fault and the last one was logged long enough ago.
    pub fn note(&self, reason: UnknownReason, now: Timestamp) {
        let Some(report) = self.reasons.get(reason as usize) else { return };
        let count = report.count.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        if reason.is_fault() && report.is_due(now.as_second()) {
            tracing::warn!(
                reason = reason.name(),
                count,
                "a risk header was not used; the caller's risk is unknown"
            );
        }
    }
}

impl Report {
    /// Whether this call is the one that logs.
    fn is_due(&self, now: i64) -> bool {
        let logged = self.logged.load(Ordering::Relaxed);
        // A clock that was set back must not silence the log.
        let due = now < logged || now.saturating_sub(logged) >= LOG_INTERVAL_SECONDS;
        due && self
            .logged
            .compare_exchange(logged, now, Ordering::Relaxed, Ordering::Relaxed)
            .is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_is_counted_on_its_own() {
        let reports = Reports::default();
        for (times, reason) in UnknownReason::ALL.into_iter().enumerate() {
            (0..times).for_each(|_| reports.note(reason, Timestamp::UNIX_EPOCH));
        }
        for (times, (reason, count)) in reports.counts().enumerate() {
            assert_eq!(count, times as u64, "{}", reason.name());
        }
    }

    #[test]
    fn a_fault_is_logged_once_an_interval_and_again_after_the_clock_was_set_back() {
        let report = Report::default();
        let logged: Vec<i64> = [0, 1, 59, 60, 119, 121, 50, 51]
            .into_iter()
            .filter(|now| report.is_due(*now))
            .collect();
        assert_eq!(logged, [0, 60, 121, 50]);
    }
}
