//! Many tests at once: Holm's adjustment within a level, gates between levels.

use super::tail::LnP;

/// Holm's step-down adjustment (Scandinavian Journal of Statistics 6, 1979), on logarithms: in the
/// order of the input, the least familywise error rate at which each hypothesis is rejected,
/// whatever the dependence between them.
#[must_use]
pub fn holm(ln_p: &[LnP]) -> Vec<LnP> {
    let mut order: Vec<(usize, LnP)> = ln_p.iter().copied().enumerate().collect();
    order.sort_by(|(_, left), (_, right)| left.total_cmp(right));
    let mut adjusted = vec![0.0; ln_p.len()];
    let mut greatest = f64::NEG_INFINITY;
    for (rank, (place, p)) in order.into_iter().enumerate() {
        let remaining = (ln_p.len() - rank) as f64;
        greatest = (p + remaining.ln()).min(0.0).max(greatest);
        if let Some(slot) = adjusted.get_mut(place) {
            *slot = greatest;
        }
    }
    adjusted
}

/// Bonferroni's adjustment of the least of some p-values: valid for the hypothesis that all of
/// theirs are true.
#[must_use]
pub fn least_of(ln_p: &[LnP]) -> LnP {
    let least = ln_p.iter().copied().fold(0.0, f64::min);
    (least + (ln_p.len().max(1) as f64).ln()).min(0.0)
}

/// Passes adjusted values through the gate that their parent is: no hypothesis is rejected at a
/// level at which its parent is not. Where each level is adjusted by [`holm`], the familywise
/// error rate holds within each level.
#[must_use]
pub fn gated(parent: LnP, adjusted: LnP) -> LnP {
    adjusted.max(parent)
}
