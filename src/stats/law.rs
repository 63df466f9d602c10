//! Tails and quantiles of the laws that the tests rest on.
//!
//! statrs gives the normal law, the gamma functions and the law of χ². Its incomplete beta function
//! takes differences of `ln Γ`, which leaves nine digits at half a million degrees of freedom, and
//! seven at fifty; here large parts cancel on paper, by Stirling's series, before anything is
//! computed.

use statrs::function::erf::{erfc, erfc_inv};
use statrs::function::gamma::{checked_gamma_ur, ln_gamma};

/// ½ ln 2π.
pub(super) const HALF_LN_TAU: f64 = 0.918_938_533_204_672_7;

/// P(Z > z).
pub(super) fn normal_upper(z: f64) -> f64 {
    0.5 * erfc(z * std::f64::consts::FRAC_1_SQRT_2)
}

/// ln P(Z < z), also where the probability is too small for a number.
pub(super) fn ln_normal_lower(z: f64) -> f64 {
    if z > -30.0 {
        return normal_upper(-z).ln();
    }
    // Mills' ratio as an asymptotic series; the first term left out is below 1e-13.
    let square = z * z;
    let series = 1.0 - (1.0 - (3.0 - (15.0 - 105.0 / square) / square) / square) / square;
    -0.5 * square - HALF_LN_TAU - (-z).ln() + series.ln()
}

/// The `z` above which lies a share of `p` of the normal law, 0 < p < 1.
pub(super) fn normal_quantile(p: f64) -> f64 {
    std::f64::consts::SQRT_2 * erfc_inv(2.0 * p)
}

/// P(χ² > x) with so many degrees of freedom, which are at least one.
pub(super) fn chi_squared_upper(x: f64, degrees: f64) -> f64 {
    if x <= 0.0 {
        return 1.0;
    }
    checked_gamma_ur(degrees / 2.0, x / 2.0).map_or(0.0, |p| p.clamp(0.0, 1.0))
}

/// `ln Γ(z)` less Stirling's `(z − ½) ln z − z + ½ ln 2π`: about `1/12z`.
pub(super) fn stirling_excess(z: f64) -> f64 {
    if z < 12.0 {
        return ln_gamma(z) - ((z - 0.5) * z.ln() - z + HALF_LN_TAU);
    }
    let w = 1.0 / (z * z);
    let series = 1.0 / 12.0
        - w * (1.0 / 360.0
            - w * (1.0 / 1260.0 - w * (1.0 / 1680.0 - w * (1.0 / 1188.0 - w * 691.0 / 360_360.0))));
    series / z
}

/// `ln[x^a y^b / B(a, b)]` for `x + y = 1`.
fn ln_beta_kernel(a: f64, b: f64, x: f64, y: f64) -> f64 {
    let off = b * x - a * y;
    let term = |part: f64, share: f64, off: f64| {
        // ln of share (a + b) / part, which is near one in the middle of the law.
        let by = off / part;
        part * if by > -0.5 { by.ln_1p() } else { (share * (a + b) / part).ln() }
    };
    let stirling = stirling_excess(a + b) - stirling_excess(a) - stirling_excess(b);
    term(a, x, off) + term(b, y, -off) + stirling - HALF_LN_TAU + 0.5 * (a.ln() - (a / b).ln_1p())
}

/// `I_x(a, b)`, the share of the beta law below `x`, where `y = 1 − x` is told apart from it.
/// By Lentz's continued fraction.
pub(super) fn beta_lower(a: f64, b: f64, x: f64, y: f64) -> f64 {
    if x <= 0.0 || y >= 1.0 {
        return 0.0;
    }
    if y <= 0.0 {
        return 1.0;
    }
    if x > (a + 1.0) / (a + b + 2.0) {
        return 1.0 - beta_fraction(b, a, y, x);
    }
    beta_fraction(a, b, x, y)
}

fn beta_fraction(a: f64, b: f64, x: f64, y: f64) -> f64 {
    const TINY: f64 = 1e-300;
    let away = |value: f64| if value.abs() < TINY { TINY } else { value };
    let mut c = 1.0;
    let mut d = 1.0 / away(1.0 - (a + b) * x / (a + 1.0));
    let mut fraction = d;
    for step in 1..100_000_u32 {
        let m = f64::from(step);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        d = 1.0 / away(1.0 + even * d);
        c = away(1.0 + even / c);
        fraction *= d * c;
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        d = 1.0 / away(1.0 + odd * d);
        c = away(1.0 + odd / c);
        let change = d * c;
        fraction *= change;
        if (change - 1.0).abs() <= f64::EPSILON {
            break;
        }
    }
    (ln_beta_kernel(a, b, x, y).exp() * fraction / a).clamp(0.0, 1.0)
}

/// P(T > t) of Student's law.
pub(super) fn student_upper(t: f64, degrees: f64) -> f64 {
    let square = t * t;
    let beyond = if square.is_infinite() {
        0.0
    } else if degrees > 1e7 {
        // Off by less than t⁶ / degrees².
        normal_upper(t.abs() * (1.0 - 0.25 / degrees) / (1.0 + 0.5 * square / degrees).sqrt())
    } else {
        let whole = degrees + square;
        0.5 * beta_lower(degrees / 2.0, 0.5, degrees / whole, square / whole)
    };
    if t > 0.0 { beyond } else { 1.0 - beyond }
}

/// The `t` above which lies a share of `p` of Student's law, 0 < p ≤ ½.
pub(super) fn student_quantile(p: f64, degrees: f64) -> f64 {
    // The normal quantile is below; the tail of one degree of freedom, 1/πt, is above.
    let low = normal_quantile(p).max(0.0);
    let high = (1.0 / (std::f64::consts::PI * p)).max(low + 1.0);
    root(low, high, |t| p - student_upper(t, degrees))
}

/// P(T > t) + P(T < −t) where both are asked for, else P(T > t), of Student's law shifted by
/// `shift` (noncentral): the mean of a normal tail over the law of the estimated deviation.
pub(super) fn noncentral_beyond(t: f64, degrees: f64, shift: f64, both: bool) -> f64 {
    // Over w = ln u, where u² is χ²/ν: the density is exp(νw − ν e^{2w}/2) times a constant, and
    // the trapezoid rule for such a smooth, fast falling function is exact to rounding.
    let spread = 1.0 / (2.0 * degrees).sqrt();
    let step = (spread.min(1.0 / (1.0 + t.abs().max(shift.abs()))) / 5.0).max(1e-3 * spread);
    let half = degrees / 2.0;
    let constant = std::f64::consts::LN_2 - stirling_excess(half) - HALF_LN_TAU + 0.5 * half.ln();
    let term = |w: f64| {
        let u = w.exp();
        let above = normal_upper(t * u - shift);
        let tails = if both { above + normal_upper(t * u + shift) } else { above };
        // ν/2 [2w − e^{2w} + 1] in place of νw − ν e^{2w}/2, with the rest in the constant.
        (constant - half * ((2.0 * w).exp_m1() - 2.0 * w)).exp() * tails
    };
    let mut sum = term(0.0);
    for side in [-step, step] {
        let mut w = side;
        loop {
            let part = term(w);
            sum += part;
            let weight = half * ((2.0 * w).exp_m1() - 2.0 * w);
            if weight > 45.0 {
                break;
            }
            w += side;
        }
    }
    (sum * step).clamp(0.0, 1.0)
}

/// Where an increasing function changes its sign between `low` and `high`, to the last bit.
pub(super) fn root(mut low: f64, mut high: f64, increasing: impl Fn(f64) -> f64) -> f64 {
    let between = |low: f64, high: f64| low + 0.5 * (high - low);
    let mut middle = between(low, high);
    // Ends also where an end is no number.
    while low < middle && middle < high {
        if increasing(middle) > 0.0 {
            high = middle;
        } else {
            low = middle;
        }
        middle = between(low, high);
    }
    middle
}
