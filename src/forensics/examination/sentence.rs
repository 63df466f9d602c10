//! The answer in words that claim no more than was tested.

use std::collections::HashSet;

use super::measured::PValue;
use super::verdict::{Id, IdTest, Level, LevelTests, Named, Outcome, Unanswered, Verdict};

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

/// A piece of the sentence. Names are apart, since others chose them.
#[derive(Clone, Debug, PartialEq)]
pub enum Said {
    /// Words of the program.
    Words(String),
    /// The name of an account, a cluster or an arm.
    Name(Id),
    /// A p-value.
    P(PValue),
    /// What it would have to be below.
    Level(f64),
}

/// The answer in one sentence.
pub(super) fn sentence(verdict: &Verdict) -> String {
    let said = |piece: Said| match piece {
        Said::Words(words) => words,
        Said::Name(id) => id.to_string(),
        Said::P(p) => p.to_string(),
        Said::Level(level) => format!("{level:.0e}"),
    };
    verdict.said().into_iter().map(said).collect()
}

impl Verdict {
    /// The pieces of [`Verdict::sentence`], from which it can be written with its names told
    /// apart from its words.
    #[must_use]
    pub fn said(&self) -> Vec<Said> {
        let mut said = self.answer();
        let deeper = matches!(self.reached, Some(Level::Cluster | Level::Account));
        if deeper && self.arms.named != Named::Nobody {
            said.push(words(" "));
            said.extend(exposed(&self.arms, "arm"));
        }
        if self.outcome != Outcome::Refused {
            said.extend(self.unanswered.iter().map(|Unanswered { scheme, reason }| {
                Said::Words(format!(" Of the mark {scheme} nothing is said: {reason}."))
            }));
        }
        said
    }

    fn least_answered(&self) -> PValue {
        let tests = self.deployments.iter().filter(|test| self.answers(&test.scheme));
        least(tests.map(|test| test.p_adjusted))
    }

    fn answer(&self) -> Vec<Said> {
        match (self.outcome, self.reached) {
            (Outcome::Refused, _) => {
                let reasons: Vec<&str> =
                    self.refusals.iter().map(|refused| refused.reason.as_str()).collect();
                vec![Said::Words(format!("No answer is given: {}.", reasons.join("; ")))]
            }
            (Outcome::Exposed, Some(Level::Account)) => exposed(&self.accounts, "account"),
            (Outcome::Exposed, Some(Level::Cluster)) => exposed(&self.clusters, "cluster"),
            (Outcome::Exposed, Some(Level::Arm)) => exposed(&self.arms, "arm"),
            (Outcome::Exposed, _) => vec![
                words("The text was exposed to marked outputs of this deployment (adjusted p = "),
                Said::P(self.least_answered()),
                words("), which cannot be traced to any one account or cluster."),
            ],
            (Outcome::NotShown, _) => vec![
                words(
                    "It was not shown that the text was exposed to marked outputs of this \
                     deployment (adjusted p = ",
                ),
                Said::P(self.least_answered()),
                words(", where less than "),
                Said::Level(self.accusation_level),
                words(" would be needed)."),
            ],
        }
    }
}

fn words(words: &str) -> Said {
    Said::Words(words.to_owned())
}

fn exposed(level: &LevelTests, kind: &str) -> Vec<Said> {
    let ids = level.named.ids();
    let plural = if ids.len() == 1 { "" } else { "s" };
    let named: HashSet<(&str, &str)> =
        ids.iter().map(|id| (id.tenant.as_str(), id.id.as_str())).collect();
    let is_named = |test: &&IdTest| named.contains(&(test.tenant.as_str(), test.id.as_str()));
    let p = least(level.strongest.iter().filter(is_named).map(|test| test.p_adjusted));
    let mut said =
        vec![Said::Words(format!("The text was exposed to outputs of the {kind}{plural} "))];
    for (place, id) in ids.iter().enumerate() {
        if place > 0 {
            said.push(words(", "));
        }
        said.push(Said::Name(id.clone()));
    }
    let bound = if ids.len() == 1 { "" } else { "the least " };
    said.extend([Said::Words(format!(" ({bound}adjusted p = ")), Said::P(p), words(").")]);
    said
}

fn least(values: impl Iterator<Item = PValue>) -> PValue {
    values.min_by(|left, right| left.log10.total_cmp(&right.log10)).unwrap_or(PValue::from_ln(0.0))
}
