//! Which of two decisions about one request is the stricter one.
//!
//! Units of several arms that have come together are treated by the stricter arm: whoever runs
//! accounts in two arms gains nothing by having them linked. Which that is may differ from request to
//! request, and is found by what would be carried out.

use std::cmp::Ordering;

use crate::policy::plan::{Keep, Mode, Plan, enforced};
use crate::policy::{Countermeasure, Decision};

/// The stricter decision is greater: one that refuses; else the one that carries out more
/// countermeasures; else the one that leaves less of the reasoning; else the one that observes more.
pub(super) fn by_strictness(one: &Decision, other: &Decision) -> Ordering {
    let (one, other) = (&one.plan, &other.plan);
    enforced(&one.refuse)
        .is_some()
        .cmp(&enforced(&other.refuse).is_some())
        .then_with(|| count(one, Mode::Enforce).cmp(&count(other, Mode::Enforce)))
        .then_with(|| kept(other).total_cmp(&kept(one)))
        .then_with(|| count(one, Mode::Observe).cmp(&count(other, Mode::Observe)))
}

fn count(plan: &Plan, mode: Mode) -> usize {
    Countermeasure::ALL.into_iter().filter(|named| named.mode_in(plan) == Some(mode)).count()
}

/// How much of the reasoning is left: a share, or, of a number of words, which is less than any trace
/// has, as many thousandths.
fn kept(plan: &Plan) -> f64 {
    match enforced(&plan.reasoning).map(|it| it.keep) {
        None => f64::INFINITY,
        Some(Keep::None) => 0.0,
        Some(Keep::Words(words)) => f64::from(words.get()) / 1000.0,
        Some(Keep::Share(share)) => share,
        Some(_) => f64::MIN_POSITIVE,
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::policy::{Policy, RequestFacts};
    use crate::risk::{AccountId, Assessment, Principal, Risk, RiskScore, Validity};

    fn decided(mode: &str, measures: &str) -> Decision {
        let text = format!(
            "version = 1\nname = \"p\"\nmode = \"{mode}\"\n[[grade]]\nname = \"g\"\nat = 0.1\n{measures}\n"
        );
        let now = Timestamp::UNIX_EPOCH;
        let validity = Validity { issued: now, ttl: std::time::Duration::from_secs(60) };
        let assessment = Assessment {
            principal: Principal::of(AccountId::new("a").unwrap()),
            risk: Risk::Known(RiskScore::new(0.9, validity).unwrap()),
        };
        let facts = RequestFacts {
            path: "/v1/chat/completions",
            protocol: Some(crate::wire::ProtocolId::ALL[0]),
        };
        Policy::parse("p.toml", &text).unwrap().decide(&assessment, facts, now)
    }

    // From the mildest to the strictest.
    #[test]
    fn the_stricter_decision_is_the_one_that_does_more() {
        let ladder = [
            decided("enforce", ""),
            decided("observe", "reasoning = { keep = \"none\" }"),
            decided("enforce", "reasoning = { keep = { share = 0.9 }, signed = \"seal\" }"),
            decided("enforce", "reasoning = { keep = \"conclusion\", signed = \"seal\" }"),
            decided("enforce", "reasoning = { keep = \"none\" }"),
            decided(
                "enforce",
                "side_channels = { max_choices = 1 }\nreasoning = { keep = { share = 0.9 }, signed = \"seal\" }",
            ),
            decided("enforce", "refuse = {}"),
        ];
        for (place, one) in ladder.iter().enumerate() {
            for (other_place, other) in ladder.iter().enumerate() {
                let expected = place.cmp(&other_place);
                assert_eq!(by_strictness(one, other), expected, "{place} and {other_place}");
            }
        }
    }
}
