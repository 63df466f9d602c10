//! Graded countermeasures against model distillation, as a [`tower`](tower_service) layer.

pub mod audit;
pub mod countermeasure;
pub mod layer;
pub mod limit;
pub mod mark;
pub mod policy;
mod random;
pub mod risk;
pub mod wire;

#[cfg(feature = "proxy")]
pub mod proxy;
#[cfg(feature = "proxy")]
pub mod teacher;

#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod cli;
