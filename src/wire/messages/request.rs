//! What may be changed in a Messages request.

use crate::wire::json::{Error, Kind, Reader};
use crate::wire::member_names::MODEL;
use crate::wire::prefill::{self, LastMessage};
use crate::wire::request::{AskedEffort, Lists, Request, SettingPlace, Thinking};
use crate::wire::target::Target;

const LISTS: Lists = Lists {
    governed: &["model", "messages", "stream", "max_tokens", "thinking", "output_config"],
    allowed: &[&[
        "anthropic_beta",
        "anthropic_version",
        "betas",
        "cache_control",
        "container",
        "context_management",
        "inference_geo",
        "mcp_servers",
        "metadata",
        "output_format",
        "service_tier",
        "speed",
        "stop_sequences",
        "system",
        "temperature",
        "tool_choice",
        "tools",
        "top_k",
        "top_p",
    ]],
    ..Lists::NONE
};

pub(super) fn scan(target: Target, body: &[u8]) -> Result<Request, Error> {
    let request = Request {
        target,
        model_place: SettingPlace::Member(&[MODEL]),
        output_cap_place: SettingPlace::Member(&["max_tokens"]),
        usage_in_stream: true,
        sampler_members: &["vllm_xargs", "watermarking"],
        ..Request::default()
    };
    let mut config = SettingPlace::Member(&["output_config", "effort"]);
    let mut request = request.read(body, &LISTS, |request, reader, name| match name {
        b"messages" => messages(reader, request),
        b"thinking" => {
            request.thinking.extend(Thinking::read(reader, "budget_tokens")?);
            Ok(())
        }
        b"output_config" => output_config(reader, request, &mut config),
        _ => reader.pass(),
    })?;
    // Models that decide for themselves how much they think take an effort; others refuse one.
    if request.thinking.iter().any(|thinking| thinking.adaptive) {
        request.effort_place = config;
    }
    Ok(request)
}

fn output_config(
    reader: &mut Reader<'_>,
    request: &mut Request,
    place: &mut SettingPlace,
) -> Result<(), Error> {
    if reader.kind()? != Kind::Object {
        request.efforts.push(AskedEffort { wrapped: true, ..AskedEffort::read(reader)? });
        return Ok(());
    }
    let at = reader.position() + 1;
    let mut empty = true;
    reader.members(|reader, key| {
        empty = false;
        match &*key.name() {
            b"effort" => request.efforts.push(AskedEffort::read(reader)?),
            _ => reader.pass()?,
        }
        Ok(())
    })?;
    *place = SettingPlace::Inside { at, empty, names: &["effort"] };
    Ok(())
}

fn messages(reader: &mut Reader<'_>, request: &mut Request) -> Result<(), Error> {
    let Request { prefilled, prefilled_if_hoisted, resumed, signed_history, .. } = request;
    let mut last = LastMessage::default();
    reader.elements(|reader, _| {
        let mut message = prefill::Message::default();
        reader.members(|reader, key| {
            if key.is("content") {
                let content = &mut Reader::at(reader.bytes(), reader.position());
                *signed_history |= has_thinking(content)?;
            }
            message.read(reader, &key.name())
        })?;
        last.followed_by(message);
        Ok(())
    })?;
    let paused = last.is_paused();
    *prefilled |= last.is_prefilled() && !paused;
    *prefilled_if_hoisted |= last.is_prefilled_if_hoisted() && !paused;
    *resumed |= paused;
    Ok(())
}

/// Whether a thinking block is among the blocks of a message.
fn has_thinking(reader: &mut Reader<'_>) -> Result<bool, Error> {
    let mut found = false;
    reader.elements(|reader, _| {
        reader.members(|reader, key| {
            if !key.is("type") {
                return reader.pass();
            }
            let kind = reader.name()?.map(|(_, kind)| kind);
            found |= matches!(kind.as_deref(), Some("thinking" | "redacted_thinking"));
            Ok(())
        })
    })?;
    Ok(found)
}
