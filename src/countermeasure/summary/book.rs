//! What of one response is to be condensed, and what became of it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::editor::Condensed;
use super::{SummaryCounts, SummaryFailure, SummaryRules, judge};
use crate::countermeasure::Editor;
use crate::secret::opaque_debug;

/// The most texts of one response that are condensed.
const MOST: usize = 16;

opaque_debug!(SummaryBook, SummaryKey, Wanted, Entry);

/// A text of reasoning, by its hash.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct SummaryKey(pub(super) [u8; 32]);

/// A text that is to be condensed.
pub struct Wanted {
    /// Which it is.
    pub key: SummaryKey,
    /// The reasoning, and nothing else of the exchange. It is whatever its model was made to write.
    pub reasoning: Arc<str>,
}

/// The summaries of one response. Clones share them.
#[derive(Clone)]
pub struct SummaryBook {
    pages: Arc<Mutex<Pages>>,
    /// Whoever has this clone looks ahead: what it finds is to be condensed.
    ahead: bool,
}

struct Pages {
    rules: SummaryRules,
    entries: BTreeMap<SummaryKey, Entry>,
    /// What nobody has been asked for.
    new: Vec<SummaryKey>,
    counts: SummaryCounts,
}

enum Entry {
    Wanted(Arc<str>),
    Made(String),
    /// Nothing goes out.
    None,
}

impl SummaryBook {
    /// An empty one.
    #[must_use]
    pub fn new(rules: SummaryRules) -> Self {
        let (entries, new) = (BTreeMap::new(), Vec::new());
        let pages = Pages { rules, entries, new, counts: SummaryCounts::default() };
        Self { pages: Arc::new(Mutex::new(pages)), ahead: false }
    }

    /// The same for those who look ahead, and let nothing out.
    #[must_use]
    pub fn ahead(&self) -> Self {
        Self { ahead: true, ..self.clone() }
    }

    /// What has been found since this was asked last, to be [settled](Self::settle).
    #[must_use]
    pub fn wanted(&self) -> Vec<Wanted> {
        let mut pages = self.pages();
        let new = std::mem::take(&mut pages.new);
        let wanted = new.into_iter().filter_map(|key| match pages.entries.get(&key) {
            Some(Entry::Wanted(reasoning)) => {
                Some(Wanted { key, reasoning: Arc::clone(reasoning) })
            }
            _ => None,
        });
        wanted.collect()
    }

    /// Takes what came of a text, and judges it.
    pub fn settle(&self, key: SummaryKey, summary: Result<String, SummaryFailure>) {
        let mut pages = self.pages();
        let rules = pages.rules;
        let Some(entry) = pages.entries.get_mut(&key) else { return };
        let Entry::Wanted(reasoning) = &*entry else { return };
        let judged = summary.and_then(|summary| judge::judged(&summary, reasoning, rules));
        let outcome = judged.as_ref().map(|_| ()).map_err(|failure| *failure);
        *entry = judged.map_or(Entry::None, Entry::Made);
        pages.counts.add(outcome);
    }

    /// What became of the texts.
    #[must_use]
    pub fn counts(&self) -> SummaryCounts {
        self.pages().counts
    }

    /// Bytes that are kept.
    #[must_use]
    pub fn held(&self) -> usize {
        let pages = self.pages();
        let held = pages.entries.values().map(|entry| match entry {
            Entry::Wanted(reasoning) => reasoning.len(),
            Entry::Made(summary) => summary.capacity(),
            Entry::None => 0,
        });
        held.sum()
    }

    /// The editor that leaves of a text what this has of it.
    pub(in crate::countermeasure) fn editor(&self) -> Box<dyn Editor> {
        Box::new(Condensed::new(self.clone(), self.pages().rules.max_reasoning))
    }

    /// Whether what is found here is to be condensed.
    pub(super) fn looks_ahead(&self) -> bool {
        self.ahead
    }

    /// A text has ended; `None` if it cannot be condensed.
    pub(super) fn want(&self, key: SummaryKey, reasoning: Option<&str>) {
        let mut pages = self.pages();
        if pages.entries.contains_key(&key) {
            return;
        }
        let few = pages.entries.len() < MOST;
        match reasoning.filter(|text| few && judge::is_worth(text)) {
            Some(reasoning) => {
                pages.entries.insert(key, Entry::Wanted(reasoning.into()));
                pages.new.push(key);
            }
            None => {
                pages.counts.add(Err(SummaryFailure::Unfit));
                if few {
                    pages.entries.insert(key, Entry::None);
                }
            }
        }
    }

    /// The summary of a text, if there is one.
    pub(super) fn write(&self, key: SummaryKey, out: &mut String) {
        if let Some(Entry::Made(summary)) = self.pages().entries.get(&key) {
            out.push_str(summary);
        }
    }

    fn pages(&self) -> MutexGuard<'_, Pages> {
        // Nothing panics while it is held.
        self.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
