//! What was read, and what of it could not be used.

/// What was read, and what of it could not be used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) summaries: u64,
    pub(super) exposures: u64,
    pub(super) outcomes: u64,
    /// Exposures to which another arm's policy was applied than the unit's own.
    pub(super) carried_out_otherwise: u64,
    /// Of other experiments, or of this one with another salt.
    pub(super) of_others: u64,
    /// Of arms that the experiment does not have.
    pub(super) of_no_arm: u64,
    /// Outcomes of other metrics.
    pub(super) other_metrics: u64,
}

impl Seen {
    /// Adds what another shard had.
    pub(super) fn merge(&mut self, other: Self) {
        let Self {
            summaries,
            exposures,
            outcomes,
            carried_out_otherwise,
            of_others,
            of_no_arm,
            other_metrics,
        } = other;
        for (own, other) in [
            (&mut self.summaries, summaries),
            (&mut self.exposures, exposures),
            (&mut self.outcomes, outcomes),
            (&mut self.carried_out_otherwise, carried_out_otherwise),
            (&mut self.of_others, of_others),
            (&mut self.of_no_arm, of_no_arm),
            (&mut self.other_metrics, other_metrics),
        ] {
            *own += other;
        }
    }
}
