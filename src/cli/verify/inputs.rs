//! What the commands read: keys and ledger, seeds, controls.

use std::collections::{BTreeMap, HashSet};
use std::fs::File;
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::super::Failure;
use super::super::keys::not_of;
use crate::forensics::corpus::Corpus;
use crate::forensics::examination::{Id, Issuance, MarkedBy, issuances};
use crate::mark::keys::Keys;
use crate::mark::ledger::{Entries, EntryError, Event, OwnEntries};

/// Files of controls, by their names.
pub(super) type WrittenControls = BTreeMap<String, Corpus>;

/// The rosters that a ledger makes.
#[derive(Debug, Default)]
pub(super) struct Rosters {
    pub(super) issuances: Vec<Issuance>,
    /// Lines that were read.
    pub(super) lines: u64,
    /// Those of them that are no entries.
    pub(super) skipped: u64,
}

impl Rosters {
    /// Whether there is anybody who may have been linked.
    pub(super) fn has_clusters(&self) -> bool {
        self.issuances.iter().any(|issuance| !issuance.roster.clusters.is_empty())
    }
}

/// Which part of a ledger is read.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct LedgerPart {
    /// At most so many lines: those that there were when a plan was committed to.
    pub(super) lines: Option<u64>,
    /// Only entries up to this time.
    pub(super) until: Option<Timestamp>,
}

impl LedgerPart {
    /// Whether who is in which cluster cannot have been written down later.
    pub(super) fn is_fixed(self) -> bool {
        self.lines.is_some() || self.until.is_some()
    }
}

impl Rosters {
    /// Reads a part of a ledger. Without a ledger only the deployment is tested.
    pub(super) fn read(
        keys: &Keys,
        marked_by: MarkedBy,
        ledger: Option<&Path>,
        part: LedgerPart,
    ) -> Result<Self, Failure> {
        let Some(path) = ledger else {
            return Ok(Self { issuances: issuances(keys, marked_by, [])?, lines: 0, skipped: 0 });
        };
        let at = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
        let file = File::open(path).map_err(|error| at(&error))?;
        let mut broken = None;
        let mut own = OwnEntries::new(BufReader::new(file), keys.fingerprint())
            .up_to(part.lines.unwrap_or(u64::MAX));
        // A file that cannot be read further would not end.
        let readable = own.by_ref().map_while(|entry| match entry {
            Err(error) => {
                broken = Some(error);
                None
            }
            Ok(entry) => Some(entry),
        });
        let entries = readable.filter(|entry| part.until.is_none_or(|until| entry.time <= until));
        let issuances = issuances(keys, marked_by, entries);
        if let Some(error) = broken {
            return Err(not_of(path, Path::new("--keys"), &error).into());
        }
        let mut issuances = issuances.map_err(|error| at(&error))?;
        for issuance in &mut issuances {
            issuance.roster.membership_fixed = part.is_fixed();
        }
        Ok(Self { issuances, lines: own.lines(), skipped: own.skipped() })
    }
}

/// The accounts and clusters that were issued marked answers in these epochs after so many lines of a ledger.
pub(super) fn issued_since(
    ledger: &Path,
    lines: u64,
    epochs: &HashSet<u32>,
) -> Result<HashSet<Id>, Failure> {
    let at = |error: &dyn std::fmt::Display| format!("{}: {error}", ledger.display());
    let file = File::open(ledger).map_err(|error| at(&error))?;
    let before = usize::try_from(lines).unwrap_or(usize::MAX);
    let mut since = HashSet::new();
    for entry in Entries::new(BufReader::new(file)).skip(before) {
        let entry = match entry {
            Ok(entry) => entry,
            Err(EntryError::File(error)) => return Err(at(&error).into()),
            // A line that is no entry tells of nobody.
            Err(_) => continue,
        };
        let Event::Issued { epoch, tenant, account, cluster, .. } = entry.event else { continue };
        if epochs.contains(&epoch) {
            let of_cluster = cluster.map(|id| Id { tenant: tenant.clone(), id });
            since.extend([Id { tenant, id: account }].into_iter().chain(of_cluster));
        }
    }
    Ok(since)
}

/// A control: a name with a file of its text.
#[derive(Clone, Debug)]
pub(super) struct ControlFile {
    pub(super) name: String,
    pub(super) path: PathBuf,
}

impl FromStr for ControlFile {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((name, path)) if !name.is_empty() && !path.is_empty() => {
                Ok(Self { name: name.to_owned(), path: path.into() })
            }
            Some(_) => Err("a control is NAME=FILE, or FILE".to_owned()),
            None => Ok(Self { name: text.to_owned(), path: text.into() }),
        }
    }
}

/// A control that there will be: a name, with a file of its text if it is there already.
#[derive(Clone, Debug)]
pub(super) struct PlannedControl {
    pub(super) name: String,
    pub(super) path: Option<PathBuf>,
}

impl FromStr for PlannedControl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let ControlFile { name, path } = text.parse()?;
        Ok(Self { name, path: text.contains('=').then_some(path) })
    }
}

/// The files of controls as a plan has them, with their SHA-256.
pub(super) fn control_files<'a>(
    controls: impl IntoIterator<Item = (&'a str, &'a Path)>,
) -> Result<Vec<String>, Failure> {
    let digest = |(name, path): (&str, &Path)| {
        let mut digest = Sha256::new();
        let copied = File::open(path).and_then(|mut file| io::copy(&mut file, &mut digest));
        copied.map_err(|error| format!("{}: {error}", path.display()))?;
        let digits: String = digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(format!("{name}: sha256 {digits}"))
    };
    let mut files = controls.into_iter().map(digest).collect::<Result<Vec<_>, Failure>>()?;
    files.sort_unstable();
    Ok(files)
}

/// A seed of 32 bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seed(pub(super) [u8; 32]);

impl FromStr for Seed {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bytes = blake3::Hash::from_hex(text).map_err(|_| "64 hexadecimal digits".to_owned())?;
        Ok(Self(*bytes.as_bytes()))
    }
}

impl Seed {
    /// The seed where none is given: the same for every examination with these keys, so that
    /// nobody chooses it.
    pub(super) fn of(keys: &Keys) -> Self {
        let context = "guilloche 2026-11-23 examination seed v1";
        Self(blake3::derive_key(context, keys.fingerprint().as_bytes()))
    }
}

/// Names without repetition, in one order.
pub(super) fn names(mut names: Vec<String>) -> Vec<String> {
    names.sort_unstable();
    names.dedup();
    names
}
