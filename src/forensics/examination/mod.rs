//! From what a text shows to a verdict: every scheme, epoch, cluster and account in one report.
//!
//! Each scheme of marking brings its tests as [`SchemeTests`]; [`conclude`] puts them together. It
//! adjusts for all tests of a level (Holm, over ids, epochs and schemes), passes them through the
//! gates deployment → cluster → account, looks at the controls, and writes the one [`Verdict`]
//! that the command line, a report and a program all show.
//!
//! - A result is *refused* where a control finds a mark that cannot be there.
//! - A text that was found is *consistent with* outputs of an account. Nobody is *named* but by text that the
//!   examiner asked for, under a commitment.
//! - What is said is "exposed to outputs of": lawful republication has the same effect.
//! - A verdict holds names and numbers, never text and never keys.

mod answered;
mod conclude;
mod copies;
mod exported;
mod findings;
mod law;
mod level;
mod lexical;
mod measured;
mod naming;
mod plan;
mod roster;
mod scheme;
mod sentence;
#[cfg(feature = "tokenizers")]
pub mod tokens;
mod verdict;

pub use conclude::{conclude, conclude_with};
pub use copies::{CopyFinding, CopyPlaces, CopyTest};
pub use exported::{ExportedCell, ExportedCopies, ExportedTest, export_tests};
pub use law::{LawSample, test_law};
pub use level::{Id, IdTest, LevelTests, Named, Part};
pub use lexical::{Sample, test_lexical};
pub use measured::{DecoySummary, EffectSize, Histogram, PValue, Quantile};
pub use naming::{Asked, AskedTests, Naming};
pub use plan::{CommittedPlan, PlanMismatch, plan_commitment};
pub use roster::{Issuance, LedgerMismatch, MarkedBy, issuances};
pub use scheme::{Deployment, DeploymentEvidence, IdScore, SchemeTests};
pub use sentence::Said;
pub use verdict::{
    Committed, ControlKind, ControlTest, DeploymentTest, FileRead, Issued, Level, Material, Method,
    Outcome, Refused, RefusedBy, Unanswered, Verdict,
};
