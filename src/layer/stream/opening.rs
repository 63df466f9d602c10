//! What a body turns out to be: no event begins with a brace, and some servers send a document under the type
//! of a stream.

use bytes::Bytes;

use super::behind;

/// How much white space may stand before the first byte that tells what a body is: behind more it is a stream.
const BLANK: usize = 1 << 10;

/// Until the first byte that is no white space tells what a body is.
pub(super) struct Opening {
    /// How long it may be if it is a document.
    limit: usize,
    /// What has come before that byte.
    blank: Vec<u8>,
}

/// What of a body is to be read, and as what.
pub(super) enum TurnedOut {
    /// Nothing: all that has come is white space.
    Unknown,
    Stream(Bytes),
    /// A document of up to so many bytes.
    Document(Bytes, usize),
}

impl Opening {
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, blank: Vec::new() }
    }

    pub(super) fn push(&mut self, chunk: Bytes) -> TurnedOut {
        let chunk = behind(std::mem::take(&mut self.blank), chunk);
        let blank = chunk.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        if blank >= BLANK {
            return TurnedOut::Stream(chunk);
        }
        match chunk.get(blank) {
            None => {
                self.blank = chunk.into();
                TurnedOut::Unknown
            }
            Some(b'{') => TurnedOut::Document(chunk, self.limit),
            Some(_) => TurnedOut::Stream(chunk),
        }
    }

    /// Bytes held.
    pub(super) fn held(&self) -> usize {
        self.blank.len()
    }

    /// All that came, where nothing else did.
    pub(super) fn into_blank(self) -> Bytes {
        self.blank.into()
    }
}
