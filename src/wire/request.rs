//! What a protocol finds in a request.

use std::ops::Range;

use super::generation::Generation;
use super::json::{Edit, Error, Members, Reader, removals};

/// The most members that a request may have at its top level: what is noted of each is many times
/// its own length.
const MEMBERS: usize = 1024;

/// A request body, looked into. Spans are those of whole values, unless said otherwise.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// The model: the contents of its string, and its name.
    pub model: Option<(Range<usize>, String)>,
    /// Whether the answer is to be streamed.
    pub stream: bool,
    /// Numbers of choices asked for (`n`, `best_of`).
    pub choices: Vec<(Range<usize>, u64)>,
    /// Caps on output tokens; `None` where the value is not a whole number.
    pub output_caps: Vec<(Range<usize>, Option<u64>)>,
    /// The member that caps output tokens when the request names none.
    pub output_cap_member: &'static str,
    /// Reasoning efforts: the contents of their strings.
    pub efforts: Vec<(Range<usize>, String)>,
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
    /// A governed member that stands twice, or under a name that differs in case only: servers
    /// disagree on which one counts.
    pub ambiguous: Option<String>,
    /// The conversation ends with words put into the model's mouth.
    pub prefilled: bool,
    /// The request can keep the model from closing a reasoning section that its template opened:
    /// by a stop at the closing tag, a bias against it, or a grammar without it.
    pub steers_tags: bool,
    /// What is said of how the answer is sampled, marked and read.
    pub generation: Generation,
    /// Members by which servers of the protocol take settings of their samplers and marks.
    pub sampler_members: &'static [&'static str],
    /// The conversation holds reasoning that its server signed, and may compare with what it wrote.
    pub signed_history: bool,
    /// Where a member can be inserted: just behind the opening brace.
    pub insert_at: usize,
}

/// A request's thinking settings.
#[derive(Clone, Debug)]
pub struct Thinking {
    /// The whole setting.
    pub span: Range<usize>,
    /// The budget in tokens.
    pub budget: Option<(Range<usize>, u64)>,
    /// What turns thinking off, if the setting can say so.
    pub off: Option<&'static str>,
    /// What asks the upstream to seal what it signs: an insertion.
    pub seal: Option<Edit>,
}

impl Request {
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
        let comma = if self.members.spans.len() > removed { "," } else { "" };
        let at = self.insert_at;
        Edit { span: at..at, with: format!("\"{name}\":{value}{comma}").into_bytes() }
    }

    /// Reads a request body into a request of which the protocol's constants are set. What all
    /// protocols have is read here, every other member by `member`.
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
        Reader::new(body).document(|reader| {
            reader.kind()?;
            self.insert_at = reader.position() + 1;
            reader.object(|reader, key| {
                let value = reader.spanned(|reader| match &*key.name() {
                    b"model" => {
                        self.model = reader.name()?;
                        Ok(())
                    }
                    b"stream" => {
                        let value = reader.skip()?;
                        self.stream = body.get(value) == Some(b"true");
                        Ok(())
                    }
                    name @ (b"max_tokens" | b"max_completion_tokens") if lists.govern(name) => {
                        let span = reader.skip()?;
                        let digits = body.get(span.clone()).map(std::str::from_utf8);
                        let cap =
                            digits.and_then(Result::ok).and_then(|digits| digits.parse().ok());
                        self.output_caps.push((span, cap));
                        Ok(())
                    }
                    name => member(&mut self, reader, name),
                })?;
                let folded = fold(&String::from_utf8_lossy(&key.name()));
                let at = Reader::at(body, value.start);
                self.generation.read(&key.name(), &folded, self.members.spans.len(), at)?;
                self.member(&key.name(), folded, key.start..value.end, lists, &mut seen)
            })
        })?;
        Ok(self)
    }

    /// Notes a member of the top level.
    fn member(
        &mut self,
        name: &[u8],
        folded: String,
        span: Range<usize>,
        lists: &Lists,
        seen: &mut Vec<String>,
    ) -> Result<(), Error> {
        if self.members.spans.len() == MEMBERS {
            return Err(Error { at: span.start, expected: "the end of an object this long" });
        }
        let name = String::from_utf8_lossy(name);
        if lists.governed.contains(&folded.as_str()) && (folded != name || seen.contains(&folded)) {
            self.ambiguous = Some(folded.clone());
        }
        let listed = lists.governed.contains(&&*name) || lists.allowed.contains(&&*name);
        self.unlisted.push((!listed).then(|| name.into_owned()));
        seen.push(folded);
        self.members.spans.push(span);
        Ok(())
    }
}

/// A protocol's names of request members.
pub(super) struct Lists {
    /// Members that the policy may act on.
    pub(super) governed: &'static [&'static str],
    /// Members that open no way round.
    pub(super) allowed: &'static [&'static str],
}

impl Lists {
    fn govern(&self, name: &[u8]) -> bool {
        self.governed.iter().any(|governed| governed.as_bytes() == name)
    }
}

/// Case folding as Go's encoding/json matches names: ASCII, and the two letters beyond it that fold
/// to `s` and `k`.
pub(super) fn fold(name: &str) -> String {
    name.chars()
        .map(|character| match character {
            '\u{17f}' => 's',
            '\u{212a}' => 'k',
            _ => character.to_ascii_lowercase(),
        })
        .collect()
}
