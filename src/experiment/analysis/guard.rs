//! Whether a guardrail holds at a planned look.

use super::effect::{all_alike, is_randomized};
use super::report::{Comparison, GuardrailReport, GuardrailState};
use super::sample::bounds;
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
        state: GuardrailState::NotShown,
        held_p: None,
        broken_p: None,
    };
    if is_best(control, treated, metric) {
        report.state = GuardrailState::Held;
        return Ok(report);
    }
    let guardrail = Guardrail::new(harm, margin)?;
    // Where no value differs from another, neither does a variance tell anything.
    let (held, broken) = if is_randomized(control, treated) || all_alike(control, treated) {
        match guardrail.randomized(control, treated, assignments) {
            Ok(found) => (found.held.p_value, found.broken.p_value),
            // Nor is there a margin, of a mean of zero.
            Err(StatsError::NoVariation { .. }) => return Ok(report),
            Err(error) => return Err(error),
        }
    } else {
        let found = guardrail.non_inferiority(control_moments, treated_moments, level)?;
        (found.excess.p_value, found.broken_p)
    };
    if held <= level.alpha() {
        report.state = GuardrailState::Held;
    } else if broken <= level.alpha() {
        report.state = GuardrailState::Broken;
    }
    (report.held_p, report.broken_p) = (Some(held), Some(broken));
    Ok(report)
}

/// Whether no unit of the arm could be better off: the control arm may show anything then.
fn is_best(control: &[f64], treated: &[f64], metric: &Metric) -> bool {
    let best = match metric.better {
        // Of counts, shares and times. Whoever measures something else may know values below zero.
        Better::Lower if control.iter().all(|value| *value >= 0.0) => Some(0.0),
        Better::Lower => None,
        Better::Higher => bounds(metric).map(|(_, highest)| highest),
    };
    best.is_some_and(|best| treated.iter().all(|value| *value == best))
}

/// Whether values below one, which count as one on a scale of logarithms, may hide that a guardrail is
/// otherwise than was found: a factor is too small where who is to be compared with has less than what
/// counts, and too large where who is compared has.
pub(super) fn hides(found: GuardrailState, comparison: &Comparison) -> bool {
    let Comparison { control, treated, better, .. } = comparison;
    let (harm_is_more, harm_is_less) = match better {
        Better::Lower => (control, treated),
        Better::Higher => (treated, control),
    };
    match found {
        GuardrailState::Held => harm_is_more.below_one > 0,
        GuardrailState::Broken => harm_is_less.below_one > 0,
        GuardrailState::NotShown => false,
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::Population;
    use crate::experiment::{Role, Rows};

    fn state(better: Better, control: &[f64], treated: &[f64]) -> GuardrailState {
        let metric = Metric {
            name: "refused_share".to_owned(),
            role: Role::Guardrail,
            population: Population::Legitimate,
            better,
            margin: Some(0.1),
            cap: None,
            scale: Scale::Linear,
            decides: false,
            rows: Rows::Sum,
            label: None,
        };
        let (assignments, level) = (Assignments::seeded([0; 32]), Level::new(0.05).unwrap());
        guardrail(control, treated, &metric, 0.1, &assignments, level).unwrap().state
    }

    // Break it: say that it holds where all units are alike, whatever they are alike in.
    #[test]
    fn a_guardrail_of_units_that_are_all_alike_is_tested_as_any_other() {
        use GuardrailState::{Broken, Held, NotShown};
        let all = |value: f64, units: usize| vec![value; units];
        // Whoever is refused always could be no worse off: that shows nothing. So few show nothing either.
        for (better, control, treated, expected) in [
            (Better::Lower, all(0.5, 20), all(0.5, 20), Held),
            (Better::Lower, all(0.5, 2), all(0.5, 2), NotShown),
            (Better::Higher, all(0.0, 20), all(0.0, 20), NotShown),
            (Better::Higher, all(1.0, 20), all(1.0, 20), Held),
            (Better::Lower, all(0.5, 20), all(0.6, 20), Broken),
        ] {
            assert_eq!(state(better, &control, &treated), expected, "{better:?} {control:?}");
        }
    }

    // Break it: ask whether both arms are alike, and one refusal in the control arm takes from the other
    // what it has shown.
    #[test]
    fn more_harm_in_the_control_arm_never_takes_from_what_the_other_has_shown() {
        let treated = vec![0.0; 30];
        for refused in 0..30 {
            let mut control = vec![0.0; 30];
            control.iter_mut().take(refused).for_each(|value| *value = 0.25);
            assert_eq!(state(Better::Lower, &control, &treated), GuardrailState::Held, "{refused}");
        }
    }
}
