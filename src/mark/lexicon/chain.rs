//! Classes within classes, and lists of neighbours that hold whatever is chosen.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::guard::{Guard, Left};
use super::vocabulary::WordState;
use super::{Class, Consistency};
use crate::mark::cell::normalize;

/// Puts a class into the chain of the one that it is within; none if that is not possible.
pub(super) fn enter(classes: &mut [Class], class: &Class) -> Option<()> {
    let outer = classes.iter().find(|outer| Some(outer.id) == class.within)?;
    let divides = outer.pairs.iter().map(|(_, second)| second);
    let same = divides.eq(class.pairs.iter().map(|(first, _)| first)) && outer.gate == class.gate;
    let keeps = |class: &Class| class.consistency != Consistency::Free || &*class.kind == "pronoun";
    let free = !keeps(outer) && !keeps(class);
    let root = classes.iter_mut().find(|root| root.chain.last().copied() == class.within)?;
    root.chain.push(class.id);
    (same && free).then_some(())
}

/// A class within another stands where that one does.
pub(super) fn share_guards(classes: &mut [Class]) {
    let roots: Vec<_> =
        classes.iter().map(|class| (class.chain.clone(), class.guard.clone())).collect();
    for class in classes.iter_mut().filter(|class| class.within.is_some()) {
        let root = roots.iter().find(|(chain, _)| chain.contains(&class.id));
        class.guard = root.map(|(_, guard)| guard.clone()).unwrap_or_default();
    }
}

/// Every form of the classes that are within no other, by their positions, with its variants in order.
pub(super) fn variants(classes: &[Class]) -> Vec<(usize, Arc<[Box<str>]>)> {
    let mut found = Vec::new();
    for (index, class) in classes.iter().enumerate() {
        for (number, (first, _)) in
            class.pairs.iter().enumerate().filter(|_| class.within.is_none())
        {
            let seconds = class.chain.iter().filter_map(|id| {
                let of = classes.iter().find(|other| other.id == *id)?;
                of.pairs.get(number).map(|(_, second)| second)
            });
            found.push((index, std::iter::once(first).chain(seconds).cloned().collect()));
        }
    }
    found
}

/// Words that open phrases of the lexicon and much else, so that no list may gain them.
const OPENERS: [&str; 9] = ["a", "an", "as", "at", "by", "for", "in", "to", "with"];

/// Makes every list of words to the right indifferent to whether the neighbour is marked: it gains
/// what a class would put in a word's place; a required word whose place an opener could take is
/// dropped instead. (On the left stands what was emitted, which a second pass does not change.)
pub(super) fn close_lists(classes: &mut [Class]) {
    // For each pair of variants with different first words, the words and the class's guards.
    let mut heads: Vec<(String, String, Guard)> = Vec::new();
    let variants = variants(classes);
    let mut lasts: HashMap<usize, HashSet<String>> = HashMap::new();
    for (index, forms) in &variants {
        lasts.entry(*index).or_default().extend(forms.iter().map(|form| edge(form, true)));
        let Some(class) = classes.get(*index) else { continue };
        for one in forms.iter() {
            for other in forms.iter().filter(|other| *other != one) {
                let (one, other) = (edge(one, false), edge(other, false));
                if one != other {
                    heads.push((one, other, class.guard.clone()));
                }
            }
        }
    }
    let mut by_word: HashMap<&str, Vec<usize>, WordState> = HashMap::default();
    for (number, (from, ..)) in heads.iter().enumerate() {
        by_word.entry(from).or_default().push(number);
    }
    for (index, class) in classes.iter_mut().enumerate() {
        let Some(lasts) = lasts.get(&index) else { continue };
        let Guard { right, not_right, .. } = &mut class.guard;
        for (list, required) in [(right, true), (not_right, false)] {
            let Some(list) = list else { continue };
            // In the order of the classes, with those that concern a word which the list gains.
            let mut due: BTreeSet<usize> = list
                .words
                .iter()
                .filter_map(|word| by_word.get(&**word))
                .flatten()
                .copied()
                .collect();
            while let Some(number) = due.pop_first() {
                let Some((from, to, neighbour)) = heads.get(number) else { continue };
                let follows = |last: &String| neighbour.admits_left(Left::Word(last));
                if !list.words.contains(&**from) || !lasts.iter().any(follows) {
                } else if !(required && OPENERS.contains(&&**to)) {
                    if !list.words.contains(&**to) {
                        Arc::make_mut(list).words.insert(to.as_str().into());
                        let gained = by_word.get(&**to).into_iter().flatten();
                        due.extend(gained.filter(|other| **other > number));
                    }
                } else if !list.words.contains(&**to) {
                    Arc::make_mut(list).words.remove(&**from);
                }
            }
        }
    }
}

/// The first or the last word of a form, normalized.
fn edge(form: &str, last: bool) -> String {
    let mut words = form.split(' ');
    let word = if last { words.next_back() } else { words.next() };
    let mut normalized = String::new();
    normalize(word.unwrap_or_default(), &mut normalized);
    normalized
}
