//! Experiment files, and who is in which arm.

#![cfg(feature = "experiments")]

#[path = "experiment/assignment.rs"]
mod assignment;
#[path = "experiment/files.rs"]
mod files;
