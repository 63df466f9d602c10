//! Adjustments against values worked out by hand.
#![cfg(feature = "forensics")]

use guilloche::forensics::evidence::{gated, holm, least_of};
use proptest::prelude::*;

fn adjusted(p: &[f64]) -> Vec<f64> {
    holm(&p.iter().map(|p| p.ln()).collect::<Vec<_>>()).into_iter().map(f64::exp).collect()
}

fn close(found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        assert!((found - expected).abs() < 1e-12, "{found} {expected}");
    }
}

/// R 4, `p.adjust(p, "holm")`, of the example in its manual's terms; by hand: 4·0.005 = 0.02,
/// 3·0.01 = 0.03, 2·0.03 = 0.06, and 0.04 is raised to the 0.06 before it.
#[test]
fn holm_steps_down_and_never_falls() {
    close(&adjusted(&[0.01, 0.04, 0.03, 0.005]), &[0.03, 0.06, 0.06, 0.02]);
    close(&adjusted(&[0.01, 0.01, 0.01]), &[0.03, 0.03, 0.03]);
    close(&adjusted(&[0.6, 0.7]), &[1.0, 1.0]);
    close(&adjusted(&[0.02]), &[0.02]);
    close(&adjusted(&[]), &[]);
}

#[test]
fn holm_works_far_below_the_least_number() {
    let found = holm(&[-5_000.0, -2_000.0]);
    assert!((found[0] - (-5_000.0 + 2.0_f64.ln())).abs() < 1e-9);
    assert_eq!(found[1], -2_000.0);
    assert_eq!(holm(&[f64::NEG_INFINITY, 0.0])[0], f64::NEG_INFINITY);
}

#[test]
fn the_least_of_several_is_adjusted_for_their_number() {
    assert!((least_of(&[0.01_f64.ln(), 0.5_f64.ln(), 0.2_f64.ln()]).exp() - 0.03).abs() < 1e-12);
    assert_eq!(least_of(&[0.9_f64.ln(), 0.8_f64.ln()]), 0.0);
    assert_eq!(least_of(&[]), 0.0);
}

#[test]
fn a_gate_lets_nothing_through_at_a_level_that_it_does_not_reach() {
    assert_eq!(gated(-3.0, -20.0), -3.0);
    assert_eq!(gated(-30.0, -20.0), -20.0);
}

proptest! {
    /// Against the definition: the greatest, over all that are no larger, of p times the number
    /// of those that are not smaller.
    #[test]
    fn holm_is_its_definition(p in prop::collection::vec(1e-9_f64..1.0, 1..12)) {
        let found = adjusted(&p);
        for (own, found) in p.iter().zip(found) {
            let expected = p
                .iter()
                .filter(|other| *other <= own)
                .map(|other| other * p.iter().filter(|third| *third >= other).count() as f64)
                .fold(0.0, f64::max)
                .min(1.0);
            prop_assert!((found - expected).abs() < 1e-9);
        }
    }
}
