//! What a request says of how its answer is sampled, marked and read.
//!
//! A mark must not spoil an answer that a program reads, and a client must not turn its mark off or
//! set one of its own. Servers are lenient in different ways: some match names in any letter case,
//! some take the last of two members, some read settings out of objects inside. So what would turn
//! a mark off is found in every spelling and at every depth that is known to be read; what would
//! make a mark unsound counts if any spelling of it says so.

use std::ops::Range;

use super::ServerKind;
use super::json::{Edit, Error, Kind, Members, Reader, fold, removals};

mod uses;

pub use uses::Use;
use uses::{is_off, number, readers_of, use_of};
pub(super) use uses::{is_schema, says};

/// How deep objects inside are searched for settings of marks.
const DEPTH: usize = 4;

/// The most members that such objects may have, all together: what is noted of each is many times
/// its own length.
const MEMBERS: usize = 1024;

/// The most members of an object that a carrier may add to.
const ENTRIES: usize = 4096;

/// Members that set a mark or turn it off: SGLang's and TGI's `watermark`, vLLM's `watermarking`.
const MARKS: [&str; 2] = ["watermark", "watermarking"];

/// Samplers that prefer what is less likely and so work against a mark, and what they are when off.
const AGAINST: [(&str, f64); 2] = [("typical_p", 1.0), ("xtc_probability", 0.0)];

/// Objects that vLLM hands to its plugins.
const PLUGINS: [&str; 2] = ["vllm_xargs", "extra_args"];

/// Settings of vLLM's watermark plugins.
const PLUGIN_MARKS: [&str; 4] = ["gamma", "delta", "hash_key", "seeding_scheme"];

/// Objects in which servers and gateways find further members: the `OpenAI` client's `extra_body`
/// as it is sent by other clients, Ollama's `options`, TGI's `parameters`, SGLang's
/// `sampling_params`.
const CONTAINERS: [&str; 4] = ["extra_body", "options", "parameters", "sampling_params"];

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
    /// Members of the top level that set a mark, weaken it or turn it off, by index.
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
    /// Members of the top level that only these servers read, by index.
    readers: Vec<(usize, &'static [ServerKind])>,
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

    /// The same, where a server of this kind answers: what that passes over says nothing.
    pub(super) fn read_by(&mut self, server: ServerKind) {
        let readers = &self.readers;
        let passed_over = |member: &usize| {
            readers.iter().any(|(of, servers)| of == member && !servers.contains(&server))
        };
        self.uses.retain(|(member, _)| !passed_over(member));
    }

    /// Reads a member of the top level: its name, the name without regard to case, its index,
    /// whether the protocol has it, and a reader that stands before its value.
    pub(super) fn read(
        &mut self,
        name: &[u8],
        folded: &str,
        (member, known): (usize, bool),
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
            _ if AGAINST.iter().any(|(name, _)| *name == folded) => {
                let value = reader.skip()?;
                let degree = number(body.get(value).unwrap_or_default());
                let off = AGAINST.iter().any(|(name, off)| *name == folded && degree == Some(*off));
                self.mark_members.extend((!off).then_some(member));
            }
            "logit_bias" | "vllm_xargs" => self.setting(folded, exact, member, reader)?,
            "temperature" | "top_k" | "do_sample" | "use_beam_search" | "beam_width" | "tools"
            | "functions" => {
                self.sampling(folded, &mut reader)?;
            }
            _ if holds => {}
            _ => {
                let kind = use_of(folded, &mut reader)?.filter(|kind| known || !kind.is_form());
                self.uses.extend(kind.map(|kind| (member, kind)));
                if kind.is_some() {
                    let readers = readers_of(folded, &mut Reader::at(body, at))?;
                    self.readers.extend(readers.map(|servers| (member, servers)));
                }
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
            "do_sample" => self.greedy |= is_off(value) && kind != Kind::Null,
            "tools" | "functions" => {
                let empty = value.iter().all(|byte| b"[] \n\r\t".contains(byte));
                self.tools |= kind == Kind::Array && !empty;
            }
            "beam_width" => self.beam |= number(value).is_some_and(|width| width > 1.0),
            _ => self.beam |= !is_off(value),
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
