//! What a grade does: one setting block per countermeasure, in the order they are applied.
//!
//! A [`Plan`] is what a policy file compiles to. It holds no text of any protocol: the
//! countermeasures turn it into edits, the wire knows where they go.

mod reasoning;
mod seal;

use std::num::NonZeroU32;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Pattern;

pub use crate::limit::{Limits, Quota};
pub use reasoning::{Keep, Reasoning};
pub(crate) use seal::{BUCKETS, LONGEST_LIFETIME};
pub use seal::{Bind, Seal, Unopened};

/// Whether a decision is only recorded, or carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Recorded in the audit as what would have been done; the exchange is untouched.
    Observe,
    /// Carried out.
    Enforce,
}

/// One countermeasure of a plan: how it is set, and whether it is carried out.
#[derive(Clone, Debug, PartialEq)]
pub struct Measure<T> {
    /// Observe or enforce, after the policy's own mode has been taken into account.
    pub mode: Mode,
    /// The countermeasure's settings.
    pub settings: T,
}

impl<T> From<T> for Measure<T> {
    /// Carried out, where the policy's mode is to carry out.
    fn from(settings: T) -> Self {
        Self { mode: Mode::Enforce, settings }
    }
}

/// What a grade does to an exchange. An empty plan forwards it untouched.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Plan {
    /// Refuse the request outright.
    pub refuse: Option<Measure<Refuse>>,
    /// Limit requests, tokens and concurrency per account and per cluster.
    pub rate: Option<Measure<Rate>>,
    /// Answer from a weaker model, cap effort and output.
    pub downgrade: Option<Measure<Downgrade>>,
    /// Close log-probabilities, token ids and other ways round the text channels.
    pub side_channels: Option<Measure<SideChannels>>,
    /// Withhold reasoning, whole or in part.
    pub reasoning: Option<Measure<Reasoning>>,
    /// Put the caller's keyed mark into the text.
    pub watermark: Option<Measure<Watermark>>,
    /// Slow the stream down.
    pub pace: Option<Measure<Pace>>,
}

/// Close the ways round the text channels, by an allow-list on the response and on the request.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct SideChannels {
    /// The most choices one request may ask for (`n`, `best_of`).
    pub max_choices: NonZeroU32,
    /// Request or response members to let through besides the built-in allow-list.
    pub allow: Vec<String>,
}

impl Default for SideChannels {
    /// One choice, and the built-in allow-list alone.
    fn default() -> Self {
        Self { max_choices: NonZeroU32::MIN, allow: Vec::new() }
    }
}

/// Answer with less: a weaker model, less effort, fewer tokens.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Downgrade {
    /// From the requested model to the one asked instead; the most specific pattern wins.
    pub models: Vec<(Pattern, String)>,
    /// The model that is asked instead of one that no pattern covers. `None` asks that one.
    pub other_models: Option<String>,
    /// Cap on output tokens; set when the request names none.
    pub max_output_tokens: Option<NonZeroU32>,
    /// Cap on the reasoning effort.
    pub max_effort: Option<Effort>,
    /// Cap on the thinking budget, in tokens.
    pub max_thinking_tokens: Option<NonZeroU32>,
    /// Whether the client sees the name of the model that answered (`true`), or the one it asked
    /// for, in every chunk (`false`).
    pub disclose: bool,
}

impl Default for Downgrade {
    /// Nothing is replaced or capped; what would be is disclosed.
    fn default() -> Self {
        Self {
            models: Vec::new(),
            other_models: None,
            max_output_tokens: None,
            max_effort: None,
            max_thinking_tokens: None,
            disclose: true,
        }
    }
}

impl Downgrade {
    /// Whether some models are replaced by others.
    #[must_use]
    pub fn replaces_models(&self) -> bool {
        self.other_models.is_some() || !self.models.is_empty()
    }

    /// Whether a word is a name that a pattern of `models` has, and that another model takes.
    #[must_use]
    pub fn replaces(&self, word: &str) -> bool {
        let mut models = self.models.iter();
        models.any(|(pattern, model)| word != model && pattern.covers_word(word))
    }

    /// The model that is asked where the request names none. Without one of its own it is that of the
    /// widest pattern: what the server would choose is not known to be weaker.
    #[must_use]
    pub fn of_unnamed(&self) -> Option<&str> {
        let widest = || {
            let widest = self.models.iter().min_by_key(|(pattern, _)| pattern.specificity());
            widest.map(|(_, model)| model.as_str())
        };
        self.other_models.as_deref().or_else(widest)
    }

    /// The cap on the thinking budget. A cap on the effort caps the budget too, which is another way
    /// to say it.
    #[must_use]
    pub fn thinking_tokens(&self) -> Option<u64> {
        let said = self.max_thinking_tokens.map(|most| u64::from(most.get()));
        said.or_else(|| self.max_effort?.budget())
    }
}

/// Reasoning effort, weakest first, with the names that the vendors' request fields use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Effort {
    /// No reasoning.
    None,
    /// `minimal`
    Minimal,
    /// `low`
    Low,
    /// `medium`
    Medium,
    /// `high`
    High,
    /// `xhigh`
    ExtraHigh,
    /// `max`
    Max,
}

impl Effort {
    /// Every effort, weakest first.
    pub const ALL: [Self; 7] = [
        Self::None,
        Self::Minimal,
        Self::Low,
        Self::Medium,
        Self::High,
        Self::ExtraHigh,
        Self::Max,
    ];

    /// The name on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Minimal => "minimal",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::ExtraHigh => "xhigh",
            Self::Max => "max",
        }
    }

    /// The budget in tokens that says the same, as Google maps one to the other for its models;
    /// `None` for what has no bound.
    #[must_use]
    pub fn budget(self) -> Option<u64> {
        match self {
            Self::None => Some(0),
            Self::Minimal | Self::Low => Some(1024),
            Self::Medium => Some(8192),
            Self::High => Some(24_576),
            Self::ExtraHigh | Self::Max => None,
        }
    }

    /// The effort of that name, if there is one.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|effort| effort.name() == name)
    }
}

/// As much as the answers of most requests that cap nothing.
pub(crate) const DEFAULT_RESERVE_OUTPUT_TOKENS: NonZeroU32 = match NonZeroU32::new(1024) {
    Some(tokens) => tokens,
    None => NonZeroU32::MIN,
};

/// Limits on requests, tokens and concurrency. All are enforced at once, or none is charged.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Rate {
    /// Limits of each account.
    pub account: Limits,
    /// Limits that all accounts of a cluster share; hydra clusters stay below per-account ones.
    pub cluster: Limits,
    /// The limits whose state the `RateLimit` header fields show. `None` sends no such fields: the
    /// enforced ones would tell a caller its grade.
    pub advertised: Option<Limits>,
    /// Output tokens reserved at admission when the request caps none.
    pub reserve_output_tokens: NonZeroU32,
}

impl Default for Rate {
    /// Nothing is limited.
    fn default() -> Self {
        Self {
            account: Limits::default(),
            cluster: Limits::default(),
            advertised: None,
            reserve_output_tokens: DEFAULT_RESERVE_OUTPUT_TOKENS,
        }
    }
}

/// Put a keyed mark into the text, by the first carrier that the upstream and the request allow.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Watermark {
    /// How much of the text carries it.
    pub strength: Strength,
    /// What becomes of marked text that a client sends back to an upstream which checks it.
    pub multi_turn: MultiTurn,
}

impl Default for Watermark {
    /// Every site, where the upstream does not check its own text.
    fn default() -> Self {
        Self { strength: Strength::default(), multi_turn: MultiTurn::default() }
    }
}

/// The strength of a mark, by the risk score: the share of the cells that carry their bit, 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Strength {
    /// At the score at which the grade begins.
    pub min: f64,
    /// At a score of 1.
    pub max: f64,
    /// The score at which the grade begins.
    pub at: f64,
}

impl Default for Strength {
    /// Full, at every score.
    fn default() -> Self {
        Self { min: 1.0, max: 1.0, at: 0.0 }
    }
}

impl Strength {
    /// The strength at a risk score: on the line between the two ends.
    #[must_use]
    pub fn of(&self, score: f64) -> f64 {
        let Self { min, max, at } = *self;
        let share = if at < 1.0 { ((score - at) / (1.0 - at)).clamp(0.0, 1.0) } else { 1.0 };
        (min + (max - min) * share).clamp(0.0, 1.0)
    }
}

/// What becomes of answers that an upstream will want to see again as it wrote them.
///
/// An upstream that signs its reasoning (Anthropic's own API) may bind each signed block to all
/// text before it, and refuse a conversation in which earlier answers read otherwise. Protocols
/// without signed reasoning are not affected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum MultiTurn {
    /// They are not marked.
    #[default]
    Skip,
    /// They are marked, and written back as they were when the client sends them again. What was
    /// marked is remembered in this process for a while; a conversation that outlives it breaks.
    Restore,
    /// They are marked: the upstream does not check (a self-hosted server).
    Mark,
}

/// Slow a stream down.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Pace {
    /// Tokens per second, shared by all streams of the scope.
    pub tokens_per_second: Option<NonZeroU32>,
    /// Who shares the rate.
    pub shared_by: Scope,
    /// Delay before the first token.
    pub first_token_delay: Option<Delay>,
}

impl Default for Pace {
    /// Nothing is slowed.
    fn default() -> Self {
        Self { tokens_per_second: None, shared_by: Scope::Cluster, first_token_delay: None }
    }
}

/// Whose requests are counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Scope {
    /// One account.
    Account,
    /// All accounts of a cluster; an account without one counts alone.
    Cluster,
}

/// A delay between two bounds, the same for the same principal on the same day, so that averaging
/// over requests does not remove it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delay {
    /// The shortest.
    pub min: Duration,
    /// The longest.
    pub max: Duration,
}

/// Refuse with the protocol's own error shape.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refuse {
    /// What the client is told; the decision id is added.
    pub message: String,
}

impl Default for Refuse {
    /// A message that tells no more than that the request is declined.
    fn default() -> Self {
        let message = "This request was declined under the provider's usage policy.";
        Self { message: message.to_owned() }
    }
}

impl Plan {
    /// Whether the plan names no countermeasure at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let Self { refuse, rate, downgrade, side_channels, reasoning, watermark, pace } = self;
        refuse.is_none()
            && rate.is_none()
            && downgrade.is_none()
            && side_channels.is_none()
            && reasoning.is_none()
            && watermark.is_none()
            && pace.is_none()
    }

    /// What of the plan is carried out, as if it was only observed: for another arm's plan, which is
    /// tried out on a copy.
    pub(crate) fn carried_out_as_observed(&self) -> Self {
        fn observe<T: Clone>(measure: &Option<Measure<T>>) -> Option<Measure<T>> {
            let settings = enforced(measure)?.clone();
            Some(Measure { mode: Mode::Observe, settings })
        }
        let Self { refuse, rate, downgrade, side_channels, reasoning, watermark, pace } = self;
        Self {
            refuse: observe(refuse),
            rate: observe(rate),
            downgrade: observe(downgrade),
            side_channels: observe(side_channels),
            reasoning: observe(reasoning),
            watermark: observe(watermark),
            pace: observe(pace),
        }
    }

    /// The same plan with all that it names carried out.
    #[must_use]
    pub fn enforced(&self) -> Self {
        fn enforce<T: Clone>(measure: &Option<Measure<T>>) -> Option<Measure<T>> {
            let settings = measure.as_ref()?.settings.clone();
            Some(Measure { mode: Mode::Enforce, settings })
        }
        let Self { refuse, rate, downgrade, side_channels, reasoning, watermark, pace } = self;
        Self {
            refuse: enforce(refuse),
            rate: enforce(rate),
            downgrade: enforce(downgrade),
            side_channels: enforce(side_channels),
            reasoning: enforce(reasoning),
            watermark: enforce(watermark),
            pace: enforce(pace),
        }
    }
}

impl Rate {
    /// Whether tokens of reasoning are limited.
    #[must_use]
    pub fn counts_reasoning(&self) -> bool {
        [&self.account, &self.cluster].iter().any(|limits| limits.reasoning_tokens.is_some())
    }

    /// Whether tokens are limited, so that those of the answer have to be counted.
    #[must_use]
    pub fn counts_tokens(&self) -> bool {
        [&self.account, &self.cluster].into_iter().any(|limits| {
            limits.input_tokens.or(limits.output_tokens).or(limits.reasoning_tokens).is_some()
        })
    }
}

/// The settings of a countermeasure that a plan names and that is to be carried out.
pub(crate) fn enforced<T>(measure: &Option<Measure<T>>) -> Option<&T> {
    measure.as_ref().and_then(Measure::enforced)
}

/// The settings of a countermeasure that a plan names and that is only observed.
pub(crate) fn observed<T>(measure: &Option<Measure<T>>) -> Option<&T> {
    let Measure { mode, settings } = measure.as_ref()?;
    (*mode == Mode::Observe).then_some(settings)
}

impl<T> Measure<T> {
    /// The settings, if they are to be carried out.
    pub fn enforced(&self) -> Option<&T> {
        match self.mode {
            Mode::Enforce => Some(&self.settings),
            Mode::Observe => None,
        }
    }
}
