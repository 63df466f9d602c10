//! What a campaign gets in full under a policy.

use crate::policy::plan::{Downgrade, Keep, Limits, Mode, Plan, Quota, enforced};
use crate::policy::{Grade, Policy};

use super::detector::{Detector, Reach};
use super::population::Campaign;

/// Tokens of an English word, about: what `keep` counts in words is told in tokens.
const TOKENS_PER_WORD: f64 = 4.0 / 3.0;

/// The most words of a conclusion that `keep = "conclusion"` leaves.
const CONCLUSION_WORDS: f64 = 60.0;

/// The words of a summary within the usual cap. That each of them tells of more than one of the
/// reasoning is not counted.
const SUMMARY_WORDS: f64 = 100.0;

const SECONDS_PER_DAY: f64 = 86_400.0;

/// The mean and the variance of what a campaign gets, and what of it before a score is there.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Leaked {
    pub(super) mean: f64,
    pub(super) variance: f64,
    pub(super) before: f64,
}

/// What a policy's grades carry out; a policy that observes is taken as if it were enforced.
pub(super) fn plans(policy: &Policy) -> Vec<Plan> {
    let observes = policy.mode == Mode::Observe;
    let plan = |grade: &Grade| if observes { grade.plan.enforced() } else { (*grade.plan).clone() };
    policy.grades.iter().map(plan).collect()
}

/// Whether anything of a plan is carried out.
pub(super) fn touches(plan: &Plan) -> bool {
    let Plan { refuse, rate, downgrade, side_channels, reasoning, watermark, pace } = plan;
    enforced(refuse).is_some()
        || enforced(rate).is_some()
        || enforced(downgrade).is_some()
        || enforced(side_channels).is_some()
        || enforced(reasoning).is_some()
        || enforced(watermark).is_some()
        || enforced(pace).is_some()
}

/// The shares of accounts in each grade, the first of them in none: those who reach its threshold and
/// not the next.
pub(super) fn shares(thresholds: &[Option<f64>], detector: &Detector) -> Vec<Reach> {
    let reach =
        |threshold: &Option<f64>| threshold.map(|it| detector.reach(it)).unwrap_or_default();
    let from = [Reach { harvesters: 1.0, ordinary: 1.0 }];
    let reached: Vec<Reach> = from.into_iter().chain(thresholds.iter().map(reach)).collect();
    let next = reached.iter().skip(1).copied().chain([Reach::default()]);
    let share = |(own, next): (&Reach, Reach)| Reach {
        harvesters: own.harvesters - next.harvesters,
        ordinary: own.ordinary - next.ordinary,
    };
    reached.iter().zip(next).map(share).collect()
}

/// What a campaign gets if each account's score comes `delay` days after its first request and puts it
/// for good into a grade with these chances.
pub(super) fn leaked(campaign: &Campaign, shares: &[Reach], plans: &[Plan], delay: f64) -> Leaked {
    let Campaign { accounts, days, rotate_after_days, linked, .. } = campaign;
    let asked = campaign.requests_per_day() * campaign.reasoning_tokens;
    // Units that are scored apart, of so many accounts each, which live so long.
    let part = |linked: bool, units: f64, size: f64, life: f64| {
        let before = delay.min(life);
        let each = |(place, share): (usize, &Reach)| {
            let plan = place.checked_sub(1).and_then(|place| plans.get(place));
            let daily = plan.map_or(asked, |plan| daily(plan, campaign, linked.then_some(size)));
            (share.harvesters, daily * (life - before))
        };
        let outcomes = || shares.iter().enumerate().map(each);
        let mean: f64 = outcomes().map(|(chance, tokens)| chance * tokens).sum();
        let spread: f64 =
            outcomes().map(|(chance, tokens)| chance * (tokens - mean) * (tokens - mean)).sum();
        Leaked {
            mean: units * size * (asked * before + mean),
            variance: units * size * size * spread,
            before: units * size * asked * before,
        }
    };
    let alone = accounts * (1.0 - linked);
    let generations = (days / rotate_after_days).floor();
    let rest = days - generations * rotate_after_days;
    let parts = [
        // What is linked is one unit, as old as the campaign.
        part(true, 1.0, accounts * linked, *days),
        part(false, alone * generations, 1.0, *rotate_after_days),
        part(false, alone, 1.0, rest),
    ];
    parts.into_iter().fold(Leaked::default(), |sum, part| Leaked {
        mean: sum.mean + part.mean,
        variance: sum.variance + part.variance,
        before: sum.before + part.before,
    })
}

/// Tokens of reasoning that an account gets in full in a day under a plan. `linked` accounts share a
/// cluster's limits.
fn daily(plan: &Plan, campaign: &Campaign, linked: Option<f64>) -> f64 {
    if enforced(&plan.refuse).is_some() {
        return 0.0;
    }
    let mut requests = campaign.requests_per_day();
    let mut tokens = f64::INFINITY;
    if let Some(rate) = enforced(&plan.rate) {
        let mut limit = |limits: &Limits, among: f64| {
            requests = requests.min(per_day(limits.requests) / among);
            tokens = tokens.min(per_day(limits.reasoning_tokens) / among);
        };
        limit(&rate.account, 1.0);
        if let Some(accounts) = linked {
            // Less than one account is none.
            limit(&rate.cluster, accounts.max(1.0));
        }
    }
    (requests * kept(plan, campaign.reasoning_tokens)).min(tokens)
}

/// Tokens of one answer's reasoning that are left in full.
fn kept(plan: &Plan, reasoning: f64) -> f64 {
    let mut left = reasoning;
    if let Some(downgrade) = enforced(&plan.downgrade) {
        let most = Downgrade::thinking_tokens(downgrade).map_or(f64::INFINITY, |most| most as f64);
        // What another model thinks is not what was to be had.
        left = if downgrade.replaces_models() { 0.0 } else { left.min(most) };
    }
    match enforced(&plan.reasoning).map(|reasoning| reasoning.keep) {
        None => left,
        Some(Keep::None) => 0.0,
        Some(Keep::Words(words)) => left.min(f64::from(words.get()) * TOKENS_PER_WORD),
        Some(Keep::Share(share)) => left * share,
        Some(Keep::Conclusion) => left.min(CONCLUSION_WORDS * TOKENS_PER_WORD),
        Some(Keep::Summary) => left.min(SUMMARY_WORDS * TOKENS_PER_WORD),
    }
}

fn per_day(quota: Option<Quota>) -> f64 {
    quota.map_or(f64::INFINITY, |Quota { amount, period, .. }| {
        amount.get() as f64 * SECONDS_PER_DAY / period.as_secs_f64().max(1e-9)
    })
}
