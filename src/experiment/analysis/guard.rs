//! Whether a guardrail holds at a planned look.

use super::effect::{all_alike, is_randomized};
use super::report::{GuardrailReport, GuardrailState};
use crate::experiment::{Better, Metric, Scale};
use crate::stats::{Assignments, Guardrail, Harm, Level, Margin, Moments, StatsError};

/// The one-sided test of non-inferiority against the metric's margin.
pub(super) fn guardrail(
    control: &[f64],
    treated: &[f64],
    metric: &Metric,
    share: f64,
    assignments: &Assignments,
    level: Level,
) -> Result<GuardrailReport, StatsError> {
    let harm = match metric.better {
        Better::Lower => Harm::Increase,
        Better::Higher => Harm::Decrease,
    };
    let moments = [Moments::of(control.iter().copied())?, Moments::of(treated.iter().copied())?];
    let [control_moments, treated_moments] = &moments;
    let mean = control_moments.mean();
    let on_scale = margin_on_scale(metric, share, mean);
    let margin = match metric.scale {
        Scale::Linear if mean > 0.0 => Margin::Relative(share),
        _ => Margin::Absolute(on_scale),
    };
    let mut report = GuardrailReport {
        margin: share,
        margin_on_scale: on_scale,
        state: GuardrailState::Held,
        held_p: None,
        broken_p: None,
    };
    if all_alike(control, treated) {
        return Ok(report);
    }
    let guardrail = Guardrail::new(harm, margin)?;
    let (held, broken) = if is_randomized(control, treated) {
        let found = guardrail.randomized(control, treated, assignments)?;
        (found.held.p_value, found.broken.p_value)
    } else {
        let found = guardrail.non_inferiority(control_moments, treated_moments, level)?;
        (found.excess.p_value, found.broken_p)
    };
    report.state = if held <= level.alpha() {
        GuardrailState::Held
    } else if broken <= level.alpha() {
        GuardrailState::Broken
    } else {
        GuardrailState::NotShown
    };
    (report.held_p, report.broken_p) = (Some(held), Some(broken));
    Ok(report)
}

/// A margin on the metric's scale: a share of a mean is, of logarithms, an amount; of a mean of zero
/// there is no share.
pub(in crate::experiment) fn margin_on_scale(metric: &Metric, share: f64, mean: f64) -> f64 {
    match (metric.scale, metric.better) {
        (Scale::Log, Better::Lower) => share.ln_1p(),
        (Scale::Log, Better::Higher) => -(-share).max(-0.999).ln_1p(),
        (Scale::Linear, _) => (share * mean).max(0.0),
    }
}
