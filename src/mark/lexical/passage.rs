//! What is known at a place of a text from all that stands before it.

use super::announced::{self, Announced};
use super::casing::{self, Casing};
use super::context::{Gap, Language};
use super::mask::Mask;
use super::opening::Opening;
use super::recent::Recent;
use super::window::Word;
use crate::mark::lexicon::{Context, Echo, Head, Left, Lexicon, Traits};
use crate::secret::opaque_debug;

/// The state of a text up to the place reached.
pub(super) struct Passage {
    pub(super) mask: Mask,
    pub(super) gap: Gap,
    language: Language,
    words: Recent,
    /// The stem of the one reached, and whether it is plain and has no capital.
    stem: u32,
    small: bool,
    /// Whether the last word is capitalized inside a sentence.
    previous_is_name: bool,
    pub(super) opening: Opening,
    /// Whether the author has used a contraction.
    pub(super) contractions: bool,
    /// Whether the last apostrophe was a typographic one.
    pub(super) curly: bool,
    /// Whether the text is of a kind that is written without contractions.
    pub(super) formal: bool,
    /// Whether the paragraph speaks of words or repeats what somebody said.
    quoted: bool,
    /// Whether the paragraph tells a dose, or is of a contract.
    grave: bool,
    /// What a paragraph before has announced.
    announced: Announced,
    /// Whether the last word says that something follows which was said.
    utters: bool,
    /// Whether prose is left alone that must stay as it was written: verse, what is announced, behind labels. Not
    /// where a text is only read, since others may repeat without its frame what was marked within.
    pub(super) spares: bool,
    /// The stems of the last words, and where the next one goes.
    stems: [u32; FAR],
    next: usize,
    /// A bit for each that was exchanged, the last word's the lowest.
    exchanged: u32,
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
            words: Recent::default(),
            stem: 0,
            small: false,
            previous_is_name: false,
            opening: Opening::default(),
            contractions: false,
            curly: false,
            formal: false,
            quoted: false,
            grave: false,
            announced: Announced::default(),
            utters: false,
            spares: true,
            stems: [0; FAR],
            exchanged: 0,
            next: 0,
        }
    }

    /// Something that cannot be read stands here.
    pub(super) fn opaque(&mut self) {
        self.mask.opaque();
        self.opening.opaque();
        self.gap = Gap::Bound;
        self.words.forget();
    }

    /// Whether a form may begin here, with this word.
    #[inline]
    pub(super) fn is_open(&self, word: Word<'_>) -> bool {
        let apart =
            matches!(self.gap, Gap::Line | Gap::Sentence | Gap::Space | Gap::Comma | Gap::Clause);
        apart
            && self.mask.is_prose(word.text)
            && !self.quoted
            && !(self.spares && self.is_spared())
            && self.language.is_english()
    }

    /// Whether prose here stays as it was written.
    fn is_spared(&self) -> bool {
        self.grave || self.announced.holds() || self.mask.is_spared()
    }

    /// A word is reached: what the lexicon knows of it.
    #[inline]
    pub(super) fn reach<'l>(&mut self, lexicon: &'l Lexicon, word: Word<'_>) -> Option<&'l Head> {
        let (key, small, letters) = self.words.reach(word)?;
        (self.stem, self.small) = (key.stem, small);
        lexicon.head(letters, key)
    }

    /// The word that was reached is passed; what the lexicon knows of it is `head`.
    #[inline]
    pub(super) fn pass_reached(&mut self, word: Word<'_>, head: Option<&Head>) {
        self.previous_is_name = !self.small
            && !matches!(self.gap, Gap::Line | Gap::Sentence)
            && casing::is_capitalized(word.text);
        if !word.plain && self.words.before(0).contains('\'') {
            self.curly = word.text.contains('’');
            self.contractions |=
                self.mask.is_prose(word.text) && casing::is_contraction(self.words.before(0));
        }
        self.utters = head.is_some_and(|head| head.traits.utters);
        self.announced.word(word.text);
        if let Some(head) = head.filter(|head| head.tells) {
            self.note(head.traits);
        }
        self.mask.word(word.text);
        if let Some(slot) = self.stems.get_mut(self.next) {
            *slot = self.stem;
        }
        self.exchanged <<= 1;
        self.next = (self.next + 1) % FAR;
        if self.opening.is_open() {
            self.opening.word(self.words.before(0));
        }
        let foreign = !word.plain && !self.words.before(0).is_ascii();
        self.words.pass();
        self.language.word(head, foreign);
        self.gap = Gap::None;
    }

    /// What the word that was reached tells of the text.
    fn note(&mut self, traits: Traits) {
        self.formal |= traits.formal;
        let previous = || self.words.before(1);
        let article = || {
            matches!(
                previous(),
                "the" | "this" | "these" | "a" | "as" | "seed" | "safe" | "linking" | "transition"
            )
        };
        let says = traits.verbatim || traits.tongue && previous() == "in";
        let says = says || traits.spoken && article();
        self.quoted |= says;
        // `the Buyer` of a contract.
        let party = traits.party && !self.small && previous() == "the";
        self.grave |= traits.dose || traits.legal || party;
        if traits.legal {
            self.announced.begin(announced::SEVERAL);
        }
        if says || traits.poetry || traits.announces {
            self.announced.says(announced::ONE);
        }
        if traits.entire {
            self.announced.says(announced::MANY);
        }
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
        self.words.before(match context {
            Context::First => 1,
            Context::Second => 2,
            Context::Third => 3,
        })
    }

    /// Whether the last words tell of the past.
    pub(super) fn is_past(&self) -> bool {
        self.language.is_past()
    }

    /// Whether a variant is among the last words, and if so, whether it was exchanged for another.
    pub(super) fn has_said(&self, echo: &Echo) -> Option<bool> {
        let Echo { near, far } = echo;
        // Mostly none of them was heard at all.
        if !far.iter().chain(near).any(|stem| self.stems.contains(stem)) {
            return None;
        }
        (0..FAR).find_map(|age| {
            let place = (self.next + FAR - 1 - age) % FAR;
            let stem = self.stems.get(place)?;
            let said = far.contains(stem) || age < NEAR && near.contains(stem);
            said.then_some(self.exchanged >> age & 1 == 1)
        })
    }

    /// All words of a form are passed, which was `exchanged` for another or was not.
    pub(super) fn pass_form(&mut self, lexicon: &Lexicon, form: &str, exchanged: bool) {
        for (number, word) in form.split(' ').enumerate() {
            if number > 0 {
                self.pass_character(' ');
            }
            self.pass(lexicon, Word::of(word));
            self.exchanged |= u32::from(exchanged);
        }
    }

    /// A space is passed, the most frequent character, if it stands directly behind a word of prose. False, and
    /// nothing done, if it does not.
    #[inline]
    pub(super) fn pass_space(&mut self) -> bool {
        let usual = self.gap == Gap::None && self.mask.space();
        if usual {
            self.gap = Gap::Space;
        }
        usual
    }

    /// A character between words is passed.
    #[inline]
    pub(super) fn pass_character(&mut self, character: char) {
        if !(character == ' ' && self.pass_space()) {
            let blank = self.mask.is_blank();
            match character {
                '\n' if blank => {
                    (self.quoted, self.grave) = (false, false);
                    self.announced.end_paragraph();
                    self.opening.end();
                }
                '\n' => self.announced.end_line(!self.mask.is_code()),
                _ => self.announced.character(character),
            }
            self.mask.character(character);
            if character == '\n' && !blank && self.mask.names_text() {
                self.announced.is_named();
            }
            if character == ':' && self.gap == Gap::None && self.utters {
                self.announced.says(announced::ONE);
                self.mask.mask_line();
            } else if character == ':' && self.gap == Gap::None && self.tells_of_text() {
                self.announced.says(announced::ONE);
            }
            self.gap = self.gap.then(character);
        }
    }

    /// Whether a colon behind the last word tells of a text that somebody puts somewhere: `like this:`, `Change the
    /// title to:`, `this one:`, or `with:` alone behind what is replaced.
    fn tells_of_text(&self) -> bool {
        match self.words.before(1) {
            "this" => true,
            "one" => self.words.before(2) == "this",
            "to" | "with" | "by" => self.opening.is_of_edit(),
            _ => false,
        }
    }

    /// What stands on the left of a form written in this case, unless it is no place for one.
    pub(super) fn left(
        &self,
        casing: Casing,
        right_is_name: impl Fn() -> bool,
    ) -> Option<Left<'_>> {
        Some(match (self.gap, casing) {
            (Gap::Line | Gap::Sentence, Casing::Title) if right_is_name() => return None,
            (Gap::Line | Gap::Sentence, Casing::Title | Casing::Exact) => Left::Start,
            (Gap::Line, Casing::Lower) => Left::Start,
            (_, Casing::Title) => return None,
            _ if self.previous_is_name && right_is_name() => return None,
            (Gap::Space, _) => Left::Word(self.words.before(1)),
            (Gap::Comma, _) => Left::Comma(self.words.before(1)),
            _ => Left::Clause,
        })
    }
}
