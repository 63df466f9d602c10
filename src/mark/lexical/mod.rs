//! Rewriting a stream of text so that it carries a mark, and reading its sites back.
//!
//! Both are one scanner: it finds the sites of a text, asks at each which variant should stand
//! there, and writes that. A detector is the scanner with a choice that changes nothing, so it
//! finds the sites where the rewriter found them.
//!
//! A word is held back only if it begins a form of the lexicon, at most three whole words at a
//! time, and whatever the text is cut into, the same text comes out. What was written is the context of
//! what follows, so a second pass changes nothing.
//!
//! ```
//! use guilloche::mark::lexical::{Rewriter, Site};
//! use guilloche::mark::lexicon::Lexicon;
//!
//! let mut rewriter = Rewriter::new(Lexicon::english(), |_: &Site<'_>| Some(true));
//! let mut out = String::new();
//! rewriter.push("This is one of the tools that you can use. For exa", &mut out);
//! rewriter.push("mple, it can sort `for example`.", &mut out);
//! rewriter.finish(false, &mut out);
//! assert_eq!(out, "This is one of the tools that you can use. For instance, it can sort `for example`.");
//! ```

mod casing;
mod context;
mod mask;
mod offsets;
mod undo;
mod window;

use std::collections::HashMap;
use std::fmt;

pub use offsets::{OffsetMap, Unit};
pub use undo::{Undo, undo};

use self::casing::Casing;
use self::context::{Gap, Language};
use self::mask::Mask;
use self::window::{Extent, Step, Window, extent, is_word};
use super::cell::{Cell, ClassId, bucket, normalize};
use super::lexicon::{Consistency, Gate, Left, Lexicon};

/// Words longer than this many bytes are passed on in pieces and never a site.
pub const MAX_WORD_BYTES: usize = 64;

/// Stands for American or British English among what must be consistent.
const REGION: usize = usize::MAX;

/// A place where the text could have been written otherwise.
#[derive(Clone, Copy, Debug)]
pub struct Site<'a> {
    /// The cell: the class and the bucket of the word before.
    pub cell: Cell,
    /// The normalized word before; empty at the start.
    pub previous: &'a str,
    /// The form that stands there, as the lexicon has it.
    pub form: &'a str,
    /// Whether that is the second variant.
    pub variant: bool,
}

impl Site<'_> {
    /// The lexeme class.
    #[must_use]
    pub fn class(&self) -> ClassId {
        self.cell.class()
    }
}

/// Chooses the variant of a site.
pub trait Choice {
    /// The variant that should stand there (`true` for the second); `None` to leave the site as it
    /// is, uncounted.
    fn choose(&mut self, site: &Site<'_>) -> Option<bool>;
}

impl<F: FnMut(&Site<'_>) -> Option<bool>> Choice for F {
    fn choose(&mut self, site: &Site<'_>) -> Option<bool> {
        self(site)
    }
}

/// Calls `each` for every site of a text, in order.
pub fn each_site(lexicon: &Lexicon, text: &str, mut each: impl FnMut(&Site<'_>)) {
    let mut out = String::with_capacity(text.len());
    let mut rewriter = Rewriter::new(lexicon, |site: &Site<'_>| {
        each(site);
        None
    });
    rewriter.push(text, &mut out);
    rewriter.finish(false, &mut out);
}

/// Rewrites one text as it comes. Without clocks: who holds it calls [`Rewriter::flush`] when the
/// stream has been idle for too long.
pub struct Rewriter<'l, C> {
    lexicon: &'l Lexicon,
    choice: C,
    /// Text that came and has not left.
    held: String,
    mask: Mask,
    gap: Gap,
    language: Language,
    /// The last word, normalized, and whether it is capitalized inside a sentence.
    previous: String,
    previous_is_name: bool,
    buffers: Buffers,
    /// Inside a word whose beginning has left already.
    tail: bool,
    contractions: bool,
    numerals: bool,
    /// What became of the classes that must be consistent, by their position in the lexicon or
    /// [`REGION`]: the variant of the first site, or none if that was left alone.
    decided: HashMap<usize, Option<bool>>,
    curly: bool,
    sites: u64,
    flips: u64,
    /// Units of the original that have left.
    position: usize,
    offsets: Option<OffsetMap>,
    undo: Option<Undo>,
}

/// The word looked at and the one to its right, normalized; kept to be used again.
#[derive(Default)]
struct Buffers {
    word: String,
    right: String,
}

impl<'l, C: Choice> Rewriter<'l, C> {
    /// A rewriter for one text.
    pub fn new(lexicon: &'l Lexicon, choice: C) -> Self {
        Self {
            lexicon,
            choice,
            held: String::new(),
            mask: Mask::new(),
            gap: Gap::Line,
            language: Language::default(),
            previous: String::new(),
            previous_is_name: false,
            buffers: Buffers::default(),
            tail: false,
            contractions: false,
            numerals: false,
            decided: HashMap::new(),
            curly: false,
            sites: 0,
            flips: 0,
            position: 0,
            offsets: None,
            undo: None,
        }
    }

    /// Also records where the substitutions are, for citations.
    #[must_use]
    pub fn with_offsets(mut self, unit: Unit) -> Self {
        self.offsets = Some(OffsetMap::new(unit));
        self
    }

    /// Also records what it takes to write the text back as it was.
    #[must_use]
    pub fn with_undo(mut self) -> Self {
        self.undo = Some(Undo::default());
        self
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
        self.mask.opaque();
        (self.gap, self.tail) = (Gap::Bound, false);
        self.previous.clear();
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
                    Extent::Word(length) => (length, true),
                    Extent::Long(length) => (length, false),
                    Extent::Partial => (rest.len(), false),
                };
                self.pass_word(rest.get(..length).unwrap_or_default(), out);
                self.tail = !complete;
                length
            } else {
                self.pass_character(character, out);
                character.len_utf8()
            };
            rest = rest.get(length..).unwrap_or_default();
        }
    }

    /// The text ends. `cut_short` if a limit ended it, so that its last words may be no words.
    pub fn finish(&mut self, cut_short: bool, out: &mut String) {
        if cut_short { self.flush(out) } else { self.run_held(true, out) }
    }

    /// Whether text is held back.
    pub fn holds(&self) -> bool {
        !self.held.is_empty()
    }

    /// The text that is held back: at most three whole words and what is there of a fourth.
    pub fn held(&self) -> &str {
        &self.held
    }

    /// Sites at which a variant was chosen so far.
    pub fn sites(&self) -> u64 {
        self.sites
    }

    /// Those of them at which the other variant stood.
    pub fn flips(&self) -> u64 {
        self.flips
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

    /// Reads `text` as far as can be decided; returns how far.
    fn run(&mut self, text: &str, end: bool, out: &mut String) -> usize {
        let mut read = 0;
        while let Some(rest) = text.get(read..) {
            let Some(character) = rest.chars().next() else { break };
            if !is_word(character) {
                self.tail = false;
                self.pass_character(character, out);
                read += character.len_utf8();
            } else if self.tail {
                self.advance(rest.get(..character.len_utf8()).unwrap_or_default(), out);
                read += character.len_utf8();
            } else {
                match extent(rest, end) {
                    Extent::Partial => break,
                    Extent::Long(length) => {
                        self.pass_word(rest.get(..length).unwrap_or_default(), out);
                        self.tail = true;
                        read += length;
                    }
                    Extent::Word(length) => match self.at_word(rest, length, end, out) {
                        Step::More => break,
                        Step::Done(length) => read += length,
                    },
                }
            }
        }
        read
    }

    /// A word stands at the start of `rest`: it leaves, as it is or otherwise.
    fn at_word(&mut self, rest: &str, length: usize, end: bool, out: &mut String) -> Step {
        let word = rest.get(..length).unwrap_or_default();
        let free = !matches!(
            self.gap,
            Gap::None | Gap::AfterStop | Gap::AfterComma | Gap::AfterClause | Gap::Bound
        );
        if free && self.mask.is_prose() && self.language.is_english() {
            let mut buffers = std::mem::take(&mut self.buffers);
            buffers.word.clear();
            normalize(word, &mut buffers.word);
            let step = self.at_head(&mut buffers, rest, length, end, out);
            self.buffers = buffers;
            match step {
                Some(step) => return step,
                None => self.pass_normalized(word, out),
            }
        } else {
            self.pass_word(word, out);
        }
        Step::Done(length)
    }

    /// Decides on the forms that begin with a word; `None` if there is no site.
    fn at_head(
        &mut self,
        buffers: &mut Buffers,
        rest: &str,
        length: usize,
        end: bool,
        out: &mut String,
    ) -> Option<Step> {
        let lexicon = self.lexicon;
        let head = lexicon.head(&buffers.word)?;
        if head.regional {
            self.decided.entry(REGION).or_insert(None);
        }
        let Some(window) = Window::new(rest, length, head.ahead, end) else {
            return Some(Step::More);
        };
        for form in &head.forms {
            let Some(length) = window.matches(&form.text, form.words) else { continue };
            let right = match window.right(length, form.words, &mut buffers.right) {
                Ok(right) => right,
                Err(window::Undecided::More) => return Some(Step::More),
                Err(window::Undecided::Bound) => continue,
            };
            let written = rest.get(..length).unwrap_or_default();
            let Some(class) = lexicon.class(form.index) else { continue };
            let unit = match class.consistency {
                Consistency::Free => None,
                Consistency::Class => Some(form.index),
                Consistency::Region => Some(REGION),
            };
            let casing = Casing::of(written, &form.text);
            let left = casing.and_then(|casing| self.left(casing, window.right_is_name(length)));
            let admitted = left.is_some_and(|left| {
                !casing::article_differs(left, &form.text, &form.other)
                    && class.guard.admits(left, right)
            });
            let Some(casing) = casing.filter(|_| admitted) else {
                // What is written so where it must stay is to be written so everywhere.
                if let Some(unit) = unit {
                    self.decided.entry(unit).or_insert(None);
                }
                continue;
            };
            let open = match class.gate {
                Gate::Open => true,
                Gate::Contraction => self.contractions,
                Gate::Numeral => {
                    // The first small number in digits opens the gate and stays.
                    let open = self.numerals;
                    self.numerals |= written.bytes().all(|byte| byte.is_ascii_digit());
                    open
                }
            };
            if !open {
                continue;
            }
            let cell = Cell::from_bucket(form.class, bucket(&self.previous));
            let site =
                Site { cell, previous: &self.previous, form: &form.text, variant: form.variant };
            let decided = unit.and_then(|unit| self.decided.get(&unit));
            let chosen = match decided {
                Some(first) => *first,
                None => {
                    let chosen = self.choice.choose(&site);
                    self.sites += u64::from(chosen.is_some());
                    if let Some(unit) = unit {
                        self.decided.insert(unit, chosen);
                    }
                    chosen
                }
            };
            if chosen.is_none_or(|variant| variant == form.variant) {
                self.pass_form(written, out);
            } else {
                self.flips += 1;
                let other = casing.apply(&form.other, self.curly);
                if let Some(undo) = &mut self.undo {
                    undo.substitute(written, &other);
                }
                if let Some(offsets) = &mut self.offsets {
                    let unit = offsets.unit();
                    let removed = unit.length(written);
                    offsets.substitute(self.position, removed, unit.length(&other));
                    self.position += removed;
                }
                let position = self.position;
                self.pass_form(&other, out);
                self.position = position;
            }
            return Some(Step::Done(length));
        }
        None
    }

    /// What stands on the left of a form written in this case, unless it is no place for one.
    fn left(&self, casing: Casing, right_is_name: bool) -> Option<Left<'_>> {
        Some(match (self.gap, casing) {
            (Gap::Line | Gap::Sentence, Casing::Title) if right_is_name => return None,
            (Gap::Line | Gap::Sentence, Casing::Title | Casing::Exact) => Left::Start,
            (Gap::Line, Casing::Lower) => Left::Start,
            (_, Casing::Title) => return None,
            _ if self.previous_is_name && right_is_name => return None,
            (Gap::Space, _) => Left::Word(&self.previous),
            (Gap::Comma, _) => Left::Comma,
            _ => Left::Clause,
        })
    }

    fn pass_form(&mut self, form: &str, out: &mut String) {
        for (number, word) in form.split(' ').enumerate() {
            if number > 0 {
                self.pass_character(' ', out);
            }
            self.pass_word(word, out);
        }
    }

    fn pass_word(&mut self, word: &str, out: &mut String) {
        self.buffers.word.clear();
        normalize(word, &mut self.buffers.word);
        self.pass_normalized(word, out);
    }

    /// A word leaves whose normalized form is in the buffer.
    fn pass_normalized(&mut self, word: &str, out: &mut String) {
        let prose = self.mask.is_prose();
        let first = word.chars().next();
        self.mask.word(first.is_some_and(char::is_numeric));
        self.previous_is_name = first.is_some_and(char::is_uppercase)
            && !matches!(self.gap, Gap::Line | Gap::Sentence)
            && casing::is_capitalized(word);
        std::mem::swap(&mut self.previous, &mut self.buffers.word);
        self.language.word(&self.previous);
        if self.previous.contains('\'') {
            self.curly = word.contains('’');
            self.contractions |= prose && casing::is_contraction(&self.previous);
        }
        self.gap = Gap::None;
        self.advance(word, out);
    }

    fn pass_character(&mut self, character: char, out: &mut String) {
        if character == ' ' && self.gap == Gap::None && self.mask.space() {
            self.gap = Gap::Space;
            return self.advance(" ", out);
        }
        self.mask.character(character);
        self.gap = self.gap.then(character);
        self.advance(character.encode_utf8(&mut [0; 4]), out);
    }

    fn advance(&mut self, text: &str, out: &mut String) {
        if let Some(offsets) = &self.offsets {
            self.position += offsets.unit().length(text);
        }
        if let Some(undo) = &mut self.undo {
            undo.advance(text);
        }
        out.push_str(text);
    }
}

impl<C> fmt::Debug for Rewriter<'_, C> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Rewriter")
            .field("sites", &self.sites)
            .field("flips", &self.flips)
            .finish_non_exhaustive()
    }
}
