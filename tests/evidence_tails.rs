//! Tail probabilities against two oracles: exact sums of another program, and another library.
#![cfg(feature = "forensics")]

use guilloche::forensics::evidence::{NullLaw, ln_binomial_tail, ln_gamma_tail};
use serde_json::Value;
use statrs::distribution::{Binomial, ContinuousCDF, DiscreteCDF, Gamma};

fn close(found: f64, expected: f64) -> bool {
    (found - expected).abs() <= 1e-10 * expected.abs().max(1e-30)
}

/// `kat/tails.json`: mpmath 1.4.1 with 60 digits.
#[test]
fn tails_are_those_of_exact_arithmetic_down_to_e_to_the_minus_6000() {
    let vectors: Value = serde_json::from_str(include_str!("kat/tails.json")).unwrap();
    let number = |value: &Value| value.as_str().unwrap().parse::<f64>().unwrap();
    for vector in vectors["binomial"].as_array().unwrap() {
        let (n, s) = (vector[0].as_u64().unwrap(), vector[1].as_u64().unwrap());
        let found = ln_binomial_tail(s, n, vector[2].as_f64().unwrap());
        assert!(close(found, number(&vector[3])), "{vector}: {found}");
    }
    for vector in vectors["gamma"].as_array().unwrap() {
        let found = ln_gamma_tail(vector[0].as_u64().unwrap(), vector[1].as_f64().unwrap());
        assert!(close(found, number(&vector[2])), "{vector}: {found}");
    }
}

/// statrs 0.19, where its tails are not too small for it.
#[test]
fn tails_are_those_of_statrs_where_it_has_them() {
    for n in [1_u64, 2, 7, 50, 400, 3000] {
        for p in [0.01, 0.25, 0.5, 0.9] {
            let law = Binomial::new(p, n).unwrap();
            for s in (1..=n).step_by((n / 20).max(1) as usize) {
                let expected = law.sf(s - 1);
                if expected > 1e-200 {
                    let found = ln_binomial_tail(s, n, p).exp();
                    assert!(
                        (found / expected - 1.0).abs() < 1e-8,
                        "{n} {p} {s}: {found} {expected}"
                    );
                }
            }
        }
        let law = Gamma::new(n as f64, 1.0).unwrap();
        for percent in [1_u32, 30, 80, 95, 100, 105, 150, 300] {
            let x = n as f64 * f64::from(percent) / 100.0;
            let expected = law.sf(x);
            if expected > 1e-200 {
                let found = ln_gamma_tail(n, x).exp();
                assert!((found / expected - 1.0).abs() < 1e-8, "{n} {x}: {found} {expected}");
            }
        }
    }
}

#[test]
fn the_ends_of_the_tails_are_certain_or_impossible() {
    assert_eq!(ln_binomial_tail(0, 10, 0.3), 0.0);
    assert_eq!(ln_binomial_tail(11, 10, 0.3), f64::NEG_INFINITY);
    assert_eq!(ln_gamma_tail(5, 0.0), 0.0);
    assert_eq!(ln_gamma_tail(5, -1.0), 0.0);
    assert_eq!(ln_gamma_tail(0, 0.0), 0.0);
}

/// The probability of every sum of 16 signs, by enumeration of all 65,536.
#[test]
fn the_bound_of_a_sum_of_signs_is_never_below_its_probability_and_near_it() {
    let weights: Vec<i32> = (0..16).map(|n| (n * n % 23 - 7) * 1000 + 13).collect();
    let mut sums: Vec<i32> = (0..1_u32 << 16)
        .map(|signs| {
            let signed = weights.iter().enumerate();
            signed.map(|(bit, w)| if signs >> bit & 1 == 1 { *w } else { -w }).sum()
        })
        .collect();
    sums.sort_unstable();
    let law = NullLaw::Signs { weights };
    for place in (33_000..65_536).step_by(500).chain([65_535]) {
        let total = sums[place];
        let probability = (65_536 - sums.partition_point(|sum| *sum < total)) as f64 / 65_536.0;
        let bound = law.ln_tail(f64::from(total));
        let wider = -f64::from(total) * f64::from(total) / (2.0 * law.variance());
        assert!(bound >= probability.ln() - 1e-9, "{total}");
        assert!(bound <= wider + 1e-9, "{total}");
        assert!(bound < probability.ln() + 2.5, "{total}: {bound} {}", probability.ln());
    }
}

/// The bound of two weighted sums with one weight at zero is that of a gamma law.
#[test]
fn the_bound_of_two_sums_is_above_the_exact_tail_of_their_limits() {
    for total in [1100.0, 1200.0, 1500.0] {
        let exact = ln_gamma_tail(1000, total);
        let bound = NullLaw::TwoGammas { shape: 1000, alpha: 0.0 }.ln_tail(total);
        assert!(bound >= exact && bound < exact + 5.0, "{bound} {exact}");
        // Two halves are a gamma law of twice the shape.
        let exact = ln_gamma_tail(2000, 2.0 * total);
        let bound = NullLaw::TwoGammas { shape: 1000, alpha: 0.5 }.ln_tail(total);
        assert!(bound >= exact && bound < exact + 5.0, "{bound} {exact}");
    }
}

/// Two draws from a list of four, all sixteen outcomes.
#[test]
fn the_bound_of_draws_is_above_their_probability() {
    let law = NullLaw::layers(&[1, 4, 4, 9], 2);
    assert_eq!(law.mean(), 9.0);
    for (total, probability) in [(18.0, 1.0 / 16.0), (13.0, 5.0 / 16.0), (10.0, 7.0 / 16.0)] {
        let bound: f64 = law.ln_tail(total);
        assert!(bound >= f64::ln(probability) - 1e-9, "{total}");
        assert!(bound < f64::ln(probability) + 1.2, "{total}");
    }
    assert_eq!(law.ln_tail(8.0), 0.0);
}
