//! Adding up what is issued, so that a busy account costs the ledger a line a minute.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

use jiff::Timestamp;

use super::{Entry, Event, Issue};
use crate::mark::law::AuthorCounts;

/// Principals of which it is remembered that they are in the ledger. One that is forgotten gets a
/// line of its own again, which says nothing wrong.
const REMEMBERED: usize = 200_000;

/// Principals whose answers are added up at one time. At the bound all are written.
const PENDING: usize = 4096;

/// Sites after which it is written what stood there.
const AUTHOR_SITES: u64 = 2_000;

/// Classes and words in one entry, which then has less than 16 KiB.
const AUTHOR_ROWS: usize = 150;

/// What has been issued and is not yet written.
#[derive(Debug)]
pub(super) struct Tally {
    fingerprint: String,
    /// The newest epoch that is in the ledger.
    epoch: u32,
    hasher: RandomState,
    issued: Remembered<()>,
    /// Accounts, and the cluster of each as the ledger has it.
    linked: Remembered<u64>,
    pending: HashMap<u64, Issue>,
    oldest: Option<Timestamp>,
    /// What stood at sites of the newest epoch before they were marked.
    authors: AuthorCounts,
}

impl Tally {
    /// A tally of the deployment whose key file has this fingerprint.
    pub(super) fn new(fingerprint: String) -> Self {
        Self {
            fingerprint,
            epoch: 0,
            hasher: RandomState::new(),
            issued: Remembered::new(REMEMBERED),
            linked: Remembered::new(REMEMBERED),
            pending: HashMap::new(),
            oldest: None,
            authors: AuthorCounts::default(),
        }
    }

    /// Learns what is in the ledger already.
    pub(super) fn recall(&mut self, entry: &Entry) {
        match &entry.event {
            Event::Epoch { epoch, fingerprint, .. } => {
                if *fingerprint == self.fingerprint {
                    self.epoch = self.epoch.max(*epoch);
                }
            }
            Event::Linked { tenant, account, cluster } => {
                let account = self.hasher.hash_one((tenant, account));
                self.linked.insert(account, self.hasher.hash_one(cluster));
            }
            Event::Issued { .. } | Event::Authors { .. } => {}
        }
    }

    /// Takes one answer. What has to be written at once goes to `out`: a new epoch, a new link, the
    /// first answer of a principal.
    pub(super) fn issue(&mut self, issue: Issue, out: &mut Vec<Entry>) {
        let Issue {
            time,
            epoch,
            ref tenant,
            ref account,
            ref cluster,
            ref arm,
            ref carrier,
            strength,
            ref authors,
            ..
        } = issue;
        if epoch > self.epoch {
            self.write_authors(time, out);
            self.epoch = epoch;
            let (fingerprint, rules, rates) = (self.fingerprint.clone(), None, None);
            out.push(Entry::new(time, Event::Epoch { epoch, fingerprint, rules, rates }));
        }
        self.authors.add(authors);
        if self.authors.sites() >= AUTHOR_SITES {
            self.write_authors(time, out);
        }
        if let Some(cluster) = cluster {
            let known = self.hasher.hash_one((tenant, account));
            let now_in = self.hasher.hash_one(cluster);
            if self.linked.get(known) != Some(now_in) {
                self.linked.insert(known, now_in);
                let (tenant, account, cluster) = (tenant.clone(), account.clone(), cluster.clone());
                out.push(Entry::new(time, Event::Linked { tenant, account, cluster }));
            }
        }
        let principal =
            self.hasher.hash_one((epoch, tenant, account, cluster, arm, carrier, strength));
        if self.issued.get(principal).is_none() {
            self.issued.insert(principal, ());
            out.push(issue.into());
            return;
        }
        self.oldest.get_or_insert(time);
        match self.pending.get_mut(&principal) {
            Some(pending) => pending.add(&issue),
            None => drop(self.pending.insert(principal, issue)),
        }
        if self.pending.len() >= PENDING {
            self.drain(out);
        }
    }

    /// What stood at sites before they were marked, in entries of a length that a ledger has.
    pub(super) fn write_authors(&mut self, time: Timestamp, out: &mut Vec<Entry>) {
        let (epoch, authors) = (self.epoch, std::mem::take(&mut self.authors));
        let entry = |counts| Entry::new(time, Event::Authors { epoch, counts });
        out.extend(authors.pieces(AUTHOR_ROWS).map(entry));
    }

    /// When the oldest answer that is not written was given.
    pub(super) fn oldest(&self) -> Option<Timestamp> {
        self.oldest
    }

    /// All that is not written, in the order of time.
    pub(super) fn drain(&mut self, out: &mut Vec<Entry>) {
        self.oldest = None;
        let from = out.len();
        out.extend(self.pending.drain().map(|(_, issue)| Entry::from(issue)));
        if let Some(drained) = out.get_mut(from..) {
            drained.sort_by_key(|entry| entry.time);
        }
    }
}

/// The latest so many keys, with a value each: those that were asked for since the older half was
/// forgotten last stay.
#[derive(Debug)]
struct Remembered<V> {
    young: HashMap<u64, V>,
    old: HashMap<u64, V>,
    most: usize,
}

impl<V: Copy> Remembered<V> {
    fn new(most: usize) -> Self {
        Self { young: HashMap::new(), old: HashMap::new(), most }
    }

    fn get(&mut self, key: u64) -> Option<V> {
        if let Some(value) = self.young.get(&key) {
            return Some(*value);
        }
        let value = self.old.remove(&key)?;
        self.insert(key, value);
        Some(value)
    }

    fn insert(&mut self, key: u64, value: V) {
        if self.young.len() >= self.most / 2 {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn issue(second: i64, account: &str, cluster: Option<&str>) -> Issue {
        Issue {
            time: Timestamp::from_second(second).unwrap(),
            epoch: 1,
            tenant: String::new(),
            account: account.to_owned(),
            cluster: cluster.map(str::to_owned),
            arm: None,
            carrier: None,
            strength: 256,
            answers: 1,
            sites: 10,
            flips: 4,
            authors: AuthorCounts::default(),
        }
    }

    fn tally() -> Tally {
        let mut tally = Tally::new("f".into());
        let event = Event::Epoch { epoch: 1, fingerprint: "f".into(), rules: None, rates: None };
        tally.recall(&Entry::new(Timestamp::UNIX_EPOCH, event));
        tally
    }

    fn lines(entries: &[Entry]) -> Vec<String> {
        let shown = |entry: &Entry| match &entry.event {
            Event::Epoch { epoch, .. } => format!("epoch {epoch}"),
            Event::Authors { epoch, counts } => format!("authors {epoch} {}", counts.sites()),
            Event::Linked { account, cluster, .. } => format!("{account} in {cluster}"),
            Event::Issued { account, cluster, answers, sites, flips, .. } => {
                let cluster = cluster.as_deref().unwrap_or("-");
                format!("{account} {cluster} {answers} {sites} {flips}")
            }
        };
        entries.iter().map(shown).collect()
    }

    #[test]
    fn the_first_answer_is_written_at_once_and_later_ones_are_added_up() {
        let (mut tally, mut out) = (tally(), Vec::new());
        for second in 1..=4 {
            tally.issue(issue(second, "a", None), &mut out);
        }
        tally.issue(issue(5, "b", None), &mut out);
        assert_eq!(lines(&out), ["a - 1 10 4", "b - 1 10 4"]);
        assert_eq!(tally.oldest(), Timestamp::from_second(2).ok());
        out.clear();
        tally.drain(&mut out);
        assert_eq!(lines(&out), ["a - 3 30 12"]);
        assert_eq!(out[0].time, Timestamp::from_second(4).unwrap(), "when the counting ended");
        assert_eq!(tally.oldest(), None);
    }

    #[test]
    fn a_link_is_written_before_the_first_answer_that_carries_its_cluster() {
        let (mut tally, mut out) = (tally(), Vec::new());
        for cluster in [None, Some("h"), Some("h"), Some("k"), None, Some("k")] {
            tally.issue(issue(1, "a", cluster), &mut out);
        }
        assert_eq!(
            lines(&out),
            ["a - 1 10 4", "a in h", "a h 1 10 4", "a in k", "a k 1 10 4"],
            "the answers after are added up, under whom they were marked for"
        );
        out.clear();
        tally.drain(&mut out);
        let mut rest = lines(&out);
        rest.sort();
        assert_eq!(rest, ["a - 1 10 4", "a h 1 10 4", "a k 1 10 4"]);
    }

    #[test]
    fn what_the_ledger_has_is_not_said_again() {
        let (mut tally, mut out) = (tally(), Vec::new());
        let linked =
            Event::Linked { tenant: String::new(), account: "a".into(), cluster: "h".into() };
        tally.recall(&Entry::new(Timestamp::UNIX_EPOCH, linked));
        tally.issue(issue(1, "a", Some("h")), &mut out);
        assert_eq!(lines(&out), ["a h 1 10 4"]);
        tally.issue(Issue { epoch: 2, ..issue(2, "a", Some("h")) }, &mut out);
        assert_eq!(lines(&out)[1..], ["epoch 2", "a h 1 10 4"]);
        // Another server that has not read the new keys yet.
        tally.issue(issue(3, "a", Some("h")), &mut out);
        assert_eq!(out.len(), 3);
    }

    #[test]
    fn memory_does_not_grow_with_the_accounts_and_nothing_is_lost_at_the_bound() {
        let (mut tally, mut out) = (tally(), Vec::new());
        tally.issued = Remembered::new(100);
        tally.linked = Remembered::new(100);
        let mut expected = 0;
        for round in 0..3 {
            for account in 0..PENDING + 100 {
                tally.issue(issue(round, &account.to_string(), Some("h")), &mut out);
                expected += 1;
            }
            assert!(tally.issued.young.len() + tally.issued.old.len() <= 100);
            assert!(tally.linked.young.len() + tally.linked.old.len() <= 100);
        }
        // With all remembered, what is added up is written when it is too much.
        tally.issued = Remembered::new(1 << 20);
        for round in 0..3 {
            for account in 0..PENDING + 100 {
                tally.issue(issue(round, &account.to_string(), None), &mut out);
                expected += 1;
            }
            assert!(tally.pending.len() < PENDING);
        }
        tally.drain(&mut out);
        let answers = out.iter().map(|entry| match entry.event {
            Event::Issued { answers, .. } => answers,
            _ => 0,
        });
        assert_eq!(answers.sum::<u64>(), expected);
    }
}
