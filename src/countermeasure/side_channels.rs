//! Closing the ways round the text channels.
//!
//! Log-probabilities and token ids repeat the reasoning token by token, flags bring raw tags back,
//! several choices multiply the harvest. What is not on the protocol's allow-list is removed from
//! the request and emptied in the response, so that a member which a server adds tomorrow is closed
//! today. Free and lossless for nearly everyone, hence the first rung of the shipped ladders.

use super::Counts;
use crate::policy::plan::SideChannels;
use crate::wire::json::Edit;
use crate::wire::{Field, FieldKind, Request};

/// The edits to a request, and how many members they remove.
#[must_use]
pub fn request_edits(
    settings: &SideChannels,
    request: &Request,
    counts: &mut Counts,
) -> (Vec<Edit>, usize) {
    let (mut edits, removed) = request.remove_unlisted(&settings.allow);
    let removed = removed.len();
    let most = u64::from(settings.max_choices.get());
    let over = request.choices.iter().filter(|(_, asked)| *asked > most);
    edits.extend(over.map(|(span, _)| Edit::literal(span.clone(), most.to_string())));
    counts.request_fields_closed += edits.len() as u64;
    (edits, removed)
}

/// The edit that closes a leak in a response, unless the policy lets its name through.
#[must_use]
pub fn response_edit(allow: &[String], field: &Field) -> Option<Edit> {
    let closed = field.kind == FieldKind::Leak && !allow.contains(&field.name);
    closed.then(|| Edit::literal(field.span.clone(), "null"))
}
