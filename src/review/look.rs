//! What one record tells.

use std::borrow::Cow;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::audit::{
    Applied, Counter, DryRun, Outcome, PolicyIdentity, PrincipalHashes, Record, RefusedBy, Risk,
};
use crate::policy::Countermeasure;
use crate::policy::plan::Mode;
use crate::secret::opaque_debug;

/// Whom a request is from, as far as it bears on whom a policy should spare. Each is of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Kind {
    /// The score reaches no grade.
    Ordinary,
    /// There is no score that may be relied on, and no grade.
    Unknown,
    /// What the client wrote beside the detector's word contradicts it.
    Contested,
    /// A grade is reached, and an exemption spares the principal all of its plan or some.
    Exempt,
    /// A grade is reached.
    Graded,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 5] =
        [Self::Ordinary, Self::Unknown, Self::Contested, Self::Exempt, Self::Graded];

    /// In words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Ordinary => "below the first grade",
            Self::Unknown => "of unknown risk",
            Self::Contested => "contradicting",
            Self::Exempt => "exempt",
            Self::Graded => "in a grade",
        }
    }

    /// Whether nothing may be done to it.
    #[must_use]
    pub fn is_to_be_spared(self) -> bool {
        matches!(self, Self::Ordinary | Self::Unknown)
    }

    fn of(record: &Record) -> Self {
        let names = |list: &[Applied]| {
            list.iter().any(|applied| applied.countermeasure == Countermeasure::Refuse)
        };
        // Below all grades nobody else is refused.
        let contested = || names(&record.applied) || names(&record.observed);
        match (record.grade.is_empty(), &record.risk) {
            (false, _) if record.exempt.is_some() => Self::Exempt,
            (false, _) => Self::Graded,
            (true, _) if contested() => Self::Contested,
            (true, Risk::Known { .. }) => Self::Ordinary,
            (true, Risk::Unknown { .. }) => Self::Unknown,
        }
    }
}

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is in the audit.
    Seen,
    /// Something of it or of its answer became another, waited, or was refused.
    Touched,
    /// Something would have.
    Observed,
    Waited,
    Refused(RefusedBy),
}

impl Fate {
    /// How many there are.
    pub(super) const COUNT: usize = 7;

    /// Its place among all.
    pub(super) fn place(self) -> usize {
        match self {
            Self::Seen => 0,
            Self::Touched => 1,
            Self::Observed => 2,
            Self::Waited => 3,
            Self::Refused(by) => 4 + by as usize,
        }
    }
}

/// What is kept of a record.
pub struct Seen {
    pub(super) time: Timestamp,
    pub(super) decision: String,
    pub(super) principal: PrincipalHashes,
    pub(super) kind: Kind,
    pub(super) grade: String,
    /// The score and the detector's model, or why there is none.
    pub(super) risk: Result<(f64, Option<String>), Cow<'static, str>>,
    pub(super) arm: Option<String>,
    pub(super) policy: PolicyIdentity,
    pub(super) mode: Mode,
    pub(super) protocol: Cow<'static, str>,
    pub(super) stream: bool,
    pub(super) touched: bool,
    pub(super) waits_ms: u64,
    pub(super) refused: Option<RefusedBy>,
    pub(super) applied: Vec<Applied>,
    pub(super) observed: Vec<Applied>,
    pub(super) dry_run: Option<DryRun>,
    pub(super) outcome: Outcome,
    pub(super) status: Option<u16>,
    pub(super) first_byte_ms: Option<u64>,
    pub(super) total_ms: u64,
}

opaque_debug!(Seen);

impl Seen {
    pub(super) fn of(record: Record) -> Self {
        let kind = Kind::of(&record);
        let refused = record.refused_by();
        let counts = || record.applied.iter().flat_map(|applied| applied.counts.iter());
        let waits = counts().filter(|(counter, _)| *counter == Counter::WaitsMs);
        let marked = record.applied.iter().any(|applied| applied.carrier.is_some());
        Self {
            kind,
            refused,
            touched: refused.is_some() || marked || counts().any(|(counter, _)| touches(counter)),
            waits_ms: waits.map(|(_, waited)| waited).sum(),
            time: record.time,
            decision: record.decision.0,
            principal: record.principal,
            grade: record.grade,
            risk: match record.risk {
                Risk::Known { score, model, .. } => Ok((score, model)),
                Risk::Unknown { reason } => Err(reason),
            },
            arm: record.arm,
            policy: record.policy,
            mode: record.mode,
            protocol: record.protocol,
            stream: record.stream,
            applied: record.applied,
            observed: record.observed,
            dry_run: record.dry_run,
            outcome: record.outcome,
            status: record.status,
            first_byte_ms: record.durations.first_byte_ms,
            total_ms: record.durations.total_ms,
        }
    }

    /// Whether something was done to it though nothing may be.
    pub(super) fn is_unspared(&self) -> bool {
        self.kind.is_to_be_spared() && self.touched
    }

    /// All that became of it.
    pub(super) fn fates(&self) -> impl Iterator<Item = Fate> {
        let fates = [
            (Fate::Seen, true),
            (Fate::Touched, self.touched),
            (Fate::Observed, !self.observed.is_empty()),
            (Fate::Waited, self.waits_ms > 0),
        ];
        let refused = self.refused.map(Fate::Refused);
        fates.into_iter().filter_map(|(fate, holds)| holds.then_some(fate)).chain(refused)
    }
}

/// Whether what is counted is something that was done to a caller: what is only looked at, and what is
/// written back as the upstream wrote it, is not.
fn touches(counter: Counter) -> bool {
    !matches!(
        counter,
        Counter::TokensIn
            | Counter::TokensOut
            | Counter::TokensReasoning
            | Counter::TextsRestored
            | Counter::BlocksOpened
            | Counter::SectionsUnopened
            | Counter::MarkupUnknown
            | Counter::EventsUnread
    )
}
