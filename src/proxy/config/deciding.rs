//! `[risk]`, looked at where it leads, so that all that is wrong is told at once; and what is wrong with
//! policies.

use std::sync::Arc;

use super::error::ConfigError;
use super::reader::Reader;
use super::unreadable::{KEY, POLICY, unreadable};
use crate::policy::{LoadError, Problem};
use crate::risk::settings::SettingProblem;
use crate::risk::{Reports, RiskSettings};

/// `[risk]`, whose secrets are read once to see that they can be.
pub(super) fn risk(reader: &mut Reader<'_>) -> Option<RiskSettings> {
    const EXAMPLE: &str = "for a detector that signs: trust = \"signature\" and keys = [{ id = \"2026-11\", \
                           file = \"risk.key\" }]";
    let mut settings: RiskSettings = reader.embedded("risk", EXAMPLE)?;
    for (field, file) in settings.files() {
        *file = reader.resolved(&format!("risk.{field}"), std::mem::take(file));
        reader.notice_mode("risk", &field, file);
    }
    if let Err(errors) = settings.clone().build(Arc::new(Reports::default())) {
        for error in errors {
            let file = settings.files().find(|(field, _)| *field == error.field);
            let problem = match (&error.problem, file) {
                (SettingProblem::File(source), Some((_, path))) => unreadable(path, source, KEY),
                (SettingProblem::NoKeys, _) => format!("{} ({EXAMPLE})", error.problem),
                (problem, _) => problem.to_string(),
            };
            reader.wrong("risk", &error.field, problem);
        }
    }
    Some(settings)
}

/// Reports why a file that a field names cannot be loaded.
pub(super) fn unread(
    reader: &mut Reader<'_>,
    section: &'static str,
    field: &'static str,
    error: LoadError,
) {
    match error {
        LoadError::Read { file, source } => {
            reader.wrong(section, field, unreadable(file.as_ref(), &source, POLICY));
        }
        error @ (LoadError::Randomness(_) | LoadError::Unsigned { .. }) => {
            reader.wrong(section, field, error.to_string());
        }
        LoadError::Invalid { file, problems } => {
            for problem in problems {
                reader.wrong_in(section, field, in_file(&file, problem));
            }
        }
    }
}

fn in_file(file: &str, problem: Problem) -> ConfigError {
    let Problem { line, column, field, message, hint } = problem;
    let hint = hint.map_or(String::new(), |hint| format!(" (hint: {hint})"));
    ConfigError {
        place: format!("{file}:{line}:{column}"),
        field: Some(field).filter(|field| !field.is_empty()),
        message: message + &hint,
    }
}
