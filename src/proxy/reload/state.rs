//! What is told of reloads: how the last one ended, and which revision runs.

use std::fmt::Error;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use blake3::Hash;
use jiff::Timestamp;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Unit;
use serde_json::{Value, json};

use super::{ReloadError, Reloaded, Trigger};

/// How the reloads of a proxy ended.
#[derive(Clone, Debug)]
pub(in crate::proxy) struct ReloadState(Arc<Mutex<Reloads>>);

#[derive(Debug)]
struct Reloads {
    /// Of the configuration that decides, and since when it does.
    running: Hash,
    since: Timestamp,
    last: Option<Last>,
    done: u64,
    refused: u64,
}

#[derive(Debug)]
struct Last {
    at: Timestamp,
    trigger: Trigger,
    /// Of what was read.
    read: Hash,
    /// What was wrong, if it was refused.
    errors: Option<Vec<String>>,
}

/// The first 12 hexadecimal digits.
pub(super) fn short(hash: &Hash) -> String {
    hash.to_hex().chars().take(12).collect()
}

impl ReloadState {
    /// Of a proxy that starts with a configuration of this fingerprint.
    pub(in crate::proxy) fn new(running: Hash, now: Timestamp) -> Self {
        let (done, refused) = (0, 0);
        let reloads = Reloads { running, since: now, last: None, done, refused };
        Self(Arc::new(Mutex::new(reloads)))
    }

    /// Of what decides.
    pub(super) fn running(&self) -> Hash {
        self.lock().running
    }

    /// What was wrong the last time, if that was refused.
    pub(super) fn refused(&self) -> Option<Vec<String>> {
        self.lock().last.as_ref()?.errors.clone()
    }

    /// Notes how a reload of files with this fingerprint ended.
    pub(super) fn note(&self, trigger: Trigger, read: Hash, ended: &Result<Reloaded, ReloadError>) {
        let now = Timestamp::now();
        let mut reloads = self.lock();
        match ended {
            Ok(_) => {
                (reloads.running, reloads.since) = (read, now);
                reloads.done = reloads.done.saturating_add(1);
            }
            Err(_) => reloads.refused = reloads.refused.saturating_add(1),
        }
        let errors = ended.as_ref().err().map(ReloadError::lines);
        reloads.last = Some(Last { at: now, trigger, read, errors });
    }

    /// What decides, as the status has it.
    pub(in crate::proxy) fn running_status(&self) -> Value {
        let Reloads { running, since, .. } = &*self.lock();
        json!({"revision": short(running), "since": since})
    }

    /// How the last reload ended, as the status has it; nothing before the first.
    pub(in crate::proxy) fn last_status(&self) -> Option<Value> {
        self.lock().last.as_ref().map(|Last { at, trigger, read, errors }| {
            json!({
                "at": at,
                "trigger": trigger.name(),
                "outcome": if errors.is_some() { "refused" } else { "done" },
                "revision": short(read),
                "errors": errors.as_deref().unwrap_or_default(),
            })
        })
    }

    fn lock(&self) -> MutexGuard<'_, Reloads> {
        // Nothing panics while it is held.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Collector for ReloadState {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), Error> {
        let reloads = self.lock();
        let counter = ConstCounter::new(0_u64).metric_type();
        let (name, help) = ("reloads", "Times the configuration was read again, by outcome");
        let mut family = encoder.encode_descriptor(name, help, None, counter)?;
        for (outcome, count) in [("done", reloads.done), ("refused", reloads.refused)] {
            let labels = [("outcome", outcome)];
            ConstCounter::new(count).encode(family.encode_family(&labels)?)?;
        }
        let since = ConstGauge::new(reloads.since.as_second());
        let (name, help) = ("reload_last_success_timestamp", "When what decides was taken up");
        let metric =
            encoder.encode_descriptor(name, help, Some(&Unit::Seconds), since.metric_type())?;
        since.encode(metric)
    }
}
