//! Answers that the examiner asked for: to the prompts of the plan, and to no prompt that anybody had sent.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::Deserialize;

use super::super::Failure;
use crate::ask::{Prompt, read_prompts};

/// Checks that every answer is to one of the prompts, that none of these had been sent, and that no answer says that
/// it was asked for before the plan was made; the number of prompts to which there are answers.
pub(super) fn check(
    asked: &[PathBuf],
    prompts: &[PathBuf],
    sent: &[PathBuf],
    made: Option<Timestamp>,
) -> Result<u64, Failure> {
    let planned = turns(prompts)?;
    fresh(&planned, sent)?;
    let mut answered = HashSet::new();
    for path in asked {
        let (mut answers, mut others) = (0_u64, 0_u64);
        for prompt in read_prompts(path)? {
            let turns = turns_of(&prompt);
            answers += 1;
            if planned.contains(&turns) {
                answered.insert(turns);
            } else {
                others += 1;
            }
        }
        if others > 0 {
            let path = path.display();
            return Err(format!(
                "{path}: {others} of {answers} answers are to none of the --prompts, and so were not asked for"
            )
            .into());
        }
        let early = made.map_or(Ok(0), |made| asked_before(path, made))?;
        if early > 0 {
            let path = path.display();
            return Err(format!(
                "{path}: {early} of {answers} answers were asked for before the plan was committed to"
            )
            .into());
        }
    }
    Ok(answered.len() as u64)
}

/// The line of an answer, as `--ask` writes it: when it was asked for. Others need not say.
#[derive(Deserialize)]
struct When {
    asked: Option<String>,
}

/// How many answers say that they were asked for before this time.
fn asked_before(path: &Path, made: Timestamp) -> Result<u64, Failure> {
    let text =
        std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let is_early = |line: &&str| {
        let when = serde_json::from_str::<When>(line).ok().and_then(|when| when.asked);
        when.and_then(|when| when.parse::<Timestamp>().ok()).is_some_and(|asked| asked < made)
    };
    Ok(text.lines().filter(is_early).count() as u64)
}

/// Checks that none of these prompts had been sent.
pub(super) fn not_sent(prompts: &[PathBuf], sent: &[PathBuf]) -> Result<(), Failure> {
    if sent.is_empty() { Ok(()) } else { fresh(&turns(prompts)?, sent) }
}

fn fresh(planned: &HashSet<String>, sent: &[PathBuf]) -> Result<(), Failure> {
    for path in sent {
        let before = turns(std::slice::from_ref(path))?;
        let known = planned.intersection(&before).count();
        if known > 0 {
            let path = path.display();
            return Err(format!(
                "{path}: {known} of the --prompts had been sent; ask others, of which nobody has the answer"
            )
            .into());
        }
    }
    Ok(())
}

fn turns(paths: &[PathBuf]) -> Result<HashSet<String>, Failure> {
    let mut all = HashSet::new();
    for path in paths {
        all.extend(read(path)?.iter().map(turns_of));
    }
    Ok(all)
}

fn read(path: &Path) -> Result<Vec<Prompt>, Failure> {
    Ok(read_prompts(path)?)
}

/// What is the same for equal prompts, however they are written.
fn turns_of(prompt: &Prompt) -> String {
    serde_json::Value::from(prompt.messages()).to_string()
}
