//! Policies that code makes are those that a file would make.

use guilloche::jiff::civil::date;
use guilloche::policy::plan::{Downgrade, Keep, Mode, Pace, Plan, Rate, Reasoning, Refuse};
use guilloche::policy::plan::{SideChannels, Watermark};
use guilloche::policy::{Countermeasure, Exemption, Grade, Policy, PolicyBuilder};

/// The same policy, put together in code.
fn rebuilt(policy: &Policy) -> PolicyBuilder {
    let builder = Policy::builder(&policy.name, policy.mode)
        .unknown_routes(policy.unknown_routes)
        .on_opaque(policy.on_opaque)
        .no_text_routes(policy.no_text_routes)
        .observe_sample(policy.observe_sample)
        .scope(&policy.scope);
    let builder = policy.exemptions.iter().cloned().fold(builder, PolicyBuilder::exemption);
    policy.grades.iter().cloned().fold(builder, PolicyBuilder::grade)
}

fn assert_same(one: &Policy, other: &Policy) {
    assert_eq!(
        (&one.name, one.mode, one.unknown_routes, one.on_opaque, one.no_text_routes),
        (&other.name, other.mode, other.unknown_routes, other.on_opaque, other.no_text_routes)
    );
    assert_eq!((&one.scope, one.observe_sample), (&other.scope, other.observe_sample));
    let named = |policy: &Policy| {
        let named = policy.exemptions.iter().map(|one| {
            let covered = Countermeasure::ALL.map(|countermeasure| one.covers(countermeasure));
            let Exemption { account, cluster, tenant, owner, reason, expires, .. } = one.clone();
            ((account, cluster, tenant), owner, reason, expires, covered)
        });
        named.collect::<Vec<_>>()
    };
    assert_eq!(named(one), named(other));
    assert_eq!(one.grades.len(), other.grades.len());
    for (one, other) in one.grades.iter().zip(&other.grades) {
        assert_eq!(
            (&one.name, one.at, one.min_confidence),
            (&other.name, other.at, other.min_confidence)
        );
        assert_eq!(one.plan, other.plan);
    }
}

/// Every setting that a policy can have, none of them as it is if nothing is said.
const EVERYTHING: &str = r#"
version = 1
name = "everything"
mode = "enforce"
unknown_routes = "pass"
on_opaque = "pass"
no_text_routes = "pass"
observe_sample = 0.25
scope = { routes = ["/v1/*"], protocols = ["chat"], models = ["big-*"] }
[[exemption]]
account = "acct \"quoted\""
cluster = "c"
tenant = "t"
owner = "o"
reason = "r"
expires = 2027-01-31
covers = ["rate", "pace"]
[[grade]]
name = "first"
at = 0.3
min_confidence = 0.1
side_channels = { max_choices = 3, allow = ["logprobs"], mode = "observe" }
watermark = { strength = { min = 0.25, max = 0.75 }, multi_turn = "mark" }
pace = { tokens_per_second = 20, shared_by = "account", first_token_delay = { min = "1500us", max = "1.5s" } }
[[grade]]
name = "second"
at = 0.5
reasoning = { keep = { words = 12 }, signed = "seal", opened_by_template = ["a*", "b"], ask_upstream = true, round_usage = 64 }
[grade.downgrade]
models = { "big-1" = "small", "big*" = "tiny" }
other_models = "tiny"
max_output_tokens = 100
max_effort = "xhigh"
max_thinking_tokens = 5
disclose = false
[grade.rate]
account = { requests = "60 per 7 minutes, burst 3", concurrency = 2 }
cluster = { input_tokens = "1 per day", output_tokens = "2 per 90 seconds", reasoning_tokens = "3 per hour" }
advertised = { requests = "9 per second" }
reserve_output_tokens = 7
[[grade]]
name = "third"
at = 0.7
reasoning = { keep = "none", seal = { in_strings = true } }
[[grade]]
name = "fourth"
at = 0.8
reasoning = { keep = "conclusion", signed = "seal", round_usage = 8, seal = { lifetime = "90s", bind = "conversation", unopened = "refuse", bucket = 256 } }
[[grade]]
name = "last"
at = 0.9
refuse = { message = "No \\ more." }
"#;

#[test]
fn a_policy_is_the_same_from_a_file_and_from_code() {
    let mut policies = vec![Policy::parse("everything", EVERYTHING).unwrap()];
    for entry in std::fs::read_dir("policies").unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            policies.push(Policy::load(path).unwrap());
        }
    }
    assert!(policies.len() > 4);
    for policy in policies {
        assert_same(&rebuilt(&policy).build().unwrap(), &policy);
    }
}

#[test]
fn what_code_leaves_out_is_what_a_file_leaves_out() {
    let mut first = Plan::default();
    first.side_channels = Some(SideChannels::default().into());
    first.watermark = Some(Watermark::default().into());
    first.reasoning = Some(Reasoning::new(Keep::None).into());
    let mut caps = Downgrade::default();
    caps.max_output_tokens = 9.try_into().ok();
    first.downgrade = Some(caps.into());
    let mut pace = Pace::default();
    pace.tokens_per_second = 9.try_into().ok();
    first.pace = Some(pace.into());
    let mut rate = Rate::default();
    rate.cluster.concurrency = 9.try_into().ok();
    first.rate = Some(rate.into());
    let mut last = Plan::default();
    last.refuse = Some(Refuse::default().into());
    let built = Policy::builder("short", Mode::Enforce)
        .exemption({
            let mut exemption = Exemption::new("o", "r", date(2027, 1, 31));
            exemption.account = Some("a".into());
            exemption
        })
        .grade(Grade::new("first", 0.5, first))
        .grade(Grade::new("last", 0.9, last).with_min_confidence(0.5))
        .build()
        .unwrap();
    let file = r#"
        version = 1
        name = "short"
        mode = "enforce"
        [[exemption]]
        account = "a"
        owner = "o"
        reason = "r"
        expires = 2027-01-31
        [[grade]]
        name = "first"
        at = 0.5
        side_channels = {}
        watermark = {}
        reasoning = { keep = "none" }
        downgrade = { max_output_tokens = 9 }
        pace = { tokens_per_second = 9 }
        rate = { cluster = { concurrency = 9 } }
        [[grade]]
        name = "last"
        at = 0.9
        min_confidence = 0.5
        refuse = {}
    "#;
    assert_same(&built, &Policy::parse("short", file).unwrap());
}

#[test]
fn a_policy_of_code_has_the_revision_of_what_it_says() {
    let at = |at| {
        let grade = Grade::new("g", at, Plan::default());
        Policy::builder("p", Mode::Observe).grade(grade).build().unwrap().revision
    };
    assert_eq!(at(0.5), at(0.5));
    assert_ne!(at(0.5), at(0.6));
}

#[test]
fn a_broken_rule_is_named_as_in_a_file_and_accounts_are_not_printed() {
    let exemption = {
        let mut exemption = Exemption::new("o", "", date(2027, 1, 31));
        exemption.account = Some("someone@example.org".into());
        exemption
    };
    let builder = Policy::builder("No Name", Mode::Enforce)
        .exemption(exemption)
        .grade(Grade::new("a", 0.5, Plan::default()))
        .grade(Grade::new("a", f64::NAN, Plan::default()));
    assert!(!format!("{builder:?}").contains("someone"));
    let error = builder.build().unwrap_err();
    assert!(error.is_invalid() && !error.is_io());
    let mut fields: Vec<_> = error.problems().iter().map(|it| it.field.as_str()).collect();
    fields.sort_unstable();
    assert_eq!(fields, ["exemption[0].reason", "grade[1].at", "grade[1].name", "name"]);
}
