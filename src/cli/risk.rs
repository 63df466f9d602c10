//! `guilloche risk`: what a detector says, and what the proxy makes of it.

mod curl;
mod head;
mod sign;
mod verify;

use clap::{Args, Subcommand};
use http::uri::PathAndQuery;

use super::{Answer, Failure};

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

fn parse_path(text: &str) -> Result<String, String> {
    let path: PathAndQuery = text.parse().map_err(|_| "not a path".to_owned())?;
    if !text.starts_with('/') || path.query().is_some() {
        return Err("a path begins with `/` and has no query, which is not signed".to_owned());
    }
    Ok(path.path().to_owned())
}
