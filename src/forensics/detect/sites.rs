//! The sites of token schemes: each distinct pair of a context and the token behind it, once in
//! the whole corpus.
//!
//! A text that repeats itself repeats its scores, and a test that counts the copies finds marks
//! where none are: the standard deviation of a naive z-score reaches several times its nominal
//! value. What is kept here is what a test of independent trials may count.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::groups::{Documents, GROUPS, Group};

/// Stands for a token that is not known, before the start of a text or in its midst; the same word
/// as vLLM's `-1`.
pub const MISSING: u32 = u32::MAX;

/// What a scheme says of the contexts it reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// Tokens before the scored one that decide its score. Where some of them are not known, at the
    /// start of a text, nothing is scored.
    pub tokens: u8,
}

/// One site: a context, oldest token first, and the token that was chosen behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Site<'a> {
    /// As many tokens as the window has.
    pub context: &'a [u32],
    /// The token.
    pub token: u32,
}

/// One answer of the suspect, as token ids of the marked model's tokenizer.
#[derive(Clone, Copy, Debug, Default)]
pub struct TokenDocument<'a> {
    /// What was asked, if known. Contexts that occur in it are not scored: a marked prompt that is
    /// repeated says nothing of the model.
    pub prompt: &'a [u32],
    /// Whether the prompt's last tokens, directly followed by the answer, are what the first
    /// contexts of the answer consisted of (in a chat the template stands between).
    pub contiguous: bool,
    /// What was answered; [`MISSING`] where a token is not known, around which nothing is scored.
    pub answer: &'a [u32],
}

/// Why two parts of a corpus cannot be put together.
#[derive(Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum MergeError {
    /// Another format.
    #[error("the shard has format version {found}, this program reads {supported}")]
    Version {
        /// Of the shard.
        found: u32,
        /// Of this program.
        supported: u32,
    },
    /// Counted for another scheme, lexicon, tokenizer or window.
    #[error("the shards were counted by different rules: {0} and {1}")]
    Rules(String, String),
    /// A number in the file cannot be.
    #[error("the shard is damaged: {0}")]
    Damaged(&'static str),
}

/// Sites of a corpus, or of a shard of it: a mergeable sufficient statistic.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct TokenSites {
    rules: String,
    window: Window,
    capacity: usize,
    rows: Vec<u32>,
    groups: Vec<Group>,
    numbers: HashMap<u64, usize>,
    documents: Documents,
    past_capacity: u64,
    /// Contexts, by their hash, of prompts of other documents.
    excluded: HashSet<u64>,
    prompted: u64,
}

impl TokenSites {
    /// The version of the serialized form.
    pub const VERSION: u32 = 1;

    /// No sites yet. `rules` names scheme and tokenizer: shards counted by other rules do not
    /// merge. At most `capacity` sites are kept; further ones are counted and not scored.
    #[must_use]
    pub fn new(rules: impl Into<String>, window: Window, capacity: usize) -> Self {
        Self {
            rules: rules.into(),
            window,
            capacity,
            rows: Vec::new(),
            groups: Vec::new(),
            numbers: HashMap::new(),
            documents: Documents::default(),
            past_capacity: 0,
            excluded: HashSet::new(),
            prompted: 0,
        }
    }

    /// Leaves the contexts of a prompt out of every document that is added from now on, not only
    /// of the one that answers it.
    pub fn exclude(&mut self, prompt: &[u32]) {
        let width = usize::from(self.window.tokens);
        if width > 0 {
            self.excluded.extend(prompt.windows(width).map(hash));
        }
    }

    /// Adds the sites of a document; false if the same answer was counted before.
    pub fn add(&mut self, document: &TokenDocument<'_>) -> bool {
        let TokenDocument { prompt, contiguous, answer } = *document;
        let Some(group) = self.documents.enter_tokens(answer) else { return false };
        let width = usize::from(self.window.tokens);
        let prompted: HashSet<&[u32]> =
            if width == 0 { HashSet::new() } else { prompt.windows(width).collect() };
        let tail = if contiguous { prompt.len().min(width) } else { 0 };
        let mut text = vec![MISSING; width - tail];
        text.extend(prompt.iter().skip(prompt.len() - tail).chain(answer));
        for row in text.windows(width + 1) {
            let Some((token, context)) = row.split_last() else { continue };
            if row.contains(&MISSING) {
                continue;
            }
            if prompted.contains(context) || self.is_excluded(context) {
                self.prompted += 1;
                continue;
            }
            self.insert(Site { context, token: *token }, group);
        }
        true
    }

    fn is_excluded(&self, context: &[u32]) -> bool {
        !self.excluded.is_empty() && self.excluded.contains(&hash(context))
    }

    fn insert(&mut self, site: Site<'_>, group: Group) {
        let hash = hash((site.context, site.token));
        let next = self.groups.len();
        // Two sites that share a 64-bit hash are taken for one: one site too few.
        let number = *self.numbers.entry(hash).or_insert(next);
        if let Some(first) = self.groups.get_mut(number) {
            // The least group, so that the order of documents and shards does not matter.
            *first = group.min(*first);
        } else if next < self.capacity {
            self.groups.push(group);
            self.rows.extend_from_slice(site.context);
            self.rows.push(site.token);
        } else {
            self.numbers.remove(&hash);
            self.past_capacity += 1;
        }
    }

    /// Adds what another shard has counted.
    ///
    /// # Errors
    ///
    /// If it was counted by other rules.
    pub fn merge(&mut self, other: &Self) -> Result<(), MergeError> {
        if self.rules != other.rules || self.window != other.window {
            return Err(MergeError::Rules(self.described(), other.described()));
        }
        for (site, group) in other.iter() {
            self.insert(site, group);
        }
        self.past_capacity += other.past_capacity;
        self.prompted += other.prompted;
        self.documents.merge(&other.documents);
        Ok(())
    }

    fn described(&self) -> String {
        format!("{} (window {})", self.rules, self.window.tokens)
    }

    /// The sites in the order in which they came, each with the least group of its documents.
    pub fn iter(&self) -> impl Iterator<Item = (Site<'_>, Group)> {
        let rows = self.rows.chunks_exact(usize::from(self.window.tokens) + 1);
        rows.zip(&self.groups).filter_map(|(row, group)| {
            let (token, context) = row.split_last()?;
            Some((Site { context, token: *token }, *group))
        })
    }

    /// The sites of each group of documents, for intervals by document.
    #[must_use]
    pub fn by_group(&self) -> Vec<Vec<Site<'_>>> {
        let mut groups = vec![Vec::new(); usize::from(GROUPS)];
        for (site, group) in self.iter() {
            if let Some(sites) = groups.get_mut(usize::from(group)) {
                sites.push(site);
            }
        }
        groups
    }

    /// Number of sites.
    #[must_use]
    pub fn len(&self) -> usize {
        self.groups.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// The window they were read with.
    #[must_use]
    pub fn window(&self) -> Window {
        self.window
    }

    /// Occurrences of sites that were met after the capacity was used up.
    #[must_use]
    pub fn past_capacity(&self) -> u64 {
        self.past_capacity
    }

    /// Occurrences of sites that were left out because their context stands in a prompt.
    #[must_use]
    pub fn prompted(&self) -> u64 {
        self.prompted
    }

    /// The documents they were read from.
    #[must_use]
    pub fn documents(&self) -> &Documents {
        &self.documents
    }
}

/// Compared within one run alone.
fn hash(value: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

impl PartialEq for TokenSites {
    /// The order in which sites came does not count.
    fn eq(&self, other: &Self) -> bool {
        let sorted = |sites: &Self| {
            let mut rows: Vec<_> = sites
                .iter()
                .map(|(site, group)| (site.context.to_vec(), site.token, group))
                .collect();
            rows.sort_unstable();
            rows
        };
        self.rules == other.rules
            && self.window == other.window
            && self.documents == other.documents
            && sorted(self) == sorted(other)
    }
}

/// The serialized form.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    version: u32,
    rules: String,
    window: Window,
    capacity: usize,
    rows: Vec<u32>,
    groups: Vec<Group>,
    documents: Documents,
    past_capacity: u64,
    #[serde(default)]
    prompted: u64,
}

impl From<TokenSites> for Stored {
    fn from(sites: TokenSites) -> Self {
        let TokenSites {
            rules,
            window,
            capacity,
            rows,
            groups,
            numbers: _,
            documents,
            past_capacity,
            excluded: _,
            prompted,
        } = sites;
        let version = TokenSites::VERSION;
        Self { version, rules, window, capacity, rows, groups, documents, past_capacity, prompted }
    }
}

impl TryFrom<Stored> for TokenSites {
    type Error = MergeError;

    fn try_from(stored: Stored) -> Result<Self, MergeError> {
        if stored.version != Self::VERSION {
            let (found, supported) = (stored.version, Self::VERSION);
            return Err(MergeError::Version { found, supported });
        }
        let width = usize::from(stored.window.tokens) + 1;
        if stored.rows.len() != stored.groups.len() * width {
            return Err(MergeError::Damaged("rows and groups differ in number"));
        }
        if stored.groups.iter().any(|group| *group >= GROUPS) {
            return Err(MergeError::Damaged("a group that does not exist"));
        }
        let mut sites = Self::new(stored.rules, stored.window, stored.capacity);
        for (row, group) in stored.rows.chunks_exact(width).zip(&stored.groups) {
            if let Some((token, context)) = row.split_last() {
                sites.insert(Site { context, token: *token }, *group);
            }
        }
        sites.documents = stored.documents;
        sites.past_capacity += stored.past_capacity;
        sites.prompted = stored.prompted;
        Ok(sites)
    }
}
