//! What a policy would have done with the requests that an audit has records of.
//!
//! A record says what was known of a caller when a request was decided. So another policy can be asked
//! what it would have decided, before it is in force: who changes grade, who is refused, what is
//! withheld, and what that costs those whom it should spare. What a record does not say is not made
//! up: each answer tells of how many requests it is not known, and [`Replay::assumed`] says what was
//! taken for granted.
//!
#![doc = include_str!("../../../docs/trying-policies.md")]

mod assumed;
mod conclude;
mod decide;
mod names;
mod page;
mod tally;

use jiff::Timestamp;
use serde::Serialize;

use crate::audit::reader::FileRead;
use crate::audit::{AuditKey, PolicyIdentity, Record};
use crate::policy::Policy;
use crate::policy::plan::Mode;

pub use decide::{Kind, Seen};
pub use page::page;

use decide::Decider;
use names::Names;
use tally::Tally;

/// Callers below this score are those of low risk, unless another is said: those whom experiments
/// study as legitimate callers.
pub const LOW_RISK: f64 = 0.3;

/// Asks a policy about records.
#[derive(Debug)]
pub struct Replayer {
    decider: Decider,
    /// Whether exemptions could be matched.
    key_known: bool,
}

/// Sums of what was seen, in any order.
#[derive(Debug, Default)]
pub struct Sums(Tally);

/// What a policy would have done.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Replay {
    /// The policy that was asked.
    pub policy: PolicyIdentity,
    /// Its mode. What a policy that observes would do is told as if it were enforced.
    pub mode: Mode,
    /// The files that were read.
    pub files: Vec<FileRead>,
    /// The policies that decided, and how many requests each.
    pub recorded: Vec<Recorded>,
    /// The times of the first and the last record.
    pub times: Option<(Timestamp, Timestamp)>,
    /// Records.
    pub requests: u64,
    /// Accounts in them.
    pub accounts: u64,
    /// Clusters in them.
    pub clusters: u64,
    /// Requests whose grade is another, and accounts that have any of them.
    pub changed: Count,
    /// Requests and accounts by their grade in the records and with the policy, from the mildest to
    /// the strictest.
    pub changes: Vec<Change>,
    /// What becomes of callers of each kind.
    pub kinds: Vec<Cost>,
    /// What is withheld and marked.
    pub withheld: Withheld,
    /// What was taken for granted, and what is not known.
    pub assumed: Vec<String>,
}

/// A policy that records are from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Recorded {
    /// Which.
    pub policy: PolicyIdentity,
    /// Its requests.
    pub requests: u64,
}

/// Requests and accounts of one grade that would have another, or the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// The grade in the records; `None` for none.
    pub recorded: Option<String>,
    /// The grade with the policy; `None` for none.
    pub replayed: Option<String>,
    /// Requests.
    pub requests: u64,
    /// Accounts that have any of them.
    pub accounts: u64,
}

/// What becomes of one kind of caller.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Cost {
    /// Which.
    pub kind: Kind,
    /// All of it.
    pub seen: Count,
    /// Something is done to.
    pub touched: Count,
    /// Under the limits of a grade.
    pub limited: Count,
    /// Refused.
    pub refused: Count,
    /// Requests that were refused as recorded.
    pub were_refused: u64,
    /// Requests that were turned away at a limit as recorded.
    pub were_limited: u64,
}

/// Requests, and the accounts that they are of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Count {
    /// Requests.
    pub requests: u64,
    /// Accounts.
    pub accounts: u64,
}

/// What is withheld and marked, by the counts of the records.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Withheld {
    /// Words of reasoning.
    pub words: Amount,
    /// Tokens of reasoning in the answers of which it is withheld.
    pub reasoning_tokens: Amount,
    /// Places that are marked.
    pub sites: Amount,
}

/// A sum over requests, as far as they were counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Amount {
    /// The sum.
    pub amount: u64,
    /// Over so many requests.
    pub counted: u64,
    /// Of so many more it is not known.
    pub unknown: u64,
}

impl Replayer {
    /// Asks `policy`. With the key of the deployment that wrote the audit its exemptions are found;
    /// callers of a score below `low_risk` are told apart.
    #[must_use]
    pub fn new(policy: Policy, key: Option<&AuditKey>, low_risk: f64) -> Self {
        let names = Names::new(&policy.exemptions, key);
        Self { decider: Decider::new(policy, names, low_risk), key_known: key.is_some() }
    }

    /// Decides about the request of a record, as if the policy had been in force then.
    #[must_use]
    pub fn look(&self, record: Record) -> Seen {
        self.decider.decide(record)
    }

    /// What the policy would have done in all.
    #[must_use]
    pub fn conclude(&self, sums: &Sums, files: Vec<FileRead>) -> Replay {
        conclude::conclude(&self.decider.policy, self.key_known, &sums.0, files)
    }
}

impl Sums {
    /// Adds what was seen.
    pub fn add(&mut self, seen: &Seen) {
        self.0.add(seen);
    }
}
