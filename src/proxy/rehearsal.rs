//! What the start would fail at, tried without leaving anything behind.

use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind};
use std::net::TcpListener;
use std::path::{Path, PathBuf};

use super::config::{self, Config, LogOutput};
use super::marks::no_ledger;
use super::start_error::StartError;
use crate::mark::keys::Keys;
use crate::mark::ledger::{Ledger, LedgerError, check_head};

/// Whether every file that is appended to can be.
pub(super) fn files(config: &Config) -> Result<(), StartError> {
    let audit = config.audit.as_ref().map(|audit| &audit.file);
    let access_log = config.access_log.as_ref().and_then(|log| match &log.output {
        LogOutput::File(path) => Some(path),
        LogOutput::Stdout => None,
    });
    for path in audit.into_iter().chain(access_log) {
        appendable(path).map_err(|source| StartError::Lines { path: path.clone(), source })?;
    }
    if let Some(config::Marks { keys, ledger: Some(path), .. }) = &config.marks {
        ledger(path, keys).map_err(|error| no_ledger(path, keys, error))?;
    }
    let state = config.experiments.as_ref().map(|experiments| &experiments.state_dir);
    let history = config.history.as_ref().map(|history| &history.folder);
    for path in state.into_iter().chain(history) {
        creatable_in(&nearest(path))
            .map_err(|source| StartError::Lines { path: path.clone(), source })?;
    }
    Ok(())
}

/// Whether a ledger can be gone on with, and is that of the keys; or one can be begun.
fn ledger(path: &Path, keys: &Path) -> Result<(), LedgerError> {
    // What is wrong with the keys is told where they are read.
    let Ok(keys) = Keys::read(keys) else { return Ok(()) };
    if !path.exists() {
        return Ok(appendable(path)?);
    }
    drop(Ledger::open(path)?);
    check_head(path, &keys.fingerprint())
}

/// Whether the addresses are free, and this process may listen on them.
pub(super) fn addresses(config: &Config) -> Result<(), StartError> {
    for address in std::iter::once(config.listen.address).chain(config.admin) {
        TcpListener::bind(address).map_err(|source| StartError::Listen { address, source })?;
    }
    Ok(())
}

/// Whether a file can be appended to, or made.
fn appendable(path: &Path) -> io::Result<()> {
    match OpenOptions::new().append(true).open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            creatable_in(path.parent().unwrap_or(Path::new("")))
        }
        opened => opened.map(drop),
    }
}

/// Whether files can be made in a folder: one of another name is, for a moment.
fn creatable_in(folder: &Path) -> io::Result<()> {
    let trial = folder.join(format!(".guilloche-check-{}", std::process::id()));
    OpenOptions::new().write(true).create_new(true).open(&trial)?;
    fs::remove_file(trial)
}

/// The folder, or the nearest one above it that is there.
fn nearest(folder: &Path) -> PathBuf {
    let there = folder.ancestors().find(|it| it.as_os_str().is_empty() || it.exists());
    there.unwrap_or(folder).to_owned()
}
