//! What is counted, and how much of it is allowed.

use std::num::{NonZeroU32, NonZeroU64};
use std::time::Duration;

/// Limits of one scope; absent ones do not limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Requests.
    pub requests: Option<Quota>,
    /// Input tokens.
    pub input_tokens: Option<Quota>,
    /// Output tokens, reasoning included.
    pub output_tokens: Option<Quota>,
    /// Reasoning tokens.
    pub reasoning_tokens: Option<Quota>,
    /// Requests in flight, each held to the end of its stream.
    pub concurrency: Option<NonZeroU32>,
}

/// So many units per period, of which a burst may come at once.
///
/// A period of zero counts as one nanosecond, and one longer than 584 years as 584 years.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Units per period.
    pub amount: NonZeroU64,
    /// The period.
    pub period: Duration,
    /// Units that may come at once.
    pub burst: NonZeroU64,
}

/// What is left of a quota.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuotaState {
    /// Units that would be admitted now.
    pub remaining: u64,
    /// Time until the whole burst is available again.
    pub reset: Duration,
}

/// What a limit counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dimension {
    /// Requests.
    Requests,
    /// Input tokens.
    InputTokens,
    /// Output tokens, reasoning included.
    OutputTokens,
    /// Reasoning tokens.
    ReasoningTokens,
    /// Requests in flight.
    Concurrency,
}

impl Dimension {
    /// Every dimension.
    pub const ALL: [Self; 5] = [
        Self::Requests,
        Self::InputTokens,
        Self::OutputTokens,
        Self::ReasoningTokens,
        Self::Concurrency,
    ];

    /// The dimensions that have a rate: all but concurrency.
    pub const METERED: [Self; 4] =
        [Self::Requests, Self::InputTokens, Self::OutputTokens, Self::ReasoningTokens];

    /// The name in metrics, audit records and header parameters.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::InputTokens => "input-tokens",
            Self::OutputTokens => "output-tokens",
            Self::ReasoningTokens => "reasoning-tokens",
            Self::Concurrency => "concurrency",
        }
    }
}

/// One value for each dimension that has a rate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Metered<T> {
    /// Requests.
    pub requests: T,
    /// Input tokens.
    pub input_tokens: T,
    /// Output tokens, reasoning included.
    pub output_tokens: T,
    /// Reasoning tokens.
    pub reasoning_tokens: T,
}

/// Units of each metered dimension: what a request is expected to use, or has used.
pub type Amounts = Metered<u64>;

impl<T> Metered<T> {
    /// The value of a dimension; `None` for [`Dimension::Concurrency`], which has no rate.
    #[must_use]
    pub fn get(&self, dimension: Dimension) -> Option<&T> {
        match dimension {
            Dimension::Requests => Some(&self.requests),
            Dimension::InputTokens => Some(&self.input_tokens),
            Dimension::OutputTokens => Some(&self.output_tokens),
            Dimension::ReasoningTokens => Some(&self.reasoning_tokens),
            Dimension::Concurrency => None,
        }
    }

    /// As [`get`](Self::get), to change the value.
    #[must_use]
    pub fn get_mut(&mut self, dimension: Dimension) -> Option<&mut T> {
        match dimension {
            Dimension::Requests => Some(&mut self.requests),
            Dimension::InputTokens => Some(&mut self.input_tokens),
            Dimension::OutputTokens => Some(&mut self.output_tokens),
            Dimension::ReasoningTokens => Some(&mut self.reasoning_tokens),
            Dimension::Concurrency => None,
        }
    }

    /// The same dimensions, each value mapped.
    #[must_use]
    pub fn map<U>(self, mut change: impl FnMut(T) -> U) -> Metered<U> {
        Metered {
            requests: change(self.requests),
            input_tokens: change(self.input_tokens),
            output_tokens: change(self.output_tokens),
            reasoning_tokens: change(self.reasoning_tokens),
        }
    }
}

impl Limits {
    /// The quotas, by dimension.
    #[must_use]
    pub fn quotas(&self) -> Metered<Option<Quota>> {
        Metered {
            requests: self.requests,
            input_tokens: self.input_tokens,
            output_tokens: self.output_tokens,
            reasoning_tokens: self.reasoning_tokens,
        }
    }
}
