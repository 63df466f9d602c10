//! How a configuration was read: from where, so that it can be read again, and what it said, so that two
//! readings can be compared.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use blake3::Hash;

use super::{Config, ConfigErrors};
use crate::secret::opaque_debug;

/// How a configuration was read. It is not shown: variables may hold secrets.
#[derive(Clone, Default)]
pub(super) struct Reading {
    /// Where it was read from.
    pub(super) origin: Option<Arc<Origin>>,
    /// A hash of what each field said that was given.
    pub(super) said: BTreeMap<String, Hash>,
    /// Where each field stood that was given: the file and line, or the environment variable.
    pub(super) places: BTreeMap<String, String>,
    /// The paths in fields.
    pub(super) paths: BTreeMap<String, Vec<PathBuf>>,
    /// A hash of all that it was read from, taken before.
    pub(super) fingerprint: Option<Hash>,
}

opaque_debug!(Reading);

/// The file or text, and the environment variables, that a configuration was read from.
#[derive(Clone)]
pub(super) struct Origin {
    /// The path of the file, or what errors call the text.
    pub(super) name: String,
    pub(super) text: Option<String>,
    pub(super) environment: BTreeMap<String, String>,
}

/// Fields with paths of what the proxy writes. All others lead to what it reads.
const WRITTEN: [&str; 5] =
    ["access_log.output", "audit.file", "experiments.state_dir", "marks.ledger", "policy.history"];

impl Config {
    /// Reads it again, from where it was read before.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub(in crate::proxy) fn read_again(&self) -> Result<Self, ConfigErrors> {
        // Every configuration that could be read has one.
        let origin = self.reading.origin.as_ref().ok_or_else(|| ConfigErrors(Vec::new()))?;
        match &origin.text {
            Some(text) => Self::parse(&origin.name, text, &origin.environment),
            None => Self::load(&origin.name, &origin.environment),
        }
    }

    /// The fields that say something else in `next`, and that are bound to what was made at the start:
    /// addresses, the upstream and its connections, files that are written.
    pub(in crate::proxy) fn bound_fields_changed(&self, next: &Self) -> Vec<String> {
        let (before, after) = (&self.reading.said, &next.reading.said);
        let fields: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
        let changed = fields.into_iter().filter(|&field| before.get(field) != after.get(field));
        let bound = changed.filter(|field| {
            let swaps = before.contains_key(*field) == after.contains_key(*field);
            !is_live(field, swaps)
        });
        bound.cloned().collect()
    }

    /// Where a field stands; if nobody has said it, the configuration, of which it is a default.
    pub(in crate::proxy) fn place(&self, field: &str) -> String {
        let named = || self.reading.origin.as_ref().map(|origin| origin.name.clone());
        self.reading.places.get(field).cloned().or_else(named).unwrap_or_default()
    }

    /// The [fingerprint](Self::fingerprint) of what this was read from.
    pub(in crate::proxy) fn fingerprint_as_read(&self) -> Hash {
        self.reading.fingerprint.unwrap_or_else(|| self.fingerprint())
    }

    /// A hash of all that there is to read: the configuration, and every file that it names. Files are
    /// followed through links, so that a folder of links that changes whole, as Kubernetes mounts
    /// secrets, is seen to change.
    pub(in crate::proxy) fn fingerprint(&self) -> Hash {
        let Reading { origin, paths, .. } = &self.reading;
        let origin = origin.iter().filter(|origin| origin.text.is_none());
        let origin = origin.map(|origin| Path::new(&origin.name));
        let named = paths.iter().filter(|(field, _)| !WRITTEN.contains(&field.as_str()));
        let mut hasher = blake3::Hasher::new();
        let named = named.flat_map(|(_, paths)| paths).map(PathBuf::as_path);
        for path in origin.chain(named) {
            // One that cannot be read, or is no file, is told of by whoever needs it.
            let hash = std::fs::read(path).map(|bytes| blake3::hash(&bytes));
            hasher.update(path.as_os_str().as_encoded_bytes());
            hasher.update(hash.as_ref().map_or(&[0; 32], Hash::as_bytes).as_slice());
        }
        hasher.finalize()
    }
}

/// Whether a field can follow another configuration while clients are served. Of the marks only the
/// key file can, and only if there was one (`swaps`): who proves carriers, and who keeps the ledger, is
/// made at the start.
fn is_live(field: &str, swaps: bool) -> bool {
    let (section, name) = field.split_once('.').unwrap_or((field, ""));
    match section {
        "experiments" | "policy" | "risk" | "secret" | "summarizer" => true,
        "limits" => !matches!(name, "max_connections" | "max_header_bytes"),
        "listen" => swaps && name.starts_with("tls_"),
        "marks" => swaps && name == "keys",
        "admin" => name == "hosts",
        _ => false,
    }
}
