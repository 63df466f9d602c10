//! Opening what one request carries back.

use jiff::Timestamp;

use super::blob::{self, Bound, Opened, PREFIX};
use super::{Conversation, SealHolder};
use crate::secret::opaque_debug;

opaque_debug!(Opener);

/// Whether JSON has a letter or a digit as an escape. No writer of JSON does that, and somebody may to hide how
/// a blob begins.
fn escapes_letters(body: &[u8]) -> bool {
    memchr::memmem::find_iter(body, br"\u00").any(|at| {
        let digits = body.get(at + 4..at + 6).and_then(|it| std::str::from_utf8(it).ok());
        let code = digits.and_then(|it| u8::from_str_radix(it, 16).ok());
        code.is_some_and(|code| code.is_ascii_alphanumeric())
    })
}

/// Opens for one principal what one model has said.
#[derive(Clone)]
pub struct Opener {
    holder: SealHolder,
    /// `None` if it is not certain which model is asked: then nothing is opened.
    model: Option<String>,
    now: Timestamp,
}

impl Opener {
    /// What a principal sends to a model; `None` for the model if it is not certain which one
    /// answers, and an empty name if the request has none.
    #[must_use]
    pub fn new(holder: SealHolder, model: Option<String>) -> Self {
        Self::at(holder, model, Timestamp::now())
    }

    pub(super) fn at(holder: SealHolder, model: Option<String>, now: Timestamp) -> Self {
        Self { holder, model, now }
    }

    /// Whether a body may hold any blob. This is all that most bodies are read for.
    #[must_use]
    pub fn may_open(body: &[u8]) -> bool {
        memchr::memmem::find(body, PREFIX.as_bytes()).is_some() || escapes_letters(body)
    }

    /// Whether a text is a blob, be it one that does not open.
    #[must_use]
    pub fn is_sealed(text: &str) -> bool {
        text.starts_with(PREFIX)
    }

    /// What was sealed in a blob that stands in this kind of carrier. Nothing tells why one does not
    /// open: a wrong key, another's, another model's, too old, altered.
    #[must_use]
    pub fn open(
        &self,
        carrier: &'static str,
        text: &str,
        conversation: Conversation,
    ) -> Option<Opened> {
        let Self { holder, model, now } = self;
        let blob = blob::decode(text.as_bytes())?;
        let head = blob::head(&blob)?;
        let conversation = head.by_conversation.then_some(conversation);
        let bound = Bound { carrier, model: model.as_deref()?, conversation };
        let key = holder.principal.get(holder.keys.place(head.key))?;
        let opened = blob::open(key, &bound, blob)?;
        (now.as_second() < i64::from(head.expires)).then_some(opened)
    }
}
