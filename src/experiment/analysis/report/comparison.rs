//! What a comparison of one metric shows.

use jiff::Timestamp;
use serde::Serialize;

use crate::experiment::{Better, Role, Scale};
use crate::stats::Interval;

/// One metric, in one arm beside the control.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Comparison {
    /// The metric.
    pub metric: String,
    /// What it is for.
    pub role: Role,
    /// Whether the experiment is decided by it.
    pub decides: bool,
    /// Which way is better.
    pub better: Better,
    /// On what scale units are averaged.
    pub scale: Scale,
    /// The arm.
    pub arm: String,
    /// The control arm's units.
    pub control: Side,
    /// The arm's.
    pub treated: Side,
    /// Units have a value more often in one arm than in the other: those that have one are no longer
    /// those that were assigned, and nothing is found by them.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub missing_unevenly: bool,
    /// Why there is no effect, where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unavailable: Option<String>,
    /// The effect.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effect: Option<Effect>,
    /// What Welch's test says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub welch: Option<Estimate>,
    /// Of a guardrail, whether it holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub guardrail: Option<GuardrailReport>,
    /// Per request and not per unit: heavy units count for more, and the interval misses more often
    /// than it says. Nothing is decided by it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secondary_ratio: Option<SecondaryRatio>,
    /// With what the time before explains taken out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub adjusted: Option<Estimate>,
    /// What is true behind labels that err.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub true_difference: Option<TrueDifference>,
    /// Without units that are contaminated, or that lines put into more than one arm. They are no
    /// longer those that were assigned, so nothing is decided by it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub without_contaminated: Option<Estimate>,
    /// What was known when.
    pub over_time: Vec<Moment>,
}

/// One arm in a comparison.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Side {
    /// Units with a value.
    pub units: u64,
    /// Units without one, which are left out.
    pub without: u64,
    /// Units whose value is below one, and counts as one on a scale of logarithms.
    #[serde(skip_serializing_if = "is_zero")]
    pub below_one: u64,
    /// Their mean, on the metric's scale.
    pub mean: f64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// The effect of an arm, on the metric's scale.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Effect {
    /// The arm's mean less that of the control.
    pub estimate: f64,
    /// Covers it with one less the level.
    pub interval: Range,
    /// By what the interval was found.
    pub interval_by: Method,
    /// The estimate as a share of the control arm's mean; of logarithms, as a factor less one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub relative: Option<f64>,
    /// The interval likewise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub relative_interval: Option<Range>,
    /// Of no difference, two-sided.
    pub p: f64,
    /// Adjusted for other comparisons that could decide (Holm).
    pub p_adjusted: f64,
    /// The least that so many units could have given.
    pub least_attainable: f64,
    /// By what p was found.
    pub p_by: Method,
    /// Assignments that were tried, and whether these are all.
    pub assignments: u64,
    /// Whether these are all.
    pub exact: bool,
    /// Whether it is shown, at this look.
    pub finding: Finding,
}

/// By what something was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Method {
    /// By assigning the same units otherwise.
    Randomization,
    /// By Welch's test: there are so many units that both agree.
    Welch,
}

/// What is shown of a difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Finding {
    /// The arm is better.
    Better,
    /// The arm is worse.
    Worse,
    /// Neither.
    NotShown,
}

/// An effect that stands beside the one that decides.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Estimate {
    /// Units of both arms.
    pub units: u64,
    /// The arm's mean less that of the control.
    pub estimate: f64,
    /// Its interval, by Welch's method.
    pub interval: Range,
    /// Of no difference, two-sided.
    pub p: f64,
}

/// Whether a guardrail holds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct GuardrailReport {
    /// The harm that is borne, as a share of the control arm's mean.
    pub margin: f64,
    /// The same, on the metric's scale.
    pub margin_on_scale: f64,
    /// Whether it holds.
    pub state: GuardrailState,
    /// Of "the harm is at least the margin"; absent where nothing varies, and where every unit of the arm
    /// has the best value there is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held_p: Option<f64>,
    /// Of "the harm is at most the margin".
    #[serde(skip_serializing_if = "Option::is_none")]
    pub broken_p: Option<f64>,
}

/// Whether a guardrail holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum GuardrailState {
    /// More harm than the margin can be excluded.
    Held,
    /// There is more harm than the margin.
    Broken,
    /// Neither is shown.
    NotShown,
}

/// A ratio of sums.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct SecondaryRatio {
    /// Of the control arm.
    pub control: f64,
    /// Of the arm.
    pub treated: f64,
    /// Of their difference, by the delta method.
    pub rough_interval: Range,
}

/// The true difference behind labels that err.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct TrueDifference {
    /// If labels err alike in both arms.
    pub if_alike: Range,
    /// If they may err otherwise in each.
    pub if_not: Range,
}

/// What was known at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Moment {
    /// When.
    pub time: Timestamp,
    /// Units of both arms with a value.
    pub units: u64,
    /// The effect so far, on the metric's scale.
    pub estimate: f64,
    /// Its interval at the level of a look, by Welch's method.
    pub interval: Range,
    /// The sequence: at all moments together it covers the effect on units in their first periods.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sequence: Option<Range>,
}

/// From what to what; an end that is absent is not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Range {
    /// The lower end.
    pub low: Option<f64>,
    /// The upper end.
    pub high: Option<f64>,
}

impl From<Interval> for Range {
    fn from(Interval { low, high }: Interval) -> Self {
        let known = |end: f64| end.is_finite().then_some(end);
        Self { low: known(low), high: known(high) }
    }
}

impl Range {
    /// Both ends, of what a function makes of them.
    #[must_use]
    pub fn map(self, of: impl Fn(f64) -> f64) -> Self {
        Self { low: self.low.map(&of), high: self.high.map(of) }
    }
}
