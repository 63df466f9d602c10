//! Where a Messages request carries the model's reasoning: the thinking blocks of what it said.

use std::ops::Range;

use super::{REDACTED, THINKING};
use crate::wire::carried::{Carried, Element, Nothing, blocks, string};
use crate::wire::json::{Error, Reader};

/// Finds the thinking blocks of the model's own messages.
pub(super) fn scan(body: &[u8], each: &mut dyn FnMut(Carried)) -> Result<(), Error> {
    blocks(body, ("messages", "assistant", "content"), Block::read, each_of, each)
}

#[derive(Default)]
struct Block {
    kind: Option<String>,
    thinking: Option<Range<usize>>,
    signature: Option<Range<usize>>,
    data: Option<Range<usize>>,
    twice: bool,
}

impl Block {
    fn read(&mut self, reader: &mut Reader<'_>) -> Result<(), Error> {
        reader.members(|reader, key| {
            let place = match &*key.name() {
                b"type" => {
                    self.twice |= self.kind.is_some();
                    self.kind = reader.name()?.map(|(_, kind)| kind);
                    return Ok(());
                }
                b"thinking" => &mut self.thinking,
                b"signature" => &mut self.signature,
                b"data" => &mut self.data,
                _ => return reader.pass(),
            };
            self.twice |= place.is_some();
            *place = string(reader)?;
            Ok(())
        })
    }
}

fn each_of(block: Block, place: Element, message: Element) -> Option<Carried> {
    let Block { kind, thinking, signature, data, twice } = block;
    let texts = thinking.into_iter().map(|span| (0, span)).collect();
    let (carrier, value, texts, member) = match kind.as_deref()? {
        "thinking" => (THINKING, signature?, texts, Some("thinking")),
        "redacted_thinking" => (REDACTED, data?, Vec::new(), None),
        _ => return None,
    };
    let (nothing, unopened) = (Nothing::Value(super::NOTHING), Nothing::Value(super::NOTHING));
    // It is found all the same, so that it does not go on with what it carries.
    let carrier = if twice { super::AMBIGUOUS } else { carrier };
    let (lists, block, message) = (Vec::new(), Some(place), Some(message));
    Some(Carried { carrier, value, nothing, unopened, texts, member, lists, block, message })
}
