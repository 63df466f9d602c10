//! What may be changed in a Messages request.

use crate::wire::json::{Edit, Error, Kind, Reader};
use crate::wire::request::{Lists, Request, Thinking};

const LISTS: Lists = Lists {
    governed: &["model", "messages", "stream", "max_tokens", "thinking", "output_config"],
    allowed: &[
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
    ],
};

pub(super) fn scan(body: &[u8]) -> Result<Request, Error> {
    let request = Request {
        output_cap_member: "max_tokens",
        usage_in_stream: true,
        sampler_members: &["vllm_xargs", "watermarking"],
        ..Request::default()
    };
    request.read(body, &LISTS, |request, reader, name| match name {
        b"messages" => reader.elements(|reader, _| {
            reader.members(|reader, key| match &*key.name() {
                b"role" => {
                    let role = reader.name()?;
                    request.prefilled = role.is_some_and(|(_, role)| role == "assistant");
                    Ok(())
                }
                b"content" => {
                    request.signed_history |= has_thinking(reader)?;
                    Ok(())
                }
                _ => reader.pass(),
            })
        }),
        b"thinking" => thinking(reader, request),
        b"output_config" => reader.members(|reader, key| {
            match &*key.name() {
                b"effort" => request.efforts.extend(reader.name()?),
                _ => reader.pass()?,
            }
            Ok(())
        }),
        _ => reader.pass(),
    })
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

fn thinking(reader: &mut Reader<'_>, request: &mut Request) -> Result<(), Error> {
    if reader.kind()? != Kind::Object {
        return reader.pass();
    }
    let inside = reader.position() + 1;
    let mut budget = None;
    let mut display = None;
    let mut on = false;
    let span = reader.spanned(|reader| {
        reader.members(|reader, key| {
            match &*key.name() {
                b"type" => on = reader.name()?.is_some_and(|(_, kind)| kind != "disabled"),
                b"budget_tokens" => budget = reader.capped_number()?,
                b"display" => display = Some(reader.skip()?),
                _ => reader.pass()?,
            }
            Ok(())
        })
    })?;
    let seal = match display {
        _ if !on => None,
        Some(value) => Some(Edit::literal(value, "\"omitted\"")),
        None => Some(Edit { span: inside..inside, with: b"\"display\":\"omitted\",".to_vec() }),
    };
    let off = on.then_some(r#"{"type":"disabled"}"#);
    request.thinking.push(Thinking { span, budget, off, seal });
    Ok(())
}
