//! What a protocol finds in a request.

use std::ops::Range;

use super::ServerKind;
use super::generation::Generation;
use super::governed::cap_named;
use super::json::{Edit, Error, Members, Reader, fold, removals};
use super::model_name::is_blank;
use super::target::{Target, decoded};

mod delegates;
mod edits;
#[cfg(test)]
pub(crate) mod elsewhere;
mod inside;
pub(super) mod lists;
mod place;
mod prompts;
mod settings;
mod steering;
mod tools;

use crate::secret::opaque_debug;
use delegates::Delegates;
pub use edits::{Edited, Edits};
pub(super) use lists::Lists;
use lists::{BUDGET, overrides};
pub use place::{Place, SettingPlace, SettingValue};
pub use prompts::Prompts;
pub use settings::{Asked, AskedEffort, EffortSaid, Model, OutputCap, Thinking};

/// The most members that a request may have at its top level: what is noted of each is many times
/// its own length.
const MEMBERS: usize = 1024;

/// The object that holds the effort where it is asked for with what else concerns the reasoning. Models
/// that do not reason refuse it.
const REASONING: &str = "reasoning";

/// The most texts to stop at that are noted, and the longest. No server takes as many.
const STOPS: (usize, usize) = (64, 1024);

/// A request body, looked into. Spans are those of whole values, unless said otherwise.
#[derive(Clone, Default)]
pub struct Request {
    /// The server that it goes to, as far as it is known.
    pub server: ServerKind,
    /// Where it is addressed to.
    pub target: Target,
    /// The models that it names, that of the path first: it is the one that answers.
    pub models: Vec<Model>,
    /// Where one is added if there is none.
    pub model_place: SettingPlace,
    /// Whether the answer is to be streamed.
    pub stream: bool,
    /// Where that is said, if it is.
    pub stream_place: Option<Place>,
    /// Numbers of choices asked for (`n`, `best_of`).
    pub choices: Vec<(Range<usize>, u64)>,
    /// Caps on output tokens.
    pub output_caps: Vec<OutputCap>,
    /// Where one is added if there is none, where all servers of the protocol agree.
    pub output_cap_place: SettingPlace,
    /// Reasoning efforts.
    pub efforts: Vec<AskedEffort>,
    /// Where one is added if there is none.
    pub effort_place: SettingPlace,
    /// The same for servers that read an object `reasoning`, if there is one without an effort.
    pub reasoning_place: SettingPlace,
    /// An object `reasoning` has a budget, or is turned off: as much as an effort, and servers that
    /// read it refuse both at once.
    pub effort_said: bool,
    /// Thinking settings.
    pub thinking: Vec<Thinking>,
    /// Whether usage will come in a stream without being asked for, or was asked for.
    pub usage_in_stream: bool,
    /// What makes usage come in a stream; `None` if it cannot be asked for in this request.
    pub ask_usage: Option<Edit>,
    /// The members of the top level, and the names of those that no allow-list knows.
    pub members: Members,
    /// By member: its name, if it is not on the protocol's allow-list.
    pub unlisted: Vec<Option<String>>,
    /// What an unlisted member can be replaced by rather than removed, because it turns reasoning
    /// off, with the index of the member.
    pub narrowed: Vec<(usize, Edit)>,
    /// Settings inside of the protocol's own object that no allow-list knows, by name, and what takes their
    /// values out.
    pub unlisted_settings: Vec<(String, Edit)>,
    /// Unlisted members that set a model, a cap or an effort for some server, by index.
    pub overrides: Vec<usize>,
    /// Members that have other models take part, by index.
    pub delegating: Vec<usize>,
    /// The removals of what has, inside of other members, with the index of the member.
    pub delegate_edits: Vec<(usize, Edit)>,
    /// A governed member that stands twice, or under a name that differs in case only: servers
    /// disagree on which one counts.
    pub ambiguous: Option<String>,
    /// What the answers go on from, where that is not a conversation.
    pub prompts: Option<Prompts>,
    /// The conversation ends with words put into the model's mouth.
    pub prefilled: bool,
    /// It does where system messages that close it are moved to the front.
    pub prefilled_if_hoisted: bool,
    /// The conversation ends with a turn that the server's own tools have paused.
    pub resumed: bool,
    /// The request can keep the model from closing a reasoning section that its template opened:
    /// by a stop at the closing tag, a bias against it, or a grammar or schema without it.
    pub steers_tags: bool,
    /// The texts at which the client wants the answer to end, as far as they are noted.
    pub stops: Vec<String>,
    /// What the tools are called that are called like no program, as far as they are noted.
    pub tools: Vec<String>,
    /// What is said of how the answer is sampled, marked and read.
    pub generation: Generation,
    /// Members by which servers of the protocol take settings of their samplers and marks.
    pub sampler_members: &'static [&'static str],
    /// The conversation holds reasoning that its server signed, and may compare with what it wrote.
    pub signed_history: bool,
    /// Where a member can be inserted: just behind the opening brace.
    pub insert_at: usize,
}

opaque_debug!(Request);

impl Request {
    /// The request as one to a server of this kind.
    #[must_use]
    pub fn addressed(mut self, server: ServerKind) -> Self {
        self.generation.read_by(server);
        Self { server, ..self }
    }

    /// The names of models in it.
    #[must_use]
    pub fn model_names(&self) -> Vec<&str> {
        self.models.iter().filter_map(|model| model.name.as_deref()).collect()
    }

    /// The name of the model that is asked, if the request names one.
    #[must_use]
    pub fn model_name(&self) -> Option<&str> {
        self.models.iter().find_map(|model| model.name.as_deref())
    }

    /// Where a cap is added where the request has none.
    #[must_use]
    pub fn place_of_cap(&self) -> SettingPlace {
        match self.output_cap_place {
            SettingPlace::Nowhere => self.server.cap_place(),
            place => place,
        }
    }

    /// Whether the server acts on this cap. Its other members may say what they like.
    #[must_use]
    pub fn is_read(&self, cap: &OutputCap) -> bool {
        self.output_cap_place != SettingPlace::Nowhere || self.server.reads_cap(cap.member)
    }

    /// Whether the server acts on this effort, so that none has to be added.
    #[must_use]
    pub fn says(&self, effort: &AskedEffort) -> bool {
        match effort.place {
            EffortSaid::Plain => true,
            EffortSaid::Reasoning => self.server.reads_reasoning(),
            EffortSaid::Thinking => false,
        }
    }

    /// Where an effort is added if the request names none.
    #[must_use]
    pub fn place_of_effort(&self) -> SettingPlace {
        let read = self.server.reads_reasoning();
        match (self.reasoning_place, self.effort_place) {
            _ if read && self.effort_said => SettingPlace::Nowhere,
            (place @ SettingPlace::Inside { .. }, _) if read => place,
            (_, SettingPlace::Member([_] | [REASONING, _])) if !self.server.takes_effort() => {
                SettingPlace::Nowhere
            }
            (_, place) => place,
        }
    }

    /// Whether an effort can be added where the request names none.
    #[must_use]
    pub fn takes_effort(&self) -> bool {
        self.place_of_effort() != SettingPlace::Nowhere
    }

    /// The members that are not on the allow-list, but for those that `keep` names, by index.
    #[must_use]
    pub fn unlisted_but(&self, keep: &[String]) -> Vec<usize> {
        let names = self.unlisted.iter().enumerate();
        let unlisted = names.filter_map(|(index, name)| Some((index, name.as_deref()?)));
        let removed = unlisted.filter(|(_, name)| !keep.iter().any(|kept| kept == name));
        removed.map(|(index, _)| index).collect()
    }

    /// The edits that take members of the top level out, by index. All that are taken out have to
    /// be named at once: which comma goes with one depends on the others.
    #[must_use]
    pub fn removals(&self, removed: &[usize]) -> Vec<Edit> {
        let mut mask = vec![false; self.members.spans.len()];
        for index in removed {
            if let Some(removed) = mask.get_mut(*index) {
                *removed = true;
            }
        }
        removals(&self.members, |index| mask.get(index).copied().unwrap_or(false))
    }

    /// The edit that adds a member, `value` being JSON, to what is left when `removed` members are
    /// taken out.
    #[must_use]
    pub fn insert(&self, name: &str, value: &str, removed: usize) -> Edit {
        self.insert_all(&[(name, value.to_owned())], removed)
    }

    /// The edit that adds several members, of which there is at least one.
    #[must_use]
    pub fn insert_all(&self, members: &[(&str, String)], removed: usize) -> Edit {
        let mut with = String::new();
        for (name, value) in members {
            let before = if with.is_empty() { "\"" } else { ",\"" };
            [before, name, "\":", value].into_iter().for_each(|part| with.push_str(part));
        }
        if self.members.spans.len() > removed {
            with.push(',');
        }
        Edit::literal(self.insert_at..self.insert_at, with)
    }

    /// Reads a request body into a request of which the target and the protocol's constants are set.
    /// What all protocols have is read here, every other member by `member`.
    ///
    /// # Errors
    /// The body is not an object, has more than [`MEMBERS`] members, or what `member` returns.
    pub(super) fn read(
        mut self,
        body: &[u8],
        lists: &Lists,
        mut member: impl FnMut(&mut Self, &mut Reader<'_>, &[u8]) -> Result<(), Error>,
    ) -> Result<Self, Error> {
        let mut seen = Vec::new();
        self.read_target();
        let said_by_path = self.stream_place.is_some();
        Reader::new(body).document(|reader| {
            reader.kind()?;
            self.insert_at = reader.position() + 1;
            reader.object(|reader, key| {
                let value = reader.spanned(|reader| match &*key.name() {
                    b"model" => {
                        let mut name = None;
                        let span = reader.spanned(|reader| {
                            name = reader.name()?.map(|(_, name)| name);
                            Ok(())
                        })?;
                        let name = name.filter(|name| !is_blank(name));
                        // Of one that stands twice the last one counts, if the request is read at all.
                        self.models.retain(|it| !matches!(it.place, Place::Body(_)));
                        self.models.push(Model { place: Place::Body(span), name });
                        Ok(())
                    }
                    b"stream" if !said_by_path => {
                        let value = reader.skip()?;
                        let said = body.get(value.clone()).unwrap_or_default();
                        self.stream = match lists.streams_unasked {
                            true => said != b"false",
                            false => said == b"true",
                        };
                        self.stream_place = Some(Place::Body(value));
                        Ok(())
                    }
                    name => match cap_named(None, name).filter(|_| lists.govern(name)) {
                        Some(cap) => self.output_cap(cap, !lists.holders.is_empty(), reader),
                        None => member(&mut self, reader, name),
                    },
                })?;
                let folded = fold(&String::from_utf8_lossy(&key.name()));
                self.inside(&key.name(), lists, &mut Reader::at(body, value.start))?;
                self.delegates(&folded, &mut Reader::at(body, value.start))?;
                self.tools(&key.name(), &mut Reader::at(body, value.start))?;
                self.steering(&folded, &mut Reader::at(body, value.start))?;
                let at = Reader::at(body, value.start);
                // Ollama's format alone gives an answer its form.
                let known = lists.know(&folded) && (folded != "format" || lists.formed_by_format);
                let member = (self.members.spans.len(), known);
                self.generation.read(&key.name(), &folded, member, at)?;
                let said = body.get(value.clone()).unwrap_or_default();
                self.member(&key.name(), folded, key.start..value.end, said, lists, &mut seen)
            })
        })?;
        Ok(self)
    }

    /// Notes what the target says.
    fn read_target(&mut self) {
        let model = self.target.model_span().zip(self.target.model());
        let model = model.map(|(span, name)| Model {
            place: self.target.place(span),
            name: Some(decoded(name).into_owned()),
        });
        self.models.extend(model);
        if let Some((span, streams)) = self.target.stream() {
            (self.stream, self.stream_place) = (streams, Some(Place::Path(span)));
        }
    }

    /// Reads a value that caps output.
    fn output_cap(
        &mut self,
        member: &'static str,
        rarely_read: bool,
        reader: &mut Reader<'_>,
    ) -> Result<(), Error> {
        let span = reader.skip()?;
        let asked = Asked::read(reader.bytes().get(span.clone()).unwrap_or_default());
        self.output_caps.push(OutputCap { member, rarely_read, place: Place::Body(span), asked });
        Ok(())
    }

    /// Notes what in the member that is read has other models take part.
    fn delegates(&mut self, folded: &str, reader: &mut Reader<'_>) -> Result<(), Error> {
        let member = self.members.spans.len();
        match Delegates::read(folded, reader)? {
            Delegates::None => {}
            Delegates::Some(edits) => {
                self.delegate_edits.extend(edits.into_iter().map(|edit| (member, edit)));
            }
            Delegates::All => self.delegating.push(member),
        }
        Ok(())
    }

    /// Notes a member of the top level.
    fn member(
        &mut self,
        name: &[u8],
        folded: String,
        span: Range<usize>,
        value: &[u8],
        lists: &Lists,
        seen: &mut Vec<String>,
    ) -> Result<(), Error> {
        let index = self.members.spans.len();
        if index == MEMBERS {
            return Err(Error { at: span.start, expected: "the end of an object this long" });
        }
        let name = String::from_utf8_lossy(name);
        let governed = lists.governed.iter().find(|it| it.eq_ignore_ascii_case(&folded));
        if let Some(governed) = governed.filter(|it| **it != name || seen.contains(&folded)) {
            self.ambiguous = Some((*governed).to_owned());
        }
        // One that was read as a budget is lowered with the others.
        let lowered = name == BUDGET
            && self.thinking.last().is_some_and(|thinking| thinking.span.end == span.end);
        let own = lists.govern(name.as_bytes());
        if overrides(&folded, value) && !lowered && !own {
            self.overrides.push(index);
        }
        let passes = lists.pass(&name, value);
        if let Some(object) = lists.narrowed(&name, value).filter(|_| !passes) {
            let span = span.end - value.len()..span.end;
            self.narrowed.push((index, Edit { span, with: object }));
        }
        self.unlisted.push((!passes).then(|| name.into_owned()));
        seen.push(folded);
        self.members.spans.push(span);
        Ok(())
    }
}
