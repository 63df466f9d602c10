//! The marks of the configuration: key file, carriers, ledger.

use std::path::Path;
use std::sync::Arc;

use super::config::{self, Config};
use super::experiments::marks_at;
use super::start_error::StartError;
use crate::countermeasure::watermark::Marks;
use crate::experiment::Experiments;
use crate::mark::keys::Keys;
use crate::mark::ledger::{LedgerError, LedgerWriter};
use crate::policy::Policy;

/// Reads the key file, if one is configured. `ledger` is where issued marks are recorded.
pub(super) fn marks(
    config: &Config,
    policy: &Policy,
    experiments: Option<&Experiments>,
    ledger: Option<Arc<LedgerWriter>>,
) -> Result<Option<Marks>, StartError> {
    let Some(settings) = &config.marks else {
        // A policy that says it marks, and does not, would be found out by the copy only.
        if let Some((line, file)) = policy.marks_at().zip(config.policy.as_ref()) {
            let policy = format!("{}:{line}", file.display());
            return Err(StartError::NoMarks { policy, config: config.policy_place.clone() });
        }
        return match experiments.and_then(marks_at) {
            Some(policy) => {
                Err(StartError::NoMarks { policy, config: config.experiments_place.clone() })
            }
            None => Ok(None),
        };
    };
    let marks = Marks::new(Keys::read(&settings.keys)?).carriers(config.carriers.clone());
    Ok(Some(match ledger {
        Some(ledger) => marks.ledger(ledger),
        None => marks,
    }))
}

/// Why a file is not written to as the ledger of these keys.
pub(super) fn no_ledger(path: &Path, keys: &Path, error: LedgerError) -> StartError {
    let (path, keys) = (path.to_owned(), keys.to_owned());
    match error {
        LedgerError::File(source) => StartError::Lines { path, source },
        source => StartError::Ledger { path, keys, source },
    }
}

/// Opens the ledger, if one is configured; with the fingerprint of the key that it belongs to.
pub(super) fn ledger(config: &Config) -> Result<Option<(Arc<LedgerWriter>, String)>, StartError> {
    let Some(config::Marks { keys, ledger: Some(path), queue, .. }) = &config.marks else {
        return Ok(None);
    };
    let fingerprint = Keys::read(keys)?.fingerprint();
    let ledger = LedgerWriter::open(path, fingerprint.clone(), *queue);
    let ledger = ledger.map_err(|error| no_ledger(path, keys, error))?;
    Ok(Some((Arc::new(ledger), fingerprint)))
}
