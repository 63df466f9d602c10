//! Where a place of the original text lies in the edited one, for citations.

/// What positions are counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Bytes of UTF-8.
    Bytes,
    /// Unicode scalar values, as Python counts.
    Characters,
    /// Code units of UTF-16, as JavaScript counts.
    Utf16,
}

impl Unit {
    /// The length of a text.
    #[must_use]
    pub fn length(self, text: &str) -> usize {
        match self {
            Self::Bytes => text.len(),
            Self::Characters => text.chars().count(),
            Self::Utf16 => text.chars().map(char::len_utf16).sum(),
        }
    }
}

/// One substitution: `removed` units at `at` of the original became `inserted` units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Substitution {
    at: usize,
    removed: usize,
    inserted: usize,
}

/// The substitutions of one text, in order.
#[derive(Clone, Debug)]
pub struct OffsetMap {
    unit: Unit,
    substitutions: Vec<Substitution>,
}

impl OffsetMap {
    /// An empty map that counts in `unit`.
    #[must_use]
    pub fn new(unit: Unit) -> Self {
        Self { unit, substitutions: Vec::new() }
    }

    /// What positions are counted in.
    #[must_use]
    pub fn unit(&self) -> Unit {
        self.unit
    }

    /// Memory that is taken.
    pub(super) fn allocated(&self) -> usize {
        self.substitutions.capacity() * size_of::<Substitution>()
    }

    pub(super) fn substitute(&mut self, at: usize, removed: usize, inserted: usize) {
        self.substitutions.push(Substitution { at, removed, inserted });
    }

    /// Where `offset` of the original lies in the edited text; `None` inside a substitution, where
    /// no such place exists. Offsets of a text that is not at its end yet are right as far as it
    /// has come.
    #[must_use]
    pub fn map(&self, offset: usize) -> Option<usize> {
        let before = self.substitutions.partition_point(|edit| edit.at + edit.removed <= offset);
        if self.substitutions.get(before).is_some_and(|edit| edit.at < offset) {
            return None;
        }
        let (removed, inserted) =
            self.substitutions.iter().take(before).fold((0, 0), |(removed, inserted), edit| {
                (removed + edit.removed, inserted + edit.inserted)
            });
        Some(offset - removed + inserted)
    }

    /// Whether the original's `start..end` was left as it was.
    #[must_use]
    pub fn is_untouched(&self, start: usize, end: usize) -> bool {
        !self.substitutions.iter().any(|edit| edit.at < end && start < edit.at + edit.removed)
    }

    /// The substitutions in order: where in the original, its length there, where in the edited
    /// text, its length there.
    pub fn substitutions(&self) -> impl Iterator<Item = (usize, usize, usize, usize)> {
        let (mut removed, mut inserted) = (0, 0);
        self.substitutions.iter().map(move |edit| {
            let to = edit.at - removed + inserted;
            (removed, inserted) = (removed + edit.removed, inserted + edit.inserted);
            (edit.at, edit.removed, to, edit.inserted)
        })
    }

    /// How many substitutions there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.substitutions.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.substitutions.is_empty()
    }
}
