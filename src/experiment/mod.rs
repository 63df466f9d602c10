#![doc = include_str!("../../docs/experiment-files.md")]

pub mod analysis;
pub mod assignment;
mod compile;
mod differences;
mod experiments;
mod file;
mod metric;
mod outcomes;
mod register;
pub mod replay;
pub mod report;
mod running;
#[cfg(feature = "schema")]
mod schema;
mod settings;
pub mod simulation;
mod strictness;

pub use crate::audit::Population;
pub use assignment::{Assignment, Place, Unit};
pub use differences::{Difference, Visibility};
pub use experiments::{BeginError, Experiments};
pub use metric::{Better, Metric, Role, Rows, Scale};
pub use outcomes::{HeaderProblem, OutcomesError, OutcomesRead, read_outcomes};
pub use register::JournalError;
pub use running::{ArmStatus, GuardrailStatus, RunSettings, Running, State, Status};
pub(crate) use running::{Chosen, Counted, Met, TurnedAway};
#[cfg(feature = "schema")]
pub use schema::schema;
pub use settings::{Arm, Eligibility, Experiment, OnMismatch, Switchback, UnitKind};
