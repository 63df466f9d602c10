//! Sites, and who chooses what stands there.

use crate::mark::cell::{Cell, ClassId};
use crate::secret::opaque_debug;

/// A place where the text could have been written otherwise.
#[derive(Clone, Copy)]
pub struct Site<'a> {
    /// The cell: the class and the bucket of the word before.
    pub cell: Cell,
    /// The normalized word before; empty at the start.
    pub previous: &'a str,
    /// The form that stands there, as the lexicon has it.
    pub form: &'a str,
    /// Whether that is the second variant.
    pub variant: bool,
}

opaque_debug!(Site<'_>);

impl Site<'_> {
    /// The lexeme class.
    #[must_use]
    pub fn class(&self) -> ClassId {
        self.cell.class()
    }
}

/// Chooses the variant of a site.
pub trait Choice {
    /// The variant that should stand there (`true` for the second); `None` to leave the site as it
    /// is, uncounted.
    fn choose(&mut self, site: &Site<'_>) -> Option<bool>;
}

impl<F: FnMut(&Site<'_>) -> Option<bool>> Choice for F {
    fn choose(&mut self, site: &Site<'_>) -> Option<bool> {
        self(site)
    }
}
