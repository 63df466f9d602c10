//! Whose answers are restored, and for how long.

use guilloche::audit::Counter;
use guilloche::layer::Caps;
use guilloche::policy::Policy;
use guilloche::risk::{Context, FromExtension, Risk, UnknownReason};

use crate::talk::{COUNT, MESSAGES, QUESTIONS, Talk, World, caller, marks, policy, suspicious};

/// A conversation of two turns whose first answer was marked, and its caller's account.
async fn begun(world: &World) -> Vec<(Talk, String)> {
    let mut marked = Vec::new();
    for caller in suspicious() {
        let account = caller.principal.account.as_str().to_owned();
        let mut talk = Talk::new(MESSAGES, false);
        // Without a tool its answers are longer.
        talk.body["tool_choice"] = serde_json::json!({"type": "none"});
        talk.ask(QUESTIONS[0]);
        talk.answered(world, caller.clone()).await;
        let before = world.counted(Counter::TextsRestored);
        talk.ask(QUESTIONS[1]);
        assert_eq!(talk.answered(world, caller).await, 200);
        if world.counted(Counter::TextsRestored) > before {
            talk.ask("Thanks!");
            marked.push((talk, account));
        }
    }
    assert!(!marked.is_empty());
    marked
}

#[tokio::test]
async fn a_caller_who_has_come_clear_goes_on_with_a_marked_conversation() {
    let world = World::new("restore");
    for (talk, account) in begun(&world).await {
        let mut scores = vec![caller(&account, 0.1)];
        scores.push(caller(&account, 0.1));
        scores[1].risk = Risk::Unknown(UnknownReason::NotScored);
        for caller in scores {
            let before = world.handle.originals().occupancy().restored;
            let mut talk = talk.clone();
            assert_eq!(talk.answered(&world, caller).await, 200);
            assert!(world.handle.originals().occupancy().restored > before);
            let answer = talk.messages().pop().unwrap();
            assert_ne!(world.sent(), talk.body);
            assert_eq!(answer["role"], "assistant");
        }
    }
}

#[tokio::test]
async fn a_policy_that_marks_no_longer_or_only_observes_or_exempts_still_restores() {
    let grade = "version = 1\nname = \"test\"\nmode = \"enforce\"\n";
    let watermark = "watermark = { strength = 1.0, multi_turn = \"restore\", mode = \"observe\" }";
    let policies = [
        format!("{grade}[[grade]]\nname = \"g\"\nat = 0.5\n"),
        format!("{grade}[[grade]]\nname = \"g\"\nat = 0.5\n{watermark}\n"),
        format!(
            "{grade}[[grade]]\nname = \"g\"\nat = 0.5\npace = {{ tokens_per_second = 100000 }}\n"
        ),
        format!(
            "{grade}[scope]\nmodels = [\"other\"]\n[[grade]]\nname = \"g\"\nat = 0.5\nwatermark = {{ strength = 1.0 }}\n"
        ),
    ];
    for text in policies {
        let world = World::new("restore");
        let talks = begun(&world).await;
        let reports = world.handle.reports();
        let source = FromExtension::new(Context::new(reports.clone()).unwrap());
        let policy = Policy::parse("test.toml", &text).unwrap();
        let settings = world.handle.settings(policy).risk(source);
        world.handle.replace(settings.marks(marks())).unwrap();
        for (mut talk, account) in talks {
            let before = world.counted(Counter::TextsRestored);
            assert_eq!(talk.answered(&world, caller(&account, 0.9)).await, 200, "{text}");
            assert!(world.counted(Counter::TextsRestored) > before, "{text}");
        }
    }
}

#[tokio::test]
async fn tokens_are_counted_of_what_the_upstream_wrote() {
    let world = World::new("restore");
    for (talk, account) in begun(&world).await {
        for score in [0.1, 0.9] {
            let (status, answer) = world.send(caller(&account, score), COUNT, &talk.body).await;
            assert_eq!(status, 200, "{answer:?}");
            assert_ne!(world.sent(), talk.body);
        }
    }
}

#[tokio::test]
async fn the_same_conversation_of_another_account_is_not_restored() {
    let world = World::new("restore");
    for (talk, _) in begun(&world).await {
        for score in [0.1, 0.9] {
            let mut talk = talk.clone();
            // Its thinking is bound to what only its own account has remembered.
            assert_eq!(talk.answered(&world, caller("somebody-else", score)).await, 400);
            assert_eq!(world.sent(), talk.body);
        }
    }
}

#[tokio::test]
async fn a_table_that_is_full_forgets_the_oldest_conversation() {
    let caps = Caps { originals: 1200, ..Caps::default() };
    let world = World::with(policy("restore"), caps);
    let small = begun(&world).await;
    let occupancy = world.handle.originals().occupancy();
    assert!(occupancy.bytes <= 1200 && occupancy.evicted > 0, "{occupancy:?}");
    let (mut oldest, account) = small.into_iter().next().unwrap();
    assert_eq!(oldest.answered(&world, caller(&account, 0.9)).await, 400);
}
