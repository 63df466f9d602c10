//! What arms differ in, and who can see it.
//!
//! Whoever can tell the arms apart can choose one: a harvester opens accounts until the milder policy
//! answers. Some differences cannot be hidden, since they are what the policy does; others are hidden
//! from all who do not hold the keys, or from all who do not measure.

use serde::Serialize;

use super::settings::Experiment;
use crate::policy::plan::{Downgrade, Measure, Plan, Reasoning};
use crate::policy::{Countermeasure, Policy};

/// Something that an arm does otherwise than the control arm, from a score on.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Difference {
    /// The arm.
    pub arm: String,
    /// From this score on, up to that of the next difference of the same countermeasure.
    pub at: f64,
    /// What differs.
    pub countermeasure: Countermeasure,
    /// Who can see it.
    pub seen_by: Visibility,
}

/// Who can tell by a difference which arm answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Visibility {
    /// Nobody without the keys.
    Nobody,
    /// Who compares many answers: their speed, their style, counts.
    WhoMeasures,
    /// Who asks for it, or comes to its limit.
    WhoAsks,
    /// Anybody, by one answer.
    Anybody,
}

impl Experiment {
    /// In what the arms differ from the control arm, by arm and score.
    #[must_use]
    pub fn differences(&self) -> Vec<Difference> {
        let mut differences = Vec::new();
        let Some((control, others)) = self.arms.split_first() else { return differences };
        for arm in others {
            let (one, other) = (&*control.policy, &*arm.policy);
            let mut scores: Vec<f64> =
                [one, other].iter().flat_map(|it| &it.grades).map(|grade| grade.at).collect();
            scores.sort_by(f64::total_cmp);
            scores.dedup();
            for countermeasure in Countermeasure::ALL {
                let mut before = None;
                for at in &scores {
                    let seen_by = seen_by(countermeasure, plan(one, *at), plan(other, *at));
                    if let Some(seen_by) = seen_by.filter(|_| seen_by != before) {
                        let arm = arm.name.to_string();
                        differences.push(Difference { arm, at: *at, countermeasure, seen_by });
                    }
                    before = seen_by;
                }
            }
        }
        differences
    }
}

/// What a policy does at a score that is held with certainty.
fn plan(policy: &Policy, at: f64) -> Option<&Plan> {
    let reached = policy.grades.iter().rev().find(|grade| grade.at <= at);
    reached.map(|grade| &*grade.plan)
}

/// Who sees that two plans differ in a countermeasure, if they do.
fn seen_by(
    countermeasure: Countermeasure,
    one: Option<&Plan>,
    other: Option<&Plan>,
) -> Option<Visibility> {
    let nothing = Plan::default();
    let (one, other) = (one.unwrap_or(&nothing), other.unwrap_or(&nothing));
    let differs = |visibility| move |differs: bool| differs.then_some(visibility);
    match countermeasure {
        Countermeasure::Refuse => differs(Visibility::Anybody)(one.refuse != other.refuse),
        Countermeasure::Rate => differs(Visibility::WhoAsks)(one.rate != other.rate),
        Countermeasure::SideChannels => {
            differs(Visibility::WhoAsks)(one.side_channels != other.side_channels)
        }
        Countermeasure::Watermark => differs(Visibility::Nobody)(one.watermark != other.watermark),
        Countermeasure::Pace => differs(Visibility::WhoMeasures)(one.pace != other.pace),
        Countermeasure::Reasoning => {
            let rounded = |plan: &Plan| {
                let Measure { mode, settings } = plan.reasoning.as_ref()?;
                let mut settings: Reasoning = settings.clone();
                settings.round_usage = None;
                Some(Measure { mode: *mode, settings })
            };
            match (one.reasoning != other.reasoning, rounded(one) != rounded(other)) {
                (false, _) => None,
                (true, false) => Some(Visibility::WhoMeasures),
                (true, true) => Some(Visibility::Anybody),
            }
        }
        Countermeasure::Downgrade => {
            let disclosed = |plan: &Plan| {
                plan.downgrade.as_ref().is_some_and(|it: &Measure<Downgrade>| it.settings.disclose)
            };
            let visible = disclosed(one) || disclosed(other);
            let visibility = if visible { Visibility::Anybody } else { Visibility::WhoMeasures };
            differs(visibility)(one.downgrade != other.downgrade)
        }
    }
}
