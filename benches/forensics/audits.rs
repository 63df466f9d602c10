//! Audits of texts that know no account, through all that a real audit goes through.

use guilloche::forensics::detect::CellCounts;
use guilloche::forensics::evidence::{Decoys, Weights, holm};
use guilloche::forensics::tracing::{Finding, Roster, Trace};
use guilloche::mark::cell::{Bits, Role};
use rayon::prelude::*;

use crate::corpus::Corpus;
use crate::deployment::{Deployment, cell, cells, count, counts_of, draw, no_counts, seed, sites};
use crate::figures::{ln_p, repetitions, table, thousands};
use crate::source::Source;
use crate::tracing::{account, cluster, global};

/// Null audits, and the accounts of each.
const USUAL: u32 = 1_000;
const ISSUED: usize = 10_000;

/// What one audit of an innocent text came to.
struct Audit {
    refused: bool,
    accused: bool,
    gates_open: bool,
    /// Least adjusted p of an account with the gates left out, and with them.
    ungated: f64,
    gated: f64,
}

pub(crate) fn study(corpus: &Corpus) {
    let control = counts_of(corpus.control.iter().map(|document| document.text.as_str()));
    let audits: Vec<Audit> =
        (0..repetitions(USUAL)).map(|number| audit(corpus, &control, number)).collect();
    let number = |of: fn(&Audit) -> bool| audits.iter().filter(|audit| of(audit)).count();
    let least = |of: fn(&Audit) -> f64| audits.iter().map(of).fold(0.0, f64::min);
    println!(
        "\n{} audits of texts that know no account, of {} issued accounts each.",
        thousands(audits.len()),
        thousands(ISSUED)
    );
    let low = audits.iter().filter(|audit| audit.ungated < 0.01_f64.ln()).count();
    table(
        &["what", "audits, or p"],
        &[
            vec!["an account or cluster was accused".to_owned(), number(|a| a.accused).to_string()],
            vec!["a control refused the result".to_owned(), number(|a| a.refused).to_string()],
            vec![
                "the deployment's own key was found (p < 1e-6), so that its gate was open"
                    .to_owned(),
                number(|a| a.gates_open).to_string(),
            ],
            vec![
                "an account had an adjusted p < 0.01 with all gates left out".to_owned(),
                low.to_string(),
            ],
            vec![
                "smallest adjusted p of an account, gates left out".to_owned(),
                ln_p(least(|a| a.ungated)),
            ],
            vec![
                "smallest adjusted p of an account, as reported".to_owned(),
                ln_p(least(|a| a.gated)),
            ],
        ],
    );
}

/// Texts of many lengths; every other one follows the deployment's own key, and no account's.
fn audit(corpus: &Corpus, control: &CellCounts, number: u32) -> Audit {
    let deployment = Deployment::new(5_000_000 + number);
    let accounts = (0..ISSUED).into_par_iter().map(|place| {
        account(&deployment, place, Some(place / 10).filter(|place| *place < ISSUED / 20), true)
    });
    let roster = Roster {
        global: global(&deployment),
        accounts: accounts.collect(),
        clusters: (0..ISSUED / 20).map(|place| cluster(&deployment, place)).collect(),
        arms: Vec::new(),
        mostly_in_arms: false,
        membership_fixed: true,
    };
    let mut source = Source::of(seed("audits", number));
    let words = 1_000.0 * 100_f64.powf(source.uniform());
    let follows = number % 2 == 1;
    let bits = Bits::new(&roster.global, cells());
    let mut counts = no_counts();
    for document in draw(&corpus.suspect, words as usize, &mut source) {
        let written = sites(&document.text).into_iter().map(|mut site| {
            if follows && deployment.roles.of(cell(site.cell)) == Role::Global {
                site.variant = bits.get(cell(site.cell));
            }
            site
        });
        count(&mut counts, &document.text, written);
    }
    let weights = Weights::from_counts(&counts, &[control]);
    let decoys = Decoys::new(seed("never issued", number), 10_000);
    let trace = Trace::new(&weights, &deployment.roles, &roster, &decoys);
    let alone: Vec<f64> = trace.accounts.iter().map(|score| score.ln_p).collect();
    let ungated = holm(&alone).into_iter().fold(0.0, f64::min);
    let gated = trace.accounts.iter().map(|score| score.ln_p_adjusted).fold(0.0, f64::min);
    let gates_open = trace.global.ln_p < 1e-6_f64.ln();
    match trace.findings(&[]) {
        Err(_) => Audit { refused: true, accused: false, gates_open, ungated, gated },
        Ok(findings) => {
            let accused =
                findings.accounts != Finding::Nobody || findings.clusters != Finding::Nobody;
            Audit { refused: false, accused, gates_open, ungated, gated }
        }
    }
}
