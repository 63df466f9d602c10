//! Where a request carries the thoughts of the model: the signatures of the parts of what it said.

use std::ops::Range;

use super::{AMBIGUOUS, PART, THOUGHT, UNSIGNED};
use crate::wire::carried::{Around, Carried, Element, Nothing, blocks, string};
use crate::wire::json::{Error, Reader};
use crate::wire::thought::Thought;

/// Finds the signed parts of what the model said.
pub(super) fn scan(body: &[u8], each: &mut dyn FnMut(Carried)) -> Result<(), Error> {
    blocks(body, ("contents", "model", "parts"), Part::read, Part::carried, each)
}

#[derive(Default)]
struct Part {
    thought: Thought,
    text: Option<Range<usize>>,
    signature: Option<Range<usize>>,
    calls: bool,
    twice: bool,
    around: Around,
}

impl Part {
    fn read(&mut self, reader: &mut Reader<'_>) -> Result<(), Error> {
        reader.members(|reader, key| {
            let name = key.name();
            self.around.begins(key.start);
            let signs = matches!(&*name, b"thoughtSignature" | b"thought_signature");
            match &*name {
                _ if signs => {
                    self.twice |= self.signature.is_some();
                    self.signature = string(reader)?;
                }
                b"text" => {
                    self.twice |= self.text.is_some();
                    self.text = string(reader)?;
                }
                name => {
                    self.calls |= matches!(name, b"functionCall" | b"function_call");
                    self.thought.read(name, reader)?;
                    reader.pass()?;
                }
            }
            self.around.ended(key.start, reader.position(), signs);
            Ok(())
        })
    }

    fn carried(self, block: Element, message: Element) -> Option<Carried> {
        let Self { thought, text, signature, calls, twice, around } = self;
        let (value, nothing) = (signature?, around.nothing());
        let thought = thought.says() && !calls;
        let carrier = match (twice, thought) {
            (true, _) => AMBIGUOUS,
            (false, true) => THOUGHT,
            (false, false) => PART,
        };
        let texts = text.filter(|_| thought).map(|span| (0, span)).into_iter().collect();
        let unopened = if calls { Nothing::Value(UNSIGNED) } else { nothing.clone() };
        Some(Carried {
            carrier,
            value,
            nothing,
            unopened,
            texts,
            member: thought.then_some("text"),
            lists: Vec::new(),
            block: thought.then_some(block),
            message: thought.then_some(message),
        })
    }
}
