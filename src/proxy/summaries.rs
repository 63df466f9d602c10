//! Summaries of reasoning in the metrics.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

use crate::audit::{self, Record};
use crate::countermeasure::summary::SummaryFailure;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    outcome: &'static str,
}

/// How many were made, and how many were not and why.
#[derive(Clone, Debug, Default)]
pub(super) struct Summaries(Family<Labels, Counter>);

impl Summaries {
    pub(super) fn register(&self, registry: &mut Registry) {
        let help = "Texts of reasoning that were to be condensed, by what became of them";
        registry.register("summaries", help, self.0.clone());
    }

    /// Adds what a record says of them.
    pub(super) fn count(&self, record: &Record) {
        for (counter, count) in record.applied.iter().flat_map(|applied| applied.counts.iter()) {
            let mut failures = SummaryFailure::ALL.into_iter();
            let outcome = match counter {
                audit::Counter::SummariesMade => Some("made"),
                _ => failures
                    .find(|failure| audit::Counter::of_summary(*failure) == counter)
                    .map(SummaryFailure::name),
            };
            if let Some(outcome) = outcome.filter(|_| count > 0) {
                self.0.get_or_create(&Labels { outcome }).inc_by(count);
            }
        }
    }
}
