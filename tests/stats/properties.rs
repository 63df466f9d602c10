//! What must hold whatever the numbers are.

use guilloche::stats::{
    Alternative, ArmCount, Assignments, BettingSequence, BoundedSequence, Contrast, Cuped,
    Guardrail, Harm, Interval, LabelQuality, Level, Margin, Moments, PairedMoments, Scale, Stated,
    holm, randomization_interval, randomization_test, sample_ratio,
};
use proptest::prelude::*;

fn five_percent() -> Level {
    Level::new(0.05).unwrap()
}

fn moments(values: &[f64]) -> Moments {
    Moments::of(values.iter().copied()).unwrap()
}

fn near(a: f64, b: f64, scale: f64) -> bool {
    a == b || (a - b).abs() <= 1e-9 * scale.max(a.abs()).max(b.abs())
}

/// Values of one arm: of any size, some of them equal.
fn arm() -> impl Strategy<Value = Vec<f64>> {
    prop::collection::vec(prop_oneof![-50.0..50.0, Just(0.0), 0.0..1e6], 2..30)
}

/// Two arms in which something varies.
fn arms() -> impl Strategy<Value = (Vec<f64>, Vec<f64>)> {
    (arm(), arm()).prop_filter("nothing varies", |(control, treated)| {
        Contrast::between(&moments(control), &moments(treated)).is_ok()
    })
}

fn any_alternative() -> impl Strategy<Value = Alternative> {
    prop_oneof![Just(Alternative::TwoSided), Just(Alternative::Greater), Just(Alternative::Less)]
}

/// Few, so that many cases are tried.
fn few(seed: u8) -> Assignments {
    Assignments { enumerate_at_most: 300, draws: 99, seed: [seed; 32] }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn moments_do_not_depend_on_order_or_sharding(
        values in prop::collection::vec(-1e6..1e6, 1..60),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..5),
    ) {
        let whole = moments(&values);
        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(values.len())).collect();
        cuts.extend([0, values.len()]);
        cuts.sort_unstable();
        // The parts, last first.
        let mut merged = Moments::default();
        for pair in cuts.windows(2).rev() {
            merged.merge(&moments(&values[pair[0]..pair[1]]));
        }
        prop_assert_eq!(whole.count(), merged.count());
        prop_assert!(near(whole.mean(), merged.mean(), 1e6));
        prop_assert!(near(whole.sum_of_squares(), merged.sum_of_squares(), 1.0));
        let pair = |value: &f64| (*value, value.sin());
        let whole = PairedMoments::of(values.iter().map(pair)).unwrap();
        let mut merged = PairedMoments::default();
        for cut in cuts.windows(2).rev() {
            let part = values[cut[0]..cut[1]].iter().rev();
            merged.merge(&PairedMoments::of(part.map(pair)).unwrap());
        }
        prop_assert!(near(whole.sum_of_products(), merged.sum_of_products(), 1e6));
        // Written down and read again they are the same.
        let again = PairedMoments::from_parts(
            *merged.first(), *merged.second(), merged.sum_of_products(),
        );
        prop_assert_eq!(again, Ok(merged));
    }

    #[test]
    fn a_large_mean_does_not_swallow_a_small_variance(
        values in prop::collection::vec(-1.0..1.0, 3..40), shift in 1e6..1e9,
    ) {
        let (plain, shifted) =
            (moments(&values), Moments::of(values.iter().map(|value| value + shift)).unwrap());
        prop_assert!(
            (plain.sum_of_squares() - shifted.sum_of_squares()).abs()
                <= 1e-6 * (1.0 + plain.sum_of_squares())
        );
    }

    #[test]
    fn swapping_the_arms_turns_every_answer_around(
        (control, treated) in arms(), alternative in any_alternative(), seed: u8,
    ) {
        let there = Contrast::between(&moments(&control), &moments(&treated)).unwrap();
        let back = Contrast::between(&moments(&treated), &moments(&control)).unwrap();
        let there = there.welch(alternative, five_percent());
        let back = back.welch(alternative.swapped(), five_percent());
        prop_assert!(near(there.p_value, back.p_value, 1.0));
        prop_assert!(near(there.interval.low, -back.interval.high, 1.0));
        prop_assert!(near(there.interval.high, -back.interval.low, 1.0));
        let there = randomization_test(&control, &treated, alternative, &few(seed));
        let back = randomization_test(&treated, &control, alternative.swapped(), &few(seed));
        if control.len() == treated.len() {
            // Draws are of the arm that comes first.
            if let (Ok(there), Ok(back)) = (there, back) {
                prop_assert!(!there.exact || near(there.p_value, back.p_value, 1.0));
            }
        } else {
            prop_assert_eq!(there, back);
        }
    }

    #[test]
    fn another_zero_or_unit_of_the_metric_changes_no_p_value(
        (control, treated) in arms(), shift in -1e3..1e3, scale in 1e-3..1e3, seed: u8,
    ) {
        let moved = |arm: &[f64]| -> Vec<f64> {
            arm.iter().map(|value| scale * (value + shift)).collect()
        };
        let (control_moved, treated_moved) = (moved(&control), moved(&treated));
        let plain = Contrast::between(&moments(&control), &moments(&treated)).unwrap();
        let Ok(other) = Contrast::between(&moments(&control_moved), &moments(&treated_moved))
        else {
            // A deviation that is rounding beside the shift.
            return Ok(());
        };
        prop_assume!(plain.standard_error() > 1e-3);
        let (plain, other) = (
            plain.welch(Alternative::TwoSided, five_percent()),
            other.welch(Alternative::TwoSided, five_percent()),
        );
        prop_assert!((plain.p_value - other.p_value).abs() < 1e-6);
        prop_assert!(near(scale * plain.interval.low, other.interval.low, scale * 1e6));
        let test = |control: &[f64], treated: &[f64]| {
            randomization_test(control, treated, Alternative::TwoSided, &few(seed)).unwrap()
        };
        prop_assert_eq!(test(&control, &treated), test(&control_moved, &treated_moved));
    }

    #[test]
    fn the_order_of_units_does_not_matter_to_the_randomization_test(
        (control, treated) in arms(), turn: prop::sample::Index, seed: u8,
    ) {
        let turned = |arm: &[f64]| {
            let mut arm = arm.to_vec();
            arm.reverse();
            let by = turn.index(arm.len());
            arm.rotate_left(by);
            arm
        };
        let test = |control: &[f64], treated: &[f64]| {
            randomization_test(control, treated, Alternative::TwoSided, &few(seed))
        };
        prop_assert_eq!(test(&control, &treated), test(&turned(&control), &turned(&treated)));
    }

    #[test]
    fn no_p_value_is_below_the_least_attainable_and_none_above_one(
        (control, treated) in arms(), alternative in any_alternative(), seed: u8,
    ) {
        let found = randomization_test(&control, &treated, alternative, &few(seed)).unwrap();
        prop_assert!(found.least_attainable > 0.0);
        prop_assert!(found.least_attainable <= found.p_value && found.p_value <= 1.0);
    }

    #[test]
    fn a_covariate_that_says_nothing_changes_nothing_and_one_that_says_all_leaves_nothing(
        values in prop::collection::vec(-100.0..100.0, 4..40),
    ) {
        prop_assume!(moments(&values).variance().unwrap() > 1e-3);
        let all = PairedMoments::of(values.iter().map(|value| (*value, 3.0 * value + 1.0))).unwrap();
        let cuped = Cuped::blind(&all).unwrap();
        let adjusted = cuped.adjusted(&all).unwrap();
        prop_assert!(near(adjusted.mean(), all.first().mean(), 100.0));
        prop_assert!(adjusted.sum_of_squares() <= 1e-9 * all.first().sum_of_squares());
        for value in &values {
            let left = cuped.adjust(*value, 3.0 * value + 1.0);
            prop_assert!(near(left, all.first().mean(), 100.0));
        }
        // It never adds variance.
        let other = PairedMoments::of(values.iter().map(|value| (*value, value.sin()))).unwrap();
        let adjusted = Cuped::blind(&other).unwrap().adjusted(&other).unwrap();
        let most = other.first().sum_of_squares() * (1.0 + 1e-9);
        prop_assert!(adjusted.sum_of_squares() <= most);
    }

    #[test]
    fn a_guardrail_with_no_margin_is_the_one_sided_test(
        (control, treated) in arms(), relative: bool,
    ) {
        let margin = if relative { Margin::Relative(0.0) } else { Margin::Absolute(0.0) };
        let (control, treated) = (moments(&control), moments(&treated));
        prop_assume!(control.mean() > 0.0);
        let plain = Contrast::between(&control, &treated).unwrap();
        for (harm, held) in
            [(Harm::Increase, Alternative::Less), (Harm::Decrease, Alternative::Greater)]
        {
            let guardrail = Guardrail::new(harm, margin).unwrap();
            let found = guardrail.non_inferiority(&control, &treated, five_percent()).unwrap();
            let expected = plain.welch(held, five_percent()).p_value;
            prop_assert!(near(found.excess.p_value, expected, 1e-3));
            prop_assert!(near(found.broken_p, 1.0 - expected, 1.0));
        }
    }

    #[test]
    fn a_margin_is_taken_from_the_treated_arm_before_it_is_compared(
        (control, treated) in arms(), margin in 0.0..0.9, seed: u8,
    ) {
        prop_assume!(moments(&control).mean() > 0.0);
        let lower: Vec<_> = treated.iter().map(|value| value / (1.0 + margin)).collect();
        let higher: Vec<_> = treated.iter().map(|value| value / (1.0 - margin)).collect();
        let less: Vec<_> = treated.iter().map(|value| value - margin).collect();
        let more: Vec<_> = treated.iter().map(|value| value + margin).collect();
        let (relative, absolute) = (Margin::Relative(margin), Margin::Absolute(margin));
        for (harm, margin, moved, better) in [
            (Harm::Increase, relative, lower, Alternative::Less),
            (Harm::Decrease, relative, higher, Alternative::Greater),
            (Harm::Increase, absolute, less, Alternative::Less),
            (Harm::Decrease, absolute, more, Alternative::Greater),
        ] {
            let guardrail = Guardrail::new(harm, margin).unwrap();
            let Ok(found) = guardrail.randomized(&control, &treated, &few(seed)) else {
                continue;
            };
            let test = |alternative| {
                randomization_test(&control, &moved, alternative, &few(seed)).unwrap()
            };
            prop_assert_eq!((found.held, found.broken), (test(better), test(better.swapped())));
        }
    }

    #[test]
    fn a_wider_margin_is_held_more_easily(
        (control, treated) in arms(), narrow in 0.0..0.5, more in 0.0..0.4,
    ) {
        let (control, treated) = (moments(&control), moments(&treated));
        prop_assume!(control.mean() > 0.0);
        for harm in [Harm::Increase, Harm::Decrease] {
            let excess = |margin: f64| {
                let guardrail = Guardrail::new(harm, Margin::Relative(margin)).unwrap();
                let estimate = guardrail.excess(&control, &treated).unwrap().estimate();
                let around = |arm: &Moments| {
                    Interval { low: arm.mean() - 1.0, high: arm.mean() + 2.0 }
                };
                let within = guardrail.excess_within(&around(&control), &around(&treated));
                // The worst is treated at one end and control at the other.
                let factor = if harm == Harm::Increase { 1.0 + margin } else { 1.0 - margin };
                let (low, high) = match harm {
                    Harm::Increase => (1.0 + 2.0 * factor, 2.0 + factor),
                    Harm::Decrease => (2.0 + factor, 1.0 + 2.0 * factor),
                };
                assert!(near(within.low, estimate - low, 1e6));
                assert!(near(within.high, estimate + high, 1e6));
                estimate
            };
            prop_assert!(excess(narrow + more) <= excess(narrow));
        }
    }

    #[test]
    fn sequences_for_bounded_values_stay_in_bounds_around_the_mean_and_narrow(
        values in prop::collection::vec(0.0..=1.0, 1..80), alpha in 0.001..0.4,
    ) {
        let level = Level::new(alpha).unwrap();
        let sequence = BoundedSequence::new(0.0, 1.0, level).unwrap();
        let arm = moments(&values);
        let interval = sequence.mean(&arm).unwrap();
        prop_assert!(0.0 <= interval.low && interval.high <= 1.0);
        prop_assert!(interval.contains(arm.mean()));
        let stricter = BoundedSequence::new(0.0, 1.0, Level::new(alpha / 2.0).unwrap()).unwrap();
        let wider = stricter.mean(&arm).unwrap();
        prop_assert!(wider.low <= interval.low && interval.high <= wider.high);
        // The p-value and the interval say the same.
        for mean in [0.05, 0.3, 0.7, 0.95] {
            let p = sequence.p_of_mean(&arm, mean).unwrap();
            prop_assert!((p / alpha - 1.0).abs() < 1e-6 || (p > alpha) == interval.contains(mean));
        }
        // Mirrored values give the mirrored interval.
        let mirrored: Vec<_> = values.iter().map(|value| 1.0 - value).collect();
        let mirror = sequence.mean(&moments(&mirrored)).unwrap();
        prop_assert!(near(mirror.low, 1.0 - interval.high, 1.0));
        prop_assert!(near(mirror.high, 1.0 - interval.low, 1.0));
        let bets = |values: &[f64]| {
            let mut bets = BettingSequence::new(0.0, 1.0, level).unwrap();
            values.iter().for_each(|value| bets.push(*value).unwrap());
            bets.interval()
        };
        let (bet, mirror) = (bets(&values), bets(&mirrored));
        prop_assert!(0.0 <= bet.low && bet.low <= bet.high && bet.high <= 1.0);
        prop_assert!(near(mirror.low, 1.0 - bet.high, 1.0));
        prop_assert!(near(mirror.high, 1.0 - bet.low, 1.0));
    }

    #[test]
    fn scales_keep_the_order_of_values_and_their_bounds(a in 0.0..1e6, b in 0.0..1e6) {
        let capped = Scale::capped_at(30.0).unwrap();
        prop_assert_eq!(Scale::Raw.apply(a), Ok(a));
        prop_assert_eq!(capped.apply(a), Ok(a.min(30.0)));
        prop_assert_eq!(capped.apply(-a), Ok(0.0));
        prop_assert_eq!(capped.bounds(), Some((0.0, 30.0)));
        prop_assert!(near(Scale::Log.apply(a).unwrap(), (1.0 + a).ln(), 1e-6));
        prop_assert!(Scale::Log.apply(-a - 0.1).is_err());
        prop_assert_eq!((Scale::Raw.bounds(), Scale::Log.bounds()), (None, None));
        for scale in [Scale::Raw, capped, Scale::Log] {
            prop_assert!(a > b || scale.apply(a).unwrap() <= scale.apply(b).unwrap());
        }
        let reversed = Scale::Capped { low: 1.0, high: 1.0 };
        prop_assert!(reversed.apply(a).is_err());
    }

    #[test]
    fn names_and_order_of_arms_do_not_matter_to_the_sample_ratio(
        arms in prop::collection::vec((0.01..10.0, 0_u64..1_000_000), 2..6), scale in 0.01..100.0,
    ) {
        let arms: Vec<_> =
            arms.into_iter().map(|(weight, units)| ArmCount { weight, units }).collect();
        let found = sample_ratio(&[&arms]).unwrap();
        let other: Vec<_> = arms
            .iter()
            .rev()
            .map(|arm| ArmCount { weight: arm.weight * scale, units: arm.units })
            .collect();
        let other = sample_ratio(&[&other]).unwrap();
        prop_assert!(near(found.chi_squared, other.chi_squared, 1.0));
        prop_assert!(near(found.ln_bayes_factor, other.ln_bayes_factor, 1.0));
        prop_assert!((0.0..=1.0).contains(&found.p_value));
        prop_assert!((0.0..=1.0).contains(&found.anytime_p));
    }

    #[test]
    fn holm_keeps_the_order_and_is_between_nothing_and_bonferroni(
        p in prop::collection::vec(0.0..=1.0, 0..12),
    ) {
        let adjusted = holm(&p).unwrap();
        for (one, adjusted_one) in p.iter().zip(&adjusted) {
            prop_assert!(one <= adjusted_one);
            prop_assert!(*adjusted_one <= (one * p.len() as f64).min(1.0) + 1e-15);
            for (other, adjusted_other) in p.iter().zip(&adjusted) {
                prop_assert!(one > other || adjusted_one <= adjusted_other);
            }
        }
    }

    #[test]
    fn rates_behind_labels_hold_every_rate_that_could_have_made_them(
        rate in 0.0..=1.0_f64, sensitivity in 0.6..0.95_f64, specificity in 0.8..=1.0_f64,
        slack in 0.0..0.04_f64, other in 0.0..=1.0_f64,
    ) {
        let stated = |share: f64| {
            let range = Interval { low: share - slack, high: (share + slack).min(1.0) };
            Stated::new(share, range).unwrap()
        };
        let quality = LabelQuality::new(stated(sensitivity), stated(specificity)).unwrap();
        let labelled = |rate: f64| rate * sensitivity + (1.0 - rate) * (1.0 - specificity);
        let found = quality.true_rate(labelled(rate)).unwrap();
        prop_assert!((found - rate).abs() < 1e-9);
        let only = |value: f64| Interval { low: value, high: value };
        let rates = quality.true_rates(only(labelled(rate))).unwrap();
        prop_assert!(rates.low <= rate + 1e-12 && rate <= rates.high + 1e-12);
        let difference = labelled(other) - labelled(rate);
        prop_assert!((quality.true_difference(difference).unwrap() - (other - rate)).abs() < 1e-9);
        let differences = quality.true_differences(only(difference)).unwrap();
        prop_assert!(differences.low <= other - rate + 1e-12);
        prop_assert!(other - rate <= differences.high + 1e-12);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn the_randomization_interval_holds_what_its_test_does_not_reject(
        control in prop::collection::vec(0.0..10.0, 4..8),
        treated in prop::collection::vec(0.0..10.0, 4..8),
        away in -8.0_f64..8.0,
    ) {
        let (all, level) = (Assignments::seeded([7; 32]), five_percent());
        let two = Alternative::TwoSided;
        let interval = randomization_interval(&control, &treated, two, &all, level).unwrap();
        let between = Contrast::between(&moments(&control), &moments(&treated)).unwrap();
        prop_assert!(interval.contains(between.estimate()));
        let moved: Vec<_> = treated.iter().map(|value| value - away).collect();
        let found = randomization_test(&control, &moved, two, &all).unwrap();
        let close = |end: f64| (away - end).abs() < 1e-6 * between.standard_error();
        prop_assume!(!close(interval.low) && !close(interval.high));
        // Just inside its ends nothing is rejected, and outside it nothing is kept that was tried.
        for (end, inward) in [(interval.low, 1e-6), (interval.high, -1e-6)] {
            let back = end + inward * between.standard_error();
            let moved: Vec<_> = treated.iter().map(|value| value - back).collect();
            let p = randomization_test(&control, &moved, two, &all).unwrap().p_value;
            prop_assert!(p > level.alpha(), "{:?} {}", interval, p);
        }
        if !interval.contains(away) {
            prop_assert!(found.p_value <= level.alpha(), "{:?} {} {:?}", interval, away, found);
        }
    }
}
