//! Whether decoy keys get the p-values that chance gives: a quantile plot against uniform.

use crate::forensics::evidence::ln_binomial_tail;
use crate::forensics::examination::DecoySummary;
use crate::page::markup::Markup;
use crate::page::plot::Plot;

/// A decoy in the plot.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in super::super) struct Plotted {
    /// Its rank by p-value, the least first.
    pub(in super::super) rank: u64,
    /// The p-value that chance gives to this rank.
    pub(in super::super) expected: f64,
    /// The decimal logarithm of the one it would have been given.
    pub(in super::super) log10_p: f64,
    /// The decimal logarithms between which that of an exact p-value lies in 95 of 100 cases.
    pub(in super::super) band: (f64, f64),
}

impl Plotted {
    /// Whether its p-value is smaller than chance explains.
    pub(in super::super) fn is_too_small(&self) -> bool {
        self.log10_p < self.band.0
    }
}

/// The decoys whose p-values are known, the least first.
pub(in super::super) fn plotted(decoys: &DecoySummary) -> Vec<Plotted> {
    let known = decoys.quantiles.iter().rev().filter_map(|quantile| {
        let expected = 1.0 - quantile.probability;
        let rank = (expected * decoys.count as f64 + 0.5).round() as u64;
        let log10_p = quantile.log10_p?;
        Some(Plotted { rank, expected, log10_p, band: band(rank, decoys.count) })
    });
    known.collect()
}

/// The 95 % band of the p-value of a rank: it follows Beta(rank, count + 1 - rank).
fn band(rank: u64, count: u64) -> (f64, f64) {
    // P(p <= x) is the chance of at least `rank` of `count` p-values below x.
    let quantile = |probability: f64| {
        let (mut low, mut high) = (-20.0, 0.0);
        for _ in 0..40 {
            let middle = (low + high) / 2.0;
            let below = ln_binomial_tail(rank, count, 10_f64.powf(middle)).exp();
            if below < probability { low = middle } else { high = middle }
        }
        high
    };
    (quantile(0.025), quantile(0.975))
}

/// The quantile plot, on logarithmic axes, where the smallest p-values are.
pub(in super::super) fn quantiles(id: &str, decoys: &[Plotted], description: &str) -> Markup {
    let least = |of: fn(&Plotted) -> f64| decoys.iter().map(of).fold(0.0, f64::min);
    let right = (-least(|decoy| decoy.expected.log10())).ceil().max(1.0);
    let top = (-least(|decoy| decoy.log10_p).max(-2.0 * right)).max(right) * 1.03;
    let top = top.max(-least(|decoy| decoy.band.0).max(-2.0 * right));
    let title = "P-values of decoy keys against what chance gives";
    let mut plot = Plot::new(id, title, description, 330.0, (0.0, right), (0.0, top));

    let lower = decoys.iter().map(|decoy| (-decoy.expected.log10(), -decoy.band.1));
    let upper = decoys.iter().rev().map(|decoy| (-decoy.expected.log10(), -decoy.band.0));
    plot.path("band", lower.chain(upper), true);
    plot.y_axis("p-value that the test gives a decoy key", power);
    plot.path("diagonal", [(0.0, 0.0), (right, right)], false);
    for decoy in decoys {
        let at = (plot.x.place(-decoy.expected.log10()), plot.y.place(-decoy.log10_p));
        let class = if decoy.is_too_small() { "dot out" } else { "dot" };
        plot.dot(class, at, 2.2);
    }
    plot.x_axis("p-value that chance gives a key of this rank", power);
    plot.finish()
}

/// `0.01` for 2.
fn power(zeros: f64) -> String {
    let zeros = zeros.round().max(0.0) as usize;
    match zeros {
        0 => "1".to_owned(),
        1..=4 => format!("{:.zeros$}", 10_f64.powi(-(zeros as i32))),
        _ => format!("1e−{zeros}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forensics::evidence::Decoys;
    use statrs::distribution::{Beta, ContinuousCDF};

    #[test]
    fn the_band_holds_the_middle_of_the_beta_law() {
        for (rank, count) in [(1, 1_000), (17, 1_000), (600, 1_000), (1_000, 1_000)] {
            let (low, high) = band(rank, count);
            let law = Beta::new(rank as f64, (count + 1 - rank) as f64).unwrap();
            assert!((law.cdf(10_f64.powf(low)) - 0.025).abs() < 1e-4, "{rank}");
            assert!((law.cdf(10_f64.powf(high)) - 0.975).abs() < 1e-4, "{rank}");
        }
    }

    #[test]
    fn the_least_p_values_come_first_and_each_once() {
        let scores = Decoys::new([1; 32], 2_000).compare(2.0, |key| f64::from(key[0]) / 32.0);
        let mut summary = DecoySummary::from(&scores);
        assert!(plotted(&summary).is_empty());
        for quantile in &mut summary.quantiles {
            quantile.log10_p = Some((1.0 - quantile.probability).log10());
        }
        let plotted = plotted(&summary);
        let ranks: Vec<u64> = plotted.iter().map(|decoy| decoy.rank).collect();
        assert_eq!(ranks.first_chunk(), Some(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]));
        assert!(ranks.is_sorted_by(|left, right| left < right) && ranks.len() > 30);
        assert!(plotted.iter().all(|decoy| !decoy.is_too_small()));
    }
}
