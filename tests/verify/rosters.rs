//! From a ledger to whom a text may be traced.

use guilloche::forensics::examination::{Issuance, LedgerMismatch, MarkedBy, issuances};
use guilloche::mark::cell::{KeyName, Purpose, Role};
use guilloche::mark::keys::Keys;
use guilloche::mark::ledger::{Entry, Event};
use jiff::{SignedDuration, Timestamp};

fn keys() -> Keys {
    let start = Timestamp::UNIX_EPOCH;
    let mut keys = Keys::from_master(&[5; 32], start);
    keys.rotate(start + SignedDuration::from_hours(1), SignedDuration::from_hours(1)).unwrap();
    keys
}

fn issued(epoch: u32, tenant: &str, account: &str, cluster: Option<&str>, sites: u64) -> Event {
    Event::Issued {
        epoch,
        tenant: tenant.to_owned(),
        account: account.to_owned(),
        cluster: cluster.map(str::to_owned),
        arm: None,
        carrier: None,
        strength: 256,
        answers: sites,
        sites,
        flips: 0,
    }
}

fn linked(account: &str, cluster: &str) -> Event {
    let owned = |text: &str| text.to_owned();
    Event::Linked { tenant: String::new(), account: owned(account), cluster: owned(cluster) }
}

fn read(events: Vec<Event>) -> Result<Vec<Issuance>, LedgerMismatch> {
    let events = events.into_iter().map(|event| Entry::new(Timestamp::UNIX_EPOCH, event));
    issuances(&keys(), MarkedBy::WORDS, events)
}

#[test]
fn there_is_a_roster_for_each_tenant_and_epoch_with_the_keys_that_marked() {
    let read = read(vec![
        issued(1, "", "a", None, 10),
        issued(1, "", "a", None, 5),
        issued(2, "", "a", Some("c"), 7),
        issued(2, "t", "a", None, 1),
        issued(2, "t", "unmarked", None, 0),
    ])
    .unwrap();
    let periods: Vec<(&str, u32)> =
        read.iter().map(|period| (period.tenant.as_str(), period.epoch)).collect();
    assert_eq!(periods, [("", 1), ("", 2), ("t", 2)]);
    assert_eq!((read[0].issued.answers, read[0].accounts[0].sites), (15, 15));
    assert!(read[0].roster.accounts[0].marked_alone && !read[1].roster.accounts[0].marked_alone);
    assert_eq!(read[2].roster.accounts.len(), 1);
    let purpose = Purpose::Lexical;
    let key = |tenant, epoch, role, id| {
        keys().derive(&KeyName { purpose, tenant, epoch, role, id }).as_bytes().to_owned()
    };
    assert_eq!(read[2].roster.global.as_bytes(), &key("t", 2, Role::Global, ""));
    assert_eq!(read[2].roster.accounts[0].key.as_bytes(), &key("t", 2, Role::Account, "a"));
    assert_eq!(read[1].roster.clusters[0].key.as_bytes(), &key("", 2, Role::Cluster, "c"));
}

#[test]
fn membership_is_the_cluster_that_marked_most_and_else_the_one_linked_last() {
    let read = read(vec![
        issued(1, "", "a", None, 10),
        issued(1, "", "b", Some("small"), 1),
        issued(1, "", "b", Some("large"), 9),
        issued(1, "", "b", None, 2),
        linked("a", "before"),
        linked("a", "now"),
        linked("b", "now"),
    ])
    .unwrap();
    let roster = &read[0].roster;
    let clusters: Vec<&str> = roster.clusters.iter().map(|cluster| cluster.name.as_str()).collect();
    assert_eq!(clusters, ["large", "now", "small"]);
    let of = |account: usize| clusters[roster.accounts[account].cluster.unwrap()];
    assert_eq!((of(0), of(1)), ("now", "large"));
    assert!(roster.accounts[0].marked_alone && roster.accounts[1].marked_alone);
    assert_eq!((read[0].clusters[0].sites, read[0].clusters[1].sites), (9, 0));
}

#[test]
fn a_ledger_of_other_keys_is_told() {
    let fingerprint = "0123456789abcdef".to_owned();
    let other =
        read(vec![Event::Epoch { epoch: 1, fingerprint, rules: None, rates: None }]).unwrap_err();
    assert!(matches!(other, LedgerMismatch::OtherKeys { epoch: 1, .. }));
    let unknown = read(vec![issued(3, "", "a", None, 1)]).unwrap_err();
    assert_eq!(unknown, LedgerMismatch::UnknownEpoch(3));
}

#[test]
fn without_anything_issued_every_epoch_is_tested_for_the_deployment() {
    let read = read(vec![]).unwrap();
    assert_eq!(read.iter().map(|period| period.epoch).collect::<Vec<_>>(), [1, 2]);
    assert!(read.iter().all(|period| period.roster.accounts.is_empty()));
}
