//! `guilloche verify count`: counts a part of a corpus where it lies.

use std::io::{BufWriter, Write};
use std::path::PathBuf;

use clap::Args;

use super::super::progress::Progress;
use super::super::{Answer, Failure, standard_output};
use crate::forensics::corpus::{Corpus, FieldPath, Prompts, Shard, count_lexical};
use crate::forensics::examination::Material;
use crate::mark::law::CountingKey;
use crate::new_file::{PUBLIC, can_be_created, create_with};

const EXAMPLE: &str = "Example:
  guilloche verify count --suspect part-*.jsonl.gz --out part.counts
  guilloche verify --keys mark.keys --ledger mark.ledger --suspect-counts *.counts";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub(super) struct Arguments {
    /// Texts of the suspect: JSONL or plain text, also gzip or zstd; `-` is standard input
    #[arg(long, required_unless_present = "suspect_counts", num_args = 1.., value_name = "FILE")]
    suspect: Vec<PathBuf>,
    /// Counts of the suspect's texts, made by this command, to be put together
    #[arg(long, num_args = 1.., value_name = "FILE")]
    suspect_counts: Vec<PathBuf>,
    /// Prompts whose contexts are left out everywhere
    #[arg(long, num_args = 1.., value_name = "FILE")]
    prompts: Vec<PathBuf>,
    /// Where the text of a record stands, such as `output` or `choices.0.text`
    #[arg(long, value_name = "PATH")]
    field: Option<FieldPath>,
    /// Bucket key of an epoch, made by `keys bucket`: of marks of that epoch nothing can be counted
    /// without it; may be repeated
    #[arg(long, num_args = 1.., value_name = "FILE")]
    bucket_key: Vec<PathBuf>,
    /// File of counts to write; nothing is overwritten
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

pub(super) fn run(arguments: &Arguments) -> Result<Answer, Failure> {
    let Arguments { suspect, suspect_counts, prompts, field, bucket_key, out } = arguments;
    let at = |error: &dyn std::fmt::Display| format!("{}: {error}", out.display());
    can_be_created(out).map_err(|error| at(&error))?;
    let read = |path: &PathBuf| {
        CountingKey::read(path).map_err(|error| format!("{}: {error}", path.display()))
    };
    let epochs = bucket_key.iter().map(read).collect::<Result<Vec<_>, String>>()?;
    let prompts = Prompts::read(prompts, field.as_ref())?.counting(epochs);
    let mut progress = Progress::new("the suspect");
    let suspect = Corpus { texts: suspect.clone(), counts: suspect_counts.clone() };
    let counted = count_lexical(&suspect, field.as_ref(), &prompts, |bytes| progress.read(bytes))?;
    drop(progress);
    let Material { documents, sites, files, .. } = &counted.material;
    let skipped: u64 = files.iter().map(|file| file.skipped).fold(0, u64::saturating_add);
    let said = format!("{documents} documents, {sites} sites, {skipped} records skipped");
    let shard = Shard::new(counted, &prompts);
    let written = create_with(out, PUBLIC, |file| shard.write(BufWriter::new(file)));
    written.map_err(|error| at(&error))?;
    writeln!(standard_output::lock(), "{}: {said}", out.display())?;
    Ok(Answer::Done)
}
