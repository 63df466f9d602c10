//! What the start would fail at, tried without leaving anything behind.

use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind};
use std::net::TcpListener;
use std::path::{Path, PathBuf};

use super::config::{self, Config, LogOutput};
use super::marks::no_ledger;
use super::run::Proxy;
use super::start_error::StartError;
use crate::mark::keys::Keys;
use crate::mark::ledger::{Ledger, LedgerError, check_head};

/// What a start would find.
#[derive(Debug)]
#[non_exhaustive]
pub struct Rehearsal {
    /// What is not wrong, and yet hardly meant; nothing if the parts do not go together.
    pub notices: Vec<String>,
    /// Everything that it would fail at.
    pub errors: Vec<StartError>,
}

impl Proxy {
    /// Does all that a start does, and leaves nothing of it: [`check`](Self::check) and
    /// [`check_addresses`](Self::check_addresses) with everything that is wrong. Addresses are not free where
    /// a proxy with this configuration runs already.
    #[must_use]
    pub fn rehearse(config: &Config) -> Rehearsal {
        let mut errors = files(config);
        let notices = Self::notices(config).unwrap_or_else(|error| {
            errors.push(error);
            Vec::new()
        });
        errors.extend(addresses(config));
        Rehearsal { notices, errors }
    }
}

/// Why files that are appended to cannot be.
pub(super) fn files(config: &Config) -> Vec<StartError> {
    let audit = config.audit.as_ref().map(|audit| &audit.file);
    let access_log = config.access_log.as_ref().and_then(|log| match &log.output {
        LogOutput::File(path) => Some(path),
        LogOutput::Stdout => None,
    });
    let state = config.experiments.as_ref().map(|experiments| &experiments.state_dir);
    let history = config.history.as_ref().map(|history| &history.folder);
    let lines = audit.into_iter().chain(access_log).map(|path| (path, appendable(path)));
    let folders = state.into_iter().chain(history);
    let folders = folders.map(|path| (path, creatable_in(&nearest(path))));
    let failed =
        lines.chain(folders).filter_map(|(path, tried)| Some((path.clone(), tried.err()?)));
    let failed = failed.map(|(path, source)| StartError::Lines { path, source });
    failed.chain(config.marks.as_ref().and_then(unfit_ledger)).collect()
}

/// Why a ledger can neither be gone on with as that of the keys nor be begun.
fn unfit_ledger(marks: &config::Marks) -> Option<StartError> {
    let path = marks.ledger.as_ref()?;
    let error = ledger(path, &marks.keys).err()?;
    Some(no_ledger(path, &marks.keys, error))
}

fn ledger(path: &Path, keys: &Path) -> Result<(), LedgerError> {
    // What is wrong with the keys is told where they are read.
    let Ok(keys) = Keys::read(keys) else { return Ok(()) };
    if !path.exists() {
        return Ok(appendable(path)?);
    }
    drop(Ledger::open(path)?);
    check_head(path, &keys.fingerprint())
}

/// Why addresses cannot be listened on: they are not free, or not this process' to have.
pub(super) fn addresses(config: &Config) -> Vec<StartError> {
    let addresses = std::iter::once(config.listen.address).chain(config.admin);
    let failed = addresses.filter_map(|address| Some((address, TcpListener::bind(address).err()?)));
    failed.map(|(address, source)| StartError::Listen { address, source }).collect()
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
