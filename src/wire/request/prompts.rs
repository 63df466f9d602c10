//! Prompts that are all of what a model sees.

use std::sync::Arc;

use super::{Lists, Request};
use crate::secret::opaque_debug;
use crate::wire::json::{Error, Kind, Reader};

/// The most prompts that are kept. No server answers as many at once.
const MOST: usize = 1024;

/// The prompts of a request whose protocol has no messages: each is gone on from.
#[derive(Clone, Default)]
pub struct Prompts {
    /// Each as a text, as far as they are kept; `None` for one that cannot be read, such as tokens.
    texts: Vec<Option<Arc<str>>>,
    /// How many there are.
    count: u64,
    /// How many choices are asked for of each.
    each: u64,
    /// The member of the top level without which the request has none, by index.
    member: Option<usize>,
}

opaque_debug!(Prompts);

impl Request {
    /// Reads a body whose `prompt` is all of what a model sees, or several; `counts` tells the members that say
    /// how many answers there are of each, and `member` takes all others.
    ///
    /// # Errors
    /// As [`Request::read`].
    pub(in crate::wire) fn read_prompted(
        mut self,
        body: &[u8],
        lists: &Lists,
        counts: impl Fn(&[u8]) -> bool,
        mut member: impl FnMut(&mut Self, &mut Reader<'_>, &[u8]) -> Result<(), Error>,
    ) -> Result<Self, Error> {
        self.prompts = Some(Prompts::default());
        let mut each = 1;
        let mut request = self.read(body, lists, |request, reader, name| match name {
            b"prompt" => {
                request.prompts = Some(Prompts::read(reader)?);
                Ok(())
            }
            name if counts(name) => {
                let asked = reader.capped_number()?;
                each = asked.as_ref().map_or(each, |(_, asked)| each.max(*asked));
                request.choices.extend(asked);
                Ok(())
            }
            name => member(request, reader, name),
        })?;
        request.prompts.iter_mut().for_each(|prompts| prompts.ask_each(each));
        // A prompt is gone on with; nobody calls anything.
        request.generation.tools = false;
        Ok(request)
    }
}

impl Prompts {
    /// Reads a prompt as a text or as tokens, or several.
    pub(in crate::wire) fn read(reader: &mut Reader<'_>) -> Result<Self, Error> {
        let mut prompts = Self::default();
        match reader.kind()? {
            Kind::Null => reader.pass()?,
            Kind::Array => {
                let mut tokens = false;
                reader.elements(|reader, _| match reader.kind()? {
                    // The tokens of one.
                    Kind::Scalar | Kind::Null => {
                        if !std::mem::replace(&mut tokens, true) {
                            prompts.add(None);
                        }
                        reader.pass()
                    }
                    _ => prompts.read_one(reader),
                })?;
            }
            _ => prompts.read_one(reader)?,
        }
        Ok(prompts)
    }

    fn read_one(&mut self, reader: &mut Reader<'_>) -> Result<(), Error> {
        let text = match reader.kind()? {
            Kind::String => reader.name()?.map(|(_, text)| text),
            // One with media in it, as llama.cpp has them.
            Kind::Object => {
                let mut texts = Vec::new();
                reader.members(|reader, key| match key.is("prompt_string") {
                    true => {
                        texts.push(reader.name()?.map(|(_, text)| text));
                        Ok(())
                    }
                    false => reader.pass(),
                })?;
                // Of two, either may be read.
                texts.pop().flatten().filter(|_| texts.is_empty())
            }
            _ => {
                reader.pass()?;
                None
            }
        };
        self.add(text);
        Ok(())
    }

    /// Adds one, which is a text or cannot be read.
    pub(in crate::wire) fn add(&mut self, text: Option<String>) {
        self.count += 1;
        if self.texts.len() < MOST {
            self.texts.push(text.map(Arc::from));
        }
    }

    /// The one of a request that asks for no template, by that member.
    pub(in crate::wire) fn of_raw(text: Option<String>, member: usize) -> Self {
        let mut prompts = Self { member: Some(member), ..Self::default() };
        prompts.add(text);
        prompts
    }

    /// Whether the request has them when `removed` members are taken out of it.
    #[must_use]
    pub fn are_left(&self, removed: &[usize]) -> bool {
        self.member.is_none_or(|member| !removed.contains(&member))
    }

    /// So many choices are asked for of each.
    pub(in crate::wire) fn ask_each(&mut self, choices: u64) {
        self.each = choices;
    }

    /// How many choices are asked for of each.
    #[must_use]
    pub fn each(&self) -> u64 {
        self.each.max(1)
    }

    /// How many there are, at least one: without any a server begins anew.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count.max(1)
    }

    /// Whether all of them are texts.
    #[must_use]
    pub fn are_read(&self) -> bool {
        self.texts.iter().all(Option::is_some) && self.count == self.texts.len() as u64
    }

    /// Those that are texts, in their order.
    pub fn texts(&self) -> impl Iterator<Item = &Arc<str>> {
        self.texts.iter().flatten()
    }
}
