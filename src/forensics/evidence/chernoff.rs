//! Chernoff's bound: `P(X >= excess) <= exp(K(t) - t · excess)` for every `t >= 0`, where `K` is
//! the logarithm of the moment-generating function of the centred score.
//!
//! Every `t` gives a valid bound, so the search need not end exactly at the best one.

use super::tail::LnP;

/// The least bound over `t` in `[0, limit)`.
pub(super) fn ln_chernoff(excess: f64, cumulant: impl Fn(f64) -> f64, limit: f64) -> LnP {
    if excess.is_nan() || excess <= 0.0 {
        return 0.0;
    }
    let at = |tilt: f64| {
        let value = cumulant(tilt) - tilt * excess;
        if value.is_nan() { f64::INFINITY } else { value }
    };
    // The function is convex: double until it rises, then narrow the bracket.
    let finite = limit.is_finite();
    let mut high = if finite { limit } else { 1.0 };
    if !finite {
        while at(high) < at(high / 2.0) && high < 1e12 {
            high *= 2.0;
        }
    }
    let (mut low, golden) = (0.0, (5.0_f64.sqrt() - 1.0) / 2.0);
    let (mut left, mut right) = (high - golden * high, golden * high);
    let (mut at_left, mut at_right) = (at(left), at(right));
    for _ in 0..60 {
        if at_left < at_right {
            (high, right, at_right) = (right, left, at_left);
            left = high - golden * (high - low);
            at_left = at(left);
        } else {
            (low, left, at_left) = (left, right, at_right);
            right = low + golden * (high - low);
            at_right = at(right);
        }
        if high - low < 1e-9 * high {
            break;
        }
    }
    at_left.min(at_right).min(0.0)
}

/// `ln cosh x` without overflow.
pub(super) fn ln_cosh(x: f64) -> f64 {
    let x = x.abs();
    if x < 1e-4 {
        return 0.5 * x * x;
    }
    x + (-2.0 * x).exp().ln_1p() - std::f64::consts::LN_2
}
