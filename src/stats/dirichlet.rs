//! The Bayes factor of a Dirichlet mixture against fixed shares, by which counts are tested at any
//! time.

use statrs::function::gamma::ln_gamma;

use super::law::{HALF_LN_TAU, stirling_excess};

/// Prior weight and observed count (or sum) of one category, and its share under the hypothesis: above zero.
#[derive(Clone, Copy, Debug)]
pub(super) struct Category {
    pub(super) prior: f64,
    pub(super) count: f64,
    pub(super) share: f64,
}

/// `ln [B(a + n) / B(a) / Π shareᵢ^nᵢ]`, with the shares summing to one.
///
/// With `zᵢ = aᵢ + nᵢ`, Stirling's series turns this into `Σ zᵢ ln(zᵢ / Z shareᵢ)` and small parts;
/// since `Σ zᵢ = Z`, that sum is also one of `zᵢ [ln(1 + xᵢ) − xᵢ / (1 + xᵢ)]` with `1 + xᵢ` in place of
/// that ratio, all positive. So no digit is lost, however many units there are.
pub(super) fn ln_bayes_factor(categories: &[Category]) -> f64 {
    let prior: f64 = categories.iter().map(|category| category.prior).sum();
    let total: f64 = categories.iter().map(|category| category.prior + category.count).sum();
    let mut sum = ln_gamma(prior) - (stirling_excess(total) - 0.5 * total.ln()) - HALF_LN_TAU;
    for category in categories {
        let Category { prior, count, share } = *category;
        let after = prior + count;
        let expected = total * share;
        let off = (after - expected) / expected;
        sum += after * (off.ln_1p() - off / (1.0 + off)) + prior * share.ln();
        sum += stirling_excess(after) - 0.5 * after.ln() + HALF_LN_TAU - ln_gamma(prior);
    }
    sum
}
