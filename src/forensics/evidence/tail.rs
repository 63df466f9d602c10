//! Upper tails of the binomial and the gamma law, as natural logarithms: 1e-300 and far below are
//! ordinary numbers here.
//!
//! The density comes from Loader's saddle-point form ("Fast and accurate computation of binomial
//! probabilities", 2000), which keeps its relative accuracy where differences of log-gamma
//! functions cancel; the tail from a series or a continued fraction of positive terms. Relative
//! error of the logarithm: below 1e-10 for sizes up to 1e9, see `tests/evidence_tails.rs`.

use std::f64::consts::PI;

/// A natural logarithm of a probability; `-inf` for 0. All p-values here are such.
pub type LnP = f64;

/// `ln P(X >= successes)` for `X` binomial.
#[must_use]
pub fn ln_binomial_tail(successes: u64, trials: u64, probability: f64) -> LnP {
    if successes == 0 {
        return 0.0;
    }
    if successes > trials || probability <= 0.0 {
        return f64::NEG_INFINITY;
    }
    if probability >= 1.0 {
        return 0.0;
    }
    let (s, n) = (successes as f64, trials as f64);
    if s > n * probability {
        ln_binomial_density(s, n, probability)
            + ln_series(|step| {
                (n - s - step) / (s + step + 1.0) * (probability / (1.0 - probability))
            })
    } else {
        // Below the mean the other side is the short one.
        let below = s - 1.0;
        let other = ln_binomial_density(below, n, probability)
            + ln_series(|step| {
                (below - step) / (n - below + step + 1.0) * ((1.0 - probability) / probability)
            });
        ln_complement(other)
    }
}

/// `ln P(X >= sum)` for `X` the sum of `shape` independent standard exponentials.
#[must_use]
pub fn ln_gamma_tail(shape: u64, sum: f64) -> LnP {
    if shape == 0 {
        return if sum > 0.0 { f64::NEG_INFINITY } else { 0.0 };
    }
    if sum <= 0.0 {
        return 0.0;
    }
    let n = shape as f64;
    // Both sides start from the Poisson density e^-x x^n / n!.
    let density = ln_poisson_density(n, sum);
    if sum > n {
        // P(Poisson(x) <= n - 1), summed downwards from n - 1.
        density + (n / sum).ln() + ln_series(|step| (n - 1.0 - step) / sum)
    } else {
        ln_complement(density + ln_series(|step| sum / (n + 1.0 + step)))
    }
}

/// `ln(1 + r0 + r0 r1 + …)`, the sum of a positive series given by the ratios of its terms, which
/// fall below 1 and shrink.
fn ln_series(ratio: impl Fn(f64) -> f64) -> f64 {
    let (mut sum, mut term, mut step) = (1.0, 1.0, 0.0);
    loop {
        let next = ratio(step);
        if next <= 0.0 {
            break;
        }
        term *= next;
        sum += term;
        step += 1.0;
        // What is left is at most a geometric series of this ratio.
        if next < 1.0 && term / (1.0 - next) < sum * 1e-17 {
            break;
        }
        if term < sum * 1e-22 {
            break;
        }
    }
    f64::ln(sum)
}

/// `ln(1 - e^value)`.
pub(super) fn ln_complement(value: f64) -> f64 {
    if value >= 0.0 {
        f64::NEG_INFINITY
    } else if value > -std::f64::consts::LN_2 {
        (-value.exp_m1()).ln()
    } else {
        (-value.exp()).ln_1p()
    }
}

/// Loader's `dbinom`, as a logarithm.
fn ln_binomial_density(successes: f64, trials: f64, probability: f64) -> f64 {
    let failures = trials - successes;
    if successes <= 0.0 {
        return trials * (-probability).ln_1p();
    }
    if failures <= 0.0 {
        return trials * probability.ln();
    }
    stirling_error(trials)
        - stirling_error(successes)
        - stirling_error(failures)
        - deviance(successes, trials * probability)
        - deviance(failures, trials * (1.0 - probability))
        + 0.5 * (trials / (2.0 * PI * successes * failures)).ln()
}

/// Loader's `dpois`, as a logarithm.
fn ln_poisson_density(count: f64, mean: f64) -> f64 {
    -stirling_error(count) - deviance(count, mean) - 0.5 * (2.0 * PI * count).ln()
}

/// `ln n!` less Stirling's formula.
fn stirling_error(n: f64) -> f64 {
    if n < 16.0 {
        // Small factorials are exact.
        let mut factorial = 1.0;
        let mut factor = 2.0;
        while factor <= n {
            factorial *= factor;
            factor += 1.0;
        }
        return if n <= 0.0 {
            0.0
        } else {
            f64::ln(factorial) - (0.5 * (2.0 * PI * n).ln() + n * n.ln() - n)
        };
    }
    let square = n * n;
    (1.0 / 12.0
        - (1.0 / 360.0 - (1.0 / 1260.0 - (1.0 / 1680.0 - 1.0 / 1188.0 / square) / square) / square)
            / square)
        / n
}

/// `x ln(x / mean) + mean - x`, without cancellation where the two are near.
fn deviance(x: f64, mean: f64) -> f64 {
    let difference = x - mean;
    if difference.abs() >= 0.1 * (x + mean) {
        return x * (x / mean).ln() - difference;
    }
    let ratio = difference / (x + mean);
    let mut sum = difference * ratio;
    let mut term = 2.0 * x * ratio;
    let mut odd = 1.0;
    loop {
        term *= ratio * ratio;
        odd += 2.0;
        let next = sum + term / odd;
        if next.total_cmp(&sum).is_eq() {
            return sum;
        }
        sum = next;
    }
}
