//! From sums to what is told of them.

use std::collections::BTreeMap;

use super::assumed::assumed;
use super::decide::Kind;
use super::tally::{Account, Fate, Gathered, Group, OTHERS, Pair, Requests, Tally};
use super::{Amount, Change, Cost, Count, Recorded, Replay, Withheld};
use crate::audit::PolicyIdentity;
use crate::audit::reader::FileRead;
use crate::policy::Policy;

pub(super) fn conclude(
    policy: &Policy,
    key_known: bool,
    tally: &Tally,
    files: Vec<FileRead>,
) -> Replay {
    let id = PolicyIdentity { name: policy.name.clone(), revision: policy.revision.to_string() };
    Replay {
        policy: id,
        mode: policy.mode,
        recorded: recorded(&tally.grouped),
        times: tally.times,
        requests: tally.requests,
        accounts: tally.accounts.len() as u64,
        clusters: tally.clusters.len() as u64,
        changed: changed(policy, tally),
        changes: changes(policy, tally),
        kinds: kinds(tally),
        withheld: withheld(&tally.grouped),
        assumed: assumed(policy, key_known, tally, &files),
        files,
    }
}

fn recorded(groups: &[Group]) -> Vec<Recorded> {
    let mut policies: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    for Group { policy, requests, .. } in groups {
        let policy = policy
            .as_ref()
            .map_or((OTHERS, ""), |policy| (policy.name.as_str(), policy.revision.as_str()));
        *policies.entry(policy).or_default() += requests;
    }
    let recorded = policies.into_iter().map(|((name, revision), requests)| Recorded {
        policy: PolicyIdentity { name: name.to_owned(), revision: revision.to_owned() },
        requests,
    });
    recorded.collect()
}

/// By grade of the records, then by that of the policy, mildest first.
fn changes(policy: &Policy, tally: &Tally) -> Vec<Change> {
    let old_grade = |place: usize| tally.old_grades.get(place);
    // A grade of the records is as strict as its lowest score is high; none is the mildest.
    let strictness = |place: usize| {
        let (name, lowest) = old_grade(place).map_or(("", f64::INFINITY), |it| (&it.0, it.1));
        (!name.is_empty(), lowest, name.to_owned())
    };
    let mut pairs: Vec<_> = tally.pairs.iter().enumerate().collect();
    pairs.sort_by(|(_, left), (_, right)| {
        let key = |pair: &Pair| pair.grades.map(|(old, new)| (strictness(old), new));
        match (key(left), key(right)) {
            (Some(((named, lowest, name), new)), Some((other, other_new))) => (named.cmp(&other.0))
                .then(lowest.total_cmp(&other.1))
                .then_with(|| name.cmp(&other.2))
                .then(new.cmp(&other_new)),
            (left, right) => left.is_none().cmp(&right.is_none()),
        }
    });
    let change = |(place, Pair { grades, requests }): (usize, &Pair)| {
        let others = || Some(OTHERS.to_owned());
        let has = |account: &&Account| account.pairs & (1 << place) != 0;
        Change {
            recorded: grades.map_or_else(others, |(old, _)| {
                old_grade(old).map(|(name, _)| name.clone()).filter(|name| !name.is_empty())
            }),
            replayed: grades.map_or_else(others, |(_, new)| {
                let grade = new.checked_sub(1).and_then(|index| policy.grades.get(index));
                grade.map(|grade| grade.name.to_string())
            }),
            requests: *requests,
            accounts: tally.accounts.values().filter(has).count() as u64,
        }
    };
    pairs.into_iter().map(change).collect()
}

/// Requests that change grade, and accounts of which any does.
fn changed(policy: &Policy, tally: &Tally) -> Count {
    let changes = |pair: &Pair| {
        pair.grades.is_none_or(|(old, new)| {
            let new = new.checked_sub(1).and_then(|index| policy.grades.get(index));
            let old = tally.old_grades.get(old).map_or("", |(name, _)| name);
            old != new.map_or("", |grade| &*grade.name)
        })
    };
    let pairs = || tally.pairs.iter().enumerate().filter(|(_, pair)| changes(pair));
    let mask = pairs().fold(0, |mask: u128, (place, _)| mask | 1 << place);
    let accounts = tally.accounts.values().filter(|account| account.pairs & mask != 0);
    Count {
        requests: pairs().map(|(_, pair)| pair.requests).sum(),
        accounts: accounts.count() as u64,
    }
}

fn kinds(tally: &Tally) -> Vec<Cost> {
    let cost = |(kind, requests): (Kind, &Requests)| {
        let with =
            |fate| tally.accounts.values().filter(|account| account.has(kind, fate)).count() as u64;
        Cost {
            kind,
            seen: Count { requests: requests.requests, accounts: with(Fate::Seen) },
            touched: Count { requests: requests.touched, accounts: with(Fate::Touched) },
            limited: Count { requests: requests.limited, accounts: with(Fate::Limited) },
            refused: Count { requests: requests.refused, accounts: with(Fate::Refused) },
            were_refused: requests.were_refused,
            were_limited: requests.were_limited,
        }
    };
    Kind::ALL.into_iter().zip(&tally.kinds).map(cost).collect()
}

fn withheld(groups: &[Group]) -> Withheld {
    let mut sums = Withheld::default();
    for group in groups {
        sums.words.add(group.words, group.withholds);
        sums.reasoning_tokens.add(group.reasoning_tokens, false);
        sums.sites.add(group.sites, group.marks);
    }
    sums
}

impl Amount {
    /// `does` if the grade does what is counted, so that a record which does not mention it met none.
    fn add(&mut self, gathered: Gathered, does: bool) {
        let Gathered { amount, counted, silent, unknown } = gathered;
        self.amount = self.amount.saturating_add(amount);
        self.counted += counted + if does { silent } else { 0 };
        self.unknown += unknown + if does { 0 } else { silent };
    }
}
