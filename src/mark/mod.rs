//! Keyed marks: which of two equal phrasings a text uses, and who could have chosen it.

pub mod cell;
#[cfg(feature = "forensics")]
pub mod detect;
#[cfg(feature = "forensics")]
pub mod evidence;
#[cfg(feature = "forensics")]
pub mod tracing;
