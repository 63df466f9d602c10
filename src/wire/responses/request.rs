//! What may be changed in a request for a response.

use super::history::is_of_model;
use crate::wire::json::{Error, Kind, Reader};
use crate::wire::member_names::MODEL;
use crate::wire::prefill::{self, LastMessage};
use crate::wire::request::{AskedEffort, Lists, Request, SettingPlace, Thinking};
use crate::wire::target::Target;

const LISTS: Lists = Lists {
    governed: &["model", "input", "stream", "max_output_tokens", "reasoning"],
    // Left out on purpose, because each re-opens a way round: top_logprobs; conversation, whose items
    // others read; prompt, which may bring settings of its own; enable_response_messages and
    // previous_input_messages, by which vLLM says and takes what the model sees; request_id, by which it
    // takes ids that others have.
    allowed: &[&[
        "background",
        "cache_salt",
        "context_management",
        "frequency_penalty",
        "ignore_eos",
        "instructions",
        "logit_bias",
        "max_tool_calls",
        "metadata",
        "min_p",
        "moderation",
        "parallel_tool_calls",
        "presence_penalty",
        "previous_response_id",
        "priority",
        "prompt_cache_key",
        "prompt_cache_options",
        "prompt_cache_retention",
        "repetition_penalty",
        "safety_identifier",
        "seed",
        "service_tier",
        "stop",
        "store",
        "stream_options",
        "structured_outputs",
        "temperature",
        "text",
        "tool_choice",
        "tools",
        "top_k",
        "top_p",
        "truncation",
        "user",
    ]],
    extras: Some((
        "include",
        &[
            "code_interpreter_call.outputs",
            "computer_call_output.output.image_url",
            "file_search_call.results",
            "message.input_image.image_url",
            "reasoning.encrypted_content",
            "web_search_call.action.sources",
            "web_search_call.results",
        ],
    )),
    ..Lists::NONE
};

pub(super) fn scan(target: Target, body: &[u8]) -> Result<Request, Error> {
    let request = Request {
        target,
        model_place: SettingPlace::Member(&[MODEL]),
        output_cap_place: SettingPlace::Member(&["max_output_tokens"]),
        effort_place: SettingPlace::Member(&["reasoning", "effort"]),
        usage_in_stream: true,
        ..Request::default()
    };
    request.read(body, &LISTS, |request, reader, name| match name {
        b"input" => input(reader, request),
        b"reasoning" => reasoning(reader, request),
        _ => reader.pass(),
    })
}

/// `reasoning: {effort, summary, …}`, and `max_tokens` as OpenRouter takes it.
fn reasoning(reader: &mut Reader<'_>, request: &mut Request) -> Result<(), Error> {
    if reader.kind()? != Kind::Object {
        request.efforts.push(AskedEffort { wrapped: true, ..AskedEffort::read(reader)? });
        return Ok(());
    }
    let at = reader.position() + 1;
    let (mut empty, mut named, mut budget) = (true, false, None);
    let span = reader.spanned(|reader| {
        reader.members(|reader, key| {
            empty = false;
            match &*key.name() {
                b"effort" => {
                    named = true;
                    request.efforts.push(AskedEffort::read(reader)?);
                }
                b"max_tokens" => budget = reader.capped_number()?,
                _ => reader.pass()?,
            }
            Ok(())
        })
    })?;
    if let Some(thinking) = Thinking::of_budget(budget) {
        request.thinking.push(Thinking { span, ..thinking });
        request.effort_said = true;
    }
    if !named {
        request.effort_place = SettingPlace::Inside { at, empty, names: &["effort"] };
    }
    Ok(())
}

/// Whether the last item is the model's own, to be continued.
fn input(reader: &mut Reader<'_>, request: &mut Request) -> Result<(), Error> {
    let mut last = LastMessage::default();
    reader.elements(|reader, _| {
        let mut message = prefill::Message::default();
        reader.members(|reader, key| match &*key.name() {
            b"type" => {
                let kind = reader.name()?.map(|(_, kind)| kind);
                match kind.as_deref().unwrap_or_default() {
                    // Servers have the model's own words under the id to which one refers.
                    "item_reference" => message.is_said_by_model(),
                    "reasoning" => message.is_said_by_model(),
                    kind if is_of_model(kind) => message.is_call(),
                    kind if kind.ends_with("_output") => message.is_result(),
                    _ => {}
                }
                Ok(())
            }
            name => message.read(reader, name),
        })?;
        last.followed_by(message);
        Ok(())
    })?;
    request.prefilled |= last.is_prefilled();
    request.prefilled_if_hoisted |= last.is_prefilled_if_hoisted();
    Ok(())
}
