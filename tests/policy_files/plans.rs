//! What a file has of a countermeasure, in the plan that is made of it; and what is noticed in it.

use std::time::Duration;

use guilloche::policy::plan::{Effort, Keep, Mode};
use guilloche::wire::ProtocolId;

use crate::{decide, now, policy};

#[test]
fn a_part_of_the_reasoning_may_be_kept_where_nothing_is_signed_or_signed_blocks_are_sealed() {
    let grade = "[[grade]]\nname = \"g\"\nat = 0.5\n[grade.reasoning]\nkeep = { words = 40 }\n";
    let chat_only = policy(&format!("[scope]\nprotocols = [\"chat\"]\n{grade}"));
    let sealing = policy(&format!("{grade}signed = \"seal\"\n"));
    for policy in [chat_only, sealing] {
        let plan = decide(&policy, 0.5).plan;
        let keep = plan.reasoning.as_ref().map(|measure| measure.settings.keep);
        assert!(matches!(keep, Some(Keep::Words(words)) if words.get() == 40));
    }
}

#[test]
fn every_field_reaches_the_plan() {
    let policy = policy(
        "[[grade]]\nname = \"all\"\nat = 0.5\n\
         rate = { account = { requests = \"6 per minute, burst 2\", concurrency = 3 }, \
         cluster = { output_tokens = \"9 per day\" }, advertised = { requests = \"7 per hour\" }, \
         reserve_output_tokens = 77 }\n\
         downgrade = { models = { \"b*\" = \"s\", \"bb*\" = \"t\" }, max_output_tokens = 5, \
         max_effort = \"xhigh\", max_thinking_tokens = 8, disclose = false }\n\
         side_channels = { max_choices = 2, allow = [\"usage_note\"], mode = \"observe\" }\n\
         reasoning = { keep = \"none\", opened_by_template = [\"r1*\"], ask_upstream = true, round_usage = 64 }\n\
         pace = { tokens_per_second = 4, shared_by = \"account\", first_token_delay = { min = \"200ms\", max = \"1.5s\" } }\n",
    );
    let plan = decide(&policy, 0.5).plan;
    let rate = plan.rate.as_ref().and_then(|measure| measure.enforced()).unwrap();
    let requests = rate.account.requests.unwrap();
    assert_eq!((requests.amount.get(), requests.burst.get()), (6, 2));
    assert_eq!(rate.account.concurrency.map(|limit| limit.get()), Some(3));
    assert_eq!(rate.cluster.output_tokens.unwrap().period, Duration::from_secs(86_400));
    assert_eq!(rate.advertised.as_ref().unwrap().requests.unwrap().amount.get(), 7);
    assert_eq!(rate.reserve_output_tokens.get(), 77);
    let downgrade = &plan.downgrade.as_ref().unwrap().settings;
    let models: Vec<_> =
        downgrade.models.iter().map(|(from, to)| (from.to_string(), to.as_str())).collect();
    assert_eq!(models, [("bb*".to_owned(), "t"), ("b*".to_owned(), "s")], "closest match first");
    assert_eq!(downgrade.max_effort, Some(Effort::ExtraHigh));
    assert_eq!(downgrade.max_output_tokens.map(|cap| cap.get()), Some(5));
    assert_eq!(downgrade.max_thinking_tokens.map(|cap| cap.get()), Some(8));
    assert!(!downgrade.disclose);
    let side_channels = plan.side_channels.as_ref().unwrap();
    assert_eq!(side_channels.mode, Mode::Observe);
    assert_eq!(side_channels.settings.allow, ["usage_note"]);
    assert_eq!(side_channels.settings.max_choices.get(), 2);
    let reasoning = &plan.reasoning.as_ref().unwrap().settings;
    assert!(reasoning.ask_upstream && reasoning.opened_by_template[0].matches("r1-distill"));
    assert_eq!(reasoning.round_usage.map(|unit| unit.get()), Some(64));
    let pace = &plan.pace.as_ref().unwrap().settings;
    let delay = pace.first_token_delay.unwrap();
    assert_eq!((delay.min.as_millis(), delay.max.as_millis()), (200, 1_500));
}

// Break it: leave token counts as they are where nothing is said.
#[test]
fn sealed_reasoning_has_defaults_and_its_token_counts_are_as_coarse_as_its_blobs() {
    let seal = |table: &str| {
        let grade = format!(
            "[[grade]]\nname = \"a\"\nat = 0.5\nreasoning = {{ keep = {{ words = 9 }}, {table} }}\n"
        );
        let policy = policy(&grade);
        let plan = decide(&policy, 0.5).plan;
        let settings = plan.reasoning.as_ref().unwrap().settings.clone();
        let step = settings.round_usage.map(|step| step.get());
        (settings.seal.unwrap(), step, policy.notices(now()).len())
    };
    let (settings, step, notices) = seal("seal = {}");
    assert_eq!(settings, guilloche::policy::plan::Seal::default());
    assert_eq!((settings.lifetime, settings.bucket.get()), (Duration::from_secs(168 * 3600), 4096));
    assert_eq!((step, notices), (Some(1024), 0));
    let (settings, step, _) = seal("seal = { bucket = 1000, bind = \"conversation\" }");
    assert!(settings.by_conversation());
    assert_eq!(step, Some(250));
    assert_eq!(seal("seal = { bucket = 1000 }, round_usage = 300").1, Some(300));
    let (_, step, notices) = seal("seal = { bucket = 1000 }, round_usage = 100");
    assert_eq!((step, notices), (Some(100), 1));
}

#[test]
fn what_is_allowed_but_perhaps_not_meant_is_noticed() {
    let policy = policy(
        "[scope]\nprotocols = [\"chat\"]\n\
         [[exemption]]\naccount = \"a\"\nowner = \"o\"\nreason = \"r\"\nexpires = 2026-11-30\n\
         [[grade]]\nname = \"a\"\nat = 0.4\nmin_confidence = 0.8\n\
         rate = { account = { concurrency = 1 } }\nside_channels = { allow = [\"logprobs\"] }\n\
         [[grade]]\nname = \"b\"\nat = 0.5\ndowngrade = { max_effort = \"low\", disclose = false }\n",
    );
    let notices = policy.notices(now());
    let places: Vec<_> = notices.iter().map(|notice| (notice.line, &*notice.field)).collect();
    let others = ProtocolId::ALL.len() - 1;
    let mut expected = vec![(5, "scope.protocols"); others];
    expected.extend([
        (10, "exemption[0].expires"),
        (15, "grade[0].rate"),
        (16, "grade[0].side_channels.allow[0]"),
        (19, "grade[1].at"),
        (20, "grade[1].downgrade.disclose"),
    ]);
    assert_eq!(places, expected, "{notices:#?}");
}

#[test]
fn the_conditions_of_marking_conversations_are_noticed_where_reasoning_is_signed() {
    for (multi_turn, expected) in [
        ("skip", None),
        ("restore", Some("one process, or sessions that stay with their replica")),
        ("mark", Some("may refuse a conversation")),
    ] {
        for protocols in ["\"messages\"", "\"chat\", \"messages\"", "\"chat\""] {
            let policy = policy(&format!(
                "[scope]\nprotocols = [{protocols}]\n[[grade]]\nname = \"a\"\nat = 0.4\n\
                 watermark = {{ multi_turn = \"{multi_turn}\" }}\n"
            ));
            let notices = policy.notices(now());
            let notice = notices.iter().find(|it| it.field == "grade[0].watermark.multi_turn");
            let expected = expected.filter(|_| protocols.contains("messages"));
            assert_eq!(notice.is_some(), expected.is_some(), "{multi_turn} {protocols}");
            assert!(notice.is_none_or(|it| it.message.contains(expected.unwrap())));
        }
    }
}
