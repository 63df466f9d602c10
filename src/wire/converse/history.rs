//! Where a request repeats what was said.

use crate::wire::Said;
use crate::wire::history::role;
use crate::wire::json::{Error, Reader};

/// Finds what was said in the `messages` of a request. Reasoning that comes back is nobody's words.
pub(super) fn scan(body: &[u8], each: &mut dyn FnMut(Said)) -> Result<(), Error> {
    Reader::new(body).document(|reader| {
        reader.object(|reader, key| {
            if !key.is("messages") {
                return reader.pass();
            }
            reader.elements(|reader, _| {
                let (start, by_model) = role(reader, "assistant")?;
                Reader::at(body, start).members(|reader, key| match key.is("content") {
                    true => reader.elements(|reader, _| block(reader, by_model, each)),
                    false => reader.pass(),
                })?;
                each(Said::End);
                Ok(())
            })
        })
    })
}

fn block(reader: &mut Reader<'_>, by_model: bool, each: &mut dyn FnMut(Said)) -> Result<(), Error> {
    let said = |text| if by_model { Said::Answer(text) } else { Said::Other(text) };
    reader.members(|reader, key| match &*key.name() {
        b"text" => {
            reader.text()?.map(said).into_iter().for_each(&mut *each);
            Ok(())
        }
        b"citationsContent" => reader.members(|reader, key| match key.is("content") {
            true => reader.elements(|reader, _| block(reader, by_model, each)),
            false => reader.pass(),
        }),
        // A result is told from others by the call that it answers.
        b"toolResult" => reader.members(|reader, key| match key.is("toolUseId") {
            true => {
                reader.text()?.map(Said::Other).into_iter().for_each(&mut *each);
                Ok(())
            }
            false => reader.pass(),
        }),
        _ => reader.pass(),
    })
}
