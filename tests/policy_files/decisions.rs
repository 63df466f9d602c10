//! What a loaded policy decides.

use guilloche::policy::{Policy, RequestFacts};
use guilloche::risk::{Assessment, Risk, UnknownReason};
use guilloche::wire::ProtocolId;
use proptest::prelude::*;

use crate::{CHAT, assessment, decide, grade, now, policy, principal, reasons};

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
}
