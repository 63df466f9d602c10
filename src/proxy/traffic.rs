//! What was decided and done since the start, in sums: for the metrics, for the status, and for the lines
//! of the audit that tell how many requests have left no record.

use std::collections::BTreeMap;
use std::fmt::Error;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;
use serde_json::{Map, Value, json};

use crate::audit::record::mode_name;
use crate::audit::{self, Outcome, Record, RefusedBy};
use crate::countermeasure::watermark::Carrier;
use crate::policy::Countermeasure;
use crate::wire::ProtocolId;

/// The protocol of paths that belong to none.
const NO_PROTOCOL: &str = "other";

/// How many protocols are told apart, the last of them that of paths that belong to none.
pub(super) const PROTOCOLS: usize = ProtocolId::ALL.len() + 1;

/// The number of a path's protocol among them.
pub(super) fn protocol_number(protocol: Option<ProtocolId>) -> usize {
    protocol.map_or(ProtocolId::ALL.len(), |id| id as usize)
}

/// Its name.
pub(super) fn protocol_name(protocol: Option<ProtocolId>) -> &'static str {
    protocol.map_or(NO_PROTOCOL, ProtocolId::name)
}

/// Names of policies and arms that are told apart in one family. There are a handful; a reload brings
/// others.
const MOST_NAMES: usize = 500;

/// What the others are called.
const OTHERS: &str = "(others)";

/// Sums by one label, whose values the program knows.
type Sums = Family<[(&'static str, &'static str); 1], Counter>;

/// The same with the sums at hand, in the order of the values: a decided exchange adds to a dozen of them.
#[derive(Clone, Debug)]
struct Listed {
    sums: Sums,
    at_hand: Arc<[Counter]>,
}

impl Listed {
    /// All stand at zero: the first of them is an increase then, and not something that has been there all
    /// the time.
    fn new(label: &'static str, values: impl Iterator<Item = &'static str>) -> Self {
        let sums = Sums::default();
        let at_hand = values.map(|value| sums.get_or_create(&[(label, value)]).clone()).collect();
        Self { sums, at_hand }
    }

    /// Adds to the sum of the value with this number.
    fn add(&self, value: usize, amount: u64) {
        if let Some(sum) = self.at_hand.get(value) {
            sum.inc_by(amount);
        }
    }
}

/// Sums over the exchanges since the start.
#[derive(Clone, Debug)]
pub(super) struct Traffic {
    passed: Listed,
    applied: Listed,
    observed: Listed,
    effects: Listed,
    marked: Sums,
    ends: Listed,
    exempt: Counter,
    named: Arc<Mutex<Named>>,
}

/// What is shown of it at a glance.
#[derive(Clone, Debug, Default)]
pub(super) struct Glance {
    pub(super) passed: u64,
    pub(super) grades: BTreeMap<String, u64>,
    /// By what.
    pub(super) refused: BTreeMap<&'static str, u64>,
    /// Words that were withheld.
    pub(super) words: u64,
}

/// Sums by names that a policy gives.
#[derive(Debug, Default)]
struct Named {
    /// By grade and mode.
    decisions: BTreeMap<(String, &'static str), u64>,
    arms: BTreeMap<String, u64>,
    /// By grade, and by what.
    refused: BTreeMap<(String, &'static str), u64>,
}

impl Default for Traffic {
    fn default() -> Self {
        let countermeasures = || Countermeasure::ALL.into_iter().map(Countermeasure::name);
        let effects = audit::Counter::ALL.into_iter().map(audit::Counter::name);
        Self {
            passed: Listed::new("protocol", protocols()),
            applied: Listed::new("countermeasure", countermeasures()),
            observed: Listed::new("countermeasure", countermeasures()),
            effects: Listed::new("effect", effects),
            marked: Sums::default(),
            ends: Listed::new("outcome", Outcome::ALL.into_iter().map(Outcome::name)),
            exempt: Counter::default(),
            named: Arc::default(),
        }
    }
}

impl Traffic {
    pub(super) fn register(&self, registry: &mut Registry) {
        self.begin();
        for (name, help, family) in [
            ("passed", "Requests about which nothing was decided", &self.passed.sums),
            ("stream_ends", "How exchanges ended", &self.ends.sums),
            ("applied", "Countermeasures carried out", &self.applied.sums),
            ("observed", "Countermeasures only recorded", &self.observed.sums),
            ("effects", "What countermeasures did, by what is counted", &self.effects.sums),
            ("marked", "Answers that carry a mark", &self.marked),
        ] {
            registry.register(name, help, family.clone());
        }
        let help = "Decided requests of principals whom an exemption names";
        registry.register("exempt", help, self.exempt.clone());
        registry.register_collector(Box::new(NamedSums(Arc::clone(&self.named))));
    }

    /// Has the sums by name whose labels are known stand at zero as well.
    fn begin(&self) {
        let mut named = self.named();
        for by in RefusedBy::ALL {
            named.refused.insert((String::new(), by.name()), 0);
        }
    }

    /// A request has ended about which nothing was decided.
    pub(super) fn passed(&self, protocol: Option<ProtocolId>, outcome: Outcome) {
        self.passed.add(protocol_number(protocol), 1);
        self.ended(outcome);
    }

    /// An exchange has ended.
    fn ended(&self, outcome: Outcome) {
        self.ends.add(outcome as usize, 1);
    }

    /// A decided exchange has ended.
    pub(super) fn decided(&self, record: &Record) {
        for (family, list) in [(&self.applied, &record.applied), (&self.observed, &record.observed)]
        {
            for applied in list {
                family.add(applied.countermeasure as usize, 1);
            }
        }
        for applied in &record.applied {
            for (counter, amount) in applied.counts.iter() {
                self.effects.add(counter as usize, amount);
            }
            if let Some(carrier) = applied.carrier {
                self.marked.get_or_create(&[("carrier", carrier.name())]).inc();
            }
        }
        if record.exempt.is_some() {
            self.exempt.inc();
        }
        self.ended(record.outcome);
        let mut named = self.named();
        let Named { decisions, arms, refused } = &mut *named;
        let mode = mode_name(record.mode);
        count(decisions, (record.grade.clone(), mode), (OTHERS.to_owned(), mode));
        if let Some(arm) = &record.arm {
            count(arms, arm.clone(), OTHERS.to_owned());
        }
        if let Some(by) = record.refused_by() {
            count(refused, (record.grade.clone(), by.name()), (OTHERS.to_owned(), by.name()));
        }
    }

    /// Requests about which nothing was decided, by protocol.
    pub(super) fn passed_by_protocol(&self) -> BTreeMap<&'static str, u64> {
        read(&self.passed.sums, "protocol", protocols())
    }

    /// What is shown of it at a glance.
    pub(super) fn glance(&self) -> Glance {
        let effect = |counter: audit::Counter| {
            self.effects.sums.get(&[("effect", counter.name())]).map_or(0, |sum| sum.get())
        };
        let mut glance = Glance {
            passed: self.passed_by_protocol().values().sum(),
            words: effect(audit::Counter::WordsRemoved) + effect(audit::Counter::WordsRepeated),
            ..Glance::default()
        };
        let named = self.named();
        for ((grade, _), requests) in &named.decisions {
            *glance.grades.entry(grade.clone()).or_default() += requests;
        }
        for ((_, by), requests) in &named.refused {
            *glance.refused.entry(by).or_default() += requests;
        }
        glance
    }

    /// As the status has it.
    pub(super) fn status(&self) -> Value {
        let countermeasures = || Countermeasure::ALL.into_iter().map(Countermeasure::name);
        let outcomes = Outcome::ALL.into_iter().map(Outcome::name);
        let effects = audit::Counter::ALL.into_iter().map(audit::Counter::name);
        let carriers = Carrier::ALL.into_iter().map(Carrier::name);
        let named = self.named();
        let decided = named.decisions.iter().map(|((grade, mode), requests)| {
            json!({ "grade": grade, "mode": mode, "requests": requests })
        });
        let refused = named.refused.iter().filter(|(_, requests)| **requests > 0);
        let refused = refused.map(
            |((grade, by), requests)| json!({ "grade": grade, "by": by, "requests": requests }),
        );
        json!({
            "passed": self.passed_by_protocol(),
            "decided": decided.collect::<Vec<_>>(),
            "refused": refused.collect::<Vec<_>>(),
            "arms": named.arms.iter().map(|(arm, requests)| (arm.clone(), json!(requests)))
                .collect::<Map<_, _>>(),
            "exempt": self.exempt.get(),
            "applied": read(&self.applied.sums, "countermeasure", countermeasures()),
            "observed": read(&self.observed.sums, "countermeasure", countermeasures()),
            "effects": read(&self.effects.sums, "effect", effects),
            "marked": read(&self.marked, "carrier", carriers),
            "ends": read(&self.ends.sums, "outcome", outcomes),
        })
    }

    /// Every change is one step, so that what a panic leaves is whole.
    fn named(&self) -> MutexGuard<'_, Named> {
        self.named.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The protocols of paths, and that of those that belong to none.
fn protocols() -> impl Iterator<Item = &'static str> {
    ProtocolId::ALL.into_iter().map(ProtocolId::name).chain([NO_PROTOCOL])
}

/// The sums of a family that are not zero, by the values of its label.
fn read(
    family: &Sums,
    label: &'static str,
    values: impl Iterator<Item = &'static str>,
) -> BTreeMap<&'static str, u64> {
    let sums = values.filter_map(|value| Some((value, family.get(&[(label, value)])?.get())));
    sums.filter(|(_, sum)| *sum > 0).collect()
}

/// Adds one to the sum of `key`, or, where there are too many already, to that of the others.
fn count<K: Ord>(sums: &mut BTreeMap<K, u64>, key: K, others: K) {
    let full = sums.len() >= MOST_NAMES && !sums.contains_key(&key);
    *sums.entry(if full { others } else { key }).or_default() += 1;
}

/// The sums by name, for the metrics.
#[derive(Debug)]
struct NamedSums(Arc<Mutex<Named>>);

impl Collector for NamedSums {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), Error> {
        let named = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut family = |name, help, sums: Vec<(Vec<(&str, &str)>, u64)>| {
            let counter = ConstCounter::new(0_u64).metric_type();
            let mut family = encoder.encode_descriptor(name, help, None, counter)?;
            sums.iter().try_for_each(|(labels, sum)| {
                ConstCounter::new(*sum).encode(family.encode_family(labels)?)
            })
        };
        let decisions = named
            .decisions
            .iter()
            .map(|((grade, mode), sum)| (vec![("grade", grade.as_str()), ("mode", *mode)], *sum));
        family("decisions", "Decisions by grade and mode", decisions.collect())?;
        let refused = named
            .refused
            .iter()
            .map(|((grade, by), sum)| (vec![("grade", grade.as_str()), ("by", *by)], *sum));
        family("refused", "Requests refused, by grade and by what", refused.collect())?;
        let arms = named.arms.iter().map(|(arm, sum)| (vec![("arm", arm.as_str())], *sum));
        family("arm_decisions", "Decisions by the arm of an experiment", arms.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_value_has_the_number_of_its_sum() {
        let numbers = |count: usize| (0..count).collect::<Vec<_>>();
        let counters = audit::Counter::ALL.map(|counter| counter as usize);
        assert_eq!(counters.to_vec(), numbers(counters.len()));
        let protocols = ProtocolId::ALL.map(|protocol| protocol as usize);
        assert_eq!(protocols.to_vec(), numbers(protocols.len()));
        let outcomes = Outcome::ALL.map(|outcome| outcome as usize);
        assert_eq!(outcomes.to_vec(), numbers(outcomes.len()));
        let countermeasures = Countermeasure::ALL.map(|countermeasure| countermeasure as usize);
        assert_eq!(countermeasures.to_vec(), numbers(countermeasures.len()));
    }

    #[test]
    fn names_past_the_most_are_counted_together() {
        let mut sums = BTreeMap::new();
        for number in 0..MOST_NAMES as u64 + 7 {
            count(&mut sums, number, u64::MAX);
        }
        count(&mut sums, 3, u64::MAX);
        assert_eq!(sums.len(), MOST_NAMES + 1);
        assert_eq!((sums[&u64::MAX], sums[&3]), (7, 2));
    }
}
