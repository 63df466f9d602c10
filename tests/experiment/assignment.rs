//! Who is in which arm: the same everywhere, in the shares that were asked for, and by nobody's choice.

use std::collections::BTreeMap;

use guilloche::experiment::{Assignment, Experiment, Place, Unit, UnitKind};
use guilloche::jiff::Timestamp;
use guilloche::policy::Policy;
use guilloche::risk::{AccountId, ClusterId, Principal};
use guilloche::secret::Secret;
use proptest::prelude::*;

/// An experiment with arms of these weights; one of weight 0 is closed.
fn experiment(name: &str, layer: &str, holdout: f64, weights: &[u32]) -> Experiment {
    let mut text = format!(
        "version=1\nname='{name}'\nsalt='s'\nstart=2026-12-01\nend=2026-12-29\nholdout={holdout:?}\n"
    );
    if !layer.is_empty() {
        text += &format!("layer='{layer}'\n");
    }
    for (index, weight) in weights.iter().enumerate() {
        text += &format!("[[arm]]\nname='arm-{index}'\npolicy='p'\ncontrol={}\n", index == 0);
        text += &if *weight == 0 { "closed=true\n".into() } else { format!("weight={weight}\n") };
    }
    text += "[[metric]]\nname='requests'\nrole='success'\nbetter='lower'\ncap=9\n";
    Experiment::parse("e", &text, |_| {
        Policy::parse("p", "version=1\nname='p'\nmode='observe'\n[[grade]]\nname='g'\nat=0.5\n")
    })
    .unwrap()
}

fn assignment(secret: u8, experiment: &Experiment) -> Assignment {
    Assignment::new(&Secret::from([secret; 32]), experiment, 0.0..1.0)
}

fn account(id: &str) -> Unit<'_> {
    Unit::Account { tenant: "", id }
}

fn arm(assignment: &Assignment, number: u32) -> usize {
    match assignment.place(account(&number.to_string())) {
        Place::Arm(arm) => arm,
        place => panic!("{place:?} without a holdout or a layer"),
    }
}

#[test]
fn a_unit_is_the_cluster_or_else_the_account_and_each_is_told_from_the_others() {
    let mut principal = Principal::of(AccountId::new("a").unwrap());
    let now = Timestamp::from_second(7_199).unwrap();
    let of = |kind, principal: &Principal| {
        format!("{:?}", Unit::of(kind, principal, now) == account("a"))
    };
    assert_eq!(of(UnitKind::Cluster, &principal), "true");
    principal.cluster = Some(ClusterId::new("c").unwrap());
    assert_eq!(of(UnitKind::Cluster, &principal), "false");
    assert_eq!(of(UnitKind::Account, &principal), "true");

    // Broken if a part of a unit runs into the next: most pairs of equal letters would agree.
    let assignment = assignment(1, &experiment("e", "", 0.0, &[1; 16]));
    let units = |id: &'static str, tenant: &'static str| {
        [Unit::Account { tenant, id }, Unit::Cluster { tenant, id }]
    };
    let mut agree = 0;
    for number in 0..200 {
        let letters: String =
            (0..8).map(|at| char::from(b'a' + (number >> at & 1) as u8)).collect();
        let letters: &'static str = letters.leak();
        let [one, other] = units(letters, "");
        let [third, _] = units(&letters[1..], &letters[..1]);
        for (one, other) in [(one, other), (one, third), (other, third)] {
            agree += u32::from(assignment.place(one) == assignment.place(other));
        }
    }
    assert!((10..80).contains(&agree), "{agree} of 600, of which 1 in 16 are chance");
}

#[test]
fn slots_are_counted_from_the_epoch_the_same_on_every_replica() {
    use guilloche::experiment::Switchback;
    use std::time::Duration;
    let cut = Switchback { slot: Duration::from_secs(1800), burn_in: Duration::ZERO };
    let principal = Principal::of(AccountId::new("a").unwrap());
    let slot = |second| {
        let now = Timestamp::from_second(second).unwrap();
        Unit::of(UnitKind::Slot(cut), &principal, now)
    };
    assert!(slot(3600) == Unit::Slot(2) && slot(5399) == Unit::Slot(2));
    assert!(slot(5400) == Unit::Slot(3) && slot(-1) == Unit::Slot(-1));
}

/// Known answers, computed with Python's `blake3` 1.0 and logarithms of 60 decimal digits (`decimal`)
/// from the description in `experiment::assignment`. They must never change, or a release would assign
/// everybody anew.
#[test]
fn assignments_outlive_releases() {
    let assignment = assignment(7, &experiment("known", "", 0.0, &[2, 1, 1]));
    let arms: String = (0..32).map(|number| arm(&assignment, number).to_string()).collect();
    assert_eq!(arms, KNOWN);
}

const KNOWN: &str = "00102211200201200222101121011012";

/// `GUILLOCHE_UNITS=10000000` draws so many, in release.
#[test]
fn arms_get_the_shares_of_their_weights() {
    let units = std::env::var("GUILLOCHE_UNITS").map_or(400_000, |it| it.parse().unwrap());
    let weights = [5, 3, 1, 1];
    let all: u32 = weights.iter().sum();
    let assignment = assignment(3, &experiment("e", "", 0.0, &weights));
    let mut counts = [0u32; 4];
    (0..units).for_each(|number| counts[arm(&assignment, number)] += 1);
    let statistic: f64 = counts
        .iter()
        .zip(weights)
        .map(|(count, weight)| {
            let expected = f64::from(units) * f64::from(weight) / f64::from(all);
            (f64::from(*count) - expected).powi(2) / expected
        })
        .sum();
    // The one in a million of chi-squared with three degrees of freedom.
    assert!(statistic < 30.7, "{counts:?}: {statistic}");
}

// Break it: draw arms by their place in the file.
#[test]
fn units_stay_in_their_arms_whatever_the_order_of_the_file() {
    let text = |arms: [(&str, bool); 3]| {
        let mut text =
            "version=1\nname='e'\nsalt='s'\nstart=2026-12-01\nend=2026-12-29\n".to_owned();
        for (name, control) in arms {
            text += &format!("[[arm]]\nname='{name}'\npolicy='p'\ncontrol={control}\n");
        }
        text += "[[metric]]\nname='requests'\nrole='success'\nbetter='lower'\ncap=9\n";
        let policy = "version=1\nname='p'\nmode='observe'\n[[grade]]\nname='g'\nat=0.5\n";
        let parsed = Experiment::parse("e", &text, |_| Policy::parse("p", policy));
        parsed.unwrap()
    };
    let placed = |experiment: &Experiment| {
        let drawn = assignment(1, experiment);
        let name = |number| experiment.arms[arm(&drawn, number)].name.to_string();
        (0..2_000).map(name).collect::<Vec<_>>()
    };
    let one = placed(&text([("a", true), ("b", false), ("c", false)]));
    assert_eq!(placed(&text([("c", false), ("b", true), ("a", false)])), one);
}

#[test]
fn who_holds_another_secret_knows_nothing_of_the_arms() {
    let experiment = experiment("e", "", 0.0, &[1, 1]);
    let (ours, theirs) = (assignment(1, &experiment), assignment(2, &experiment));
    let agree = (0..10_000).filter(|number| arm(&ours, *number) == arm(&theirs, *number)).count();
    assert!((4_750..5_250).contains(&agree), "{agree}");
    let renamed = assignment(1, &self::experiment("f", "", 0.0, &[1, 1]));
    let agree = (0..10_000).filter(|number| arm(&ours, *number) == arm(&renamed, *number)).count();
    assert!((4_750..5_250).contains(&agree), "{agree}");
}

#[test]
fn experiments_of_one_layer_share_no_unit_and_leave_none_out() {
    let (one, other) = (experiment("e", "l", 0.0, &[1, 1]), experiment("f", "l", 0.0, &[1, 1]));
    let secret = Secret::from([9; 32]);
    let one = Assignment::new(&secret, &one, 0.0..0.3);
    let other = Assignment::new(&secret, &other, 0.3..1.0);
    let mut inside = BTreeMap::new();
    for number in 0..20_000 {
        let number = number.to_string();
        let places = [one.place(account(&number)), other.place(account(&number))];
        *inside.entry(places.map(|place| place != Place::Outside)).or_insert(0) += 1;
    }
    assert_eq!(inside.keys().copied().collect::<Vec<_>>(), [[false, true], [true, false]]);
    assert!((5_700..6_300).contains(&inside[&[true, false]]), "{inside:?}");
}

#[test]
fn a_holdout_is_the_same_whatever_the_weights() {
    let held = |weights: &[u32]| {
        let assignment = assignment(4, &experiment("e", "", 0.1, weights));
        let out = |number: &u32| assignment.place(account(&number.to_string())) == Place::HeldOut;
        (0..10_000).filter(out).collect::<Vec<_>>()
    };
    let one = held(&[1, 1]);
    assert!((900..1_100).contains(&one.len()), "{}", one.len());
    assert_eq!(one, held(&[1, 9, 3]));
}

proptest! {
    /// Broken by any scheme of ranges with three arms.
    #[test]
    fn where_a_weight_grows_units_move_to_that_arm_alone(
        weights in proptest::collection::vec(1u32..1000, 2..6),
        growing in any::<prop::sample::Index>(),
        more in 1u32..100_000,
    ) {
        let growing = growing.index(weights.len());
        let mut grown = weights.clone();
        grown[growing] += more;
        let before = assignment(5, &experiment("e", "", 0.0, &weights));
        let after = assignment(5, &experiment("e", "", 0.0, &grown));
        for number in 0..300 {
            let (before, after) = (arm(&before, number), arm(&after, number));
            prop_assert!(after == before || after == growing, "{before} to {after}");
        }
    }

    #[test]
    fn where_an_arm_is_closed_only_its_units_would_be_drawn_anew(
        weights in proptest::collection::vec(1u32..1000, 3..6),
        closed in any::<prop::sample::Index>(),
    ) {
        let closed = 1 + closed.index(weights.len() - 1);
        let mut without = weights.clone();
        without[closed] = 0;
        let before = assignment(6, &experiment("e", "", 0.0, &weights));
        let after = assignment(6, &experiment("e", "", 0.0, &without));
        for number in 0..300 {
            let (before, after) = (arm(&before, number), arm(&after, number));
            prop_assert!(after != closed);
            prop_assert!(before == closed || before == after, "{before} to {after}");
        }
    }
}
