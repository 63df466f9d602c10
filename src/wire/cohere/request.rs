//! What may be changed in a request.

use crate::wire::chat::request::messages;
use crate::wire::json::Error;
use crate::wire::member_names::MODEL;
use crate::wire::request::{Lists, Request, SettingPlace, Thinking};
use crate::wire::target::Target;

const LISTS: Lists = Lists {
    governed: &["model", "messages", "stream", "max_tokens", "thinking"],
    // Left out on purpose: logprobs; raw_prompting, by which a caller writes the model's template.
    allowed: &[&[
        "citation_options",
        "documents",
        "frequency_penalty",
        "k",
        "p",
        "presence_penalty",
        "priority",
        "response_format",
        "safety_mode",
        "seed",
        "stop_sequences",
        "strict_tools",
        "temperature",
        "tool_choice",
        "tools",
    ]],
    ..Lists::NONE
};

pub(super) fn scan(target: Target, body: &[u8]) -> Result<Request, Error> {
    let request = Request {
        target,
        model_place: SettingPlace::Member(&[MODEL]),
        output_cap_place: SettingPlace::Member(&["max_tokens"]),
        usage_in_stream: true,
        ..Request::default()
    };
    request.read(body, &LISTS, |request, reader, name| match name {
        b"messages" => messages(reader, request),
        b"thinking" => {
            // Nothing of it is signed.
            let thinking = Thinking::read(reader, "token_budget")?;
            request.thinking.extend(thinking.map(|it| Thinking { seal: None, ..it }));
            Ok(())
        }
        _ => reader.pass(),
    })
}
