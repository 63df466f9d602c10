//! What a record counts.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::countermeasure::summary::SummaryFailure;

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Counter {
    /// Words taken out of a channel.
    WordsRemoved,
    /// Bytes taken out of a channel.
    BytesRemoved,
    /// Places at which a mark chose between two variants, whichever had stood there.
    Sites,
    /// Words replaced by their other variant.
    WordsChanged,
    /// Answers of earlier turns that came back marked and went to the upstream as it wrote them.
    TextsRestored,
    /// Whole events left out of a stream.
    EventsDropped,
    /// Events that could not be read and went out as they came.
    EventsUnread,
    /// Members taken out of a request or an answer.
    FieldsStripped,
    /// Members of a request that were set or lowered.
    FieldsSet,
    /// Requests that another model than the requested one answered.
    ModelsReplaced,
    /// Token counts that were rounded.
    CountsRounded,
    /// Reasoning sections in an answer that ended without having begun, so that their text went
    /// out: the model's chat template opens them, and the policy does not say so.
    SectionsUnopened,
    /// Markup in an answer that looks like a way of setting reasoning apart and is none that is
    /// known, so that its text went out.
    MarkupUnknown,
    /// Blocks of reasoning that went out sealed.
    BlocksSealed,
    /// Blocks of reasoning of which something was too long to be sealed, or whose model is not certain.
    BlocksUnsealed,
    /// Sealed blocks that came back, were opened and went to the upstream as it wrote them.
    BlocksOpened,
    /// Sealed blocks that came back, did not open and were left out.
    BlocksDropped,
    /// Words of an answer that repeat reasoning which was opened in its request, and were withheld.
    WordsRepeated,
    /// Texts of reasoning of which a summary went out.
    SummariesMade,
    /// Those of which none did, and that were withheld whole: it did not come in time.
    SummariesSlow,
    /// The summarizer failed.
    SummariesFailed,
    /// As many were waited for as may be.
    SummariesBusy,
    /// It said nothing.
    SummariesEmpty,
    /// It was longer than it may be.
    SummariesLong,
    /// It said the reasoning again.
    SummariesRepeating,
    /// It held markers of reasoning.
    SummariesMarkedUp,
    /// The text was none that could be condensed.
    SummariesUnfit,
    /// Time that was waited, in milliseconds.
    WaitsMs,
    /// Input tokens settled.
    TokensIn,
    /// Output tokens settled, reasoning included.
    TokensOut,
    /// Reasoning tokens settled.
    TokensReasoning,
    /// Requests turned away.
    RequestsRefused,
}

impl Counter {
    /// Every counter, in the order of records.
    pub const ALL: [Self; 32] = [
        Self::WordsRemoved,
        Self::BytesRemoved,
        Self::Sites,
        Self::WordsChanged,
        Self::TextsRestored,
        Self::EventsDropped,
        Self::EventsUnread,
        Self::FieldsStripped,
        Self::FieldsSet,
        Self::ModelsReplaced,
        Self::CountsRounded,
        Self::SectionsUnopened,
        Self::MarkupUnknown,
        Self::BlocksSealed,
        Self::BlocksUnsealed,
        Self::BlocksOpened,
        Self::BlocksDropped,
        Self::WordsRepeated,
        Self::SummariesMade,
        Self::SummariesSlow,
        Self::SummariesFailed,
        Self::SummariesBusy,
        Self::SummariesEmpty,
        Self::SummariesLong,
        Self::SummariesRepeating,
        Self::SummariesMarkedUp,
        Self::SummariesUnfit,
        Self::WaitsMs,
        Self::TokensIn,
        Self::TokensOut,
        Self::TokensReasoning,
        Self::RequestsRefused,
    ];

    /// The name in records and metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::WordsRemoved => "words_removed",
            Self::BytesRemoved => "bytes_removed",
            Self::Sites => "sites",
            Self::WordsChanged => "words_changed",
            Self::TextsRestored => "texts_restored",
            Self::EventsDropped => "events_dropped",
            Self::EventsUnread => "events_unread",
            Self::FieldsStripped => "fields_stripped",
            Self::FieldsSet => "fields_set",
            Self::ModelsReplaced => "models_replaced",
            Self::CountsRounded => "counts_rounded",
            Self::SectionsUnopened => "sections_unopened",
            Self::MarkupUnknown => "markup_unknown",
            Self::BlocksSealed => "blocks_sealed",
            Self::BlocksUnsealed => "blocks_unsealed",
            Self::BlocksOpened => "blocks_opened",
            Self::BlocksDropped => "blocks_dropped",
            Self::WordsRepeated => "words_repeated",
            Self::SummariesMade => "summaries_made",
            Self::SummariesSlow => "summaries_slow",
            Self::SummariesFailed => "summaries_failed",
            Self::SummariesBusy => "summaries_busy",
            Self::SummariesEmpty => "summaries_empty",
            Self::SummariesLong => "summaries_long",
            Self::SummariesRepeating => "summaries_repeating",
            Self::SummariesMarkedUp => "summaries_marked_up",
            Self::SummariesUnfit => "summaries_unfit",
            Self::WaitsMs => "waits_ms",
            Self::TokensIn => "tokens_in",
            Self::TokensOut => "tokens_out",
            Self::TokensReasoning => "tokens_reasoning",
            Self::RequestsRefused => "requests_refused",
        }
    }

    /// What counts the summaries that were not made for a reason.
    #[must_use]
    pub fn of_summary(failure: SummaryFailure) -> Self {
        match failure {
            SummaryFailure::Slow => Self::SummariesSlow,
            SummaryFailure::Failed => Self::SummariesFailed,
            SummaryFailure::Busy => Self::SummariesBusy,
            SummaryFailure::Empty => Self::SummariesEmpty,
            SummaryFailure::Long => Self::SummariesLong,
            SummaryFailure::Repeating => Self::SummariesRepeating,
            SummaryFailure::MarkedUp => Self::SummariesMarkedUp,
            SummaryFailure::Unfit => Self::SummariesUnfit,
        }
    }
}

/// Counts of what a countermeasure did; what is absent was not done.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Counts(BTreeMap<Counter, u64>);

impl Counts {
    /// Adds all of another's counts.
    pub fn add_all(&mut self, other: &Self) {
        other.0.iter().for_each(|(counter, amount)| self.add(*counter, *amount));
    }

    /// Adds to a counter, up to the largest number there is.
    pub fn add(&mut self, counter: Counter, amount: u64) {
        let count = self.0.entry(counter).or_default();
        *count = count.saturating_add(amount);
    }

    /// The count, 0 when nothing was counted.
    #[must_use]
    pub fn get(&self, counter: Counter) -> u64 {
        self.0.get(&counter).copied().unwrap_or_default()
    }

    /// What was counted, in the order of records.
    pub fn iter(&self) -> impl Iterator<Item = (Counter, u64)> + '_ {
        self.0.iter().map(|(counter, amount)| (*counter, *amount))
    }

    /// Whether nothing was counted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_are_written_by_their_names_and_in_their_order() {
        for counter in Counter::ALL {
            assert_eq!(serde_json::json!(counter), counter.name());
        }
        assert!(Counter::ALL.is_sorted());
    }

    #[test]
    fn a_count_stops_at_the_largest_number() {
        let mut counts = Counts::default();
        counts.add(Counter::WaitsMs, u64::MAX);
        counts.add(Counter::WaitsMs, 1);
        assert_eq!(counts.get(Counter::WaitsMs), u64::MAX);
        assert_eq!(counts.get(Counter::TokensIn), 0);
    }
}
