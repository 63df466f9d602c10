//! Intervals that are valid at any time: the chance that one of them, at any look, misses is α.
//!
//! A unit comes in once, when its value is final: its window is over, and nothing of it is still to
//! come. A value that goes on growing, or the units that happened to finish first, are no such
//! sequence.

mod asymptotic;
mod betting;
mod bounded;
mod mixture;
mod randomization;

pub use asymptotic::{ArmSequence, AsymptoticSequence, LEAST_UNITS, Sequential};
pub use betting::BettingSequence;
pub use bounded::BoundedSequence;
pub use randomization::RandomizationSequence;
