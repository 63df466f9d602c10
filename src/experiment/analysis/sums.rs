//! The sums of units that the metrics of an experiment are made of, kept small.

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
    (|met| &mut met.cancelled, &[]),
];

/// Which sums are kept. Of most experiments it is a few, and there may be a million units with thirty
/// periods each.
#[derive(Clone, Debug, Default)]
pub(super) struct Columns(Vec<Field>);

/// What one unit met in one period.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Met {
    pub(super) period: u16,
    sums: Box<[u64]>,
}

impl Columns {
    /// What these metrics need, and besides how many requests there were and how many of them were
    /// exposed.
    pub(super) fn of(metrics: &[Metric]) -> Self {
        let always: [Field; 2] = [|met| &mut met.requests, |met| &mut met.exposed];
        let needed = |names: &[&str]| metrics.iter().any(|it| names.contains(&it.name.as_str()));
        let fields = FIELDS.iter().filter(|(_, names)| needed(names)).map(|(field, _)| *field);
        Self(always.into_iter().chain(fields).collect())
    }

    /// Adds what a unit met to what it met before.
    pub(super) fn add(&self, periods: &mut Vec<Met>, period: u16, met: &mut UnitSums) {
        let place = match periods.binary_search_by_key(&period, |it| it.period) {
            Ok(place) => place,
            Err(place) => {
                let sums = vec![0; self.0.len()].into_boxed_slice();
                periods.insert(place, Met { period, sums });
                place
            }
        };
        let Some(own) = periods.get_mut(place) else { return };
        for (own, field) in own.sums.iter_mut().zip(&self.0) {
            *own = own.saturating_add(*field(met));
        }
    }

    /// Adds what a unit met in a period, as it was kept.
    pub(super) fn merge(&self, periods: &mut Vec<Met>, other: &Met) {
        let mut met = UnitSums::default();
        self.add_to(&mut met, other);
        self.add(periods, other.period, &mut met);
    }

    /// Adds a period to sums.
    pub(super) fn add_to(&self, met: &mut UnitSums, period: &Met) {
        for (sum, field) in period.sums.iter().zip(&self.0) {
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
