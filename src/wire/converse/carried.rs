//! Where a request carries the model's reasoning: the reasoning blocks of what it said.

use std::ops::Range;

use super::{AMBIGUOUS, REASONING, REDACTED};
use crate::wire::carried::{Around, Carried, Element, Nothing, blocks, string};
use crate::wire::json::{Error, Reader};

/// Finds the reasoning blocks of the model's own messages.
pub(super) fn scan(body: &[u8], each: &mut dyn FnMut(Carried)) -> Result<(), Error> {
    let read = |block: &mut Block, reader: &mut Reader<'_>| {
        reader.members(|reader, key| match key.is("reasoningContent") {
            true => block.read(reader),
            false => reader.pass(),
        })
    };
    let carried = |block: Block, at, message| block.carried((at, message));
    blocks(body, ("messages", "assistant", "content"), read, carried, each)
}

#[derive(Default)]
struct Block {
    text: Option<Range<usize>>,
    signature: Option<Range<usize>>,
    redacted: Option<Range<usize>>,
    twice: bool,
    around: Around,
}

impl Block {
    fn read(&mut self, reader: &mut Reader<'_>) -> Result<(), Error> {
        reader.members(|reader, key| match &*key.name() {
            b"reasoningText" => self.reasoning(reader),
            b"redactedContent" => {
                self.twice |= self.redacted.is_some();
                self.redacted = string(reader)?;
                Ok(())
            }
            _ => reader.pass(),
        })
    }

    fn reasoning(&mut self, reader: &mut Reader<'_>) -> Result<(), Error> {
        reader.members(|reader, key| {
            self.around.begins(key.start);
            let signs = key.is("signature");
            match &*key.name() {
                b"signature" => {
                    self.twice |= self.signature.is_some();
                    self.signature = string(reader)?;
                }
                b"text" => {
                    self.twice |= self.text.is_some();
                    self.text = string(reader)?;
                }
                _ => reader.pass()?,
            }
            self.around.ended(key.start, reader.position(), signs);
            Ok(())
        })
    }

    fn carried(self, (block, message): (Element, Element)) -> Option<Carried> {
        let Self { text, signature, redacted, twice, around } = self;
        let nothing = around.nothing();
        let (carrier, value, nothing, member) = match (signature, redacted) {
            (Some(_), Some(value)) => (AMBIGUOUS, value, nothing, None),
            (Some(value), None) => (REASONING, value, nothing, Some("text")),
            (None, Some(value)) => (REDACTED, value, Nothing::Value("\"\""), None),
            (None, None) => return None,
        };
        Some(Carried {
            carrier: if twice { AMBIGUOUS } else { carrier },
            value,
            unopened: nothing.clone(),
            nothing,
            texts: text.map(|span| (0, span)).into_iter().collect(),
            member,
            lists: Vec::new(),
            block: Some(block),
            message: Some(message),
        })
    }
}
