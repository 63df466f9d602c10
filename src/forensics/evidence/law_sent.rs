//! The other reading of a text in an epoch with canaries: as if its answers stood there as they were sent.
//!
//! In passages of active groups a canary cell's choice was made by the canary's uniform. Text that was learned or
//! forged follows a cell's usual uniform there too, text that was copied does not. So a deployment's key is tested for by two
//! readings: each place by its cell's usual uniform; and those of canary cells in active passages by the canary's, each of the two uniforms
//! with the score of its own places. Uniforms of canaries, usual ones and the draw of the active groups are words of
//! two independent keys, no word twice: whichever groups are active, all uniforms are independent, and the bound of either
//! reading holds for any text. The lesser is taken times two.

use super::coins::Strengths;
use super::law_likelihood::cells_apart;
use super::law_weights::{LawScore, LawWeights};
use crate::forensics::detect::LawCounts;
use crate::mark::cell::{MarkKey, Roles};
use crate::mark::law::{Canaries, canary_uniforms, is_canary};

/// What all cells of a text say if its answers are as they were sent: functions of the text and of which groups
/// are active.
#[derive(Clone, Debug)]
pub struct SentWeights {
    /// Of canary cells in passages of active groups.
    active: LawWeights,
    others: LawWeights,
    canaries: Canaries,
}

impl SentWeights {
    /// What a text says, if marks were issued at these strengths.
    #[must_use]
    pub fn new(
        counts: &LawCounts,
        strengths: &Strengths,
        canaries: &Canaries,
        roles: &Roles,
    ) -> Self {
        let cells = cells_apart(counts, |cell, passage| {
            is_canary(roles, cell) && canaries.is_active(passage)
        });
        let [active, others] = cells.map(|cells| LawWeights::of_cells(&cells, strengths));
        Self { active, others, canaries: canaries.clone() }
    }

    /// The cells that pass.
    #[must_use]
    pub fn only(&self, keep: impl Fn(usize) -> bool) -> Self {
        let [active, others] = [&self.active, &self.others].map(|weights| weights.only(&keep));
        Self { active, others, canaries: self.canaries.clone() }
    }

    /// What they say of a deployment's key.
    #[must_use]
    pub fn score(&self, key: &MarkKey) -> LawScore {
        let mut stream = self.canaries.stream();
        let mut score = self.others.score(key);
        score.add(&self.active.score_by(key, |class, words| {
            canary_uniforms(&mut stream, class, words);
        }));
        score
    }
}
