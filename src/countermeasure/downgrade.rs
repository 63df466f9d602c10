//! Answering with less: a weaker model, less effort, a shorter output.
//!
//! What is withheld is difficulty, not truth: the weaker model answers as well as it can. Caps only
//! ever lower what the request asks for, and what a request leaves to the server is asked for low.

mod target;

use super::Tally;
use crate::policy::plan::{Downgrade, Effort};
use crate::wire::json::Edit;
use crate::wire::{Asked, AskedEffort, Edits, Model, OutputCap, Place, Request, Thinking};

/// The smallest thinking budget that Anthropic Messages accepts; below it thinking is turned off.
const SMALLEST_BUDGET: u64 = 1024;

/// The model that is asked instead of `requested`, if the map knows a different one. Without a name
/// the server chooses, most likely its best.
#[must_use]
pub fn replacement<'p>(settings: &'p Downgrade, requested: Option<&str>) -> Option<&'p str> {
    let Some(requested) = requested else { return settings.of_unnamed() };
    let fitting = settings.models.iter().filter(|(pattern, _)| pattern.covers_model(requested));
    let fitting = fitting.max_by_key(|(pattern, _)| pattern.specificity());
    let model = fitting.map(|(_, model)| model.as_str()).or(settings.other_models.as_deref())?;
    (model != requested).then_some(model)
}

/// The members of the top level that have to go: those that would set for some server what is
/// governed here, by index.
#[must_use]
pub fn removals(settings: &Downgrade, request: &Request) -> Vec<usize> {
    let mut removed = request.overrides.clone();
    if settings.replaces_models() {
        removed.extend(&request.delegating);
    }
    if settings.max_effort.is_some() && !request.takes_effort() {
        // Set to a known one it could be refused where it is taken as it is, and where it is left
        // out the server's own holds, as for a request that names none.
        let unknown = request.efforts.iter().filter(|effort| rank(effort) == Rank::Unknown);
        removed.extend(unknown.filter_map(|effort| effort.member));
    }
    removed
}

/// The edits to a request from which `removed` members are already taken out, [`removals`] among
/// them.
#[must_use]
pub fn request_edits(
    settings: &Downgrade,
    request: &Request,
    removed: &[usize],
    counts: &mut Tally,
) -> Edits {
    let mut changes = Changes { request, removed, edits: Edits::default() };
    if settings.replaces_models() {
        let left = request.delegate_edits.iter().filter(|(member, _)| !removed.contains(member));
        changes.edits.body.extend(left.map(|(_, edit)| edit.clone()));
    }
    let delegates = changes.edits.len();
    changes.models(settings);
    target::redirect(settings, request, &mut changes.edits);
    let replaced = changes.edits.len();
    target::close(settings, request, &mut changes.edits);
    let closed = changes.edits.len();
    if let Some(cap) = settings.max_output_tokens.map(|cap| u64::from(cap.get())) {
        changes.output_caps(cap);
    }
    if let Some(most) = settings.max_effort {
        changes.efforts(most);
    }
    for thinking in &request.thinking {
        changes.edits.body.extend(budget(settings, request, thinking));
    }
    counts.model_replaced |= replaced > delegates;
    counts.request_fields_closed += (delegates + closed - replaced) as u64;
    counts.caps_lowered += (changes.edits.len() - closed) as u64;
    let mut edits = changes.edits;
    edits.put_together(request, removed.len());
    edits
}

struct Changes<'r> {
    request: &'r Request,
    removed: &'r [usize],
    edits: Edits,
}

impl Changes<'_> {
    /// Replaces the models that are named, but for those of the path, which stand among other names.
    fn models(&mut self, settings: &Downgrade) {
        let models = &self.request.models;
        let is_named = models.iter().any(|asked| asked.name.is_some());
        for Model { place, name } in models {
            // What names none is asked for one if nothing else names any.
            let asked = (name.is_some() || !is_named)
                .then(|| replacement(settings, name.as_deref()))
                .flatten();
            if let Some(model) =
                asked.filter(|_| !matches!(place, Place::Path(_) | Place::Segment(_)))
            {
                self.edits.set(place, model);
            }
        }
        if let Some(model) = replacement(settings, None).filter(|_| models.is_empty()) {
            self.edits.add(self.request.model_place, model);
        }
    }

    fn output_caps(&mut self, cap: u64) {
        let caps = &self.request.output_caps;
        let tokens = |asked: &OutputCap| match asked.asked {
            Asked::Tokens(tokens) => Some(tokens),
            Asked::Nothing | Asked::Unclear => None,
        };
        // What is unclear beside a number is at most that: some server would take the number.
        let least = caps.iter().filter_map(tokens).fold(cap, u64::min);
        for asked in caps {
            let lowered = match asked.asked {
                Asked::Tokens(tokens) => (tokens > cap).then_some(cap),
                Asked::Unclear => Some(least),
                Asked::Nothing => None,
            };
            if let Some(cap) = lowered {
                self.edits.set(&asked.place, cap);
            }
        }
        let mut read =
            caps.iter().filter(|asked| !asked.rarely_read && self.request.is_read(asked));
        if read.clone().any(|asked| asked.asked != Asked::Nothing) {
            return;
        }
        let place = self.request.place_of_cap();
        let own = read.clone().find(|asked| place.is_of(asked.member));
        match own.or_else(|| read.next()) {
            Some(asked) => self.edits.set(&asked.place, cap),
            None => self.edits.add(place, cap),
        }
    }

    fn efforts(&mut self, most: Effort) {
        let takes_effort = self.request.takes_effort();
        let mut named = false;
        for effort in &self.request.efforts {
            if effort.member.is_some_and(|member| self.removed.contains(&member)) {
                continue;
            }
            let replaced = match rank(effort) {
                Rank::Absent | Rank::Default if !self.request.says(effort) => continue,
                Rank::Absent if takes_effort => Some(most.name()),
                Rank::Absent => continue,
                Rank::Known(asked) => (asked > most).then_some(most.name()),
                // Servers that have this one know no other but `none`.
                Rank::Default => Some(Effort::None.name()),
                // As if the request had named none.
                Rank::Unknown => Some(most.name()),
            };
            named |= self.request.says(effort);
            self.edits.body.extend(replaced.map(|name| effort.replaced(name)));
        }
        if named || !takes_effort {
            return;
        }
        self.edits.add(self.request.place_of_effort(), most.name());
    }
}

/// What an effort asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rank {
    /// Whatever the server's own is.
    Absent,
    Known(Effort),
    /// `default`: the one effort besides `none` of some servers' models.
    Default,
    /// It has no place in the order, so that it cannot be known to be lower.
    Unknown,
}

fn rank(effort: &AskedEffort) -> Rank {
    match effort.name.as_deref() {
        _ if effort.absent => Rank::Absent,
        Some("default") => Rank::Default,
        Some("off" | "disabled") => Rank::Known(Effort::None),
        Some(name) => Effort::from_name(name).map_or(Rank::Unknown, Rank::Known),
        None => Rank::Unknown,
    }
}

/// Anthropic Messages wants the budget below the output cap, and at least [`SMALLEST_BUDGET`].
fn budget(settings: &Downgrade, request: &Request, thinking: &Thinking) -> Option<Edit> {
    let most = settings.thinking_tokens().unwrap_or(u64::MAX);
    let Some((span, asked)) = thinking.budget.clone() else {
        let off = thinking.off.filter(|_| most == 0)?;
        return Some(Edit::literal(thinking.span.clone(), off));
    };
    let mut most = most;
    if thinking.off.is_some() {
        let caps = request.output_caps.iter().filter_map(|cap| match cap.asked {
            Asked::Tokens(tokens) => Some(tokens),
            Asked::Nothing | Asked::Unclear => None,
        });
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

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::countermeasure::RequestEdits;
    use crate::policy::plan::{Measure, Mode, Plan};
    use crate::wire::chat::Chat;
    use crate::wire::elsewhere;

    fn lowered(target: &str, body: &str) -> (String, String, Tally) {
        let settings = Downgrade {
            models: vec![("big*".parse().unwrap(), "a small/one".to_owned())],
            other_models: None,
            max_output_tokens: std::num::NonZeroU32::new(9),
            max_effort: Some(Effort::Low),
            max_thinking_tokens: None,
            disclose: true,
        };
        let downgrade = Some(Measure { mode: Mode::Enforce, settings });
        let plan = Plan { downgrade, ..Plan::default() };
        let request = elsewhere::scan(target, body).unwrap();
        let mut counts = Tally::default();
        let edits = RequestEdits::of(&plan, &Chat, &request, None, &mut counts).unwrap().edits;
        let edited = edits.apply(&request.target, Bytes::copy_from_slice(body.as_bytes()));
        let target = edited.target.unwrap_or_else(|| target.to_owned());
        (target, String::from_utf8(edited.body.to_vec()).unwrap(), counts)
    }

    // Break it: take the cap of an object inside for one that few servers read; add one member for
    // each setting; or forget the comma between two that go into one object.
    #[test]
    fn what_stands_in_the_path_or_inside_is_lowered_where_it_stands() {
        for (target, redirected) in [
            ("/v1beta/models/big:generateContent", "/v1beta/models/a%20small/one:generateContent"),
            ("/model/big%3A0/converse-stream?a=1", "/model/a%20small/one/converse-stream?a=1"),
            ("/model/other/converse?model=x&b=2", "/model/other/converse?b=2"),
            ("/model/other/converse", "/model/other/converse"),
        ] {
            for (body, left) in [
                (
                    r#"{ "contents":[]}"#,
                    r#"{"generationConfig":{"maxOutputTokens":9,"thinkingConfig":{"thinkingLevel":"low"}}, "contents":[]}"#,
                ),
                (
                    r#"{"generationConfig":{}}"#,
                    r#"{"generationConfig":{"maxOutputTokens":9,"thinkingConfig":{"thinkingLevel":"low"}}}"#,
                ),
                (
                    r#"{"generationConfig":{"x":1,"maxOutputTokens":null}}"#,
                    r#"{"generationConfig":{"thinkingConfig":{"thinkingLevel":"low"},"x":1,"maxOutputTokens":9}}"#,
                ),
                (
                    r#"{"generationConfig":{"maxOutputTokens": 10,"thinkingConfig":{"thinkingLevel":"high"}}}"#,
                    r#"{"generationConfig":{"maxOutputTokens": 9,"thinkingConfig":{"thinkingLevel":"low"}}}"#,
                ),
                (
                    r#"{"generationConfig":{"maxOutputTokens":8,"thinkingConfig":{"thinkingLevel":"low"}}}"#,
                    r#"{"generationConfig":{"maxOutputTokens":8,"thinkingConfig":{"thinkingLevel":"low"}}}"#,
                ),
            ] {
                let (to, sent, counts) = lowered(target, body);
                assert_eq!((to.as_str(), sent.as_str()), (redirected, left));
                assert_eq!(counts.model_replaced, target.contains("big"));
                let closed = u64::from(target.contains("model="));
                assert_eq!(counts.request_fields_closed, closed);
            }
        }
    }
}
