//! Sites, and who chooses what stands there.

use crate::mark::cell::{Cell, ClassId};
use crate::secret::opaque_debug;

/// A place where the text could have been written otherwise.
#[derive(Clone, Copy)]
pub struct Site<'a> {
    /// The lexeme class.
    pub class: ClassId,
    /// The normalized word before; empty at the start.
    pub previous: &'a str,
    /// The form that stands there, as the lexicon has it.
    pub form: &'a str,
    /// Whether that is the second variant, or one of a class within it.
    pub variant: bool,
    /// Whether the author wrote one of the variants. Where a choice has just led to the second variant of a
    /// class, and the author wrote the first, the next choice is between two that he did not write.
    pub written: bool,
    /// The first eight normalized words of the paragraph, with single spaces between them, once they have
    /// left; none within them. A paragraph ends at a blank line.
    pub opening: Option<&'a str>,
}

opaque_debug!(Site<'_>);

impl Site<'_> {
    /// The cell, where buckets are public: the class and the bucket of the word before.
    #[must_use]
    pub fn cell(&self) -> Cell {
        Cell::new(self.class, self.previous)
    }
}

/// What is to stand at a site; `true` is the second variant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chosen {
    /// What the author wrote.
    Author,
    /// A variant that an earlier place of the text has chosen. It is no site of its own.
    Follows(bool),
    /// A variant that carries the mark. It counts as a site.
    Marked(bool),
}

impl Chosen {
    /// The variant, unless it is the author's.
    #[must_use]
    pub fn variant(self) -> Option<bool> {
        match self {
            Self::Author => None,
            Self::Follows(variant) | Self::Marked(variant) => Some(variant),
        }
    }
}

/// Chooses the variant of a site.
pub trait Choice {
    /// What is to stand at a site. Sites are asked for in their order, each once.
    fn choose(&mut self, site: &Site<'_>) -> Chosen;

    /// Memory that what was chosen so far takes, about.
    fn allocated(&self) -> usize {
        0
    }
}

/// `Some` of a variant marks, `None` leaves the author's word.
impl<F: FnMut(&Site<'_>) -> Option<bool>> Choice for F {
    fn choose(&mut self, site: &Site<'_>) -> Chosen {
        self(site).map_or(Chosen::Author, Chosen::Marked)
    }
}
