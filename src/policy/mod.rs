//! From a policy file to a decision: which grade a caller has reached and what is done about it.

pub mod pattern;
pub mod plan;

pub use pattern::Pattern;
pub use plan::Plan;
