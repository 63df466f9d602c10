//! The embedded upstream.

pub mod problem;
pub mod wording;
