//! `[marks]`: the keys that answers are marked with, and the ledger of who was issued marks.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use super::reader::Reader;
use super::unreadable::{MARK_KEYS, unreadable};
use crate::mark::keys::{KeyFileError, KeyFileProblem, Keys};

/// What answers are marked with; by what is [`Config::carriers`](super::Config::carriers).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Marks {
    /// The key file, as `guilloche keys new` makes it.
    pub keys: PathBuf,
    /// The ledger of who was issued marks; without one, evidence can only ask about accounts that
    /// somebody names.
    pub ledger: Option<PathBuf>,
    /// Marked answers that may wait to be noted in the ledger.
    pub queue: NonZeroUsize,
}

pub(super) fn read(reader: &mut Reader<'_>) -> Option<Marks> {
    let keys = reader.path("marks", "keys");
    let ledger = reader.path("marks", "ledger");
    let queue = super::queue(reader, "marks");
    if keys.is_none() && ledger.is_some() {
        // Nothing could be written into it.
        reader.wrong("marks", "ledger", "needs marks.keys beside it".to_owned());
    }
    if let Some(Err(error)) = keys.as_deref().map(Keys::read) {
        let problem = match &error {
            KeyFileError { path, problem: KeyFileProblem::File(source) } => {
                unreadable(path, source, MARK_KEYS)
            }
            error => error.to_string(),
        };
        reader.wrong("marks", "keys", problem);
    }
    Some(Marks { keys: keys?, ledger, queue })
}
