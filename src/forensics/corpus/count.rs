//! Counting the lexical mark's cells in a corpus.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use super::windows::{for_each_document, for_each_prompt};
use super::{Corpus, CorpusError, CorpusProblem, FieldPath, Shard, at};
use crate::forensics::detect::{CellCounts, LawCounts, LexicalDocument, LexicalSites};
use crate::forensics::examination::{FileRead, Material};
use crate::mark::law::CountingKey;

/// The most contexts of prompts that are kept: some 100 MB.
const MAX_CONTEXTS: usize = 4_000_000;

/// A corpus as a test takes it.
#[derive(Clone, Debug, PartialEq)]
pub struct Counted {
    /// How often each variant was seen in each public cell.
    pub counts: CellCounts,
    /// And at each place of the epochs whose buckets are keyed.
    pub law: Vec<LawCounts>,
    /// What was read.
    pub material: Material,
}

/// Prompts whose contexts are left out of every document.
#[derive(Clone, Debug)]
pub struct Prompts {
    sites: LexicalSites,
    files: Vec<FileRead>,
}

impl Prompts {
    /// No prompts.
    #[must_use]
    pub fn none() -> Self {
        Self { sites: LexicalSites::english(), files: Vec::new() }
    }

    /// The texts and prompts of these files.
    ///
    /// # Errors
    ///
    /// If a file cannot be read, or there are too many contexts.
    pub fn read(paths: &[PathBuf], field: Option<&FieldPath>) -> Result<Self, CorpusError> {
        let mut sites = LexicalSites::english();
        let reader = LexicalSites::english();
        let mut files = Vec::new();
        for path in paths {
            let contexts = |document: super::Document<'_>| {
                let texts = document.prompts.iter().map(Cow::as_ref).chain([document.text]);
                texts.flat_map(|text| reader.contexts(text)).collect::<Vec<u64>>()
            };
            let apply = |contexts: Vec<u64>| {
                if sites.excluded() <= MAX_CONTEXTS {
                    sites.exclude(contexts);
                }
            };
            files.extend(for_each_prompt(vec![path.clone()], field, contexts, apply)?);
            if sites.excluded() > MAX_CONTEXTS {
                return Err(at(path)(CorpusProblem::Prompts(MAX_CONTEXTS)));
            }
        }
        Ok(Self { sites, files })
    }

    /// Counts the cells of these epochs, whose buckets are keyed, as well.
    #[must_use]
    pub fn counting(self, epochs: Vec<CountingKey>) -> Self {
        Self { sites: self.sites.counting(epochs), ..self }
    }

    /// The digests of the files they were read from, in their order.
    #[must_use]
    pub fn digests(&self) -> Vec<String> {
        self.files.iter().map(|file| format!("sha256 {}", file.sha256)).collect()
    }
}

/// Counts the cells of the lexical mark in texts, and adds those of files of counts. `progress` is called with the bytes read so far.
///
/// The counts do not depend on the number of cores.
///
/// # Errors
///
/// If a file cannot be read to its end, or has counts by another lexicon or with other prompts.
pub fn count_lexical(
    corpus: &Corpus,
    field: Option<&FieldPath>,
    prompts: &Prompts,
    progress: impl FnMut(u64),
) -> Result<Counted, CorpusError> {
    let sites = &prompts.sites;
    let mut counts = sites.counts();
    let mut excluded = 0;
    let document = |document: super::Document<'_>| {
        sites.read(document.text, document.prompts.iter().map(Cow::as_ref))
    };
    let mut law: Vec<LawCounts> = sites.epochs().iter().map(LawCounts::new).collect();
    let mut files = for_each_document(
        corpus.texts.clone(),
        field,
        document,
        |LexicalDocument { cells, law: places, left_out }| {
            if let Some(group) = counts.enter(&cells) {
                excluded += left_out;
                for (counts, places) in law.iter_mut().zip(&places) {
                    counts.add(group, places);
                }
            }
        },
        progress,
    )?;
    for path in &corpus.counts {
        let shard = Shard::read(path)?;
        if shard.prompts != prompts.digests() {
            return Err(at(path)(CorpusProblem::OtherPrompts));
        }
        counts.merge(&shard.counts).map_err(|error| at(path)(error.into()))?;
        for law in &mut law {
            let counted = shard.law.iter().find(|counted| counted.epoch() == law.epoch());
            let counted = counted.ok_or(CorpusProblem::NoEpoch(law.epoch())).map_err(at(path))?;
            law.merge(counted).map_err(|error| at(path)(error.into()))?;
        }
        excluded = u64::saturating_add(excluded, shard.excluded);
        files.extend(shard.files.into_iter().map(|file| within(path, file)));
    }
    let documents = counts.documents();
    let material = Material {
        scheme: "lexical".to_owned(),
        rules: LexicalSites::rules(),
        files,
        documents: documents.distinct() as u64,
        repeated: documents.repeated(),
        unchecked: documents.unchecked(),
        sites: counts.sites(),
        excluded,
    };
    Ok(Counted { counts, law, material })
}

fn within(shard: &Path, file: FileRead) -> FileRead {
    FileRead {
        name: format!("{}: {}", shard.display(), file.name),
        format: format!("{} counted", file.format),
        ..file
    }
}
