//! The reader of policies: a text is a policy or a list of what is wrong with it, each at its place. What is a
//! policy decides about everyone, more strictly at no lower a score, and about nobody whose risk is unknown.
#![no_main]

use std::time::Duration;

use guilloche::policy::{Policy, RequestFacts};
use guilloche::risk::{AccountId, Assessment, Principal, Risk, RiskScore, UnknownReason, Validity};
use guilloche::wire::ProtocolId;
use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    for text in [
        text.to_string(),
        format!(
            "version = 1\nname = \"f\"\nmode = \"enforce\"\n[[grade]]\nname = \"g\"\nat = 0.5\n{text}\n"
        ),
    ] {
        let policy = match Policy::parse("fuzz.toml", &text) {
            Ok(policy) => policy,
            Err(error) => {
                assert!(!error.to_string().is_empty());
                continue;
            }
        };
        let now = Timestamp::from_second(1_763_856_000).unwrap();
        let _ = policy.notices(now);
        let principal = Principal::of(AccountId::new("a").unwrap());
        let facts = RequestFacts { path: "/v1/chat/completions", protocol: Some(ProtocolId::Chat) };
        let mut last = None;
        for score in [0.0, 0.3, 0.5, 0.7, 1.0] {
            let validity = Validity { issued: now, ttl: Duration::from_secs(300) };
            let risk = Risk::Known(RiskScore::new(score, validity).unwrap());
            let assessment = Assessment { principal: principal.clone(), risk };
            let decision = policy.decide(&assessment, facts, now).for_model("m");
            let at = decision.grade.map(|grade| grade.index);
            assert!(at >= last && at.is_none_or(|at| at < policy.grades.len()), "{text}");
            last = at;
        }
        let risk = Risk::Unknown(UnknownReason::Absent);
        let unknown = Assessment { principal, risk };
        assert!(policy.decide(&unknown, facts, now).plan.is_empty(), "{text}");
    }
});
