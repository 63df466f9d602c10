//! The verdict as one page that can be handed to a lawyer and read line by line by an opponent.
//!
//! The page is a pure function of the [`Verdict`] and of [`Run`]. It stands alone: no script, no
//! font, image or style from elsewhere, and a content security policy that forbids them; figures
//! are SVG within it, and the numbers behind each stand in a table at its end. It opens from a
//! file, in light and in dark, and prints.
//!
//! Names of accounts, controls and files are what somebody else chose. They are escaped, shown with
//! their hidden characters in the open, cut to a length, and set apart from the words of the page;
//! of files only the base name is told. Neither key material nor a word of the text under
//! examination is in a [`Verdict`], and so neither is on the page.
//!
//! ```
//! use guilloche::forensics::examination::{Method, conclude};
//! use guilloche::forensics::report::{Run, page};
//!
//! let verdict = conclude(vec![], vec![], Method::default());
//! let page = page(&verdict, &Run::default());
//! assert!(page.starts_with("<!DOCTYPE html>") && page.contains("No answer is given"));
//! ```

mod accounts;
mod answer;
mod controls;
mod copies;
mod counted;
mod decoys;
mod deployments;
mod figures;
mod limits;
mod method;
mod plots;
mod provenance;
mod words;

use super::examination::{DeploymentTest, Outcome, Verdict};
pub use crate::page::Run;
use crate::page::markup::Markup;
use crate::page::{document, section};

/// The report on a verdict: an HTML document, well-formed as XML, of less than 300 kB however many
/// accounts, epochs and files there are.
#[must_use]
pub fn page(verdict: &Verdict, run: &Run) -> String {
    let mut page = Markup::default();
    answer::write(&mut page, verdict, run);
    answer::key_numbers(&mut page, verdict);
    decoys::scores(&mut page, verdict);
    decoys::quantiles(&mut page, verdict);
    deployments::effects(&mut page, verdict);
    deployments::tests(&mut page, verdict);
    accounts::write(&mut page, verdict);
    controls::write(&mut page, verdict);
    counted::write(&mut page, verdict);
    method::write(&mut page, verdict);
    limits::write(&mut page, verdict);
    provenance::write(&mut page, verdict, run);
    figures::write(&mut page, verdict);
    document(&format!("Examination for marked outputs: {}", word(verdict)), &page)
}

/// The answer in a word.
fn word(verdict: &Verdict) -> &'static str {
    match verdict.outcome {
        Outcome::Exposed => "exposed",
        Outcome::NotShown => "not shown",
        Outcome::Refused => "refused",
    }
}

/// The tests of deployments, the strongest first, each with its number in the verdict's order.
fn strongest(verdict: &Verdict) -> Vec<(usize, &DeploymentTest)> {
    let mut tests: Vec<(usize, &DeploymentTest)> = (1..).zip(&verdict.deployments).collect();
    tests.sort_by(|(_, left), (_, right)| left.p.log10.total_cmp(&right.p.log10));
    tests
}

/// Whether any name tells its tenant.
fn has_tenants(verdict: &Verdict) -> bool {
    verdict.deployments.iter().any(|test| !test.tenant.is_empty())
}

/// Opens a section, with the warning that its numbers prove nothing where no answer is given.
fn evidence_section(
    page: &mut Markup,
    verdict: &Verdict,
    number: &'static str,
    title: &'static str,
) {
    section(page, number, title);
    if verdict.outcome == Outcome::Refused {
        page.raw("<p class=\"void\">No answer is given. These numbers are no evidence.</p>\n");
    }
}
