//! How many units came into each arm, beside how many were to.

use jiff::Timestamp;

use crate::stats::{ArmCount, SampleRatio, StatsError, sample_ratio};

/// Below this chance of such counts, at any number of looks, the arms are not filled as they were to
/// be.
const MISMATCH: f64 = 0.001;

/// The times between changes of the weights.
#[derive(Clone, Debug, Default)]
pub(in crate::experiment) struct Stages {
    all: Vec<Stage>,
    /// From which on counts are compared with weights.
    compared: usize,
}

/// A time with the same weights.
#[derive(Clone, Debug)]
pub(in crate::experiment) struct Stage {
    pub(in crate::experiment) since: Timestamp,
    /// None where they are not known: then no unit is counted.
    pub(in crate::experiment) weights: Vec<u32>,
    /// Units first seen meanwhile.
    pub(in crate::experiment) units: Vec<u64>,
}

impl Stages {
    /// New weights hold from now on, in the order of the arms; 0 of a closed one. Whether they differ
    /// from those before.
    pub(in crate::experiment) fn begin(&mut self, since: Timestamp, weights: Vec<u32>) -> bool {
        if self.all.last().is_some_and(|stage| stage.weights == weights) {
            return false;
        }
        let units = vec![0; weights.len()];
        self.all.push(Stage { since, weights, units });
        true
    }

    /// From now on counts are compared anew: somebody knows of those before.
    pub(in crate::experiment) fn begin_anew(&mut self, since: Timestamp) {
        let Some(weights) = self.all.last().map(|stage| stage.weights.clone()) else { return };
        self.compared = self.all.len();
        let units = vec![0; weights.len()];
        self.all.push(Stage { since, weights, units });
    }

    /// A unit was first seen; those who are held out are in no arm.
    pub(in crate::experiment) fn count(&mut self, arm: Option<usize>, first_seen: Timestamp) {
        let Some(arm) = arm else { return };
        let Some(latest) = self.all.len().checked_sub(1) else { return };
        let at = self.all.iter().rposition(|stage| stage.since <= first_seen).unwrap_or(latest);
        let units = self.all.get_mut(at).and_then(|stage| stage.units.get_mut(arm));
        if let Some(units) = units {
            *units += 1;
        }
    }

    /// Units of each arm, over all times.
    pub(in crate::experiment) fn units(&self) -> Vec<u64> {
        let arms = self.all.last().map_or(0, |stage| stage.units.len());
        let sum = |arm| self.all.iter().filter_map(|stage| stage.units.get(arm)).sum();
        (0..arms).map(sum).collect()
    }

    /// The times of which counts are compared with weights.
    pub(in crate::experiment) fn compared(&self) -> impl Iterator<Item = &Stage> {
        self.all.iter().skip(self.compared).filter(|stage| !stage.weights.is_empty())
    }

    /// What the counts say of the weights.
    ///
    /// # Errors
    /// Where there is nothing to compare: a single arm that takes units.
    pub(in crate::experiment) fn ratio(&self) -> Result<SampleRatio, StatsError> {
        let stages: Vec<Vec<ArmCount>> = self
            .compared()
            .map(|stage| {
                let arms = stage.weights.iter().zip(&stage.units);
                arms.map(|(weight, units)| ArmCount { weight: f64::from(*weight), units: *units })
                    .collect()
            })
            .collect();
        sample_ratio(&stages.iter().map(Vec::as_slice).collect::<Vec<_>>())
    }

    /// Whether they do not fit.
    pub(super) fn mismatch(&self) -> Option<SampleRatio> {
        self.ratio().ok().filter(|ratio| ratio.anytime_p < MISMATCH)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_compared_with_the_weights_that_held_when_they_came() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let mut stages = Stages::default();
        assert!(stages.begin(at(0), vec![9, 1]));
        assert!(!stages.begin(at(5), vec![9, 1]));
        for unit in 0..1_000 {
            stages.count(Some(usize::from(unit % 10 == 0)), at(1));
        }
        assert!(stages.begin(at(10), vec![1, 1]));
        for unit in 0..1_000 {
            stages.count(Some(unit % 2), at(11));
        }
        stages.count(None, at(12));
        assert_eq!(stages.units(), [1_400, 600]);
        assert!(stages.mismatch().is_none());
        // What is read late counts where it belongs.
        for _ in 0..300 {
            stages.count(Some(1), at(2));
        }
        assert!(stages.mismatch().is_some());
        // Who knows of a mismatch and goes on is not told of it again, but of the next.
        stages.begin_anew(at(20));
        assert!(stages.mismatch().is_none());
        assert_eq!(stages.units(), [1_400, 900]);
        for _ in 0..100 {
            stages.count(Some(1), at(21));
        }
        assert!(stages.mismatch().is_some());
    }
}
