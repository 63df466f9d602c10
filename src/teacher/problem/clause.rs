//! Sentences into clauses, and the amounts in a clause with the nouns they count.

use super::lexer::{Kind, Token};
use super::number::Number;
use super::vocabulary::{
    Effect, Verb, contains_word, is_adjective, is_date, is_feminine, is_function_word, singular,
    verb,
};
use super::world::Noun;

const PRONOUNS: &str = " he she they it i we you ";
const LINKS: &str =
    " then also later finally afterwards next now and but so still while meanwhile if ";

/// An amount in a clause.
#[derive(Clone, Debug)]
pub(crate) struct Quantity {
    /// Index of its token.
    pub(crate) at: usize,
    /// Index after its noun.
    pub(crate) end: usize,
    pub(crate) amount: Kind,
    pub(crate) noun: Option<Noun>,
    pub(crate) more: bool,
    /// The word before it, determiners skipped.
    pub(crate) before: String,
    pub(crate) used: bool,
}

impl Quantity {
    /// The number, when this counts or prices something.
    pub(crate) fn number(&self) -> Option<Number> {
        match self.amount {
            Kind::Count(number) | Kind::Money(number, _) => Some(number),
            _ => None,
        }
    }

    pub(crate) fn is_money(&self) -> bool {
        matches!(self.amount, Kind::Money(..))
    }
}

/// A run of tokens with at most one main verb.
#[derive(Clone, Debug)]
pub(crate) struct Clause {
    pub(crate) tokens: Vec<Token>,
}

impl Clause {
    pub(crate) fn word(&self, at: usize) -> &str {
        self.tokens.get(at).map_or("", |token| &token.text)
    }

    pub(crate) fn has(&self, word: &str) -> bool {
        self.tokens.iter().any(|token| token.kind == Kind::Word && token.text == word)
    }

    pub(crate) fn has_any(&self, words: &str) -> bool {
        words.split(' ').any(|word| self.has(word))
    }

    pub(crate) fn is_amount(&self, at: usize) -> bool {
        self.tokens.get(at).is_some_and(Token::is_amount)
    }

    /// The main verb: the last of the first group of verbs (`has given`, `decides to sell`).
    pub(crate) fn verb(&self) -> Option<(usize, Verb)> {
        let is_verb = |at: usize| {
            let noun_place = at > 0
                && (self.is_amount(at - 1)
                    || is_adjective(self.word(at - 1))
                    || contains_word(
                        " the a an of her his their its more other my ",
                        self.word(at - 1),
                    ));
            if noun_place || self.is_amount(at) { None } else { verb(self.word(at)) }
        };
        let mut found = (0..self.tokens.len()).find_map(|at| is_verb(at).map(|verb| (at, verb)))?;
        let mut at = found.0 + 1;
        while at < self.tokens.len() {
            match is_verb(at) {
                // `has left` and `are left over` keep the first verb.
                Some(_) if self.word(at) == "left" => break,
                Some(next) => found = (at, next),
                None if contains_word(" to been not also then already just ", self.word(at)) => {}
                None => break,
            }
            at += 1;
        }
        Some(found)
    }

    /// Reads a noun phrase from `at`: the noun, where it ends, and whether `more` stood before it.
    pub(crate) fn noun(&self, mut at: usize) -> (Option<Noun>, usize, bool) {
        let mut more = false;
        while contains_word(
            " more additional extra further other another of the his her their its my our your these those same equal whole full remaining new fewer less different such ",
            self.word(at),
        ) {
            more |= contains_word(" more additional extra further another ", self.word(at));
            at += 1;
        }
        let mut words: Vec<&str> = Vec::new();
        let start = at;
        while let Some(token) = self.tokens.get(at) {
            let word = token.text.as_str();
            let described = words.iter().all(|word| is_adjective(word));
            let ends = token.kind != Kind::Word
                || (is_function_word(word) && !is_adjective(word))
                || contains_word(" them ones one ", word)
                || (words.is_empty()
                    && verb(word).is_some()
                    && !word.ends_with('s')
                    && !contains_word(" a an the ", self.word(at.wrapping_sub(1))))
                || (!words.is_empty() && !described && is_adjective(word))
                || (verb(word).is_some()
                    && (!described
                        || contains_word(
                            " left are is was were has have had do does did gets get ",
                            word,
                        )))
                || (token.capital && at > 0 && !words.is_empty())
                || word.ends_with("ly");
            if ends || words.len() > 3 {
                break;
            }
            words.push(word);
            at += 1;
        }
        if words.is_empty() {
            return (None, start.max(at), more);
        }
        // `12 apples left`, `5 pages yesterday`: what follows the noun is cut above; a single verb-like word is the noun.
        let head = words.pop().map(singular).unwrap_or_default();
        let mut noun = Noun {
            adjectives: words.iter().map(|word| (*word).to_owned()).collect(),
            head,
            of: None,
        };
        if self.word(at) == "of" && !self.is_amount(at + 1) {
            let (of, end, _) = Self { tokens: self.tokens.clone() }.plain_noun(at + 1);
            if let Some(of) = of {
                noun.of = Some(of);
                at = end;
            }
        }
        (Some(noun), at, more)
    }

    fn plain_noun(&self, at: usize) -> (Option<String>, usize, bool) {
        let word = self.word(at);
        let mut end = at;
        let mut words: Vec<&str> = Vec::new();
        while !self.word(end).is_empty()
            && !self.is_amount(end)
            && self.tokens.get(end).is_some_and(|token| token.kind == Kind::Word && !token.capital)
            && !is_function_word(self.word(end))
            && (words.is_empty() || verb(self.word(end)).is_none())
            && words.len() < 3
        {
            words.push(self.word(end));
            end += 1;
        }
        if words.is_empty() || is_function_word(word) {
            return (None, at, false);
        }
        (Some(words.join(" ")), end, false)
    }

    /// Every amount with its noun.
    pub(crate) fn quantities(&self) -> Vec<Quantity> {
        let mut found = Vec::new();
        for (at, token) in self.tokens.iter().enumerate() {
            if !token.is_amount() {
                continue;
            }
            let mut before = at;
            while before > 0
                && contains_word(
                    " the a an his her their its my another about around exactly only just ",
                    self.word(before - 1),
                )
            {
                before -= 1;
            }
            let before = if before == 0 { String::new() } else { self.word(before - 1).to_owned() };
            let (mut noun, end, mut more) = self.noun(at + 1);
            let mut end = end;
            more |= at > 0 && self.word(at - 1) == "another";
            if let Kind::Money(_, symbol) = token.kind {
                // `a $20 note` is money, whatever follows.
                noun = Some(Noun::new(symbol));
                end = at + 1;
                more |= self.word(at + 1) == "more";
            }
            found.push(Quantity {
                at,
                end,
                amount: token.kind.clone(),
                noun,
                more,
                before,
                used: false,
            });
        }
        found
    }

    /// The name at `at`, in lower case.
    pub(crate) fn name(&self, at: usize) -> Option<String> {
        let token = self.tokens.get(at).filter(|token| token.kind == Kind::Word)?;
        let bare = token.text.strip_suffix("'s").unwrap_or(&token.text);
        if is_feminine(bare).is_some()
            && !contains_word(" he she him her his ", bare)
            && token.capital
        {
            return Some(bare.to_owned());
        }
        let plain = token.capital
            && !is_function_word(bare)
            && !contains_word(PRONOUNS, bare)
            && verb(bare).is_none()
            && !contains_word(LINKS, bare)
            && bare.len() > 1
            && !contains_word(" there suppose calculate find if of ", bare);
        let subject = verb(self.word(at + 1)).is_some_and(|next| {
            next.effect != Effect::Cost && (!bare.ends_with('s') || next.third == self.word(at + 1))
        });
        (plain
            && (at > 0
                || subject
                || (self.word(at + 1) == "and"
                    && self.tokens.get(at + 2).is_some_and(|t| t.capital))))
        .then(|| bare.to_owned())
    }
}

/// Whether a new clause can begin at `at`.
fn begins_clause(clause: &Clause, start: usize, at: usize) -> bool {
    let word = clause.word(at);
    let verb_after = |from: usize| {
        let from = if contains_word(" also then still now only later ", clause.word(from)) {
            from + 1
        } else {
            from
        };
        !clause.is_amount(from) && verb(clause.word(from)).is_some()
    };
    let asking = (start..at).any(|at| clause.word(at) == "how");
    if clause.is_amount(at) {
        let factor = matches!(
            clause.tokens.get(at).map(|token| &token.kind),
            Some(Kind::Times(_) | Kind::Fraction(_))
        );
        if asking || (factor && clause.word(at + 1) == "as") {
            return !asking;
        }
        let (_, mut end, _) = clause.noun(at + 1);
        if clause.word(end) == "of" && contains_word(" them these those ", clause.word(end + 1)) {
            end += 2;
        } else if clause.word(end) == "them" {
            end += 1;
        }
        return verb_after(end) && !contains_word(" left remaining ", clause.word(end));
    }
    if contains_word(" how what find calculate work ", word)
        && (word == "how" || word == "what" || contains_word(" how the out ", clause.word(at + 1)))
    {
        return true;
    }
    if contains_word(" on in ", word) && is_date(clause.word(at + 1)) {
        return begins_clause(clause, start, at + 2);
    }
    if contains_word(PRONOUNS, word) || clause.name(at).is_some() {
        return verb_after(at + 1)
            || (clause.word(at + 1) == "and"
                && clause.name(at + 2).is_some()
                && verb_after(at + 3));
    }
    if contains_word(" the a an his her their each every there ", word) {
        return (1..=3).any(|skip| !clause.is_amount(at + skip) && verb_after(at + skip))
            || (word == "each"
                && (verb_after(at + 1) || contains_word(" with of ", clause.word(at + 1))));
    }
    let priced = |at: usize| verb(clause.word(at)).is_some_and(|verb| verb.effect == Effect::Cost);
    (!is_function_word(word) && (priced(at + 1) || priced(at + 2)))
        || (verb(word).is_some() && word != "left")
}

/// Splits a sentence into clauses.
pub(crate) fn clauses(sentence: &[Token]) -> Vec<Clause> {
    let whole = Clause { tokens: sentence.to_vec() };
    let mut clauses = Vec::new();
    let mut start = 0;
    let mut at = 0;
    while at < sentence.len() {
        let word = whole.word(at);
        let comma = matches!(whole.tokens.get(at), Some(token) if matches!(token.kind, Kind::Mark(',' | ':' | '(' | ')')));
        let link = contains_word(" and but then so while if when after before because ", word);
        let mut next = at;
        if comma || link {
            next += 1;
            while contains_word(LINKS, whole.word(next)) || whole.word(next) == "," {
                next += 1;
            }
            let each = comma && word == "," && whole.word(next) == "each";
            if each || (clauses_ready(&whole, start, at) && begins_clause(&whole, start, next)) {
                push(&mut clauses, &whole, start, at);
                start = next;
            }
        } else if at > start {
            let relative =
                contains_word(" who which that ", word) && verb(whole.word(at + 1)).is_some();
            let asks =
                word == "how" && contains_word(" many much far long old ", whole.word(at + 1));
            if relative || asks {
                push(&mut clauses, &whole, start, at);
                start = at;
                next = at + 1;
            }
        }
        at = next.max(at + 1);
    }
    push(&mut clauses, &whole, start, sentence.len());
    clauses
}

fn clauses_ready(whole: &Clause, start: usize, at: usize) -> bool {
    // A clause needs a verb of its own before another may begin.
    (start..at).any(|at| verb(whole.word(at)).is_some())
        || (start..at).all(|at| !whole.is_amount(at))
        || {
            // `With $50 in her purse, Maria ...`, `After 3 hours, she ...`
            contains_word(" with after in for ", whole.word(start))
        }
}

fn push(clauses: &mut Vec<Clause>, whole: &Clause, start: usize, end: usize) {
    let mut tokens: Vec<Token> = whole.tokens.get(start..end).unwrap_or_default().to_vec();
    while tokens.first().is_some_and(|token| {
        contains_word(
            " and but then so also , if suppose finally afterwards later next now : when ",
            &token.text,
        )
    }) {
        tokens.remove(0);
    }
    if !tokens.is_empty() {
        clauses.push(Clause { tokens });
    }
}

/// Whether the clause asks for something.
pub(crate) fn is_question(clause: &Clause) -> bool {
    (0..clause.tokens.len()).any(|at| {
        let next = clause.word(at + 1);
        match clause.word(at) {
            "how" => contains_word(" many much far long old tall heavy ", next),
            "what" => true,
            "calculate" | "find" | "determine" => contains_word(" the how ", next),
            _ => false,
        }
    })
}
