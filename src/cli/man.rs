//! `guilloche man`: the manual pages.

use std::fs;
use std::io::Write;
use std::path::PathBuf;

use clap::{Args, CommandFactory};
use clap_mangen::{Man, generate_to};

use super::{Answer, CommandLine, Failure, standard_output};

const EXAMPLES: &str = "Examples:
  guilloche man --output ~/.local/share/man/man1
  guilloche man | man -l -";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Folder for a page of each command, `guilloche-serve.1` and so on; without it the page of the
    /// command itself is printed.
    #[arg(long, value_name = "DIRECTORY")]
    output: Option<PathBuf>,
}

pub(crate) fn run(arguments: Arguments) -> Result<Answer, Failure> {
    let command = CommandLine::command();
    let Some(folder) = arguments.output else {
        let mut page = Vec::new();
        Man::new(command).render(&mut page)?;
        standard_output::lock().write_all(&page)?;
        return Ok(Answer::Done);
    };
    fs::create_dir_all(&folder)
        .and_then(|()| generate_to(command, &folder))
        .map_err(|error| format!("{}: {error}", folder.display()))?;
    Ok(Answer::Done)
}
