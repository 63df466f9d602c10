//! What a review tells.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::Serialize;

use super::look::Kind;
use crate::audit::reader::FileRead;
use crate::audit::{Counts, DryRun, KeyedHash, Outcome, PolicyIdentity};
use crate::page::words::{counted, grouped, percent};
use crate::policy::Countermeasure;

/// What an audit tells.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Review {
    /// Of the form of this: 1.
    pub version: u32,
    /// Since when entries count, if that was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// Until when.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// The times of the first and the last record.
    pub times: Option<(Timestamp, Timestamp)>,
    /// Records.
    pub requests: u64,
    /// Entries outside of the time that was asked about.
    pub outside: u64,
    /// Accounts in the records.
    pub accounts: u64,
    /// Clusters in them.
    pub clusters: u64,
    /// Tenants in them.
    pub tenants: u64,
    /// What the numbers of principals are of.
    pub kept: Kept,
    /// What those noticed to whom nothing may be done.
    pub spared: Spared,
    /// Requests without a record; `None` where no file tells of any.
    pub passed: Option<PassedRequests>,
    /// The policies that decided.
    pub policies: Vec<PolicyRequests>,
    /// Records of policies that only observe.
    pub observing: u64,
    /// Requests by whom they are from.
    pub kinds: Vec<Group<Kind>>,
    /// Requests by grade, from the mildest up; an empty name is none.
    pub grades: Vec<Group<String>>,
    /// Requests by day.
    pub days: Vec<Day>,
    /// Requests of more days than are told apart.
    pub days_untold: u64,
    /// What each countermeasure did, and would have done.
    pub countermeasures: Vec<Measured>,
    /// Marked answers by what carries the mark.
    pub carriers: BTreeMap<String, u64>,
    /// Answers with reasoning in their text, by how it was set apart.
    pub dialects: BTreeMap<String, u64>,
    /// Members of requests and answers that were closed, by the requests in which they were.
    pub members: BTreeMap<String, u64>,
    /// Requests by protocol and form.
    pub protocols: Vec<Form>,
    /// Requests by the model of the detector; an empty name is none.
    pub detectors: BTreeMap<String, u64>,
    /// Records without a score, by reason.
    pub unknown: BTreeMap<String, u64>,
    /// Requests by arm of an experiment.
    pub arms: BTreeMap<String, u64>,
    /// How far what is only observed was tried out.
    pub dry_runs: BTreeMap<DryRun, u64>,
    /// How exchanges ended.
    pub outcomes: BTreeMap<Outcome, u64>,
    /// Answers by status.
    pub statuses: BTreeMap<u16, u64>,
    /// The accounts to whose requests something was done most often. Empty where not all are kept.
    pub most_touched_accounts: Vec<Touched>,
    /// The clusters.
    pub most_touched_clusters: Vec<Touched>,
    /// The tenants.
    pub most_touched_tenants: Vec<Touched>,
    /// What is not known, in words.
    pub notes: Vec<String>,
    /// The files that were read.
    pub files: Vec<FileRead>,
}

/// The shares of principals of whom something is kept: 1 where all are counted.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Kept {
    /// Of accounts.
    pub accounts: f64,
    /// Of clusters.
    pub clusters: f64,
    /// Of tenants.
    pub tenants: f64,
}

/// What callers noticed to whom nothing may be done: those below the first grade, and those of unknown
/// risk.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Spared {
    /// Their requests, those without a record among them; `None` where no file tells of these.
    pub requests: Option<u64>,
    /// To which something was done. It must be none.
    pub touched: Count,
    /// That share of them.
    pub share: Option<f64>,
    /// What was done to them, by countermeasure.
    pub by: BTreeMap<Countermeasure, Side>,
    /// The decisions about the first of these requests.
    pub decisions: Vec<Unspared>,
}

/// A request to which something was done that was to be spared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Unspared {
    /// When it was decided.
    pub time: Timestamp,
    /// The decision, by which `guilloche audit find` has its record.
    pub decision: String,
    /// Whom it was from.
    pub kind: Kind,
}

/// Requests without a record.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PassedRequests {
    /// All of them.
    pub requests: u64,
    /// By protocol.
    pub protocols: BTreeMap<String, u64>,
    /// Requests that came without a score that may be relied on, by reason, with those that have a
    /// record.
    pub unknown: BTreeMap<String, u64>,
}

/// A policy, and how many requests it decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PolicyRequests {
    /// Which.
    pub policy: PolicyIdentity,
    /// Its requests.
    pub requests: u64,
}

/// Requests, and the accounts that they are of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Count {
    /// Requests.
    pub requests: u64,
    /// Accounts.
    pub accounts: u64,
}

/// What became of a group of requests.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Group<N> {
    /// Which.
    pub name: N,
    /// All of them.
    pub seen: Count,
    /// To which something was done.
    pub touched: Count,
    /// To which something would have been done, had it been carried out.
    pub observed: Count,
    /// Whose answers were made to wait.
    pub waited: Count,
    /// How long in all, in milliseconds.
    pub waits_ms: u64,
    /// The longest of these waits.
    pub longest_wait_ms: u64,
    /// The waits by size.
    pub waits: Option<Sizes>,
    /// Refused by the grade.
    pub refused: Count,
    /// Turned away at a limit.
    pub limited: Count,
    /// Refused because the plan has to read what cannot be read.
    pub unread: Count,
    /// Failed: the upstream did, or there was no room.
    pub failed: u64,
    /// Left by the client before their end.
    pub cancelled: u64,
    /// To the first byte of the answer, in milliseconds.
    pub first_byte_ms: Option<Sizes>,
    /// To the end.
    pub total_ms: Option<Sizes>,
}

/// Quantiles, each to within an eighth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Sizes {
    /// Half of all are longer.
    pub median: u64,
    /// One of twenty is longer.
    pub p95: u64,
    /// One of a hundred is longer.
    pub p99: u64,
}

/// A day, in UTC.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Day {
    /// Its date.
    pub day: Date,
    /// Its requests by grade, in the order of [`Review::grades`].
    pub grades: Vec<DayGrade>,
    /// Requests without a record; `None` where no file tells of any.
    pub passed: Option<u64>,
    /// Its number since 1970.
    #[serde(skip)]
    pub(super) number: i32,
}

/// A grade on a day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DayGrade {
    /// Which; an empty name is none.
    pub grade: String,
    /// All requests.
    pub seen: Count,
    /// To which something was done.
    pub touched: Count,
    /// To which something would have been done.
    pub observed: Count,
    /// Refused, by whatever.
    pub refused: Count,
}

/// What a countermeasure did, and would have done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Measured {
    /// Which.
    pub countermeasure: Countermeasure,
    /// What it did.
    pub applied: Side,
    /// Accounts of whose requests it was carried out on any.
    pub accounts: u64,
    /// What it would have done.
    pub observed: Side,
}

/// What was done, or would have been.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Side {
    /// In so many requests.
    pub requests: u64,
    /// How much of what.
    pub counts: Counts,
}

/// Requests over one protocol.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Form {
    /// Which.
    pub protocol: String,
    /// Whether the answers were streams.
    pub stream: bool,
    /// Requests.
    pub requests: u64,
    /// To which something was done.
    pub touched: u64,
}

/// A principal to whose requests something was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Touched {
    /// Who, as the audit has it.
    pub principal: KeyedHash,
    /// All requests.
    pub requests: u64,
    /// To which something was done.
    pub touched: u64,
}

/// Requests of all kinds, by what became of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Became {
    /// To which something was done.
    pub touched: u64,
    /// Refused, by whatever.
    pub refused: u64,
}

impl Review {
    /// What became of all requests.
    #[must_use]
    pub fn became(&self) -> Became {
        let sum = |of: fn(&Group<Kind>) -> u64| self.kinds.iter().map(of).sum();
        Became {
            touched: sum(|it| it.touched.requests),
            refused: sum(|it| it.refused.requests + it.limited.requests + it.unread.requests),
        }
    }

    /// What those noticed who were to be spared, in a sentence.
    #[must_use]
    pub fn spared_in_words(&self) -> String {
        let Spared { requests, touched, share, .. } = &self.spared;
        let of = requests
            .map_or(String::new(), |all| format!(" of {}", counted(all, "request", "requests")));
        if touched.requests == 0 {
            return format!(
                "Callers below the first grade and of unknown risk noticed nothing: something was done to \
                 none{}.",
                if of.is_empty() { " of their requests".to_owned() } else { of }
            );
        }
        let share = share.map_or(String::new(), |share| {
            format!(" ({})", if share < 5e-4 { "less than 0.1 %".into() } else { percent(share) })
        });
        format!(
            "Callers below the first grade and of unknown risk were to be spared, and were not: something \
             was done to {}{of}{share}, of {}.",
            grouped(touched.requests),
            counted(touched.accounts, "account", "accounts"),
        )
    }
}
