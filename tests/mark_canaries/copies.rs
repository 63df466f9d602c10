//! The test of copies: what it tells of a text that was copied or forged, and that its p is exact.

use guilloche::forensics::evidence::{CopyEvidence, Differing, Strengths};
use guilloche::mark::cell::Role;
use guilloche::mark::keys::Scheme;
use guilloche::mark::law::{Canaries, CountingKey};

use super::texts::{counted, key, keys, marking, rewritten, roles, texts};

/// Break it: choose the active groups by the bucket key, or leave the strength out.
#[test]
fn a_copy_is_told_from_text_that_follows_the_same_cells_everywhere() {
    let (mut sent, mut forged) = (0.0, 0.0);
    for number in 1..9 {
        let keys = keys(number);
        let counting = CountingKey::of_epoch(&keys, 1).unwrap();
        let (roles, canaries) = (roles(&keys), Canaries::derive(keys.master(), "", 1));
        let test = |scheme: Scheme| {
            let marking = marking(keys.clone().with_scheme(scheme));
            let marked: Vec<String> =
                texts().iter().map(|text| rewritten(&marking, [&**text])).collect();
            let counts = counted(&counting, marked.iter());
            let global = key(&keys, Role::Global, "");
            CopyEvidence::new(&counts, &global, &canaries, &roles, &Strengths::new([]))
        };
        let copy = test(Scheme::Canaries);
        assert_eq!((copy.active.ordinary, copy.others.canary), (0, 0), "{copy:?}");
        assert!(copy.others.ordinary > 0 && copy.ln_p == copy.ln_p_of_copy, "{copy:?}");
        sent += copy.ln_p / 8.0;
        // Who follows the usual choice of every cell follows the key in four of five passages.
        let usual = test(Scheme::Law);
        assert_eq!(usual.active.canary + usual.others.canary, 0, "{usual:?}");
        forged += usual.ln_p / 8.0;
    }
    assert!(sent < -2.0 && forged > -1.5, "{sent} {forged}");
}

/// Places of a group with this balance.
fn balanced(balance: i64) -> Differing {
    let number = balance.unsigned_abs();
    let [canary, ordinary] = if balance > 0 { [number, 0] } else { [0, number] };
    Differing { canary, ordinary }
}

/// The share of the sets of as many groups whose sum is at least that of the active ones, by listing them.
fn listed(values: &[i64], active: u32) -> f64 {
    let of = |set: u32| -> i64 {
        let chosen = values.iter().enumerate().filter(|(place, _)| set >> place & 1 == 1);
        chosen.map(|(_, value)| value).sum()
    };
    let sets = (0_u32..1 << values.len()).filter(|set| set.count_ones() == active.count_ones());
    let (all, reaching) = sets.fold((0, 0), |(all, reaching), set| {
        (all + 1, reaching + u32::from(of(set) >= of(active)))
    });
    f64::from(reaching) / f64::from(all)
}

/// Break it: skip one more sum, take a value twice, or forget that values may be negative.
#[test]
fn of_few_groups_p_is_what_listing_all_sets_gives() {
    let cases: [&[i64]; 4] =
        [&[3, -1, 0, 0, 2, -5, 7, 1, 1, -2], &[-3, -3, -3, -9, -1, -2], &[5; 8], &[0, 0, 0, 1]];
    for values in cases {
        let groups: Vec<Differing> = values.iter().map(|value| balanced(*value)).collect();
        for active in 1_u32..1 << values.len() {
            let found = CopyEvidence::of_groups(&groups, |group| active >> group & 1 == 1).ln_p;
            let expected = listed(values, active);
            assert!((found.exp() - expected).abs() < 1e-12, "{values:?} {active:b} {expected}");
        }
    }
}

/// Break it: let large sums be as they are, or be scaled by the active groups' alone.
#[test]
fn large_sums_are_scaled_and_say_the_same_and_a_whole_copy_shows_the_most_there_is() {
    let active = |group: u8| group % 5 == 0;
    let of = |scale: i64| {
        let groups: Vec<Differing> =
            (0..64).map(|group| balanced((group * 37 % 16 - 8) * 125 * scale)).collect();
        CopyEvidence::of_groups(&groups, active).ln_p
    };
    assert!((of(1) - of(1_000_000)).abs() < 1e-12 && of(1) < -0.1, "{} {}", of(1), of(1_000_000));

    let none = CopyEvidence::of_groups(&[Differing::default(); 64], active);
    assert_eq!((none.ln_p, none.ln_p_of_copy), (0.0, 0.0));
    let copy: Vec<Differing> =
        (0..64).map(|group| balanced(if active(group) { 3 } else { -3 })).collect();
    let found = CopyEvidence::of_groups(&copy, active);
    // One set in C(64, 13).
    assert!((found.ln_p + 13_136_858_812_224.0_f64.ln()).abs() < 1e-9, "{}", found.ln_p);
    assert_eq!(found.ln_p, found.ln_p_of_copy);
    assert_eq!((found.active.canary, found.others.ordinary), (39, 153));
}
