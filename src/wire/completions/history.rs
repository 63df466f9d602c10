//! What a request for a completion repeats: nothing that can be told from what others wrote.

use crate::wire::Said;
use crate::wire::json::{Error, Kind, Reader};

/// Finds the prompts, in members of these names. Answers that a caller has put into one are a part of it.
pub(in crate::wire) fn scan(
    body: &[u8],
    members: &[&str],
    each: &mut dyn FnMut(Said),
) -> Result<(), Error> {
    Reader::new(body).document(|reader| {
        reader.object(|reader, key| {
            if !members.iter().any(|name| key.is(name)) {
                return reader.pass();
            }
            match reader.kind()? {
                Kind::Array => reader.elements(|reader, _| {
                    reader.text()?.map(Said::Other).into_iter().for_each(&mut *each);
                    Ok(())
                })?,
                _ => reader.text()?.map(Said::Other).into_iter().for_each(&mut *each),
            }
            each(Said::End);
            Ok(())
        })
    })
}
