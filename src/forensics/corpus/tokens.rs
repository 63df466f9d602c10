//! Counting in the tokens of a marked model.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use super::windows::{for_each_document, for_each_prompt};
use super::{Corpus, CorpusError, CorpusProblem, FieldPath, STANDARD_INPUT, at};
use crate::forensics::examination::Material;
use crate::forensics::examination::tokens::{Scheme, TokenCounted};

/// A corpus as the test of a scheme on tokens takes it.
#[derive(Clone, Debug)]
pub struct CountedTokens {
    /// What was counted.
    pub counted: TokenCounted,
    /// What was read.
    pub material: Material,
}

/// Tokenizes texts on all cores and counts what a scheme looks at, in the order of the texts.
/// `prompts` are left out everywhere. `progress` is called with the bytes read so far.
///
/// # Errors
///
/// If a file cannot be read to its end, holds counts of words, or is standard input, which can be read once, and not for
/// every scheme.
pub fn count_tokens(
    scheme: &Scheme,
    corpus: &Corpus,
    field: Option<&FieldPath>,
    prompts: &[String],
    progress: impl FnMut(u64),
) -> Result<CountedTokens, CorpusError> {
    let Corpus { texts, counts } = corpus;
    if let Some(path) = counts.first() {
        return Err(at(path)(CorpusProblem::NoTokens));
    }
    if let Some(path) = texts.iter().find(|path| *path == Path::new(STANDARD_INPUT)) {
        return Err(at(path)(CorpusProblem::Once));
    }
    let empty = scheme.counted(prompts);
    let mut counted = empty.clone();
    let files = for_each_document(
        texts.clone(),
        field,
        |document| {
            let prompts = document.prompts.iter().map(Cow::as_ref);
            scheme.document(&empty, document.text, prompts)
        },
        |document| counted.add(&document),
        progress,
    )?;
    let material = Material { files, ..counted.material(scheme) };
    Ok(CountedTokens { counted, material })
}

/// The texts of files of prompts, whole: prompts, and what stands where an answer would.
///
/// # Errors
///
/// If a file cannot be read to its end.
pub fn read_texts(
    paths: &[PathBuf],
    field: Option<&FieldPath>,
) -> Result<Vec<String>, CorpusError> {
    let mut texts = Vec::new();
    let all = |document: super::Document<'_>| {
        let prompts = document.prompts.iter().map(Cow::as_ref);
        prompts.chain([document.text]).map(str::to_owned).collect::<Vec<String>>()
    };
    for_each_prompt(paths.to_vec(), field, all, |more| texts.extend(more))?;
    Ok(texts)
}
