//! `[risk]` and `[policy]`: read, and looked at where they lead, so that all that is wrong is told at
//! once.

use std::path::PathBuf;
use std::sync::Arc;

use super::reader::{ConfigError, Reader};
use crate::policy::{LoadError, Policy, Problem};
use crate::risk::{Reports, RiskSettings};

/// `[risk]`, whose secrets are read once to see that they can be.
pub(super) fn risk(reader: &mut Reader<'_>) -> Option<RiskSettings> {
    let mut settings: RiskSettings = reader.embedded("risk")?;
    for (field, file) in settings.files() {
        *file = reader.resolved(&format!("risk.{field}"), std::mem::take(file));
        reader.notice_mode("risk", &field, file);
    }
    if let Err(errors) = settings.clone().build(Arc::new(Reports::default())) {
        for error in errors {
            reader.wrong("risk", &error.field, error.problem.to_string());
        }
    }
    Some(settings)
}

/// `[policy] file`, a policy that can be loaded.
pub(super) fn policy(reader: &mut Reader<'_>) -> Option<PathBuf> {
    let path = reader.path("policy", "file")?;
    if let Err(error) = Policy::load(&path) {
        unread(reader, "policy", "file", error);
    }
    Some(path)
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
            reader.wrong(section, field, format!("{file} cannot be read: {source}"));
        }
        error @ LoadError::Randomness(_) => reader.wrong(section, field, error.to_string()),
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
