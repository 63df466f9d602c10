//! Tests at a fixed time, plans and labels, against other programs.

use guilloche::stats::{
    Alternative, ArmCount, Assignments, Contrast, Cuped, Design, Guardrail, Harm, Interval,
    LabelQuality, Level, Margin, Moments, SecondaryRatio, Stated, holm, homogeneity,
    randomization_test, sample_ratio, units_needed,
};
use serde_json::Value;

use crate::vectors::{
    alternative, level, moments, number, paired, rows, same, same_to_nine_places, values,
};

/// scipy 1.17.1, `ttest_ind(equal_var=False)`.
#[test]
fn welch_is_that_of_scipy() {
    for row in rows("welch") {
        let contrast =
            Contrast::between(&moments(&row["control"]), &moments(&row["treated"])).unwrap();
        let effect = contrast.welch(alternative(&row["alternative"]), level(&row["alpha"]));
        same(effect.p_value, &row["p"], &row);
        same(effect.degrees_of_freedom, &row["degrees"], &row);
        for (end, expected) in
            [(effect.interval.low, &row["low"]), (effect.interval.high, &row["high"])]
        {
            if expected.is_null() {
                assert!(end.is_infinite(), "{row}");
            } else {
                same_to_nine_places(end, expected, &row);
            }
        }
    }
}

/// mpmath 1.4.1: the tail of t where degrees of freedom are in the millions and where they are two.
#[test]
fn the_law_of_t_keeps_its_digits_up_to_millions_of_units() {
    for row in rows("student") {
        let (half, t) = (row[0].as_u64().unwrap(), number(&row[1]));
        // Variances of one, and means that are t standard errors apart.
        let arm = |mean| Moments::from_parts(half, mean, (half - 1) as f64).unwrap();
        let error = (2.0 / half as f64).sqrt();
        let contrast = Contrast::between(&arm(0.0), &arm(t * error)).unwrap();
        let effect = contrast.welch(Alternative::TwoSided, Level::new(0.05).unwrap());
        same(effect.p_value, &row[2], &row);
    }
}

/// gbstats 0.8.0, `RatioStatistic`.
#[test]
fn the_secondary_ratio_is_that_of_growthbook() {
    for row in rows("growthbook_ratio") {
        let (control, treated) = (paired(&row["control"]), paired(&row["treated"]));
        let ratio = SecondaryRatio::of(&control, &treated, Level::new(0.05).unwrap()).unwrap();
        same(ratio.control, &row["control_ratio"], &row);
        same(ratio.treated, &row["treated_ratio"], &row);
        same(ratio.standard_error, &row["standard_error"], &row);
        same(ratio.rough_interval.low, &row["low"], &row);
        same(ratio.rough_interval.high, &row["high"], &row);
    }
}

/// gbstats 0.8.0, `RegressionAdjustedStatistic` and `compute_theta`.
#[test]
fn cuped_is_that_of_growthbook() {
    for row in rows("growthbook_cuped") {
        let (control, treated) = (paired(&row["control"]), paired(&row["treated"]));
        let mut all = control;
        all.merge(&treated);
        let cuped = Cuped::blind(&all).unwrap();
        same(cuped.slope(), &row["theta"], &row);
        let (control, treated) =
            (cuped.adjusted(&control).unwrap(), cuped.adjusted(&treated).unwrap());
        let effect = Contrast::between(&control, &treated)
            .unwrap()
            .welch(Alternative::TwoSided, Level::new(0.05).unwrap());
        same(effect.estimate, &row["estimate"], &row);
        same(effect.p_value, &row["p"], &row);
        same(effect.interval.low, &row["low"], &row);
        same(effect.interval.high, &row["high"], &row);
        // Unit by unit it is the same.
        let units = |arm: &Value| -> Moments {
            let pairs = arm.as_array().unwrap();
            Moments::of(pairs.iter().map(|pair| cuped.adjust(number(&pair[0]), number(&pair[1]))))
                .unwrap()
        };
        let again = Contrast::between(&units(&row["control"]), &units(&row["treated"])).unwrap();
        same(again.estimate(), &row["estimate"], &row);
        assert!((again.standard_error() / effect.standard_error - 1.0).abs() < 1e-9);
    }
}

/// scipy 1.17.1, `permutation_test` over all assignments.
#[test]
fn the_randomization_test_is_that_of_scipy_where_all_assignments_are_tried() {
    let assignments = Assignments::seeded([0; 32]);
    for row in rows("randomization") {
        let (control, treated) = (values(&row["control"]), values(&row["treated"]));
        for name in ["two-sided", "greater", "less"] {
            let alternative = alternative(&Value::from(name));
            let found = randomization_test(&control, &treated, alternative, &assignments).unwrap();
            assert!(found.exact);
            same(found.p_value, &row[name], &row);
            assert!(found.least_attainable <= found.p_value);
        }
    }
}

/// Draws by a ChaCha20 that `make_stats.py` writes a second time, with scipy's t.
#[test]
fn the_draws_are_those_of_the_key_stream() {
    let row = &rows("drawn")[0];
    let seed: Vec<u8> = values(&row["key"]).into_iter().map(|byte| byte as u8).collect();
    let assignments = Assignments {
        enumerate_at_most: 0,
        draws: row["draws"].as_u64().unwrap() as u32,
        seed: seed.try_into().unwrap(),
    };
    let (control, treated) = (values(&row["control"]), values(&row["treated"]));
    let found =
        randomization_test(&control, &treated, Alternative::TwoSided, &assignments).unwrap();
    same(found.p_value, &row["p"], row);
    assert!(!found.exact && found.least_attainable == 0.001);
}

/// savvi 0.2.0, mpmath 1.4.1 where savvi overflows, scipy 1.17.1 for χ².
#[test]
fn sample_ratios_are_those_of_savvi_and_scipy() {
    let arms = |row: &Value| -> Vec<ArmCount> {
        let (weights, units) = (values(&row["weights"]), values(&row["counts"]));
        weights
            .into_iter()
            .zip(units)
            .map(|(weight, units)| ArmCount { weight, units: units as u64 })
            .collect()
    };
    let (mut chi_squared, mut evidence, mut stages) = (0.0, 0.0, Vec::new());
    for row in rows("sample_ratio") {
        let arms = arms(&row);
        let found = sample_ratio(&[&arms]).unwrap();
        same_to_nine_places(found.ln_bayes_factor, &row["ln_bayes_factor"], &row);
        same(found.chi_squared, &row["chi_squared"], &row);
        same(found.p_value, &row["p"], &row);
        chi_squared += found.chi_squared;
        evidence += found.ln_bayes_factor;
        stages.push(arms);
    }
    let stages: Vec<&[ArmCount]> = stages.iter().map(Vec::as_slice).collect();
    let together = sample_ratio(&stages).unwrap();
    assert!((together.chi_squared - chi_squared).abs() < 1e-9);
    assert!((together.ln_bayes_factor - evidence).abs() < 1e-9);
    assert_eq!(together.degrees_of_freedom, 10);
}

/// scipy 1.17.1, `chi2_contingency(correction=False)`: the statistic, the p-value and the least of
/// `expected_freq`.
#[test]
fn homogeneity_is_that_of_scipy() {
    let tables: [(&[(u64, u64)], _); 6] = [
        (&[(300, 100), (380, 20)], (62.74509803921569, 2.3526641249173916e-15, 60.0)),
        (&[(385, 15), (399, 1)], (12.5, 0.00040695201744495946, 8.0)),
        (&[(3, 397), (5, 395)], (0.5050505050505051, 0.4772893402694306, 4.0)),
        (&[(30, 10), (33, 7), (12, 28)], (27.519999999999996, 1.0570801776282585e-06, 15.0)),
        (&[(1, 9), (50, 4950)], (8.02284616205829, 0.004619092393050051, 0.10179640718562874)),
        (&[(300, 100), (310, 90)], (0.6902502157031923, 0.40607928612265354, 95.0)),
    ];
    for (arms, (chi_squared, p, least_expected)) in tables {
        let found = homogeneity(arms).unwrap();
        let what = Value::from(format!("{arms:?}"));
        same(found.chi_squared, &chi_squared.into(), &what);
        same(found.p_value, &p.into(), &what);
        same(found.least_expected, &least_expected.into(), &what);
        assert_eq!(found.degrees_of_freedom as usize, arms.len() - 1);
        // Whether it befell or spared them is the same question.
        let turned: Vec<_> = arms.iter().map(|(yes, no)| (*no, *yes)).collect();
        same(homogeneity(&turned).unwrap().p_value, &p.into(), &what);
    }
    for nothing in [&[(0, 5), (0, 9)][..], &[(5, 0), (9, 0)], &[(3, 4)], &[(3, 4), (0, 0)], &[]] {
        assert!(homogeneity(nothing).is_err(), "{nothing:?}");
    }
}

/// statsmodels 0.15.0, `multipletests`.
#[test]
fn holm_is_that_of_statsmodels() {
    for row in rows("holm") {
        let found = holm(&values(&row[0])).unwrap();
        for (found, expected) in found.iter().zip(row[1].as_array().unwrap()) {
            same(*found, expected, &row);
        }
    }
}

/// statsmodels 0.15.0, `ttest_ind(usevar="unequal", value=…)`.
#[test]
fn non_inferiority_is_that_of_statsmodels() {
    let level = Level::new(0.05).unwrap();
    for row in rows("non_inferiority") {
        let margin = match row.get("share") {
            Some(share) => Margin::Relative(number(share)),
            None => Margin::Absolute(number(&row["margin"])),
        };
        for (harm, held, broken) in [
            (Harm::Increase, "increase_held", "increase_broken"),
            (Harm::Decrease, "decrease_held", "decrease_broken"),
        ] {
            let found = Guardrail::new(harm, margin)
                .unwrap()
                .non_inferiority(&moments(&row["control"]), &moments(&row["treated"]), level)
                .unwrap();
            same(found.excess.p_value, &row[held], &row);
            if let Some(expected) = row.get(broken) {
                same(found.broken_p, expected, &row);
            }
            assert_eq!(found.excess.p_value < 0.05, found.excess.interval.high < 0.0);
        }
    }
}

/// statsmodels 0.15.0, `TTestIndPower`, for equal arms; scipy 1.17.1, `nct`, for others.
#[test]
fn power_is_that_of_statsmodels_and_scipy() {
    for row in rows("power_equal") {
        let units = row[0].as_u64().unwrap();
        let design = Design {
            control_units: units,
            treated_units: units,
            control_deviation: 1.0,
            treated_deviation: 1.0,
        };
        let (alternative, level) = (alternative(&row[2]), level(&row[3]));
        let effect = number(&row[1]);
        let found = design.power(effect, alternative, level).unwrap();
        same_to_nine_places(found, &row[4], &row);
        if found > level.alpha() && found < 0.999 {
            let least = design.least_detectable_effect(found, alternative, level).unwrap();
            assert!((least - effect).abs() < 1e-9, "{least} {row}");
        }
    }
    for row in rows("power_unequal") {
        let design = Design {
            control_units: row[0].as_u64().unwrap(),
            treated_units: row[1].as_u64().unwrap(),
            control_deviation: number(&row[2]),
            treated_deviation: number(&row[3]),
        };
        let level = Level::new(0.05).unwrap();
        let found = design.power(number(&row[4]), Alternative::TwoSided, level).unwrap();
        same_to_nine_places(found, &row[5], &row);
    }
}

/// statsmodels 0.15.0, `TTestIndPower.solve_power`, rounded up per arm.
#[test]
fn units_needed_are_those_of_statsmodels() {
    let level = Level::new(0.05).unwrap();
    for row in rows("units_needed") {
        let (effect, power) = (number(&row[0]), number(&row[1]));
        let found = units_needed(effect, 1.0, 0.5, power, Alternative::TwoSided, level).unwrap();
        // Ours need not be even.
        let expected = row[2].as_u64().unwrap();
        assert!(found == expected || found + 1 == expected, "{found} {row}");
    }
}

/// Rogan and Gladen's formula at all corners, in exact fractions.
#[test]
fn rates_behind_noisy_labels_are_those_of_the_formula() {
    for row in rows("label_noise") {
        let stated = |name: &str| {
            let [low, value, high]: [f64; 3] = values(&row[name]).try_into().unwrap();
            Stated::new(value, Interval { low, high }).unwrap()
        };
        let quality = LabelQuality::new(stated("sensitivity"), stated("specificity")).unwrap();
        let labelled = Interval { low: number(&row["low"]), high: number(&row["high"]) };
        same(quality.true_rate(labelled.low).unwrap(), &row["point"], &row);
        let rates = quality.true_rates(labelled).unwrap();
        same(rates.low, &row["least"], &row);
        same(rates.high, &row["most"], &row);
    }
}
