//! Answering with less: a weaker model, less effort, a shorter output.
//!
//! What is withheld is difficulty, not truth: the weaker model answers as well as it can. Caps only
//! ever lower what the request asks for, and what a request leaves to the server is asked for low.

mod target;

use super::Counts;
use crate::policy::plan::{Downgrade, Effort};
use crate::secret::opaque_debug;
use crate::wire::json::Edit;
use crate::wire::member_names::MODEL;
use crate::wire::{Asked, AskedEffort, OutputCap, Request, Thinking};

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

/// What becomes of a request.
#[derive(Default)]
pub struct Downgraded {
    /// The edits of what stays.
    pub edits: Vec<Edit>,
    /// The target that it goes to instead of its own.
    pub target: Option<String>,
}

opaque_debug!(Downgraded);

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
    counts: &mut Counts,
) -> Downgraded {
    let mut changes = Changes { request, removed, edits: Vec::new(), inserted: Vec::new() };
    let redirected = target::redirected(settings, &request.target);
    if settings.replaces_models() {
        let left = request.delegate_edits.iter().filter(|(member, _)| !removed.contains(member));
        changes.edits.extend(left.map(|(_, edit)| edit.clone()));
        counts.request_fields_closed += changes.len() as u64;
    }
    let delegates = changes.len();
    changes.model(settings, request.target.model().is_some());
    counts.model_replaced |= changes.len() > delegates || redirected.model_replaced;
    counts.request_fields_closed += redirected.parameters_closed;
    let replaced = changes.len();
    if let Some(cap) = settings.max_output_tokens.map(|cap| u64::from(cap.get())) {
        changes.output_caps(cap);
    }
    if let Some(most) = settings.max_effort {
        changes.efforts(most);
    }
    for thinking in &request.thinking {
        changes.edits.extend(budget(settings, request, thinking));
    }
    counts.caps_lowered += (changes.len() - replaced) as u64;
    Downgraded { edits: changes.into_edits(), target: redirected.target }
}

struct Changes<'r> {
    request: &'r Request,
    removed: &'r [usize],
    edits: Vec<Edit>,
    /// Members to be added, in one edit: which commas they need depends on all of them.
    inserted: Vec<(&'static str, String)>,
}

impl Changes<'_> {
    fn model(&mut self, settings: &Downgrade, path_names_one: bool) {
        let Some(model) = replacement(settings, self.request.model_name()) else { return };
        let literal = serde_json::Value::from(model).to_string();
        match &self.request.model {
            Some(asked) if asked.name.is_some() || !path_names_one => {
                self.edits.push(Edit::literal(asked.span.clone(), literal));
            }
            None if !path_names_one => self.inserted.push((MODEL, literal)),
            _ => {}
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
            let edit = lowered.map(|cap| Edit::literal(asked.span.clone(), cap.to_string()));
            self.edits.extend(edit);
        }
        let mut read = caps.iter().filter(|asked| !asked.nested && self.request.is_read(asked));
        if read.clone().any(|asked| asked.asked != Asked::Nothing) {
            return;
        }
        let member = self.request.cap_member();
        let own = read.clone().find(|asked| asked.member == member);
        match own.or_else(|| read.next()) {
            Some(asked) => self.edits.push(Edit::literal(asked.span.clone(), cap.to_string())),
            None => self.inserted.push((member, cap.to_string())),
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
            self.edits.extend(replaced.map(|name| effort.replaced(name)));
        }
        if named || !takes_effort {
            return;
        }
        let name = most.name();
        let place = self.request.place_of_effort();
        self.inserted.extend(place.member(name));
        self.edits.extend(place.edit(name));
    }

    fn len(&self) -> usize {
        self.edits.len() + self.inserted.len()
    }

    fn into_edits(self) -> Vec<Edit> {
        let Self { request, removed, mut edits, inserted } = self;
        if !inserted.is_empty() {
            edits.push(request.insert_all(&inserted, removed.len()));
        }
        edits
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
