//! What becomes of the fields that stand beside an answer's texts.

use super::ResponseEdits;
use crate::countermeasure::usage::Rounded;
use crate::countermeasure::{Tally, side_channels};
use crate::wire::json::Edit;
use crate::wire::{Field, FieldKind, member_names};

/// The member that says what a tool is called.
const TOOL: &str = "name";

/// The longest message of an error that is passed on where no text is withheld.
const MESSAGE: usize = 4096;

fn is_context(field: &Field) -> bool {
    field.name == member_names::CONTEXT
}

impl ResponseEdits {
    /// Whether words are kept from the client, which a name could say.
    fn keeps_text(&self) -> bool {
        self.keep.is_some() || self.guard.is_some()
    }

    /// The edit of a field, counted; `rounded` is what becomes of its event's token counts.
    pub fn field(
        &self,
        field: &Field,
        rounded: Option<&Rounded>,
        counts: &mut Tally,
    ) -> Option<Edit> {
        let edit = match field.kind {
            FieldKind::Leak | FieldKind::List
                if self.marked.is_some() && self.allowed_leaks().is_none() && is_context(field) =>
            {
                // A text that is marked has no other copy.
                return side_channels::response_edit(&[], field);
            }
            FieldKind::Leak | FieldKind::Number | FieldKind::List => {
                side_channels::response_edit(self.allowed_leaks()?, field)?
            }
            FieldKind::Unsealed
                if self.keep.is_some() || self.marked.is_some() || self.guard.is_some() =>
            {
                let Some(allow) = self.allowed_leaks() else {
                    // A text that is marked has no other copy.
                    return Some(Edit::literal(field.span.clone(), "null"));
                };
                side_channels::response_edit(allow, field)?
            }
            FieldKind::Telling if self.round_input.is_some() => {
                let allow = self.allowed_leaks().unwrap_or_default();
                side_channels::response_edit(allow, field)?
            }
            FieldKind::Telling if self.round_usage.is_some() => {
                side_channels::response_edit(self.allowed_leaks()?, field)?
            }
            FieldKind::ErrorDetail if self.guards() => {
                let allow = self.allowed_leaks().unwrap_or_default();
                side_channels::response_edit(allow, field)?
            }
            FieldKind::ErrorMessage(failure) if self.guards() => {
                let free = self.keep.is_none() && self.rename.is_none() && self.guard.is_none();
                if free && field.span.len() <= MESSAGE {
                    return None;
                }
                Edit::string(field.span.clone(), failure.message())
            }
            FieldKind::Name if self.keeps_text() => {
                if self.allowed_leaks()?.contains(&field.name) {
                    return None;
                }
                Edit::text(field.span.clone(), "other")
            }
            FieldKind::WordedId if self.keeps_text() => {
                side_channels::response_edit(self.allowed_leaks()?, field)?
            }
            FieldKind::Tool => {
                let allow = self.allowed_leaks()?;
                if self.tools.contains(&field.name) || allow.iter().any(|it| it == TOOL) {
                    return None;
                }
                // What it says is not its name.
                counts.response_fields_closed += 1;
                counts.closed.add(TOOL);
                return Some(Edit::literal(field.span.clone(), "null"));
            }
            FieldKind::Stop => {
                self.keep?;
                if self.stops.contains(&field.name) {
                    return None;
                }
                // What it says is not its name.
                counts.response_fields_closed += 1;
                counts.closed.add(member_names::STOP);
                return Some(Edit::literal(field.span.clone(), "null"));
            }
            FieldKind::Model => {
                return Some(Edit::text(field.span.clone(), &self.rename.as_ref()?.to));
            }
            FieldKind::ModelTrace => {
                self.rename.as_ref()?;
                return Some(Edit::literal(field.span.clone(), "null"));
            }
            kind => {
                let (stated, shown) = rounded?.count(kind)?;
                if stated == shown {
                    return None;
                }
                counts.usage_rounded += 1;
                return Some(Edit::literal(field.span.clone(), shown.to_string()));
            }
        };
        counts.response_fields_closed += 1;
        counts.closed.add(&field.name);
        Some(edit)
    }
}
