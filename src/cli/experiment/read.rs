//! Reading what files tell of units.

use std::path::PathBuf;

use clap::Args;
use jiff::Timestamp;

use super::super::progress::Progress;
use super::super::{Failure, secrets};
use crate::audit::reader::{self, FileRead};
use crate::audit::{Entry, Line};
use crate::experiment::analysis::Units;
use crate::experiment::{Experiment, OutcomesRead, read_outcomes};

/// What is studied, and what somebody else has measured of it.
#[derive(Debug, Args)]
pub(super) struct Study {
    /// The experiment file.
    #[arg(long, value_name = "FILE")]
    pub(super) experiment: PathBuf,
    /// Outcomes that the proxy does not measure: CSV or JSON lines with `account` or `cluster` (or
    /// `unit`), `time`, `metric` and `value`; may be repeated.
    #[arg(long, value_name = "FILE")]
    pub(super) outcomes: Vec<PathBuf>,
    /// The deployment's secret, by which names in outcome files are hashed as in the audit; or set
    /// GUILLOCHE_SECRET_KEY. Without it they must be hashes.
    #[arg(long, value_name = "FILE")]
    pub(super) secret_file: Option<PathBuf>,
}

impl Study {
    pub(super) fn experiment(&self) -> Result<Experiment, Failure> {
        Ok(Experiment::load(&self.experiment)?)
    }

    /// Adds what stands in the files of outcomes to the units that it is of.
    pub(super) fn read_outcomes(
        &self,
        units: &mut Units,
        experiment: &Experiment,
    ) -> Result<Vec<OutcomesRead>, Failure> {
        let key = secrets::audit_key(self.secret_file.as_deref())?;
        let add = |outcome| units.add_outcome(&outcome, experiment);
        Ok(read_outcomes(&self.outcomes, key.as_ref(), add)?)
    }
}

/// Reads the time of an experiment. Records tell of single requests, which summaries have summed up.
pub(super) fn read_units(units: &mut Units, paths: &[PathBuf]) -> Result<Vec<FileRead>, Failure> {
    let mut progress = Progress::new("audit");
    let units = units.filling();
    let look = |entry| match entry {
        Entry::Line(Line::Unit(summary)) => units.add(*summary),
        Entry::Line(Line::Exposure(exposure)) => units.add_exposure(&exposure),
        Entry::Line(Line::Joined(joined)) => units.add_joined(&joined),
        _ => {}
    };
    Ok(reader::read(paths, look, |()| (), |bytes| progress.read(bytes))?)
}

/// What is told of the time before an experiment.
pub(super) struct TimeBefore {
    pub(super) units: Units,
    pub(super) files: Vec<FileRead>,
    /// Lines that tell of a time past the end, and were left out.
    pub(super) later: u64,
}

/// Reads the time before an experiment, up to its `end`: by summaries, if there are any, and else by
/// records, which are of graded callers alone.
pub(super) fn read_before(
    experiment: &Experiment,
    paths: &[PathBuf],
    end: Timestamp,
) -> Result<TimeBefore, Failure> {
    let mut progress = Progress::new("audit of the time before");
    let (mut summed, mut recorded) = (Units::before(experiment), Units::before(experiment));
    let (summaries, records) = (summed.filling(), recorded.filling());
    let look = |entry| {
        match entry {
            Entry::Line(Line::Unit(summary)) if summary.time > end => return 1,
            Entry::Record(record) if record.time > end => return 1,
            Entry::Line(Line::Unit(summary)) => summaries.add(*summary),
            Entry::Record(record) => records.add_record(&record, experiment),
            Entry::Line(_) => {}
        }
        0
    };
    let mut later = 0;
    let files = reader::read(paths, look, |line| later += line, |bytes| progress.read(bytes))?;
    drop((summaries, records));
    let units = if summed.is_empty() { recorded } else { summed };
    Ok(TimeBefore { units, files, later })
}
