//! What carries a mark, by what it needs in a request: the right carrier for each request, the
//! client's own settings of marks gone, and every other byte as the client wrote it.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "Clippy takes functions for tests by their attribute only"
)]

mod choice;
mod generated;
mod merging;
mod servers;
mod stripping;
mod support;
