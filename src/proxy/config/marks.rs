//! `[marks]`: what answers are marked with.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use serde::Deserialize;

use crate::countermeasure::watermark::Carrier;

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
    /// By what answers carry the mark, in order of preference.
    #[serde(default = "default_carriers")]
    pub carriers: Vec<Carrier>,
}

fn default_queue() -> NonZeroUsize {
    NonZeroUsize::MIN.saturating_add(8_191)
}

fn default_carriers() -> Vec<Carrier> {
    vec![Carrier::Lexical]
}
