//! What may be changed in a request.
//!
//! Google's parser takes every name in two spellings, `generationConfig` and `generation_config`.

use crate::wire::Use;
use crate::wire::generation::says;
use crate::wire::json::{Edit, Error, Kind, Reader};
use crate::wire::prefill::{self, LastMessage};
use crate::wire::request::{AskedEffort, Lists, Request, SettingPlace, Thinking};
use crate::wire::target::Target;

const LISTS: Lists = Lists {
    governed: &["model", "contents", "generationConfig", "generation_config"],
    allowed: &[&[
        "cachedContent",
        "cached_content",
        "labels",
        "safetySettings",
        "safety_settings",
        "serviceTier",
        "service_tier",
        "systemInstruction",
        "system_instruction",
        "toolConfig",
        "tool_config",
        "tools",
    ]],
    holders: &["generationConfig", "generation_config"],
    // Left out on purpose: responseLogprobs and logprobs; what chooses another model.
    settings: &[
        "_responseJsonSchema",
        "audioTimestamp",
        "audio_timestamp",
        "candidateCount",
        "candidate_count",
        "enableAffectiveDialog",
        "enable_affective_dialog",
        "frequencyPenalty",
        "frequency_penalty",
        "imageConfig",
        "image_config",
        "maxOutputTokens",
        "max_output_tokens",
        "mediaResolution",
        "media_resolution",
        "presencePenalty",
        "presence_penalty",
        "responseJsonSchema",
        "responseMimeType",
        "responseModalities",
        "responseSchema",
        "response_json_schema",
        "response_mime_type",
        "response_modalities",
        "response_schema",
        "seed",
        "speechConfig",
        "speech_config",
        "stopSequences",
        "stop_sequences",
        "temperature",
        "thinkingConfig",
        "thinking_config",
        "topK",
        "topP",
        "top_k",
        "top_p",
    ],
    ..Lists::NONE
};

/// How much the model is to think, as it is spelled here: some efforts have no name of their own.
const EFFORTS: [(&str, &str); 3] =
    [("none", "\"minimal\""), ("xhigh", "\"high\""), ("max", "\"high\"")];

pub(super) fn scan(target: Target, body: &[u8]) -> Result<Request, Error> {
    let request = Request {
        target,
        output_cap_place: SettingPlace::Member(&["generationConfig", "maxOutputTokens"]),
        usage_in_stream: true,
        ..Request::default()
    };
    let (mut configs, mut calls) = (0, None);
    let mut request = request.read(body, &LISTS, |request, reader, name| match name {
        b"contents" => contents(reader, request),
        b"generationConfig" | b"generation_config" => {
            configs += 1;
            config(reader, request)
        }
        b"toolConfig" | b"tool_config" => {
            let member = request.members.spans.len();
            if forces(reader)? {
                calls = Some(member);
            }
            Ok(())
        }
        _ => reader.pass(),
    })?;
    if configs > 1 {
        request.ambiguous = Some("generationConfig".to_owned());
    }
    request.generation.uses.extend(calls.map(|member| (member, Use::Called)));
    Ok(request)
}

fn config(reader: &mut Reader<'_>, request: &mut Request) -> Result<(), Error> {
    let member = request.members.spans.len();
    let mut seen: Vec<String> = Vec::new();
    reader.members(|reader, key| {
        let name = spelled_once(&String::from_utf8_lossy(&key.name()));
        if seen.contains(&name) {
            request.ambiguous = Some(format!("generationConfig.{name}"));
        }
        match name.as_str() {
            "candidatecount" => request.choices.extend(reader.capped_number()?),
            "thinkingconfig" => thinking(reader, request)?,
            // A router that asks another model, or any.
            "routingconfig" | "modelconfig" | "modelselectionconfig" => {
                let span = reader.skip()?;
                request.delegate_edits.push((member, Edit::literal(span, "null")));
            }
            "responsemimetype" => {
                let kind = reader.name()?.map(|(_, kind)| kind);
                let forms = ["application/json", "text/x.enum"];
                let read = kind.is_some_and(|it| forms.contains(&it.as_str()));
                request.generation.uses.extend(read.then_some((member, Use::Structured)));
            }
            "responseschema" | "responsejsonschema" | "_responsejsonschema" => {
                let given = says(reader)?;
                request.generation.uses.extend(given.then_some((member, Use::Structured)));
            }
            "responsemodalities" => reader.elements(|reader, _| {
                let spoken = reader.name()?.is_some_and(|(_, it)| it.eq_ignore_ascii_case("audio"));
                request.generation.uses.extend(spoken.then_some((member, Use::Spoken)));
                Ok(())
            })?,
            _ => reader.pass()?,
        }
        seen.push(name);
        Ok(())
    })
}

/// A name without what differs between its two spellings.
fn spelled_once(name: &str) -> String {
    let underlined = name.starts_with('_');
    let plain: String = name.chars().filter(|it| *it != '_').collect();
    let plain = plain.to_lowercase();
    if underlined { format!("_{plain}") } else { plain }
}

fn thinking(reader: &mut Reader<'_>, request: &mut Request) -> Result<(), Error> {
    let mut seen: Vec<String> = Vec::new();
    let mut budget = None;
    reader.members(|reader, key| {
        let name = spelled_once(&String::from_utf8_lossy(&key.name()));
        if seen.contains(&name) {
            request.ambiguous = Some(format!("thinkingConfig.{name}"));
        }
        match name.as_str() {
            "thinkingbudget" => budget = reader.capped_number()?,
            "thinkinglevel" => {
                let effort = AskedEffort::read(reader)?;
                request.efforts.push(AskedEffort { spellings: &EFFORTS, ..effort });
            }
            _ => reader.pass()?,
        }
        seen.push(name);
        Ok(())
    })?;
    request.thinking.extend(Thinking::of_budget(budget));
    Ok(())
}

/// Whether the model has to call a tool: `{functionCallingConfig: {mode}}`.
fn forces(reader: &mut Reader<'_>) -> Result<bool, Error> {
    let mut any = false;
    reader.members(|reader, key| {
        if !key.is("functionCallingConfig") && !key.is("function_calling_config") {
            return reader.pass();
        }
        reader.members(|reader, key| {
            if !key.is("mode") {
                return reader.pass();
            }
            any = reader.name()?.is_some_and(|(_, mode)| mode.eq_ignore_ascii_case("any"));
            Ok(())
        })
    })?;
    Ok(any)
}

/// Whether the last content is the model's own, to be continued.
fn contents(reader: &mut Reader<'_>, request: &mut Request) -> Result<(), Error> {
    let mut last = LastMessage::default();
    let mut content = |reader: &mut Reader<'_>| {
        let mut message = prefill::Message::default();
        reader.members(|reader, key| message.read(reader, &key.name()))?;
        last.followed_by(message);
        Ok(())
    };
    match reader.kind()? {
        Kind::Array => reader.elements(|reader, _| content(reader))?,
        _ => content(reader)?,
    }
    request.prefilled |= last.is_prefilled();
    request.prefilled_if_hoisted |= last.is_prefilled_if_hoisted();
    Ok(())
}
