//! Arms that do the same, drawn again and again from fixed seeds: how often each test errs. The
//! tables of `docs/experiment-statistics.md` have more of it (`cargo bench --bench experiments`).

use guilloche::stats::{
    Alternative, ArmCount, ArmSequence, Assignments, AsymptoticSequence, BettingSequence,
    BoundedSequence, Contrast, Guardrail, Harm, Interval, Level, Margin, Moments,
    RandomizationSequence, randomization_test, sample_ratio,
};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

struct Draw(ChaCha20Rng);

impl Draw {
    fn of(seed: u64) -> Self {
        Self(ChaCha20Rng::seed_from_u64(seed))
    }

    fn uniform(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Box and Muller.
    fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.uniform()).cos()
    }

    /// The total of a cluster with a heavy tail.
    fn heavy(&mut self) -> f64 {
        (1.0 - self.uniform()).powf(-1.0 / 1.2)
    }

    fn seed(&mut self) -> [u8; 32] {
        let mut seed = [0; 32];
        self.0.fill_bytes(&mut seed);
        seed
    }
}

fn level() -> Level {
    Level::new(0.05).unwrap()
}

/// The most often that something with a chance of 5 % happens in so many trials, by chance of 1e-4.
fn at_most_five_percent(times: u32, trials: u32) -> bool {
    let trials = f64::from(trials);
    f64::from(times) <= 0.05 * trials + 3.72 * (trials * 0.05 * 0.95).sqrt()
}

/// The count of trials whose p-value is at most each level stays within chance of it.
fn never_too_small(p_values: &[f64]) {
    let trials = p_values.len() as f64;
    for level in [0.01, 0.05, 0.1, 0.2, 0.5, 0.8] {
        let below = p_values.iter().filter(|p| **p <= level).count() as f64;
        let most = trials * level + 3.72 * (trials * level * (1.0 - level)).sqrt();
        assert!(below <= most, "{below} of {trials} at {level}");
    }
}

#[test]
fn the_randomization_test_errs_as_often_as_it_says_with_raw_heavy_tails_and_any_split() {
    for (line, (units, share)) in [(10, 0.5), (20, 0.1), (40, 0.1), (40, 0.5)].iter().enumerate() {
        for alternative in [Alternative::TwoSided, Alternative::Greater, Alternative::Less] {
            let mut draw = Draw::of(line as u64);
            let mut p_values = Vec::new();
            for _ in 0..600 {
                let (mut control, mut treated) = (Vec::new(), Vec::new());
                for _ in 0..*units {
                    let value = draw.heavy();
                    if draw.uniform() < *share { &mut treated } else { &mut control }.push(value);
                }
                let assignments =
                    Assignments { enumerate_at_most: 300, draws: 99, seed: draw.seed() };
                let found = randomization_test(&control, &treated, alternative, &assignments);
                p_values.extend(found.map(|found| found.p_value));
            }
            never_too_small(&p_values);
        }
    }
}

#[test]
fn the_p_values_of_welch_are_uniform_for_bell_shaped_units() {
    let mut draw = Draw::of(10);
    let mut p_values = Vec::new();
    for _ in 0..4_000 {
        // Sums of twelve, and arms of unequal size and spread.
        let mut arm = |units: usize, spread: f64| {
            let value = |_| spread * (0..12).map(|_| draw.uniform() - 0.5).sum::<f64>();
            Moments::of((0..units).map(value)).unwrap()
        };
        let (control, treated) = (arm(25, 1.0), arm(15, 2.5));
        let contrast = Contrast::between(&control, &treated).unwrap();
        p_values.push(contrast.welch(Alternative::TwoSided, level()).p_value);
    }
    never_too_small(&p_values);
    let mirrored: Vec<_> = p_values.iter().map(|p| 1.0 - p).collect();
    never_too_small(&mirrored);
}

/// Harm at the margin is called held in five cases of a hundred, whatever the tail and the split.
#[test]
fn a_guardrail_at_its_margin_is_not_called_held_too_often() {
    let guardrail = Guardrail::new(Harm::Increase, Margin::Relative(0.1)).unwrap();
    let mut draw = Draw::of(20);
    let (mut held, mut broken) = (Vec::new(), Vec::new());
    for _ in 0..600 {
        let control: Vec<_> = (0..36).map(|_| draw.heavy()).collect();
        let treated: Vec<_> = (0..6).map(|_| 1.1 * draw.heavy()).collect();
        let assignments = Assignments { enumerate_at_most: 0, draws: 99, seed: draw.seed() };
        let found = guardrail.randomized(&control, &treated, &assignments).unwrap();
        held.push(found.held.p_value);
        broken.push(found.broken.p_value);
    }
    never_too_small(&held);
    never_too_small(&broken);
}

/// Thirty looks, at each of which every sequence could have missed.
#[test]
fn the_sequences_cover_at_all_looks_together() {
    let (trials, looks, per_look) = (200, 30, 20);
    let two_sided = Alternative::TwoSided;
    let sequence = AsymptoticSequence::tuned_for(600.0, two_sided, level()).unwrap();
    let greater = AsymptoticSequence::tuned_for(600.0, Alternative::Greater, level()).unwrap();
    let arms = ArmSequence::tuned_for(300.0, level()).unwrap();
    let bounded = BoundedSequence::new(0.0, 10.0, level()).unwrap();
    let mut missed = [0; 7];
    for trial in 0..trials {
        let mut draw = Draw::of(1_000 + u64::from(trial));
        let (mut control, mut treated) = (Moments::default(), Moments::default());
        let bets = || BettingSequence::new(0.0, 10.0, level().shared_among(2)).unwrap();
        let (mut control_bets, mut treated_bets) = (bets(), bets());
        let mut ever = [false; 7];
        for look in 1..=looks {
            for _ in 0..per_look {
                let value = draw.heavy().min(10.0);
                let (arm, bets) = if draw.uniform() < 0.5 {
                    (&mut treated, &mut treated_bets)
                } else {
                    (&mut control, &mut control_bets)
                };
                arm.push(value).unwrap();
                bets.push(value).unwrap();
            }
            let leaves_zero_out = |interval: Interval| !interval.contains(0.0);
            let at = |sequence: &AsymptoticSequence| {
                let contrast = Contrast::between(&control, &treated).ok()?;
                sequence.at(&contrast).ok()
            };
            let counts = [control.count(), treated.count()];
            let counts = counts.map(|units| ArmCount { weight: 1.0, units });
            // An interval of bets takes time: at every fifth look.
            let by_bets = if look % 5 == 0 {
                Interval::difference(&control_bets.interval(), &treated_bets.interval())
            } else {
                Interval { low: f64::NEG_INFINITY, high: f64::INFINITY }
            };
            let found = [
                at(&sequence).is_some_and(|found| leaves_zero_out(found.interval)),
                at(&greater).is_some_and(|found| leaves_zero_out(found.interval)),
                at(&sequence).is_some_and(|found| found.p_value <= 0.05),
                arms.difference(&control, &treated).is_ok_and(leaves_zero_out),
                bounded.difference(&control, &treated).is_ok_and(leaves_zero_out),
                leaves_zero_out(by_bets),
                sample_ratio(&[&counts]).unwrap().anytime_p <= 0.05,
            ];
            for (ever, found) in ever.iter_mut().zip(found) {
                *ever |= found;
            }
        }
        for (missed, ever) in missed.iter_mut().zip(ever) {
            *missed += u32::from(ever);
        }
    }
    for (place, missed) in missed.iter().enumerate() {
        assert!(at_most_five_percent(*missed, trials), "{place}: {missed} of {trials}");
    }
}

/// One arm alone, after each single unit, against the mean that it truly has.
#[test]
fn the_sequences_for_small_arms_cover_after_every_unit() {
    let trials = 300;
    let bounded = BoundedSequence::new(0.0, 1.0, level()).unwrap();
    for chance in [0.02, 0.5] {
        let (mut missed, mut missed_by_bets) = (0, 0);
        for trial in 0..trials {
            let mut draw = Draw::of(5_000 + u64::from(trial));
            let mut arm = Moments::default();
            let mut bets = BettingSequence::new(0.0, 1.0, level()).unwrap();
            let (mut ever, mut ever_by_bets) = (false, false);
            for _ in 0..100 {
                let value = f64::from(u8::from(draw.uniform() < chance));
                arm.push(value).unwrap();
                bets.push(value).unwrap();
                ever |= bounded.p_of_mean(&arm, chance).unwrap() <= 0.05;
                ever_by_bets |= bets.p_of_mean(chance, Alternative::TwoSided).unwrap() <= 0.05;
            }
            missed += u32::from(ever);
            missed_by_bets += u32::from(ever_by_bets);
        }
        assert!(at_most_five_percent(missed, trials), "{chance}: {missed}");
        assert!(at_most_five_percent(missed_by_bets, trials), "{chance}: {missed_by_bets}");
    }
}

/// One look after each unit, of which one in ten is in an arm, either one.
// Break it: ask for LEAST_UNITS whatever the tails, and the lognormal values miss in 10 to 15 of a
// hundred experiments and those of rare events in 35.
#[test]
fn sequences_that_go_by_the_variance_cover_in_a_small_arm_or_say_that_units_are_too_few() {
    type Value = fn(&mut Draw) -> f64;
    let values: [(&str, Value); 5] = [
        ("lognormal 2", |draw| (2.0 * draw.normal()).exp()),
        ("lognormal 1", |draw| draw.normal().exp()),
        ("lognormal 2, capped where one in twenty is", |draw| {
            (2.0 * draw.normal()).exp().min(26.8)
        }),
        ("one in a hundred", |draw| f64::from(u8::from(draw.uniform() < 0.01))),
        ("bell-shaped", |draw| draw.normal()),
    ];
    let trials = 100;
    let sequence = AsymptoticSequence::tuned_for(1_000.0, Alternative::TwoSided, level()).unwrap();
    let arms = ArmSequence::tuned_for(500.0, level()).unwrap();
    for (name, value) in values {
        for share in [0.1, 0.9] {
            let (mut missed, mut answered) = ([0; 2], [0; 2]);
            for trial in 0..trials {
                let mut draw = Draw::of(20_000 + u64::from(trial));
                let (mut control, mut treated) = (Moments::default(), Moments::default());
                let (mut ever, mut any) = ([false; 2], [false; 2]);
                for unit in 0..2_000 {
                    let arm = if draw.uniform() < share { &mut treated } else { &mut control };
                    arm.push(value(&mut draw)).unwrap();
                    if unit < 50 {
                        continue;
                    }
                    let contrast = Contrast::between(&control, &treated);
                    let found = [
                        contrast.and_then(|it| sequence.at(&it)).map(|it| it.interval),
                        arms.difference(&control, &treated),
                    ];
                    for ((ever, any), found) in ever.iter_mut().zip(&mut any).zip(found) {
                        *any |= found.is_ok();
                        *ever |= found.is_ok_and(|interval| !interval.contains(0.0));
                    }
                }
                for place in 0..2 {
                    missed[place] += u32::from(ever[place]);
                    answered[place] += u32::from(any[place]);
                }
            }
            for missed in missed {
                assert!(at_most_five_percent(missed, trials), "{name}, {share}: {missed}");
            }
            if name == "bell-shaped" {
                assert_eq!(answered, [trials; 2], "{share}");
            }
        }
    }
}

/// The bets keep their level from the first unit on, of any tail and any share of the arms, and see
/// what is there.
#[test]
fn bets_on_the_assignment_are_fair_where_no_unit_is_changed_and_pay_where_most_are() {
    let trials = 200;
    for (share, seed) in [(0.1, 30_000), (0.5, 31_000), (0.9, 32_000)] {
        // A factor that the arm has on each unit's value, and whether a margin of as much is taken off.
        for (factor, margin, fair) in
            [(1.0, 1.0, true), (1.3, 1.3, true), (0.5, 1.0, true), (4.0, 1.1, false)]
        {
            let mut found = 0;
            for trial in 0..trials {
                let mut draw = Draw::of(seed + u64::from(trial));
                let mut bets = RandomizationSequence::default();
                for _ in 0..1_000 {
                    let treated = draw.uniform() < share;
                    let value = (2.0 * draw.normal()).exp();
                    let value = if treated { factor * value / margin } else { value };
                    bets.push(value, treated, share).unwrap();
                }
                found += u32::from(bets.p_value() <= 0.05);
            }
            match fair {
                true => assert!(at_most_five_percent(found, trials), "{share} {factor}: {found}"),
                false => assert!(found > trials * 9 / 10, "{share} {factor}: {found}"),
            }
        }
    }
}

/// What is written down of bets is all of them.
#[test]
fn bets_go_on_from_what_was_written_down_and_refuse_what_is_no_bet() {
    let mut draw = Draw::of(33_000);
    let mut bets = RandomizationSequence::default();
    for unit in 0..700 {
        bets.push(draw.heavy() + f64::from(unit % 3), draw.uniform() < 0.5, 0.5).unwrap();
        let earlier: Vec<f64> = bets.earlier().collect();
        assert!(earlier.len() <= 256);
        let again = RandomizationSequence::from_parts(&earlier, bets.ln_capitals(), bets.ln_most());
        assert_eq!(again.unwrap(), bets);
    }
    for (value, chance) in [(f64::NAN, 0.5), (1.0, 0.0), (1.0, 1.0), (1.0, f64::NAN)] {
        let before = bets.clone();
        assert!(bets.push(value, true, chance).is_err());
        assert_eq!(bets, before);
    }
    for (earlier, capital, most) in [
        (vec![0.0; 257], 0.0, 0.0),
        (vec![f64::INFINITY], 0.0, 0.0),
        (vec![], f64::NAN, 0.0),
        (vec![], 0.0, -1.0),
        (vec![], 0.0, f64::INFINITY),
    ] {
        assert!(RandomizationSequence::from_parts(&earlier, [capital; 5], most).is_err());
    }
}

/// The other side: what is there is found.
#[test]
fn a_planted_difference_is_found_by_each() {
    let mut draw = Draw::of(9_000);
    let mut arm = |kept: f64, units: usize| -> Vec<f64> {
        (0..units).map(|_| (kept * draw.heavy()).min(10.0)).collect()
    };
    let (control, treated) = (arm(1.0, 400), arm(0.4, 400));
    let few = (&control[..30], &treated[..30]);
    let two_sided = Alternative::TwoSided;
    let assignments = Assignments::seeded([1; 32]);
    let found = randomization_test(few.0, few.1, two_sided, &assignments).unwrap();
    assert!(found.p_value < 0.05, "{found:?}");
    let moments = |values: &[f64]| Moments::of(values.iter().copied()).unwrap();
    let contrast = Contrast::between(&moments(&control), &moments(&treated)).unwrap();
    let sequence = AsymptoticSequence::tuned_for(600.0, two_sided, level()).unwrap();
    assert!(sequence.at(&contrast).unwrap().interval.high < 0.0);
    let arms = ArmSequence::tuned_for(300.0, level()).unwrap();
    assert!(arms.difference(&moments(&control), &moments(&treated)).unwrap().high < 0.0);
    let bounded = BoundedSequence::new(0.0, 10.0, level()).unwrap();
    assert!(bounded.difference(&moments(&control), &moments(&treated)).unwrap().high < 0.0);
    let bets = |values: &[f64]| {
        let mut bets = BettingSequence::new(0.0, 10.0, level().shared_among(2)).unwrap();
        values.iter().for_each(|value| bets.push(*value).unwrap());
        bets.interval()
    };
    assert!(Interval::difference(&bets(&control), &bets(&treated)).high < 0.0);
}
