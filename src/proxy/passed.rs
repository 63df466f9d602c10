//! Has the audit tell now and then how many requests have left no record.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::sleep;

use super::metrics::Metrics;
use crate::audit::{JsonLines, Line, Passed};
use crate::layer::DefenseHandle;

/// How often. What a process that is killed has not written is not told.
const INTERVAL: Duration = Duration::from_secs(60);

/// Writes what has come since it last did.
#[derive(Debug)]
pub(super) struct PassedLines {
    metrics: Arc<Metrics>,
    defense: DefenseHandle,
    audit: Arc<JsonLines>,
    told: Mutex<Told>,
}

/// How far it has been told.
#[derive(Debug)]
struct Told {
    until: Timestamp,
    requests: BTreeMap<&'static str, u64>,
    unknown: BTreeMap<&'static str, u64>,
}

impl PassedLines {
    pub(super) fn new(
        metrics: Arc<Metrics>,
        defense: DefenseHandle,
        audit: Arc<JsonLines>,
    ) -> Self {
        let told =
            Told { until: Timestamp::now(), requests: BTreeMap::new(), unknown: BTreeMap::new() };
        Self { metrics, defense, audit, told: Mutex::new(told) }
    }

    /// Tells it again and again.
    pub(super) async fn run(self: Arc<Self>) {
        loop {
            sleep(INTERVAL).await;
            self.tell(Timestamp::now());
        }
    }

    /// Tells what has come by now, if anything has.
    pub(super) fn tell(&self, now: Timestamp) {
        let requests = self.metrics.traffic().passed_by_protocol();
        let reports = self.defense.reports();
        let unknown = reports.counts().map(|(reason, count)| (reason.name(), count)).collect();
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let line = Passed {
            time: now,
            since: told.until,
            requests: since(&told.requests, &requests),
            unknown: since(&told.unknown, &unknown),
        };
        *told = Told { until: now, requests, unknown };
        drop(told);
        if !line.requests.is_empty() || !line.unknown.is_empty() {
            self.audit.lines().write(&Line::Passed(Box::new(line)));
        }
    }
}

/// What has been added to sums; those that are as they were are left out.
fn since<K: From<&'static str> + Ord>(
    before: &BTreeMap<&'static str, u64>,
    now: &BTreeMap<&'static str, u64>,
) -> BTreeMap<K, u64> {
    let added = now.iter().map(|(name, sum)| {
        (K::from(name), sum.saturating_sub(before.get(name).copied().unwrap_or_default()))
    });
    added.filter(|(_, added)| *added > 0).collect()
}
