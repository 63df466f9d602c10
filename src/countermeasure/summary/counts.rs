//! What became of summaries, in numbers.

/// Why reasoning that was to be condensed was withheld whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum SummaryFailure {
    /// No summary came in time.
    #[error("the summary did not come in time")]
    Slow,
    /// Whoever condenses could not be asked, failed, or answered with something else.
    #[error("the summarizer failed")]
    Failed,
    /// As many summaries are waited for as may be at one time.
    #[error("the summarizer is busy")]
    Busy,
    /// The summary says nothing.
    #[error("the summary is empty")]
    Empty,
    /// It is longer than it may be, or than half of what it sums up.
    #[error("the summary is too long")]
    Long,
    /// It says the reasoning again.
    #[error("the summary repeats the reasoning")]
    Repeating,
    /// It holds markers of reasoning, or characters of control.
    #[error("the summary holds markers")]
    MarkedUp,
    /// The reasoning was too short, too long, not to be read, or in too many pieces.
    #[error("the reasoning cannot be condensed")]
    Unfit,
}

impl SummaryFailure {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Slow,
        Self::Failed,
        Self::Busy,
        Self::Empty,
        Self::Long,
        Self::Repeating,
        Self::MarkedUp,
        Self::Unfit,
    ];

    /// The name in metrics; the counter of the audit is `summaries_` and this.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Slow => "slow",
            Self::Failed => "failed",
            Self::Busy => "busy",
            Self::Empty => "empty",
            Self::Long => "long",
            Self::Repeating => "repeating",
            Self::MarkedUp => "marked_up",
            Self::Unfit => "unfit",
        }
    }
}

/// How many texts were condensed, and how many were not and why.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SummaryCounts {
    /// Those that were.
    pub made: u64,
    failed: [u64; SummaryFailure::ALL.len()],
}

impl SummaryCounts {
    /// Those that were not, for this reason.
    #[must_use]
    pub fn failed(&self, failure: SummaryFailure) -> u64 {
        self.each().find(|(other, _)| *other == failure).map_or(0, |(_, count)| count)
    }

    /// Those that were not, by reason.
    pub fn each(&self) -> impl Iterator<Item = (SummaryFailure, u64)> + '_ {
        SummaryFailure::ALL.into_iter().zip(self.failed)
    }

    /// One was, or was not.
    pub(super) fn add(&mut self, outcome: Result<(), SummaryFailure>) {
        let Err(failure) = outcome else {
            self.made += 1;
            return;
        };
        let mut counts = SummaryFailure::ALL.iter().zip(&mut self.failed);
        let count = counts.find(|(other, _)| **other == failure);
        count.into_iter().for_each(|(_, count)| *count += 1);
    }

    /// Both together.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.made += other.made;
        self.failed.iter_mut().zip(other.failed).for_each(|(count, more)| *count += more);
        self
    }
}
