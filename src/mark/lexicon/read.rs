//! Reading and validating the lexicon's file.

use std::collections::HashMap;
use std::sync::Arc;

use super::chain::{close_lists, enter, share_guards, variants};
use super::guard::{Context, Contexts, Guard};
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
    /// A class within one that does not stand before, has another class within it, has other forms or
    /// is for other texts, or must be consistent.
    #[error("`^{0}` is no class to be within")]
    Within(String),
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
    /// with an article, or of `@tongue` behind “in”, nothing is a site up to the next blank line; nothing is on the rest of a line
    /// behind a word of `@utters` and a colon, nor in the paragraph that such a colon announces, nor in one that
    /// a paragraph with a word of the lists before or of `@announces` does, and in more of them behind one of
    /// `@entire`; nothing is a site behind a word of `@dose`, nor behind “the” and one of `@party`
    /// with a capital, up to the next blank line, and behind one of `@legal` in some paragraphs more; four words behind one of `@foreign` neither; a text with a
    /// word of `@formal` is given no contractions; behind one of `@poetry` short lines are verse; and
    /// sixteen words behind one of `@past` tell of the past. Every other line is a class with seven columns
    /// between tabs:
    ///
    /// 1. *id*: its number, which names its cells for ever;
    /// 2. *kind*: `contraction` is open only to texts that mix contractions with the words for them, `informal` to
    ///    those that use contractions, `pronoun` to those that are not formal, see [`Gate`]; `compound`, `spelling` and `regional` are the same throughout a
    ///    text, see [`Consistency`];
    /// 3. *first* and 4. *second*: the forms of each variant, in pairs, between `|`;
    /// 5. *guards*: space-separated conditions `<list` (to the left stands one of), `<!list` (none
    ///    of), `>list` and `>!list` (to the right). A list has words, suffixes (`*ing`), `WORD`
    ///    (any word), `NUMBER` (one that begins with a digit, and has no letters if it is required), `START` (of a sentence, on the
    ///    left), `COMMA`, `COMMA@name` (a comma behind a word of the list, on the left), `STOP` (other punctuation), and
    ///    `@name`, between commas. `PRESENT`: where nothing tells of the past. `SECOND` or `THIRD`: this word
    ///    before the form tells the cells apart, and not the word before it. Or `^id` alone: the class
    ///    divides the second variant of another, which is its first, and stands where that one does. So three
    ///    and more variants are a choice of the first or another, then of the second or another, and so on;
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
                if let Some(within) = class.within {
                    enter(&mut classes, &class)
                        .ok_or_else(|| at(LexiconProblem::Within(within.0.to_string())))?;
                }
                classes.push(class);
                lines.push(line);
            }
        }
        check_forms(&classes, &lines)?;
        close_lists(&mut classes);
        share_guards(&mut classes);
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
        "announces" => |traits| traits.announces = true,
        "entire" => |traits| traits.entire = true,
        "legal" => |traits| traits.legal = true,
        "dose" => |traits| traits.dose = true,
        "party" => |traits| traits.party = true,
        "foreign" => |traits| traits.foreign = true,
        "tongue" => |traits| traits.tongue = true,
        "past" => |traits| traits.past = true,
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
    let within = guards.strip_prefix('^');
    let guard = if within.is_some() { Guard::default() } else { guard(guards, lists)? };
    let within = within
        .map(|within| within.parse().map_err(|_| LexiconProblem::Within(within.to_owned())))
        .transpose()?;
    let within = within.map(ClassId);
    if provenance.is_empty() || licence.is_empty() {
        return Err(LexiconProblem::Source);
    }
    let gate = match kind {
        "contraction" => Gate::Contraction,
        "informal" => Gate::Talk,
        "pronoun" => Gate::Everyday,
        _ => Gate::Open,
    };
    let consistency = match kind {
        "compound" | "spelling" => Consistency::Class,
        "regional" => Consistency::Region,
        _ => Consistency::Free,
    };
    let (kind, provenance, licence) = (kind.into(), provenance.into(), licence.into());
    let id = ClassId(id);
    let chain = if within.is_some() { Vec::new() } else { vec![id] };
    Ok(Class { id, kind, pairs, guard, within, chain, gate, consistency, provenance, licence })
}

/// The conditions of the column `guards`.
fn guard(guards: &str, lists: &mut Lists<'_>) -> Result<Guard, LexiconProblem> {
    let (mut guard, mut present, mut context) = (Guard::default(), false, Context::default());
    let mut sides = [
        ("<", &mut guard.left),
        ("<!", &mut guard.not_left),
        (">", &mut guard.right),
        (">!", &mut guard.not_right),
    ]
    .map(|(sign, side)| (sign, String::new(), side));
    for condition in guards.split(' ').filter(|condition| !condition.is_empty()) {
        match condition {
            "PRESENT" => present = true,
            "SECOND" => context = Context::Second,
            "THIRD" => context = Context::Third,
            _ => {}
        }
        if matches!(condition, "PRESENT" | "SECOND" | "THIRD") {
            continue;
        }
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
    (guard.present, guard.context) = (present, context);
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
                    if let Some(list) = word.strip_prefix("COMMA") {
                        let mut listed = Contexts::default();
                        self.contexts(list, &mut listed, depth)?;
                        into.before_comma.extend(listed.words);
                    } else if let Some(name) = word.strip_prefix('@') {
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
    let mut found: HashMap<Box<str>, Vec<&Guard>> = HashMap::new();
    for (index, variants) in variants(classes) {
        let (Some(class), Some(line)) = (classes.get(index), lines.get(index)) else { continue };
        for form in variants.iter() {
            let others = found.entry(form.clone()).or_default();
            if others.iter().any(|other| !exclusive(&class.guard, other)) {
                let problem = LexiconProblem::Ambiguous(form.to_string());
                return Err(LexiconError { line: *line, problem });
            }
            others.push(&class.guard);
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
                && (refused.comma || !required.comma && required.before_comma.is_empty())
                && (!required.stop || refused.stop)
        }
        _ => false,
    };
    let disjoint = |one: &Option<Arc<Contexts>>, other: &Option<Arc<Contexts>>| match (one, other) {
        (Some(one), Some(other)) => {
            let plain = |list: &Contexts| list.suffixes.is_empty() && !list.any && !list.number;
            let any_comma = |one: &Contexts, other: &Contexts| {
                one.comma && (other.comma || !other.before_comma.is_empty())
            };
            let comma = any_comma(one, other)
                || any_comma(other, one)
                || !one.before_comma.is_disjoint(&other.before_comma);
            plain(one)
                && plain(other)
                && one.words.is_disjoint(&other.words)
                && !(one.start && other.start || comma || one.stop && other.stop)
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
