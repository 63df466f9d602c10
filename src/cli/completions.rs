//! `guilloche completions`: what a shell completes the command line by.

use std::io::Write;

use clap::{Args, Command, CommandFactory};
use clap_complete::{Shell, generate};

use super::{Answer, CommandLine, Failure, standard_output};

const EXAMPLES: &str = "Examples:
  guilloche completions bash > ~/.local/share/bash-completion/completions/guilloche
  guilloche completions zsh > \"${fpath[1]}/_guilloche\"
  guilloche completions fish > ~/.config/fish/completions/guilloche.fish";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// The shell.
    shell: Shell,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Answer, Failure> {
    // Through a buffer: a closed pipe is no reason to panic.
    let mut script = Vec::new();
    generate(arguments.shell, &mut visible(), "guilloche", &mut script);
    standard_output::lock().write_all(&script)?;
    Ok(Answer::Done)
}

/// The command line without the commands that no one is to type, which the generators do not leave out.
fn visible() -> Command {
    let all = CommandLine::command();
    let commands = all.get_subcommands().filter(|it| !it.is_hide_set()).cloned();
    Command::new("guilloche").version(env!("CARGO_PKG_VERSION")).subcommands(commands)
}
