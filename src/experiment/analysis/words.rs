//! Sentences of the verdict, for whoever decides on Monday.

use jiff::Timestamp;

use super::calendar::Look;
use super::history::RolledBack;
use super::report::{Comparison, Effect, Finding, GuardrailState, Range, Side, Verdict};
use crate::audit::Population;
use crate::experiment::Better;
use crate::page::words::{counted, grouped, percent, signed};

/// `harvesters`.
pub(crate) fn of(population: Population) -> &'static str {
    match population {
        Population::Harvesters => "harvesters",
        Population::Legitimate => "legitimate callers",
    }
}

/// A difference as people read it: in percent of the control arm where that can be said.
pub(crate) fn difference(effect: &Effect) -> String {
    match effect.relative {
        Some(relative) => change(relative),
        None => number(effect.estimate),
    }
}

/// The interval of [`difference`].
pub(crate) fn interval(effect: &Effect) -> String {
    match (effect.relative, effect.relative_interval) {
        (Some(_), Some(interval)) => range(interval, change),
        _ => range(effect.interval, number),
    }
}

/// `−48.1 %`, `+3.0 %`.
pub(crate) fn change(share: f64) -> String {
    let sign = if share > 0.0 { "+" } else { "" };
    // A factor of a thousand is no percentage.
    if share > 99.0 {
        format!("× {:.0}", share + 1.0)
    } else {
        format!("{sign}{}", percent(share))
    }
}

/// A number with three digits that say something.
pub(crate) fn number(value: f64) -> String {
    let size = value.abs();
    match size {
        size if size >= 100.0 || size == 0.0 => signed(value, 0),
        size if size >= 10.0 => signed(value, 1),
        size if size >= 1.0 => signed(value, 2),
        size if size >= 0.001 => signed(value, 4),
        _ => format!("{value:.1e}"),
    }
}

pub(crate) fn range(interval: Range, said: impl Fn(f64) -> String) -> String {
    match (interval.low, interval.high) {
        (Some(low), Some(high)) => format!("{} to {}", said(low), said(high)),
        (Some(low), None) => format!("{} or more", said(low)),
        (None, Some(high)) => format!("{} or less", said(high)),
        (None, None) => "anything".to_owned(),
    }
}

/// `p = 0.012`, `p < 0.001`.
pub(crate) fn p(p: f64) -> String {
    if p < 0.001 { "p < 0.001".to_owned() } else { format!("p = {p:.3}") }
}

/// The effect, if anything can be said of it.
fn told(comparison: &Comparison) -> Option<&Effect> {
    comparison.effect.as_ref().filter(|_| !comparison.missing_unevenly)
}

fn why_untold(comparison: &Comparison) -> String {
    let Comparison { control, treated, arm, .. } = comparison;
    if comparison.missing_unevenly {
        let of = |side: &Side| {
            let all = counted(side.units + side.without, "unit", "units");
            format!("{} of {all}", grouped(side.without))
        };
        return format!(
            "{} of {arm} have no value, and {} of the control arm. The arm itself does that, or who \
             measures knows it; those with a value are not those who were assigned",
            of(treated),
            of(control)
        );
    }
    comparison.unavailable.clone().unwrap_or_else(|| "nothing is known of it".to_owned())
}

pub(super) fn deciding(
    comparison: &Comparison,
    population: Population,
    enough: bool,
    level: f64,
) -> String {
    let (metric, who) = (&comparison.metric, of(population));
    let Some(effect) = told(comparison) else {
        let why = why_untold(comparison);
        return format!("{metric} of {who} decides, and cannot be told: {why}.");
    };
    let found =
        format!("{} (interval {}, {})", difference(effect), interval(effect), p(effect.p_adjusted));
    let least = effect.least_attainable;
    if least > level {
        return format!(
            "{metric} of {who} decides: {found}. With {} units against {} no p-value below {least:.3} \
             can come out, whatever the effect, and this look needs {level:.4}: there are too few.",
            comparison.treated.units, comparison.control.units
        );
    }
    if !enough {
        return format!(
            "{metric} of {who} decides: {found}. Nothing is concluded: there are too few units, or no \
             planned look has come."
        );
    }
    match effect.finding {
        Finding::Better => format!("{metric} of {who} decides, and is better: {found}."),
        Finding::Worse => format!("{metric} of {who} decides, and is worse: {found}."),
        Finding::NotShown => format!(
            "{metric} of {who} decides, and no difference is shown: {found}; this look needs p of at \
             most {level:.4}."
        ),
    }
}

pub(super) fn guardrail(
    comparison: &Comparison,
    population: Population,
    enough: bool,
    level: f64,
) -> String {
    let (metric, who) = (&comparison.metric, of(population));
    let (Some(effect), Some(guardrail)) = (told(comparison), &comparison.guardrail) else {
        let why = why_untold(comparison);
        return format!("Guardrail {metric} of {who} cannot be told: {why}.");
    };
    let found = format!("{} (interval {})", difference(effect), interval(effect));
    let margin = percent(guardrail.margin);
    let worse = match comparison.better {
        Better::Lower => "higher",
        Better::Higher => "lower",
    };
    if !enough {
        return format!(
            "Guardrail {metric} of {who}: {found}. Nothing is concluded: there are too few units, or \
             no planned look has come."
        );
    }
    match (guardrail.state, guardrail.held_p, guardrail.broken_p) {
        (GuardrailState::Held, None, _) => {
            // So many units would show one that is worse off, were there more of them than this.
            let most = 1.0 - level.powf(1.0 / comparison.treated.units.max(1) as f64);
            format!(
                "Guardrail {metric} of {who} holds: none of {} of {} could be better off, so that \
                 more than {} of all who are worse off are excluded.",
                counted(comparison.treated.units, "unit", "units"),
                comparison.arm,
                percent(most)
            )
        }
        (GuardrailState::Held, Some(held), _) => format!(
            "Guardrail {metric} of {who} holds: {found}; more than {margin} {worse} is excluded \
             ({}).",
            p(held)
        ),
        (GuardrailState::Broken, _, broken) => format!(
            "Guardrail {metric} of {who} is broken: {found}, which is more than the {margin} that \
             were to be borne ({}).",
            p(broken.unwrap_or(1.0))
        ),
        (GuardrailState::NotShown, held, _) => format!(
            "Guardrail {metric} of {who} is open: {found}; more than {margin} {worse} cannot be \
             excluded ({}).{}",
            p(held.unwrap_or(1.0)),
            below_one(comparison).map_or(String::new(), |said| format!(" {said}"))
        ),
    }
}

/// Whose values a scale of logarithms does not tell.
pub(crate) fn below_one(comparison: &Comparison) -> Option<String> {
    let Comparison { control, treated, arm, .. } = comparison;
    (control.below_one + treated.below_one > 0).then(|| {
        format!(
            "{} of the control arm and {} of {arm} have less than one, and count as one.",
            counted(control.below_one, "unit", "units"),
            grouped(treated.below_one)
        )
    })
}

/// `2026-12-08 09:00 UTC`.
pub(crate) fn day(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

/// That a proxy has rolled the experiment back.
pub(super) fn rolled_back(RolledBack { since, why, .. }: &RolledBack) -> String {
    format!(
        "The proxy has rolled the experiment back on {}: {why}. What came since is not counted.",
        day(*since)
    )
}

/// What the look means for what comes next.
pub(super) fn look(look: &Look, verdict: Verdict, control: Option<&str>) -> Option<String> {
    let control = control.unwrap_or("control");
    match (look.number, verdict, look.next) {
        // What the proxy's sequences have found holds at any time.
        (0, Verdict::Rollback, _) => None,
        (0, _, Some(next)) => Some(format!(
            "No planned look has come: the first is on {}. Until then the numbers are to be seen, and \
             nothing is to be concluded from them.",
            day(next)
        )),
        (_, Verdict::Continue, Some(next)) => Some(format!(
            "Go on. The next of {} planned looks is on {}; what comes before it is not looked at.",
            look.planned,
            day(next)
        )),
        (_, Verdict::Continue, None) => Some(format!(
            "This was the last planned look. The experiment has not shown that the change is good: \
             keep the policy of the control arm, {control}, or plan another experiment."
        )),
        _ => None,
    }
}
