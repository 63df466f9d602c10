//! Members that carry no text of the model's.

use crate::wire::listed::{Listed, Shape};

/// The most bytes of what the client has said and is repeated to it, and of what was found or done by
/// tools.
const QUOTED: usize = 4 << 20;

/// Those of an event.
pub(super) const EVENT: [Listed; 9] = [
    (b"item_id", Shape::CallId),
    (b"response_id", Shape::CallId),
    (b"annotation_index", Shape::Data),
    (b"partial_image_index", Shape::Data),
    (b"partial_image_b64", Shape::Sealed),
    (b"background", Shape::Identifier),
    (b"output_format", Shape::Identifier),
    (b"quality", Shape::Identifier),
    (b"size", Shape::Identifier),
];

/// Those of a response: most of them repeat the request.
pub(super) const RESPONSE: [Listed; 36] = [
    (b"object", Shape::Identifier),
    (b"created_at", Shape::Time),
    (b"completed_at", Shape::Time),
    (b"background", Shape::Flag),
    (b"conversation", Shape::Data),
    (b"deleted", Shape::Flag),
    (b"first_id", Shape::CallId),
    (b"frequency_penalty", Shape::Findings),
    (b"has_more", Shape::Flag),
    (b"incomplete_details", Shape::Findings),
    (b"instructions", Shape::Quoted(QUOTED)),
    (b"last_id", Shape::CallId),
    (b"max_output_tokens", Shape::Data),
    (b"max_tool_calls", Shape::Data),
    (b"metadata", Shape::Quoted(QUOTED)),
    (b"moderation", Shape::Findings),
    (b"parallel_tool_calls", Shape::Flag),
    (b"presence_penalty", Shape::Findings),
    (b"previous_response_id", Shape::CallId),
    (b"prompt", Shape::Quoted(QUOTED)),
    (b"prompt_cache_key", Shape::Quoted(QUOTED)),
    (b"prompt_cache_options", Shape::Findings),
    (b"prompt_cache_retention", Shape::Identifier),
    (b"reasoning", Shape::Findings),
    (b"safety_identifier", Shape::Quoted(QUOTED)),
    (b"service_tier", Shape::Identifier),
    (b"store", Shape::Flag),
    (b"temperature", Shape::Findings),
    (b"text", Shape::Quoted(QUOTED)),
    (b"tool_choice", Shape::Quoted(QUOTED)),
    (b"tools", Shape::Quoted(QUOTED)),
    (b"top_k", Shape::Data),
    (b"top_logprobs", Shape::Findings),
    (b"top_p", Shape::Findings),
    (b"truncation", Shape::Identifier),
    (b"user", Shape::Quoted(QUOTED)),
];

/// Those of any item.
const ITEM: [Listed; 8] = [
    (b"type", Shape::Identifier),
    (b"status", Shape::Identifier),
    (b"id", Shape::CallId),
    (b"role", Shape::Identifier),
    (b"phase", Shape::Identifier),
    (b"created_by", Shape::Identifier),
    (b"namespace", Shape::Identifier),
    (b"caller", Shape::Data),
];

/// What else an item of a type has: what a tool was asked for, and what it gave.
fn of_type(kind: &str) -> &'static [Listed] {
    const DONE: Shape = Shape::Quoted(QUOTED);
    match kind {
        "web_search_call" | "local_shell_call" => &[(b"action", DONE)],
        "file_search_call" => &[(b"queries", DONE), (b"results", DONE)],
        "code_interpreter_call" => &[(b"container_id", Shape::Identifier), (b"outputs", DONE)],
        "image_generation_call" => &[
            (b"action", Shape::Identifier),
            (b"background", Shape::Identifier),
            (b"output_format", Shape::Identifier),
            (b"quality", Shape::Identifier),
            (b"result", Shape::Sealed),
            (b"revised_prompt", Shape::Text(QUOTED)),
            (b"size", Shape::Identifier),
        ],
        "computer_call" => {
            &[(b"action", DONE), (b"actions", DONE), (b"pending_safety_checks", DONE)]
        }
        "shell_call" => &[(b"action", DONE), (b"environment", DONE)],
        "apply_patch_call" => &[(b"operation", DONE)],
        "mcp_call" => &[
            (b"approval_request_id", Shape::CallId),
            (b"error", DONE),
            (b"output", DONE),
            (b"server_label", Shape::Identifier),
        ],
        "mcp_list_tools" => {
            &[(b"error", DONE), (b"server_label", Shape::Identifier), (b"tools", DONE)]
        }
        "mcp_approval_request" => &[(b"server_label", Shape::Identifier)],
        "mcp_approval_response" => {
            &[(b"approval_request_id", Shape::CallId), (b"approve", Shape::Flag), (b"reason", DONE)]
        }
        "tool_search_call" => &[(b"execution", Shape::Identifier)],
        "tool_search_output" => &[(b"execution", Shape::Identifier), (b"tools", DONE)],
        "additional_tools" => &[(b"tools", DONE)],
        "program" => &[(b"fingerprint", Shape::Sealed)],
        "program_output" => &[(b"result", DONE)],
        "function_call_output"
        | "custom_tool_call_output"
        | "computer_call_output"
        | "local_shell_call_output"
        | "shell_call_output"
        | "apply_patch_call_output" => &[
            (b"acknowledged_safety_checks", DONE),
            (b"max_output_length", Shape::Data),
            (b"output", DONE),
        ],
        _ => &[],
    }
}

/// What is known of a member of an item.
pub(super) fn shape_of(kind: &str, name: &[u8]) -> Option<Shape> {
    let known = |list: &'static [Listed]| crate::wire::listed::shape(list, name);
    known(&ITEM).or_else(|| known(of_type(kind)))
}

/// Members of an annotation.
pub(super) const ANNOTATION: [Listed; 8] = [
    (b"type", Shape::Identifier),
    (b"url", Shape::Text(QUOTED)),
    (b"title", Shape::Text(QUOTED)),
    (b"content", Shape::Text(QUOTED)),
    (b"file_id", Shape::Identifier),
    (b"filename", Shape::Text(QUOTED)),
    (b"container_id", Shape::Identifier),
    (b"index", Shape::Data),
];

/// Members of a part.
pub(super) const PART: [Listed; 4] = [
    (b"type", Shape::Identifier),
    (b"data", Shape::Sealed),
    (b"id", Shape::CallId),
    (b"format", Shape::Identifier),
];
