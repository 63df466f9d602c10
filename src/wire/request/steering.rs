//! By what a client can keep its model from closing a section, or have it write something else instead.
//!
//! Where a chat template opens the reasoning, only its closing tells it from the answer. A stop at the tag, a bias against
//! it or a grammar without it, and the tag does not come. Servers take such settings under many names and in many
//! objects, and which of them a server reads is not known here: one table serves all protocols, at every place in which
//! any of them reads settings.

use super::{Request, STOPS};
use crate::wire::json::{Error, Kind, Reader, fold, unescape};

/// Texts at which the answer is to end.
const STOPPING: [&str; 4] = ["stop", "stopsequences", "stopstrings", "stoppingstrings"];

/// Members that choose or bar what the model may write, whatever they say.
const CHOOSING: [&str; 27] = [
    "allowedtokenids",
    "antiprompt",
    "badwords",
    "badwordsids",
    "bannedstrings",
    "bannedtokens",
    "customlogitprocessor",
    "customtokenbans",
    "ebnf",
    "grammar",
    "grammarstring",
    "guidedgrammar",
    "guidedregex",
    "guidedwhitespacepattern",
    "logitbias",
    "logitprocessors",
    "logitsprocessor",
    "logitsprocessors",
    "regex",
    "sequencebias",
    "stopregex",
    "stoptoken",
    "stoptokenids",
    "stoptokens",
    "structuraltag",
    "structuredoutputs",
    "suppresstokens",
];

/// Members that bar what stands in the prompt already, and from which degree on they are felt.
const PENALIZING: [(&str, f64); 6] = [
    ("drymultiplier", 0.0),
    ("encodernorepeatngramsize", 0.0),
    ("norepeatngramsize", 0.0),
    // Makers of models recommend 1.05.
    ("encoderrepetitionpenalty", 1.1),
    ("repeatpenalty", 1.1),
    ("repetitionpenalty", 1.1),
];

/// Members that give the answer a form, of which it matters which.
const FORMING: [&str; 11] = [
    "format",
    "guideddecoding",
    "guidedjson",
    "jsonschema",
    "outputconfig",
    "outputformat",
    "responseformat",
    "responsejsonschema",
    "responseschema",
    // Of Responses; elsewhere it is a prompt.
    "text",
    "textformat",
];

/// Objects in which some server reads settings.
const HOLDERS: [&str; 11] = [
    "additionalmodelrequestfields",
    "extraargs",
    "extrabody",
    "generationconfig",
    "inferenceconfig",
    "nvext",
    "options",
    "parameters",
    "samplingparams",
    "textgenerationconfig",
    "vllmxargs",
];

/// How deep such objects stand in each other.
const DEPTH: usize = 4;

/// How deep a schema is looked into: what stands deeper may say anything.
const SCHEMA_DEPTH: usize = 64;

/// Types of formats and of schemas that leave a model the words of its strings.
const FREE_TYPES: [&str; 13] = [
    "any",
    "array",
    "boolean",
    "integer",
    "json",
    "jsonobject",
    "jsonschema",
    "null",
    "number",
    "object",
    "string",
    "text",
    "typeunspecified",
];

/// Formats of strings in which no thought finds room.
const SHORT_FORMATS: [&str; 14] = [
    "date", "datetime", "double", "duration", "email", "enum", "float", "hostname", "int32",
    "int64", "ipv4", "ipv6", "time", "uuid",
];

/// Members of a format or a schema that say what their strings are made of.
const SPELLING: [&str; 8] =
    ["ebnf", "gbnf", "grammar", "lark", "pattern", "regex", "structuraltag", "whitespacepattern"];

/// Members of a schema that quote what the client wrote: no schema stands in them.
const QUOTING: [&str; 6] = ["const", "default", "description", "enum", "examples", "title"];

impl Request {
    /// Notes whether a member, whose name is in folded case, can keep the model from closing a section.
    pub(super) fn steering(&mut self, folded: &str, reader: &mut Reader<'_>) -> Result<(), Error> {
        // What a conversation says is long, and is not read once more.
        let name = spelled(folded);
        let tables = [&STOPPING[..], &CHOOSING, &FORMING, &HOLDERS];
        let penalizing = PENALIZING.iter().any(|(penalizing, _)| *penalizing == name);
        if penalizing || tables.iter().any(|table| table.contains(&name.as_str())) {
            self.steering_within(&name, reader, DEPTH)?;
        }
        Ok(())
    }

    fn steering_within(
        &mut self,
        name: &str,
        reader: &mut Reader<'_>,
        depth: usize,
    ) -> Result<(), Error> {
        let listed = |names: &[&str]| names.contains(&name);
        if listed(&STOPPING) {
            self.stops(&mut Reader::at(reader.bytes(), reader.position()))?;
        }
        if listed(&STOPPING) || listed(&CHOOSING) {
            self.steers_tags |= says(reader)?;
        } else if listed(&HOLDERS) && depth > 1 {
            reader.members(|reader, key| {
                let name = spelled(&fold(&String::from_utf8_lossy(&key.name())));
                self.steering_within(&name, reader, depth - 1)
            })?;
        } else if listed(&FORMING) {
            self.steers_tags |= spells(reader, SCHEMA_DEPTH)?;
        } else if let Some((_, felt)) = PENALIZING.iter().find(|(it, _)| *it == name) {
            self.steers_tags |= degree(reader)?.is_some_and(|degree| degree > *felt);
        } else {
            reader.pass()?;
        }
        Ok(())
    }

    /// Reads a text at which the answer is to end, or several.
    fn stops(&mut self, reader: &mut Reader<'_>) -> Result<(), Error> {
        if reader.kind()? == Kind::Array {
            return reader.elements(|reader, _| self.stop(reader));
        }
        self.stop(reader)
    }

    fn stop(&mut self, reader: &mut Reader<'_>) -> Result<(), Error> {
        let text = reader.name()?.map(|(_, text)| text).filter(|text| text.len() <= STOPS.1);
        self.stops.extend(text.filter(|_| self.stops.len() < STOPS.0));
        Ok(())
    }
}

/// A name without what differs between its spellings: `stop_sequences`, `stopSequences`.
fn spelled(folded: &str) -> String {
    folded.chars().filter(|it| !matches!(it, '_' | '-')).collect()
}

/// Whether a member says anything.
fn says(reader: &mut Reader<'_>) -> Result<bool, Error> {
    let value = reader.skip()?;
    let value = reader.bytes().get(value).unwrap_or_default();
    let nothing: [&[u8]; 4] = [b"null", b"[]", b"{}", b"\"\""];
    Ok(!nothing.contains(&value))
}

/// A number, also one that a client wrote in quotes.
fn degree(reader: &mut Reader<'_>) -> Result<Option<f64>, Error> {
    let value = reader.skip()?;
    let value = reader.bytes().get(value).unwrap_or_default();
    let text = std::str::from_utf8(value).unwrap_or_default();
    Ok(text.trim_matches('"').trim().parse().ok())
}

/// Whether a reference may lead to where a schema quotes something, which is not looked at.
fn leads_to_quotation(reference: &str) -> bool {
    let mut named = false;
    let mut quoting = |step: &str| {
        let quotes = !named && QUOTING.contains(&spelled(&fold(step)).as_str());
        // What stands in these may be called like anything.
        named = !named && matches!(step, "$defs" | "definitions" | "properties");
        quotes
    };
    reference.contains(['%', '~']) || reference.split('/').any(&mut quoting)
}

/// Whether a format, or a schema in it, says of which characters the answer is made, or how many.
fn spells(reader: &mut Reader<'_>, depth: usize) -> Result<bool, Error> {
    let mut spells = false;
    match reader.kind()? {
        Kind::Object | Kind::Array if depth == 0 => {
            reader.pass()?;
            spells = true;
        }
        Kind::Object => reader.members(|reader, key| {
            let name = spelled(&fold(&String::from_utf8_lossy(&key.name())));
            spells |= member_spells(&name, reader, depth)?;
            Ok(())
        })?,
        Kind::Array => reader.elements(|reader, _| {
            spells |= self::spells(reader, depth - 1)?;
            Ok(())
        })?,
        Kind::String => spells = quoted_spells(reader, depth)?,
        Kind::Null | Kind::Scalar => reader.pass()?,
    }
    Ok(spells)
}

/// Whether a member of a schema does. A property of the same name has a schema for its value.
fn member_spells(name: &str, reader: &mut Reader<'_>, depth: usize) -> Result<bool, Error> {
    let kind = reader.kind()?;
    let text = |reader: &mut Reader<'_>| {
        let text = reader.name()?.map(|(_, text)| spelled(&fold(&text)));
        Ok(text.unwrap_or_default())
    };
    match (name, kind) {
        ("type", Kind::String) => Ok(!FREE_TYPES.contains(&text(reader)?.as_str())),
        ("format", Kind::String) => {
            // Ollama's whole format is a word, or a schema.
            let format = text(reader)?;
            Ok(!SHORT_FORMATS.contains(&format.as_str()) && !FREE_TYPES.contains(&format.as_str()))
        }
        ("maxlength", Kind::Scalar | Kind::String) | ("patternproperties", Kind::Object) => {
            says(reader)
        }
        (name, Kind::String) if SPELLING.contains(&name) => says(reader),
        ("$ref" | "$dynamicref" | "$recursiveref", Kind::String) => {
            Ok(reader.name()?.is_none_or(|(_, reference)| leads_to_quotation(&reference)))
        }
        (name, _) if QUOTING.contains(&name) && kind != Kind::Object => {
            reader.pass()?;
            Ok(false)
        }
        _ => spells(reader, depth - 1),
    }
}

/// Whether a schema that stands in a string does.
fn quoted_spells(reader: &mut Reader<'_>, depth: usize) -> Result<bool, Error> {
    let span = reader.skip()?;
    let raw = reader.bytes().get(span.start + 1..span.end - 1).unwrap_or_default();
    let Ok(text) = unescape(raw) else { return Ok(true) };
    if !text.trim_start().starts_with('{') {
        return Ok(false);
    }
    let mut found = false;
    let read = Reader::new(text.as_bytes()).document(|reader| {
        // Each string in another is looked at again.
        found = spells(reader, depth / 4)?;
        Ok(())
    });
    Ok(found || read.is_err())
}

#[cfg(test)]
mod tests {
    use crate::wire::{ProtocolId, Target};

    /// Where each protocol has settings beside what a request of it needs. `#` stands for a member.
    const PLACES: [(ProtocolId, &str); 23] = [
        (ProtocolId::Chat, r#"{"messages":[],#}"#),
        (ProtocolId::Chat, r#"{"messages":[],"extra_body":{#}}"#),
        (ProtocolId::Chat, r#"{"messages":[],"vllm_xargs":{#}}"#),
        (ProtocolId::Messages, r#"{"messages":[],#}"#),
        (ProtocolId::Responses, r#"{"input":"a",#}"#),
        (ProtocolId::Completions, r#"{"prompt":"a",#}"#),
        (ProtocolId::Ollama, r#"{"messages":[],#}"#),
        (ProtocolId::Ollama, r#"{"prompt":"a","options":{#}}"#),
        (ProtocolId::Gemini, r#"{"contents":[],"generationConfig":{#}}"#),
        (ProtocolId::Gemini, r#"{"contents":[],"generation_config":{#}}"#),
        (ProtocolId::Converse, r#"{"messages":[],"inferenceConfig":{#}}"#),
        (ProtocolId::Converse, r#"{"messages":[],"additionalModelRequestFields":{#}}"#),
        (
            ProtocolId::Converse,
            r#"{"messages":[],"additionalModelRequestFields":{"inferenceConfig":{#}}}"#,
        ),
        (ProtocolId::LlamaCpp, r#"{"prompt":"a",#}"#),
        (ProtocolId::Tgi, r#"{"inputs":"a","parameters":{#}}"#),
        (ProtocolId::Tgi, r#"{"text":"a","sampling_params":{#}}"#),
        (ProtocolId::Cohere, r#"{"messages":[],#}"#),
        (ProtocolId::Invoke, r#"{"anthropic_version":"a","messages":[],#}"#),
        (ProtocolId::Invoke, r#"{"messages":[{"role":"user","content":"a"}],#}"#),
        (
            ProtocolId::Invoke,
            r#"{"schemaVersion":"a","messages":[{"content":[{"text":"a"}]}],"inferenceConfig":{#}}"#,
        ),
        (ProtocolId::Invoke, r#"{"prompt":"a",#}"#),
        (ProtocolId::Invoke, r#"{"inputText":"a","textGenerationConfig":{#}}"#),
        (ProtocolId::Invoke, r#"{"message":"a","chat_history":[],#}"#),
    ];

    const STEERING: [&str; 39] = [
        r#""stop":["</think>"]"#,
        r#""stop":"</think>""#,
        r#""Stop":"</think>""#,
        r#""st\u006fp":"</think>""#,
        r#""stop_sequences":["</think>"]"#,
        r#""stopSequences":["</think>"]"#,
        r#""stop_token_ids":[151668]"#,
        r#""stop_regex":"</th.*""#,
        r#""bad_words":["</think>"]"#,
        r#""logit_bias":{"151668":-100}"#,
        r#""allowed_token_ids":[1]"#,
        r#""ebnf":"root ::= [^<]*""#,
        r#""grammar":"root ::= [^<]*""#,
        r#""guided_grammar":"root ::= [^<]*""#,
        r#""guided_regex":"[^<]*""#,
        r#""regex":"[^<]*""#,
        r#""structural_tag":"{}""#,
        r#""structured_outputs":{"regex":"[^<]*"}"#,
        r#""logits_processors":["a"]"#,
        r#""response_format":{"type":"regex","pattern":"[^<]*"}"#,
        r#""response_format":{"type":"grammar","grammar":"root ::= [^<]*"}"#,
        r#""response_format":{"type":"structural_tag","structures":[]}"#,
        r#""response_format":{"type":"json_schema","json_schema":{"schema":{"properties":{"a":{"type":"string","pattern":"^[^<]*$"}}}}}"#,
        r#""response_format":{"type":"json_schema","json_schema":{"schema":{"properties":{"a":{"type":"string","maxLength":400}}}}}"#,
        r#""response_format":{"type":"json_schema","json_schema":{"schema":{"patternProperties":{"^[^<]*$":{}}}}}"#,
        r#""guided_json":{"type":"string","p\u0061ttern":"[^<]*"}"#,
        r#""guided_json":"{\"type\":\"string\",\"pattern\":\"[^<]*\"}""#,
        r#""json_schema":{"anyOf":[{"type":"string","pattern":"[^<]*"}]}"#,
        r#""format":{"type":"object","properties":{"a":{"type":"string","pattern":"[^<]*"}}}"#,
        r#""responseSchema":{"type":"STRING","pattern":"[^<]*"}"#,
        r#""output_config":{"format":{"type":"json_schema","schema":{"items":{"pattern":"[^<]*"}}}}"#,
        r#""text":{"format":{"type":"json_schema","schema":{"properties":{"a":{"format":"json-pointer"}}}}}"#,
        r##""guided_json":{"examples":[{"type":"string","pattern":"^[^<]*$"}],"$ref":"#\/examples/0"}"##,
        r##""guided_json":{"properties":{"default":{}},"default":[{"pattern":"^[^<]*$"}],"$ref":"#/d%65fault/0"}"##,
        r#""dry_multiplier":0.8"#,
        r#""no_repeat_ngram_size":2"#,
        r#""repetition_penalty":1.5"#,
        r#""repeat_penalty":"1.5""#,
        r#""encoder_repetition_penalty":2"#,
    ];

    const LEAVING: [&str; 18] = [
        r#""stop":null"#,
        r#""stop":[]"#,
        r#""stop":"""#,
        r#""logit_bias":{}"#,
        r#""temperature":0.5"#,
        r#""format":"json""#,
        r#""guided_json":{}"#,
        r#""response_format":{"type":"text"}"#,
        r#""response_format":{"type":"json_object"}"#,
        // Properties may be called like anything, and what is quoted is no schema.
        r#""response_format":{"type":"json_schema","json_schema":{"schema":{"type":"object","properties":{"pattern":{"type":"string"},"type":{"type":["string","null"]},"maxLength":{"type":"integer"}}}}}"#,
        r#""json_schema":{"type":"string","description":"{a","enum":["a","b"],"format":"date-time"}"#,
        r#""responseSchema":{"type":"OBJECT","properties":{"a":{"type":"STRING","description":"pattern"}}}"#,
        r#""text":{"format":{"type":"text"},"verbosity":"low"}"#,
        r#""output_config":{"effort":"low"}"#,
        r##""guided_json":{"$defs":{"Enum":{"enum":["a"]},"title":{"type":"string"}},"anyOf":[{"$ref":"#/$defs/Enum"},{"$ref":"#/$defs/title"}]}"##,
        r#""repetition_penalty":1.05"#,
        r#""repeat_penalty":1.1"#,
        r#""dry_multiplier":0"#,
    ];

    fn steers(id: ProtocolId, place: &str, member: &str) -> Option<bool> {
        let body = place.replace('#', member);
        let request = id.codec().scan_request(Target::default(), body.as_bytes());
        // A body with a member that its vendor has not is nobody's, and is refused.
        request.ok().map(|request| request.steers_tags)
    }

    // Break it: read one of the names in one protocol only, or at the top level only.
    #[test]
    fn whatever_can_keep_a_tag_from_coming_is_found_in_every_protocol_and_place() {
        for (id, place) in PLACES {
            assert!(!steers(id, place, r#""stop":null"#).unwrap_or_default(), "{place}");
            for member in STEERING {
                assert_ne!(steers(id, place, member), Some(false), "{member} in {place}");
            }
        }
        let read = PLACES.iter().flat_map(|(id, place)| {
            STEERING.iter().filter(|member| steers(*id, place, member) == Some(true))
        });
        assert!(read.count() > PLACES.len() * STEERING.len() * 3 / 4, "bodies are refused");
    }

    #[test]
    fn what_leaves_the_model_its_words_does_not_steer_it() {
        for (id, place) in PLACES {
            for member in LEAVING {
                assert_ne!(steers(id, place, member), Some(true), "{member} in {place}");
            }
        }
    }

    #[test]
    fn a_schema_too_deep_to_be_read_may_say_anything_and_is_read_in_one_go() {
        let schema = [r#""json_schema":"#, &r#"{"a":["#.repeat(100_000), &"]}".repeat(100_000)];
        assert_eq!(steers(ProtocolId::Chat, PLACES[0].1, &schema.concat()), Some(true));
        let mut text = r#"{"type":"string"}"#.to_owned();
        for _ in 0..8 {
            text = serde_json::json!({ "schema": text }).to_string();
        }
        assert_eq!(
            steers(ProtocolId::Chat, PLACES[0].1, &format!(r#""json_schema":{text}"#)),
            Some(true)
        );
    }

    #[test]
    fn the_stops_of_every_protocol_are_noted() {
        for (id, place) in PLACES {
            for member in [r#""stop":["END"]"#, r#""stop_sequences":["END"]"#] {
                let body = place.replace('#', member);
                let Ok(request) = id.codec().scan_request(Target::default(), body.as_bytes())
                else {
                    continue;
                };
                assert_eq!(request.stops, ["END"], "{body}");
            }
        }
    }
}
