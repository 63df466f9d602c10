#![doc = include_str!("../../docs/policies.md")]

mod builder;
mod compile;
pub mod countermeasure;
mod coverage;
pub mod decision;
pub mod exemption;
mod file;
pub mod ladder;
mod measures;
pub mod pattern;
pub mod plan;
pub mod problem;
mod reach;
#[cfg(feature = "schema")]
mod schema;
#[cfg(feature = "signatures")]
pub mod signature;
pub(crate) mod source;
pub(crate) mod value;
mod written;

pub use builder::PolicyBuilder;
pub use countermeasure::Countermeasure;
pub use coverage::Gap;
pub use decision::{
    Decision, DecisionId, GradeReached, NoTextRoutes, PolicyId, Reason, Reasons, RequestFacts,
    Revision, Unhandled,
};
pub use exemption::Exemption;
pub use ladder::{Grade, Policy, RequestScope};
pub use pattern::Pattern;
pub use plan::Plan;
pub use problem::{LoadError, Notice, Problem};
pub use reach::Reach;
#[cfg(feature = "schema")]
pub use schema::schema;
#[cfg(all(feature = "schema", feature = "experiments"))]
pub(crate) use schema::schema_of;
pub use value::quota_text;
