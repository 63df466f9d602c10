//! `[marks]`: what answers are marked with, but for the carriers.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use serde::Deserialize;

/// What answers are marked with, as the file has it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Marks {
    /// The key file, as `guilloche keys new` makes it.
    pub keys: PathBuf,
    /// The ledger of who was issued marks; without one, evidence can only ask about accounts that
    /// somebody names.
    #[serde(default)]
    pub ledger: Option<PathBuf>,
    /// Marked answers that may wait to be noted in the ledger.
    #[serde(default = "default_queue")]
    pub queue: NonZeroUsize,
}

fn default_queue() -> NonZeroUsize {
    NonZeroUsize::MIN.saturating_add(8_191)
}
