//! The policy file, field by field, as serde reads it and `schemars` describes it.
//!
//! Every field is optional here, so that one that is missing or wrong does not hide the others;
//! [`compile`](super::compile) asks for what must be there.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use serde::Deserialize;

use super::Pattern;
use super::countermeasure::Countermeasure;
use super::decision::{NoTextRoutes, Unhandled};
use super::plan::{Bind, Mode, MultiTurn, Scope, Unopened};
use super::value::{At, DateValue, DurationText, EffortName, QuotaText};
use crate::wire::ProtocolId;

/// A guilloche policy: which callers are answered how, by the risk score of a distillation
/// detector.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "Policy"))]
#[serde(deny_unknown_fields)]
pub(super) struct PolicyFile {
    /// The version of this format: 1.
    #[cfg_attr(feature = "schema", schemars(required, range(min = 1, max = 1)))]
    pub(super) version: Option<At<i64>>,
    /// The policy's name, in audit records and metrics: lowercase letters, digits, `-` and `_`.
    #[cfg_attr(feature = "schema", schemars(required, regex(pattern = "^[a-z0-9_-]{1,64}$")))]
    pub(super) name: Option<At<String>>,
    /// `observe` records what would be done and touches nothing; `enforce` does it. A
    /// countermeasure's own mode can weaken this, never strengthen it.
    #[cfg_attr(feature = "schema", schemars(required))]
    pub(super) mode: Option<Mode>,
    /// What graded callers get on paths the layer does not know. Default: `refuse`.
    pub(super) unknown_routes: Option<Unhandled>,
    /// What graded callers get when the layer cannot read a response: compressed by the upstream,
    /// or neither JSON nor a known stream. Default: `refuse`.
    pub(super) on_opaque: Option<Unhandled>,
    /// What becomes of graded callers' embeddings, moderations and counts of tokens. `limit`: they
    /// count against the grade's rate, are refused where the grade refuses, and are recorded.
    /// `pass`: they are let through untouched. Default: `limit`.
    pub(super) no_text_routes: Option<NoTextRoutes>,
    /// The share of the observed exchanges on a copy of which is tried what would have been done, so
    /// that the record has its counts; from 0 to 1. Default: 1, all of them.
    #[cfg_attr(feature = "schema", schemars(range(min = 0, max = 1)))]
    pub(super) observe_sample: Option<At<f64>>,
    /// Which requests the policy governs. Default: all.
    pub(super) scope: Option<ScopeTable>,
    /// Principals that countermeasures spare.
    pub(super) exemption: Option<Vec<At<ExemptionTable>>>,
    /// The ladder, mildest first. A caller gets the highest grade that its score reaches.
    #[cfg_attr(feature = "schema", schemars(required, length(min = 1)))]
    pub(super) grade: Option<Vec<At<GradeTable>>>,
}

/// Which requests the policy governs.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "Scope"))]
#[serde(deny_unknown_fields)]
pub(super) struct ScopeTable {
    /// Paths, without the query. Default: every path whose protocol the layer knows. Paths it
    /// does not know follow `unknown_routes` instead.
    #[cfg_attr(feature = "schema", schemars(with = "Option<Vec<Pattern>>", length(min = 1)))]
    pub(super) routes: Option<At<Vec<At<String>>>>,
    /// Protocols. Default: all.
    #[cfg_attr(feature = "schema", schemars(length(min = 1)))]
    pub(super) protocols: Option<At<Vec<ProtocolId>>>,
    /// Models, by the name the client asks for. Default: all.
    #[cfg_attr(feature = "schema", schemars(with = "Option<Vec<Pattern>>", length(min = 1)))]
    pub(super) models: Option<At<Vec<At<String>>>>,
}

/// A principal that countermeasures spare, until a date. It names an account, a cluster or a
/// tenant; where it names several, all must match.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "Exemption"))]
#[cfg_attr(feature = "schema", schemars(extend("anyOf" = [
    {"required": ["account"]}, {"required": ["cluster"]}, {"required": ["tenant"]}
])))]
#[serde(deny_unknown_fields)]
pub(super) struct ExemptionTable {
    /// The account.
    pub(super) account: Option<At<String>>,
    /// The cluster.
    pub(super) cluster: Option<At<String>>,
    /// The tenant.
    pub(super) tenant: Option<At<String>>,
    /// Who answers for the exemption.
    #[cfg_attr(feature = "schema", schemars(required, length(min = 1)))]
    pub(super) owner: Option<At<String>>,
    /// Why it is granted.
    #[cfg_attr(feature = "schema", schemars(required, length(min = 1)))]
    pub(super) reason: Option<At<String>>,
    /// The last day on which it holds, in UTC.
    #[cfg_attr(feature = "schema", schemars(required))]
    pub(super) expires: Option<At<DateValue>>,
    /// The countermeasures it spares the principal. Default: all.
    #[cfg_attr(feature = "schema", schemars(length(min = 1)))]
    pub(super) covers: Option<At<Vec<Countermeasure>>>,
}

/// One step of the ladder. It stands alone: what a grade does is what is written in it. A grade
/// without a countermeasure leaves the exchange untouched, but is named in the audit.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "Grade"))]
#[serde(deny_unknown_fields)]
pub(super) struct GradeTable {
    /// The grade's name: lowercase letters, digits, `-` and `_`.
    #[cfg_attr(feature = "schema", schemars(required, regex(pattern = "^[a-z0-9_-]{1,64}$")))]
    pub(super) name: Option<At<String>>,
    /// The lowest risk score that reaches the grade, from 0 to 1; higher in each grade.
    #[cfg_attr(feature = "schema", schemars(required, range(min = 0, max = 1)))]
    pub(super) at: Option<At<f64>>,
    /// A score held with less confidence does not reach the grade; one that states no confidence
    /// counts as certain. Default: 0.
    #[cfg_attr(feature = "schema", schemars(range(min = 0, max = 1)))]
    pub(super) min_confidence: Option<At<f64>>,
    /// Refuse the request.
    pub(super) refuse: Option<At<RefuseTable>>,
    /// Limit requests, tokens and concurrency.
    pub(super) rate: Option<At<RateTable>>,
    /// Answer from a weaker model, cap effort and output.
    pub(super) downgrade: Option<At<DowngradeTable>>,
    /// Close the ways round the text: log-probabilities, token ids, many choices.
    pub(super) side_channels: Option<At<SideChannelsTable>>,
    /// Withhold reasoning.
    pub(super) reasoning: Option<At<ReasoningTable>>,
    /// Put the caller's keyed mark into the text.
    pub(super) watermark: Option<At<WatermarkTable>>,
    /// Slow the stream down.
    pub(super) pace: Option<At<PaceTable>>,
}

/// Refuse the request, with the protocol's own error shape.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "Refuse"))]
#[serde(deny_unknown_fields)]
pub(super) struct RefuseTable {
    /// Weaken the policy's mode for this countermeasure.
    pub(super) mode: Option<Mode>,
    /// What the client is told; the decision id is added.
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = 500)))]
    pub(super) message: Option<At<String>>,
}

/// Limit requests, tokens and concurrency. All limits are charged at once, or none is.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "Rate"))]
#[serde(deny_unknown_fields)]
pub(super) struct RateTable {
    /// Weaken the policy's mode for this countermeasure.
    pub(super) mode: Option<Mode>,
    /// Limits of each account.
    pub(super) account: Option<LimitsTable>,
    /// Limits that all accounts of a cluster share.
    pub(super) cluster: Option<LimitsTable>,
    /// The limits whose state the `RateLimit` header fields show. Without it there are no such
    /// fields: the enforced limits would tell a caller its grade.
    pub(super) advertised: Option<LimitsTable>,
    /// Output tokens reserved at admission when the request caps none; what is not used is given
    /// back. Default: 1024.
    pub(super) reserve_output_tokens: Option<NonZeroU32>,
}

/// Limits of one scope; what is absent is not limited.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "Limits"))]
#[serde(deny_unknown_fields)]
pub(super) struct LimitsTable {
    /// Requests.
    pub(super) requests: Option<QuotaText>,
    /// Input tokens.
    pub(super) input_tokens: Option<QuotaText>,
    /// Output tokens, reasoning included.
    pub(super) output_tokens: Option<QuotaText>,
    /// Reasoning tokens.
    pub(super) reasoning_tokens: Option<QuotaText>,
    /// Requests in flight, each held to the end of its stream.
    pub(super) concurrency: Option<NonZeroU32>,
}

/// Answer with less: a weaker model, less effort, fewer tokens.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "Downgrade"))]
#[serde(deny_unknown_fields)]
pub(super) struct DowngradeTable {
    /// Weaken the policy's mode for this countermeasure.
    pub(super) mode: Option<Mode>,
    /// From the requested model (a pattern; the most specific wins) to the one asked instead.
    pub(super) models: Option<BTreeMap<Pattern, At<String>>>,
    /// The model that is asked instead of one that no pattern covers, and where the request names
    /// none. Default: the one asked for.
    #[cfg_attr(feature = "schema", schemars(length(min = 1)))]
    pub(super) other_models: Option<At<String>>,
    /// Cap on output tokens; set where the request names none.
    pub(super) max_output_tokens: Option<NonZeroU32>,
    /// Cap on the reasoning effort.
    pub(super) max_effort: Option<EffortName>,
    /// Cap on the thinking budget, in tokens.
    pub(super) max_thinking_tokens: Option<NonZeroU32>,
    /// Whether the client sees the name of the model that answered. Default: true.
    pub(super) disclose: Option<At<bool>>,
}

/// Close the ways round the text, by an allow-list on request and response.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "SideChannels"))]
#[serde(deny_unknown_fields)]
pub(super) struct SideChannelsTable {
    /// Weaken the policy's mode for this countermeasure.
    pub(super) mode: Option<Mode>,
    /// The most choices one request may ask for (`n`, `best_of`). Default: 1.
    pub(super) max_choices: Option<NonZeroU32>,
    /// Members of request or response to let through besides the built-in allow-list.
    pub(super) allow: Option<Vec<At<String>>>,
}

/// Withhold reasoning on every channel that carries it, inline tags included.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "Reasoning"))]
#[serde(deny_unknown_fields)]
pub(super) struct ReasoningTable {
    /// Weaken the policy's mode for this countermeasure.
    pub(super) mode: Option<Mode>,
    /// What is left of the reasoning.
    #[cfg_attr(feature = "schema", schemars(required))]
    pub(super) keep: Option<At<KeepText>>,
    /// What becomes of blocks that the upstream signed: `seal` empties the text and keeps the
    /// signature. Must be written out where `keep` is not `none` and the scope has `messages`, unless
    /// there is a `seal`.
    pub(super) signed: Option<SignedText>,
    /// Models whose chat template already opened the `<think>` tag, so that their text starts
    /// inside the reasoning.
    #[cfg_attr(feature = "schema", schemars(with = "Option<Vec<Pattern>>"))]
    pub(super) opened_by_template: Option<Vec<At<String>>>,
    /// Ask an upstream that signs its reasoning to seal it itself. Default: false.
    pub(super) ask_upstream: Option<bool>,
    /// Round reasoning-token counts in `usage` up to a multiple of this. Default: left as they are, or
    /// where reasoning is sealed a quarter of its `bucket`.
    pub(super) round_usage: Option<At<NonZeroU32>>,
    /// Hand what is withheld out sealed, in the protocol's own carrier, and put it back when the
    /// client sends it again. Default: it is gone.
    pub(super) seal: Option<At<SealTable>>,
}

/// Sealed reasoning. `{}` takes every default.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "Seal"))]
#[serde(deny_unknown_fields)]
pub(super) struct SealTable {
    /// How long it can be sent back, from a minute to 366 days. Default: `168h`.
    pub(super) lifetime: Option<At<DurationText>>,
    /// Where it opens. Default: `principal`.
    pub(super) bind: Option<Bind>,
    /// What becomes of a request with a blob that does not open. Default: `drop`.
    pub(super) unopened: Option<Unopened>,
    /// A blob is filled up to a multiple of so many bytes, from 256 to 1048576. Default: 4096.
    #[cfg_attr(feature = "schema", schemars(range(min = 256, max = 1_048_576)))]
    pub(super) bucket: Option<At<NonZeroU32>>,
    /// Over Chat Completions, the blob takes the place of the string of reasoning, where clients that show
    /// it show the blob. Needs `keep = "none"`. Default: false, what has no carrier is gone.
    pub(super) in_strings: Option<At<bool>>,
}

/// What is left of the reasoning.
#[derive(Clone, Copy, Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "Keep"))]
#[serde(rename_all = "lowercase")]
pub(super) enum KeepText {
    /// Nothing.
    None,
    /// The last sentence.
    Conclusion,
    /// What the configuration's summarizer makes of it; nothing where that makes none.
    Summary,
    /// The whole sentences that fit in this many words, from the start.
    Words(NonZeroU32),
    /// The whole sentences that fit in this share of the characters, from the start; between 0
    /// and 1. Weak: half a trace keeps about 91 % of what a student gains (arXiv 2512.21002).
    Share(
        #[cfg_attr(feature = "schema", schemars(extend("exclusiveMinimum" = 0, "exclusiveMaximum" = 1)))]
         f64,
    ),
}

/// What becomes of reasoning that the upstream signed.
#[derive(Clone, Copy, Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "Signed"))]
#[serde(rename_all = "lowercase")]
pub(super) enum SignedText {
    /// Its text is emptied and its signature kept, as the vendor's own `omitted` display does.
    Seal,
}

/// Put the caller's keyed mark into the text; the keys are the configuration's.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "Watermark"))]
#[serde(deny_unknown_fields)]
pub(super) struct WatermarkTable {
    /// Weaken the policy's mode for this countermeasure.
    pub(super) mode: Option<Mode>,
    /// The share of the places that carry the mark, above 0 and up to 1. Default: 1.
    pub(super) strength: Option<At<StrengthText>>,
    /// What becomes of answers that an upstream which signs its reasoning will want to see again
    /// as it wrote them. Default: `skip`, they are not marked.
    pub(super) multi_turn: Option<At<MultiTurn>>,
}

/// A strength, or one that rises with the score.
#[derive(Clone, Copy, Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "Strength"))]
#[serde(untagged, deny_unknown_fields)]
pub(super) enum StrengthText {
    /// The same for every score.
    Fixed(
        #[cfg_attr(feature = "schema", schemars(extend("exclusiveMinimum" = 0, "maximum" = 1)))]
        f64,
    ),
    /// Rising with the score.
    Rising {
        /// Where the grade begins.
        #[cfg_attr(feature = "schema", schemars(extend("exclusiveMinimum" = 0, "maximum" = 1)))]
        min: f64,
        /// At a score of 1.
        #[cfg_attr(feature = "schema", schemars(extend("exclusiveMinimum" = 0, "maximum" = 1)))]
        max: f64,
    },
}

/// Slow the stream down.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "Pace"))]
#[serde(deny_unknown_fields)]
pub(super) struct PaceTable {
    /// Weaken the policy's mode for this countermeasure.
    pub(super) mode: Option<Mode>,
    /// Tokens per second, shared by all streams of the scope.
    pub(super) tokens_per_second: Option<NonZeroU32>,
    /// Who shares the rate. Default: `cluster`.
    pub(super) shared_by: Option<Scope>,
    /// Delay before the first token, the same for the same principal on the same day.
    pub(super) first_token_delay: Option<At<DelayTable>>,
}

/// A delay between two bounds, at most 30 seconds.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "Delay"))]
#[serde(deny_unknown_fields)]
pub(super) struct DelayTable {
    /// The shortest.
    #[cfg_attr(feature = "schema", schemars(required))]
    pub(super) min: Option<At<DurationText>>,
    /// The longest.
    #[cfg_attr(feature = "schema", schemars(required))]
    pub(super) max: Option<At<DurationText>>,
}
