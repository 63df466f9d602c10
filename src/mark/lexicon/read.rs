//! Reading and validating the lexicon's file.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::guard::{Contexts, Guard, Left};
use super::vocabulary::WordState;
use super::{Class, Consistency, Gate, Lexicon, MAX_FORM_WORDS, Traits};
use crate::mark::cell::{BUCKETS, ClassId, normalize};

/// A lexicon file cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct LexiconError {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub problem: LexiconProblem,
}

/// What is wrong with a line of a lexicon file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LexiconProblem {
    /// Not the columns there should be.
    #[error("a class has the columns id, kind, first, second, guards, provenance, licence")]
    Columns,
    /// The number is none, or too large for the bits of a cell.
    #[error("the id is no number from 0 to 65535")]
    Id,
    /// The number belongs to another class.
    #[error("the id is given twice")]
    DuplicateId,
    /// The variants have different numbers of forms, or none.
    #[error("both variants need the same number of forms, at least one")]
    Forms,
    /// A form that is not one to three words, or a pair that is the same.
    #[error("`{0}` is no form of one to three words, or both variants are the same")]
    Form(String),
    /// A form stands in two pairs that no guard tells apart.
    #[error("`{0}` is a form of two classes, and their guards do not exclude each other")]
    Ambiguous(String),
    /// A guard that is not written as guards are.
    #[error("`{0}` is no guard")]
    Guard(String),
    /// A list that no line before defines.
    #[error("`@{0}` is no list that was defined before")]
    List(String),
    /// No provenance or licence.
    #[error("provenance and licence must be given")]
    Source,
}

impl Lexicon {
    /// Reads a lexicon.
    ///
    /// Lines that begin with `#` are comments. `@name⇥words` defines a list; the list `@regional`
    /// has the words that tell American from British English, see [`Consistency::Region`]. Further lists
    /// whose words tell something of the text around them: behind a word of `@verbatim`, or of `@spoken`
    /// with an article, nothing is a site up to the next blank line; nothing is on the rest of a line
    /// behind a word of `@utters` and a colon; four words behind one of `@foreign` neither; a text with a
    /// word of `@formal` is given no contractions; and behind one of `@poetry` short lines are verse. Every
    /// other line is a class with seven columns between tabs:
    ///
    /// 1. *id*: its number, which names its cells for ever;
    /// 2. *kind*: `contraction`, `informal` and `numeral` are open only to texts that use them, see
    ///    [`Gate`]; `compound`, `spelling`, `numeral` and `regional` are the same throughout a
    ///    text, see [`Consistency`];
    /// 3. *first* and 4. *second*: the forms of each variant, in pairs, between `|`;
    /// 5. *guards*: space-separated conditions `<list` (to the left stands one of), `<!list` (none
    ///    of), `>list` and `>!list` (to the right). A list has words, suffixes (`*ing`), `WORD`
    ///    (any word), `NUMBER` (one that begins with a digit, and has no letters if it is required), `START` (of a sentence, on the
    ///    left), `COMMA`, `STOP` (other punctuation), and `@name`, between commas;
    /// 6. *provenance* and 7. *licence*.
    ///
    /// A word in a list stands also for the word that a class would put in its place, so that no
    /// condition changes when the neighbour is marked.
    ///
    /// # Errors
    ///
    /// See [`LexiconProblem`]; the first problem is reported.
    pub fn parse(text: &str) -> Result<Self, LexiconError> {
        let mut lists = Lists::default();
        let mut classes: Vec<Class> = Vec::new();
        let mut lines = Vec::new();
        let mut traits = Vec::new();
        for (line, row) in text.lines().enumerate().map(|(line, row)| (line + 1, row)) {
            let at = |problem| LexiconError { line, problem };
            if row.is_empty() || row.starts_with('#') {
            } else if let Some(list) = row.strip_prefix('@') {
                let (name, words) =
                    list.split_once('\t').ok_or_else(|| at(LexiconProblem::Columns))?;
                if let Some(set) = trait_of(name) {
                    let mut listed = Contexts::default();
                    lists.contexts(words, &mut listed, 0).map_err(at)?;
                    traits.push((set, listed.words));
                }
                lists.define(name, words);
            } else {
                let class = class(row, &mut lists).map_err(at)?;
                if classes.iter().any(|other| other.id == class.id) {
                    return Err(at(LexiconProblem::DuplicateId));
                }
                classes.push(class);
                lines.push(line);
            }
        }
        check_forms(&classes, &lines)?;
        close_lists(&mut classes);
        Ok(Self::of(classes, &traits))
    }
}

/// What a list says of its words in every text, by its name.
fn trait_of(list: &str) -> Option<fn(&mut Traits)> {
    Some(match list {
        "regional" => |traits| traits.regional = true,
        "spoken" => |traits| traits.spoken = true,
        "verbatim" => |traits| traits.verbatim = true,
        "utters" => |traits| traits.utters = true,
        "formal" => |traits| traits.formal = true,
        "poetry" => |traits| traits.poetry = true,
        "foreign" => |traits| traits.foreign = true,
        _ => return None,
    })
}

fn class(row: &str, lists: &mut Lists<'_>) -> Result<Class, LexiconProblem> {
    let columns: Vec<&str> = row.split('\t').collect();
    let [id, kind, first, second, guards, provenance, licence] = *columns else {
        return Err(LexiconProblem::Columns);
    };
    let id = id.parse().map_err(|_| LexiconProblem::Id)?;
    if u32::from(id) >= u32::from(u16::MAX) / BUCKETS * BUCKETS {
        return Err(LexiconProblem::Id);
    }
    if first.split('|').count() != second.split('|').count() {
        return Err(LexiconProblem::Forms);
    }
    let mut pairs = Vec::new();
    for (first, second) in first.split('|').zip(second.split('|')) {
        for form in [first, second] {
            let words = form.split(' ').count();
            if form.split(' ').any(str::is_empty) || words > MAX_FORM_WORDS || first == second {
                return Err(LexiconProblem::Form(form.to_owned()));
            }
        }
        pairs.push((first.into(), second.into()));
    }
    let guard = guard(guards, lists)?;
    if provenance.is_empty() || licence.is_empty() {
        return Err(LexiconProblem::Source);
    }
    let gate = match kind {
        "contraction" | "informal" => Gate::Contraction,
        "numeral" => Gate::Numeral,
        _ => Gate::Open,
    };
    let consistency = match kind {
        "compound" | "spelling" | "numeral" => Consistency::Class,
        "regional" => Consistency::Region,
        _ => Consistency::Free,
    };
    let (kind, provenance, licence) = (kind.into(), provenance.into(), licence.into());
    Ok(Class { id: ClassId(id), kind, pairs, guard, gate, consistency, provenance, licence })
}

/// The conditions of the column `guards`.
fn guard(guards: &str, lists: &mut Lists<'_>) -> Result<Guard, LexiconProblem> {
    let mut guard = Guard::default();
    let mut sides = [
        ("<", &mut guard.left),
        ("<!", &mut guard.not_left),
        (">", &mut guard.right),
        (">!", &mut guard.not_right),
    ]
    .map(|(sign, side)| (sign, String::new(), side));
    for condition in guards.split(' ').filter(|condition| !condition.is_empty()) {
        let sign = condition.find(|character| !matches!(character, '<' | '>' | '!'));
        let (sign, words) = condition.split_at(sign.unwrap_or(condition.len()));
        let side = sides.iter_mut().find(|(known, _, _)| *known == sign);
        let Some((_, listed, _)) = side else {
            return Err(LexiconProblem::Guard(condition.to_owned()));
        };
        if words.split(',').any(str::is_empty) {
            return Err(LexiconProblem::Guard(words.to_owned()));
        }
        if !listed.is_empty() {
            listed.push(',');
        }
        listed.push_str(words);
    }
    for (_, listed, side) in sides {
        if !listed.is_empty() {
            *side = Some(lists.shared(listed)?);
        }
    }
    Ok(guard)
}

/// The lists that the file has defined so far, and those that its guards have.
#[derive(Default)]
struct Lists<'t> {
    defined: HashMap<&'t str, &'t str>,
    shared: HashMap<String, Arc<Contexts>>,
}

impl<'t> Lists<'t> {
    fn define(&mut self, name: &'t str, words: &'t str) {
        self.defined.insert(name, words);
        self.shared.clear();
    }

    /// The list of a guard. Many classes have the same.
    fn shared(&mut self, words: String) -> Result<Arc<Contexts>, LexiconProblem> {
        if let Some(known) = self.shared.get(&words) {
            return Ok(Arc::clone(known));
        }
        let mut list = Contexts::default();
        self.contexts(&words, &mut list, 0)?;
        let list = Arc::new(list);
        self.shared.insert(words, Arc::clone(&list));
        Ok(list)
    }

    fn contexts(
        &self,
        words: &str,
        into: &mut Contexts,
        depth: usize,
    ) -> Result<(), LexiconProblem> {
        for word in words.split(',') {
            match word {
                "" => return Err(LexiconProblem::Guard(words.to_owned())),
                "START" => into.start = true,
                "COMMA" => into.comma = true,
                "STOP" => into.stop = true,
                "WORD" => into.any = true,
                "NUMBER" => into.number = true,
                _ => {
                    if let Some(name) = word.strip_prefix('@') {
                        let list = self.defined.get(name).filter(|_| depth < 4);
                        let list = list.ok_or_else(|| LexiconProblem::List(name.to_owned()))?;
                        self.contexts(list, into, depth + 1)?;
                    } else if let Some(suffix) = word.strip_prefix('*') {
                        into.suffixes.push(suffix.into());
                    } else {
                        let mut normalized = String::new();
                        normalize(word, &mut normalized);
                        into.words.insert(normalized.into());
                    }
                }
            }
        }
        Ok(())
    }
}

/// No form may be a site of two classes, unless their guards tell them apart.
fn check_forms(classes: &[Class], lines: &[usize]) -> Result<(), LexiconError> {
    let mut found: HashMap<&str, Vec<&Class>> = HashMap::new();
    for (class, line) in classes.iter().zip(lines) {
        for form in class.pairs.iter().flat_map(|(first, second)| [first, second]) {
            let others = found.entry(form).or_default();
            if others.iter().any(|other| !exclusive(&class.guard, &other.guard)) {
                let problem = LexiconProblem::Ambiguous(form.to_string());
                return Err(LexiconError { line: *line, problem });
            }
            others.push(class);
        }
    }
    Ok(())
}

/// Whether no context is admitted by both.
fn exclusive(one: &Guard, other: &Guard) -> bool {
    let apart = |required: &Option<Arc<Contexts>>, refused: &Option<Arc<Contexts>>| match (
        required, refused,
    ) {
        (Some(required), Some(refused)) => {
            !required.any
                && (!required.number || refused.number)
                && required.suffixes.iter().all(|suffix| refused.suffixes.contains(suffix))
                && required.words.iter().all(|word| refused.words.contains(word))
                && (!required.start || refused.start)
                && (!required.comma || refused.comma)
                && (!required.stop || refused.stop)
        }
        _ => false,
    };
    let disjoint = |one: &Option<Arc<Contexts>>, other: &Option<Arc<Contexts>>| match (one, other) {
        (Some(one), Some(other)) => {
            let plain = |list: &Contexts| list.suffixes.is_empty() && !list.any && !list.number;
            plain(one)
                && plain(other)
                && one.words.is_disjoint(&other.words)
                && !(one.start && other.start || one.comma && other.comma || one.stop && other.stop)
        }
        _ => false,
    };
    apart(&one.left, &other.not_left)
        || apart(&other.left, &one.not_left)
        || apart(&one.right, &other.not_right)
        || apart(&other.right, &one.not_right)
        || disjoint(&one.left, &other.left)
        || disjoint(&one.right, &other.right)
}

/// Words that open phrases of the lexicon and much else, so that no list may gain them.
const OPENERS: [&str; 9] = ["a", "an", "as", "at", "by", "for", "in", "to", "with"];

/// Makes every list of words to the right indifferent to whether the neighbour is marked: it gains
/// what a class would put in a word's place; a required word whose place an opener could take is
/// dropped instead. (On the left stands what was emitted, which a second pass does not change.)
fn close_lists(classes: &mut [Class]) {
    // For each pair of forms with different first words, the words and the class.
    let mut heads: Vec<(String, String, Guard)> = Vec::new();
    for class in classes.iter() {
        for (first, second) in &class.pairs {
            let (one, other) = (edge(first, false), edge(second, false));
            if one != other {
                heads.push((one.clone(), other.clone(), class.guard.clone()));
                heads.push((other, one, class.guard.clone()));
            }
        }
    }
    let mut by_word: HashMap<&str, Vec<usize>, WordState> = HashMap::default();
    for (number, (from, ..)) in heads.iter().enumerate() {
        by_word.entry(from).or_default().push(number);
    }
    for class in classes {
        let forms = class.pairs.iter().flat_map(|(first, second)| [first, second]);
        let lasts: HashSet<String> = forms.map(|form| edge(form, true)).collect();
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
