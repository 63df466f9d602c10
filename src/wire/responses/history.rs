//! Where a request for a response repeats what was said.
//!
//! The model's side of a turn is several items: what it thought, what it said, what it called. All that
//! stands between two items of somebody else's is one message of the model's.

use crate::wire::history::{Names, Said, message};
use crate::wire::json::{Error, Kind, Reader};

/// A result is told from others by the call that it answers.
pub(super) const NAMES: Names = Names {
    contents: &["content", "output"],
    texts: &["input_text", "output_text", "text"],
    message: &["call_id"],
    part: &[],
};

/// Finds what was said in the `input` of a request.
pub(super) fn scan(body: &[u8], each: &mut dyn FnMut(Said)) -> Result<(), Error> {
    Reader::new(body).document(|reader| {
        reader.object(|reader, key| {
            if !key.is("input") {
                return reader.pass();
            }
            if reader.kind()? == Kind::String {
                reader.text()?.map(Said::Other).into_iter().for_each(&mut *each);
                each(Said::End);
                return Ok(());
            }
            let mut open = false;
            reader.elements(|reader, _| {
                let (start, by_model) = speaker(reader)?;
                if open && !by_model {
                    each(Said::End);
                }
                message(&mut Reader::at(body, start), &NAMES, by_model, each)?;
                open = by_model;
                if !by_model {
                    each(Said::End);
                }
                Ok(())
            })?;
            if open {
                each(Said::End);
            }
            Ok(())
        })
    })
}

/// Passes over an item; where it begins, and whether it is the model's.
fn speaker(reader: &mut Reader<'_>) -> Result<(usize, bool), Error> {
    let mut by_model = false;
    let span = reader.spanned(|reader| {
        reader.members(|reader, key| {
            let says: fn(&str) -> bool = match &*key.name() {
                b"role" => |role| role == "assistant",
                b"type" => is_of_model,
                _ => return reader.pass(),
            };
            by_model |= reader.name()?.is_some_and(|(_, said)| says(&said));
            Ok(())
        })
    })?;
    Ok((span.start, by_model))
}

/// Whether items of this type are the model's, whoever is said to speak.
pub(super) fn is_of_model(kind: &str) -> bool {
    kind == "reasoning" || kind == "mcp_approval_request" || kind.ends_with("_call")
}
