//! Sums over what was seen. They do not depend on the order of the records.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;

use super::decide::{Kind, Recorded, Seen};
use crate::audit::{KeyedHash, PolicyIdentity};

/// Grades of records, pairs of grades, and grades of policies that are told apart; the others are one
/// more. A deployment has a handful: more are from a file that nobody's proxy wrote.
const MOST_GRADES: usize = 63;
const MOST_PAIRS: usize = 127;
const MOST_GROUPS: usize = 1_000;

/// What others are called.
pub(super) const OTHERS: &str = "(others)";

/// Sums of one request's measure.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Gathered {
    pub(super) amount: u64,
    pub(super) counted: u64,
    /// Records that do not mention it.
    pub(super) silent: u64,
    pub(super) unknown: u64,
}

impl Gathered {
    fn add(&mut self, recorded: Recorded) {
        match recorded {
            Recorded::Count(amount) => {
                self.amount = self.amount.saturating_add(amount);
                self.counted += 1;
            }
            Recorded::Silent => self.silent += 1,
            Recorded::Unknown => self.unknown += 1,
        }
    }
}

/// What records of one grade of one policy tell.
#[derive(Clone, Debug, Default)]
pub(super) struct Group {
    pub(super) policy: Option<PolicyIdentity>,
    pub(super) requests: u64,
    /// Whether any of them mentions reasoning that was withheld, and marks: then the grade does it, and
    /// a record that mentions none of it met none.
    pub(super) withholds: bool,
    pub(super) marks: bool,
    /// Of requests of which the new policy withholds reasoning, and which it marks.
    pub(super) words: Gathered,
    pub(super) reasoning_tokens: Gathered,
    pub(super) sites: Gathered,
}

/// Requests of one kind of caller.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Requests {
    pub(super) requests: u64,
    pub(super) touched: u64,
    pub(super) limited: u64,
    pub(super) refused: u64,
    pub(super) were_refused: u64,
    pub(super) were_limited: u64,
}

/// Requests of one recorded grade and one of the policy.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pair {
    /// The places of both grades; none of requests that are told apart no more.
    pub(super) grades: Option<(usize, usize)>,
    pub(super) requests: u64,
}

/// What an account met, as bits.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Account {
    /// The pairs of grades that its requests have, by their places in [`Tally::pairs`].
    pub(super) pairs: u128,
    /// For each kind of caller it was: seen, touched, limited, refused.
    met: u16,
}

/// What happened to an account as one kind of caller.
#[derive(Clone, Copy, Debug)]
pub(super) enum Fate {
    Seen,
    Touched,
    Limited,
    Refused,
}

impl Account {
    pub(super) fn has(self, kind: Kind, fate: Fate) -> bool {
        self.met & bit(kind, fate) != 0
    }
}

fn bit(kind: Kind, fate: Fate) -> u16 {
    1 << (kind as u16 * 4 + fate as u16)
}

/// All sums.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) requests: u64,
    pub(super) times: Option<(Timestamp, Timestamp)>,
    pub(super) lowest_score: Option<f64>,
    /// Names of grades in records, with the lowest score of each.
    pub(super) old_grades: Vec<(String, f64)>,
    /// Requests by recorded and new grade.
    pub(super) pairs: Vec<Pair>,
    groups: HashMap<(String, PolicyIdentity), usize>,
    pub(super) grouped: Vec<Group>,
    pub(super) kinds: [Requests; Kind::ALL.len()],
    pub(super) accounts: HashMap<KeyedHash, Account>,
    pub(super) clusters: HashSet<KeyedHash>,
    pub(super) path_unknown: u64,
    pub(super) contested: u64,
}

impl Tally {
    pub(super) fn add(&mut self, seen: &Seen) {
        self.requests += 1;
        let (first, last) = self.times.unwrap_or((seen.time, seen.time));
        self.times = Some((first.min(seen.time), last.max(seen.time)));
        if let Some(score) = seen.score {
            self.lowest_score = Some(self.lowest_score.map_or(score, |lowest| lowest.min(score)));
        }
        self.path_unknown += u64::from(seen.path_unknown);
        self.contested += u64::from(seen.score.is_none() && seen.was_refused);
        let old = self.old_grade(&seen.old.0, seen.score);
        let pair = self.pair((old, seen.new));
        self.meet(pair, seen);
        self.clusters.extend(seen.principal.cluster);
        let group = self.group(&seen.old);
        let Some(group) = self.grouped.get_mut(group) else { return };
        group.requests += 1;
        group.withholds |= matches!(seen.words, Recorded::Count(_));
        group.marks |= matches!(seen.sites, Recorded::Count(_));
        if seen.effect.withholds {
            group.words.add(seen.words);
            group.reasoning_tokens.add(seen.reasoning_tokens);
        }
        if seen.effect.marks {
            group.sites.add(seen.sites);
        }
    }

    fn pair(&mut self, grades: (usize, usize)) -> usize {
        let known = self.pairs.iter().position(|pair| pair.grades == Some(grades));
        let place = known.unwrap_or(self.pairs.len().min(MOST_PAIRS));
        if place == self.pairs.len() {
            let grades = (place < MOST_PAIRS).then_some(grades);
            self.pairs.push(Pair { grades, requests: 0 });
        }
        if let Some(pair) = self.pairs.get_mut(place) {
            pair.requests += 1;
        }
        place
    }

    fn meet(&mut self, pair: usize, seen: &Seen) {
        let effect = seen.effect;
        if let Some(met) = self.kinds.get_mut(seen.kind as usize) {
            met.requests += 1;
            met.touched += u64::from(effect.touches);
            met.limited += u64::from(effect.limits);
            met.refused += u64::from(effect.refuses);
            met.were_refused += u64::from(seen.was_refused);
            met.were_limited += u64::from(seen.was_limited);
        }
        let account = self.accounts.entry(seen.principal.account).or_default();
        account.pairs |= 1 << pair;
        for (fate, applies) in [
            (Fate::Seen, true),
            (Fate::Touched, effect.touches),
            (Fate::Limited, effect.limits),
            (Fate::Refused, effect.refuses),
        ] {
            if applies {
                account.met |= bit(seen.kind, fate);
            }
        }
    }

    fn old_grade(&mut self, name: &str, score: Option<f64>) -> usize {
        let score = score.unwrap_or(f64::INFINITY);
        let known = self.old_grades.iter().position(|(known, _)| known == name);
        let place = known.unwrap_or_else(|| {
            if self.old_grades.len() < MOST_GRADES {
                self.old_grades.push((name.to_owned(), f64::INFINITY));
            } else if self.old_grades.len() == MOST_GRADES {
                self.old_grades.push((OTHERS.to_owned(), f64::INFINITY));
            }
            self.old_grades.len() - 1
        });
        if let Some((_, lowest)) = self.old_grades.get_mut(place) {
            *lowest = lowest.min(score);
        }
        place
    }

    fn group(&mut self, old: &(String, PolicyIdentity)) -> usize {
        if let Some(place) = self.groups.get(old) {
            return *place;
        }
        let place = self.groups.len().min(MOST_GROUPS);
        if place == self.grouped.len() {
            let policy = (place < MOST_GROUPS).then(|| old.1.clone());
            self.grouped.push(Group { policy, ..Group::default() });
        }
        if place < MOST_GROUPS {
            self.groups.insert(old.clone(), place);
        }
        place
    }
}
