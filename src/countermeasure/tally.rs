//! What was done to one exchange, in numbers.

use super::ClosedMembers;
use super::inline::Dialects;
use super::summary::SummaryCounts;
use super::watermark::Carrier;

/// Counts for the audit record: what was applied, never what was configured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Words of reasoning taken out.
    pub words_removed: u64,
    /// Stream events left out because nothing remained of them.
    pub events_dropped: u64,
    /// Response members emptied by the side-channel allow-list.
    pub response_fields_closed: u64,
    /// Stream events that could not be read and went out as they came.
    pub events_unread: u64,
    /// Request members removed by the side-channel allow-list, or capped.
    pub request_fields_closed: u64,
    /// Which members those of request and response were.
    pub closed: ClosedMembers,
    /// The model was exchanged for a weaker one.
    pub model_replaced: bool,
    /// Caps set or lowered: output tokens, effort, thinking budget.
    pub caps_lowered: u64,
    /// Usage counts rounded.
    pub usage_rounded: u64,
    /// Time that pacing held events back, in milliseconds, the first-token delay included.
    pub waited_ms: u64,
    /// Heartbeats sent.
    pub heartbeats: u64,
    /// The model's text ended a reasoning section that never began: its chat template opens the
    /// tag, and the policy does not say so.
    pub unopened_reasoning: u64,
    /// Markup in the model's text that looks like a way of setting reasoning apart and is none that
    /// is known.
    pub unknown_markup: u64,
    /// The dialects in which the model's text held reasoning.
    pub dialects: Dialects,
    /// By what the answer was to carry the mark.
    pub carrier: Option<Carrier>,
    /// How much of the text was to carry the mark, in 256ths.
    pub strength: u16,
    /// Request members set or changed so that the server marks its answer.
    pub mark_fields_set: u64,
    /// The client's own settings of marks that were taken out of the request.
    pub mark_fields_removed: u64,
    /// Sites at which the mark chose a variant.
    pub sites: u64,
    /// Those of them at which the other variant had stood.
    pub flips: u64,
    /// Answers of earlier turns that were written back as they were before they were marked.
    pub texts_restored: u64,
    /// Blocks of reasoning that went out sealed.
    pub blocks_sealed: u64,
    /// Blocks of which something was too long to be sealed.
    pub blocks_unsealed: u64,
    /// Blocks of earlier turns that were opened and put back.
    pub blocks_opened: u64,
    /// Those that did not open and were left out.
    pub blocks_dropped: u64,
    /// Words that repeat reasoning which was opened in the request, and were withheld.
    pub words_repeated: u64,
    /// Texts of reasoning that were condensed, or were to be.
    pub summaries: SummaryCounts,
}

impl Tally {
    /// Both together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let Self {
            words_removed,
            events_dropped,
            response_fields_closed,
            events_unread,
            request_fields_closed,
            closed,
            model_replaced,
            caps_lowered,
            usage_rounded,
            waited_ms,
            heartbeats,
            unopened_reasoning,
            unknown_markup,
            dialects,
            carrier,
            strength,
            mark_fields_set,
            mark_fields_removed,
            sites,
            flips,
            texts_restored,
            blocks_sealed,
            blocks_unsealed,
            blocks_opened,
            blocks_dropped,
            words_repeated,
            summaries,
        } = other;
        Self {
            words_removed: self.words_removed + words_removed,
            events_dropped: self.events_dropped + events_dropped,
            response_fields_closed: self.response_fields_closed + response_fields_closed,
            events_unread: self.events_unread + events_unread,
            request_fields_closed: self.request_fields_closed + request_fields_closed,
            closed: self.closed.union(closed),
            model_replaced: self.model_replaced || model_replaced,
            caps_lowered: self.caps_lowered + caps_lowered,
            usage_rounded: self.usage_rounded + usage_rounded,
            waited_ms: self.waited_ms + waited_ms,
            heartbeats: self.heartbeats + heartbeats,
            unopened_reasoning: self.unopened_reasoning + unopened_reasoning,
            unknown_markup: self.unknown_markup + unknown_markup,
            dialects: self.dialects.union(dialects),
            carrier: self.carrier.or(carrier),
            strength: self.strength.max(strength),
            mark_fields_set: self.mark_fields_set + mark_fields_set,
            mark_fields_removed: self.mark_fields_removed + mark_fields_removed,
            sites: self.sites + sites,
            flips: self.flips + flips,
            texts_restored: self.texts_restored + texts_restored,
            blocks_sealed: self.blocks_sealed + blocks_sealed,
            blocks_unsealed: self.blocks_unsealed + blocks_unsealed,
            blocks_opened: self.blocks_opened + blocks_opened,
            blocks_dropped: self.blocks_dropped + blocks_dropped,
            words_repeated: self.words_repeated + words_repeated,
            summaries: self.summaries.and(summaries),
        }
    }
}
