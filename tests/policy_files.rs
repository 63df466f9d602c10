//! Policy files: what loads, what does not and why, and what a loaded policy decides.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

#[cfg(feature = "cli")]
#[path = "policy_files/upstream.rs"]
mod upstream;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use guilloche::policy::plan::{Effort, Keep, Mode};
use guilloche::policy::{Countermeasure, Decision, LoadError, Policy, Reason, RequestFacts};
use guilloche::risk::{
    AccountId, Assessment, ClusterId, Principal, Risk, RiskScore, TenantId, UnknownReason, Validity,
};
use guilloche::wire::ProtocolId;
use jiff::Timestamp;
use proptest::prelude::*;

const HEAD: &str = "version = 1\nname = \"p\"\nmode = \"enforce\"\n";

const CHAT: RequestFacts<'_> =
    RequestFacts { path: "/v1/chat/completions", protocol: Some(ProtocolId::Chat) };

fn now() -> Timestamp {
    "2026-12-01T12:00:00Z".parse().unwrap()
}

fn policy(body: &str) -> Policy {
    Policy::parse("test.toml", &format!("{HEAD}{body}")).unwrap()
}

fn principal() -> Principal {
    Principal {
        account: AccountId::new("acct-1").unwrap(),
        cluster: Some(ClusterId::new("ring-1").unwrap()),
        tenant: Some(TenantId::new("tenant-1").unwrap()),
    }
}

fn assessment(score: f64, confidence: Option<f64>) -> Assessment {
    let validity = Validity { issued: now(), ttl: Duration::from_secs(300) };
    let mut score = RiskScore::new(score, validity).unwrap();
    if let Some(confidence) = confidence {
        score = score.with_confidence(confidence).unwrap();
    }
    Assessment { principal: principal(), risk: Risk::Known(score) }
}

fn decide(policy: &Policy, score: f64) -> Decision {
    policy.decide(&assessment(score, None), CHAT, now())
}

fn reasons(decision: &Decision) -> Vec<&'static str> {
    decision.reasons.iter().map(Reason::name).collect()
}

fn grade(decision: &Decision) -> Option<&str> {
    decision.grade.as_ref().map(|grade| &*grade.name)
}

fn shipped() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies");
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
        .collect();
    files.sort();
    files
}

#[test]
fn every_shipped_policy_loads_without_a_notice_and_governs_every_protocol() {
    assert!(shipped().len() >= 4);
    for path in shipped() {
        let policy = Policy::load(&path).unwrap();
        assert_eq!(policy.notices(now()), [], "{}", path.display());
        assert!(ProtocolId::ALL.into_iter().all(|protocol| policy.scope.covers_protocol(protocol)));
        assert_eq!(path.file_stem().unwrap().to_str(), Some(policy.name.as_str()));
    }
}

#[test]
fn the_monitor_has_the_graded_ladder_and_carries_out_none_of_it() {
    let load = |name: &str| {
        Policy::load(Path::new(env!("CARGO_MANIFEST_DIR")).join("policies").join(name)).unwrap()
    };
    let (monitor, graded) = (load("monitor.toml"), load("graded.toml"));
    assert_eq!(monitor.grades.len(), graded.grades.len());
    for (watched, done) in monitor.grades.iter().zip(&graded.grades) {
        assert_eq!(
            (&watched.name, watched.at, watched.min_confidence),
            (&done.name, done.at, done.min_confidence)
        );
        for named in Countermeasure::ALL {
            let modes = (named.mode_in(&watched.plan), named.mode_in(&done.plan));
            assert!(
                matches!(modes, (None, None) | (Some(Mode::Observe), Some(Mode::Enforce))),
                "{}: {} is {modes:?}",
                watched.name,
                named.name()
            );
        }
    }
}

/// One file for each rule: the text after the head, the line and the field of the complaint, and a
/// part of its message.
const REJECTED: &[(&str, usize, &str, &str)] = &[
    ("[[grade]]\nname = \"g\"\nat = 2", 6, "grade[0].at", "between 0 and 1"),
    ("[[grade]]\nname = \"g\"\nat = nan", 6, "grade[0].at", "between 0 and 1"),
    ("[[grade]]\nname = \"g\"\nat = \"high\"", 6, "grade[0].at", "invalid type"),
    ("[[grade]]\nname = \"g\"", 4, "grade[0].at", "missing"),
    ("[[grade]]\nat = 0.5", 4, "grade[0].name", "missing"),
    ("[[grade]]\nname = \"G 1\"\nat = 0.5", 5, "grade[0].name", "is not a name"),
    (
        "[[grade]]\nname = \"g\"\nat = 0.5\nmin_confidence = -0.1",
        7,
        "grade[0].min_confidence",
        "between",
    ),
    (
        "[[grade]]\nname = \"g\"\nat = 0.5\nheartbeats = {}",
        7,
        "grade[0].heartbeats",
        "unknown field",
    ),
    (
        "[[grade]]\nname = \"a\"\nat = 0.5\n[[grade]]\nname = \"b\"\nat = 0.4",
        9,
        "grade[1].at",
        "below",
    ),
    (
        "[[grade]]\nname = \"a\"\nat = 0.5\n[[grade]]\nname = \"b\"\nat = 0.5",
        9,
        "grade[1].at",
        "never reached",
    ),
    (
        "[[grade]]\nname = \"a\"\nat = 0.4\n[[grade]]\nname = \"a\"\nat = 0.5",
        8,
        "grade[1].name",
        "another grade",
    ),
    ("", 1, "grade", "missing"),
    (
        "[scope]\nroutes = []\n[[grade]]\nname = \"g\"\nat = 0.5",
        5,
        "scope.routes",
        "no grade is ever reached",
    ),
    (
        "[scope]\nmodels = [\"a*b\"]\n[[grade]]\nname = \"g\"\nat = 0.5",
        5,
        "scope.models[0]",
        "is not a pattern",
    ),
    (
        "[scope]\nprotocols = [\"smtp\"]\n[[grade]]\nname = \"g\"\nat = 0.5",
        5,
        "scope.protocols[0]",
        "unknown variant",
    ),
    (
        "unknown_routes = \"drop\"\n[[grade]]\nname = \"g\"\nat = 0.5",
        4,
        "unknown_routes",
        "unknown variant",
    ),
    (
        "[[exemption]]\nowner = \"o\"\nreason = \"r\"\nexpires = 2027-01-01\n[[grade]]\nname = \"g\"\nat = 0.5",
        4,
        "exemption[0]",
        "neither an account",
    ),
    (
        "[[exemption]]\naccount = \"a\"\nreason = \"r\"\nexpires = 2027-01-01\n[[grade]]\nname = \"g\"\nat = 0.5",
        4,
        "exemption[0].owner",
        "missing",
    ),
    (
        "[[exemption]]\naccount = \"a\"\nowner = \"o\"\nexpires = 2027-01-01\n[[grade]]\nname = \"g\"\nat = 0.5",
        4,
        "exemption[0].reason",
        "missing",
    ),
    (
        "[[exemption]]\naccount = \"a\"\nowner = \"o\"\nreason = \"r\"\n[[grade]]\nname = \"g\"\nat = 0.5",
        4,
        "exemption[0].expires",
        "missing",
    ),
    (
        "[[exemption]]\naccount = \"a\"\nowner = \" \"\nreason = \"r\"\nexpires = 2027-01-01\n[[grade]]\nname = \"g\"\nat = 0.5",
        6,
        "exemption[0].owner",
        "empty",
    ),
    (
        "[[exemption]]\naccount = \"a\"\nowner = \"o\"\nreason = \"r\"\nexpires = 2027-01-01T00:00:00Z\n[[grade]]\nname = \"g\"\nat = 0.5",
        8,
        "exemption[0].expires",
        "plain date",
    ),
    (
        "[[exemption]]\naccount = \"a\"\nowner = \"o\"\nreason = \"r\"\nexpires = 2027-01-01\ncovers = []\n[[grade]]\nname = \"g\"\nat = 0.5",
        9,
        "exemption[0].covers",
        "covers nothing",
    ),
    (
        "[[exemption]]\naccount = \"a\"\nowner = \"o\"\nreason = \"r\"\nexpires = 2027-01-01\ncovers = [\"mark\"]\n[[grade]]\nname = \"g\"\nat = 0.5",
        9,
        "exemption[0].covers[0]",
        "unknown variant",
    ),
];

/// The same for countermeasures: the text of one grade's tables, from line 7 on.
const REJECTED_MEASURES: &[(&str, usize, &str, &str)] = &[
    ("[grade.refuse]\nmessage = \"\"", 8, "refuse.message", "one line"),
    ("refuse = {}\npace = { tokens_per_second = 9 }", 7, "refuse", "never apply"),
    ("[grade.rate]", 7, "rate", "limits neither"),
    (
        "[grade.rate]\naccount = { requests = \"60/min\" }",
        8,
        "rate.account.requests",
        "is not a quota",
    ),
    ("[grade.rate]\naccount = { concurrency = 0 }", 8, "rate.account.concurrency", "nonzero"),
    ("[grade.rate]\naccount = { per_day = 1 }", 8, "rate.account.per_day", "unknown field"),
    ("[grade.downgrade]", 7, "downgrade", "neither replaces"),
    ("[grade.downgrade]\nmodels = {}", 7, "downgrade", "neither replaces"),
    ("[grade.downgrade]\nmodels = { \"big\" = \"big\" }", 8, "downgrade.models.big", "by itself"),
    (
        "[grade.downgrade.models]\n\"big*\" = \"small*\"",
        8,
        "downgrade.models.\"big*\"",
        "not the name",
    ),
    (
        "[grade.downgrade.models]\n\"b*g\" = \"small\"",
        8,
        "downgrade.models.\"b*g\"",
        "is not a pattern",
    ),
    ("[grade.downgrade]\nmax_effort = \"tiny\"", 8, "downgrade.max_effort", "\"minimal\""),
    (
        "[grade.downgrade]\nmax_output_tokens = -1",
        8,
        "downgrade.max_output_tokens",
        "invalid value",
    ),
    ("[grade.side_channels]\nmax_choices = 0", 8, "side_channels.max_choices", "nonzero"),
    ("[grade.side_channels]\nallow = [\"x\", \"\"]", 8, "side_channels.allow[1]", "empty"),
    ("[grade.reasoning]", 7, "reasoning.keep", "missing"),
    ("[grade.reasoning]\nkeep = \"most\"", 8, "reasoning.keep", "unknown variant"),
    (
        "[grade.reasoning]\nkeep = { share = 1.0 }\nsigned = \"seal\"",
        8,
        "reasoning.keep",
        "both excluded",
    ),
    (
        "[grade.reasoning]\nkeep = { share = nan }\nsigned = \"seal\"",
        8,
        "reasoning.keep",
        "both excluded",
    ),
    ("[grade.reasoning]\nkeep = { words = 0 }", 8, "reasoning.keep.words", "nonzero"),
    ("[grade.reasoning]\nkeep = \"conclusion\"", 8, "reasoning.keep", "signs its thinking blocks"),
    (
        "[grade.reasoning]\nkeep = \"none\"\nseal = { bucket = 255 }",
        9,
        "reasoning.seal.bucket",
        "not from 256 to 1048576 bytes",
    ),
    (
        "[grade.reasoning]\nkeep = \"none\"\nseal = { lifetime = \"59s\" }",
        9,
        "reasoning.seal.lifetime",
        "not from a minute to 366 days",
    ),
    (
        "[grade.reasoning]\nkeep = \"none\"\nseal = { lifetime = \"8785h\" }",
        9,
        "reasoning.seal.lifetime",
        "not from a minute to 366 days",
    ),
    (
        "[grade.reasoning]\nkeep = \"none\"\nseal = { bind = \"session\" }",
        9,
        "reasoning.seal.bind",
        "unknown variant",
    ),
    (
        "[grade.reasoning]\nkeep = \"conclusion\"\nseal = { in_strings = true }",
        9,
        "reasoning.seal.in_strings",
        "not for both",
    ),
    (
        "[grade.reasoning]\nkeep = \"none\"\nseal = { ttl = 3 }",
        9,
        "reasoning.seal.ttl",
        "unknown field",
    ),
    ("[grade.pace]", 7, "pace", "slows nothing"),
    (
        "[grade.pace]\nfirst_token_delay = { min = \"2s\", max = \"1s\" }",
        8,
        "pace.first_token_delay.max",
        "shorter than `min`",
    ),
    (
        "[grade.pace]\nfirst_token_delay = { min = \"1s\", max = \"31s\" }",
        8,
        "pace.first_token_delay.max",
        "longer than 30 s",
    ),
    (
        "[grade.pace]\nfirst_token_delay = { min = \"1\", max = \"2s\" }",
        8,
        "pace.first_token_delay.min",
        "is not a duration",
    ),
    (
        "[grade.pace]\nfirst_token_delay = { min = \"1s\" }",
        8,
        "pace.first_token_delay.max",
        "missing",
    ),
];

fn problems(text: &str) -> Vec<guilloche::policy::Problem> {
    Policy::parse("test.toml", text).unwrap_err().problems().to_vec()
}

#[test]
fn each_mistake_is_reported_once_with_its_line_and_field() {
    let graded = |tables: &str| format!("[[grade]]\nname = \"g\"\nat = 0.5\n{tables}");
    let whole = REJECTED
        .iter()
        .map(|(body, line, field, part)| ((*body).to_owned(), *line, (*field).to_owned(), *part));
    let measures = REJECTED_MEASURES.iter().map(|(tables, line, field, part)| {
        (graded(tables), *line, format!("grade[0].{field}"), *part)
    });
    for (body, line, field, part) in whole.chain(measures) {
        let found = problems(&format!("{HEAD}{body}"));
        let [problem] = found.as_slice() else { panic!("{body}\n{found:#?}") };
        let place = (problem.line, problem.field.as_str());
        assert_eq!(place, (line, field.as_str()), "{body}\n{problem}");
        let told = problem.to_string();
        assert!(told.contains(part), "{body}\n{told}");
    }
}

#[test]
fn the_head_is_mandatory_and_every_part_of_it_is_asked_for_at_once() {
    let fields = |text: &str| -> Vec<String> {
        problems(text).into_iter().map(|problem| problem.field).collect()
    };
    assert_eq!(fields(""), ["version", "name", "mode", "grade"]);
    let rest = "name = \"p\"\nmode = \"enforce\"\n[[grade]]\nname = \"g\"\nat = 0.5";
    assert_eq!(fields(&format!("version = 2\n{rest}")), ["version"]);
    assert_eq!(fields(&format!("version = \"1\"\n{rest}")), ["version"]);
}

#[test]
fn all_problems_of_a_file_come_at_once_in_the_order_of_their_lines() {
    let text = "version = 1\nname = \"Bad Name\"\nmode = \"sometimes\"\ncolour = 1\n\
                [scope]\nmodels = [\"*x\", \"ok\", 7]\n\
                [[grade]]\nname = \"a\"\nat = 3\nreasoning = { keep = \"all\", keeep = 1 }\n\
                [[grade]]\nname = \"b\"\nat = 0.5\nrate = { account = { requests = \"x\" } }\n\
                pace = {}\n";
    let found = problems(text);
    let places: Vec<_> = found.iter().map(|problem| (problem.line, &*problem.field)).collect();
    let expected = [
        (2, "name"),
        (3, "mode"),
        (4, "colour"),
        (6, "scope.models[0]"),
        (6, "scope.models[2]"),
        (9, "grade[0].at"),
        (10, "grade[0].reasoning.keep"),
        (10, "grade[0].reasoning.keeep"),
        (13, "grade[1].at"),
        (14, "grade[1].rate.account.requests"),
        (15, "grade[1].pace"),
    ];
    assert_eq!(places, expected);
    let error = Policy::parse("bad.toml", text).unwrap_err().to_string();
    assert_eq!(error.lines().filter(|line| line.starts_with("bad.toml:")).count(), expected.len());
}

#[test]
fn syntax_errors_have_their_line_and_column() {
    let found = problems("version = 1\nname = \n[[grade]\nat = 0.5\n");
    assert_eq!(found.iter().map(|problem| problem.line).collect::<Vec<_>>(), [2, 3]);
    assert!(found.iter().all(|problem| problem.message.starts_with("not TOML: ")), "{found:?}");
    let twice = problems("version = 1\nversion = 1\n");
    assert_eq!(twice.first().map(|problem| (problem.line, problem.column)), Some((2, 1)));
}

#[test]
fn a_file_that_cannot_be_read_says_so() {
    let error = Policy::load(Path::new("no/such/policy.toml")).unwrap_err();
    assert!(matches!(error, LoadError::Read { .. }));
    assert!(error.to_string().starts_with("no/such/policy.toml: "));
}

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

const LADDER: &str = "[[grade]]\nname = \"named\"\nat = 0.2\n\
    [[grade]]\nname = \"closed\"\nat = 0.4\nside_channels = {}\n\
    [[grade]]\nname = \"withheld\"\nat = 0.6\nmin_confidence = 0.5\n\
    side_channels = {}\nreasoning = { keep = \"none\" }\n\
    [[grade]]\nname = \"refused\"\nat = 0.9\nmin_confidence = 0.9\nrefuse = {}\n";

/// The next smaller number.
fn just_below(positive: f64) -> f64 {
    f64::from_bits(positive.to_bits() - 1)
}

#[test]
fn a_score_reaches_a_grade_exactly_at_its_threshold() {
    let policy = policy(LADDER);
    assert_eq!(grade(&decide(&policy, just_below(0.4))), Some("named"));
    assert_eq!(grade(&decide(&policy, 0.4)), Some("closed"));
    assert_eq!(grade(&decide(&policy, just_below(0.2))), None);
    assert_eq!(grade(&decide(&policy, 0.0)), None);
    assert_eq!(grade(&decide(&policy, 1.0)), Some("refused"));
    assert_eq!(reasons(&decide(&policy, 0.1)), ["below_first_grade"]);
    assert_eq!(reasons(&decide(&policy, 0.2)), ["grade_reached", "grade_untouched"]);
    assert!(decide(&policy, 0.2).plan.is_empty());
}

#[test]
fn a_score_held_with_too_little_confidence_falls_to_the_grade_it_is_sure_enough_for() {
    let policy = policy(LADDER);
    let at = |confidence| policy.decide(&assessment(0.95, Some(confidence)), CHAT, now());
    assert_eq!(grade(&at(0.9)), Some("refused"));
    assert_eq!(grade(&at(0.5)), Some("withheld"));
    assert_eq!(grade(&at(0.0)), Some("closed"));
    assert_eq!(reasons(&at(0.5)), ["confidence_too_low", "grade_reached"]);
}

#[test]
fn unknown_risk_reaches_no_grade_even_one_that_begins_at_zero() {
    let policy = policy("[[grade]]\nname = \"all\"\nat = 0\nrefuse = {}\n");
    for reason in UnknownReason::ALL {
        let assessment = Assessment { principal: principal(), risk: Risk::Unknown(reason) };
        for protocol in [Some(ProtocolId::Chat), None] {
            let decision = policy.decide(&assessment, RequestFacts { protocol, ..CHAT }, now());
            assert!(decision.grade.is_none() && decision.plan.is_empty());
            assert_eq!(reasons(&decision), ["risk_unknown"]);
        }
    }
}

fn exempting(lines: &str) -> Policy {
    policy(&format!("[[exemption]]\nowner = \"o\"\nreason = \"r\"\n{lines}\n{LADDER}"))
}

#[test]
fn an_exemption_holds_through_its_last_day_and_not_longer() {
    let policy = exempting("account = \"acct-1\"\nexpires = 2026-12-31");
    let at = |time: &str| policy.decide(&assessment(0.7, None), CHAT, time.parse().unwrap());
    let last = at("2026-12-31T23:59:59.999Z");
    assert!(last.plan.is_empty());
    assert_eq!(reasons(&last), ["grade_reached", "exempt"]);
    let after = at("2027-01-01T00:00:00Z");
    assert!(after.plan.reasoning.is_some());
    assert_eq!(reasons(&after), ["grade_reached", "exemption_expired"]);
}

#[test]
fn an_exemption_spares_whom_it_names_and_nobody_else() {
    for (named, spared) in [
        ("account = \"acct-1\"", true),
        ("account = \"acct-2\"", false),
        ("cluster = \"ring-1\"", true),
        ("cluster = \"ring-2\"", false),
        ("tenant = \"tenant-1\"", true),
        ("account = \"acct-1\"\ntenant = \"tenant-1\"", true),
        ("account = \"acct-1\"\ntenant = \"tenant-2\"", false),
    ] {
        let policy = exempting(&format!("{named}\nexpires = 2027-01-01"));
        assert_eq!(decide(&policy, 0.7).plan.is_empty(), spared, "{named}");
    }
    let policy = exempting("cluster = \"ring-1\"\nexpires = 2027-01-01");
    let mut loner = assessment(0.7, None);
    loner.principal.cluster = None;
    assert!(!policy.decide(&loner, CHAT, now()).plan.is_empty());
}

#[test]
fn a_partial_exemption_takes_out_only_what_it_covers() {
    let policy = exempting("account = \"acct-1\"\nexpires = 2027-01-01\ncovers = [\"reasoning\"]");
    let decision = decide(&policy, 0.7);
    assert!(decision.plan.reasoning.is_none() && decision.plan.side_channels.is_some());
    assert_eq!(reasons(&decision), ["grade_reached", "partly_exempt"]);
    assert_eq!(reasons(&decide(&policy, 0.4)), ["grade_reached"], "covers nothing of this grade");
}

#[test]
fn an_observed_policy_decides_alike_and_carries_out_nothing() {
    let text = format!("version = 1\nname = \"p\"\nmode = \"observe\"\n{LADDER}");
    let policy = Policy::parse("test.toml", &text).unwrap();
    let decision = decide(&policy, 0.7);
    assert_eq!(grade(&decision), Some("withheld"));
    assert!(decision.plan.reasoning.as_ref().is_some_and(|measure| measure.enforced().is_none()));
    assert_eq!(reasons(&decision), ["grade_reached", "observe_only"]);
    let unknown = RequestFacts { path: "/v2/anything", protocol: None };
    let decision = policy.decide(&assessment(0.7, None), unknown, now());
    assert!(decision.plan.refuse.as_ref().is_some_and(|measure| measure.enforced().is_none()));
}

#[test]
fn the_scope_spares_other_routes_protocols_and_models() {
    let policy = policy(&format!(
        "[scope]\nroutes = [\"/v1/chat/*\", \"/v1/messages\"]\nprotocols = [\"chat\"]\n\
         models = [\"big*\"]\n{LADDER}"
    ));
    let decide = |path, protocol| {
        policy.decide(
            &assessment(0.7, None),
            RequestFacts { path, protocol: Some(protocol) },
            now(),
        )
    };
    let inside = decide("/v1/chat/completions", ProtocolId::Chat);
    assert!(!inside.clone().for_model("big-2").plan.is_empty());
    let other_model = inside.for_model("small");
    assert!(other_model.plan.is_empty());
    assert_eq!(reasons(&other_model), ["grade_reached", "model_out_of_scope"]);
    assert_eq!(grade(&other_model), Some("withheld"), "the audit still names the grade");
    let other_route = decide("/chat/completions", ProtocolId::Chat);
    assert_eq!(reasons(&other_route), ["grade_reached", "route_out_of_scope"]);
    let other_protocol = decide("/v1/messages", ProtocolId::Messages);
    assert_eq!(reasons(&other_protocol), ["grade_reached", "protocol_out_of_scope"]);
    assert!(other_route.plan.is_empty() && other_protocol.plan.is_empty());
}

#[test]
fn unknown_paths_are_refused_to_those_whom_a_grade_touches() {
    let scope = "[scope]\nroutes = [\"/v1/*\"]\nmodels = [\"big*\"]\n";
    let unknown = RequestFacts { path: "//v1/chat/completions", protocol: None };
    let refusing = policy(&format!("{scope}{LADDER}"));
    let decision = refusing.decide(&assessment(0.7, None), unknown, now()).for_model("small");
    assert!(decision.plan.refuse.as_ref().is_some_and(|measure| measure.enforced().is_some()));
    assert!(decision.plan.reasoning.is_none());
    assert_eq!(reasons(&decision), ["grade_reached", "unknown_route_refused"]);
    for score in [0.1, 0.2] {
        assert!(refusing.decide(&assessment(score, None), unknown, now()).plan.is_empty());
    }
    let passing = policy(&format!("unknown_routes = \"pass\"\n{scope}{LADDER}"));
    let decision = passing.decide(&assessment(0.7, None), unknown, now());
    assert!(decision.plan.is_empty());
    assert_eq!(reasons(&decision), ["grade_reached", "unknown_route_passed"]);
}

#[test]
fn debug_output_of_a_policy_names_no_exempted_account() {
    let policy = exempting("account = \"alice@example.com\"\nexpires = 2027-01-01");
    assert!(!format!("{policy:?}").contains("alice"));
}

proptest! {
    #[test]
    fn a_higher_score_never_gives_a_lower_grade(
        one in 0.0..=1.0_f64, other in 0.0..=1.0_f64, confidence in 0.0..=1.0_f64,
        thresholds in proptest::collection::btree_set(0..=100_u32, 1..8),
        confidences in proptest::collection::vec(0..=100_u32, 8),
    ) {
        let body: String = thresholds.iter().zip(&confidences).enumerate()
            .map(|(index, (at, sure))| format!(
                "[[grade]]\nname = \"g{index}\"\nat = {}\nmin_confidence = {}\n",
                f64::from(*at) / 100.0, f64::from(*sure) / 100.0,
            ))
            .collect();
        let policy = policy(&body);
        let index = |score| {
            let decision = policy.decide(&assessment(score, Some(confidence)), CHAT, now());
            decision.grade.map(|grade| grade.index)
        };
        prop_assert!(index(one.min(other)) <= index(one.max(other)));
    }

    #[test]
    fn no_text_makes_the_parser_fail_other_than_by_an_error(text in "[a-z=\\[\\]{}\"0-9.,\\n -]{0,120}") {
        prop_assert!(Policy::parse("any", &text).is_err());
    }
}

#[cfg(feature = "schema")]
#[test]
fn the_committed_schema_is_the_one_of_the_code() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies/schema.json");
    let committed: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    assert!(
        committed == guilloche::policy::schema(),
        "run `guilloche policy schema > policies/schema.json`"
    );
}
