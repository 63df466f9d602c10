//! Evidence for audits that look more than once: a wager against the absence of a mark, which may
//! be read, and stopped, at any time.
//!
//! The wealth `E` starts at 1 and is multiplied at each look by `exp(t · excess - K(t))`, whose
//! expectation is at most 1 if there is no mark; it is averaged over several `t` that are fixed
//! beforehand. `1 / E` is then a p-value at every moment (Ville), and wealths of independent
//! audits multiply.
//!
//! A secret may be wagered on once. Each look therefore takes terms whose secret bits no earlier
//! look has read: for token schemes, sites that are new to the audit; for cells, those of the
//! look's own block ([`block_of`]), with all the text there is by then. The prompts of later looks
//! may depend on what earlier looks have shown.

use super::law::NullLaw;
use super::signs::SignSums;
use super::tail::LnP;
use super::weights::Weights;
use crate::mark::cell::MarkKey;

/// Stakes, in units of the look's standard deviation.
const STAKES: [f64; 6] = [0.5, 1.0, 2.0, 4.0, 8.0, 16.0];

/// The wealth of a wager that unmarked text does not increase.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AnytimeEvidence {
    ln_wealths: [f64; STAKES.len()],
    greatest: f64,
    opened: Vec<bool>,
}

impl AnytimeEvidence {
    /// Before the first look.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Wagers on scores that follow this law if there is no mark. None of the secret bits behind
    /// them may have been read before.
    pub fn look(&mut self, law: &NullLaw, total: f64) {
        let deviation = law.variance().sqrt();
        if deviation <= 0.0 {
            return;
        }
        for (wealth, stake) in self.ln_wealths.iter_mut().zip(STAKES) {
            let tilt = stake / deviation;
            if tilt < law.greatest_tilt() {
                *wealth += tilt * (total - law.mean()) - law.cumulant(tilt);
            }
        }
        self.greatest = self.greatest.max(self.ln_e_value());
    }

    /// Wagers on the cells of block `number` of `blocks` that no look has opened before.
    pub fn look_at_cells(&mut self, weights: &Weights, key: &MarkKey, number: u32, blocks: u32) {
        let mut opened = std::mem::take(&mut self.opened);
        opened.resize(weights.units().len().max(opened.len()), false);
        let fresh = weights.only(|cell| {
            block_of(cell, blocks) == number && opened.get(cell).is_some_and(|opened| !opened)
        });
        for (opened, unit) in opened.iter_mut().zip(fresh.units()) {
            *opened |= *unit != 0;
        }
        self.opened = opened;
        let total = SignSums::new(fresh.units()).total(key) as f64;
        self.look(&NullLaw::Signs { weights: fresh.units().to_vec() }, total);
    }

    /// The logarithm of the wealth now: an e-value.
    #[must_use]
    pub fn ln_e_value(&self) -> f64 {
        let greatest = self.ln_wealths.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = self.ln_wealths.iter().map(|wealth| (wealth - greatest).exp()).sum();
        greatest + (sum / self.ln_wealths.len() as f64).ln()
    }

    /// The p-value over all looks so far: the reciprocal of the greatest wealth there was.
    #[must_use]
    pub fn ln_p(&self) -> LnP {
        (-self.greatest).min(0.0)
    }
}

/// The block of a cell when they are divided among so many looks; public.
#[must_use]
pub fn block_of(cell: usize, blocks: u32) -> u32 {
    let spread = (cell as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
    u32::try_from((spread * u64::from(blocks)) >> 32).unwrap_or(0)
}
