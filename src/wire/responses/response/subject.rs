//! What events are about.
//!
//! The type of an event is its subject and what becomes of it: `response.output_text.delta`. A subject
//! that is not known may say anything, and its texts are taken for reasoning.

use crate::secret::opaque_debug;
use crate::wire::scan::{Kind, Slot};

/// The names that events have.
pub(in crate::wire::responses) const EVENT_NAMES: &[&str] = &[
    "error",
    "keepalive",
    "response.apply_patch_call_operation_diff.delta",
    "response.apply_patch_call_operation_diff.done",
    "response.audio.delta",
    "response.audio.done",
    "response.audio.transcript.delta",
    "response.audio.transcript.done",
    "response.cancelled",
    "response.code_interpreter_call.completed",
    "response.code_interpreter_call.in_progress",
    "response.code_interpreter_call.interpreting",
    "response.code_interpreter_call_code.delta",
    "response.code_interpreter_call_code.done",
    "response.completed",
    "response.content_part.added",
    "response.content_part.done",
    "response.created",
    "response.custom_tool_call_input.delta",
    "response.custom_tool_call_input.done",
    "response.failed",
    "response.file_search_call.completed",
    "response.file_search_call.in_progress",
    "response.file_search_call.searching",
    "response.function_call_arguments.delta",
    "response.function_call_arguments.done",
    "response.image_generation_call.completed",
    "response.image_generation_call.generating",
    "response.image_generation_call.in_progress",
    "response.image_generation_call.partial_image",
    "response.in_progress",
    "response.incomplete",
    "response.mcp_call.completed",
    "response.mcp_call.failed",
    "response.mcp_call.in_progress",
    "response.mcp_call_arguments.delta",
    "response.mcp_call_arguments.done",
    "response.mcp_list_tools.completed",
    "response.mcp_list_tools.failed",
    "response.mcp_list_tools.in_progress",
    "response.output_item.added",
    "response.output_item.done",
    "response.output_text.annotation.added",
    "response.output_text.delta",
    "response.output_text.done",
    "response.queued",
    "response.reasoning.delta",
    "response.reasoning.done",
    "response.reasoning_part.added",
    "response.reasoning_part.done",
    "response.reasoning_summary.delta",
    "response.reasoning_summary.done",
    "response.reasoning_summary_part.added",
    "response.reasoning_summary_part.done",
    "response.reasoning_summary_text.delta",
    "response.reasoning_summary_text.done",
    "response.reasoning_text.delta",
    "response.reasoning_text.done",
    "response.refusal.delta",
    "response.refusal.done",
    "response.web_search_call.completed",
    "response.web_search_call.in_progress",
    "response.web_search_call.searching",
];

/// What an event is about, as far as it matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Subject {
    /// The whole response.
    Response,
    /// An item of it.
    Item,
    /// A part of an item, or of its summary.
    Part {
        /// It is of the summary.
        sums_up: bool,
    },
    /// A text.
    Text(Texts),
    /// Sound.
    Audio,
    /// An error.
    Error,
    /// Nothing: the connection lives.
    Nothing,
    /// Something else, which is known to have no text, or not known.
    Other,
}

/// A text of which events come in pieces, and then whole.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Texts {
    /// The member that holds it whole.
    pub(super) whole: &'static [u8],
    pub(super) slot: Slot,
    pub(super) kind: Kind,
}

opaque_debug!(Texts);

const fn said(whole: &'static [u8], slot: Slot, kind: Kind) -> Subject {
    Subject::Text(Texts { whole, slot, kind })
}

const fn called(whole: &'static [u8]) -> Subject {
    said(whole, Slot::Tool(0), Kind::ToolArguments)
}

/// The name of the member that holds a piece.
pub(super) const PIECE: &[u8] = b"delta";

impl Subject {
    /// What an event of this type is about, and what becomes of that.
    pub(super) fn of(kind: &str) -> (Self, &str) {
        let (subject, verb) = kind.rsplit_once('.').unwrap_or(("", kind));
        let subject = match (subject, verb) {
            ("response", _) => Self::Response,
            ("response.output_item", _) => Self::Item,
            ("response.content_part" | "response.reasoning_part", _) => {
                Self::Part { sums_up: false }
            }
            ("response.reasoning_summary_part", _) => Self::Part { sums_up: true },
            ("response.output_text", _) => said(b"text", Slot::Answer, Kind::Answer),
            ("response.refusal", _) => said(b"refusal", Slot::Refusal, Kind::Refusal),
            ("response.audio.transcript", _) => {
                said(b"transcript", Slot::Transcript, Kind::Refusal)
            }
            ("response.reasoning_text" | "response.reasoning", _) => {
                said(b"text", Slot::Reasoning, Kind::Reasoning)
            }
            ("response.reasoning_summary_text" | "response.reasoning_summary", _) => {
                said(b"text", Slot::ReasoningAlias, Kind::Reasoning)
            }
            ("response.function_call_arguments" | "response.mcp_call_arguments", _) => {
                called(b"arguments")
            }
            ("response.custom_tool_call_input", _) => called(b"input"),
            ("response.code_interpreter_call_code", _) => called(b"code"),
            ("response.apply_patch_call_operation_diff", _) => called(b"diff"),
            ("response.audio", _) => Self::Audio,
            ("", "error") => Self::Error,
            ("", "keepalive" | "ping") => Self::Nothing,
            _ => Self::Other,
        };
        (subject, verb)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_that_has_a_name_is_about_something_that_is_known() {
        assert!(EVENT_NAMES.is_sorted());
        let known = |name: &&&str| Subject::of(name).0 != Subject::Other;
        let texts = EVENT_NAMES.iter().filter(|it| it.ends_with(".delta"));
        assert_eq!(texts.clone().filter(known).count(), texts.count());
        assert_eq!(Subject::of("response.mcp_call.completed"), (Subject::Other, "completed"));
        assert_eq!(Subject::of("response.output_text.annotation.added").0, Subject::Other);
    }
}
