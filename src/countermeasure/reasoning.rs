//! Withholding reasoning.
//!
//! Of all that has been tried on the output side, leaving the reasoning out is what hurts a student
//! most on mathematics; paraphrase and noise hardly matter (arXiv 2603.07835). What is kept ends at
//! a sentence, is never altered, and is the same however the stream was cut. Keeping a prefix is
//! offered because some clients must show something: half a trace keeps about 91 % of what a
//! student gains from all of it (arXiv 2512.21002).

use std::collections::VecDeque;

use super::Editor;
use super::sentences::{Sentences, WordCount};
use super::summary::SummaryBook;
use crate::policy::plan::Keep;
use crate::secret::opaque_debug;

opaque_debug!(Prefix, Sentence, Conclusion);

/// The most bytes of text that one lane holds back; at the limit the held text is withheld too.
pub const HOLD_LIMIT: usize = 64 * 1024;

/// The longest last sentence that is one: words between white space, and characters.
const CONCLUSION: (usize, usize) = (60, 400);

/// What is left of the reasoning of one response.
#[derive(Clone, Debug)]
pub struct Remains {
    keep: Keep,
    /// Where summaries are found; without it none is left.
    summaries: Option<SummaryBook>,
}

impl Remains {
    /// Nothing.
    pub const NOTHING: Self = Self { keep: Keep::None, summaries: None };

    /// The same, with the summaries of this book.
    #[must_use]
    pub fn summed_up_in(self, book: Option<SummaryBook>) -> Self {
        Self { summaries: book, ..self }
    }

    /// The editor of a text of which this is left.
    #[must_use]
    pub fn editor(&self) -> Box<dyn Editor> {
        match (&self.summaries, self.keep) {
            (Some(book), Keep::Summary) => book.editor(),
            _ => editor(self.keep),
        }
    }
}

impl From<Keep> for Remains {
    fn from(keep: Keep) -> Self {
        Self { keep, ..Self::NOTHING }
    }
}

/// The editor that leaves of a reasoning lane what `keep` says, without a summary.
#[must_use]
pub fn editor(keep: Keep) -> Box<dyn Editor> {
    match keep {
        Keep::None | Keep::Summary => Box::new(Nothing::default()),
        Keep::Words(limit) => Box::new(Prefix::new(Budget::Words(u64::from(limit.get())))),
        Keep::Share(share) => Box::new(Prefix::new(Budget::Share(share))),
        Keep::Conclusion => Box::new(Conclusion::default()),
    }
}

/// Leaves nothing.
#[derive(Debug, Default)]
struct Nothing {
    removed: WordCount,
}

impl Editor for Nothing {
    fn push(&mut self, text: &str, _: &mut String) {
        self.removed.push(text);
    }

    fn push_opaque(&mut self, text: &str, _: &mut String) -> bool {
        self.removed.push(text);
        false
    }

    fn finish(&mut self, _: bool, _: &mut String) {}

    fn holds(&self) -> bool {
        false
    }

    fn words_removed(&self) -> u64 {
        self.removed.words()
    }
}

/// Leaves whole sentences from the start.
struct Prefix {
    budget: Budget,
    sentences: Sentences,
    /// Complete sentences that the budget does not cover yet.
    waiting: VecDeque<Sentence>,
    /// Their length in bytes.
    waiting_length: usize,
    seen: WordCount,
    seen_characters: u64,
    kept_words: u64,
    kept_characters: u64,
    closed: bool,
}

/// A complete sentence, measured once: it may have to wait for many others.
struct Sentence {
    text: String,
    words: u64,
    characters: u64,
}

impl Sentence {
    fn new(text: String) -> Self {
        Self { words: WordCount::of(&text), characters: count(&text), text }
    }
}

#[derive(Clone, Copy, Debug)]
enum Budget {
    Words(u64),
    Share(f64),
}

impl Prefix {
    fn new(budget: Budget) -> Self {
        Self {
            budget,
            sentences: Sentences::default(),
            waiting: VecDeque::new(),
            waiting_length: 0,
            seen: WordCount::default(),
            seen_characters: 0,
            kept_words: 0,
            kept_characters: 0,
            closed: false,
        }
    }

    /// A sentence is complete, `characters` having been seen up to its end.
    fn complete(&mut self, sentence: Sentence, characters: u64, out: &mut String) {
        if self.closed {
            return;
        }
        // In one piece or in many: a sentence that could not have been held is not kept.
        if sentence.text.len() > HOLD_LIMIT {
            self.close();
            return;
        }
        self.waiting_length += sentence.text.len();
        self.waiting.push_back(sentence);
        while let Some(sentence) = self.waiting.front() {
            let words = self.kept_words + sentence.words;
            let length = self.kept_characters + sentence.characters;
            let fits = match self.budget {
                Budget::Words(limit) => words <= limit,
                Budget::Share(share) => length as f64 <= share * characters as f64,
            };
            if !fits {
                break;
            }
            (self.kept_words, self.kept_characters) = (words, length);
            out.push_str(&sentence.text);
            self.waiting_length -= sentence.text.len();
            self.waiting.pop_front();
        }
        let over = match self.budget {
            Budget::Words(_) => !self.waiting.is_empty(),
            Budget::Share(_) => self.waiting_length > HOLD_LIMIT,
        };
        if over {
            self.close();
        }
    }

    fn close(&mut self) {
        self.closed = true;
        self.waiting = VecDeque::new();
        self.waiting_length = 0;
        self.sentences = Sentences::default();
    }
}

impl Editor for Prefix {
    fn push(&mut self, text: &str, out: &mut String) {
        self.seen.push(text);
        if self.closed {
            return;
        }
        let before = self.seen_characters;
        self.seen_characters += count(text);
        let mut complete = Vec::new();
        let mut sentences = std::mem::take(&mut self.sentences);
        let carried = sentences.current_characters();
        sentences.push(text, |sentence| complete.push(Sentence::new(sentence)));
        self.sentences = sentences;
        // Each sentence is judged at its own end, so that the cut into pieces does not matter.
        let mut characters = before - carried;
        for sentence in complete {
            characters += sentence.characters;
            self.complete(sentence, characters, out);
        }
        if self.sentences.current().len() > HOLD_LIMIT {
            self.close();
        }
    }

    fn push_opaque(&mut self, text: &str, _: &mut String) -> bool {
        self.seen.push(text);
        // Its place among the held text would be lost: it is withheld, and what follows with it.
        self.close();
        false
    }

    fn finish(&mut self, cut_short: bool, out: &mut String) {
        let last = self.sentences.take();
        let unfinished = cut_short && !last.trim().is_empty();
        if !self.closed && !unfinished {
            self.complete(Sentence::new(last), self.seen_characters, out);
        }
        self.close();
    }

    fn holds(&self) -> bool {
        !self.closed
    }

    fn words_removed(&self) -> u64 {
        self.seen.words().saturating_sub(self.kept_words)
    }
}

/// Leaves the last sentence.
#[derive(Default)]
struct Conclusion {
    sentences: Sentences,
    last: String,
    seen: WordCount,
    kept_words: u64,
    overlong: bool,
    /// The conclusion has been drawn.
    drawn: bool,
}

impl Editor for Conclusion {
    fn push(&mut self, text: &str, _: &mut String) {
        self.seen.push(text);
        let Self { sentences, last, overlong, .. } = self;
        sentences.push(text, |sentence| {
            // The end of a sentence too long to hold is not a conclusion.
            if std::mem::take(overlong) {
                return;
            }
            if sentence.len() > HOLD_LIMIT {
                last.clear();
            } else if says(&sentence) {
                *last = sentence;
            }
        });
        if sentences.current().len() > HOLD_LIMIT {
            sentences.take();
            last.clear();
            *overlong = true;
        }
    }

    fn push_opaque(&mut self, text: &str, _: &mut String) -> bool {
        self.seen.push(text);
        self.sentences.take();
        self.overlong = true;
        false
    }

    fn finish(&mut self, cut_short: bool, out: &mut String) {
        let current = self.sentences.take();
        let last = std::mem::take(&mut self.last);
        let conclusion = if says(&current) { current } else { last };
        let (words, characters) = CONCLUSION;
        let conclusion = conclusion.trim();
        let long = conclusion.split_whitespace().nth(words).is_some()
            || conclusion.chars().nth(characters).is_some();
        // A text without sentences has no last one.
        if long || cut_short || std::mem::take(&mut self.overlong) || self.drawn {
            return;
        }
        self.drawn = !conclusion.is_empty();
        self.kept_words += WordCount::of(conclusion);
        out.push_str(conclusion);
    }

    fn holds(&self) -> bool {
        true
    }

    fn words_removed(&self) -> u64 {
        self.seen.words().saturating_sub(self.kept_words)
    }
}

/// Whether it is more than the quotes behind a sentence.
fn says(sentence: &str) -> bool {
    sentence.contains(char::is_alphanumeric)
}

fn count(text: &str) -> u64 {
    text.chars().count() as u64
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;
    use std::time::Duration;

    use tokio::time::Instant;

    use super::*;

    const TRACE: &str =
        "First, 9.11 is less. Then I check: 0.8 > 0.11!\nWait, really? Yes.\n\nSo 9.8 wins.";

    fn run(keep: Keep, pieces: &[&str], cut_short: bool) -> (String, u64) {
        let mut editor = editor(keep);
        let mut out = String::new();
        pieces.iter().for_each(|piece| editor.push(piece, &mut out));
        editor.finish(cut_short, &mut out);
        (out, editor.words_removed())
    }

    fn words(limit: u32) -> Keep {
        Keep::Words(NonZeroU32::new(limit).unwrap())
    }

    #[test]
    fn words_keep_the_whole_sentences_that_fit() {
        assert_eq!(run(words(5), &[TRACE], false).0, "First, 9.11 is less.");
        assert_eq!(
            run(words(12), &[TRACE], false).0,
            "First, 9.11 is less. Then I check: 0.8 > 0.11!"
        );
        assert_eq!(run(words(3), &[TRACE], false).0, "");
        assert_eq!(run(words(1000), &[TRACE], false), (TRACE.to_owned(), 0));
    }

    #[test]
    fn a_share_counts_characters_of_the_whole_text() {
        assert_eq!(run(Keep::Share(0.5), &[TRACE], false).0, "First, 9.11 is less.");
        assert_eq!(
            run(Keep::Share(0.8), &[TRACE], false).0,
            "First, 9.11 is less. Then I check: 0.8 > 0.11!\nWait, really?"
        );
    }

    #[test]
    fn the_conclusion_is_the_last_sentence_and_none_if_the_text_was_cut_short() {
        assert_eq!(run(Keep::Conclusion, &[TRACE], false).0, "So 9.8 wins.");
        assert_eq!(run(Keep::Conclusion, &[TRACE, "\n\n"], false).0, "So 9.8 wins.");
        assert_eq!(run(Keep::Conclusion, &[TRACE], true).0, "");
    }

    // Break it: keep whatever stands behind the last end of a sentence.
    #[test]
    fn a_text_without_ends_of_sentences_has_no_conclusion() {
        let endless = "word ".repeat(61);
        assert_eq!(run(Keep::Conclusion, &[&endless], false).0, "");
        assert_eq!(run(Keep::Conclusion, &["One. ", &endless], false).0, "");
        assert_eq!(run(Keep::Conclusion, &[&"想".repeat(401)], false).0, "");
        let long = "word ".repeat(60);
        assert_eq!(run(Keep::Conclusion, &["One. ", &long], false).0, long.trim());
        assert_eq!(run(Keep::Conclusion, &["一。他说二。」"], false).0, "他说二。");
        assert_eq!(run(Keep::Conclusion, &["एक। दो।"], false).0, "दो।");
    }

    #[test]
    fn a_sentence_too_long_to_hold_is_withheld_in_one_piece_as_in_many() {
        let endless = "word ".repeat(HOLD_LIMIT) + "end.";
        let text = format!("{endless} Fine. Good.");
        let pieces: Vec<&str> = text.split_inclusive(' ').collect();
        let before = format!("Good. {endless}\n");
        let pieces_before: Vec<&str> = before.split_inclusive(' ').collect();
        for keep in [words(u32::MAX), Keep::Share(1.0), Keep::Conclusion] {
            assert_eq!(run(keep, &[&text], false), run(keep, &pieces, false), "{keep:?}");
            assert_eq!(run(keep, &[&before], false), run(keep, &pieces_before, false), "{keep:?}");
        }
    }

    #[test]
    fn held_text_is_bounded_and_withheld_at_the_bound() {
        let endless = "word ".repeat(HOLD_LIMIT);
        assert_eq!(run(words(u32::MAX), &[&endless], false).0, "");
        assert_eq!(run(Keep::Conclusion, &[&endless, "end. Fine."], false).0, "Fine.");
        assert_eq!(run(Keep::Conclusion, &["Good. ", &endless], false).0, "");
    }

    proptest::proptest! {
        #[test]
        fn what_is_kept_does_not_depend_on_the_pieces(
            text in "[a-c .!?\n。é]{0,60}",
            cuts in proptest::collection::vec(0..60_usize, 0..6),
            keep in proptest::sample::select(vec![Keep::None, words(3), words(9), Keep::Share(0.3), Keep::Share(0.9), Keep::Conclusion]),
            cut_short in proptest::bool::ANY,
        ) {
            let bounds: std::collections::BTreeSet<usize> = cuts.iter()
                .filter_map(|&cut| text.char_indices().map(|(at, _)| at).nth(cut))
                .chain([0, text.len()]).collect();
            let bounds: Vec<usize> = bounds.into_iter().collect();
            let pieces: Vec<&str> = bounds.windows(2).filter_map(|pair| text.get(pair[0]..pair[1])).collect();
            let whole = run(keep, &[&text], cut_short);
            proptest::prop_assert_eq!(&run(keep, &pieces, cut_short), &whole);
            if !matches!(keep, Keep::Conclusion) {
                proptest::prop_assert!(text.starts_with(&whole.0), "nothing is altered");
            }
        }
    }

    /// The least time of several runs, in pieces as long as `piece`.
    fn least_time(keep: Keep, text: &str, piece: usize) -> Duration {
        let run = || {
            let (mut editor, mut out) = (editor(keep), String::new());
            let begun = Instant::now();
            for piece in text.as_bytes().chunks(piece) {
                editor.push(std::str::from_utf8(piece).unwrap(), &mut out);
            }
            editor.finish(false, &mut out);
            begun.elapsed()
        };
        (0..5).map(|_| run()).min().unwrap()
    }

    /// Four times, where the cost is the square; the floor is what a machine may be disturbed by.
    #[test]
    fn twice_the_text_costs_about_twice_the_time() {
        let keeps = [
            Keep::None,
            Keep::Words(NonZeroU32::new(40).unwrap()),
            Keep::Share(0.5),
            Keep::Conclusion,
        ];
        for keep in keeps {
            for unit in ["\n", " \n", "a", "a. ", "\na. "] {
                for piece in [1, usize::MAX] {
                    let text = |length: usize| unit.repeat(length / unit.len());
                    let once = least_time(keep, &text(15_000), piece);
                    let twice = least_time(keep, &text(30_000), piece);
                    let floor = Duration::from_millis(30);
                    assert!(
                        twice < once * 3 + floor,
                        "{keep:?} {unit:?} {piece}: {once:?}, {twice:?}"
                    );
                }
            }
        }
    }
}
