//! From a policy file to a decision: which grade a caller has reached and what is done about it.

pub mod pattern;
pub mod plan;

pub use pattern::Pattern;
pub use plan::Plan;

/// What becomes of a response that cannot be read although a countermeasure has to change it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnOpaque {
    /// The client gets an error.
    Refuse,
    /// It goes out as it came.
    Pass,
}
