//! `guilloche audit report`: who was touched, by what, and what it cost those who were to be spared.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;

use super::super::page_file::PageFile;
use super::super::progress::Progress;
use super::super::{Answer, Failure, Format, files_read, standard_output};
use super::span::Asked;
use super::text;
use crate::audit::reader;
use crate::page::Run;
use crate::review::{self, Sums};

pub(super) const EXAMPLE: &str = "\
Examples:
  guilloche audit report audit.jsonl
  guilloche audit report --since 7d --report week.html audit/*.jsonl.zst
  zstdcat old/*.zst | guilloche audit report --format json -";

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Audit files, plain or compressed; `-` is standard input.
    #[arg(required = true, value_name = "FILE")]
    audits: Vec<PathBuf>,
    #[command(flatten)]
    asked: Asked,
    /// Write the report as a page, too.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// How the report is written.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(super) fn run(arguments: &Arguments) -> Result<Answer, Failure> {
    let span = arguments.asked.span()?;
    let file = arguments.report.as_deref().map(PageFile::create).transpose()?;
    let mut sums = Sums::default();
    let mut progress = Progress::new("audit");
    let look = |entry| review::look(entry, span);
    let take = |told| sums.add(told);
    let files = reader::read(&arguments.audits, look, take, |bytes| progress.read(bytes))?;
    drop(progress);
    let review = sums.conclude(span, files);
    if let Some(file) = file {
        file.write(&review::page(&review, &Run::of_this_process()))?;
    }
    let mut out = standard_output::lock();
    match arguments.format {
        Format::Text => text::write(&mut out, &review)?,
        Format::Json => writeln!(out, "{:#}", serde_json::to_value(&review)?)?,
    }
    Ok(files_read::answer(&review.files))
}
