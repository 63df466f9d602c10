//! What was done to whom: one record per decided request, and where the records go.
//!
//! An audit is only worth having if it tells what *was* done. So a [`Record`] is written at the end
//! of the exchange, with the counts of what each countermeasure changed, never at the decision with
//! what it was set to do. It identifies callers by keyed hashes ([`AuditKey`]) and holds no text of
//! a prompt or an answer.
//!
//! Recording never waits and never decides: a [`Sink`] takes the record after the client has its
//! answer, and a full queue costs a record, which is counted, not an answer.
//!
//! ```
//! use guilloche::audit::{AuditKey, Counter, Counts};
//! use guilloche::policy::Countermeasure;
//!
//! let key = AuditKey::new([7; 32]);
//! let principal = key.principal("account-1", Some("cluster-9"), None);
//! assert_eq!(principal, key.principal("account-1", Some("cluster-9"), None));
//! assert_ne!(principal.account, key.principal("account-2", None, None).account);
//!
//! let mut counts = Counts::default();
//! counts.add(Counter::WordsRemoved, 42);
//! assert_eq!(serde_json::to_string(&counts)?, r#"{"words_removed":42}"#);
//! assert_eq!(serde_json::to_string(&Countermeasure::SideChannels)?, r#""side_channels""#);
//! # Ok::<(), serde_json::Error>(())
//! ```

mod counts;
#[cfg(feature = "decompress")]
pub mod entry;
#[cfg(feature = "decompress")]
pub(crate) mod files;
pub mod latency;
pub mod passed;
pub mod principal;
#[cfg(feature = "decompress")]
pub mod reader;
pub mod record;
mod request_sink;
pub mod unit;

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::lines::LineWriter;

pub use counts::{Counter, Counts};
#[cfg(feature = "decompress")]
pub use entry::{Entry, EntryError};
pub use passed::Passed;
pub use principal::{AuditKey, KeyedHash, PrincipalHashes};
pub use record::{
    Applied, DecisionName, DryRun, Durations, Exempt, Outcome, PolicyIdentity, Record, RefusedBy,
    Risk,
};
pub use request_sink::RequestSink;
pub use unit::{
    ArmDecision, ExperimentName, Exposure, Population, UnitJoined, UnitName, UnitSummary, UnitSums,
};

/// Takes audit records. Must return at once: it is called on the path of an exchange, at its end.
pub trait Sink: Send + Sync + fmt::Debug {
    /// Takes one record.
    fn record(&self, record: Record);

    /// Takes a request about which the arms of an experiment decide differently. Where nothing is
    /// made of it, it is not kept.
    fn exposure(&self, _: Exposure) {}

    /// Takes what a unit of an experiment met. Where nothing is made of it, it is not kept.
    fn unit(&self, _: UnitSummary) {}

    /// Takes that a unit of an experiment has become a part of another. Where nothing is made of it, it
    /// is not kept.
    fn joined(&self, _: UnitJoined) {}

    /// Whether records can be looked at afterwards. Asked when a policy is loaded that does nothing
    /// but record.
    fn keeps(&self) -> bool {
        true
    }
}

/// A line of an audit file that is no [`Record`]: `{"exposure": …}`, `{"unit": …}`, `{"joined": …}`,
/// `{"passed": …}`, and where lines were lost `{"lost": …}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Line {
    /// A request about which the arms of an experiment decide differently.
    Exposure(Box<Exposure>),
    /// What a unit of an experiment met.
    Unit(Box<UnitSummary>),
    /// A unit of an experiment has become a part of another.
    Joined(Box<UnitJoined>),
    /// Requests that have left no record.
    Passed(Box<Passed>),
    /// So many lines are missing here.
    Lost(u64),
}

/// Keeps no records.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoAudit;

impl Sink for NoAudit {
    fn record(&self, _: Record) {}

    fn keeps(&self) -> bool {
        false
    }
}

/// Writes each record as one line of JSON.
#[derive(Debug)]
pub struct JsonLines {
    lines: LineWriter,
}

impl JsonLines {
    /// A sink that writes to `lines`.
    #[must_use]
    pub fn new(lines: LineWriter) -> Self {
        Self { lines }
    }

    /// The writer, for its count of lost records and to flush it.
    #[must_use]
    pub fn lines(&self) -> &LineWriter {
        &self.lines
    }
}

impl Sink for JsonLines {
    fn record(&self, record: Record) {
        self.lines.write(&record);
    }

    fn exposure(&self, exposure: Exposure) {
        self.lines.write(&Line::Exposure(Box::new(exposure)));
    }

    fn unit(&self, summary: UnitSummary) {
        self.lines.write(&Line::Unit(Box::new(summary)));
    }

    fn joined(&self, joined: UnitJoined) {
        self.lines.write(&Line::Joined(Box::new(joined)));
    }
}
