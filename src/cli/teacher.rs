//! `guilloche teacher`.

use clap::Args;

use super::{Answer, Failure};

/// stub
#[derive(Debug, Args)]
pub(crate) struct Arguments {}

pub(crate) fn run(arguments: Arguments) -> Result<Answer, Failure> {
    let Arguments {} = arguments;
    Ok(Answer::Done)
}
