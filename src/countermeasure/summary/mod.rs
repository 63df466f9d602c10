//! Condensing reasoning: what is asked for, what of it may go out, and what becomes of the rest.
//!
//! Somebody else writes the summary, and takes time for it. What is here stays pure: an answer is
//! read twice, first by editors that only find out what is to be condensed, and, once that has been
//! condensed or has not, by those whose text goes out. Both write in one [`SummaryBook`], by the
//! text itself, so that every copy of a text gets the same summary, and what nobody condensed gets
//! none.
//!
//! Whoever condenses is not believed. A summary goes out only if it is one: shorter by half than
//! what it sums up, without runs of the same words, without markers
//! of reasoning, within its cap. What is not one leaves nothing, as `keep = "none"` does; it never
//! leaves more.

mod book;
mod counts;
mod editor;
mod judge;

pub use book::{SummaryBook, SummaryKey, Wanted};
pub use counts::{SummaryCounts, SummaryFailure};

/// What bounds the summaries of one response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SummaryRules {
    /// The most characters of a summary.
    pub max_characters: usize,
    /// The most characters of reasoning that are handed out to be condensed at once. What is longer
    /// is not condensed.
    pub max_reasoning: usize,
}

impl Default for SummaryRules {
    /// 600 characters, of up to 100,000.
    fn default() -> Self {
        Self { max_characters: 600, max_reasoning: 100_000 }
    }
}
