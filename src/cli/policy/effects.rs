//! A plan in words: what becomes of a request and its answer.

use crate::countermeasure::downgrade::replacement;
use crate::limit::Limits;
use crate::policy::plan::{
    Downgrade, Keep, Mode, MultiTurn, Pace, Rate, Reasoning, Scope, Seal, Watermark,
};
use crate::policy::{Countermeasure, Plan, quota_text};
use crate::wire::{CarriesSealed, ProtocolId};

/// What becomes of a request and its answer, in the order in which it happens.
pub(super) fn effects(
    plan: &Plan,
    model: &str,
    protocol: Option<ProtocolId>,
) -> Vec<(Countermeasure, Mode, String)> {
    let texts = |named| match named {
        Countermeasure::Refuse => plan
            .refuse
            .as_ref()
            .map(|measure| vec![format!("The request is refused: {:?}", measure.settings.message)]),
        Countermeasure::Rate => plan.rate.as_ref().map(|measure| rate(&measure.settings)),
        Countermeasure::Downgrade => {
            plan.downgrade.as_ref().map(|measure| downgrade(&measure.settings, model))
        }
        Countermeasure::SideChannels => plan.side_channels.as_ref().map(|measure| {
            let choices = measure.settings.max_choices;
            let mut lines = vec![
                format!("At most {choices} choice(s) per request."),
                "Log-probabilities, token ids and members not known to be harmless are stripped."
                    .to_owned(),
            ];
            if !measure.settings.allow.is_empty() {
                lines.push(format!("Let through besides: {}.", measure.settings.allow.join(", ")));
            }
            lines
        }),
        Countermeasure::Reasoning => {
            plan.reasoning.as_ref().map(|measure| reasoning(&measure.settings, model, protocol))
        }
        Countermeasure::Watermark => {
            plan.watermark.as_ref().map(|measure| watermark(&measure.settings, protocol))
        }
        Countermeasure::Pace => plan.pace.as_ref().map(|measure| pace(&measure.settings)),
    };
    Countermeasure::ALL
        .into_iter()
        .filter_map(|named| Some((named, named.mode_in(plan)?, texts(named)?)))
        .flat_map(|(named, mode, lines)| lines.into_iter().map(move |line| (named, mode, line)))
        .collect()
}

fn rate(rate: &Rate) -> Vec<String> {
    let limited = [("Each account", &rate.account), ("The cluster together", &rate.cluster)];
    let mut lines: Vec<_> = limited
        .into_iter()
        .filter(|(_, limits)| **limits != Limits::default())
        .map(|(who, limits)| format!("{who}: {}.", limits_text(limits)))
        .collect();
    lines.push(match &rate.advertised {
        Some(limits) => format!("`RateLimit` fields show: {}.", limits_text(limits)),
        None => "No `RateLimit` fields are shown.".to_owned(),
    });
    lines
}

fn limits_text(limits: &Limits) -> String {
    let Limits { requests, input_tokens, output_tokens, reasoning_tokens, concurrency } = limits;
    let mut parts: Vec<_> = [
        ("requests", requests),
        ("input tokens", input_tokens),
        ("output tokens", output_tokens),
        ("reasoning tokens", reasoning_tokens),
    ]
    .into_iter()
    .filter_map(|(unit, quota)| Some(format!("{unit} {}", quota_text(quota.as_ref()?))))
    .collect();
    parts.extend(concurrency.map(|most| format!("{most} in flight")));
    parts.join("; ")
}

fn downgrade(downgrade: &Downgrade, model: &str) -> Vec<String> {
    let Downgrade { models: _, other_models, max_output_tokens, max_effort, .. } = downgrade;
    let mut lines = Vec::new();
    match replacement(downgrade, Some(model)) {
        Some(target) => lines.push(format!(
            "{model:?} is asked for, {target:?} answers; the reply names {:?}.",
            if downgrade.disclose { target } else { model }
        )),
        None => lines.push(format!("{model:?} answers, as asked.")),
    }
    lines.extend(
        other_models
            .as_ref()
            .map(|other| format!("Models that no pattern covers are answered by {other:?}.")),
    );
    lines.extend(max_output_tokens.map(|cap| format!("At most {cap} output tokens.")));
    lines.extend(max_effort.map(|cap| format!("Reasoning effort at most {:?}.", cap.name())));
    lines.extend(downgrade.thinking_tokens().map(|cap| format!("At most {cap} thinking tokens.")));
    lines
}

fn reasoning(reasoning: &Reasoning, model: &str, protocol: Option<ProtocolId>) -> Vec<String> {
    let Reasoning { keep, opened_by_template, ask_upstream, round_usage, seal } = reasoning;
    let kept = match keep {
        Keep::None => "none".to_owned(),
        Keep::Conclusion => "its last sentence".to_owned(),
        Keep::Summary => "a summary, where the summarizer writes one in time; else none".to_owned(),
        Keep::Words(words) => format!("whole sentences from its start, up to {words} words"),
        Keep::Share(share) => {
            format!("whole sentences from its start, up to {:.0} % of it", share * 100.0)
        }
    };
    let mut lines = vec![format!("Of the reasoning the reply keeps: {kept}.")];
    lines.extend(seal.as_ref().map(sealed));
    lines.extend(seal.as_ref().zip(protocol).and_then(|(seal, id)| left_out(seal, id)));
    if protocol == Some(ProtocolId::Messages) {
        if seal.is_none() {
            lines.push("Signed thinking blocks are sealed: empty text, signature kept.".to_owned());
        }
        if *ask_upstream {
            lines.push("The upstream is asked to seal them itself.".to_owned());
        }
    }
    if opened_by_template.iter().any(|pattern| pattern.covers_model(model)) {
        lines.push("The text of this model is taken to start inside the reasoning.".to_owned());
    }
    lines.extend(
        round_usage
            .map(|unit| format!("Reasoning-token counts are rounded up to a multiple of {unit}.")),
    );
    lines
}

/// What of it has no place over a protocol.
fn left_out(seal: &Seal, protocol: ProtocolId) -> Option<String> {
    let what = match protocol.features().carries_sealed {
        CarriesSealed::InOwnPlace => return None,
        CarriesSealed::Nowhere => "What is withheld",
        _ if seal.in_strings => return None,
        CarriesSealed::WhereSigned => "What the upstream does not sign",
        CarriesSealed::InStrings => "Without `in_strings`, what is withheld",
    };
    let name = protocol.name();
    Some(format!("{what} has no place over {name}, and is missing at the next turn."))
}

fn sealed(seal: &Seal) -> String {
    let Seal { lifetime, bucket, .. } = seal;
    let minutes = lifetime.as_secs() / 60;
    let bound = if seal.by_conversation() { ", in the same conversation only" } else { "" };
    format!(
        "What is withheld goes out sealed, in blobs of a multiple of {bucket} bytes, and opens for this \
         account and model for {minutes} minutes{bound}."
    )
}

fn watermark(watermark: &Watermark, protocol: Option<ProtocolId>) -> Vec<String> {
    let Watermark { strength, multi_turn } = watermark;
    let carried = if strength.min == strength.max {
        format!("{:.0} % of the places that can", strength.min * 100.0)
    } else {
        let (min, max) = (strength.min * 100.0, strength.max * 100.0);
        format!("{min:.0} % of the places that can, rising to {max:.0} % at a score of 1,")
    };
    let mut lines = vec![format!("In the text {carried} carry the caller's mark.")];
    if protocol == Some(ProtocolId::Messages) {
        lines.push(
            match multi_turn {
                MultiTurn::Skip => "Answers with signed reasoning are not marked.",
                MultiTurn::Restore => "Marked answers that come back are written as they were.",
                MultiTurn::Mark => "Answers are marked even where the reasoning is signed.",
            }
            .to_owned(),
        );
    }
    lines
}

fn pace(pace: &Pace) -> Vec<String> {
    let Pace { tokens_per_second, shared_by, first_token_delay } = pace;
    let who = match shared_by {
        Scope::Account => "account",
        Scope::Cluster => "cluster",
    };
    let mut lines = Vec::new();
    lines.extend(
        tokens_per_second
            .map(|rate| format!("{rate} tokens per second, shared by the streams of the {who}.")),
    );
    lines.extend(
        first_token_delay.map(|delay| {
            format!("First token after a further {:?} to {:?}.", delay.min, delay.max)
        }),
    );
    lines
}
