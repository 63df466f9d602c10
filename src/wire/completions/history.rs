//! What a request for a completion repeats: nothing that can be told from what others wrote.

use crate::wire::Said;
use crate::wire::json::{Error, Kind, Reader};

/// Finds the prompts. Answers that a caller has put into one are a part of it.
pub(super) fn scan(body: &[u8], each: &mut dyn FnMut(Said)) -> Result<(), Error> {
    Reader::new(body).document(|reader| {
        reader.object(|reader, key| {
            if !key.is("prompt") {
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
