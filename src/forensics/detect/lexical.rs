//! Sites of the lexical mark in a text and its prompts.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use super::cells::{CellCounts, CellDocument};
use super::law::LawDocument;
use super::reading::reading;
use crate::mark::cell::{BUCKETS, ClassId};
use crate::mark::law::{Answer, CountedPlace, CountingKey};
use crate::mark::lexical::{Site, each_site, lexicon_rules};
use crate::mark::lexicon::Lexicon;

/// Reads the sites of documents by the built-in lexicon.
///
/// A site's context is its class with the word before it. Contexts that occur in a document's
/// prompt are left out, since a model that repeats a marked prompt has not learned from it.
///
/// Texts and prompts are read as they were before trivial changes: blanks between words as one
/// space, paragraphs in capitals in lower case, lookalike letters as the usual ones, and `dont` as
/// `don't` in a text without apostrophes.
///
/// ```
/// use guilloche::forensics::detect::LexicalSites;
///
/// let sites = LexicalSites::english();
/// let mut counts = sites.counts();
/// let text = "These are the tools that you need. In addition, they are free.";
/// let (document, excluded) = sites.document(text, []);
/// assert!(counts.add(&document) && counts.sites() == 1 && excluded == 0);
/// let (_, excluded) = sites.document(text, ["They are cheap. In addition, they are light."]);
/// assert_eq!(excluded, 0); // behind another word it is another context
/// let (_, excluded) = sites.document(text, ["This is what you need. In addition, it is light."]);
/// assert_eq!(excluded, 1);
/// ```
#[derive(Clone, Debug)]
pub struct LexicalSites {
    lexicon: &'static Lexicon,
    /// Contexts that are left out everywhere.
    excluded: HashSet<u64>,
    /// Epochs whose cells are counted as well, where buckets are keyed.
    epochs: Vec<CountingKey>,
}

/// What one document shows.
#[derive(Clone, Debug)]
pub struct LexicalDocument {
    /// Its sites in public cells.
    pub cells: CellDocument,
    /// Its places in each epoch whose buckets are keyed.
    pub law: Vec<LawDocument>,
    /// Sites left out because their context occurs in a prompt.
    pub left_out: u64,
}

impl LexicalSites {
    /// By the built-in lexicon.
    #[must_use]
    pub fn english() -> Self {
        Self { lexicon: Lexicon::english(), excluded: HashSet::new(), epochs: Vec::new() }
    }

    /// What counts depend on: the lexicon, by its digest, and the scanner.
    #[must_use]
    pub fn rules() -> String {
        lexicon_rules()
    }

    /// Counts without documents.
    #[must_use]
    pub fn counts(&self) -> CellCounts {
        CellCounts::new(Self::rules(), self.lexicon.cells(), BUCKETS)
    }

    /// Leaves these contexts out of every document.
    pub fn exclude(&mut self, contexts: impl IntoIterator<Item = u64>) {
        self.excluded.extend(contexts);
    }

    /// Number of contexts that are left out everywhere.
    #[must_use]
    pub fn excluded(&self) -> usize {
        self.excluded.len()
    }

    /// The contexts of a prompt.
    #[must_use]
    pub fn contexts(&self, prompt: &str) -> Vec<u64> {
        let mut contexts = Vec::new();
        each_site(self.lexicon, &reading(prompt), |site| {
            contexts.push(context(site.class, site.previous))
        });
        contexts
    }

    /// Counts the cells of these epochs as well.
    #[must_use]
    pub fn counting(self, epochs: Vec<CountingKey>) -> Self {
        Self { epochs, ..self }
    }

    /// The epochs whose cells are counted.
    #[must_use]
    pub fn epochs(&self) -> &[CountingKey] {
        &self.epochs
    }

    /// The sites of a text that was answered to these prompts, and how many were left out.
    #[must_use]
    pub fn document<'p>(
        &self,
        text: &str,
        prompts: impl IntoIterator<Item = &'p str>,
    ) -> (CellDocument, u64) {
        let LexicalDocument { cells, left_out, .. } = self.read(text, prompts);
        (cells, left_out)
    }

    /// The same, and the places of all epochs that are counted.
    #[must_use]
    pub fn read<'p>(
        &self,
        text: &str,
        prompts: impl IntoIterator<Item = &'p str>,
    ) -> LexicalDocument {
        let mut cells = CellDocument::new(text);
        let mut prompted = HashSet::new();
        for prompt in prompts {
            prompted.extend(self.contexts(prompt));
        }
        let mut left_out = 0;
        let mut law: Vec<(Answer, LawDocument)> =
            self.epochs.iter().map(|_| (Answer::default(), Vec::new())).collect();
        each_site(self.lexicon, &reading(text), |site: &Site<'_>| {
            let context = context(site.class, site.previous);
            let out = prompted.contains(&context) || self.excluded.contains(&context);
            left_out += u64::from(out);
            if !out {
                cells.observe(context, site.cell().index(), site.variant);
            }
            for (key, (answer, document)) in self.epochs.iter().zip(&mut law) {
                // What is left out is a habit of the text all the same.
                key.each_place(answer, site, |CountedPlace { cell, log_odds, passage }| {
                    if !out {
                        document.push((cell.index(), log_odds, site.variant, passage));
                    }
                });
            }
        });
        let law = law.into_iter().map(|(_, document)| document).collect();
        LexicalDocument { cells: cells.reduced(), law, left_out }
    }
}

/// Compared within one run alone, so that it may differ between versions.
fn context(class: ClassId, previous: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    (class, previous).hash(&mut hasher);
    hasher.finish()
}
