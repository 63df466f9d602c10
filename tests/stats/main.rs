//! The statistics of experiments: against other people's programs, by their properties, and by what
//! they do where there is nothing to find.
#![cfg(feature = "experiments")]
#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "helpers of tests fail as tests do"
)]

mod known_answers;
mod known_sequences;
mod nothing_to_find;
mod properties;
mod refusals;
mod vectors;
