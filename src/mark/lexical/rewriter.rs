//! The stream: what is held back, what leaves, and where the substitutions are.

use std::fmt;

use super::choice::{Choice, Site};
use super::decision::{Decision, Decisions};
use super::offsets::{OffsetMap, Unit};
use super::passage::Passage;
use super::undo::Undo;
use super::window::{Extent, Word, extent, extent_of_any, is_word, plain_word};
use crate::mark::lexicon::Lexicon;

/// Rewrites one text as it comes. Without clocks: who holds it calls [`Rewriter::flush`] when the
/// stream has been idle for too long.
pub struct Rewriter<'l, C> {
    lexicon: &'l Lexicon,
    choice: C,
    /// Text that came and has not left.
    held: String,
    passage: Passage,
    decisions: Decisions,
    /// Inside a word whose beginning has left already.
    tail: bool,
    /// Units of the original that have left.
    position: usize,
    offsets: Option<OffsetMap>,
    undo: Option<Undo>,
}

/// Where text goes.
trait Output {
    fn append(&mut self, text: &str);
}

impl Output for String {
    fn append(&mut self, text: &str) {
        self.push_str(text);
    }
}

/// For who only wants to know of the sites.
struct Nowhere;

impl Output for Nowhere {
    fn append(&mut self, _: &str) {}
}

impl<'l, C: Choice> Rewriter<'l, C> {
    /// A rewriter for one text.
    pub fn new(lexicon: &'l Lexicon, choice: C) -> Self {
        Self {
            lexicon,
            choice,
            held: String::new(),
            passage: Passage::new(),
            decisions: Decisions::default(),
            tail: false,
            position: 0,
            offsets: None,
            undo: None,
        }
    }

    /// Also records where the substitutions are, for citations.
    #[must_use]
    pub fn with_offsets(mut self, unit: Unit) -> Self {
        self.record_offsets(unit);
        self
    }

    /// The same where it lies.
    pub(crate) fn record_offsets(&mut self, unit: Unit) {
        self.offsets = Some(OffsetMap::new(unit));
    }

    /// Also records what it takes to write the text back as it was.
    #[must_use]
    pub fn with_undo(mut self) -> Self {
        self.record_undo();
        self
    }

    /// The same where it lies.
    pub(crate) fn record_undo(&mut self) {
        self.undo = Some(Undo::default());
    }

    /// Takes the next piece and appends what may leave now.
    pub fn push(&mut self, text: &str, out: &mut String) {
        if self.held.is_empty() {
            let read = self.run(text, false, out);
            self.held.push_str(text.get(read..).unwrap_or_default());
        } else {
            self.held.push_str(text);
            self.run_held(false, out);
        }
    }

    /// Takes a piece that cannot be decoded: what is held leaves unmarked, and nothing on the line
    /// is marked any more. The piece may always pass as it came.
    pub fn push_opaque(&mut self, out: &mut String) -> bool {
        self.flush(out);
        self.passage.opaque();
        self.tail = false;
        // Places behind it cannot be counted.
        self.undo = None;
        true
    }

    /// Lets what is held leave unmarked, because nothing has come for too long.
    pub fn flush(&mut self, out: &mut String) {
        let held = std::mem::take(&mut self.held);
        let mut rest = held.as_str();
        while let Some(character) = rest.chars().next() {
            let length = if is_word(character) {
                let (length, complete) = match extent(rest, false) {
                    Extent::Word(word) => (word.text.len(), true),
                    Extent::Long(length) => (length, false),
                    Extent::Partial => (rest.len(), false),
                };
                let word = Word::of(rest.get(..length).unwrap_or_default());
                let head = self.passage.reach(self.lexicon, word);
                if let Some(candidate) = head.filter(|head| head.is_candidate()) {
                    self.decisions.leave(self.lexicon, candidate, word.text);
                }
                self.passage.pass_reached(word, head);
                self.tail = !complete;
                length
            } else {
                self.passage.pass_character(character);
                character.len_utf8()
            };
            rest = rest.get(length..).unwrap_or_default();
        }
        self.leave(&held, out);
    }

    /// The text ends. `cut_short` if a limit ended it, so that its last words may be no words.
    pub fn finish(&mut self, cut_short: bool, out: &mut String) {
        if cut_short { self.flush(out) } else { self.run_held(true, out) }
    }

    /// Reads a whole text and writes nothing.
    pub(super) fn read(mut self, text: &str) {
        self.passage.spares = false;
        self.run(text, true, &mut Nowhere);
    }

    /// Whether text is held back.
    pub fn holds(&self) -> bool {
        !self.held.is_empty()
    }

    /// The text that is held back: at most three whole words and what is there of a fourth.
    pub fn held(&self) -> &str {
        &self.held
    }

    /// Memory that the text so far takes, which grows with what is exchanged in it.
    pub fn allocated(&self) -> usize {
        self.held.capacity()
            + self.choice.allocated()
            + self.offsets.as_ref().map_or(0, OffsetMap::allocated)
            + self.undo.as_ref().map_or(0, Undo::allocated)
    }

    /// Sites at which a variant was chosen so far.
    pub fn sites(&self) -> u64 {
        self.decisions.sites
    }

    /// Those of them at which the other variant stood.
    pub fn flips(&self) -> u64 {
        self.decisions.flips
    }

    /// The map of the substitutions so far, if [`Rewriter::with_offsets`] asked for it.
    pub fn offsets(&self) -> Option<&OffsetMap> {
        self.offsets.as_ref()
    }

    /// What it takes to undo the substitutions so far, if [`Rewriter::with_undo`] asked for it and
    /// all pieces could be decoded.
    pub fn undo(&self) -> Option<&Undo> {
        self.undo.as_ref()
    }

    fn run_held(&mut self, end: bool, out: &mut String) {
        let mut held = std::mem::take(&mut self.held);
        let read = self.run(&held, end, out);
        held.drain(..read);
        self.held = held;
    }

    /// Reads `text` as far as can be decided; returns how far. What stays as it is leaves in one
    /// piece up to the next substitution.
    fn run(&mut self, text: &str, end: bool, out: &mut impl Output) -> usize {
        let (mut read, mut left) = (0, 0);
        while let Some(first) = text.as_bytes().get(read) {
            if *first == b' ' && self.passage.pass_space() {
                self.tail = false;
                read += 1;
                continue;
            }
            let Some(rest) = text.get(read..) else { break };
            let plain = if self.tail { None } else { plain_word(rest) };
            let word = if let Some(word) = plain {
                word
            } else {
                let Some(character) = rest.chars().next() else { break };
                if !is_word(character) {
                    self.tail = false;
                    self.passage.pass_character(character);
                    read += character.len_utf8();
                    continue;
                }
                if self.tail {
                    self.passage.mask.rest_of_word(character.encode_utf8(&mut [0; 4]));
                    read += character.len_utf8();
                    continue;
                }
                match extent_of_any(rest, end) {
                    Extent::Partial => break,
                    Extent::Long(length) => {
                        let word = Word::of(rest.get(..length).unwrap_or_default());
                        self.passage.pass(self.lexicon, word);
                        self.tail = true;
                        read += length;
                        continue;
                    }
                    Extent::Word(word) => word,
                }
            };
            let head = self.passage.reach(self.lexicon, word);
            let decision = match head.filter(|head| head.is_candidate()) {
                None => Decision::None,
                Some(candidate) if self.passage.is_open(word) => {
                    let (place, choice) = ((rest, word, end), &mut self.choice);
                    self.decisions.at_head(self.lexicon, candidate, &self.passage, place, choice)
                }
                Some(candidate) => {
                    self.decisions.leave(self.lexicon, candidate, word.text);
                    Decision::None
                }
            };
            match decision {
                Decision::More => break,
                Decision::None => {
                    self.passage.pass_reached(word, head);
                    read += word.text.len();
                }
                Decision::Keep(length) => {
                    let form = rest.get(..length).unwrap_or_default();
                    self.passage.pass_form(self.lexicon, form, false);
                    read += length;
                }
                Decision::Replace(length, form) => {
                    self.leave(text.get(left..read).unwrap_or_default(), out);
                    self.replace(rest.get(..length).unwrap_or_default(), &form);
                    out.append(&form);
                    self.passage.pass_form(self.lexicon, &form, true);
                    read += length;
                    left = read;
                }
            }
        }
        self.leave(text.get(left..read).unwrap_or_default(), out);
        read
    }

    /// Text leaves as it came.
    fn leave(&mut self, text: &str, out: &mut impl Output) {
        if let Some(offsets) = &self.offsets {
            self.position += offsets.unit().length(text);
        }
        if let Some(undo) = &mut self.undo {
            undo.advance(text);
        }
        out.append(text);
    }

    /// Notes that `form` leaves for what was `written`.
    fn replace(&mut self, written: &str, form: &str) {
        if let Some(offsets) = &mut self.offsets {
            let unit = offsets.unit();
            let removed = unit.length(written);
            offsets.substitute(self.position, removed, unit.length(form));
            self.position += removed;
        }
        if let Some(undo) = &mut self.undo {
            undo.substitute(written, form);
            undo.advance(form);
        }
    }
}

/// Calls `each` for every site of a text, in order. The text is read and nothing is written.
pub fn each_site(lexicon: &Lexicon, text: &str, mut each: impl FnMut(&Site<'_>)) {
    Rewriter::new(lexicon, |site: &Site<'_>| {
        each(site);
        None
    })
    .read(text);
}

impl<C> fmt::Debug for Rewriter<'_, C> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Rewriter")
            .field("sites", &self.decisions.sites)
            .field("flips", &self.decisions.flips)
            .finish_non_exhaustive()
    }
}
