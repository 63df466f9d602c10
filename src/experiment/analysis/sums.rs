//! The sums of units that the metrics of an experiment are made of.

use super::rows::{MOST_SUMS, Sums};
use crate::audit::UnitSums;
use crate::experiment::Metric;

/// A sum, in place.
type Field = fn(&mut UnitSums) -> &mut u64;

/// Every sum of which a metric is made, with the metrics that are.
const FIELDS: [(Field, &[&str]); 12] = [
    (|met| &mut met.refused, &["refused_share"]),
    (|met| &mut met.limited, &["limited_share"]),
    (|met| &mut met.failed, &["failed_share"]),
    (|met| &mut met.first_byte.count, &["first_byte_ms"]),
    (|met| &mut met.first_byte.sum, &["first_byte_ms"]),
    (|met| &mut met.per_thousand_tokens.count, &["token_ms"]),
    (|met| &mut met.per_thousand_tokens.sum, &["token_ms"]),
    (|met| &mut met.output_tokens, &["output_tokens"]),
    (|met| &mut met.reasoning_tokens, &["reasoning_tokens"]),
    (|met| &mut met.words_withheld, &["words_withheld"]),
    (|met| &mut met.sites_marked, &["sites_marked"]),
    (|met| &mut met.cancelled, &["cancelled_share"]),
];

const _: () = assert!(FIELDS.len() + 2 <= MOST_SUMS, "a row has room for all");

/// Which sums are kept. Of most experiments it is a few.
#[derive(Clone, Debug, Default)]
pub(super) struct Columns(Vec<Field>);

impl Columns {
    /// What these metrics need, and besides how many requests there were and how many of them were
    /// exposed.
    pub(super) fn of(metrics: &[Metric]) -> Self {
        let always: [Field; 2] = [|met| &mut met.requests, |met| &mut met.exposed];
        let needed = |names: &[&str]| metrics.iter().any(|it| names.contains(&it.name.as_str()));
        let fields = FIELDS.iter().filter(|(_, names)| needed(names)).map(|(field, _)| *field);
        Self(always.into_iter().chain(fields).collect())
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.0.len()
    }

    /// What is kept of what a unit met.
    pub(super) fn of_met(&self, met: &mut UnitSums) -> Sums {
        let mut sums = Sums::default();
        sums.iter_mut().zip(&self.0).for_each(|(sum, field)| *sum = *field(met));
        sums
    }

    /// Adds what was kept to what a unit met.
    pub(super) fn add_to(&self, met: &mut UnitSums, sums: &Sums) {
        for (sum, field) in sums.iter().zip(&self.0) {
            let own = field(met);
            *own = own.saturating_add(*sum);
        }
    }
}

/// The numerator and denominator of a metric over requests, or over answers; of totals, per request.
pub(super) fn ratio(metric: &Metric, met: &UnitSums) -> Option<(f64, f64)> {
    let sketch = match metric.name.as_str() {
        "requests" => return None,
        "first_byte_ms" => Some((&met.first_byte, 1.0)),
        "token_ms" => Some((&met.per_thousand_tokens, 1000.0)),
        _ => None,
    };
    if let Some((sketch, factor)) = sketch {
        return Some((sketch.sum as f64 / factor, sketch.count as f64));
    }
    let requests = met.requests as f64;
    let value = metric.value(met);
    let is_share = metric.name.ends_with("_share");
    Some((if is_share { value.unwrap_or(0.0) * requests } else { value? }, requests))
}
