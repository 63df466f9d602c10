//! Where a Messages request carries the model's reasoning: the thinking blocks of what it said.

use std::ops::Range;

use super::{AMBIGUOUS, NOTHING, REDACTED, THINKING};
use crate::wire::carried::{Carried, Element, Nothing, blocks, string};
use crate::wire::json::{Error, Reader};

/// How the carriers of a protocol's thinking blocks are named: the signature, the data of a redacted one,
/// and those of a block of which nobody knows what it says.
pub(in crate::wire) struct BlockCarriers {
    pub(in crate::wire) signature: &'static str,
    pub(in crate::wire) data: &'static str,
    pub(in crate::wire) ambiguous: &'static str,
}

/// Finds the thinking blocks of the model's own messages.
pub(super) fn scan(body: &[u8], each: &mut dyn FnMut(Carried)) -> Result<(), Error> {
    const NAMES: BlockCarriers =
        BlockCarriers { signature: THINKING, data: REDACTED, ambiguous: AMBIGUOUS };
    let carried = |block: Block, place, message| block.carried(&NAMES, place, Some(message));
    blocks(body, ("messages", "assistant", "content"), Block::read, carried, each)
}

/// A thinking block, as far as it was read.
#[derive(Default)]
pub(in crate::wire) struct Block {
    kind: Option<String>,
    thinking: Option<Range<usize>>,
    signature: Option<Range<usize>>,
    data: Option<Range<usize>>,
    twice: bool,
}

impl Block {
    pub(in crate::wire) fn read(&mut self, reader: &mut Reader<'_>) -> Result<(), Error> {
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

    /// What it carries, if it is one that does. `message` is what may not be left without any block.
    pub(in crate::wire) fn carried(
        self,
        names: &BlockCarriers,
        block: Element,
        message: Option<Element>,
    ) -> Option<Carried> {
        let Self { kind, thinking, signature, data, twice } = self;
        let texts = thinking.into_iter().map(|span| (0, span)).collect();
        let (carrier, value, texts, member) = match kind.as_deref()? {
            "thinking" => (names.signature, signature?, texts, Some("thinking")),
            "redacted_thinking" => (names.data, data?, Vec::new(), None),
            _ => return None,
        };
        let (nothing, unopened) = (Nothing::Value(NOTHING), Nothing::Value(NOTHING));
        // It is found all the same, so that it does not go on with what it carries.
        let carrier = if twice { names.ambiguous } else { carrier };
        let (lists, block) = (Vec::new(), Some(block));
        Some(Carried { carrier, value, nothing, unopened, texts, member, lists, block, message })
    }
}
