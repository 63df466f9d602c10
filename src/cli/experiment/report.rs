//! `guilloche experiment report`: from files to a verdict.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use jiff::Timestamp;
use serde::Serialize;

use super::super::page_file::PageFile;
use super::super::times::time;
use super::super::{Answer, Failure, Format, standard_output};
use super::read::{Study, TimeBefore, read_before, read_units};
use super::text::write_text;
use crate::audit::reader::FileRead;
use crate::experiment::OutcomesRead;
use crate::experiment::analysis::{History, Known, Report, Units, Unread, Verdict, analyse};
use crate::experiment::report::{Read, Run, page};

pub(super) const EXAMPLE: &str = "\
Exit status: 0 ship or continue; 1 rollback or invalid (JSON: \"verdict\"); 2 wrong usage or
input that cannot be read.

Examples:
  guilloche experiment report --experiment experiments/withhold-reasoning.toml \\
      audit-*.jsonl.zst
  guilloche experiment report --experiment experiments/withhold-reasoning.toml \\
      --outcomes complaints.csv --secret-file guilloche.secret \\
      --before november.jsonl.zst --before december.jsonl.zst --report report.html audit-*.jsonl.zst";

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Audit files of every replica: JSON lines, plain, gzip or zstd; `-` is standard input.
    #[arg(required = true, value_name = "AUDIT")]
    audits: Vec<PathBuf>,
    #[command(flatten)]
    study: Study,
    /// Audit files of the time before the experiment: what they explain is taken out of the effects
    /// that are told beside those that decide; may be repeated. Lines of its own time are left out.
    #[arg(long, value_name = "AUDIT")]
    before: Vec<PathBuf>,
    /// The `state_dir` of every proxy that ran the experiment: by what weights units came into arms, and
    /// whether it was rolled back. Without it they are taken to have come by those of the file; may be repeated.
    #[arg(long, value_name = "FOLDER")]
    state: Vec<PathBuf>,
    /// Report as at this moment, as 2027-01-31T08:00:00Z. Default: the last that the files tell of.
    #[arg(long, value_name = "TIME", value_parser = time)]
    as_of: Option<Timestamp>,
    /// Compare only units first seen from this moment on, such as since weights were changed.
    #[arg(long, value_name = "TIME", value_parser = time)]
    since: Option<Timestamp>,
    /// Also write the report as one page of HTML, which opens and prints from a file.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// How the report is written.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// A report on one audit file and one file of outcomes.
#[derive(Debug)]
pub(crate) struct Reported {
    pub(crate) experiment: PathBuf,
    pub(crate) audit: PathBuf,
    pub(crate) outcomes: PathBuf,
    pub(crate) state: PathBuf,
    pub(crate) secret_file: PathBuf,
    /// Where the page goes, if it is wanted.
    pub(crate) page: Option<PathBuf>,
    pub(crate) format: Format,
}

impl Reported {
    /// As `guilloche experiment report` does.
    pub(crate) fn run(self) -> Result<Answer, Failure> {
        let Self { experiment, audit, outcomes, state, secret_file, page, format } = self;
        run(&Arguments {
            audits: vec![audit],
            study: Study { experiment, outcomes: vec![outcomes], secret_file: Some(secret_file) },
            before: Vec::new(),
            state: vec![state],
            as_of: None,
            since: None,
            report: page,
            format,
        })
    }
}

/// The report with what it was made of.
#[derive(Serialize)]
pub(super) struct Written<'a> {
    #[serde(flatten)]
    pub(super) report: &'a Report,
    #[serde(flatten)]
    pub(super) read: &'a Read,
}

pub(super) fn run(arguments: &Arguments) -> Result<Answer, Failure> {
    let Arguments { audits, study, before, as_of, since, format, .. } = arguments;
    let page_file = arguments.report.as_deref().map(PageFile::create).transpose()?;
    let experiment = study.experiment()?;
    let mut units = Units::of(&experiment);
    let outcome_files = study.read_outcomes(&mut units, &experiment)?;
    let history = match arguments.state.as_slice() {
        [] => None,
        folders => Some(History::read(folders, &experiment)?),
    };
    let files = read_units(&mut units, audits)?;
    let TimeBefore { units: earlier, files: before, later: not_before } =
        read_before(&experiment, before, experiment.start)?;
    let known = Known {
        before: Some(&earlier).filter(|units| !units.is_empty()),
        unread: unread(&files, &outcome_files, history.as_ref()),
        history: history.as_ref(),
        now: *as_of,
        since: *since,
    };
    let report = analyse(&experiment, &units, known)?;
    let read = Read { files, before, not_before, outcome_files };
    if let Some(file) = page_file {
        file.write(&page(&report, &read, &Run::of_this_process()))?;
    }
    let written = Written { report: &report, read: &read };
    let mut out = standard_output::lock();
    match format {
        Format::Text => write_text(&mut out, &written)?,
        Format::Json => {
            serde_json::to_writer_pretty(&mut out, &written)?;
            writeln!(out)?;
        }
    }
    Ok(match report.verdict {
        Verdict::Ship | Verdict::Continue => Answer::Done,
        Verdict::Rollback | Verdict::Invalid => Answer::No,
    })
}

fn unread(files: &[FileRead], outcomes: &[OutcomesRead], history: Option<&History>) -> Unread {
    let sum = |of: fn(&FileRead) -> u64| files.iter().map(of).fold(0, u64::saturating_add);
    let of_state = history.map_or(0, |history| history.unread);
    let cut = |broken: &Option<String>| u64::from(broken.is_some());
    Unread {
        lost: sum(|file| file.lost),
        lines: sum(|file| file.skipped).saturating_add(of_state),
        rows: outcomes.iter().map(|file| file.skipped).fold(0, u64::saturating_add),
        files: files.iter().map(|file| cut(&file.broken)).sum::<u64>()
            + outcomes.iter().map(|file| cut(&file.broken)).sum::<u64>(),
    }
}
