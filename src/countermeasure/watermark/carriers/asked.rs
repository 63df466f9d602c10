//! A request as the carriers see it.

use crate::mark::keys::Keys;
use crate::wire::json::Edit;
use crate::wire::{Request, Setting, Use};

use super::MarkTerms;

/// A request whose response is to be marked.
pub(super) struct Asked<'a> {
    pub(super) keys: &'a Keys,
    pub(super) terms: MarkTerms<'a>,
    pub(super) request: &'a Request,
    /// Members of the top level that are taken out by others.
    pub(super) closed: &'a [usize],
    /// How many members of the top level are taken out by all.
    pub(super) removed: usize,
}

impl Asked<'_> {
    /// Whether the answer has one of `uses`.
    pub(super) fn used(&self, uses: &[Use]) -> bool {
        self.request.generation.used(uses, self.closed)
    }

    /// Whether several answers are asked for at once.
    pub(super) fn several(&self) -> bool {
        self.request.choices.iter().any(|(_, count)| *count > 1)
    }

    /// Adds a member to the top level, if the protocol's servers take it there. A request of which
    /// nothing is left gets none: no server answers it.
    pub(super) fn add(&self, name: &str, value: &str) -> Option<Vec<Edit>> {
        let left = self.request.members.spans.len() > self.removed;
        let taken = self.request.sampler_members.contains(&name);
        (left && taken).then(|| vec![self.request.insert(name, value, self.removed)])
    }

    /// Adds members, written as JSON without the braces around them, to the caller's own object of
    /// this name, or adds the object. `None` if the caller's cannot be added to.
    pub(super) fn merge(
        &self,
        name: &str,
        settings: &[Setting],
        members: &str,
    ) -> Option<Vec<Edit>> {
        let mut open = settings.iter().filter(|setting| !self.closed.contains(&setting.member));
        let Some(own) = open.next() else { return self.add(name, &format!("{{{members}}}")) };
        if !own.open || open.next().is_some() {
            return None;
        }
        let Some(inside) = own.inside else {
            return Some(vec![Edit::literal(own.span.clone(), format!("{{{members}}}"))]);
        };
        let comma = if own.kept > 0 { "," } else { "" };
        Some(vec![Edit::literal(inside..inside, format!("{members}{comma}"))])
    }
}
