//! Several metrics that could each decide: p-values such that any false rejection among them happens
//! with at most α (Holm 1979), whatever ties the metrics to each other. Guardrails are not among
//! them: all of them must hold, which needs no correction of their levels.

use super::error::{StatsError, in_range};

/// Adjusted p-values, in the order of the given ones: reject those that are at most α.
///
/// # Errors
///
/// A p-value that is not from 0 to 1.
pub fn holm(p_values: &[f64]) -> Result<Vec<f64>, StatsError> {
    for p in p_values {
        in_range("a p-value", *p, "from 0 to 1", |p| (0.0..=1.0).contains(&p))?;
    }
    let mut ranked: Vec<(usize, f64)> = p_values.iter().copied().enumerate().collect();
    ranked.sort_by(|a, b| a.1.total_cmp(&b.1));
    let mut so_far = 0.0_f64;
    for (rank, (_, p)) in ranked.iter_mut().enumerate() {
        so_far = so_far.max(*p * (p_values.len() - rank) as f64).min(1.0);
        *p = so_far;
    }
    ranked.sort_by_key(|(place, _)| *place);
    Ok(ranked.into_iter().map(|(_, p)| p).collect())
}
