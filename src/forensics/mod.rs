//! What an analyst needs: reading the marks in a suspect's texts, and saying what they prove.
//!
//! Nothing that answers a request needs any of it; only the commands and those who examine a
//! suspect do. [`corpus`] reads the suspect's files and counts, [`detect`] reads marks of every
//! scheme, [`evidence`] says how surely they were meant, [`tracing`] to whom they lead,
//! [`examination`] puts all of it into one verdict, and [`report`] prints that.

pub mod corpus;
pub mod detect;
pub mod evidence;
pub mod examination;
pub mod report;
pub mod tracing;
