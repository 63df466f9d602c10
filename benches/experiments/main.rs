//! How often the tests of experiments err and what they find, on clusters whose sizes have heavy
//! tails: the tables of `docs/experiment-statistics.md`.
//!
//! ```sh
//! cargo bench --bench experiments -- nothing|labels|looks|guardrails|power|online|all
//! ```
//!
//! GUILLOCHE_REPETITIONS=500 draws so many experiments for each line instead of 4,000 (1,000 where
//! there are 30 looks). Every draw has a fixed seed.

#![expect(
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a program that prints a report and may stop at a mistake of its own"
)]

mod analyses;
mod guardrails;
mod labels;
mod looks;
mod nothing;
mod online;
mod population;
mod power;
mod tally;

use std::process::ExitCode;
use tokio::time::Instant;

const STUDIES: [(&str, fn()); 6] = [
    ("nothing", nothing::study),
    ("labels", labels::study),
    ("looks", looks::study),
    ("guardrails", guardrails::study),
    ("power", power::study),
    ("online", online::study),
];

fn main() -> ExitCode {
    // `cargo bench` and `cargo test` add flags of their own.
    let chosen = std::env::args().skip(1).find(|argument| !argument.starts_with("--"));
    let names = "nothing, labels, looks, guardrails, power, online, or all";
    let Some(chosen) = chosen else {
        eprintln!("experiments: name a study: {names}");
        return ExitCode::SUCCESS;
    };
    let studies: Vec<_> =
        STUDIES.iter().filter(|(name, _)| chosen == *name || chosen == "all").collect();
    if studies.is_empty() {
        eprintln!("experiments: {chosen:?} is no study: {names}");
        return ExitCode::from(2);
    }
    for (name, study) in studies {
        let started = Instant::now();
        println!("\n# {name}\n");
        study();
        println!("\n({name}: {:.0} s)", started.elapsed().as_secs_f64());
    }
    ExitCode::SUCCESS
}
