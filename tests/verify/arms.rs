//! Of two arms of an experiment the one is named by which a copy was fed.

use guilloche::forensics::examination::{Level, Named, Outcome, Verdict};
use guilloche::mark::keys::{ArmMark, Recipient};
use guilloche::mark::ledger::Event;

use super::scene::{Scene, halves, issued, text};

fn arm(name: &str) -> ArmMark {
    ArmMark { experiment: "withhold".into(), salt: "2026-12".into(), arm: name.into() }
}

/// A deployment whose accounts of the second epoch are in two arms, in turn.
fn scene(name: &str) -> Scene {
    let scene = Scene::new(name);
    for number in 0..40 {
        let own = arm(arm_of(number));
        let mut event = issued(2, &format!("a-{number}"), None);
        if let Event::Issued { arm, sites, .. } = &mut event {
            (*arm, *sites) = (Some(own), 30_000);
        }
        scene.record(event);
    }
    scene
}

fn arm_of(account: usize) -> &'static str {
    ["mild", "strict"][account % 2]
}

/// What accounts received, in turn: in an arm, or before there was an experiment.
fn harvest(scene: &Scene, accounts: &[usize], arm: Option<&ArmMark>) -> Verdict {
    let texts = halves().0.iter().enumerate().map(|(number, text)| {
        let account = format!("a-{}", accounts[number % accounts.len()]);
        let recipient = Recipient { tenant: "", account: &account, cluster: None, arm };
        scene.marked_for(2, recipient, text)
    });
    let suspect = scene.write("suspect.jsonl", &texts.collect::<Vec<_>>());
    scene.verify(&["--suspect", text(&suspect)]).verdict()
}

fn named(verdict: &Verdict) -> Vec<String> {
    verdict.arms.consistent_with.ids().iter().map(ToString::to_string).collect()
}

#[test]
fn the_arm_is_named_by_which_a_copy_was_fed_and_no_account_of_many() {
    let scene = scene("arms");
    for (name, first) in [("mild", 0), ("strict", 1)] {
        let accounts: Vec<usize> = (first..40).step_by(2).collect();
        let verdict = harvest(&scene, &accounts, Some(&arm(name)));
        assert_eq!(named(&verdict), [format!("{name} of withhold (2026-12)")]);
        assert_eq!((verdict.outcome, verdict.reached), (Outcome::Exposed, Some(Level::Arm)));
        assert!(matches!(verdict.arms.consistent_with, Named::Each(_)));
        assert_eq!((verdict.arms.tests, verdict.arms.ids), (2, 2));
        let said = format!("those of the arm {name} of withhold (2026-12)");
        assert!(verdict.sentence.contains(&said), "{}", verdict.sentence);
    }
}

#[test]
fn an_account_is_named_with_its_arm() {
    let scene = scene("arm-and-account");
    let verdict = harvest(&scene, &[7], Some(&arm("strict")));
    assert_eq!(verdict.reached, Some(Level::Account));
    let said = ["the account a-7 ", " and is consistent with those of the arm strict of withhold"];
    assert!(said.iter().all(|it| verdict.sentence.contains(it)), "{}", verdict.sentence);
}

#[test]
fn no_arm_is_named_for_what_was_harvested_before_there_was_one() {
    let scene = scene("before-arms");
    let accounts: Vec<usize> = (0..40).collect();
    let verdict = harvest(&scene, &accounts, None);
    assert_eq!(verdict.arms.consistent_with, Named::Nobody);
    assert_eq!(verdict.reached, Some(Level::Deployment), "{}", verdict.sentence);
    // Nor for what nobody marked.
    let plain = scene.write("plain.jsonl", halves().0);
    let verdict = scene.verify(&["--suspect", text(&plain)]).verdict();
    assert_eq!((verdict.outcome, named(&verdict).len()), (Outcome::NotShown, 0));
}
