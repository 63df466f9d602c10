//! The report on an experiment as one page, for whoever decides and whoever doubts it.
//!
//! The page is a pure function of the [`Report`], of what was read, and of [`Run`]. It stands alone,
//! opens from a file, in light and in dark, and prints; the numbers behind each figure stand in a
//! table at its end.

mod answer;
mod clock;
mod figures;
mod limits;
mod method;
mod numbers;
mod populations;
mod provenance;

use serde::Serialize;

use super::analysis::{Comparison, Report};
use super::outcomes::OutcomesRead;
use crate::audit::Population;
use crate::audit::reader::FileRead;
pub use crate::page::Run;
use crate::page::document;
use crate::page::markup::Markup;

/// The files that a report was made of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Read {
    /// Audit files.
    pub files: Vec<FileRead>,
    /// Audit files of the time before.
    pub before: Vec<FileRead>,
    /// Lines of these that tell of the experiment's own time, which the arms have changed: left out.
    pub not_before: u64,
    /// Outcome files.
    pub outcome_files: Vec<OutcomesRead>,
}

/// The page: an HTML document, well-formed as XML.
#[must_use]
pub fn page(report: &Report, read: &Read, run: &Run) -> String {
    let mut page = Markup::default();
    answer::write(&mut page, report, run);
    answer::checks(&mut page, report);
    populations::write(&mut page, report);
    figures::over_time(&mut page, report);
    figures::guardrails(&mut page, report);
    figures::exposures(&mut page, report);
    method::write(&mut page, report);
    limits::write(&mut page, report);
    provenance::write(&mut page, report, read, run);
    numbers::write(&mut page, report);
    let title = format!("Experiment {}: {}", report.experiment.name, report.verdict.word());
    document(&title, &page)
}

/// Every comparison with its population.
fn comparisons(report: &Report) -> impl Iterator<Item = (Population, &Comparison)> {
    report.populations.iter().flat_map(|population| {
        population.comparisons.iter().map(|comparison| (population.population, comparison))
    })
}
