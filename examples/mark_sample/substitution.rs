//! Substitutions, each alone in its sentence, but for those that a text has to keep up.

use std::cell::Cell;
use std::ops::Range;

use guilloche::mark::cell::{ClassId, KeyStream, MarkKey};
use guilloche::mark::keys::Marking;
use guilloche::mark::lexical::{Choice, Chosen, Rewriter, Site, Unit};
use guilloche::mark::lexicon::{Class, Consistency};

/// A substitution and the sentence it stands in.
pub(crate) struct Substitution {
    /// Its class.
    pub(crate) class: ClassId,
    /// The sentence of the corpus.
    pub(crate) before: String,
    /// The same with this substitution, and with those that keep it up where a text must be
    /// consistent.
    pub(crate) after: String,
}

/// All substitutions of a text under a key.
pub(crate) fn of(text: &str, marking: &Marking) -> Vec<Substitution> {
    collect(text, |site| marking.bit(site.cell()))
}

/// Every site of one class in a text, each as the other variant.
pub(crate) fn of_class(text: &str, class: ClassId) -> Vec<Substitution> {
    collect(text, |site| (site.class == class).then_some(!site.variant))
}

fn collect(text: &str, mut choose: impl FnMut(&Site<'_>) -> Option<bool>) -> Vec<Substitution> {
    // Pushing word by word tells of which class each substitution was.
    let class = Cell::new(ClassId(0));
    let choice = |site: &Site<'_>| {
        let chosen = choose(site);
        class.set(site.class);
        chosen
    };
    let mut rewriter = Rewriter::new(super::lexicon(), Noted(choice)).with_offsets(Unit::Bytes);
    let mut out = String::new();
    let mut classes = Vec::new();
    for piece in text.split_inclusive(' ') {
        rewriter.push(piece, &mut out);
        let flips = usize::try_from(rewriter.flips()).unwrap_or(0);
        classes.resize(flips, class.get());
    }
    rewriter.finish(false, &mut out);
    let Some(map) = rewriter.offsets() else { return Vec::new() };
    classes.resize(map.len(), class.get());
    let edits: Vec<Edit<'_>> = map
        .substitutions()
        .zip(classes)
        .filter_map(|((at, removed, to, inserted), class)| {
            let (at, new) = (at..at + removed, out.get(to..to + inserted)?);
            Some(Edit { class: class_of(class, text.get(at.clone())?, new)?, at, new })
        })
        .collect();
    edits.iter().filter_map(|edit| alone(text, edit, &edits)).collect()
}

/// What stands in a text at a place instead.
struct Edit<'t> {
    class: &'static Class,
    at: Range<usize>,
    new: &'t str,
}

/// The sentence around an edit, with it and those that follow from it.
fn alone(text: &str, edit: &Edit<'_>, edits: &[Edit<'_>]) -> Option<Substitution> {
    let (start, end) = sentence(text, edit.at.start, edit.at.end);
    let follows = |other: &&Edit<'_>| match edit.class.consistency {
        Consistency::Free => other.at == edit.at,
        Consistency::Class => other.class.id == edit.class.id,
        Consistency::Region => other.class.consistency == Consistency::Region,
    };
    let (mut after, mut from) = (String::new(), start);
    for Edit { at, new, .. } in edits.iter().filter(follows) {
        if at.start >= start && at.end <= end {
            after += text.get(from..at.start)?;
            after += new;
            from = at.end;
        }
    }
    after += text.get(from..end)?;
    Some(Substitution { class: edit.class.id, before: text.get(start..end)?.to_owned(), after })
}

/// The class that writes `new` for `old`: the one that was `asked` last, or, where a text only keeps
/// up what it did before, the one that has both.
fn class_of(asked: ClassId, old: &str, new: &str) -> Option<&'static Class> {
    let form = |text: &str| text.to_lowercase().replace('’', "'");
    let (old, new) = (form(old), form(new));
    let has_both = |class: &&Class| {
        class.pairs.iter().any(|(first, second)| {
            let (first, second) = (form(first), form(second));
            (&first, &second) == (&old, &new) || (&first, &second) == (&new, &old)
        })
    };
    // Of three variants and more, the class that was asked last has the new one.
    let has_new = |class: &&Class| {
        class.pairs.iter().any(|(first, second)| form(first) == new || form(second) == new)
    };
    let classes = || super::lexicon().classes();
    let asked = || classes().filter(|class| class.id == asked);
    asked().chain(classes()).find(has_both).or_else(|| asked().find(has_new))
}

struct Noted<F>(F);

impl<F: FnMut(&Site<'_>) -> Option<bool>> Choice for Noted<F> {
    fn choose(&mut self, site: &Site<'_>) -> Chosen {
        self.0(site).map_or(Chosen::Author, Chosen::Marked)
    }
}

/// From where to where the sentence around a place goes; at most a line.
fn sentence(text: &str, from: usize, to: usize) -> (usize, usize) {
    let ends = |at: usize| {
        let (before, behind) = text.split_at_checked(at).unwrap_or_default();
        let stop = before.trim_end_matches(['"', '”', ')']).ends_with(['.', '!', '?']);
        let next = behind.trim_start_matches(' ').chars().next();
        before.ends_with('\n')
            || behind.starts_with('\n')
            || stop && behind.starts_with(' ') && next.is_some_and(|next| !next.is_lowercase())
    };
    let start = (0..=from).rev().find(|at| text.is_char_boundary(*at) && ends(*at)).unwrap_or(0);
    let end = (to..text.len()).find(|at| text.is_char_boundary(*at) && ends(*at));
    let start =
        start + text.get(start..from).map_or(0, |left| left.len() - left.trim_start().len());
    (start, end.unwrap_or(text.len()))
}

/// Draws that a seed decides.
pub(crate) struct Draw(KeyStream);

impl Draw {
    /// The draws of a seed.
    pub(crate) fn new(seed: u64) -> Self {
        let mut key = [255; 32];
        for (place, byte) in key.iter_mut().zip(seed.to_le_bytes()) {
            *place = byte;
        }
        Self(MarkKey::from_bytes(key).stream())
    }

    /// One of two.
    pub(crate) fn coin(&mut self) -> bool {
        self.0.next_word() & 1 == 1
    }

    /// A number below `bound`.
    fn below(&mut self, bound: usize) -> usize {
        let scaled = u128::from(self.0.next_word()) * bound as u128;
        usize::try_from(scaled >> 32).unwrap_or(0)
    }

    /// Keeps `count` of the items, in random order.
    pub(crate) fn sample<T>(&mut self, items: &mut Vec<T>, count: usize) {
        for at in 0..count.min(items.len()) {
            let other = at + self.below(items.len() - at);
            items.swap(at, other);
        }
        items.truncate(count);
    }
}
