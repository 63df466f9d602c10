//! Answering with less: a weaker model, less effort, a shorter output.
//!
//! What is withheld is difficulty, not truth: the weaker model answers as well as it can. Caps only
//! ever lower what the request asks for.

use super::Counts;
use crate::policy::plan::{Downgrade, Effort};
use crate::wire::json::Edit;
use crate::wire::{Request, Thinking};

/// The smallest thinking budget that Anthropic Messages accepts; below it thinking is turned off.
const SMALLEST_BUDGET: u64 = 1024;

/// The model that is asked instead of `requested`, if the map knows a different one.
#[must_use]
pub fn replacement<'p>(settings: &'p Downgrade, requested: &str) -> Option<&'p str> {
    let fitting = settings.models.iter().filter(|(pattern, _)| pattern.matches(requested));
    let (_, model) = fitting.max_by_key(|(pattern, _)| pattern.specificity())?;
    (model != requested).then_some(model.as_str())
}

/// The edits to a request from which `removed` members are already taken out.
#[must_use]
pub fn request_edits(
    settings: &Downgrade,
    request: &Request,
    removed: usize,
    counts: &mut Counts,
) -> Vec<Edit> {
    let mut edits = Vec::new();
    if let Some((span, requested)) = &request.model {
        if let Some(model) = replacement(settings, requested) {
            edits.push(Edit::text(span.clone(), model));
            counts.model_replaced = true;
        }
    }
    let replaced = edits.len();
    if let Some(cap) = settings.max_output_tokens.map(|cap| u64::from(cap.get())) {
        edits.extend(output_cap(request, cap, removed));
    }
    if let Some(most) = settings.max_effort {
        edits.extend(efforts(request, most));
    }
    edits
        .extend(request.thinking.iter().filter_map(|thinking| budget(settings, request, thinking)));
    counts.caps_lowered += (edits.len() - replaced) as u64;
    edits
}

fn output_cap(request: &Request, cap: u64, removed: usize) -> Vec<Edit> {
    if request.output_caps.is_empty() {
        return vec![request.insert(request.output_cap_member, &cap.to_string(), removed)];
    }
    let over =
        request.output_caps.iter().filter(|(_, asked)| asked.is_none_or(|asked| asked > cap));
    over.map(|(span, _)| Edit::literal(span.clone(), cap.to_string())).collect()
}

fn efforts(request: &Request, most: Effort) -> Vec<Edit> {
    // An effort that has no place in the order cannot be known to be lower.
    let over = |name: &str| Effort::from_name(name).is_none_or(|effort| effort > most);
    let efforts = request.efforts.iter().filter(|(_, name)| over(name));
    efforts.map(|(span, _)| Edit::text(span.clone(), most.name())).collect()
}

/// Anthropic Messages wants the budget below the output cap, and at least [`SMALLEST_BUDGET`].
fn budget(settings: &Downgrade, request: &Request, thinking: &Thinking) -> Option<Edit> {
    let (span, asked) = thinking.budget.clone()?;
    let mut most = settings.max_thinking_tokens.map_or(u64::MAX, |most| u64::from(most.get()));
    if thinking.off.is_some() {
        let caps = request.output_caps.iter().filter_map(|(_, cap)| *cap);
        let lowered = settings.max_output_tokens.map(|cap| u64::from(cap.get()));
        let output = caps.chain(lowered).min().unwrap_or(u64::MAX);
        most = most.min(output.saturating_sub(1));
    }
    if asked <= most {
        return None;
    }
    match thinking.off {
        Some(off) if most < SMALLEST_BUDGET => Some(Edit::literal(thinking.span.clone(), off)),
        _ => Some(Edit::literal(span, most.to_string())),
    }
}
