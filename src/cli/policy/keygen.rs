//! `guilloche policy keygen`: the keys that policies are signed with and checked by.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;

use super::super::{Answer, Failure, standard_output};
use crate::new_file::{PRIVATE, PUBLIC, create};
use crate::policy::signature::PolicyKey;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// File for the private key: keep it where policies are approved, and not where the proxy runs
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// File for the public key, which `policy.require_signature` names
    #[arg(long, value_name = "FILE")]
    public: PathBuf,
}

pub(super) fn run(arguments: &Arguments) -> Result<Answer, Failure> {
    let Arguments { key: path, public } = arguments;
    let at = |path: &Path, error: io::Error| format!("{}: {error}", path.display());
    let key = PolicyKey::generate()?;
    create(path, key.to_pem().as_bytes(), PRIVATE).map_err(|error| at(path, error))?;
    if let Err(error) = create(public, key.public().to_pem().as_bytes(), PUBLIC) {
        // A private key whose public half is nowhere is of no use, and would be in the way.
        let _ = fs::remove_file(path);
        return Err(at(public, error).into());
    }
    let (fingerprint, out) = (key.public().fingerprint(), &mut standard_output::lock());
    writeln!(out, "{}: public key {fingerprint}", public.display())?;
    Ok(Answer::Done)
}
