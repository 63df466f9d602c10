//! `[experiments]`: which are run, and where what must outlive the process is kept.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::deciding::unread;
use super::reader::{Reader, variable};
use super::setting::Paths;
use crate::experiment::{Experiment, RunSettings};
use crate::policy::signature::{Signers, signature_path};
use crate::policy::{LoadError, Policy};

/// The experiments that are run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Experiments {
    /// Their files, which name the policies of their arms.
    pub files: Vec<PathBuf>,
    /// The folder of their state.
    pub state_dir: PathBuf,
    /// How often it is written what units met, and looked whether an experiment may go on.
    pub interval: Duration,
    /// How long after it was first seen a unit's values are watched by the guardrails.
    pub window: Duration,
    /// The most accounts and clusters that are known, of each experiment.
    pub max_units: NonZeroUsize,
}

impl Experiments {
    /// How each of them is run.
    pub(in crate::proxy) fn settings(&self) -> RunSettings {
        let state = Some(self.state_dir.clone());
        RunSettings { state, window: self.window, most_units: self.max_units.get() }
    }
}

/// `given` if there is a secret; `signers` have to have signed the files, if there are any.
pub(super) fn read(reader: &mut Reader<'_>, given: bool, signers: &Signers) -> Option<Experiments> {
    let files: Option<Paths> = reader.optional("experiments", "files");
    let state_dir = reader.path("experiments", "state_dir");
    let interval = reader.or("experiments", "interval", Duration::from_secs(60));
    let window = reader.or("experiments", "window", Duration::from_secs(600));
    let most = NonZeroUsize::MIN.saturating_add(999_999);
    let max_units = reader.or("experiments", "max_units", most);
    let Paths(files) = files?;
    if window < interval {
        let message = "must be at least experiments.interval".to_owned();
        reader.wrong("experiments", "window", message);
    }
    if !given {
        let variable = variable("secret", "key");
        let message = format!(
            "is required with experiments, unless {variable} is set: who is in which arm is drawn with \
             a key derived from it"
        );
        reader.wrong("secret", "key_file", message);
    }
    if state_dir.is_none() {
        let message = "is required with experiments.files: a rollback must outlive a restart";
        reader.wrong("experiments", "state_dir", message.to_owned());
    }
    let files: Vec<PathBuf> =
        files.into_iter().map(|file| reader.resolved("experiments.files", file)).collect();
    let mut loaded = Vec::new();
    for file in &files {
        match load(reader, file, signers) {
            Ok(experiment) => loaded.push(experiment),
            Err(error) => unread(reader, "experiments", "files", error),
        }
    }
    for problem in crate::experiment::Experiments::problems(&loaded) {
        reader.wrong("experiments", "files", problem);
    }
    Some(Experiments { files, state_dir: state_dir?, interval, window, max_units })
}

/// Loads an experiment, and notes what it leads to.
fn load(reader: &mut Reader<'_>, file: &Path, signers: &Signers) -> Result<Experiment, LoadError> {
    let mut note = |path: &Path| reader.leads_to("experiments.files", path);
    note(&signature_path(file));
    Experiment::parse_in(file, &signers.read(file)?, |policy| {
        note(&policy);
        note(&signature_path(&policy));
        Policy::load_signed(policy, signers)
    })
}
