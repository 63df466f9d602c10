//! What a request says of its model, its output and its effort, in every spelling that servers read.

use std::ops::Range;

use super::Place;
use crate::secret::opaque_debug;
use crate::wire::json::{Edit, Error, Kind, Reader};

/// A model that a request names.
#[derive(Clone)]
pub struct Model {
    /// Where.
    pub place: Place,
    /// Its name; `None` where the value is no string, or a blank one, so that the server chooses.
    pub name: Option<String>,
}

opaque_debug!(Model);

/// A cap on output tokens.
#[derive(Clone, Debug)]
pub struct OutputCap {
    /// The member that says it.
    pub member: &'static str,
    /// It stands where few servers read it.
    pub rarely_read: bool,
    /// Where.
    pub place: Place,
    /// What it says.
    pub asked: Asked,
}

/// What is asked for by a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// Nothing: the value is null.
    Nothing,
    /// So many tokens.
    Tokens(u64),
    /// A value that servers read differently, or as no bound.
    Unclear,
}

impl Asked {
    /// Reads a value, which may be of any type.
    pub(in crate::wire) fn read(value: &[u8]) -> Self {
        if value == b"null" {
            return Self::Nothing;
        }
        let text = std::str::from_utf8(value).ok();
        // None at all, and less, are no bound to some.
        match text.and_then(|digits| digits.parse().ok()) {
            None | Some(0) => Self::Unclear,
            Some(tokens) => Self::Tokens(tokens),
        }
    }
}

/// Where an effort is said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EffortSaid {
    /// Where the protocol has it.
    #[default]
    Plain,
    /// In an object `reasoning`, which some servers read.
    Reasoning,
    /// In `thinking`, where hardly any does.
    Thinking,
}

/// A reasoning effort.
#[derive(Clone)]
pub struct AskedEffort {
    /// The whole value.
    pub span: Range<usize>,
    /// The name, in lower case and without white space around it; `None` where it is no string.
    pub name: Option<String>,
    /// The value is null, so that the server's own effort holds.
    pub absent: bool,
    /// The value stands where an object with a member `effort` is read.
    pub wrapped: bool,
    /// Where it stands.
    pub place: EffortSaid,
    /// The member of the top level that is nothing but this effort, by index.
    pub member: Option<usize>,
    /// What stands here for efforts that have another name, or none, as JSON.
    pub spellings: &'static [(&'static str, &'static str)],
}

opaque_debug!(AskedEffort);

impl AskedEffort {
    /// Reads the value that stands next.
    pub(in crate::wire) fn read(reader: &mut Reader<'_>) -> Result<Self, Error> {
        let absent = reader.kind()? == Kind::Null;
        let mut name = None;
        let span = reader.spanned(|reader| {
            name = reader.name()?.map(|(_, name)| name.trim().to_lowercase());
            Ok(())
        })?;
        let (place, member, spellings) = (EffortSaid::Plain, None, &[]);
        Ok(Self { span, name, absent, wrapped: false, place, member, spellings })
    }

    /// The edit that makes it another.
    #[must_use]
    pub fn replaced(&self, name: &str) -> Edit {
        if let Some((_, spelled)) = self.spellings.iter().find(|(known, _)| *known == name) {
            return Edit::literal(self.span.clone(), (*spelled).to_owned());
        }
        let with =
            if self.wrapped { format!("{{\"effort\":\"{name}\"}}") } else { format!("\"{name}\"") };
        Edit::literal(self.span.clone(), with)
    }
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
    /// The model decides how much it thinks, by its effort.
    pub adaptive: bool,
}

impl Thinking {
    /// Reads `thinking: {type, budget_tokens, …}` as Anthropic has it, and servers of other
    /// protocols after it, some of which have another name for the `budget`.
    pub(in crate::wire) fn read(
        reader: &mut Reader<'_>,
        budget_name: &str,
    ) -> Result<Option<Self>, Error> {
        if reader.kind()? != Kind::Object {
            return reader.pass().map(|()| None);
        }
        let inside = reader.position() + 1;
        let mut budget = None;
        let mut display = None;
        let (mut on, mut adaptive) = (false, false);
        let span = reader.spanned(|reader| {
            reader.members(|reader, key| {
                match &*key.name() {
                    b"type" => {
                        let kind = reader.name()?.map(|(_, kind)| kind);
                        on = kind.as_deref().is_some_and(|kind| kind != "disabled");
                        adaptive = kind.as_deref() == Some("adaptive");
                    }
                    name if name == budget_name.as_bytes() => budget = reader.capped_number()?,
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
        Ok(Some(Self { span, budget, off, seal, adaptive }))
    }

    /// A budget that is a member of its own.
    pub(in crate::wire) fn of_budget(budget: Option<(Range<usize>, u64)>) -> Option<Self> {
        let span = budget.clone()?.0;
        Some(Self { span, budget, off: None, seal: None, adaptive: false })
    }
}
