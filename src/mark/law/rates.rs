//! How often authors choose the second of two phrasings.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use crate::mark::cell::ClassId;
use crate::mark::lexicon::{Lexicon, WordState};

/// The rates of the built-in lexicon, as a file.
pub(crate) const ENGLISH_RATES: &str = include_str!("rates.tsv");

/// The kind whose classes keep to their first form in every text.
const KEEPS: &str = "pronoun";

/// A file of rates cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct RatesError {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub problem: &'static str,
}

/// The rates of an author, or of many: of each class, and behind words at which it differs.
#[derive(Clone, Debug)]
pub struct Rates {
    /// By class.
    classes: Vec<Option<ClassRate>>,
    /// The constants by kind; kinds are numbered in the order of the lexicon.
    constants: Vec<[f64; 5]>,
}

/// A class, its log-odds, and those behind words.
pub(super) type Row<'r> = (u16, i16, Vec<(&'r str, i16)>);

/// The rate of a class.
#[derive(Clone, Debug)]
pub(super) struct ClassRate {
    /// Log-odds of the second variant, in hundredths.
    pub(super) log_odds: i16,
    /// The same as a probability.
    pub(super) rate: f64,
    /// The number of its kind.
    pub(super) kind: u8,
    /// Whether a text keeps to the first form of the class that it has.
    pub(super) keeps: bool,
    /// The log-odds behind words, in hundredths.
    behind: HashMap<Box<str>, i16, WordState>,
}

impl ClassRate {
    /// Whether the rate behind a word is known apart from the class's.
    pub(super) fn is_told_behind(&self, word: &str) -> bool {
        self.behind.contains_key(word)
    }

    pub(super) fn behind(&self, word: &str) -> i16 {
        self.behind.get(word).copied().unwrap_or(self.log_odds)
    }
}

impl Rates {
    /// The built-in rates of the built-in lexicon.
    ///
    /// If the built-in file did not parse (a test proves that it does), no class would have a rate.
    #[must_use]
    pub fn english() -> Arc<Self> {
        static ENGLISH: LazyLock<Arc<Rates>> = LazyLock::new(|| {
            let parsed = Rates::parse(ENGLISH_RATES, Lexicon::english());
            Arc::new(parsed.unwrap_or(Rates { classes: Vec::new(), constants: Vec::new() }))
        });
        Arc::clone(&ENGLISH)
    }

    /// Reads rates. Lines that begin with `#` are comments. `@kind⇥c0⇥c1⇥c2⇥c3⇥c4` gives the constants of a kind
    /// (`@` alone: of those that have none of their own), `class⇥log-odds` the rate of a class, and
    /// `class⇥log-odds⇥word` that behind a word; log-odds in hundredths. Classes that the lexicon does not
    /// have are passed over: it may have lost some.
    ///
    /// # Errors
    ///
    /// The first line that is not as they should be.
    pub fn parse(text: &str, lexicon: &Lexicon) -> Result<Self, RatesError> {
        let mut kinds: Vec<&str> = Vec::new();
        let mut of_class = HashMap::new();
        for class in lexicon.classes() {
            let known = kinds.iter().position(|kind| *kind == &*class.kind);
            let place = known.unwrap_or_else(|| {
                kinds.push(&class.kind);
                kinds.len() - 1
            });
            let kind = u8::try_from(place).unwrap_or(u8::MAX);
            of_class.insert(class.id.0, (kind, &*class.kind == KEEPS));
        }
        let mut usual = [0.0, 1.0, 1.0, 0.0, 0.0];
        let mut own: HashMap<&str, [f64; 5]> = HashMap::new();
        let mut classes: Vec<Option<ClassRate>> = Vec::new();
        for (line, row) in text.lines().enumerate().map(|(line, row)| (line + 1, row)) {
            let wrong = |problem| RatesError { line, problem };
            if row.is_empty() || row.starts_with('#') {
                continue;
            }
            let columns: Vec<&str> = row.split('\t').collect();
            if let Some(kind) = row.strip_prefix('@') {
                let kind = kind.split('\t').next().unwrap_or_default();
                let numbers: Option<Vec<f64>> =
                    columns.iter().skip(1).map(|number| number.parse().ok()).collect();
                let constants = numbers.and_then(|numbers| numbers.try_into().ok());
                let constants = constants.ok_or_else(|| wrong("a kind has five constants"))?;
                if kind.is_empty() {
                    usual = constants;
                } else {
                    own.insert(kind, constants);
                }
                continue;
            }
            let (class, log_odds, word) = match *columns {
                [class, log_odds] => (class, log_odds, None),
                [class, log_odds, word] => (class, log_odds, Some(word)),
                _ => return Err(wrong("a rate has a class, log-odds and perhaps a word")),
            };
            let class: u16 = class.parse().map_err(|_| wrong("the class is no number"))?;
            let log_odds: i16 = log_odds.parse().map_err(|_| wrong("no log-odds in hundredths"))?;
            let Some((kind, keeps)) = of_class.get(&class).copied() else { continue };
            match word {
                None => {
                    let rate = super::sigmoid(f64::from(log_odds) / 100.0);
                    let behind = HashMap::default();
                    let place = usize::from(class);
                    classes.resize_with(classes.len().max(place + 1), || None);
                    if let Some(of_class) = classes.get_mut(place) {
                        *of_class = Some(ClassRate { log_odds, rate, kind, keeps, behind });
                    }
                }
                Some(word) => {
                    let rate = classes
                        .get_mut(usize::from(class))
                        .and_then(Option::as_mut)
                        .ok_or_else(|| wrong("the rate of the class stands before"))?;
                    rate.behind.insert(word.into(), log_odds);
                }
            }
        }
        let constants = kinds.iter().map(|kind| own.get(kind).copied().unwrap_or(usual)).collect();
        Ok(Self { classes, constants })
    }

    /// These rates with an author's own in the place of some: `class=log-odds` and `class/word=log-odds`,
    /// between commas, as [`AuthorCounts::rates`](super::AuthorCounts::rates) has them. None if the text is
    /// not of that form. Rows that these rates do not have are passed over.
    #[must_use]
    pub fn with(&self, own: &str) -> Option<Self> {
        let mut rates = self.clone();
        for row in own.split(',').filter(|row| !row.is_empty()) {
            let (place, log_odds) = row.split_once('=')?;
            let log_odds: i16 = log_odds.parse().ok()?;
            let (class, word) =
                place.split_once('/').map_or((place, None), |(class, word)| (class, Some(word)));
            let class: u16 = class.parse().ok()?;
            let Some(Some(rate)) = rates.classes.get_mut(usize::from(class)) else { continue };
            match word {
                None => {
                    rate.log_odds = log_odds;
                    rate.rate = super::sigmoid(f64::from(log_odds) / 100.0);
                }
                Some(word) => {
                    if let Some(behind) = rate.behind.get_mut(word) {
                        *behind = log_odds;
                    }
                }
            }
        }
        Some(rates)
    }

    /// Class, log-odds, and those behind words, in order.
    pub(super) fn rows<'r>(&'r self) -> Vec<Row<'r>> {
        let row = |(class, rate): (usize, &'r Option<ClassRate>)| {
            let (class, rate) = (u16::try_from(class).ok()?, rate.as_ref()?);
            let mut behind: Vec<(&str, i16)> =
                rate.behind.iter().map(|(word, log_odds)| (&**word, *log_odds)).collect();
            behind.sort_unstable();
            Some((class, rate.log_odds, behind))
        };
        self.classes.iter().enumerate().filter_map(row).collect()
    }

    pub(super) fn class(&self, class: ClassId) -> Option<&ClassRate> {
        self.classes.get(usize::from(class.0))?.as_ref()
    }

    pub(super) fn constants(&self, kind: u8) -> [f64; 5] {
        self.constants.get(usize::from(kind)).copied().unwrap_or([0.0, 1.0, 1.0, 0.0, 0.0])
    }
}
