//! What the arms are compared by, with the rules that metrics must keep.

use super::{WHOLE, within};
use crate::audit::Population;
use crate::experiment::file::MetricTable;
use crate::experiment::metric::{Better, Metric, Role, Rows, Scale};
use crate::policy::source::Source;
use crate::policy::value::At;
use crate::stats::{Interval, LabelQuality, Stated};

pub(super) fn metrics(source: &mut Source<'_>, tables: &[At<MetricTable>]) -> Vec<Metric> {
    if tables.is_empty() {
        source.missing(&WHOLE, "metric", Some("what are the arms compared by?"));
    }
    let mut metrics: Vec<Metric> = Vec::new();
    let mut decided = None;
    for table in tables {
        let At { value, span } = table;
        let MetricTable {
            name, role, population, better, margin, cap, scale, decides, label, ..
        } = value;
        let given = source.name(span, name.as_ref());
        if role.is_none() {
            source.missing(span, "role", Some("`success` or `guardrail`"));
        }
        if better.is_none() {
            source.missing(span, "better", Some("`lower` or `higher`"));
        }
        let (Some(role), Some(better)) = (*role, *better) else { continue };
        within(source, margin.as_ref(), "is not above 0", |it| it > 0.0 && it.is_finite());
        match (role, margin) {
            (Role::Guardrail, None) => {
                let hint = "the share of the control arm's mean by which it may be worse: 0.02";
                source.missing(span, "margin", Some(hint));
            }
            (Role::Success, Some(At { span, .. })) => {
                source.problem(span, "only a guardrail has a margin", None);
            }
            _ => {}
        }
        if let Some(At { span, .. }) = decides.as_ref().filter(|decides| decides.value) {
            if role == Role::Guardrail {
                source.problem(span, "guardrails bound what is decided by a success metric", None);
            } else if decided.replace(metrics.len()).is_some() {
                source.problem(span, "another metric decides", None);
            }
        }
        let population = population.unwrap_or(match role {
            Role::Success => Population::Harvesters,
            Role::Guardrail => Population::Legitimate,
        });
        let on_scale = scale.as_ref().map(|it| it.value).unwrap_or_default();
        if let Some(At { span, .. }) = scale.as_ref().filter(|_| on_scale == Scale::Log) {
            let is_share = Metric::MEASURED.contains(&given.as_str()) && given.ends_with("_share");
            if is_share || label.is_some() {
                let message = "a share is below one, where logarithms tell no ratio: one of 1 % and \
                               one of 6 % would be all but the same";
                source.problem(span, message, Some("leave `scale` out"));
            }
        }
        if let Some(At { value, span }) = margin.as_ref().filter(|_| role == Role::Guardrail) {
            let message = match better {
                Better::Higher if *value >= 1.0 => {
                    "is not below 1: nothing could be worse by so much"
                }
                Better::Lower if *value > 1000.0 => "is above 1000: nothing is worse by so much",
                _ => "",
            };
            if !message.is_empty() {
                source.problem(span, format!("{value} {message}"), None);
            }
        }
        let same = |it: &Metric| it.name == given && it.population == population;
        if metrics.iter().any(same) {
            source.problem(span, "another metric is the same, over the same units", None);
        }
        let heavy = ["requests", "output_tokens", "reasoning_tokens", "words_withheld"];
        if cap.is_none() && on_scale == Scale::Linear && heavy.contains(&given.as_str()) {
            let message = "a few units make most of it, and their assignment decides: set `cap` or \
                           `scale = \"log\"`";
            source.notice(span, message);
        }
        let (rows, quality) = outcome(source, value, &given);
        metrics.push(Metric {
            rows,
            label: quality,
            name: given,
            role,
            population,
            better,
            margin: margin.as_ref().map(|margin| margin.value),
            cap: *cap,
            scale: on_scale,
            decides: decides.as_ref().is_some_and(|decides| decides.value),
        });
    }
    decide_by_the_only_one(source, &mut metrics, decided.is_some());
    metrics
}

/// What a metric says of the rows of its outcome file.
fn outcome(
    source: &mut Source<'_>,
    table: &MetricTable,
    name: &str,
) -> (Rows, Option<LabelQuality>) {
    let MetricTable { rows, label, .. } = table;
    let measured = Metric::MEASURED.contains(&name);
    let message = "the proxy measures this metric: it has no outcome file";
    for span in [rows.as_ref().map(|it| &it.span), label.as_ref().map(|it| &it.span)] {
        if let Some(span) = span.filter(|_| measured) {
            source.problem(span, message, None);
        }
    }
    let Some(At { value: label, span }) = label else {
        return (rows.as_ref().map(|it| it.value).unwrap_or_default(), None);
    };
    if let Some(At { span, .. }) = rows.as_ref().filter(|it| it.value == Rows::Sum) {
        source.problem(&span.clone(), "labels are averaged", Some("`rows = \"mean\"`, or nothing"));
    }
    let mut stated = |field: &'static str, share: Option<f64>, range: Option<[f64; 2]>| {
        let Some(share) = share else {
            source.missing(span, field, None);
            return None;
        };
        let [low, high] = range.unwrap_or([share; 2]);
        match Stated::new(share, Interval { low, high }) {
            Ok(stated) => Some(stated),
            Err(error) => {
                source.problem(span, format!("`{field}`: {error}"), None);
                None
            }
        }
    };
    let sensitivity = stated("sensitivity", label.sensitivity, label.sensitivity_range);
    let specificity = stated("specificity", label.specificity, label.specificity_range);
    let (Some(sensitivity), Some(specificity)) = (sensitivity, specificity) else {
        return (Rows::Mean, None);
    };
    let quality = LabelQuality::new(sensitivity, specificity);
    if let Err(error) = &quality {
        source.problem(span, error.to_string(), None);
    }
    (Rows::Mean, quality.ok())
}

/// One success metric decides. Where there is one only, it need not say so.
fn decide_by_the_only_one(source: &mut Source<'_>, metrics: &mut [Metric], decided: bool) {
    let is_empty = metrics.is_empty();
    let mut successes = metrics.iter_mut().filter(|metric| metric.role == Role::Success);
    match (successes.next(), successes.next()) {
        (Some(only), None) => only.decides = true,
        (Some(_), Some(_)) if !decided => {
            let hint = "`decides = true` in the one that does, before anybody has seen a result";
            source.problem(&WHOLE, "none of the success metrics decides", Some(hint));
        }
        (None, _) if !is_empty => {
            let hint = "what is the stricter policy to change?";
            source.problem(&WHOLE, "no metric has the role `success`", Some(hint));
        }
        _ => {}
    }
}
