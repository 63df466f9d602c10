//! Intervals for all times, against other programs.

use guilloche::stats::{
    Alternative, ArmSequence, AsymptoticSequence, BettingSequence, BoundedSequence, Contrast,
    Level, Moments,
};

use crate::vectors::{
    confseq_rows, level, moments, number, rows, same, same_to_nine_places, values,
};

/// gbstats 0.8.0, `SequentialTwoSidedTTest`.
#[test]
fn the_two_sided_sequence_is_that_of_growthbook() {
    for row in rows("growthbook_sequential") {
        let contrast =
            Contrast::between(&moments(&row["control"]), &moments(&row["treated"])).unwrap();
        let (intended, level) = (number(&row["intended"]), level(&row["alpha"]));
        let found = AsymptoticSequence::tuned_for(intended, Alternative::TwoSided, level)
            .unwrap()
            .at(&contrast)
            .unwrap();
        same(found.interval.low, &row["low"], &row);
        same(found.interval.high, &row["high"], &row);
        same(found.p_value, &row["p"], &row);
    }
}

/// ville 0.1.0, its half-normal mixture.
#[test]
fn the_one_sided_sequence_is_that_of_ville() {
    for row in rows("mixtures") {
        let contrast =
            Contrast::between(&moments(&row["control"]), &moments(&row["treated"])).unwrap();
        let (intended, level) = (number(&row["intended"]), level(&row["alpha"]));
        let at = |alternative| {
            let sequence = AsymptoticSequence::tuned_for(intended, alternative, level).unwrap();
            sequence.at(&contrast).unwrap()
        };
        let (greater, less) = (at(Alternative::Greater), at(Alternative::Less));
        same_to_nine_places(greater.interval.low, &row["low"], &row);
        same_to_nine_places(less.interval.high, &row["high"], &row);
        assert_eq!(greater.interval.high, f64::INFINITY);
        assert_eq!(less.interval.low, f64::NEG_INFINITY);
        // The p-value and the interval say the same.
        assert_eq!(greater.p_value < level.alpha(), greater.interval.low > 0.0, "{row}");
        assert_eq!(less.p_value < level.alpha(), less.interval.high < 0.0, "{row}");
    }
}

/// confseq 0.0.11, `normal_mixture_bound`: the width of an interval whose units have variance one.
#[test]
fn the_boundaries_are_those_of_confseq() {
    let mut compared = 0;
    for row in confseq_rows("normal") {
        let units = row[0].as_u64().unwrap();
        let (level, intended) = (level(&row[1]), number(&row[2]));
        if units < 200 {
            continue;
        }
        // Two arms of n/2 have a variance of 4/n times that of a unit: a half of a deviation each.
        let arm = |mean| {
            let half = units / 2;
            Moments::from_parts(half, mean, (half - 1) as f64 / 4.0).unwrap()
        };
        let contrast = Contrast::between(&arm(0.0), &arm(1.0)).unwrap();
        for (alternative, expected) in
            [(Alternative::TwoSided, &row[3]), (Alternative::Greater, &row[4])]
        {
            let found = AsymptoticSequence::tuned_for(intended, alternative, level)
                .unwrap()
                .at(&contrast)
                .unwrap();
            same((1.0 - found.interval.low) * units as f64, expected, &row);
            compared += 1;
        }
    }
    assert_eq!(compared, 6);
    // One arm alone: confseq's bound at half the level.
    let arm = Moments::from_parts(2100, 3.0, 2099.0).unwrap();
    let sequence = ArmSequence::tuned_for(5000.0, Level::new(0.1).unwrap()).unwrap();
    let interval = sequence.mean(&arm).unwrap();
    let row = &confseq_rows("normal")[1];
    same((3.0 - interval.low) * 2100.0, &row[3], row);
    let difference = sequence.difference(&arm, &arm).unwrap();
    same(difference.high * 1050.0, &row[3], row);
}

/// ville 0.1.0, `BernoulliCS` and `BernoulliTest` with Jeffreys' prior.
#[test]
fn the_sequence_for_events_is_that_of_ville() {
    for row in rows("bernoulli") {
        let (units, events) = (row[0].as_u64().unwrap(), row[1].as_u64().unwrap());
        let mean = events as f64 / units as f64;
        let arm =
            Moments::of((0..units).map(|unit| if unit < events { 1.0 } else { 0.0 })).unwrap();
        assert!((arm.mean() - mean).abs() < 1e-12);
        let sequence = BoundedSequence::new(0.0, 1.0, level(&row[2])).unwrap();
        let interval = sequence.mean(&arm).unwrap();
        same_to_nine_places(interval.low, &row[3], &row);
        same_to_nine_places(interval.high, &row[4], &row);
        let p = sequence.p_of_mean(&arm, 0.3).unwrap();
        let expected = (-number(&row[5])).exp().min(1.0);
        assert!((p - expected).abs() <= 1e-9 * expected, "{p} {expected} {row}");
    }
}

/// mpmath 1.4.1: the same mixture for sums that are no whole numbers, on any range.
#[test]
fn the_sequence_for_bounded_values_is_that_of_the_formula() {
    for row in rows("mixture_of_sums") {
        let units = row[0].as_u64().unwrap();
        let mean = number(&row[1]) / units as f64;
        let arm = Moments::from_parts(units, -5.0 + 20.0 * mean, 1.0).unwrap();
        let sequence = BoundedSequence::new(-5.0, 15.0, level(&row[2])).unwrap();
        let interval = sequence.mean(&arm).unwrap();
        same_to_nine_places((interval.low + 5.0) / 20.0, &row[3], &row);
        same_to_nine_places((interval.high + 5.0) / 20.0, &row[4], &row);
        // Of two arms each misses with half of α.
        let twice = Level::new(2.0 * number(&row[2])).unwrap();
        let both = BoundedSequence::new(-5.0, 15.0, twice).unwrap();
        let difference = both.difference(&arm, &arm).unwrap();
        assert_eq!(difference.high, interval.high - interval.low);
        assert_eq!(difference.low, interval.low - interval.high);
    }
}

/// ville 0.1.0, `BettingTest`, upward and downward.
#[test]
fn the_betting_sequence_is_that_of_ville() {
    for row in rows("betting") {
        let level = level(&row["alpha"]);
        let mut sequence = BettingSequence::new(0.0, 1.0, level).unwrap();
        let mut shifted = BettingSequence::new(10.0, 14.0, level).unwrap();
        for value in values(&row["values"]) {
            sequence.push(value).unwrap();
            shifted.push(10.0 + 4.0 * value).unwrap();
        }
        let interval = sequence.interval();
        for tested in row["tested"].as_array().unwrap() {
            let (mean, logs) = (number(&tested[0]), [number(&tested[1]), number(&tested[2])]);
            for (alternative, log) in [Alternative::Greater, Alternative::Less].iter().zip(logs) {
                let p = sequence.p_of_mean(mean, *alternative).unwrap();
                let expected = (-log).exp().min(1.0);
                assert!((p - expected).abs() <= 1e-9 * expected, "{p} {expected} {row}");
            }
            // A mean is out where one of the two gamblers has doubled his share of 1/α.
            let out = logs[0].max(logs[1]) >= (2.0 / level.alpha()).ln();
            assert_eq!(interval.contains(mean), !out, "{mean} {interval:?} {row}");
        }
        let moved = shifted.interval();
        assert!((moved.low - 10.0 - 4.0 * interval.low).abs() < 1e-9);
        assert!((moved.high - 10.0 - 4.0 * interval.high).abs() < 1e-9);
    }
}
