//! Keyed marks: which of two equal phrasings a text uses, and who could have chosen it.

pub mod cell;
