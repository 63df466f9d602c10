//! What the forensic tools show and what they do not, measured on answers of assistants and on prose that people
//! wrote: the tables and plots of `docs/forensics.md`.
//!
//! ```sh
//! apt-get install rust-doc
//! cargo bench --bench forensics -- calibration|power|audits|tracing|robustness|all [CORPUS]
//! ```
//!
//! GUILLOCHE_SCHEMES="KGW;naive" examines only schemes whose names in the tables begin so: some are
//! slow. GUILLOCHE_REPETITIONS=20 repeats each line of the other studies so often; GUILLOCHE_ACCOUNTS=1000 has so many
//! accounts in audits and traces. Tables go to the standard output, plots to `docs/forensics/`. Every draw has a fixed seed.

#![expect(
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::string_slice,
    clippy::unreachable,
    clippy::unwrap_used,
    reason = "a program that prints a report and may stop at a mistake of its own"
)]

mod audits;
mod calibration;
mod corpus;
mod deployment;
mod examined;
mod figures;
mod green;
mod naive;
mod plot;
mod power;
mod robustness;
mod samples;
#[path = "../../tests/evidence_on_text/source.rs"]
mod source;
mod student;
mod tokens;
mod tracing;
#[path = "../../tests/evidence_on_text/uniformity.rs"]
mod uniformity;

use std::path::PathBuf;
use std::process::ExitCode;
use tokio::time::Instant;

use corpus::Corpus;

/// Prints its tables and writes its plots.
type Study = fn(&Corpus);

const STUDIES: [(&str, Study); 5] = [
    ("calibration", calibration::study),
    ("power", power::study),
    ("audits", audits::study),
    ("tracing", tracing::study),
    ("robustness", robustness::study),
];

fn main() -> ExitCode {
    // `cargo bench` and `cargo test` add flags of their own.
    let mut arguments = std::env::args().skip(1).filter(|argument| !argument.starts_with("--"));
    let Some(chosen) = arguments.next() else {
        eprintln!(
            "forensics: name a study: calibration, power, audits, tracing, robustness, or all"
        );
        return ExitCode::SUCCESS;
    };
    let studies: Vec<_> =
        STUDIES.iter().filter(|(name, _)| chosen == *name || chosen == "all").collect();
    if studies.is_empty() {
        eprintln!(
            "forensics: {chosen:?} is no study: calibration, power, audits, tracing, robustness, all"
        );
        return ExitCode::from(2);
    }
    let root = arguments.next().or_else(|| std::env::var("GUILLOCHE_CORPUS").ok());
    let corpus = match Corpus::read(root.map(PathBuf::from)) {
        Ok(corpus) => corpus,
        Err(message) => {
            eprintln!("forensics: {message}");
            return ExitCode::from(2);
        }
    };
    println!("Corpus: {}.", corpus.described());
    for (name, study) in studies {
        let started = Instant::now();
        println!("\n# {name}");
        study(&corpus);
        println!("({name}: {:.0} s)", started.elapsed().as_secs_f64());
    }
    ExitCode::SUCCESS
}
