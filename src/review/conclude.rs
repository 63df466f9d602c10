//! From sums to what is told of them.

use std::collections::BTreeMap;

use super::days::Days;
use super::fold::{Accounts, REFUSALS};
use super::look::{Fate, Kind};
use super::notes::notes;
use super::sample::Sample;
use super::tally::{Done, Fates, Met, Tally, Times};
use super::{
    Count, Day, DayGrade, Form, Group, Kept, Measured, PassedRequests, PolicyRequests, Review,
    Side, Sizes, Span, Spared, Touched, Unspared,
};
use crate::audit::latency::LatencySketch;
use crate::audit::reader::FileRead;
use crate::audit::{KeyedHash, PolicyIdentity, RefusedBy};
use crate::policy::Countermeasure;

/// Principals who are named.
const NAMED: usize = 10;

pub(super) fn conclude(tally: &Tally, span: Span, files: Vec<FileRead>) -> Review {
    let accounts = Accounts::of(tally);
    let shown = |kept: u64| tally.accounts.scaled(kept);
    let order = order(tally);
    let passed = tally.passed.as_ref().map(|protocols| PassedRequests {
        requests: protocols.values().fold(0, |sum: u64, it| sum.saturating_add(*it)),
        protocols: protocols.clone(),
        unknown: tally.unknown.clone(),
    });
    let kept = Kept {
        accounts: tally.accounts.share(),
        clusters: tally.clusters.share(),
        tenants: tally.tenants.share(),
    };
    Review {
        version: 1,
        since: span.since,
        until: span.until,
        times: tally.times,
        requests: tally.requests,
        outside: tally.outside,
        accounts: shown(accounts.all()),
        clusters: tally.clusters.count(),
        tenants: tally.tenants.count(),
        kept,
        spared: spared(tally, &accounts, passed.as_ref()),
        policies: policies(tally),
        observing: tally.observing,
        kinds: kinds(tally, &accounts),
        grades: order.iter().map(|grade| of_grade(tally, &accounts, *grade)).collect(),
        days: days(tally, &accounts, &order),
        days_untold: tally.days.untold,
        countermeasures: measured(tally, &accounts),
        carriers: tally.carriers.clone(),
        dialects: tally.dialects.clone(),
        members: tally.members.clone(),
        protocols: forms(tally),
        detectors: tally.detectors.clone(),
        unknown: tally.reasons.clone(),
        arms: tally.arms.clone(),
        dry_runs: tally.dry_runs.clone(),
        outcomes: tally.outcomes.clone(),
        statuses: tally.statuses.clone(),
        most_touched_accounts: most_touched_accounts(tally),
        most_touched_clusters: most_touched(&tally.clusters),
        most_touched_tenants: most_touched(&tally.tenants),
        notes: notes(tally, passed.as_ref(), kept, &files),
        passed,
        files,
    }
}

/// The places of the grades: none first, then as strict as their lowest scores are high.
fn order(tally: &Tally) -> Vec<u8> {
    let mut grades: Vec<_> = (0_u8..).zip(&tally.grades).collect();
    grades.sort_by(|(_, (name, lowest)), (_, (other, other_lowest))| {
        let named = (!name.is_empty()).cmp(&!other.is_empty());
        named.then(lowest.total_cmp(other_lowest)).then_with(|| name.cmp(other))
    });
    grades.into_iter().map(|(place, _)| place).collect()
}

fn name(tally: &Tally, grade: u8) -> String {
    tally.grades.get(usize::from(grade)).map(|(name, _)| name.clone()).unwrap_or_default()
}

fn spared(tally: &Tally, accounts: &Accounts, passed: Option<&PassedRequests>) -> Spared {
    let mut recorded = Fates::default();
    for (_, (fates, _)) in tally.groups.iter().filter(|((_, kind), _)| kind.is_to_be_spared()) {
        recorded.add_all(fates);
    }
    let touched = recorded.of(Fate::Touched);
    let requests = passed.map(|passed| passed.requests.saturating_add(recorded.of(Fate::Seen)));
    let mut by: BTreeMap<Countermeasure, Side> = BTreeMap::new();
    let done = tally.applied.iter().filter(|((_, unspared), _)| *unspared);
    for ((countermeasure, _), done) in done {
        by.entry(*countermeasure).or_default().add(done);
    }
    Spared {
        requests,
        touched: Count { requests: touched, accounts: tally.accounts.scaled(accounts.unspared()) },
        share: requests.filter(|all| *all > 0).map(|all| touched as f64 / all as f64),
        by,
        decisions: tally
            .unspared
            .iter()
            .map(|it| Unspared { time: it.time, decision: it.decision.clone(), kind: it.kind })
            .collect(),
    }
}

fn policies(tally: &Tally) -> Vec<PolicyRequests> {
    let policies = tally.policies.iter().map(|((name, revision), requests)| PolicyRequests {
        policy: PolicyIdentity { name: name.clone(), revision: revision.clone() },
        requests: *requests,
    });
    policies.collect()
}

fn kinds(tally: &Tally, accounts: &Accounts) -> Vec<Group<Kind>> {
    let of_kind = |kind: Kind| {
        let groups = tally.groups.iter().filter(|((_, other), _)| *other == kind);
        let known = |fate| tally.accounts.scaled(accounts.of_kind(kind, fate));
        group(kind, groups.map(|(_, group)| group), known)
    };
    Kind::ALL.into_iter().map(of_kind).collect()
}

fn of_grade(tally: &Tally, accounts: &Accounts, grade: u8) -> Group<String> {
    let groups = tally.groups.iter().filter(|((other, _), _)| *other == grade);
    let known = |fate| tally.accounts.scaled(accounts.of_grade(grade, fate));
    group(name(tally, grade), groups.map(|(_, group)| group), known)
}

fn group<'t, N>(
    name: N,
    groups: impl Iterator<Item = &'t (Fates, Times)>,
    accounts: impl Fn(Fate) -> u64,
) -> Group<N> {
    let (mut fates, mut times) = (Fates::default(), Times::default());
    for (other, its_times) in groups {
        fates.add_all(other);
        times.add_all(its_times);
    }
    let count = |fate| Count { requests: fates.of(fate), accounts: accounts(fate) };
    Group {
        name,
        seen: count(Fate::Seen),
        touched: count(Fate::Touched),
        observed: count(Fate::Observed),
        waited: count(Fate::Waited),
        waits_ms: fates.waits_ms,
        longest_wait_ms: fates.longest_wait_ms,
        waits: sizes(&times.waits),
        refused: count(Fate::Refused(RefusedBy::Policy)),
        limited: count(Fate::Refused(RefusedBy::Limit)),
        unread: count(Fate::Refused(RefusedBy::Unread)),
        failed: fates.failed,
        cancelled: fates.cancelled,
        first_byte_ms: sizes(&times.first_byte),
        total_ms: sizes(&times.total),
    }
}

fn sizes(sketch: &LatencySketch) -> Option<Sizes> {
    let [median, p95, p99] = [0.5, 0.95, 0.99].map(|share| sketch.quantile(share));
    Some(Sizes { median: median?, p95: p95?, p99: p99? })
}

fn days(tally: &Tally, accounts: &Accounts, order: &[u8]) -> Vec<Day> {
    let day = |day: i32| {
        let of_grade = |grade: &u8| {
            let fates = tally.days.grades.get(&(day, *grade))?;
            let known = |fate| tally.accounts.scaled(accounts.of_day(day, *grade, fate));
            let count = |fate| Count { requests: fates.of(fate), accounts: known(fate) };
            Some(DayGrade {
                grade: name(tally, *grade),
                seen: count(Fate::Seen),
                touched: count(Fate::Touched),
                observed: count(Fate::Observed),
                refused: Count {
                    requests: REFUSALS.map(|fate| fates.of(fate)).iter().sum(),
                    accounts: tally.accounts.scaled(accounts.refused_on(day, *grade)),
                },
            })
        };
        Day {
            day: Days::date(day),
            grades: order.iter().filter_map(of_grade).collect(),
            passed: tally.days.passed.get(&day).copied(),
            number: day,
        }
    };
    tally.days.iter().map(day).collect()
}

fn measured(tally: &Tally, accounts: &Accounts) -> Vec<Measured> {
    let of = |countermeasure: Countermeasure| {
        let mut applied = Side::default();
        let done = tally.applied.iter().filter(|((other, _), _)| *other == countermeasure);
        done.for_each(|(_, done)| applied.add(done));
        let mut observed = Side::default();
        tally.observed.get(&countermeasure).into_iter().for_each(|done| observed.add(done));
        Measured {
            countermeasure,
            applied,
            accounts: tally.accounts.scaled(accounts.measured(countermeasure)),
            observed,
        }
    };
    let each = Countermeasure::ALL.into_iter().map(of);
    each.filter(|it| it.applied.requests + it.observed.requests > 0).collect()
}

fn forms(tally: &Tally) -> Vec<Form> {
    let form = |((protocol, stream), [requests, touched]): (&(String, bool), &[u64; 2])| Form {
        protocol: protocol.clone(),
        stream: *stream,
        requests: *requests,
        touched: *touched,
    };
    tally.protocols.iter().map(form).collect()
}

fn most_touched_accounts(tally: &Tally) -> Vec<Touched> {
    if tally.accounts.share() < 1.0 {
        return Vec::new();
    }
    let mut entries: Vec<_> = tally.accounts.iter().collect();
    entries.sort_unstable_by_key(|(key, _)| key.account);
    let of_one = |entries: &[(&super::tally::AccountKey, &Met)]| {
        let mut sum = Met::default();
        entries.iter().for_each(|(_, met)| sum.add(met));
        Some((entries.first()?.0.account, sum))
    };
    let accounts = entries.chunk_by(|(one, _), (other, _)| one.account == other.account);
    most(accounts.filter_map(of_one))
}

fn most_touched(sample: &Sample<KeyedHash, Met>) -> Vec<Touched> {
    if sample.share() < 1.0 {
        return Vec::new();
    }
    most(sample.iter().map(|(principal, met)| (*principal, *met)))
}

fn most(principals: impl Iterator<Item = (KeyedHash, Met)>) -> Vec<Touched> {
    let touched = principals.filter(|(_, met)| met.touched > 0);
    let mut most: Vec<_> = touched
        .map(|(principal, met)| Touched {
            principal,
            requests: met.requests.into(),
            touched: met.touched.into(),
        })
        .collect();
    most.sort_unstable_by_key(|it| (std::cmp::Reverse(it.touched), it.principal));
    most.truncate(NAMED);
    most
}

impl Side {
    fn add(&mut self, done: &Done) {
        self.requests += done.requests;
        self.counts.add_all(&done.counts);
    }
}
