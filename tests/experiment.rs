//! Experiment files, and who is in which arm.

#![cfg(feature = "experiments")]
#![expect(
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "a test that cannot go on must fail"
)]

#[path = "experiment/assignment.rs"]
mod assignment;
#[path = "experiment/files.rs"]
mod files;
#[cfg(feature = "cli")]
#[path = "experiment/plan.rs"]
mod plan;
#[cfg(feature = "cli")]
#[path = "experiment/report.rs"]
mod report;
#[cfg(feature = "cli")]
#[path = "experiment/report_beside.rs"]
mod report_beside;
#[cfg(feature = "cli")]
#[path = "experiment/report_files.rs"]
mod report_files;
#[cfg(feature = "cli")]
#[path = "experiment/report_history.rs"]
mod report_history;
#[cfg(feature = "cli")]
#[path = "experiment/study.rs"]
mod study;
