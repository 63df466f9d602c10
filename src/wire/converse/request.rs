//! What may be changed in a request.

use crate::wire::Use;
use crate::wire::generation::is_schema;
use crate::wire::json::{Error, Kind, Reader};
use crate::wire::prefill::{self, LastMessage};
use crate::wire::request::{AskedEffort, Lists, Request, SettingPlace};
use crate::wire::target::Target;

use super::additional;

const LISTS: Lists = Lists {
    governed: &[
        "additionalModelRequestFields",
        "inferenceConfig",
        "messages",
        "outputConfig",
        "toolConfig",
    ],
    // Left out on purpose: additionalModelResponseFieldPaths, by which a client names members of the model's
    // own answer that it wants to have besides.
    allowed: &[&[
        "guardrailConfig",
        "performanceConfig",
        "projectIdentifier",
        "promptVariables",
        "requestMetadata",
        "serviceTier",
        "system",
    ]],
    holders: &["inferenceConfig"],
    settings: &["maxTokens", "stopSequences", "temperature", "topP"],
    ..Lists::NONE
};

pub(super) fn scan(target: Target, body: &[u8]) -> Result<Request, Error> {
    let request = Request {
        target,
        output_cap_place: SettingPlace::Member(&["inferenceConfig", "maxTokens"]),
        usage_in_stream: true,
        ..Request::default()
    };
    let mut output = SettingPlace::Member(&["outputConfig", "effort"]);
    let mut request = request.read(body, &LISTS, |request, reader, name| match name {
        b"messages" => messages(reader, request),
        b"additionalModelRequestFields" => additional::scan(reader, request),
        b"outputConfig" => output_config(reader, request, &mut output),
        b"toolConfig" => tool_config(reader, request),
        _ => reader.pass(),
    })?;
    // Models that decide for themselves how much they think take an effort; others refuse one.
    if request.thinking.iter().any(|thinking| thinking.adaptive) {
        request.effort_place = output;
    }
    Ok(request)
}

/// The members of Nova's own requests.
const NOVA: Lists = Lists {
    governed: &["inferenceConfig", "messages", "reasoningConfig", "toolConfig"],
    allowed: &[&["schemaVersion", "system"]],
    holders: &["inferenceConfig"],
    settings: &["maxTokens", "stopSequences", "temperature", "topK", "topP"],
    ..Lists::NONE
};

/// The same of a request in Nova's own form, whose model reads what Converse passes on to it.
pub(in crate::wire) fn nova(target: Target, body: &[u8]) -> Result<Request, Error> {
    let request = Request {
        target,
        output_cap_place: SettingPlace::Member(&["inferenceConfig", "maxTokens"]),
        usage_in_stream: true,
        ..Request::default()
    };
    request.read(body, &NOVA, |request, reader, name| match name {
        b"messages" => messages(reader, request),
        b"reasoningConfig" => additional::effort(reader, "maxReasoningEffort", request),
        b"toolConfig" => tool_config(reader, request),
        _ => reader.pass(),
    })
}

fn output_config(
    reader: &mut Reader<'_>,
    request: &mut Request,
    place: &mut SettingPlace,
) -> Result<(), Error> {
    if reader.kind()? != Kind::Object {
        return reader.pass();
    }
    let member = request.members.spans.len();
    let at = reader.position() + 1;
    let (mut empty, mut efforts) = (true, 0);
    reader.members(|reader, key| {
        empty = false;
        match &*key.name() {
            b"effort" => {
                efforts += 1;
                request.efforts.push(AskedEffort::read(reader)?);
            }
            b"textFormat" => {
                let given = is_schema(reader)?;
                request.generation.uses.extend(given.then_some((member, Use::Structured)));
            }
            _ => reader.pass()?,
        }
        Ok(())
    })?;
    if efforts > 1 {
        request.ambiguous = Some("outputConfig.effort".to_owned());
    }
    *place = SettingPlace::Inside { at, empty, names: &["effort"] };
    Ok(())
}

/// Whether there are tools, and whether the model has to call one: `toolChoice: {any} | {tool}`.
fn tool_config(reader: &mut Reader<'_>, request: &mut Request) -> Result<(), Error> {
    let member = request.members.spans.len();
    reader.members(|reader, key| match &*key.name() {
        b"tools" => reader.elements(|reader, _| {
            request.generation.tools = true;
            reader.pass()
        }),
        b"toolChoice" => reader.members(|reader, key| {
            let forces = (key.is("any") || key.is("tool")) && reader.kind()? == Kind::Object;
            request.generation.uses.extend(forces.then_some((member, Use::Called)));
            reader.pass()
        }),
        _ => reader.pass(),
    })
}

fn messages(reader: &mut Reader<'_>, request: &mut Request) -> Result<(), Error> {
    let mut last = LastMessage::default();
    reader.elements(|reader, _| {
        let mut message = prefill::Message::default();
        reader.members(|reader, key| {
            if key.is("content") {
                let content = &mut Reader::at(reader.bytes(), reader.position());
                request.signed_history |= is_signed(content)?;
            }
            message.read(reader, &key.name())
        })?;
        last.followed_by(message);
        Ok(())
    })?;
    request.prefilled |= last.is_prefilled();
    request.prefilled_if_hoisted |= last.is_prefilled_if_hoisted();
    Ok(())
}

/// Whether reasoning among the blocks of a message is signed or sealed.
fn is_signed(reader: &mut Reader<'_>) -> Result<bool, Error> {
    let mut found = false;
    reader.elements(|reader, _| {
        reader.members(|reader, key| {
            if !key.is("reasoningContent") {
                return reader.pass();
            }
            reader.members(|reader, key| match &*key.name() {
                b"redactedContent" => {
                    found |= reader.kind()? == Kind::String;
                    reader.pass()
                }
                b"reasoningText" => reader.members(|reader, key| {
                    found |= key.is("signature") && reader.kind()? == Kind::String;
                    reader.pass()
                }),
                _ => reader.pass(),
            })
        })
    })?;
    Ok(found)
}
