//! Pairs of phrasings between which an author is free, with the conditions under which he is.
//!
//! A *lexeme class* has two variants with the same inflected forms. Its guards say next to what a
//! form may stand: where a guard is in doubt there is no site, because a reader who notices one
//! substitution learns of all of them. Both variants of a form have the same guards, so that a
//! text is read the same before and after it was marked.
//!
//! The built-in data are in `classes.tsv`, one class per line, with their provenance and licence;
//! [`Lexicon::parse`] documents the format.
//!
//! ```
//! let lexicon = guilloche::mark::lexicon::Lexicon::english();
//! assert!(lexicon.classes().count() >= 400);
//! ```

mod behind;
mod chain;
mod echo;
mod guard;
mod read;
mod vocabulary;

use std::collections::HashSet;
use std::sync::{Arc, LazyLock};

pub(super) use behind::{Behind, Eight};
pub(super) use echo::Echo;
pub(super) use guard::Context;
pub use guard::{Guard, Left, Right};
pub use read::{LexiconError, LexiconProblem};

use self::vocabulary::Vocabulary;
pub(super) use self::vocabulary::{WordKey, WordState};
use super::cell::{BUCKETS, ClassId};

/// The file of the built-in classes.
pub(crate) const ENGLISH_CLASSES: &str = include_str!("classes.tsv");

/// The most words that one form has.
pub const MAX_FORM_WORDS: usize = 3;

/// Which texts a class is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gate {
    /// Every text.
    Open,
    /// Texts that have had both a contraction and the words for one before this place: whoever keeps to
    /// one way of writing keeps to it.
    Contraction,
    /// Texts whose author has used a contraction before this place: whoever writes none is not made to
    /// talk.
    Talk,
    /// Texts that are not formal, as contracts and letters are.
    Everyday,
}

/// What must be alike in one text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consistency {
    /// Nothing: every place is a site of its own.
    Free,
    /// The class, as with spellings: the first place is the only site, and the others follow it.
    Class,
    /// All classes in which American English (the first variant) and British English (the second)
    /// differ: the first place of any of them is the only site, and the others follow it. None is
    /// a site behind a word that has told already which English it is.
    Region,
}

/// A lexeme class as the file describes it.
#[derive(Debug)]
pub struct Class {
    /// Its number.
    pub id: ClassId,
    /// What kind of pair it is: the file's `kind` column.
    pub kind: Box<str>,
    /// The inflected forms, in pairs: first and second variant.
    pub pairs: Vec<(Box<str>, Box<str>)>,
    /// Where its forms are a site.
    pub guard: Guard,
    /// The class whose second variant this one divides further: its first variant is that one's second.
    pub within: Option<ClassId>,
    /// The class and those within it, each within the one before: the choices that are made at a site, one
    /// after the other as long as the second variant is chosen. Of a class within another: nothing.
    pub(super) chain: Vec<ClassId>,
    /// In which texts.
    pub gate: Gate,
    /// What a text that uses the class again must keep to.
    pub consistency: Consistency,
    /// Where the class was taken from.
    pub provenance: Box<str>,
    /// Its licence, as an SPDX expression.
    pub licence: Box<str>,
}

/// One form of one variant, under the first word by which it is found.
#[derive(Debug)]
pub(super) struct Form {
    /// Position of the class in the lexicon; it is within no other.
    pub(super) index: usize,
    /// Which of the variants it is.
    pub(super) place: usize,
    /// As it is written in the middle of a sentence.
    pub(super) text: Box<str>,
    /// The same form of every variant: of the class two, and one more of each class within it.
    pub(super) variants: Arc<[Box<str>]>,
    /// How many words it has.
    pub(super) words: usize,
    /// How it goes on behind the first.
    pub(super) behind: Behind,
    /// What a reader would notice of each variant if it came again.
    pub(super) echoes: Arc<[Echo]>,
}

/// What a word tells of the text that it stands in; see [`Lexicon::parse`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Traits {
    pub(super) regional: bool,
    pub(super) spoken: bool,
    pub(super) verbatim: bool,
    pub(super) utters: bool,
    pub(super) formal: bool,
    pub(super) poetry: bool,
    pub(super) announces: bool,
    pub(super) entire: bool,
    pub(super) legal: bool,
    pub(super) dose: bool,
    pub(super) party: bool,
    pub(super) foreign: bool,
    pub(super) tongue: bool,
    pub(super) past: bool,
}

impl Traits {
    /// Whether there is something to note where the word is passed, which there is not at most words. The others
    /// are looked at each for itself.
    fn tells(self) -> bool {
        let others = Self { regional: false, utters: false, foreign: false, past: false, ..self };
        others != Self::default()
    }
}

/// What sets a trait, and the words that have it.
type TraitWords = (fn(&mut Traits), HashSet<Box<str>, WordState>);

/// The forms that begin with one word, longest first.
#[derive(Debug, Default)]
pub(super) struct Head {
    pub(super) forms: Vec<Form>,
    /// Words that must be seen behind the first to decide.
    pub(super) ahead: usize,
    /// Whether one of them is that word alone.
    pub(super) single: bool,
    /// With what letters the second words of the others begin: a bit for each.
    pub(super) seconds: u32,
    /// What the word tells of the text, and whether there is something to note.
    pub(super) traits: Traits,
    pub(super) tells: bool,
    /// Whether it is one of [`FUNCTION_WORDS`].
    pub(super) function: bool,
}

impl Head {
    /// The first of its forms, and so the longest, that may stand before `behind`, as far as the next letters tell.
    #[inline]
    pub(super) fn longest(&self, behind: &[u8]) -> Option<&Form> {
        if !self.may_begin(behind) {
            return None;
        }
        let eight = Eight::of(behind);
        self.forms.iter().find(|form| form.behind.may_be(eight))
    }

    /// Whether one may, as far as the next letter tells.
    #[inline]
    fn may_begin(&self, behind: &[u8]) -> bool {
        self.single
            || match behind {
                [b' ', next, ..] if next.is_ascii() => self.seconds & letter(*next) != 0,
                [b' ', ..] => true,
                _ => false,
            }
    }

    /// Whether the word may decide something.
    #[inline]
    pub(super) fn is_candidate(&self) -> bool {
        !self.forms.is_empty() || self.traits.regional
    }
}

/// The bit of a letter; bytes that are none may share it.
#[inline]
fn letter(byte: u8) -> u32 {
    1 << (byte % 32)
}

/// Words that are frequent in English and are no words of its neighbours.
const FUNCTION_WORDS: &str = "the of and to is that it you for with are this be as by your from or have not can they which \
     their these will when has its if but there other more how we what would each them like than \
     some should into because between through while where after before those does could about then \
     often it's don't you're i'm that's many such being both very my our his her him who been were";

/// The classes, and the forms by their first word.
#[derive(Debug)]
pub struct Lexicon {
    classes: Vec<Class>,
    heads: Vocabulary<Head>,
    cells: u32,
}

impl Lexicon {
    /// The built-in classes of American and British English.
    ///
    /// If the built-in file did not parse (a test proves that it does), the lexicon would be empty.
    #[must_use]
    pub fn english() -> &'static Self {
        static ENGLISH: LazyLock<Lexicon> =
            LazyLock::new(|| Lexicon::parse(ENGLISH_CLASSES).unwrap_or_else(|_| Lexicon::empty()));
        &ENGLISH
    }

    /// A lexicon without classes, which changes nothing.
    #[must_use]
    pub fn empty() -> Self {
        Self { classes: Vec::new(), heads: Vocabulary::default(), cells: 0 }
    }

    /// The classes, in the order of the file.
    pub fn classes(&self) -> impl ExactSizeIterator<Item = &Class> {
        self.classes.iter()
    }

    /// How many cells there are: the highest class number and one more, by [`BUCKETS`].
    #[must_use]
    pub fn cells(&self) -> u32 {
        self.cells
    }

    /// The highest class number and one more.
    #[must_use]
    pub fn numbers(&self) -> u32 {
        self.cells / BUCKETS
    }

    /// What is known of a normalized word with this key, if anything is.
    #[inline]
    pub(super) fn head(&self, normalized: &[u8], key: WordKey) -> Option<&Head> {
        self.heads.find(normalized, key)
    }

    /// The class at a position.
    pub(super) fn class(&self, index: usize) -> Option<&Class> {
        self.classes.get(index)
    }

    fn of(classes: Vec<Class>, traits: &[TraitWords]) -> Self {
        let mut lexicon = Self::empty();
        for (set, words) in traits {
            for word in words {
                lexicon.heads.change(word, |head| set(&mut head.traits));
            }
        }
        for word in FUNCTION_WORDS.split_ascii_whitespace() {
            lexicon.heads.change(word, |head| head.function = true);
        }
        for class in &classes {
            lexicon.cells = lexicon.cells.max((u32::from(class.id.0) + 1) * BUCKETS);
        }
        for (index, forms) in chain::variants(&classes) {
            let echoes = echo::of(&classes, index, &forms);
            for (place, text) in forms.iter().enumerate() {
                let words = text.split(' ').count();
                let second = text.split(' ').nth(1).and_then(|word| word.bytes().next());
                let behind = Behind::of(text);
                let mut head = String::new();
                super::cell::normalize(text.split(' ').next().unwrap_or_default(), &mut head);
                let (text, variants) = (text.clone(), Arc::clone(&forms));
                let echoes = Arc::clone(&echoes);
                let form = Form { index, place, text, variants, words, behind, echoes };
                lexicon.heads.change(&head, |head| {
                    head.ahead = head.ahead.max(words);
                    head.single |= words == 1;
                    head.seconds |= second.map_or(0, letter);
                    head.forms.push(form);
                });
            }
        }
        for head in lexicon.heads.values_mut() {
            head.forms.sort_by_key(|form| std::cmp::Reverse(form.words));
            head.tells = head.traits.tells();
        }
        lexicon.classes = classes;
        lexicon
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails when a form is passed over because of the letter that its second word begins with.
    #[test]
    fn every_form_may_begin_where_its_other_words_follow_in_any_case() {
        let lexicon = Lexicon::english();
        for form in
            lexicon.classes().flat_map(|class| &class.pairs).flat_map(|(one, two)| [one, two])
        {
            for form in [form.to_string(), form.to_uppercase()] {
                let mut normalized = String::new();
                super::super::cell::normalize(form.split(' ').next().unwrap(), &mut normalized);
                let key = WordKey::of(normalized.as_bytes());
                let behind = form.split_once(' ').map(|(_, behind)| format!(" {behind}"));
                let head = lexicon.head(normalized.as_bytes(), key);
                assert!(
                    head.is_none_or(|head| {
                        let behind = behind.as_deref().unwrap_or_default();
                        head.longest(behind.as_bytes()).is_some()
                    }),
                    "{form}"
                );
            }
        }
    }

    #[test]
    fn a_word_that_only_begins_forms_of_several_words_begins_none_elsewhere() {
        let head = Head { single: false, seconds: letter(b't'), ..Head::default() };
        assert!(head.may_begin(b" the") && head.may_begin(b" The"));
        assert!(head.may_begin(" \u{212a}elvin".as_bytes()));
        for behind in ["", " a", ", the", "\nthe", " A"] {
            assert!(!head.may_begin(behind.as_bytes()), "{behind:?}");
        }
    }
}
