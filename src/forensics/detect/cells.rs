//! Counts of two-variant cells: the sufficient statistic of the lexical mark, of paired
//! `logit_bias`, and of every other mark whose sites offer a choice of two.

use serde::{Deserialize, Serialize};

use super::groups::{Documents, GROUPS, Group, digest};
use super::sites::MergeError;

/// How often a cell counts within one document, so that no document speaks for many.
const PER_DOCUMENT: usize = 2;

/// How often each variant was seen in each cell, by group of documents.
///
/// Its size depends on the number of cells alone. Shards that were counted by the same rules merge
/// into what one count of the whole would be.
///
/// ```
/// use guilloche::forensics::detect::CellCounts;
///
/// let mut counts = CellCounts::new("lexicon 1", 32, 16);
/// if let Some(mut document) = counts.document("I do not know. I don't care.", &[]) {
///     document.observe(7, 5, false); // "do not" behind "I": cell 5, variant 0
///     document.observe(7, 5, true); //  "don't", the same context with the other variant
///     document.observe(7, 5, true); //  a repetition does not count
/// }
/// assert_eq!(counts.cell(5), [1, 1]);
/// assert!(counts.document("I do not know. I don't care.", &[]).is_none());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct CellCounts {
    rules: String,
    cells: u32,
    cells_per_class: u32,
    /// By group, then by cell.
    counts: Vec<[u32; 2]>,
    documents: Documents,
}

impl CellCounts {
    /// The version of the serialized form.
    pub const VERSION: u32 = 1;

    /// No counts yet. `rules` names what the counts depend on (the lexicon and its version): shards
    /// counted by other rules do not merge. Consecutive cells, so many, form a class, whose
    /// baseline they share where they have been seen too seldom for their own.
    #[must_use]
    pub fn new(rules: impl Into<String>, cells: u32, cells_per_class: u32) -> Self {
        let length = index(cells) * usize::from(GROUPS);
        Self {
            rules: rules.into(),
            cells,
            cells_per_class: cells_per_class.max(1),
            counts: vec![[0; 2]; length],
            documents: Documents::default(),
        }
    }

    /// Opens a document; none if its text was counted before. `excluded` are contexts that occur
    /// in its prompt: a marked prompt that is repeated says nothing of the model.
    pub fn document<'a>(
        &'a mut self,
        text: &str,
        excluded: &'a [u64],
    ) -> Option<DocumentCells<'a>> {
        let group = self.documents.enter(text.as_bytes())?;
        Some(DocumentCells { counts: self, group, excluded, seen: Vec::new() })
    }

    /// Counts a document that was looked at elsewhere; false if its text was counted before.
    pub fn add(&mut self, document: &CellDocument) -> bool {
        self.enter(document).is_some()
    }

    /// The same, with the group that the document falls into.
    pub(in crate::forensics) fn enter(&mut self, document: &CellDocument) -> Option<Group> {
        let group = self.documents.enter_digest(document.digest)?;
        for (cell, variant) in counted(&document.seen) {
            self.count(group, cell, variant);
        }
        Some(group)
    }

    /// How often variants 0 and 1 were seen in a cell.
    #[must_use]
    pub fn cell(&self, cell: u32) -> [u32; 2] {
        self.groups().fold([0, 0], |[zeros, ones], group| {
            let [zero, one] = group.get(index(cell)).copied().unwrap_or_default();
            [zeros.saturating_add(zero), ones.saturating_add(one)]
        })
    }

    /// The counts of all cells.
    #[must_use]
    pub fn totals(&self) -> Vec<[u32; 2]> {
        let mut totals = vec![[0_u32; 2]; index(self.cells)];
        for group in self.groups() {
            for (total, [zeros, ones]) in totals.iter_mut().zip(group) {
                let [zero, one] = *total;
                *total = [zero.saturating_add(*zeros), one.saturating_add(*ones)];
            }
        }
        totals
    }

    /// The counts of all cells, for each group of documents.
    pub fn groups(&self) -> impl Iterator<Item = &[[u32; 2]]> {
        self.counts.chunks_exact(index(self.cells).max(1))
    }

    /// Number of cells.
    #[must_use]
    pub fn cells(&self) -> u32 {
        self.cells
    }

    /// Cells in a class.
    #[must_use]
    pub fn cells_per_class(&self) -> u32 {
        self.cells_per_class
    }

    /// Sites counted.
    #[must_use]
    pub fn sites(&self) -> u64 {
        self.counts.iter().map(|[zeros, ones]| u64::from(*zeros) + u64::from(*ones)).sum()
    }

    /// The documents they were counted in.
    #[must_use]
    pub fn documents(&self) -> &Documents {
        &self.documents
    }

    /// Adds what another shard has counted.
    ///
    /// # Errors
    ///
    /// If it was counted by other rules.
    pub fn merge(&mut self, other: &Self) -> Result<(), MergeError> {
        if (&self.rules, self.cells, self.cells_per_class)
            != (&other.rules, other.cells, other.cells_per_class)
        {
            return Err(MergeError::Rules(self.described(), other.described()));
        }
        for ([zeros, ones], [zero, one]) in self.counts.iter_mut().zip(&other.counts) {
            *zeros = zeros.saturating_add(*zero);
            *ones = ones.saturating_add(*one);
        }
        self.documents.merge(&other.documents);
        Ok(())
    }

    fn described(&self) -> String {
        format!("{} ({} cells)", self.rules, self.cells)
    }

    fn count(&mut self, group: Group, cell: u32, variant: bool) {
        if cell >= self.cells {
            return;
        }
        let place = usize::from(group) * index(self.cells) + index(cell);
        if let Some([zeros, ones]) = self.counts.get_mut(place) {
            let count = if variant { ones } else { zeros };
            *count = count.saturating_add(1);
        }
    }
}

fn index(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// One document on its way into [`CellCounts`]; counted when it is dropped.
#[derive(Debug)]
pub struct DocumentCells<'a> {
    counts: &'a mut CellCounts,
    group: Group,
    excluded: &'a [u64],
    seen: Vec<Seen>,
}

/// Cell, context and variant of a site.
type Seen = (u32, u64, bool);

impl DocumentCells<'_> {
    /// A site: a hash of its context (class and word before it), its cell and the variant that
    /// stands there. Repetitions of all three within the document count once, and of a cell at
    /// most two sites count.
    pub fn observe(&mut self, context: u64, cell: u32, variant: bool) {
        if !self.excluded.contains(&context) {
            self.seen.push((cell, context, variant));
        }
    }
}

impl Drop for DocumentCells<'_> {
    fn drop(&mut self) {
        for (cell, variant) in counted(&self.seen) {
            self.counts.count(self.group, cell, variant);
        }
    }
}

/// One document that was looked at apart from the counts, on another thread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CellDocument {
    digest: u64,
    seen: Vec<Seen>,
}

impl CellDocument {
    /// A document of this text, without sites.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self { digest: digest(text.as_bytes()), seen: Vec::new() }
    }

    /// A site, as [`DocumentCells::observe`] takes it.
    pub fn observe(&mut self, context: u64, cell: u32, variant: bool) {
        self.seen.push((cell, context, variant));
    }

    /// Drops the sites that will not count.
    #[must_use]
    pub fn reduced(mut self) -> Self {
        self.seen = (0..)
            .zip(counted(&self.seen))
            .map(|(number, (cell, variant))| (cell, number, variant))
            .collect();
        self.seen.shrink_to_fit();
        self
    }
}

/// The sites that count: the first two of a cell in the order of the text, so that a sorted order
/// of contexts does not choose.
fn counted(seen: &[Seen]) -> Vec<(u32, bool)> {
    let mut distinct: Vec<(Seen, usize)> = seen.iter().copied().zip(0..).collect();
    distinct.sort_unstable();
    distinct.dedup_by_key(|(site, _)| *site);
    let mut order: Vec<(u32, usize)> =
        distinct.iter().map(|((cell, ..), place)| (*cell, *place)).collect();
    order.sort_unstable();
    let first = order
        .chunk_by(|(left, _), (right, _)| left == right)
        .flat_map(|sites| sites.iter().take(PER_DOCUMENT));
    first
        .filter_map(|(cell, place)| seen.get(*place).map(|(_, _, variant)| (*cell, *variant)))
        .collect()
}

/// The serialized form: the cells that were seen.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    version: u32,
    rules: String,
    cells: u32,
    cells_per_class: u32,
    /// Group, cell, and how often each variant was seen.
    counts: Vec<(Group, u32, u32, u32)>,
    documents: Documents,
}

/// The most cells that a file may speak of: 8,192 classes of 16 buckets, 64 MiB of counts.
const MOST_CELLS: u32 = 1 << 17;

impl From<CellCounts> for Stored {
    fn from(counts: CellCounts) -> Self {
        let entries = (0_u8..).zip(counts.groups()).flat_map(|(group, cells)| {
            (0_u32..)
                .zip(cells)
                .filter(|(_, count)| **count != [0, 0])
                .map(move |(cell, [zeros, ones])| (group, cell, *zeros, *ones))
        });
        let entries = entries.collect();
        let CellCounts { rules, cells, cells_per_class, counts: _, documents } = counts;
        let version = CellCounts::VERSION;
        Self { version, rules, cells, cells_per_class, counts: entries, documents }
    }
}

impl TryFrom<Stored> for CellCounts {
    type Error = MergeError;

    fn try_from(stored: Stored) -> Result<Self, MergeError> {
        if stored.version != Self::VERSION {
            let (found, supported) = (stored.version, Self::VERSION);
            return Err(MergeError::Version { found, supported });
        }
        if stored.cells > MOST_CELLS {
            return Err(MergeError::Damaged("more cells than there can be"));
        }
        if !stored.documents.is_possible() {
            return Err(MergeError::Damaged("more documents than are remembered"));
        }
        let documents = stored.documents.by_group();
        let most = |group: Group| {
            documents.get(usize::from(group)).map_or(0, |most| most * PER_DOCUMENT as u64)
        };
        let mut counts = Self::new(stored.rules, stored.cells, stored.cells_per_class);
        for (group, cell, zeros, ones) in stored.counts {
            let place = usize::from(group) * index(stored.cells) + index(cell);
            match counts.counts.get_mut(place) {
                Some(_) if u64::from(zeros) + u64::from(ones) > most(group) => {
                    return Err(MergeError::Damaged(
                        "more sites in a cell than its documents can have",
                    ));
                }
                Some(count) if group < GROUPS && cell < stored.cells && *count == [0, 0] => {
                    *count = [zeros, ones];
                }
                _ => return Err(MergeError::Damaged("a cell that does not exist, or twice")),
            }
        }
        counts.documents = stored.documents;
        Ok(counts)
    }
}
