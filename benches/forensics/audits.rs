//! Audits of texts that know no account, through all that a real audit goes through.

use guilloche::forensics::evidence::Decoys;
use guilloche::mark::cell::Role;
use guilloche::mark::keys::Scheme;
use rayon::prelude::*;

use crate::corpus::Corpus;
use crate::deployment::{Deployment, SCHEMES, drawn, seed};
use crate::examined::{Examined, examine, issuance};
use crate::figures::{accounts, ln_p, repetitions, table, thousands};
use crate::source::Source;
use crate::student::Student;

/// Null audits, and the accounts of each.
const USUAL: u32 = 1_000;
const ISSUED: usize = 1_000;

/// Words of the control at least: one of less than a hundred sites is none.
const CONTROL: usize = 20_000;

pub(crate) fn study(corpus: &Corpus) {
    let (student, control) = (Student::new(&corpus.suspect), Student::new(&corpus.control));
    println!(
        "\n{} audits of texts that know no account, of {} issued accounts each.",
        thousands(repetitions(USUAL) as usize),
        thousands(accounts(ISSUED))
    );
    let columns = SCHEMES.map(|scheme| {
        let audits = (0..repetitions(USUAL)).into_par_iter();
        column(
            &audits
                .map(|number| audit(corpus, (&student, &control), scheme, number))
                .collect::<Vec<_>>(),
        )
    });
    let rows: Vec<Vec<String>> = NAMES
        .iter()
        .enumerate()
        .map(|(row, name)| {
            let cells = columns.iter().map(|column| column[row].clone());
            std::iter::once((*name).to_owned()).chain(cells).collect()
        })
        .collect();
    table(&["what", "`law`: audits, or p", "`coins`: audits, or p"], &rows);
}

const NAMES: [&str; 6] = [
    "an account or cluster was accused",
    "a control refused the result",
    "the deployment's own key was found (p < 1e-6), so that its gate was open",
    "an account had an adjusted p < 0.01 with all gates left out",
    "smallest adjusted p of an account, gates left out",
    "smallest p of a deployment's key in a text that follows none",
];

fn column(audits: &[(Examined, bool)]) -> [String; 6] {
    let number = |of: &dyn Fn(&Examined) -> bool| {
        audits.iter().filter(|(audit, _)| of(audit)).count().to_string()
    };
    let innocent = audits.iter().filter(|(_, follows)| !follows).map(|(audit, _)| audit.global);
    [
        number(&Examined::accuses),
        number(&Examined::refused),
        number(&|audit| audit.global < 1e-6_f64.ln()),
        number(&|audit| audit.ungated < 0.01_f64.ln()),
        ln_p(audits.iter().map(|(audit, _)| audit.ungated).fold(0.0, f64::min)),
        ln_p(innocent.fold(0.0, f64::min)),
    ]
}

/// Texts of many lengths; every other one follows the deployment's own key, and no account's.
fn audit(
    corpus: &Corpus,
    (student, control): (&Student, &Student),
    scheme: Scheme,
    number: u32,
) -> (Examined, bool) {
    let deployment = Deployment::new(scheme, 5_000_000 + number);
    let issued = accounts(ISSUED);
    let clusters = issued / 20;
    let issuance = issuance(&deployment, issued, clusters, |place| {
        (Some(place / 10).filter(|place| *place < clusters), true)
    });
    let mut source = Source::of(seed("audits", number));
    let words = 1_000.0 * 100_f64.powf(source.uniform());
    let follows = number % 2 == 1;
    let global = deployment.codeword(&issuance.roster.global);
    let mut suspect = deployment.no_counts();
    let places = drawn(&corpus.suspect, words as usize, &mut source);
    for place in places {
        deployment.count(&mut suspect, place, student.sites(place), |site, free| match free {
            Some((cell, log_odds)) if follows && deployment.roles.of(cell) == Role::Global => {
                global.variant(cell, log_odds)
            }
            _ => site.variant,
        });
    }
    let mut unmarked = deployment.no_counts();
    for place in drawn(&corpus.control, (words as usize).max(CONTROL), &mut source) {
        deployment.count(&mut unmarked, place, control.sites(place), |site, _| site.variant);
    }
    let decoys = Decoys::new(seed("never issued", number), 1_000);
    (examine(&deployment, &issuance, (&suspect, &unmarked), &decoys), follows)
}
