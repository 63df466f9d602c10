//! Which form stands at a place, whether it is a site, and what is to stand there.

use std::collections::BTreeMap;

use super::casing::{self, Casing};
use super::choice::{Choice, Chosen, Site};
use super::passage::Passage;
use super::window::{FARTHEST, Undecided, Window, Word};
use crate::mark::lexicon::{Class, Consistency, Eight, Form, Gate, Head, Left, Lexicon, Right};
use crate::secret::opaque_debug;

/// Stands for American or British English among what must be consistent.
const REGION: usize = usize::MAX;

/// What became of a word with which forms begin.
pub(super) enum Decision {
    /// More text is needed to decide.
    More,
    /// There is no site.
    None,
    /// A form of so many bytes is a site and stays.
    Keep(usize),
    /// A form of so many bytes becomes this.
    Replace(usize, String),
}

opaque_debug!(Decision);

/// What the places before have decided, and the counts.
#[derive(Default)]
pub(super) struct Decisions {
    /// What became of the classes that must be consistent, by their position in the lexicon or
    /// [`REGION`]: the variant of the first site, or none if that was left alone.
    consistent: BTreeMap<usize, Option<bool>>,
    /// Whether the text has had a contraction, and the words for one, where it could have had the other.
    contracted: bool,
    in_full: bool,
    /// The word to the right, normalized; kept to be used again.
    right: String,
    pub(super) sites: u64,
    pub(super) flips: u64,
}

opaque_debug!(Decisions);

impl Decisions {
    /// Decides on the forms that begin with the word at the start of `rest`.
    #[inline]
    pub(super) fn at_head(
        &mut self,
        lexicon: &Lexicon,
        head: &Head,
        passage: &Passage,
        place: (&str, Word<'_>, bool),
        choice: &mut impl Choice,
    ) -> Decision {
        if head.traits.regional {
            self.consistent.entry(REGION).or_insert(None);
        }
        let (rest, word, end) = place;
        let behind = rest.as_bytes().get(word.text.len()..).unwrap_or_default();
        let ahead = if is_far(rest, end) {
            // Most are told by the next letters, where the text is there that would be waited for.
            let Some(longest) = head.longest(behind) else { return Decision::None };
            longest.words
        } else {
            head.ahead
        };
        self.among(lexicon, (&head.forms, Eight::of(behind), ahead), passage, place, choice)
    }

    /// Decides on those of these forms that may stand here, as far as eight letters tell.
    fn among(
        &mut self,
        lexicon: &Lexicon,
        (forms, behind, ahead): (&[Form], Eight, usize),
        passage: &Passage,
        (rest, word, end): (&str, Word<'_>, bool),
        choice: &mut impl Choice,
    ) -> Decision {
        let Some(window) = Window::new(rest, word, ahead, end) else {
            return Decision::More;
        };
        for form in forms.iter().filter(|form| form.behind.may_be(behind)) {
            let Some(length) = window.matches(&form.text, form.words) else { continue };
            let written = rest.get(..length).unwrap_or_default();
            let Some(class) = lexicon.class(form.index) else { continue };
            let casing = Casing::of(written, &form.text)
                .filter(|_| !passage.mask.is_line_start() || window.may_begin_line(length, form));
            let left = casing.and_then(|it| passage.left(it, || window.right_is_name(length)));
            let left = left.filter(|left| {
                let past = class.guard.present && passage.is_past();
                !past && class.guard.admits_left(*left)
            });
            // Whatever stands on the right then decides nothing, unless other places depend on this one.
            if left.is_none() && unit(class, form).is_none() && is_far(rest, end) {
                continue;
            }
            let right = match window.right(length, form.words, &mut self.right) {
                Ok(right) => right,
                Err(Undecided::More) => return Decision::More,
                Err(Undecided::Bound) => continue,
            };
            let admitted = left.is_some_and(|left| {
                let named = class.consistency == Consistency::Class && is_name(casing, left, right);
                let differs = casing::is_article(left)
                    && form.variants.iter().any(|other| casing::article_differs(&form.text, other));
                !named && !differs && class.guard.admits_right(right)
            });
            let Some(casing) = casing.filter(|_| admitted) else {
                // What is written so where it must stay is to be written so everywhere.
                if let Some(unit) = unit(class, form) {
                    self.consistent.entry(unit).or_insert(None);
                }
                continue;
            };
            if !self.is_open(class.gate, form, passage) {
                continue;
            }
            let said = |echo| passage.has_said(echo).is_some();
            let place = if form.echoes.iter().any(said) {
                other_than_said(form, passage)
            } else {
                Some(self.choose(class, form, passage, choice))
            };
            let Some(place) = place else { continue };
            let Some(chosen) = form.variants.get(place).filter(|_| place != form.place) else {
                return Decision::Keep(length);
            };
            self.flips += 1;
            return Decision::Replace(length, casing.apply(chosen, passage.curly));
        }
        Decision::None
    }

    /// Whether a text is one of those that a class is for.
    fn is_open(&mut self, gate: Gate, form: &Form, passage: &Passage) -> bool {
        match gate {
            Gate::Open => true,
            Gate::Everyday => !passage.formal,
            Gate::Talk => passage.contractions && !passage.formal,
            Gate::Contraction => {
                let mixed = self.contracted && self.in_full;
                self.contracted |= form.place > 0;
                self.in_full |= form.place == 0;
                mixed && !passage.formal
            }
        }
    }

    /// A word stands where nothing may be changed: its spelling there is its spelling everywhere.
    pub(super) fn leave(&mut self, lexicon: &Lexicon, head: &Head, word: &str) {
        for form in head.forms.iter().filter(|form| form.text.eq_ignore_ascii_case(word)) {
            let class = lexicon.class(form.index);
            if class.is_some_and(|class| class.consistency == Consistency::Class) {
                self.consistent.entry(form.index).or_insert(None);
            }
        }
    }

    /// Which of the variants is to stand there.
    fn choose(
        &mut self,
        class: &Class,
        form: &Form,
        passage: &Passage,
        choice: &mut impl Choice,
    ) -> usize {
        let unit = unit(class, form);
        if let Some(first) = unit.and_then(|unit| self.consistent.get(&unit)) {
            return first.map_or(form.place, usize::from);
        }
        let previous = passage.context(class.guard.context);
        let opening = passage.opening.get();
        for (level, class) in class.chain.iter().enumerate() {
            let (variant, written) = (form.place > level, form.place >= level);
            let form = &form.text;
            let site = Site { class: *class, previous, form, variant, written, opening };
            let chosen = choice.choose(&site);
            self.sites += u64::from(matches!(chosen, Chosen::Marked(_)));
            let chosen = chosen.variant();
            if let Some(unit) = unit {
                self.consistent.insert(unit, chosen);
            }
            // Of two that the author did not write, and the key does not choose, the first stands.
            if !chosen.unwrap_or(variant) {
                return level;
            }
        }
        class.chain.len()
    }
}

/// Whether a text goes on so far that no more of it is needed to decide on what it begins with.
#[inline]
fn is_far(rest: &str, end: bool) -> bool {
    end || rest.len() >= FARTHEST
}

/// What is to stand at a place that is no site because a variant stands nearby: another than the author's
/// where his came there only by an exchange, since he did not mean to repeat it.
fn other_than_said(form: &Form, passage: &Passage) -> Option<usize> {
    let said = |place: usize| form.echoes.get(place).and_then(|echo| passage.has_said(echo));
    let free = || (0..form.variants.len()).find(|place| said(*place).is_none());
    said(form.place).filter(|exchanged| *exchanged).and_then(|_| free())
}

/// Whether a word whose spelling is chosen may be a name that somebody gave: it opens a sentence, or
/// stands alone in a list, as columns and products do.
fn is_name(casing: Option<Casing>, left: Left<'_>, right: Right<'_>) -> bool {
    let alone = !matches!(left, Left::Word(_))
        && matches!(right, Right::Comma | Right::Stop | Right::Word("and" | "or"));
    alone || casing == Some(Casing::Title)
}

/// What must be consistent with a form.
fn unit(class: &Class, form: &Form) -> Option<usize> {
    match class.consistency {
        Consistency::Free => None,
        Consistency::Class => Some(form.index),
        Consistency::Region => Some(REGION),
    }
}
