//! Undoing the marks of the answers that a request repeats.

use std::borrow::Cow;
use std::ops::Range;

use tokio::time::Instant;

use crate::countermeasure::originals::{Conversation, Place};
use crate::secret::opaque_debug;
use crate::wire::json::{Edit, unescape};
use crate::wire::{Protocol, Said};

/// The most texts of a message that are looked at together; those behind them begin anew.
const TOGETHER: usize = 4096;

/// What becomes of the marked texts of a body.
#[derive(Default)]
pub(super) struct Unmarked {
    pub(super) edits: Vec<Edit>,
    /// Texts whose marks were undone.
    pub(super) texts: u64,
    /// The place of the answer that the body asks for.
    pub(super) place: Place,
}

opaque_debug!(Unmarked);

/// Undoes the marks of a body that goes on with this conversation. One that cannot be read stays as it is.
pub(super) fn unmark(
    protocol: &dyn Protocol,
    body: &[u8],
    mut conversation: Conversation<'_>,
) -> Unmarked {
    let now = Instant::now();
    let mut edits = Vec::new();
    let mut answer = Answer::default();
    let scanned = protocol.scan_history(body, &mut |said| {
        let decoded = |span: &Range<usize>| unescape(body.get(span.clone()).unwrap_or_default());
        match said {
            Said::Answer(text) => match decoded(&text.span) {
                Ok(said) => {
                    conversation.other(&said);
                    answer.says(text.span, said);
                    if answer.texts.len() == TOGETHER {
                        answer.restore(&mut conversation, now, &mut edits);
                    }
                }
                // What cannot be decoded was never marked.
                Err(_) => answer.restore(&mut conversation, now, &mut edits),
            },
            Said::Other(text) => {
                let said = decoded(&text.span);
                said.iter().for_each(|said| conversation.other(said));
            }
            Said::End => {
                answer.restore(&mut conversation, now, &mut edits);
                conversation.end();
            }
        }
    });
    if scanned.is_err() {
        edits.clear();
    }
    let texts = if edits.is_empty() { 0 } else { conversation.restored() };
    Unmarked { edits, texts, place: conversation.place() }
}

/// What the model is to have said in one message.
#[derive(Default)]
struct Answer<'b> {
    /// Each text, and where it stands.
    texts: Vec<(Range<usize>, Cow<'b, str>)>,
}

impl<'b> Answer<'b> {
    fn says(&mut self, span: Range<usize>, text: Cow<'b, str>) {
        self.texts.push((span, text));
    }

    /// Writes back what was marked of it, and begins anew.
    fn restore(
        &mut self,
        conversation: &mut Conversation<'_>,
        now: Instant,
        edits: &mut Vec<Edit>,
    ) {
        let said: Vec<&str> = self.texts.iter().map(|(_, text)| text.as_ref()).collect();
        let originals = conversation.answers(&said, now);
        let restored = originals.into_iter().zip(&self.texts);
        edits.extend(restored.filter_map(|(original, (span, _))| {
            original.map(|original| Edit::text(span.clone(), &original))
        }));
        self.texts.clear();
    }
}
