//! Where a request carries the model's reasoning: the string that each of its messages has for it.

use super::STRING;
use crate::wire::carried::{Carried, messages, string, string_of};
use crate::wire::json::Error;

/// Finds the reasoning of the model's own messages.
pub(super) fn scan(body: &[u8], each: &mut dyn FnMut(Carried)) -> Result<(), Error> {
    messages(body, ("messages", "assistant"), |reader, _| {
        reader.members(|reader, key| {
            if !key.is("thinking") {
                return reader.pass();
            }
            let carried = string(reader)?.map(|value| string_of(STRING, value));
            carried.into_iter().for_each(&mut *each);
            Ok(())
        })
    })
}
