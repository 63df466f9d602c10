//! The answer in words that claim no more than was tested.

use std::collections::HashSet;

use super::copies;
use super::level::{Id, IdTest, LevelTests};
use super::measured::PValue;
use super::naming::Asked;
use super::verdict::{Level, Outcome, Unanswered, Verdict};

/// What must be said along with an answer.
pub(super) fn caveat(verdict: &Verdict) -> &'static str {
    let finds = [&verdict.clusters, &verdict.arms, &verdict.accounts]
        .into_iter()
        .any(|level| !level.consistent_with.ids().is_empty());
    match verdict.outcome {
        Outcome::Exposed if verdict.names_somebody() => {
            "This does not tell who did it: outputs that were lawfully published expose everyone \
             who reads them, and a model may have been fed text that was written to look like them."
        }
        Outcome::Exposed if finds => {
            "This is no name, and does not tell who did it: outputs that were lawfully published \
             expose everyone who reads them, and whoever has enough answers of an account can write \
             text that looks like its outputs."
        }
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
        said.extend(copies::said(self));
        if self.outcome != Outcome::Refused && !self.naming.missing.is_empty() {
            let who =
                if self.names_somebody() { " No other is named: " } else { " Nobody is named: " };
            said.push(Said::Words(format!("{who}{}.", self.naming.missing.join("; "))));
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
            (Outcome::Exposed, Some(Level::Account)) => {
                self.traced((&self.accounts, "account"), |asked| &asked.accounts)
            }
            (Outcome::Exposed, Some(Level::Cluster)) => {
                self.traced((&self.clusters, "cluster"), |asked| &asked.clusters)
            }
            (Outcome::Exposed, Some(Level::Arm)) => {
                self.traced((&self.arms, "arm"), |asked| &asked.arms)
            }
            (Outcome::Exposed, _) => vec![
                words("The text was exposed to marked outputs of this deployment (adjusted p = "),
                Said::P(self.least_answered()),
                words(self.of_nobody()),
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

impl Verdict {
    /// Why nobody is found: what was not looked for is not told as if it had been.
    fn of_nobody(&self) -> &'static str {
        if self.accounts.ids == 0 && self.clusters.ids == 0 {
            "). Whose outputs they were was not tested: no entry of a ledger was read that tells of an \
             account with such marks."
        } else {
            "), which cannot be traced to any one account or cluster."
        }
    }

    /// At the deepest level at which somebody is found: who is named, by text that was asked for; else with whose
    /// outputs the text is consistent. Arms are told along with a cluster or an account.
    fn traced(
        &self,
        (level, kind): (&LevelTests, &str),
        of_asked: fn(&Asked) -> &LevelTests,
    ) -> Vec<Said> {
        let mut said = of_level(level, kind);
        let named = level.named.ids();
        if let Some(asked) = self.naming.asked.as_ref().filter(|_| !named.is_empty()) {
            let p = least_of(of_asked(asked), named);
            said.extend([
                words(" The text that the examiner asked for shows it by itself (adjusted p = "),
                Said::P(p),
                words(")."),
            ]);
        }
        if kind != "arm" && !self.arms.consistent_with.ids().is_empty() {
            said.push(words(" "));
            said.extend(of_level(&self.arms, "arm"));
        }
        said
    }
}

pub(super) fn words(words: &str) -> Said {
    Said::Words(words.to_owned())
}

/// Those who are named, or else those with whose outputs the text is consistent.
fn of_level(level: &LevelTests, kind: &str) -> Vec<Said> {
    let (named, found) = (level.named.ids(), level.consistent_with.ids());
    let (ids, opening) = if named.is_empty() {
        (
            found,
            "The text was exposed to marked outputs of this deployment, and is consistent with those",
        )
    } else {
        (named, "The text was exposed to outputs")
    };
    let plural = if ids.len() == 1 { "" } else { "s" };
    let mut said = vec![Said::Words(format!("{opening} of the {kind}{plural} "))];
    for (place, id) in ids.iter().enumerate() {
        if place > 0 {
            said.push(words(", "));
        }
        said.push(Said::Name(id.clone()));
    }
    let bound = if ids.len() == 1 { "" } else { "the least " };
    let p = least_of(level, ids);
    said.extend([Said::Words(format!(" ({bound}adjusted p = ")), Said::P(p), words(").")]);
    said
}

/// The least p-value of these ids at a level.
fn least_of(level: &LevelTests, ids: &[Id]) -> PValue {
    let among: HashSet<(&str, &str)> =
        ids.iter().map(|id| (id.tenant.as_str(), id.id.as_str())).collect();
    let is_among = |test: &&IdTest| among.contains(&(test.tenant.as_str(), test.id.as_str()));
    least(level.strongest.iter().filter(is_among).map(|test| test.p_adjusted))
}

fn least(values: impl Iterator<Item = PValue>) -> PValue {
    values.min_by(|left, right| left.log10.total_cmp(&right.log10)).unwrap_or(PValue::from_ln(0.0))
}
