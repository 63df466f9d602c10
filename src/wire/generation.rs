//! What a request says of how its answer is sampled, marked and read.
//!
//! A mark must not spoil an answer that a program reads, and a client must not turn its mark off or
//! set one of its own. Servers are lenient in different ways: some match names in any letter case,
//! some take the last of two members, some read settings out of objects inside. So what would turn
//! a mark off is found in every spelling and at every depth that is known to be read; what would
//! make a mark unsound counts if any spelling of it says so.

use std::ops::Range;

use super::json::{Edit, Error, Kind, Members, Reader, removals};
use super::request::fold;

/// How deep objects inside are searched for settings of marks.
const DEPTH: usize = 4;

/// The most members that such objects may have, all together: what is noted of each is many times
/// its own length.
const MEMBERS: usize = 1024;

/// The most members of an object that a carrier may add to.
const ENTRIES: usize = 4096;

/// Members that set a mark or turn it off: SGLang's and TGI's `watermark`, vLLM's `watermarking`.
const MARKS: [&str; 2] = ["watermark", "watermarking"];

/// Objects that vLLM hands to its plugins.
const PLUGINS: [&str; 2] = ["vllm_xargs", "extra_args"];

/// Settings of vLLM's watermark plugins.
const PLUGIN_MARKS: [&str; 4] = ["gamma", "delta", "hash_key", "seeding_scheme"];

/// Objects in which servers and gateways find further members: the `OpenAI` client's `extra_body`
/// as it is sent by other clients, Ollama's `options`, TGI's `parameters`, SGLang's
/// `sampling_params`.
const CONTAINERS: [&str; 4] = ["extra_body", "options", "parameters", "sampling_params"];

/// Members that make the answer follow a schema, a grammar or a list, unless they are empty.
const STRUCTURES: [&str; 13] = [
    "allowed_token_ids",
    "ebnf",
    "format",
    "grammar",
    "guided_choice",
    "guided_grammar",
    "guided_json",
    "guided_regex",
    "json_schema",
    "output_format",
    "regex",
    "structural_tag",
    "structured_outputs",
];

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

/// An object of settings that a carrier may add to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// The top level's member that it is the value of, by index.
    pub member: usize,
    /// The whole value.
    pub span: Range<usize>,
    /// Where a member can be inserted: just behind the opening brace; `None` if the value is null,
    /// and gives way as a whole.
    pub inside: Option<usize>,
    /// The names of its members.
    pub names: Vec<String>,
    /// How many members are left when the settings of marks are taken out.
    pub kept: usize,
    /// Whether it can be added to: an object or null, not too long, spelled as documented.
    pub open: bool,
}

/// What a request says of how its answer is sampled, marked and read.
#[derive(Clone, Debug, Default)]
pub struct Generation {
    /// Uses that bear on marks, each with the index of the top level's member that says so.
    pub uses: Vec<(usize, Use)>,
    /// Members of the top level that set a mark or turn it off, by index.
    pub mark_members: Vec<usize>,
    /// The removals of such settings inside of other members, with the index of the member.
    pub mark_edits: Vec<(usize, Edit)>,
    /// The caller's `logit_bias`, as often as it stands.
    pub logit_bias: Vec<Setting>,
    /// The caller's settings of vLLM's plugins, as often as they stand.
    pub plugins: Vec<Setting>,
    /// The most likely token is always taken.
    pub greedy: bool,
    /// Several answers are searched at once for the best.
    pub beam: bool,
    /// The model is offered tools.
    pub tools: bool,
    /// Members noted of objects inside.
    noted: usize,
}

impl Generation {
    /// Whether the answer has one of `uses`, when the members `closed` do not reach the upstream.
    #[must_use]
    pub fn used(&self, uses: &[Use], closed: &[usize]) -> bool {
        self.uses.iter().any(|(member, kind)| {
            let idle = *kind == Use::Called && !self.tools;
            uses.contains(kind) && !idle && !closed.contains(member)
        })
    }

    /// Reads a member of the top level: its name, the name without regard to case, its index, and
    /// a reader that stands before its value.
    pub(super) fn read(
        &mut self,
        name: &[u8],
        folded: &str,
        member: usize,
        mut reader: Reader<'_>,
    ) -> Result<(), Error> {
        let exact = name == folded.as_bytes();
        let (body, at) = (reader.bytes(), reader.position());
        let holds = PLUGINS.contains(&folded) || CONTAINERS.contains(&folded);
        if holds {
            self.nested(folded, member, &mut Reader::at(body, at), DEPTH)?;
        }
        match folded {
            _ if MARKS.contains(&folded) => self.mark_members.push(member),
            "logit_bias" | "vllm_xargs" => self.setting(folded, exact, member, reader)?,
            "temperature" | "top_k" | "use_beam_search" | "beam_width" | "tools" | "functions" => {
                self.sampling(folded, &mut reader)?;
            }
            _ if holds => {}
            _ => {
                let kind = use_of(folded, &mut reader)?;
                self.uses.extend(kind.map(|kind| (member, kind)));
            }
        }
        Ok(())
    }

    fn sampling(&mut self, folded: &str, reader: &mut Reader<'_>) -> Result<(), Error> {
        let kind = reader.kind()?;
        let value = reader.skip()?;
        let value = reader.bytes().get(value).unwrap_or_default();
        match folded {
            // Below this servers take zero for meant.
            "temperature" => self.greedy |= number(value).is_some_and(|degree| degree <= 1e-5),
            "top_k" => self.greedy |= number(value) == Some(1.0),
            "tools" | "functions" => {
                let empty = value.iter().all(|byte| b"[] \n\r\t".contains(byte));
                self.tools |= kind == Kind::Array && !empty;
            }
            "beam_width" => self.beam |= number(value).is_some_and(|width| width > 1.0),
            _ => self.beam |= !is_nothing(value),
        }
        Ok(())
    }

    /// Finds the settings of marks in an object inside. Such an object can hold another.
    fn nested(
        &mut self,
        folded: &str,
        member: usize,
        reader: &mut Reader<'_>,
        depth: usize,
    ) -> Result<(), Error> {
        let plugin = PLUGINS.contains(&folded);
        let (mut members, mut marks) = (Members::default(), Vec::new());
        reader.members(|reader, key| {
            if self.noted == MEMBERS {
                return Err(reader.expected("the end of an object this long"));
            }
            self.noted += 1;
            let name = fold(&String::from_utf8_lossy(&key.name()));
            let mark = MARKS.contains(&&*name) || plugin && PLUGIN_MARKS.contains(&&*name);
            let holds = PLUGINS.contains(&&*name) || CONTAINERS.contains(&&*name);
            let value = reader.spanned(|reader| {
                if holds && !mark && depth > 1 {
                    return self.nested(&name, member, reader, depth - 1);
                }
                reader.pass()
            })?;
            members.spans.push(key.start..value.end);
            marks.push(mark);
            Ok(())
        })?;
        let edits = removals(&members, |index| marks.get(index).copied().unwrap_or(false));
        self.mark_edits.extend(edits.into_iter().map(|edit| (member, edit)));
        Ok(())
    }

    /// Reads an object that a carrier may add to.
    fn setting(
        &mut self,
        folded: &str,
        exact: bool,
        member: usize,
        mut reader: Reader<'_>,
    ) -> Result<(), Error> {
        let kind = reader.kind()?;
        let inside = (kind == Kind::Object).then(|| reader.position() + 1);
        let plugin = folded == "vllm_xargs";
        let settings = if plugin { &mut self.plugins } else { &mut self.logit_bias };
        let (mut names, mut long) = (Vec::new(), !settings.is_empty());
        let span = reader.spanned(|reader| {
            reader.members(|reader, key| {
                long |= names.len() == ENTRIES;
                if !long {
                    names.push(String::from_utf8_lossy(&key.name()).into_owned());
                }
                reader.pass()
            })
        })?;
        let mark = |name: &String| {
            let name = fold(name);
            plugin && (MARKS.contains(&&*name) || PLUGIN_MARKS.contains(&&*name))
        };
        let kept = names.iter().filter(|name| !mark(name)).count();
        let open = exact && !long && matches!(kind, Kind::Object | Kind::Null);
        settings.push(Setting { member, span, inside, names, kept, open });
        Ok(())
    }
}

/// The use that a member of the top level says, if it says any.
fn use_of(folded: &str, reader: &mut Reader<'_>) -> Result<Option<Use>, Error> {
    let body = reader.bytes();
    let kind = reader.kind()?;
    let says =
        |reader: &mut Reader<'_>| Ok(!is_nothing(body.get(reader.skip()?).unwrap_or_default()));
    let found = match folded {
        "response_format" => {
            let mut text = false;
            let value = reader.spanned(|reader| {
                reader.members(|reader, key| {
                    if !key.is("type") {
                        return reader.pass();
                    }
                    text = reader.name()?.is_some_and(|(_, kind)| kind == "text");
                    Ok(())
                })
            })?;
            (!text && !is_nothing(body.get(value).unwrap_or_default())).then_some(Use::Structured)
        }
        "output_config" => {
            let mut format = false;
            reader.members(|reader, key| {
                if fold(&String::from_utf8_lossy(&key.name())) != "format" {
                    return reader.pass();
                }
                format |= says(reader)?;
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
        "echo" => says(reader)?.then_some(Use::Echoed),
        _ if STRUCTURES.contains(&folded) => says(reader)?.then_some(Use::Structured),
        _ if PROBABILITIES.contains(&folded) => {
            let value = body.get(reader.skip()?).unwrap_or_default();
            // `top_logprobs: 0` asks for none.
            (!is_nothing(value) && number(value) != Some(0.0)).then_some(Use::Probabilities)
        }
        _ => None,
    };
    Ok(found)
}

/// Whether a choice of tools leaves the model none but to call one.
fn forces(kind: Kind, reader: &mut Reader<'_>) -> Result<bool, Error> {
    if kind == Kind::String {
        return Ok(reader.name()?.is_some_and(|(_, choice)| choice != "none" && choice != "auto"));
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
    let nothing: [&[u8]; 4] = [b"null", b"false", b"[]", b"\"\""];
    nothing.contains(&value)
}

/// A number as lenient servers read it: in quotes too, and `false` for zero.
fn number(value: &[u8]) -> Option<f64> {
    let text = std::str::from_utf8(value).ok()?;
    match text {
        "false" => Some(0.0),
        "true" => Some(1.0),
        _ => text.trim_matches('"').trim().parse().ok(),
    }
}
