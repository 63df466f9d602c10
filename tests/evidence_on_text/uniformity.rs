//! What p-values and scores are held against. The program that makes the figures of
//! `docs/forensics.md` uses the same.

use guilloche::forensics::evidence::NullLaw;

/// The p-value of a total, continuous also where the law has steps: `uniform` places it within its
/// step.
pub(crate) fn continuous_p(law: &NullLaw, total: f64, uniform: f64) -> f64 {
    let p = law.ln_tail(total).exp();
    match law {
        NullLaw::Binomial { .. } => {
            let above = law.ln_tail(total + 1.0).exp();
            above + (p - above) * uniform
        }
        _ => p,
    }
}

/// The p-value of Kolmogorov's test that these are uniform (the limit law, which is conservative
/// for few).
pub(crate) fn uniformity(mut p_values: Vec<f64>) -> f64 {
    p_values.sort_by(f64::total_cmp);
    let n = p_values.len() as f64;
    let distance = p_values.iter().enumerate().fold(0.0_f64, |distance, (rank, p)| {
        distance.max((rank as f64 + 1.0) / n - p).max(p - rank as f64 / n)
    });
    kolmogorov(distance * n.sqrt())
}

/// `P(K > x)` of Kolmogorov's law.
pub(crate) fn kolmogorov(x: f64) -> f64 {
    if x < 0.2 {
        return 1.0;
    }
    let term = |k: i32| {
        let sign = if k % 2 == 1 { 2.0 } else { -2.0 };
        sign * (-2.0 * f64::from(k * k) * x * x).exp()
    };
    (1..100).map(term).sum::<f64>().clamp(0.0, 1.0)
}

/// The p-values of scores among those of decoys, ranks broken upwards; Kolmogorov's test of two
/// samples.
pub(crate) fn same_law(scores: &[f64], decoys: &[f64]) -> f64 {
    let sorted = |values: &[f64]| {
        let mut values = values.to_vec();
        values.sort_by(f64::total_cmp);
        values
    };
    let (scores, decoys) = (sorted(scores), sorted(decoys));
    let share = |values: &[f64], at: f64| {
        values.partition_point(|value| *value <= at) as f64 / values.len() as f64
    };
    let distance = scores
        .iter()
        .chain(&decoys)
        .map(|at| (share(&scores, *at) - share(&decoys, *at)).abs())
        .fold(0.0, f64::max);
    let (n, m) = (scores.len() as f64, decoys.len() as f64);
    kolmogorov(distance * (n * m / (n + m)).sqrt())
}

/// The upper tail of the normal law (Abramowitz and Stegun 7.1.26, to 1e-7), for naive tests.
pub(crate) fn normal_tail(z: f64) -> f64 {
    let x = z.abs() / std::f64::consts::SQRT_2;
    let t = 1.0 / (1.0 + 0.327_591_1 * x);
    let poly = t
        * (0.254_829_592
            + t * (-0.284_496_736
                + t * (1.421_413_741 + t * (-1.453_152_027 + t * 1.061_405_429))));
    let half = 0.5 * poly * (-x * x).exp();
    if z > 0.0 { half } else { 1.0 - half }
}
