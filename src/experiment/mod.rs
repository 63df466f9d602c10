#![doc = include_str!("../../docs/experiment-files.md")]

pub mod analysis;
pub mod assignment;
mod compile;
mod differences;
mod file;
mod metric;
mod outcomes;
pub mod replay;
pub mod report;
#[cfg(feature = "schema")]
mod schema;
mod settings;
pub mod simulation;

pub use crate::audit::Population;
pub use assignment::{Assignment, Place, Unit};
pub use differences::{Difference, Visibility};
pub use metric::{Better, Metric, Role, Rows, Scale};
pub use outcomes::{HeaderProblem, OutcomesError, OutcomesRead, read_outcomes};
#[cfg(feature = "schema")]
pub use schema::schema;
pub use settings::{Arm, Eligibility, Experiment, OnMismatch, Switchback, UnitKind};
