//! What a layer in use tells of its state.

use std::sync::Arc;

#[cfg(feature = "experiments")]
use super::arms::Experiments;
use super::builder::DefenseHandle;
use crate::countermeasure::originals::Originals;
use crate::limit::{Settlements, Store};
use crate::policy::plan::Mode;
use crate::risk::Reports;

impl DefenseHandle {
    /// The name and revision of the policy that decides now.
    #[must_use]
    pub fn policy(&self) -> (String, String) {
        let live = self.shared.live();
        (live.policy.name.clone(), live.policy.revision.to_string())
    }

    /// Its mode.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.shared.live().policy.mode
    }

    /// The names of its grades, the mildest first.
    #[must_use]
    pub fn grades(&self) -> Vec<String> {
        self.shared.live().policy.grades.iter().map(|grade| grade.name.to_string()).collect()
    }

    /// The experiments whose arms decide, if there are any.
    #[cfg(feature = "experiments")]
    #[must_use]
    pub fn experiments(&self) -> Option<Arc<Experiments>> {
        self.shared.live().experiments.clone()
    }

    /// What keeps rates, to read its counters.
    #[must_use]
    pub fn limiter(&self) -> &dyn Store {
        &*self.shared.rates
    }

    /// What is under way to it, where it is waited for.
    #[must_use]
    pub fn settlements(&self) -> &Settlements {
        &self.shared.settlements
    }

    /// Bytes of request bodies, documents and events that are held now.
    #[must_use]
    pub fn held(&self) -> usize {
        self.shared.budget.occupancy().0
    }

    /// How often there was no room to hold more.
    #[must_use]
    pub fn without_room(&self) -> u64 {
        self.shared.budget.occupancy().1
    }

    /// Summaries of reasoning that are waited for now.
    #[must_use]
    pub fn summaries_waiting(&self) -> usize {
        self.shared.live().condenser.as_ref().map_or(0, |condenser| condenser.waiting())
    }

    /// What undoes the marks of answers, to read its counters.
    #[must_use]
    pub fn originals(&self) -> &Originals {
        &self.shared.originals
    }

    /// What the risk source could not believe, by reason.
    #[must_use]
    pub fn reports(&self) -> Arc<Reports> {
        Arc::clone(&self.shared.live().reports)
    }
}
