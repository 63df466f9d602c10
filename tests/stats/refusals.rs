//! Numbers that mean nothing are refused, with a word on what is wrong; nothing panics.

use guilloche::stats::{
    Alternative, ArmCount, ArmSequence, Arrivals, Assignments, AsymptoticSequence, BettingSequence,
    BoundedSequence, Clusters, Contrast, Cuped, Design, Guardrail, Harm, Interval, LEAST_UNITS,
    LabelQuality, Level, Looks, Margin, Moments, PairedMoments, Scale, SecondaryRatio, Stated,
    StatsError, deviation_of_cluster_means, holm, randomization_interval, randomization_test,
    sample_ratio, units_needed,
};
use proptest::prelude::*;

const BAD: [f64; 5] = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e101, -f64::MAX];

fn level() -> Level {
    Level::new(0.05).unwrap()
}

fn said<T: std::fmt::Debug>(result: Result<T, StatsError>) -> String {
    result.unwrap_err().to_string()
}

#[test]
fn a_level_is_above_zero_and_below_a_half() {
    for alpha in BAD.into_iter().chain([0.0, -0.05, 0.5, 1.0, 5.0, 1e-16]) {
        assert!(Level::new(alpha).is_err(), "{alpha}");
    }
    assert_eq!(said(Level::new(5.0)), "alpha must be at least 1e-15 and below 0.5, not 5");
    assert_eq!(Level::new(1e-15).unwrap().shared_among(1000).alpha(), 1e-15);
    assert_eq!(level().shared_among(0), level());
}

#[test]
fn a_hostile_value_is_refused_and_leaves_the_moments_as_they_were() {
    let mut moments = Moments::of([1.0, 2.0]).unwrap();
    let mut paired = PairedMoments::of([(1.0, 2.0), (2.0, 1.0)]).unwrap();
    let before = (moments, paired);
    for value in BAD {
        assert!(moments.push(value).is_err());
        assert!(paired.push(value, 1.0).is_err());
        assert!(paired.push(1.0, value).is_err());
        assert!(Scale::Raw.apply(value).is_err());
        assert!(Scale::Log.apply(value).is_err());
        assert!(Scale::capped_at(value).is_err());
        assert!(holm(&[0.5, value]).is_err());
    }
    assert_eq!((moments, paired), before);
    let message = "a unit's value must be a finite number of at most 1e100 in size, not NaN";
    assert_eq!(said(moments.push(f64::NAN)), message);
    let huge = Moments::of([1e100, -1e100, 1e100]).unwrap();
    assert!(huge.sum_of_squares().is_finite());
}

#[test]
fn moments_that_no_values_have_are_refused() {
    for (count, mean, squares) in [
        (0, 1.0, 0.0),
        (0, 0.0, 1.0),
        (1, 1.0, 1.0),
        (3, 1.0, -1e-9),
        (3, f64::NAN, 1.0),
        (3, 1.0, f64::NAN),
        (3, 1.0, f64::INFINITY),
        (u64::MAX, 1.0, 1.0),
    ] {
        assert!(Moments::from_parts(count, mean, squares).is_err(), "{count} {mean} {squares}");
    }
    let of = |count, squares| Moments::from_parts(count, 1.0, squares).unwrap();
    for (first, second, products) in [
        (of(3, 1.0), of(4, 1.0), 0.0),
        (of(3, 1.0), of(3, 4.0), 2.1),
        (of(3, 1.0), of(3, 4.0), -2.1),
        (of(3, 1.0), of(3, 4.0), f64::NAN),
    ] {
        assert!(PairedMoments::from_parts(first, second, products).is_err());
    }
    // Merging more than there can be ends at the largest count, not in a panic.
    let mut most = of(1 << 53, 1.0);
    for _ in 0..4096 {
        let all = most;
        most.merge(&all);
    }
    assert!(most.mean().is_finite());
}

#[test]
fn too_few_units_are_told_with_their_number() {
    let (one, two) = (Moments::of([1.0]).unwrap(), Moments::of([1.0, 2.0]).unwrap());
    let message = "a difference of means needs 2 units in each arm, and the smaller arm has 1";
    assert_eq!(said(Contrast::between(&one, &two)), message);
    assert!(Contrast::between(&two, &Moments::default()).is_err());
    let assignments = Assignments::seeded([0; 32]);
    let two_sided = Alternative::TwoSided;
    for (control, treated) in [(&[][..], &[][..]), (&[1.0], &[1.0, 2.0]), (&[1.0, 2.0], &[])] {
        assert!(randomization_test(control, treated, two_sided, &assignments).is_err());
        assert!(
            randomization_interval(control, treated, two_sided, &assignments, level()).is_err()
        );
    }
    let pairs = PairedMoments::of([(1.0, 2.0), (2.0, 1.0)]).unwrap();
    assert!(Cuped::blind(&pairs).is_err());
    assert!(SecondaryRatio::of(&PairedMoments::default(), &pairs, level()).is_err());
    // Sequences that rest on many units.
    let just = |count| Moments::from_parts(count, 1.0, 50.0).unwrap();
    let sequence = AsymptoticSequence::tuned_for(500.0, two_sided, level()).unwrap();
    let arms = ArmSequence::tuned_for(500.0, level()).unwrap();
    let few = (just(LEAST_UNITS - 1), just(10_000));
    assert!(sequence.at(&Contrast::between(&few.0, &few.1).unwrap()).is_err());
    assert!(arms.difference(&few.1, &few.0).is_err());
    let enough = (just(LEAST_UNITS), just(10_000));
    assert!(sequence.at(&Contrast::between(&enough.0, &enough.1).unwrap()).is_ok());
    assert!(arms.difference(&enough.1, &enough.0).is_ok());
}

/// 0.1 + 0.2 is not 0.3, and the difference is no variance.
#[test]
fn units_that_are_all_the_same_prove_nothing_however_sums_round() {
    let control = Moments::of((0..1000).map(|_| 0.3)).unwrap();
    let rounded = |unit| if unit == 0 { 0.1 + 0.2 } else { 0.3 };
    let treated = Moments::of((0..33).map(rounded)).unwrap();
    assert!(treated.sum_of_squares() > 0.0);
    let message = "the value is the same for every unit, so that chance cannot be estimated";
    assert_eq!(said(Contrast::between(&control, &treated)), message);
    let zeros = Moments::of([0.0; 9]).unwrap();
    assert!(Contrast::between(&zeros, &zeros).is_err());
    let guardrail = Guardrail::new(Harm::Increase, Margin::Absolute(0.5)).unwrap();
    assert!(guardrail.non_inferiority(&zeros, &zeros, level()).is_err());
    let assignments = Assignments::seeded([0; 32]);
    let all_same = randomization_test(&[0.3; 5], &[0.3; 5], Alternative::TwoSided, &assignments);
    assert!(all_same.is_err());
    let constant = PairedMoments::of([(1.0, 0.1); 9]).unwrap();
    assert!(Cuped::blind(&constant).is_err());
    assert!(SecondaryRatio::of(&constant, &constant, level()).is_err());
    let many = Moments::of((0..200).map(|_| 0.1)).unwrap();
    assert!(ArmSequence::tuned_for(500.0, level()).unwrap().mean(&many).is_err());
}

/// Numbers that are allowed one by one and overflow together.
#[test]
fn what_overflows_on_the_way_is_refused_or_certain() {
    let guardrail = Guardrail::new(Harm::Increase, Margin::Absolute(1e100)).unwrap();
    let small = Moments::from_parts(20_000_000, 1e-99, 1e-200).unwrap();
    let found = guardrail.non_inferiority(&small, &small, level()).unwrap();
    assert_eq!((found.excess.p_value, found.broken_p), (0.0, 1.0));
    let steep = PairedMoments::of([(1e100, 3e-9), (-1e100, 1e-9), (1e100, 2e-9)]).unwrap();
    assert!(Cuped::blind(&steep).map(|cuped| cuped.adjusted(&steep)).is_err());
    let spread = PairedMoments::of([(1e99, 1.0), (-1e99, -1.0), (1e99, 1e-3)]).unwrap();
    let other = PairedMoments::of([(1.0, 1e99), (2.0, -1e99), (3.0, 1e98)]).unwrap();
    let mut all = spread;
    all.merge(&other);
    if let Ok(cuped) = Cuped::blind(&all) {
        for arm in [&spread, &other] {
            assert!(cuped.adjusted(arm).is_ok_and(|arm| arm.sum_of_squares().is_finite()));
        }
    }
    let flat = PairedMoments::of([(1e100, 1e-120), (-1e99, 2e-120)]).unwrap();
    assert!(SecondaryRatio::of(&flat, &flat, level()).is_err());
    let arm = |weight, units| ArmCount { weight, units };
    assert!(sample_ratio(&[&[arm(1e-300, 0), arm(1e100, 7)]]).is_err());
    assert!(Guardrail::new(Harm::Increase, Margin::Relative(1e90)).is_err());
}

/// Times since 1970 in seconds differ by parts of one, and are not all the same.
#[test]
fn what_all_units_share_does_not_hide_their_differences_from_the_randomization_test() {
    let assignments = Assignments::seeded([0; 32]);
    let p = |shared: f64| {
        let control = [1.0, 1.1, 0.9, 1.05, 1.7].map(|value| shared + value / 4096.0);
        let treated = [2.0, 2.1, 1.9, 2.05, 1.6].map(|value| shared + value / 4096.0);
        randomization_test(&control, &treated, Alternative::TwoSided, &assignments).unwrap()
    };
    assert_eq!(p(0.0), p(4e9));
    assert!(p(0.0).p_value < 0.05);
}

#[test]
fn so_few_units_that_nothing_can_be_shown_have_an_interval_without_ends() {
    let assignments = Assignments::seeded([0; 32]);
    let (control, treated) = ([1.0, 2.0, 3.0], [7.0, 8.0, 9.0]);
    let alternative = Alternative::TwoSided;
    let found = randomization_test(&control, &treated, alternative, &assignments).unwrap();
    assert_eq!(found.least_attainable, 0.1);
    let interval =
        randomization_interval(&control, &treated, alternative, &assignments, level()).unwrap();
    assert_eq!(interval, Interval { low: f64::NEG_INFINITY, high: f64::INFINITY });
    // Five against five can be as small as 2 in 252, the notes of the field say.
    let (control, treated) = ([1.0, 2.0, 3.0, 4.0, 5.0], [6.0, 7.0, 8.0, 9.0, 10.0]);
    let found = randomization_test(&control, &treated, alternative, &assignments).unwrap();
    assert_eq!((found.p_value, found.least_attainable), (2.0 / 252.0, 2.0 / 252.0));
    let none = Assignments { draws: 0, enumerate_at_most: 0, seed: [0; 32] };
    assert!(randomization_test(&control, &treated, alternative, &none).is_err());
}

#[test]
fn margins_ranges_and_weights_that_mean_nothing_are_refused() {
    for margin in BAD.into_iter().chain([-0.1]) {
        for harm in [Harm::Increase, Harm::Decrease] {
            assert!(Guardrail::new(harm, Margin::Absolute(margin)).is_err());
            assert!(Guardrail::new(harm, Margin::Relative(margin)).is_err());
        }
    }
    assert!(Guardrail::new(Harm::Decrease, Margin::Relative(1.0)).is_err());
    let guardrail = Guardrail::new(Harm::Increase, Margin::Relative(0.1)).unwrap();
    let negative = Moments::of([-1.0, -2.0]).unwrap();
    let message = "the control arm's mean must be above 0 for a relative margin, not -1.5";
    assert_eq!(said(guardrail.excess(&negative, &negative)), message);
    let assignments = Assignments::seeded([0; 32]);
    assert!(guardrail.randomized(&[-1.0, -2.0], &[1.0, 2.0], &assignments).is_err());
    for (low, high) in [(1.0, 1.0), (2.0, 1.0), (f64::NAN, 1.0), (0.0, f64::INFINITY)] {
        assert!(BoundedSequence::new(low, high, level()).is_err());
        assert!(BettingSequence::new(low, high, level()).is_err());
    }
    let sequence = BoundedSequence::new(0.0, 1.0, level()).unwrap();
    assert!(sequence.mean(&Moments::of([1.5]).unwrap()).is_err());
    assert_eq!(sequence.mean(&Moments::default()), Ok(Interval { low: 0.0, high: 1.0 }));
    let mut bets = BettingSequence::new(0.0, 1.0, level()).unwrap();
    for value in BAD.into_iter().chain([-0.1, 1.1]) {
        assert!(bets.push(value).is_err());
        assert!(bets.p_of_mean(value, Alternative::TwoSided).is_err());
    }
    assert_eq!((bets.count(), bets.interval()), (0, Interval { low: 0.0, high: 1.0 }));
    let arm = |weight, units| ArmCount { weight, units };
    for stage in [
        vec![],
        vec![arm(1.0, 5)],
        vec![arm(1.0, 5), arm(0.0, 0)],
        vec![arm(1.0, 5), arm(-1.0, 5)],
        vec![arm(1.0, 5), arm(f64::NAN, 5)],
        vec![arm(1.0, 5), arm(1.0, u64::MAX)],
    ] {
        assert!(sample_ratio(&[&stage]).is_err(), "{stage:?}");
    }
    assert!(sample_ratio(&[]).is_err());
}

/// Some libraries count an arm without weight among the degrees of freedom.
#[test]
fn an_arm_that_is_closed_counts_for_nothing_unless_units_came_into_it() {
    let arm = |weight, units| ArmCount { weight, units };
    let open = [arm(1.0, 5_100), arm(1.0, 4_900)];
    let closed = [arm(1.0, 5_100), arm(0.0, 0), arm(1.0, 4_900)];
    assert_eq!(sample_ratio(&[&open]), sample_ratio(&[&closed]));
    let broken = [arm(1.0, 5_100), arm(0.0, 1), arm(1.0, 4_900)];
    let found = sample_ratio(&[&broken]).unwrap();
    assert_eq!((found.p_value, found.anytime_p), (0.0, 0.0));
    // A stage that nobody has come into says nothing.
    let empty = [arm(3.0, 0), arm(1.0, 0)];
    let found = sample_ratio(&[&empty]).unwrap();
    assert_eq!((found.p_value, found.anytime_p, found.ln_bayes_factor), (1.0, 1.0, 0.0));
}

#[test]
fn labels_that_may_say_nothing_are_refused() {
    let exact = |share| Stated::exact(share).unwrap();
    assert!(Stated::exact(1.1).is_err());
    assert!(Stated::new(0.5, Interval { low: 0.6, high: 0.7 }).is_err());
    assert!(Stated::new(0.5, Interval { low: f64::NAN, high: 0.7 }).is_err());
    assert!(LabelQuality::new(exact(0.5), exact(0.5)).is_err());
    let loose = Stated::new(0.6, Interval { low: 0.1, high: 0.9 }).unwrap();
    assert!(LabelQuality::new(loose, exact(0.9)).is_err());
    let quality = LabelQuality::new(exact(0.6), exact(0.9)).unwrap();
    assert!(quality.true_rate(1.1).is_err());
    assert_eq!(quality.true_rate(0.05), Ok(0.0));
    assert!(quality.true_difference(f64::NAN).is_err());
    let no_number = Interval { low: f64::NAN, high: 0.5 };
    assert!(quality.true_rates(no_number).is_err());
    assert!(quality.true_differences(no_number).is_err());
    let unknown = Interval { low: f64::NEG_INFINITY, high: f64::INFINITY };
    assert_eq!(quality.true_rates(unknown), Ok(Interval { low: 0.0, high: 1.0 }));
    assert_eq!(quality.true_differences(unknown), Ok(Interval { low: -1.0, high: 1.0 }));
}

#[test]
fn plans_that_mean_nothing_or_cannot_be_met_are_refused() {
    let design = Design {
        control_units: 10,
        treated_units: 10,
        control_deviation: 1.0,
        treated_deviation: 1.0,
    };
    let two_sided = Alternative::TwoSided;
    assert!(Design { treated_units: 1, ..design }.power(1.0, two_sided, level()).is_err());
    for value in BAD.into_iter().chain([0.0]) {
        let other = Design { control_deviation: value, ..design };
        assert!(other.power(1.0, two_sided, level()).is_err());
        assert!(design.least_detectable_effect(value, two_sided, level()).is_err());
        assert!(units_needed(value, 1.0, 0.5, 0.8, two_sided, level()).is_err());
        assert!(units_needed(1.0, 1.0, value, 0.8, two_sided, level()).is_err());
    }
    assert!(units_needed(-1.0, 1.0, 0.5, 0.8, Alternative::Greater, level()).is_err());
    assert!(units_needed(-1.0, 1.0, 0.5, 0.8, Alternative::Less, level()).is_ok());
    let message = "this power cannot be reached, however many units or days there are";
    assert_eq!(said(units_needed(1e-12, 1.0, 0.5, 0.8, two_sided, level())), message);
    let clusters = Clusters { mean_size: 12.0, size_variation: 3.0, intraclass_correlation: 0.3 };
    assert!((clusters.design_effect().unwrap() - 36.7).abs() < 1e-12);
    assert!(Clusters { mean_size: 0.5, ..clusters }.design_effect().is_err());
    assert!(deviation_of_cluster_means(1.0, 1.5, 0.5).is_err());
    let deviation = deviation_of_cluster_means(2.0, 0.3, 0.5).unwrap();
    assert!((deviation - 2.0 * 0.65_f64.sqrt()).abs() < 1e-12);
}

#[test]
fn the_levels_of_all_looks_sum_to_alpha_and_no_other_look_has_one() {
    for planned in [1, 2, 5, 30, 1000] {
        let looks = Looks::planned(planned, level()).unwrap();
        let sum: f64 = (1..=planned).map(|look| looks.level_at(look).unwrap().alpha()).sum();
        assert!((sum - 0.05).abs() < 1e-12, "{planned}: {sum}");
        assert!(looks.level_at(0).is_err() && looks.level_at(planned + 1).is_err());
    }
    assert!(Looks::planned(0, level()).is_err());
}

#[test]
fn days_go_on_until_units_and_their_values_are_known_well_enough() {
    let arrivals = Arrivals {
        first_day: 20.0,
        per_day: 2.0,
        treated_share: 0.5,
        variance_between: 1.0,
        variance_per_day: 3.0,
    };
    let two_sided = Alternative::TwoSided;
    let days = arrivals.days_needed(1.0, 0.8, two_sided, level()).unwrap();
    let power = |days| arrivals.after(days).unwrap().power(1.0, two_sided, level()).unwrap();
    assert!(power(days) >= 0.8 && power(days - 1) < 0.8, "{days}");
    // A fixed population whose units differ too much is never enough.
    let fixed = Arrivals { per_day: 0.0, ..arrivals };
    assert!(fixed.days_needed(0.5, 0.8, two_sided, level()).is_err());
    assert!(arrivals.after(0).is_err());
}

proptest! {
    /// Whatever is written in a file.
    #[test]
    fn nothing_panics_and_no_p_value_is_not_a_number(
        counts in any::<[u64; 2]>(), means in any::<[f64; 2]>(), squares in any::<[f64; 2]>(),
        alpha in any::<f64>(), other in any::<f64>(),
    ) {
        let level = Level::new(alpha).unwrap_or(level());
        let mut arms = Vec::new();
        for place in 0..2 {
            let arm = Moments::from_parts(counts[place] >> 11, means[place] % 1e6, squares[place])
                .or_else(|_| Moments::from_parts(counts[place] % 50, other % 1e3, 0.5));
            arms.push(arm.unwrap_or_default());
        }
        if let Ok(contrast) = Contrast::between(&arms[0], &arms[1]) {
            for alternative in [Alternative::TwoSided, Alternative::Greater, Alternative::Less] {
                let effect = contrast.welch(alternative, level);
                prop_assert!((0.0..=1.0).contains(&effect.p_value), "{:?}", effect);
                prop_assert!(effect.interval.low <= effect.interval.high);
                if let Ok(sequence) = AsymptoticSequence::tuned_for(other, alternative, level) {
                    if let Ok(found) = sequence.at(&contrast) {
                        prop_assert!((0.0..=1.0).contains(&found.p_value), "{:?}", found);
                        prop_assert!(found.interval.low <= found.interval.high);
                    }
                }
            }
        }
        let weights = [means[0].abs(), other.abs()];
        let arms = [0, 1].map(|place| ArmCount { weight: weights[place], units: counts[place] });
        if let Ok(found) = sample_ratio(&[&arms]) {
            prop_assert!((0.0..=1.0).contains(&found.p_value), "{:?}", found);
            prop_assert!((0.0..=1.0).contains(&found.anytime_p), "{:?}", found);
        }
    }
}
