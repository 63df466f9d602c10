//! Where a request carries the model's reasoning: its plan for the tools that it calls, and the thinking blocks
//! of what it said.

use super::STRING;
use crate::wire::carried::{Carried, messages, string, string_of};
use crate::wire::json::{Error, Kind, Reader};

/// Finds the reasoning of the model's own messages.
pub(super) fn scan(body: &[u8], each: &mut dyn FnMut(Carried)) -> Result<(), Error> {
    messages(body, ("messages", "assistant"), |reader, _| {
        reader.members(|reader, key| match &*key.name() {
            b"tool_plan" => carried(reader, each),
            b"content" if reader.kind()? == Kind::Array => reader.elements(|reader, _| {
                reader.members(|reader, key| match key.is("thinking") {
                    true => carried(reader, each),
                    false => reader.pass(),
                })
            }),
            _ => reader.pass(),
        })
    })
}

fn carried(reader: &mut Reader<'_>, each: &mut dyn FnMut(Carried)) -> Result<(), Error> {
    let carried = string(reader)?.map(|value| string_of(STRING, value));
    carried.into_iter().for_each(each);
    Ok(())
}
