//! What is tried out of one exchange: what its own policy only observes, and what the policies of
//! other arms of an experiment would carry out.

use std::sync::Arc;

use super::applied::{Tried, applied, observe};
use crate::audit::{self, Applied, Counts, Record};
use crate::countermeasure::watermark::Carrier;
use crate::limit::Amounts;
use crate::policy::Countermeasure;
use crate::policy::plan::{Mode, Plan};

/// Which of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Tries {
    /// What is only observed.
    Observed,
    /// What this arm would carry out.
    Arm(Arc<str>),
    /// Nothing: the answer is read for its tokens.
    Tokens,
}

/// How far each has come.
#[derive(Debug, Default)]
pub(super) struct Trials(Vec<(Tries, Arc<Plan>, Tried)>);

impl Trials {
    /// One has come so far with a plan in which all is observed that it tries.
    pub(super) fn note(&mut self, tries: &Tries, plan: &Arc<Plan>, tried: Tried) {
        match self.0.iter_mut().find(|(known, ..)| known == tries) {
            Some(known) => (known.1, known.2) = (Arc::clone(plan), tried),
            None => self.0.push((tries.clone(), Arc::clone(plan), tried)),
        }
    }

    /// One that has begun has come so far.
    pub(super) fn update(&mut self, tries: &Tries, tried: Tried) {
        if let Some((.., known)) = self.0.iter_mut().find(|(known, ..)| known == tries) {
            *known = tried;
        }
    }

    /// Lists in a record what was found; `used` is what was settled of limits that are only observed.
    pub(super) fn tell(self, record: &mut Record, used: Option<Amounts>) {
        for (tries, plan, Tried { mut tally, outcome }) in self.0 {
            // A server that was not asked has marked nothing, but would have.
            if tally.carrier == Some(Carrier::Lexical) && tally.sites == 0 {
                tally.carrier = None;
            }
            match tries {
                Tries::Observed => observe(&mut record.observed, &plan, applied(&tally, used)),
                Tries::Arm(arm) => {
                    let list = record.other_arms.entry(arm.to_string()).or_default();
                    observe(list, &plan, applied(&tally, None));
                }
                Tries::Tokens => continue,
            }
            // The one that came least far.
            let so_far = record.dry_run.get_or_insert(outcome);
            if *so_far == audit::DryRun::Complete {
                *so_far = outcome;
            }
        }
    }
}

/// The countermeasures that a plan only observes, with nothing counted.
pub(super) fn listed(plan: &Plan) -> Vec<Applied> {
    Countermeasure::ALL
        .into_iter()
        .filter(|named| named.mode_in(plan) == Some(Mode::Observe))
        .map(|countermeasure| Applied::new(countermeasure, Counts::default()))
        .collect()
}
