//! Sums over what was seen. They do not depend on the order of the records.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::days::Days;
use super::look::{Fate, Kind, Seen};
use super::sample::{Of, Sample};
use crate::audit::latency::LatencySketch;
use crate::audit::{
    Applied, Counts, DryRun, KeyedHash, Outcome, Passed, PolicyIdentity, RefusedBy,
};
use crate::policy::Countermeasure;
use crate::policy::plan::Mode;

/// What is kept of accounts, in entries of 40 bytes: one for each account, day, grade and kind.
const MOST_ACCOUNTS: usize = 900_000;

/// Clusters and tenants of whom something is kept.
const MOST_GROUPS: usize = 100_000;

/// Grades that are told apart, and other names of one sort. A deployment has a handful: more are of a
/// file that nobody's proxy wrote.
const MOST_GRADES: usize = 63;
const MOST_NAMES: usize = 200;

/// What others are called.
pub(super) const OTHERS: &str = "(others)";

/// Requests that were to be spared and were not, of which the decisions are named.
const NAMED_UNSPARED: usize = 20;

/// Requests by what became of them.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Fates {
    pub(super) requests: [u64; Fate::COUNT],
    pub(super) failed: u64,
    pub(super) cancelled: u64,
    pub(super) waits_ms: u64,
    pub(super) longest_wait_ms: u64,
}

impl Fates {
    fn add(&mut self, seen: &Seen) {
        for fate in seen.fates() {
            if let Some(requests) = self.requests.get_mut(fate.place()) {
                *requests += 1;
            }
        }
        let failed = matches!(seen.outcome, Outcome::UpstreamError | Outcome::Overloaded);
        self.failed += u64::from(failed);
        self.cancelled += u64::from(seen.outcome == Outcome::Cancelled);
        self.waits_ms = self.waits_ms.saturating_add(seen.waits_ms);
        self.longest_wait_ms = self.longest_wait_ms.max(seen.waits_ms);
    }

    pub(super) fn add_all(&mut self, other: &Self) {
        for (own, other) in self.requests.iter_mut().zip(&other.requests) {
            *own += other;
        }
        self.failed += other.failed;
        self.cancelled += other.cancelled;
        self.waits_ms = self.waits_ms.saturating_add(other.waits_ms);
        self.longest_wait_ms = self.longest_wait_ms.max(other.longest_wait_ms);
    }

    pub(super) fn of(&self, fate: Fate) -> u64 {
        self.requests.get(fate.place()).copied().unwrap_or_default()
    }
}

/// How long exchanges took.
#[derive(Clone, Debug, Default)]
pub(super) struct Times {
    pub(super) first_byte: LatencySketch,
    pub(super) total: LatencySketch,
    pub(super) waits: LatencySketch,
}

impl Times {
    pub(super) fn add_all(&mut self, other: &Self) {
        self.first_byte += &other.first_byte;
        self.total += &other.total;
        self.waits += &other.waits;
    }
}

/// An account on one day, in one grade, as one kind of caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct AccountKey {
    pub(super) account: KeyedHash,
    pub(super) day: i32,
    pub(super) grade: u8,
    pub(super) kind: Kind,
}

impl Of for AccountKey {
    fn principal(&self) -> KeyedHash {
        self.account
    }
}

/// What it met.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Met {
    /// A bit for each fate, from the lowest; then one for each countermeasure that was carried out.
    pub(super) bits: u16,
    pub(super) requests: u32,
    pub(super) touched: u32,
}

impl Met {
    pub(super) fn add(&mut self, other: &Self) {
        self.bits |= other.bits;
        self.requests = self.requests.saturating_add(other.requests);
        self.touched = self.touched.saturating_add(other.touched);
    }

    fn note(&mut self, seen: &Seen) {
        let fates = seen.fates().fold(0, |bits: u16, fate| bits | 1 << fate.place());
        let applied = seen.applied.iter().fold(0, |bits: u16, applied| {
            bits | 1 << (Fate::COUNT + applied.countermeasure as usize)
        });
        self.add(&Self { bits: fates | applied, requests: 1, touched: u32::from(seen.touched) });
    }
}

/// What a countermeasure did, in so many requests.
#[derive(Clone, Debug, Default)]
pub(super) struct Done {
    pub(super) requests: u64,
    pub(super) counts: Counts,
}

impl Done {
    fn add(&mut self, applied: &Applied) {
        self.requests += 1;
        self.counts.add_all(&applied.counts);
    }
}

/// A request that was to be spared, and was not.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Unspared {
    pub(super) time: Timestamp,
    pub(super) decision: String,
    pub(super) kind: Kind,
}

/// Requests by a name.
pub(super) type Named = BTreeMap<String, u64>;

/// All sums.
#[derive(Debug)]
pub(super) struct Tally {
    pub(super) requests: u64,
    pub(super) outside: u64,
    pub(super) times: Option<(Timestamp, Timestamp)>,
    /// Names of grades, with the lowest score of each.
    pub(super) grades: Vec<(String, f64)>,
    pub(super) groups: BTreeMap<(u8, Kind), (Fates, Times)>,
    pub(super) days: Days,
    pub(super) accounts: Sample<AccountKey, Met>,
    pub(super) clusters: Sample<KeyedHash, Met>,
    pub(super) tenants: Sample<KeyedHash, Met>,
    pub(super) policies: BTreeMap<(String, String), u64>,
    pub(super) observing: u64,
    /// Apart for requests that were to be spared, and to which something was done.
    pub(super) applied: BTreeMap<(Countermeasure, bool), Done>,
    pub(super) observed: BTreeMap<Countermeasure, Done>,
    pub(super) carriers: Named,
    pub(super) dialects: Named,
    pub(super) members: Named,
    pub(super) protocols: BTreeMap<(String, bool), [u64; 2]>,
    pub(super) detectors: Named,
    pub(super) reasons: Named,
    pub(super) arms: Named,
    pub(super) dry_runs: BTreeMap<DryRun, u64>,
    pub(super) outcomes: BTreeMap<Outcome, u64>,
    pub(super) statuses: BTreeMap<u16, u64>,
    pub(super) unspared: Vec<Unspared>,
    /// Requests without a record, by protocol; `None` where no file tells of any.
    pub(super) passed: Option<Named>,
    pub(super) unknown: Named,
}

impl Default for Tally {
    fn default() -> Self {
        Self {
            requests: 0,
            outside: 0,
            times: None,
            grades: Vec::new(),
            groups: BTreeMap::new(),
            days: Days::default(),
            accounts: Sample::new(MOST_ACCOUNTS),
            clusters: Sample::new(MOST_GROUPS),
            tenants: Sample::new(MOST_GROUPS),
            policies: BTreeMap::new(),
            observing: 0,
            applied: BTreeMap::new(),
            observed: BTreeMap::new(),
            carriers: Named::new(),
            dialects: Named::new(),
            members: Named::new(),
            protocols: BTreeMap::new(),
            detectors: Named::new(),
            reasons: Named::new(),
            arms: Named::new(),
            dry_runs: BTreeMap::new(),
            outcomes: BTreeMap::new(),
            statuses: BTreeMap::new(),
            unspared: Vec::new(),
            passed: None,
            unknown: Named::new(),
        }
    }
}

impl Tally {
    pub(super) fn add(&mut self, seen: Seen) {
        self.requests += 1;
        let (first, last) = self.times.unwrap_or((seen.time, seen.time));
        self.times = Some((first.min(seen.time), last.max(seen.time)));
        let grade = self.grade(&seen.grade, seen.risk.as_ref().ok().map(|(score, _)| *score));
        let (fates, times) = self.groups.entry((grade, seen.kind)).or_default();
        fates.add(&seen);
        times.total.add(seen.total_ms);
        seen.first_byte_ms.into_iter().for_each(|it| times.first_byte.add(it));
        if seen.waits_ms > 0 {
            times.waits.add(seen.waits_ms);
        }
        let day = Days::day(seen.time);
        self.days.fates(day, grade).into_iter().for_each(|fates| fates.add(&seen));
        self.meet(day, grade, &seen);
        self.observing += u64::from(seen.mode == Mode::Observe);
        if seen.is_unspared() {
            self.unspare(&seen);
        }
        self.name(seen);
    }

    /// Adds what a line says of requests without a record.
    pub(super) fn pass(&mut self, line: &Passed) {
        let passed = self.passed.get_or_insert_default();
        let day = Days::day(line.time);
        for (protocol, requests) in &line.requests {
            count(passed, protocol, *requests);
            self.days.pass(day, *requests);
        }
        for (reason, requests) in &line.unknown {
            count(&mut self.unknown, reason, *requests);
        }
    }

    fn meet(&mut self, day: i32, grade: u8, seen: &Seen) {
        let key = AccountKey { account: seen.principal.account, day, grade, kind: seen.kind };
        self.accounts.of(key).into_iter().for_each(|met| met.note(seen));
        for (sample, hash) in [
            (&mut self.clusters, seen.principal.cluster),
            (&mut self.tenants, seen.principal.tenant),
        ] {
            hash.and_then(|hash| sample.of(hash)).into_iter().for_each(|met| met.note(seen));
        }
    }

    /// Keeps the earliest.
    fn unspare(&mut self, seen: &Seen) {
        let unspared =
            Unspared { time: seen.time, decision: seen.decision.clone(), kind: seen.kind };
        let place = self.unspared.partition_point(|other| *other < unspared);
        if place < NAMED_UNSPARED {
            self.unspared.insert(place, unspared);
            self.unspared.truncate(NAMED_UNSPARED);
        }
    }

    /// All that is counted by a name.
    fn name(&mut self, seen: Seen) {
        let unspared = seen.is_unspared();
        let PolicyIdentity { name, revision } = seen.policy;
        capped(&mut self.policies, (name, revision), (OTHERS.to_owned(), String::new()), 1);
        for applied in &seen.applied {
            self.applied.entry((applied.countermeasure, unspared)).or_default().add(applied);
            let carrier = applied.carrier.map(|carrier| carrier.name());
            carrier.into_iter().for_each(|name| count(&mut self.carriers, name, 1));
            applied.dialects.iter().for_each(|name| count(&mut self.dialects, name, 1));
            applied.members.iter().for_each(|name| count(&mut self.members, name, 1));
        }
        for applied in &seen.observed {
            self.observed.entry(applied.countermeasure).or_default().add(applied);
        }
        let protocol = (seen.protocol.into_owned(), seen.stream);
        let full = self.protocols.len() >= MOST_NAMES && !self.protocols.contains_key(&protocol);
        let protocol = if full { (OTHERS.to_owned(), seen.stream) } else { protocol };
        let [requests, touched] = self.protocols.entry(protocol).or_default();
        *requests += 1;
        *touched += u64::from(seen.touched);
        match seen.risk {
            Ok((_, model)) => count(&mut self.detectors, &model.unwrap_or_default(), 1),
            Err(reason) => count(&mut self.reasons, &reason, 1),
        }
        seen.arm.iter().for_each(|arm| count(&mut self.arms, arm, 1));
        seen.dry_run.into_iter().for_each(|it| *self.dry_runs.entry(it).or_default() += 1);
        *self.outcomes.entry(seen.outcome).or_default() += 1;
        // There are no more than a thousand; others are of a file that nobody's proxy wrote.
        let status = seen.status.filter(|status| *status < 1_000);
        status.into_iter().for_each(|status| *self.statuses.entry(status).or_default() += 1);
    }

    /// The place of a grade.
    fn grade(&mut self, name: &str, score: Option<f64>) -> u8 {
        let score = score.unwrap_or(f64::INFINITY);
        let known = self.grades.iter().position(|(known, _)| known == name);
        let place = known.unwrap_or_else(|| {
            let full = self.grades.len() >= MOST_GRADES;
            if self.grades.len() <= MOST_GRADES {
                let name = if full { OTHERS } else { name };
                self.grades.push((name.to_owned(), f64::INFINITY));
            }
            self.grades.len() - 1
        });
        if let Some((_, lowest)) = self.grades.get_mut(place) {
            *lowest = lowest.min(score);
        }
        u8::try_from(place).unwrap_or(u8::MAX)
    }
}

/// Whether an account met a refusal, or another fate.
pub(super) fn has(met: &Met, fate: Fate) -> bool {
    met.bits & 1 << fate.place() != 0
}

/// Whether a countermeasure was carried out on one of its requests.
pub(super) fn met(met: &Met, countermeasure: Countermeasure) -> bool {
    met.bits & 1 << (Fate::COUNT + countermeasure as usize) != 0
}

const _: () = assert!(
    Fate::COUNT + Countermeasure::ALL.len() <= u16::BITS as usize
        && RefusedBy::ALL.len() + 4 == Fate::COUNT,
    "a fate has no bit"
);

fn count(sums: &mut Named, name: &str, requests: u64) {
    capped(sums, name.to_owned(), OTHERS.to_owned(), requests);
}

/// Adds to the sum of `key`, or, where there are too many already, to that of the others.
fn capped<K: Ord>(sums: &mut BTreeMap<K, u64>, key: K, others: K, requests: u64) {
    let full = sums.len() >= MOST_NAMES && !sums.contains_key(&key);
    let sum = sums.entry(if full { others } else { key }).or_default();
    *sum = sum.saturating_add(requests);
}
