//! What one recorded request adds to the sums of its unit.
//!
//! Before an experiment there are no summaries, only the records of callers whom a policy has graded.

use crate::audit::{Counter, Counts, Outcome, Population, Record, Risk, UnitName, UnitSums};
use crate::experiment::analysis::Filling;
use crate::experiment::{Eligibility, Experiment, UnitKind};
use crate::policy::Countermeasure;

impl Filling<'_> {
    /// Adds a recorded request of the time before, to the unit that would be assigned.
    pub fn add_record(&self, record: &Record, experiment: &Experiment) {
        let principal = &record.principal;
        let unit = match (experiment.unit, principal.cluster) {
            (UnitKind::Slot(switchback), _) => UnitName::Slot(switchback.slot_of(record.time)),
            (UnitKind::Cluster, Some(cluster)) => UnitName::Cluster(cluster),
            _ => UnitName::Account(principal.account),
        };
        let population = population(&record.risk, experiment.eligibility);
        self.add_met(unit, population, record.time, met(record));
    }
}

fn population(risk: &Risk, eligibility: Eligibility) -> Option<Population> {
    match risk {
        Risk::Known { score, .. } if *score >= eligibility.harvester => {
            Some(Population::Harvesters)
        }
        Risk::Known { score, .. } if *score >= eligibility.legitimate => None,
        _ => Some(Population::Legitimate),
    }
}

fn met(record: &Record) -> UnitSums {
    let mut done = Counts::default();
    record.applied.iter().for_each(|applied| done.add_all(&applied.counts));
    let mut all = done.clone();
    record.observed.iter().for_each(|observed| all.add_all(&observed.counts));
    let limited = record.applied.iter().any(|applied| {
        applied.countermeasure == Countermeasure::Rate
            && applied.counts.get(Counter::RequestsRefused) > 0
    });
    let refused = record.outcome == Outcome::Refused;
    let failed = matches!(record.outcome, Outcome::UpstreamError | Outcome::Overloaded);
    let withheld = done.get(Counter::WordsRemoved);
    let output_tokens = all.get(Counter::TokensOut);
    let mut met = UnitSums {
        requests: 1,
        refused: u64::from(refused && !limited),
        limited: u64::from(limited),
        failed: u64::from(failed),
        cancelled: u64::from(record.outcome == Outcome::Cancelled),
        output_tokens,
        // What was withheld in part was not delivered in full.
        reasoning_tokens: if withheld == 0 { all.get(Counter::TokensReasoning) } else { 0 },
        words_withheld: withheld,
        sites_marked: done.get(Counter::Sites),
        ..UnitSums::default()
    };
    if let Some(first) = record.durations.first_byte_ms {
        met.first_byte.add(first);
        let rest = record.durations.total_ms.saturating_sub(first);
        if let Some(per_thousand) = rest.saturating_mul(1000).checked_div(output_tokens) {
            met.per_thousand_tokens.add(per_thousand);
        }
    }
    met
}
