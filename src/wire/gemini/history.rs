//! Where a request repeats what was said.

use crate::wire::Said;
use crate::wire::history::role;
use crate::wire::json::{Error, Reader};

/// Finds what was said in the `contents` of a request. Thoughts that come back are nobody's words. What the model
/// said in several contents, one after the other, is one message: Google's libraries keep each chunk of a stream as
/// one.
pub(super) fn scan(body: &[u8], each: &mut dyn FnMut(Said)) -> Result<(), Error> {
    Reader::new(body).document(|reader| {
        reader.object(|reader, key| {
            if !key.is("contents") {
                return reader.pass();
            }
            let mut before = None;
            reader.elements(|reader, _| {
                let (start, by_model) = role(reader, "model")?;
                if before.replace(by_model).is_some_and(|before| !(before && by_model)) {
                    each(Said::End);
                }
                Reader::at(body, start).members(|reader, key| match key.is("parts") {
                    true => reader.elements(|reader, _| part(reader, by_model, each)),
                    false => reader.pass(),
                })
            })?;
            if before.is_some() {
                each(Said::End);
            }
            Ok(())
        })
    })
}

fn part(reader: &mut Reader<'_>, by_model: bool, each: &mut dyn FnMut(Said)) -> Result<(), Error> {
    let (mut text, mut thought) = (None, false);
    reader.members(|reader, key| match &*key.name() {
        b"text" => {
            text = reader.text()?;
            Ok(())
        }
        b"thought" => {
            thought = reader.bytes().get(reader.skip()?) == Some(b"true");
            Ok(())
        }
        // A result is told from others by the call that it answers.
        b"functionResponse" | b"function_response" => reader.members(|reader, key| {
            if key.is("id") || key.is("name") {
                reader.text()?.map(Said::Other).into_iter().for_each(&mut *each);
                return Ok(());
            }
            reader.pass()
        }),
        _ => reader.pass(),
    })?;
    let said = |text| if by_model { Said::Answer(text) } else { Said::Other(text) };
    text.filter(|_| !thought).map(said).into_iter().for_each(each);
    Ok(())
}
