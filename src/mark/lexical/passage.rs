//! What is known at a place of a text from all that stands before it.

use super::casing::{self, Casing};
use super::context::{Gap, Language};
use super::mask::Mask;
use super::opening::Opening;
use super::window::Word;
use crate::mark::cell::normalize;
use crate::mark::lexicon::{Context, Echo, Head, Left, Lexicon, Traits, stem_hash};
use crate::secret::opaque_debug;

/// The state of a text up to the place reached.
pub(super) struct Passage {
    pub(super) mask: Mask,
    pub(super) gap: Gap,
    language: Language,
    /// The last word, normalized, and whether it is capitalized inside a sentence.
    pub(super) previous: String,
    /// The two words before that.
    earlier: [String; 2],
    previous_is_name: bool,
    /// The word reached, normalized.
    word: String,
    pub(super) opening: Opening,
    /// Whether the author has used a contraction.
    pub(super) contractions: bool,
    /// Whether the last apostrophe was a typographic one.
    pub(super) curly: bool,
    /// Whether the text is of a kind that is written without contractions.
    pub(super) formal: bool,
    /// Whether the paragraph speaks of words or repeats what somebody said.
    quoted: bool,
    /// Whether the last word says that something follows which was said.
    utters: bool,
    /// Whether forms in verse are left alone.
    pub(super) spares_verse: bool,
    /// The stems of the last words, whether each was exchanged, and where the next one goes.
    recent: [(u32, bool); FAR],
    next: usize,
}

/// Words within which a reader notices that one comes again, and that one of content does.
const NEAR: usize = 6;
const FAR: usize = 32;

opaque_debug!(Passage);

impl Passage {
    pub(super) fn new() -> Self {
        Self {
            mask: Mask::new(),
            gap: Gap::Line,
            language: Language::default(),
            previous: String::new(),
            earlier: Default::default(),
            previous_is_name: false,
            word: String::new(),
            opening: Opening::default(),
            contractions: false,
            curly: false,
            formal: false,
            quoted: false,
            utters: false,
            spares_verse: true,
            recent: [(0, false); FAR],
            next: 0,
        }
    }

    /// Something that cannot be read stands here.
    pub(super) fn opaque(&mut self) {
        self.mask.opaque();
        self.opening.opaque();
        self.gap = Gap::Bound;
        self.previous.clear();
        self.earlier.iter_mut().for_each(String::clear);
    }

    /// Whether a form may begin here, with this word.
    pub(super) fn is_open(&self, word: Word<'_>) -> bool {
        let apart =
            matches!(self.gap, Gap::Line | Gap::Sentence | Gap::Space | Gap::Comma | Gap::Clause);
        let spared = self.quoted || self.spares_verse && self.mask.is_verse();
        apart && self.mask.is_prose(word.text) && !spared && self.language.is_english()
    }

    /// A word is reached: what the lexicon knows of it.
    pub(super) fn reach<'l>(&mut self, lexicon: &'l Lexicon, word: Word<'_>) -> Option<&'l Head> {
        self.word.clear();
        if word.plain {
            self.word.push_str(word.text);
            self.word.make_ascii_lowercase();
        } else {
            normalize(word.text, &mut self.word);
        }
        lexicon.head(&self.word)
    }

    /// The word that was reached is passed; what the lexicon knows of it is `head`.
    pub(super) fn pass_reached(&mut self, word: Word<'_>, head: Option<&Head>) {
        let first = word.text.chars().next();
        self.previous_is_name = first.is_some_and(char::is_uppercase)
            && !matches!(self.gap, Gap::Line | Gap::Sentence)
            && casing::is_capitalized(word.text);
        if !word.plain && self.word.contains('\'') {
            self.curly = word.text.contains('’');
            self.contractions |=
                self.mask.is_prose(word.text) && casing::is_contraction(&self.word);
        }
        let traits = head.map(|head| head.traits).unwrap_or_default();
        self.note(traits);
        self.mask.word(word.text, first.is_some_and(char::is_numeric));
        if let Some(slot) = self.recent.get_mut(self.next) {
            *slot = (stem_hash(&self.word), false);
        }
        self.next = (self.next + 1) % FAR;
        let [second, third] = &mut self.earlier;
        std::mem::swap(second, third);
        std::mem::swap(second, &mut self.previous);
        std::mem::swap(&mut self.previous, &mut self.word);
        self.opening.word(&self.previous);
        let foreign = !word.plain && !self.previous.is_ascii();
        self.language.word(head.is_some_and(|head| head.function), foreign, traits);
        self.gap = Gap::None;
    }

    /// What the word that was reached tells of the text.
    fn note(&mut self, traits: Traits) {
        self.utters = traits.utters;
        self.formal |= traits.formal;
        let article =
            || matches!(&*self.previous, "the" | "this" | "these" | "a" | "as" | "seed" | "safe");
        let says = traits.verbatim || traits.tongue && self.previous == "in";
        self.quoted |= says || traits.spoken && article();
        if traits.poetry {
            self.mask.expect_verse();
        }
    }

    /// A word is passed.
    pub(super) fn pass(&mut self, lexicon: &Lexicon, word: Word<'_>) {
        let head = self.reach(lexicon, word);
        self.pass_reached(word, head);
    }

    /// The word that tells the cells of a class apart.
    pub(super) fn context(&self, context: Context) -> &str {
        let [second, third] = &self.earlier;
        match context {
            Context::First => &self.previous,
            Context::Second => second,
            Context::Third => third,
        }
    }

    /// Whether the last words tell of the past.
    pub(super) fn is_past(&self) -> bool {
        self.language.is_past()
    }

    /// Whether a variant is among the last words, and if so, whether it was exchanged for another.
    pub(super) fn has_said(&self, echo: &Echo) -> Option<bool> {
        let said = |(age, (stem, _)): &(usize, &(u32, bool))| {
            echo.far.contains(stem) || *age < NEAR && echo.near.contains(stem)
        };
        if echo.far.is_empty() && echo.near.is_empty() {
            return None;
        }
        let (newer, older) = self.recent.split_at_checked(self.next)?;
        let last = newer.iter().rev().chain(older.iter().rev());
        last.enumerate().find(said).map(|(_, (_, exchanged))| *exchanged)
    }

    /// All words of a form are passed, which was `exchanged` for another or was not.
    pub(super) fn pass_form(&mut self, lexicon: &Lexicon, form: &str, exchanged: bool) {
        for (number, word) in form.split(' ').enumerate() {
            if number > 0 {
                self.pass_character(' ');
            }
            let place = self.next;
            self.pass(lexicon, Word::of(word));
            if let Some((_, noted)) = self.recent.get_mut(place) {
                *noted = exchanged;
            }
        }
    }

    /// A character between words is passed.
    pub(super) fn pass_character(&mut self, character: char) {
        if character == ' ' && self.gap == Gap::None && self.mask.space() {
            self.gap = Gap::Space;
        } else {
            if character == '\n' && self.mask.is_blank() {
                self.quoted = false;
                self.opening.end();
            }
            self.mask.character(character);
            if character == ':' && self.gap == Gap::None && self.utters {
                self.mask.mask_line();
            }
            self.gap = self.gap.then(character);
        }
    }

    /// What stands on the left of a form written in this case, unless it is no place for one.
    pub(super) fn left(&self, casing: Casing, right_is_name: bool) -> Option<Left<'_>> {
        Some(match (self.gap, casing) {
            (Gap::Line | Gap::Sentence, Casing::Title) if right_is_name => return None,
            (Gap::Line | Gap::Sentence, Casing::Title | Casing::Exact) => Left::Start,
            (Gap::Line, Casing::Lower) => Left::Start,
            (_, Casing::Title) => return None,
            _ if self.previous_is_name && right_is_name => return None,
            (Gap::Space, _) => Left::Word(&self.previous),
            (Gap::Comma, _) => Left::Comma(&self.previous),
            _ => Left::Clause,
        })
    }
}
