//! Withholding a text and leaving its summary.

use super::book::{SummaryBook, SummaryKey};
use crate::countermeasure::Editor;
use crate::countermeasure::sentences::WordCount;
use crate::secret::opaque_debug;

opaque_debug!(Condensed);

/// Leaves the summary of a text where it ends. A text that was cut short has none: with another
/// limit each time, its caller would get one of each step.
pub(super) struct Condensed {
    book: SummaryBook,
    /// The most characters that are kept.
    most: usize,
    digest: Box<blake3::Hasher>,
    /// What has come, if somebody is to be asked; `None` once it is no good.
    text: Option<String>,
    characters: usize,
    says: bool,
    removed: WordCount,
    ended: bool,
}

impl Condensed {
    pub(super) fn new(book: SummaryBook, most: usize) -> Self {
        Self {
            text: book.looks_ahead().then(String::new),
            book,
            most,
            digest: Box::default(),
            characters: 0,
            says: false,
            removed: WordCount::default(),
            ended: false,
        }
    }

    fn take(&mut self, text: &str) {
        self.removed.push(text);
        self.digest.update(text.as_bytes());
        self.says |= text.contains(char::is_alphanumeric);
        if let Some(kept) = &mut self.text {
            self.characters += text.chars().count();
            kept.push_str(text);
        }
        if self.characters > self.most {
            self.text = None;
        }
    }
}

impl Editor for Condensed {
    fn push(&mut self, text: &str, _: &mut String) {
        self.take(text);
    }

    fn push_opaque(&mut self, text: &str, _: &mut String) -> bool {
        self.take(text);
        // Nobody could say what it was a summary of.
        self.text = None;
        false
    }

    fn finish(&mut self, cut_short: bool, out: &mut String) {
        if std::mem::replace(&mut self.ended, true) || cut_short || !self.says {
            return;
        }
        let key = SummaryKey(*self.digest.finalize().as_bytes());
        if self.book.looks_ahead() {
            self.book.want(key, self.text.take().as_deref());
        } else {
            self.book.write(key, out);
        }
    }

    fn holds(&self) -> bool {
        !self.ended
    }

    fn words_removed(&self) -> u64 {
        self.removed.words()
    }
}
