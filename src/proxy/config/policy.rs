//! `[policy]`: the file, who has to have signed it, and where those that were served are kept.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use super::ConfigErrors;
use super::deciding::unread;
use super::part::part;
use super::reader::Reader;
use super::setting::Paths;
use crate::policy::Policy;
use crate::policy::signature::{PublicKey, Signers, signature_path};
use crate::proxy::History;

/// Where the policy is, and what is asked of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PolicySettings {
    /// The file; without one nothing is decided.
    pub file: Option<PathBuf>,
    /// Who may sign it, and the experiments with their policies.
    pub signers: Signers,
    /// Where the policies that were served are kept.
    pub history: Option<History>,
}

impl PolicySettings {
    /// Reads no more of a configuration than this, so that a policy can be put back where the one that
    /// is there, or anything else, is wrong. `environment` as in [`Config::load`](super::Config::load).
    ///
    /// # Errors
    /// When the file cannot be read, and for what is wrong with these settings.
    pub fn load(
        path: impl AsRef<Path>,
        environment: &BTreeMap<String, String>,
    ) -> Result<Self, ConfigErrors> {
        part(path.as_ref(), environment, read)
    }
}

/// The settings; the policy is not looked at.
pub(super) fn read(reader: &mut Reader<'_>) -> PolicySettings {
    let file = reader.path("policy", "file");
    let keys: Option<Paths> = reader.optional("policy", "require_signature");
    let folder = reader.path("policy", "history");
    let most = reader.or("policy", "history_max", NonZeroUsize::MIN.saturating_add(19)).get();
    let mut signers = Vec::new();
    for path in keys.into_iter().flat_map(|Paths(paths)| paths) {
        let path = reader.resolved("policy.require_signature", path);
        match PublicKey::read(path) {
            Ok(key) => signers.push(key),
            Err(error) => reader.wrong("policy", "require_signature", error.to_string()),
        }
    }
    if let Some(file) = &file {
        reader.leads_to("policy.file", &signature_path(file));
    }
    let history = folder.map(|folder| History { folder, most });
    PolicySettings { file, signers: Signers::of(signers), history }
}

/// Reports what is wrong with the policy itself.
pub(super) fn check(reader: &mut Reader<'_>, settings: &PolicySettings) {
    let loaded = settings.file.as_ref().map(|file| Policy::load_signed(file, &settings.signers));
    if let Some(Err(error)) = loaded {
        unread(reader, "policy", "file", error);
    }
}
