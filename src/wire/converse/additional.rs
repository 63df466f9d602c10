//! `additionalModelRequestFields`: members of the model's own request, which go to it as they are.

use crate::wire::json::{Edit, Error, Kind, Reader, fold};
use crate::wire::request::{Asked, AskedEffort, OutputCap, Place, Request, Thinking};

/// The most members that are not known.
const MEMBERS: usize = 1024;

/// Members that open no way round, besides those that are read.
const ALLOWED: [&str; 15] = [
    "anthropic_beta",
    "frequency_penalty",
    "min_p",
    "presence_penalty",
    "repetition_penalty",
    "seed",
    "stop_sequences",
    "temperature",
    "tool_choice",
    "tools",
    "topK",
    "topP",
    "top_k",
    "top_p",
    "frequencyPenalty",
];

/// Members that cap output, for some model.
const CAPS: [&str; 9] = [
    "maxTokenCount",
    "maxTokens",
    "max_completion_tokens",
    "max_gen_len",
    "max_new_tokens",
    "max_output_tokens",
    "max_tokens",
    "max_tokens_to_sample",
    "num_predict",
];

/// Objects of models' own settings.
const HOLDERS: [&str; 2] = ["inferenceConfig", "textGenerationConfig"];

/// What has another model answer, for some gateway.
const DELEGATING: [&str; 4] = ["fallbacks", "model", "models", "route"];

/// Members that say how much the model is to think.
const REASONING: [&str; 5] =
    ["output_config", "reasoningConfig", "reasoning_config", "reasoning_effort", "thinking"];

/// Reads the object.
pub(super) fn scan(reader: &mut Reader<'_>, request: &mut Request) -> Result<(), Error> {
    if reader.kind()? != Kind::Object {
        return reader.pass();
    }
    let mut seen = Vec::new();
    reader.members(|reader, key| {
        let name = String::from_utf8_lossy(&key.name()).into_owned();
        once(&name, &mut seen, request);
        match name.as_str() {
            "thinking" => request.thinking.extend(Thinking::read(reader, "budget_tokens")?),
            "reasoning_config" => {
                let thinking = Thinking::read(reader, "budget_tokens")?;
                // It knows no other ways to show what was thought.
                request.thinking.extend(thinking.map(|it| Thinking { seal: None, ..it }));
            }
            "reasoning_effort" => request.efforts.push(AskedEffort::read(reader)?),
            "output_config" => effort(reader, "effort", request)?,
            "reasoningConfig" => effort(reader, "maxReasoningEffort", request)?,
            name if CAPS.contains(&name) => cap(reader, name, request)?,
            name if HOLDERS.contains(&name) => settings(reader, request)?,
            name => other(reader, name, request)?,
        }
        Ok(())
    })
}

/// Notes a name that stands twice, or in another letter case than its own: servers disagree on which one counts.
fn once(name: &str, seen: &mut Vec<String>, request: &mut Request) {
    let folded = fold(name);
    let governed = REASONING.iter().chain(&CAPS).chain(&HOLDERS);
    let own = governed.into_iter().find(|it| it.eq_ignore_ascii_case(&folded));
    let Some(own) = own else { return };
    if *own != name || seen.contains(&folded) {
        request.ambiguous = Some(format!("additionalModelRequestFields.{own}"));
    }
    seen.push(folded);
}

/// The effort in an object of its own.
pub(super) fn effort(
    reader: &mut Reader<'_>,
    name: &str,
    request: &mut Request,
) -> Result<(), Error> {
    let mut efforts = 0;
    reader.members(|reader, key| {
        if !key.is(name) {
            return reader.pass();
        }
        efforts += 1;
        request.efforts.push(AskedEffort::read(reader)?);
        Ok(())
    })?;
    if efforts > 1 {
        request.ambiguous = Some(name.to_owned());
    }
    Ok(())
}

fn cap(reader: &mut Reader<'_>, name: &str, request: &mut Request) -> Result<(), Error> {
    let Some(member) = CAPS.into_iter().find(|it| *it == name) else { return reader.pass() };
    let span = reader.skip()?;
    let asked = Asked::read(reader.bytes().get(span.clone()).unwrap_or_default());
    let place = Place::Body(span);
    request.output_caps.push(OutputCap { member, rarely_read: true, place, asked });
    Ok(())
}

fn settings(reader: &mut Reader<'_>, request: &mut Request) -> Result<(), Error> {
    if reader.kind()? != Kind::Object {
        return reader.pass();
    }
    let mut seen = Vec::new();
    reader.members(|reader, key| {
        let name = String::from_utf8_lossy(&key.name()).into_owned();
        once(&name, &mut seen, request);
        match name.as_str() {
            name if CAPS.contains(&name) => cap(reader, name, request),
            name => other(reader, name, request),
        }
    })
}

/// A member that is not read: it goes unless it is known to open no way round.
fn other(reader: &mut Reader<'_>, name: &str, request: &mut Request) -> Result<(), Error> {
    let null = reader.kind()? == Kind::Null;
    let value = reader.skip()?;
    let closed = Edit::literal(value, "null");
    if DELEGATING.contains(&fold(name).as_str()) {
        let member = request.members.spans.len();
        request.delegate_edits.push((member, closed.clone()));
    }
    if !null && !ALLOWED.contains(&name) {
        // What is noted of one is many times its own length.
        if request.unlisted_settings.len() == MEMBERS {
            return Err(reader.expected("the end of an object this long"));
        }
        request.unlisted_settings.push((name.to_owned(), closed));
    }
    Ok(())
}
