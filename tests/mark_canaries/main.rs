//! Canary cells: the choices to the bit, and what they tell of a text that was copied, learned or forged.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test that cannot go on must fail, and tells what it counted"
)]

mod choices;
mod copies;
mod files;
mod null;
mod readings;
mod texts;
