//! Which of two decisions about one request is the stricter one.
//!
//! Units of several arms that have come together are treated by the stricter arm, so that whoever runs
//! accounts in two arms gains little by having them linked. Which that is may differ from request to
//! request, and is found by what would be carried out. Where each arm does something that the other does
//! not, an order of what matters decides: all of an arm's policy is carried out, never parts of two.

use std::cmp::Ordering;
use std::num::NonZeroU32;

use crate::limit::Quota;

use crate::policy::plan::{Keep, Mode, Plan, enforced};
use crate::policy::{Countermeasure, Decision};

/// The stricter decision is greater: the first of these that tells the two apart decides.
///
/// 1. One refuses.
/// 2. One leaves less of the reasoning.
/// 3. One allows fewer requests in a time, then fewer output tokens, by limits or pace.
/// 4. One has a weaker model answer, or a shorter answer.
/// 5. One carries out more countermeasures, then observes more.
pub(super) fn by_strictness(one: &Decision, other: &Decision) -> Ordering {
    let (one, other) = (&one.plan, &other.plan);
    let refuses = |plan: &Plan| enforced(&plan.refuse).is_some();
    let replaces = |plan: &Plan| {
        enforced(&plan.downgrade)
            .is_some_and(|it| !it.models.is_empty() || it.other_models.is_some())
    };
    refuses(one)
        .cmp(&refuses(other))
        .then_with(|| kept(other).total_cmp(&kept(one)))
        .then_with(|| requests(other).total_cmp(&requests(one)))
        .then_with(|| tokens(other).total_cmp(&tokens(one)))
        .then_with(|| replaces(one).cmp(&replaces(other)))
        .then_with(|| longest(other).cmp(&longest(one)))
        .then_with(|| count(one, Mode::Enforce).cmp(&count(other, Mode::Enforce)))
        .then_with(|| count(one, Mode::Observe).cmp(&count(other, Mode::Observe)))
}

fn count(plan: &Plan, mode: Mode) -> usize {
    Countermeasure::ALL.into_iter().filter(|named| named.mode_in(plan) == Some(mode)).count()
}

/// Requests per second that an account may make.
fn requests(plan: &Plan) -> f64 {
    enforced(&plan.rate).map_or(f64::INFINITY, |rate| per_second(rate.account.requests))
}

/// Output tokens per second that an account may get.
fn tokens(plan: &Plan) -> f64 {
    let limit =
        enforced(&plan.rate).map_or(f64::INFINITY, |rate| per_second(rate.account.output_tokens));
    let pace = enforced(&plan.pace).and_then(|pace| pace.tokens_per_second);
    pace.map_or(limit, |pace| limit.min(f64::from(pace.get())))
}

fn per_second(quota: Option<Quota>) -> f64 {
    quota.map_or(f64::INFINITY, |it| it.amount.get() as f64 / it.period.as_secs_f64())
}

/// The longest answer, in tokens.
fn longest(plan: &Plan) -> u32 {
    let cap = enforced(&plan.downgrade).and_then(|it| it.max_output_tokens);
    cap.map_or(u32::MAX, NonZeroU32::get)
}

/// The words of a usual summary, each of which tells of more than one of the reasoning.
const SUMMARY_WORDS: f64 = 100.0;

/// How much of the reasoning is left: a share, or, of a number of words, which is less than any trace
/// has, as many thousandths.
fn kept(plan: &Plan) -> f64 {
    match enforced(&plan.reasoning).map(|it| it.keep) {
        None => f64::INFINITY,
        Some(Keep::None) => 0.0,
        Some(Keep::Words(words)) => f64::from(words.get()) / 1000.0,
        Some(Keep::Share(share)) => share,
        Some(Keep::Summary) => SUMMARY_WORDS / 1000.0,
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
            decided("enforce", "side_channels = { max_choices = 1 }"),
            decided("enforce", "pace = { tokens_per_second = 50 }"),
            decided("enforce", "rate = { account = { requests = \"60 per minute\" } }"),
            decided("enforce", "rate = { account = { requests = \"20 per minute\" } }"),
            decided("enforce", "reasoning = { keep = { share = 0.9 }, signed = \"seal\" }"),
            decided(
                "enforce",
                "side_channels = { max_choices = 1 }\nreasoning = { keep = { share = 0.9 }, signed = \"seal\" }",
            ),
            decided("enforce", "reasoning = { keep = \"conclusion\", signed = \"seal\" }"),
            decided("enforce", "reasoning = { keep = \"none\" }"),
            decided(
                "enforce",
                "reasoning = { keep = \"none\" }\npace = { tokens_per_second = 100 }",
            ),
            decided(
                "enforce",
                "reasoning = { keep = \"none\" }\npace = { tokens_per_second = 50 }",
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
