//! What a request repeats of its conversation.
//!
//! A client sends the whole conversation with every turn, the model's own answers included. Where
//! those stand is only looked for when an answer may have to be written back, and without keeping
//! anything: a body can hold millions of messages.

use super::json::{Error, Kind, Reader, Text};

/// What is found in a conversation, in document order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// A text that the model said: the contents of a string.
    Answer(Text),
    /// A text that somebody else said, or an identifier in it: what tells its message from others.
    Other(Text),
    /// The message ends.
    End,
}

/// What a protocol calls the texts and identifiers of a message.
pub(super) struct Names {
    /// Members of a message that hold what it says.
    pub(super) contents: &'static [&'static str],
    /// Types of parts that are texts.
    pub(super) texts: &'static [&'static str],
    /// Members of a message that identify it.
    pub(super) message: &'static [&'static str],
    /// Members of a part of its content that identify it.
    pub(super) part: &'static [&'static str],
}

/// Finds what was said in the `messages` of a request; `each` may be called for a member that
/// stands twice, since servers disagree on which one counts.
///
/// # Errors
/// The body is not an object, or not JSON.
pub(super) fn scan(body: &[u8], names: &Names, each: &mut dyn FnMut(Said)) -> Result<(), Error> {
    Reader::new(body).document(|reader| {
        reader.object(|reader, key| {
            if !key.is("messages") {
                return reader.pass();
            }
            reader.elements(|reader, _| {
                let (start, by_model) = role(reader, "assistant")?;
                message(&mut Reader::at(body, start), names, by_model, each)?;
                each(Said::End);
                Ok(())
            })
        })
    })
}

/// Finds the first message that is a user's in the list that is called `member`, or the text that
/// stands in its place: what comes before it are instructions, which change.
///
/// # Errors
/// The body is not an object, or not JSON.
pub(super) fn opening(
    body: &[u8],
    member: &str,
    names: &Names,
    each: &mut dyn FnMut(Said),
) -> Result<(), Error> {
    let mut found = false;
    Reader::new(body).document(|reader| {
        reader.object(|reader, key| {
            if !key.is(member) || found {
                return reader.pass();
            }
            if reader.kind()? == Kind::String {
                found = true;
                reader.text()?.map(Said::Other).into_iter().for_each(&mut *each);
                each(Said::End);
                return Ok(());
            }
            reader.elements(|reader, _| {
                if found {
                    return reader.pass();
                }
                let span = reader.spanned(|reader| {
                    reader.members(|reader, key| {
                        if key.is("role") {
                            found |= reader.name()?.is_some_and(|(_, role)| role == "user");
                            return Ok(());
                        }
                        reader.pass()
                    })
                })?;
                if found {
                    message(&mut Reader::at(body, span.start), names, false, each)?;
                    each(Said::End);
                }
                Ok(())
            })
        })
    })
}

/// Passes over a message; where it begins, and whether it is the model's, whose role has this name.
pub(super) fn role(reader: &mut Reader<'_>, model: &str) -> Result<(usize, bool), Error> {
    let mut by_model = false;
    let span = reader.spanned(|reader| {
        reader.members(|reader, key| {
            if !key.is("role") {
                return reader.pass();
            }
            by_model |= reader.name()?.is_some_and(|(_, role)| role == model);
            Ok(())
        })
    })?;
    Ok((span.start, by_model))
}

pub(super) fn message(
    reader: &mut Reader<'_>,
    names: &Names,
    by_model: bool,
    each: &mut dyn FnMut(Said),
) -> Result<(), Error> {
    let said = |text| if by_model { Said::Answer(text) } else { Said::Other(text) };
    reader.members(|reader, key| match &*key.name() {
        name if is_among(names.contents, name) => match reader.kind()? {
            Kind::Array => reader.elements(|reader, _| part(reader, names, by_model, each)),
            _ => {
                reader.text()?.map(said).into_iter().for_each(&mut *each);
                Ok(())
            }
        },
        name => identifier(reader, names.message, name, each),
    })
}

/// A part or block of a message's content. Its text is the model's only where the type says so.
fn part(
    reader: &mut Reader<'_>,
    names: &Names,
    by_model: bool,
    each: &mut dyn FnMut(Said),
) -> Result<(), Error> {
    let mut is_text = false;
    let span = reader.spanned(|reader| {
        reader.members(|reader, key| {
            if !key.is("type") {
                return reader.pass();
            }
            is_text |= reader.name()?.is_some_and(|(_, kind)| names.texts.contains(&kind.as_str()));
            Ok(())
        })
    })?;
    Reader::at(reader.bytes(), span.start).members(|reader, key| match &*key.name() {
        b"text" if is_text => {
            let said = |text| if by_model { Said::Answer(text) } else { Said::Other(text) };
            reader.text()?.map(said).into_iter().for_each(&mut *each);
            Ok(())
        }
        name => identifier(reader, names.part, name, each),
    })
}

fn identifier(
    reader: &mut Reader<'_>,
    names: &[&str],
    name: &[u8],
    each: &mut dyn FnMut(Said),
) -> Result<(), Error> {
    if is_among(names, name) {
        reader.text()?.map(Said::Other).into_iter().for_each(each);
        return Ok(());
    }
    reader.pass()
}

fn is_among(names: &[&str], name: &[u8]) -> bool {
    names.iter().any(|known| known.as_bytes() == name)
}
