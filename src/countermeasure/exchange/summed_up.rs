//! What of an answer is condensed.

use super::ResponseEdits;
use crate::countermeasure::reasoning::Remains;
use crate::countermeasure::summary::{SummaryBook, SummaryCounts};
use crate::policy::plan::Keep;
use crate::wire::Protocol;

impl ResponseEdits {
    /// Whether a summary is left of the reasoning, if somebody writes it.
    #[must_use]
    pub fn sums_up(&self) -> bool {
        self.keep == Some(Keep::Summary)
    }

    /// The same, with the summaries of this book left of the reasoning of an answer over `protocol`.
    #[must_use]
    pub fn summed_up_in(self, book: SummaryBook, protocol: &dyn Protocol) -> Self {
        // Under a signature that is kept no other text may stand.
        let shows_signed = self.sealer.is_some() && protocol.seals_signed();
        Self { summaries: Some(book), shows_signed, ..self }
    }

    /// What looks ahead in the answer for what is to be condensed: the same as far as reasoning is
    /// concerned, and without all that is done but once.
    #[must_use]
    pub fn ahead(&self) -> Self {
        let summaries = self.summaries.as_ref().map(SummaryBook::ahead);
        let (sealer, guard, marked) = (None, None, None);
        Self { summaries, sealer, guard, marked, kept_in: None, kept: None, ..self.clone() }
    }

    /// What became of the summaries so far.
    #[must_use]
    pub fn summaries(&self) -> SummaryCounts {
        self.summaries.as_ref().map(SummaryBook::counts).unwrap_or_default()
    }

    /// What is left of reasoning of which this is kept.
    pub(super) fn remains(&self, keep: Keep) -> Remains {
        Remains::from(keep).summed_up_in(self.summaries.clone())
    }
}
