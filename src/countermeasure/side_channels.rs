//! Closing the ways round the text channels.
//!
//! Log-probabilities and token ids repeat the reasoning token by token, flags bring raw tags back,
//! several choices multiply the harvest. What is not on the protocol's allow-list is removed from
//! the request and emptied in the response, so that a member which a server adds tomorrow is closed
//! today. Free and lossless for nearly everyone, hence the first rung of the shipped ladders.

use std::num::NonZeroU32;

use super::Tally;
use crate::policy::Plan;
use crate::policy::plan::{SideChannels, enforced};
use crate::wire::json::Edit;
use crate::wire::member_names::CHOICES;
use crate::wire::{Field, FieldKind, Request};

/// What is closed beside the text channels. Log-probabilities repeat the reasoning and request
/// flags bring its tags back, so whoever withholds it closes them too.
#[derive(Clone, Copy, Debug)]
pub struct Closing<'p> {
    /// Members to let through besides the allow-lists.
    pub allow: &'p [String],
    /// The most choices that may be asked for.
    pub max_choices: Option<NonZeroU32>,
}

impl<'p> Closing<'p> {
    /// What `plan` closes, if it closes or withholds anything.
    #[must_use]
    pub fn of(plan: &'p Plan) -> Option<Self> {
        let withholds = enforced(&plan.reasoning).is_some();
        match enforced(&plan.side_channels) {
            Some(SideChannels { max_choices, allow }) => {
                Some(Self { allow, max_choices: Some(*max_choices) })
            }
            None => withholds.then_some(Self { allow: &[], max_choices: None }),
        }
    }
}

/// The edits to a request, and the members to be taken out of it, by index.
#[must_use]
pub fn request_edits(
    closing: Closing<'_>,
    request: &Request,
    counts: &mut Tally,
) -> (Vec<Edit>, Vec<usize>) {
    let closed = request.unlisted_but(closing.allow);
    let most = closing.max_choices.map_or(u64::MAX, |most| u64::from(most.get()));
    let over = request.choices.iter().filter(|(_, asked)| *asked > most);
    let mut edits: Vec<Edit> =
        over.map(|(span, _)| Edit::literal(span.clone(), most.to_string())).collect();
    if !edits.is_empty() {
        counts.closed.add(CHOICES);
    }
    let names = closed.iter().filter_map(|index| request.unlisted.get(*index)?.as_deref());
    names.for_each(|name| counts.closed.add(name));
    let settings = request.unlisted_settings.iter();
    for (name, edit) in settings.filter(|(name, _)| !closing.allow.contains(name)) {
        counts.closed.add(name);
        edits.push(edit.clone());
    }
    let narrowed = request.narrowed.iter().filter(|(index, _)| closed.contains(index));
    edits.extend(narrowed.map(|(_, edit)| edit.clone()));
    let is_narrowed = |index: &usize| request.narrowed.iter().any(|(member, _)| member == index);
    let removed: Vec<usize> = closed.into_iter().filter(|index| !is_narrowed(index)).collect();
    counts.request_fields_closed += (edits.len() + removed.len()) as u64;
    (edits, removed)
}

/// Whether `plan` closes a setting of this name that stands inside of the request's own.
#[must_use]
pub fn closes_setting(plan: &Plan, request: &Request, name: &str) -> bool {
    let allowed = |closing: Closing<'_>| closing.allow.iter().any(|allowed| allowed == name);
    let closes = Closing::of(plan).is_some_and(|closing| !allowed(closing));
    closes && request.unlisted_settings.iter().any(|(setting, _)| setting == name)
}

/// The edits that take parameters out of the query that are not `known` to open no way round.
pub fn parameters(
    closing: Closing<'_>,
    known: &[&str],
    request: &Request,
    counts: &mut Tally,
) -> Vec<Edit> {
    let closed = request.target.parameters().filter(|parameter| {
        let name = parameter.name();
        !known.contains(&name.as_str()) && !closing.allow.contains(&name)
    });
    let edits: Vec<Edit> = closed
        .map(|parameter| {
            counts.closed.add(&parameter.name());
            Edit::literal(parameter.span, "")
        })
        .collect();
    counts.request_fields_closed += edits.len() as u64;
    edits
}

/// The edit that closes a leak in a response, unless the policy lets its name through.
#[must_use]
pub fn response_edit(allow: &[String], field: &Field) -> Option<Edit> {
    let nothing = match field.kind {
        FieldKind::Number => "0",
        FieldKind::List => "[]",
        _ => "null",
    };
    (!allow.contains(&field.name)).then(|| Edit::literal(field.span.clone(), nothing))
}
