//! The embedded upstream.

pub mod problem;
mod prose;
pub mod wording;
