//! What is counted, in the OpenMetrics text format. Labels come from enums and policies, never from
//! a client.

mod at_hand;

use std::fmt::Error;
use std::sync::Arc;
use std::time::Duration;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::{encode_eof, encode_registry};
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric};
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};
use serde_json::Value;

use super::experiments::ExperimentState;
use super::probe::CarrierState;
use super::reload::ReloadState;
use super::seen::Seen;
use super::summaries::Summaries;
use super::traffic::{PROTOCOLS, Traffic, protocol_name, protocol_number};
use crate::audit::Record;
use crate::audit::record::mode_name;
use crate::countermeasure::watermark::Carriers;
use crate::layer::DefenseHandle;
use crate::lines::Lost;
use crate::mark::ledger::LostAnswers;
use crate::risk::Reports;
use crate::wire::ProtocolId;
use at_hand::AtHand;

/// What the names of all metrics begin with.
const PREFIX: &str = "guilloche";

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    protocol: &'static str,
    status: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ProtocolLabels {
    protocol: &'static str,
}

type Times = Family<ProtocolLabels, Histogram, fn() -> Histogram>;

/// The metric families of the proxy. All names begin with `guilloche_`.
#[derive(Debug)]
pub(super) struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    /// By protocol and class of status.
    requests_at_hand: AtHand<Counter>,
    in_flight: Gauge,
    first_byte: Times,
    duration: Times,
    /// By protocol.
    first_byte_at_hand: AtHand<Histogram>,
    duration_at_hand: AtHand<Histogram>,
    traffic: Traffic,
    lost: LostLines,
    summaries: Summaries,
    seen: Seen,
}

/// From a cached answer to an hour of streaming, in seconds.
fn times() -> Histogram {
    Histogram::new([
        0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 3600.0,
    ])
}

impl Metrics {
    /// Metrics that stand at zero. `audit`, `access_log` and `ledger` tell how much was lost.
    pub(super) fn new(
        audit: Option<Lost>,
        access_log: Option<Lost>,
        ledger: Option<LostAnswers>,
    ) -> Self {
        let mut registry = Registry::with_prefix(PREFIX);
        let metrics = Self {
            requests: Family::default(),
            requests_at_hand: AtHand::new(PROTOCOLS * STATUS_CLASSES.len()),
            in_flight: Gauge::default(),
            first_byte: Family::new_with_constructor(times),
            duration: Family::new_with_constructor(times),
            first_byte_at_hand: AtHand::new(PROTOCOLS),
            duration_at_hand: AtHand::new(PROTOCOLS),
            traffic: Traffic::default(),
            lost: LostLines { audit, access_log, ledger },
            summaries: Summaries::default(),
            seen: Seen::default(),
            registry: Registry::default(),
        };
        registry.register("requests", "Requests answered", metrics.requests.clone());
        registry.register("in_flight", "Exchanges under way", metrics.in_flight.clone());
        registry.register_with_unit(
            "first_byte",
            "Time to the first byte of the answer's body",
            Unit::Seconds,
            metrics.first_byte.clone(),
        );
        registry.register_with_unit(
            "duration",
            "Time to the end of the answer",
            Unit::Seconds,
            metrics.duration.clone(),
        );
        metrics.traffic.register(&mut registry);
        metrics.summaries.register(&mut registry);
        metrics.seen.register(&mut registry);
        let version = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("build", "The program", version);
        registry.register_collector(Box::new(metrics.lost.clone()));
        Self { registry, ..metrics }
    }

    /// Tells what is known of these carriers as well.
    pub(super) fn watching(mut self, carriers: &Carriers) -> Self {
        self.registry.register_collector(Box::new(CarrierState(carriers.clone())));
        self
    }

    /// Tells of reloads as well.
    pub(super) fn with_reloads(mut self, reloads: ReloadState) -> Self {
        self.registry.register_collector(Box::new(reloads));
        self
    }

    /// The text that a scrape gets, with what is known now: whether requests should be sent here, what
    /// decides, what the risk source could not believe, how experiments stand.
    pub(super) fn text(
        &self,
        defense: &DefenseHandle,
        is_ready: bool,
        trust: &'static str,
    ) -> Result<String, Error> {
        let mut now = Registry::with_prefix(PREFIX);
        let ready: Gauge = Gauge::default();
        ready.set(is_ready.into());
        now.register("ready", "Whether requests should be sent here", ready);
        let (name, revision) = defense.policy();
        let (mode, trust) = (mode_name(defense.mode()).to_owned(), trust.to_owned());
        let policy = [("name", name), ("revision", revision), ("mode", mode), ("trust", trust)];
        now.register("policy", "What decides", Info::new(policy));
        now.register_collector(Box::new(UnknownRisks(defense.reports())));
        now.register_collector(Box::new(ExperimentState(defense.clone())));
        let mut text = String::new();
        encode_registry(&mut text, &self.registry)?;
        encode_registry(&mut text, &now)?;
        encode_eof(&mut text)?;
        Ok(text)
    }

    /// Exchanges under way.
    pub(super) fn in_flight(&self) -> i64 {
        self.in_flight.get()
    }

    /// How many lines were lost, as the status has it.
    pub(super) fn lost(&self) -> Value {
        self.lost.counts().into_iter().map(|(name, _, lost)| (name, lost)).collect()
    }

    /// What was decided and done.
    pub(super) fn traffic(&self) -> &Traffic {
        &self.traffic
    }

    /// How reasoning was set apart in answers.
    pub(super) fn seen(&self) -> &Seen {
        &self.seen
    }

    pub(super) fn request_began(&self) {
        self.in_flight.inc();
    }

    /// An exchange is over. `status` is absent when the client left before there was one.
    pub(super) fn request_ended(
        &self,
        protocol: Option<ProtocolId>,
        status: Option<u16>,
        first_byte: Option<Duration>,
        duration: Duration,
    ) {
        self.in_flight.dec();
        let (number, protocol) = (protocol_number(protocol), protocol_name(protocol));
        let (class, status) = status_class(status);
        let requests = self.requests_at_hand.get(number * STATUS_CLASSES.len() + class, || {
            self.requests.get_or_create(&RequestLabels { protocol, status }).clone()
        });
        if let Some(requests) = requests {
            requests.inc();
        }
        let observe = |at_hand: &AtHand<Histogram>, family: &Times, time: Duration| {
            let times = || family.get_or_create(&ProtocolLabels { protocol }).clone();
            at_hand.get(number, times).inspect(|times| times.observe(time.as_secs_f64()));
        };
        if let Some(first_byte) = first_byte {
            observe(&self.first_byte_at_hand, &self.first_byte, first_byte);
        }
        observe(&self.duration_at_hand, &self.duration, duration);
    }

    /// What a decided request adds, its end included.
    pub(super) fn decided(&self, record: &Record) {
        self.traffic.decided(record);
        self.summaries.count(record);
        self.seen.count(record);
    }
}

/// Without an answer, and by the first digit of its status.
const STATUS_CLASSES: [&str; 6] = ["none", "1xx", "2xx", "3xx", "4xx", "5xx"];

/// The number of a status's class, and its name.
fn status_class(status: Option<u16>) -> (usize, &'static str) {
    let class = match status {
        None => 0,
        Some(status @ 100..=499) => usize::from(status / 100),
        Some(_) => 5,
    };
    (class, STATUS_CLASSES.get(class).copied().unwrap_or_default())
}

/// Counts of what could not be written.
#[derive(Clone, Debug)]
struct LostLines {
    audit: Option<Lost>,
    access_log: Option<Lost>,
    ledger: Option<LostAnswers>,
}

impl LostLines {
    fn counts(&self) -> [(&'static str, &'static str, u64); 3] {
        let lines = |lost: &Option<Lost>| lost.as_ref().map_or(0, Lost::count);
        let answers = self.ledger.as_ref().map_or(0, LostAnswers::count);
        [
            ("audit", "Audit records lost", lines(&self.audit)),
            ("access_log", "Access log lines lost", lines(&self.access_log)),
            ("ledger", "Marked answers missing in the ledger", answers),
        ]
    }
}

impl Collector for LostLines {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), Error> {
        for (name, help, lost) in self.counts() {
            let count = ConstCounter::new(lost);
            let name = format!("{name}_lost");
            let metric = encoder.encode_descriptor(&name, help, None, count.metric_type())?;
            count.encode(metric)?;
        }
        Ok(())
    }
}

/// Counted where the risk is looked up: who is unknown reaches no grade and leaves no record.
#[derive(Debug)]
struct UnknownRisks(Arc<Reports>);

impl Collector for UnknownRisks {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), Error> {
        let counter = ConstCounter::new(0_u64).metric_type();
        let (name, help) = ("risk_unknown", "Requests without a risk score, by reason");
        let mut family = encoder.encode_descriptor(name, help, None, counter)?;
        for (reason, count) in self.0.counts() {
            let labels = [("reason", reason.name())];
            ConstCounter::new(count).encode(family.encode_family(&labels)?)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
