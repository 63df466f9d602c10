//! Which policy decides about a request: that of an experiment's arm where one runs, or else the
//! layer's own. Without the feature `experiments` there is the layer's own alone, at no cost.

use std::sync::Arc;

use jiff::Timestamp;

use super::shared::Live;
use crate::policy::{Decision, DecisionId, Policy};
use crate::risk::Assessment;

#[cfg(feature = "experiments")]
use crate::experiment;
#[cfg(feature = "experiments")]
pub(super) use crate::experiment::{Counted, Experiments, Met, TurnedAway};

/// What was decided about a request, and by which policy's settings it is carried out.
#[derive(Debug)]
pub(super) struct Chosen {
    pub(super) decision: Decision,
    /// The share of exchanges in which what is only observed is tried out.
    pub(super) observe_sample: f64,
    /// The policy governs some models only.
    pub(super) is_scoped_by_model: bool,
    /// What other arms of an experiment decide, where it is not the same.
    pub(super) others: Vec<(Arc<str>, Decision)>,
    /// The request counts for a unit of an experiment.
    pub(super) counted: Option<Counted>,
}

impl Live {
    /// Decides about a request. All of the layer asks here, once about each: what it needs of a policy
    /// later is in what is given back.
    pub(super) fn choose(
        &self,
        assessment: &Assessment,
        now: Timestamp,
        decide: impl Fn(&Policy, DecisionId) -> Decision,
    ) -> Chosen {
        if let Some(chosen) = self.in_experiment(assessment, now, &decide) {
            return chosen;
        }
        let policy = &self.policy;
        Chosen {
            decision: decide(policy, policy.new_id()),
            observe_sample: policy.observe_sample,
            is_scoped_by_model: policy.scope.models.is_some(),
            others: Vec::new(),
            counted: None,
        }
    }

    /// Whether the request of this caller goes on as it is, whatever it asks, since they reach no grade
    /// of any policy: most do. Then also whether it counts for a unit of an experiment. `None` where a
    /// decision has to be taken.
    pub(super) fn unreached(
        &self,
        assessment: &Assessment,
        now: Timestamp,
    ) -> Option<Option<Counted>> {
        if self.hook.is_some() || !self.policy.reaches_none(&assessment.risk) {
            return None;
        }
        #[cfg(feature = "experiments")]
        if let Some(experiments) = &self.experiments {
            return experiments.unreached(assessment, now);
        }
        let _ = now;
        Some(None)
    }

    #[cfg(feature = "experiments")]
    fn in_experiment(
        &self,
        assessment: &Assessment,
        now: Timestamp,
        decide: &impl Fn(&Policy, DecisionId) -> Decision,
    ) -> Option<Chosen> {
        let choice = self.experiments.as_ref()?.choose(assessment, now)?;
        let experiment::Chosen { decision, observe_sample, is_scoped_by_model, exposed, counted } =
            choice.decide(decide)?;
        let mut others = Vec::new();
        if let Some(exposed) = exposed {
            let principal = super::record::hashes(&self.keys.audit, &assessment.principal);
            // Before anything is done.
            self.sink.exposure(exposed.exposure(&decision, principal, now));
            others = exposed.others;
            others.retain(|(_, it)| it.plan != decision.plan || !it.governs_as(&decision));
        }
        Some(Chosen { decision, observe_sample, is_scoped_by_model, others, counted })
    }

    #[cfg(not(feature = "experiments"))]
    fn in_experiment(
        &self,
        _: &Assessment,
        _: Timestamp,
        _: &impl Fn(&Policy, DecisionId) -> Decision,
    ) -> Option<Chosen> {
        None
    }
}

#[cfg(not(feature = "experiments"))]
pub(super) use without::{Counted, Experiments, Met, TurnedAway};

/// What there is none of without the feature.
#[cfg(not(feature = "experiments"))]
mod without {
    use crate::audit::Outcome;

    #[derive(Debug)]
    pub(in crate::layer) enum Experiments {}

    #[derive(Debug)]
    pub(in crate::layer) enum Counted {}

    impl Counted {
        pub(in crate::layer) fn reads(&self) -> bool {
            match *self {}
        }

        pub(in crate::layer) fn ended(self, _: &Met) {
            match self {}
        }
    }

    /// As `experiment::Met`.
    #[derive(Clone, Copy, Debug)]
    #[expect(dead_code, reason = "nobody reads it")]
    pub(in crate::layer) struct Met {
        pub(in crate::layer) outcome: Outcome,
        pub(in crate::layer) status: Option<u16>,
        pub(in crate::layer) turned_away: Option<TurnedAway>,
        pub(in crate::layer) first_byte_ms: Option<u64>,
        pub(in crate::layer) span_us: Option<u64>,
        pub(in crate::layer) bytes: u64,
        pub(in crate::layer) tokens: Option<(u64, u64)>,
        pub(in crate::layer) words_withheld: u64,
        pub(in crate::layer) sites_marked: u64,
    }

    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(in crate::layer) enum TurnedAway {
        ByGrade,
        AtLimit,
    }
}
