//! Requests that ask for an answer by its id, and what was decided about that.
//!
//! What was decided about an answer holds for whoever reads it later. Of one of which nothing is
//! remembered (another process gave it, or it is too old) the caller's own grade decides, as strictly as
//! it can without knowing what was asked. Paths on which a known answer could be had in another way
//! lead nowhere.

use std::sync::Arc;

use crate::countermeasure::ResponseEdits;
use crate::countermeasure::stored::StoredAnswers;
use crate::secret::opaque_debug;
use crate::wire::{Route, segments, stored};

opaque_debug!(Recalled);

/// What is known of the answer that a request asks for.
pub(super) struct Recalled {
    /// What was decided about it, if that is remembered.
    pub(super) kept: Option<Arc<ResponseEdits>>,
    pub(super) asks: Asks,
}

/// What a request asks of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asks {
    /// To be told it, or to have it stopped or deleted.
    Answer,
    /// What it was given to.
    Input,
    /// Nothing that is known, though its id stands in the path.
    Unknown,
}

impl Recalled {
    /// What is known of what a path asks for, if it asks for an answer.
    pub(super) fn of(table: &StoredAnswers, path: &str, route: Route) -> Option<Self> {
        match route {
            Route::Stored(_) => {
                let asked = stored(path)?;
                let asks = if asked.input { Asks::Input } else { Asks::Answer };
                Some(Self { kept: table.find(asked.id), asks })
            }
            Route::Unknown | Route::WayRound(_) if table.is_used() => {
                let kept = segments(path).iter().find_map(|id| table.find(id))?;
                Some(Self { kept: Some(kept), asks: Asks::Unknown })
            }
            _ => None,
        }
    }

    /// Whether it has to be looked at whatever is decided about the caller: `table` may know of items
    /// of the conversation.
    pub(super) fn concerns_anybody(&self, table: &StoredAnswers) -> bool {
        self.kept.is_some() || self.asks == Asks::Input && table.is_used()
    }
}
