//! Reading what audit files tell of units.

use std::path::PathBuf;

use super::super::Failure;
use super::super::progress::Progress;
use crate::audit::reader::{self, FileRead};
use crate::audit::{Entry, Line};
use crate::experiment::Experiment;
use crate::experiment::analysis::Units;

/// Reads the time of an experiment. Records tell of single requests, which summaries have summed up.
pub(super) fn read_units(units: &mut Units, paths: &[PathBuf]) -> Result<Vec<FileRead>, Failure> {
    let mut progress = Progress::new("audit");
    let units = units.filling();
    let look = |entry| match entry {
        Entry::Line(Line::Unit(summary)) => units.add(*summary),
        Entry::Line(Line::Exposure(exposure)) => units.add_exposure(&exposure),
        _ => {}
    };
    Ok(reader::read(paths, look, |()| (), |bytes| progress.read(bytes))?)
}

/// Reads the time before an experiment: by summaries, if there are any, and else by records, which
/// are of graded callers alone.
pub(super) fn read_before(
    experiment: &Experiment,
    paths: &[PathBuf],
) -> Result<(Units, Vec<FileRead>), Failure> {
    let mut progress = Progress::new("audit of the time before");
    let (mut summed, mut recorded) = (Units::before(experiment), Units::before(experiment));
    let (summaries, records) = (summed.filling(), recorded.filling());
    let look = |entry| match entry {
        Entry::Line(Line::Unit(summary)) => summaries.add(*summary),
        Entry::Record(record) => records.add_record(&record, experiment),
        _ => {}
    };
    let files = reader::read(paths, look, |()| (), |bytes| progress.read(bytes))?;
    drop((summaries, records));
    Ok((if summed.is_empty() { recorded } else { summed }, files))
}
