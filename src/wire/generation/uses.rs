//! What a client says it will do with the answer.

use crate::wire::ServerKind;
use crate::wire::json::{Error, Kind, Reader, fold};

/// Members that make the answer follow a schema, a grammar or a list, unless they are empty.
const STRUCTURES: [&str; 12] = [
    "allowed_token_ids",
    "ebnf",
    "format",
    "grammar",
    "guided_choice",
    "guided_grammar",
    "guided_json",
    "guided_regex",
    "json_schema",
    "regex",
    "structural_tag",
    "structured_outputs",
];

/// Types of formats that are not plain text. A server refuses any other, or passes over it.
const FORMATS: [&str; 9] = [
    "choice",
    "ebnf",
    "gbnf",
    "grammar",
    "json",
    "json_object",
    "json_schema",
    "regex",
    "structural_tag",
];

/// Members that some servers read and others pass over, and whose they are. Where it is not known which server is
/// behind, it may be one of those, unless it hardly ever is.
const READERS: [(&str, &[ServerKind]); 21] = [
    ("allowed_token_ids", &[ServerKind::Custom, ServerKind::Vllm]),
    ("ebnf", &[ServerKind::Custom, ServerKind::Sglang]),
    ("echo", &ALL_BUT_OLLAMA),
    // What tools were before they had that name.
    ("function_call", &[ServerKind::Custom, ServerKind::OpenAi]),
    ("grammar", &[ServerKind::Custom, ServerKind::LlamaCpp]),
    ("guided_choice", &[ServerKind::Custom, ServerKind::Vllm]),
    ("guided_grammar", &[ServerKind::Custom, ServerKind::Vllm]),
    ("guided_json", &[ServerKind::Custom, ServerKind::Vllm]),
    ("guided_regex", &[ServerKind::Custom, ServerKind::Vllm]),
    ("include", &ALL_BUT_OLLAMA),
    ("json_schema", &[ServerKind::Custom, ServerKind::LlamaCpp]),
    ("logprob_token_ids", &[ServerKind::Custom, ServerKind::Sglang]),
    ("modalities", &[ServerKind::Custom, ServerKind::OpenAi]),
    ("n_probs", &[ServerKind::Custom, ServerKind::LlamaCpp]),
    ("prediction", &[ServerKind::OpenAi]),
    ("prompt_logprobs", &[ServerKind::Custom, ServerKind::Vllm]),
    ("regex", &[ServerKind::Custom, ServerKind::Sglang]),
    (
        "response_format",
        &[
            ServerKind::Custom,
            ServerKind::OpenAi,
            ServerKind::Mistral,
            ServerKind::Vllm,
            ServerKind::Sglang,
            ServerKind::LlamaCpp,
            ServerKind::Ollama,
            ServerKind::Tgi,
            ServerKind::Gemini,
            ServerKind::Bedrock,
        ],
    ),
    ("structural_tag", &[ServerKind::Custom, ServerKind::Sglang]),
    ("structured_outputs", &[ServerKind::Custom, ServerKind::Vllm]),
    ("tool_choice", &ALL_BUT_OLLAMA),
];

const ALL_BUT_OLLAMA: [ServerKind; 10] = [
    ServerKind::Custom,
    ServerKind::OpenAi,
    ServerKind::Anthropic,
    ServerKind::Mistral,
    ServerKind::Vllm,
    ServerKind::Sglang,
    ServerKind::LlamaCpp,
    ServerKind::Tgi,
    ServerKind::Gemini,
    ServerKind::Bedrock,
];

/// The servers that read a member of this name, before whose value the reader stands, where not all of them do.
pub(super) fn readers_of(
    folded: &str,
    reader: &mut Reader<'_>,
) -> Result<Option<&'static [ServerKind]>, Error> {
    if folded == "response_format" {
        // Ollama knows two.
        let passed_over = |(format, schema): (String, bool)| match &*format {
            "json_object" => false,
            "json_schema" => !schema,
            _ => true,
        };
        if format(reader)?.is_some_and(passed_over) {
            return Ok(Some(&ALL_BUT_OLLAMA));
        }
    }
    Ok(READERS.iter().find(|(name, _)| *name == folded).map(|(_, readers)| *readers))
}

/// Members that have the answer's probabilities told, unless they are empty.
const PROBABILITIES: [&str; 5] =
    ["logprob_token_ids", "logprobs", "n_probs", "prompt_logprobs", "top_logprobs"];

/// A use of the answer that an edit of its text, or of the model's choice of words, would harm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Use {
    /// It has to follow a schema, a grammar or a list of choices.
    Structured,
    /// It is compared with a text that the client predicts.
    Predicted,
    /// It calls a tool, and says nothing besides.
    Called,
    /// It comes with the probabilities of its tokens.
    Probabilities,
    /// It begins with the prompt.
    Echoed,
    /// It is spoken, and its text is a transcript.
    Spoken,
}

impl Use {
    /// Whether the answer is no prose by a member that says so, so that a server which does not know the member answers
    /// with prose.
    pub(super) fn is_form(self) -> bool {
        matches!(self, Self::Structured | Self::Predicted | Self::Spoken | Self::Called)
    }
}

/// The use that a member of the top level says, if it says any.
pub(super) fn use_of(folded: &str, reader: &mut Reader<'_>) -> Result<Option<Use>, Error> {
    let body = reader.bytes();
    let kind = reader.kind()?;
    let found = match folded {
        "output_format" | "response_format" => is_schema(reader)?.then_some(Use::Structured),
        // To llama.cpp an empty one is that of any value.
        "json_schema" if kind == Kind::Object => {
            reader.pass()?;
            Some(Use::Structured)
        }
        // Of Responses.
        "text" => {
            let mut format = false;
            reader.members(|reader, key| {
                if fold(&String::from_utf8_lossy(&key.name())) != "format" {
                    return reader.pass();
                }
                format |= is_schema(reader)?;
                Ok(())
            })?;
            format.then_some(Use::Structured)
        }
        "include" => {
            let mut found = false;
            reader.elements(|reader, _| {
                found |= reader.name()?.is_some_and(|(_, extra)| extra.contains("logprobs"));
                Ok(())
            })?;
            found.then_some(Use::Probabilities)
        }
        "output_config" => {
            let mut format = false;
            reader.members(|reader, key| {
                if fold(&String::from_utf8_lossy(&key.name())) != "format" {
                    return reader.pass();
                }
                format |= is_schema(reader)?;
                Ok(())
            })?;
            format.then_some(Use::Structured)
        }
        "tool_choice" | "function_call" => forces(kind, reader)?.then_some(Use::Called),
        "modalities" => {
            let mut spoken = false;
            reader.elements(|reader, _| {
                spoken |= reader.name()?.is_none_or(|(_, modality)| modality != "text");
                Ok(())
            })?;
            spoken.then_some(Use::Spoken)
        }
        "prediction" => says(reader)?.then_some(Use::Predicted),
        "echo" => {
            let value = body.get(reader.skip()?).unwrap_or_default();
            (!is_off(value)).then_some(Use::Echoed)
        }
        _ if STRUCTURES.contains(&folded) => says(reader)?.then_some(Use::Structured),
        _ if PROBABILITIES.contains(&folded) => {
            let value = body.get(reader.skip()?).unwrap_or_default();
            // `top_logprobs: 0` asks for none.
            (!is_off(value)).then_some(Use::Probabilities)
        }
        _ => None,
    };
    Ok(found)
}

/// Whether a format is another than that of plain text.
pub(in crate::wire) fn is_schema(reader: &mut Reader<'_>) -> Result<bool, Error> {
    Ok(format(reader)?.is_some_and(|(format, _)| FORMATS.contains(&format.as_str())))
}

/// What a format says that it is, and whether a schema stands beside it.
fn format(reader: &mut Reader<'_>) -> Result<Option<(String, bool)>, Error> {
    let (mut format, mut schema) = (None, false);
    reader.members(|reader, key| {
        if key.is("type") {
            format = reader.name()?.map(|(_, format)| format);
            return Ok(());
        }
        if !key.is("json_schema") || reader.kind()? != Kind::Object {
            return reader.pass();
        }
        reader.members(|reader, key| {
            let value = reader.skip()?;
            let value = reader.bytes().get(value).unwrap_or_default();
            // An empty one is that of any value.
            schema |= key.is("schema") && (value == b"{}" || !is_nothing(value));
            Ok(())
        })
    })?;
    Ok(format.map(|format| (format, schema)))
}

/// Whether a member says anything: an object, or a list, with something in it that is not null.
pub(in crate::wire) fn says(reader: &mut Reader<'_>) -> Result<bool, Error> {
    let mut says = false;
    let mut one = |reader: &mut Reader<'_>| {
        let value = reader.skip()?;
        says |= !is_nothing(reader.bytes().get(value).unwrap_or_default());
        Ok(())
    };
    match reader.kind()? {
        Kind::Object => reader.members(|reader, _| one(reader))?,
        Kind::Array => reader.elements(|reader, _| one(reader))?,
        _ => one(reader)?,
    }
    Ok(says)
}

/// Whether a choice of tools leaves the model none but to call one.
fn forces(kind: Kind, reader: &mut Reader<'_>) -> Result<bool, Error> {
    if kind == Kind::String {
        return Ok(reader.name()?.is_some_and(|(_, choice)| {
            !["none", "auto"].iter().any(|free| choice.eq_ignore_ascii_case(free))
        }));
    }
    let mut free = false;
    reader.members(|reader, key| {
        if !key.is("type") {
            return reader.pass();
        }
        free = reader
            .name()?
            .is_some_and(|(_, kind)| ["none", "auto", "allowed_tools"].contains(&kind.as_str()));
        Ok(())
    })?;
    Ok(kind == Kind::Object && !free)
}

/// What servers take for a member that is not there.
fn is_nothing(value: &[u8]) -> bool {
    let nothing: [&[u8]; 5] = [b"null", b"false", b"[]", b"{}", b"\"\""];
    nothing.contains(&value)
}

/// What servers take for a switch that is off, or a count of none: Pydantic reads words too.
pub(super) fn is_off(value: &[u8]) -> bool {
    let word = value.trim_ascii();
    let word = word.strip_prefix(b"\"").and_then(|word| word.strip_suffix(b"\"")).unwrap_or(word);
    let off: [&[u8]; 5] = [b"f", b"false", b"n", b"no", b"off"];
    is_nothing(value)
        || number(value) == Some(0.0)
        || off.iter().any(|off| word.eq_ignore_ascii_case(off))
}

/// A number as lenient servers read it: in quotes too, and `false` for zero.
pub(super) fn number(value: &[u8]) -> Option<f64> {
    let text = std::str::from_utf8(value).ok()?;
    match text {
        "false" => Some(0.0),
        "true" => Some(1.0),
        _ => text.trim_matches('"').trim().parse().ok(),
    }
}
