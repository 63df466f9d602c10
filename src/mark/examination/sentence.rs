//! The answer in words that claim no more than was tested.

use super::measured::PValue;
use super::verdict::{Id, IdTest, Level, LevelTests, Named, Outcome, Verdict};

/// What must be said along with an answer.
pub(super) fn caveat(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Exposed => {
            "This does not tell who did it: outputs that were lawfully published expose everyone \
             who reads them."
        }
        Outcome::NotShown => {
            "This does not show that the text is free of them: a paraphrase removes the mark, and \
             little text shows little."
        }
        Outcome::Refused => "The numbers below are no evidence for or against anybody.",
    }
}

/// The answer in one sentence.
pub(super) fn sentence(verdict: &Verdict) -> String {
    match (verdict.outcome, verdict.reached) {
        (Outcome::Refused, _) => {
            let reasons: Vec<&str> =
                verdict.refusals.iter().map(|refused| refused.reason.as_str()).collect();
            format!("No answer is given: {}.", reasons.join("; "))
        }
        (Outcome::Exposed, Some(Level::Account)) => exposed(&verdict.accounts, "account"),
        (Outcome::Exposed, Some(Level::Cluster)) => exposed(&verdict.clusters, "cluster"),
        (Outcome::Exposed, _) => format!(
            "The text was exposed to marked outputs of this deployment (adjusted p = {}), which \
             cannot be traced to any one account or cluster.",
            least(verdict.deployments.iter().map(|test| test.p_adjusted))
        ),
        (Outcome::NotShown, _) => format!(
            "It was not shown that the text was exposed to marked outputs of this deployment \
             (adjusted p = {}, where less than {:.0e} would be needed).",
            least(verdict.deployments.iter().map(|test| test.p_adjusted)),
            verdict.accusation_level
        ),
    }
}

fn exposed(level: &LevelTests, kind: &str) -> String {
    let ids = level.named.ids();
    let plural = if ids.len() == 1 { "" } else { "s" };
    let names = ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let is_named =
        |test: &&IdTest| ids.contains(&Id { tenant: test.tenant.clone(), id: test.id.clone() });
    let p = least(level.strongest.iter().filter(is_named).map(|test| test.p_adjusted));
    let bound = if ids.len() == 1 { "" } else { "the least " };
    match level.named {
        Named::OneOf(_) => format!(
            "The text was exposed to outputs of at least one of the {kind}{plural} {names} \
             ({bound}adjusted p = {p})."
        ),
        _ => format!(
            "The text was exposed to outputs of the {kind}{plural} {names} ({bound}adjusted p = \
             {p})."
        ),
    }
}

fn least(values: impl Iterator<Item = PValue>) -> PValue {
    values.min_by(|left, right| left.log10.total_cmp(&right.log10)).unwrap_or(PValue::from_ln(0.0))
}
