//! `guilloche risk`: what a detector says, and what the proxy makes of it.

mod curl;
mod head;
mod sign;
mod verify;

use std::io::Write;
use std::path::Path;

use clap::{Args, Subcommand};
use http::uri::PathAndQuery;
use zeroize::Zeroizing;

use super::{Answer, Failure};
use crate::secret;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Sign a risk header for one request, as a detector would send it.
    Sign(Box<sign::Arguments>),
    /// Tell what the proxy would make of a request's risk header, and why.
    Verify(Box<verify::Arguments>),
}

pub(crate) fn run(arguments: Arguments) -> Result<Answer, Failure> {
    match arguments.command {
        Command::Sign(arguments) => sign::run(&arguments),
        Command::Verify(arguments) => verify::run(*arguments),
    }
}

fn read_environment(variable: &str) -> Result<Zeroizing<String>, Failure> {
    let text = std::env::var(variable).map_err(|error| format!("{variable}: {error}"))?;
    Ok(Zeroizing::new(text))
}

/// Says on standard error that others than its owner can read a file with a key.
fn warn_of_mode(file: &Path) -> Result<(), Failure> {
    if let Some(mode) = secret::open_to_others(file) {
        writeln!(std::io::stderr(), "warning: {}: {mode}", file.display())?;
    }
    Ok(())
}

fn parse_path(text: &str) -> Result<String, String> {
    let path: PathAndQuery = text.parse().map_err(|_| "not a path".to_owned())?;
    if !text.starts_with('/') || path.query().is_some() {
        return Err("a path begins with `/` and has no query, which is not signed".to_owned());
    }
    Ok(path.path().to_owned())
}
