//! `guilloche policy sign`: the signature beside a policy or an experiment.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;

use super::super::{Answer, Failure, standard_output};
use crate::experiment::Experiment;
use crate::new_file::{PUBLIC, replace};
use crate::policy::signature::{PolicyKey, signature_path, signature_text};
use crate::policy::{LoadError, Policy, source};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// File with the private key, as `policy keygen` writes it
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// Policies and experiments; the signature goes beside each, into FILE.sig
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

pub(super) fn run(arguments: &Arguments) -> Result<Answer, Failure> {
    let key = PolicyKey::read(&arguments.key)?;
    let mut answer = Answer::Done;
    let out = &mut standard_output::lock();
    for file in &arguments.files {
        // What is signed is what was looked at, whatever becomes of the file meanwhile.
        let text = source::text(file)?;
        match described(file, &text) {
            Ok(what) => {
                let path = signature_path(file);
                replace(&path, signature_text(&key.sign(text.as_bytes())).as_bytes(), PUBLIC)
                    .map_err(|error| format!("{}: {error}", path.display()))?;
                let signer = key.public().fingerprint();
                writeln!(out, "{}: {what}, signed by {signer}", file.display())?;
            }
            Err(error) => {
                writeln!(out, "{error}\n{}: not signed", file.display())?;
                answer = Answer::No;
            }
        }
    }
    Ok(answer)
}

/// What a text is, if it can be used.
fn described(file: &Path, text: &str) -> Result<String, LoadError> {
    // The one thing that only experiments have.
    if text.lines().any(|line| line.trim_start().starts_with("[[arm]]")) {
        return Ok(format!(
            "experiment {:?}",
            Experiment::parse_in(file, text, Policy::load)?.name
        ));
    }
    let policy = Policy::parse(&file.display().to_string(), text)?;
    Ok(format!("policy {:?}, revision {}", policy.name, policy.revision))
}
