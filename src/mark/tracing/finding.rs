//! From scores to what may be said of whom.

use super::roster::Roster;
use super::trace::{Score, Trace};
use crate::mark::evidence::{Control, Refusal};

/// An accusation needs an adjusted p-value below this.
pub const ACCUSATION_LEVEL: f64 = 1e-6;

/// An accusation needs so many standard deviations between the last who is named and the next.
pub const CLEAR_GAP: f64 = 3.0;

/// What may be said of the accounts, or of the clusters, of a roster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// Nobody can be named.
    Nobody,
    /// The text was exposed to outputs of each of these, by their places in the roster; the
    /// strongest first.
    Each(Vec<usize>),
    /// The text was exposed to outputs of at least one of these: there is no clear gap below those
    /// whose p-values would suffice.
    OneOf(Vec<usize>),
}

impl Finding {
    /// Of the scores of a level, by their places.
    #[must_use]
    pub fn new(scores: &[Score]) -> Self {
        let mut order: Vec<(usize, &Score)> = scores.iter().enumerate().collect();
        order.sort_by(|(_, left), (_, right)| right.standardized.total_cmp(&left.standardized));
        let named = order
            .iter()
            .take_while(|(_, score)| score.ln_p_adjusted < ACCUSATION_LEVEL.ln())
            .count();
        let Some((_, last)) = named.checked_sub(1).and_then(|last| order.get(last)) else {
            return Self::Nobody;
        };
        let near = order
            .iter()
            .skip(named)
            .take_while(|(_, next)| last.standardized - next.standardized <= CLEAR_GAP)
            .count();
        let places = order.iter().take(named + near).map(|(place, _)| *place).collect();
        if near == 0 { Self::Each(places) } else { Self::OneOf(places) }
    }
}

/// The outcome of a trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Findings {
    /// Of clusters.
    pub clusters: Finding,
    /// Of accounts.
    pub accounts: Finding,
}

impl Trace {
    /// What may be said.
    ///
    /// # Errors
    ///
    /// If a control found a mark where there is none, nothing may be said.
    pub fn findings(&self, controls: &[Control]) -> Result<Findings, Refusal> {
        self.examine(controls)?;
        let clusters: Vec<Score> = self.clusters.iter().map(|cluster| cluster.whole).collect();
        Ok(Findings { clusters: Finding::new(&clusters), accounts: Finding::new(&self.accounts) })
    }
}

impl Findings {
    /// The outcome in words that claim no more than was tested.
    #[must_use]
    pub fn statement(&self, roster: &Roster) -> String {
        let accounts = said(&self.accounts, "account", |place| {
            roster.accounts.get(place).map(|account| account.name.as_str())
        });
        let clusters = said(&self.clusters, "cluster", |place| {
            roster.clusters.get(place).map(|cluster| cluster.name.as_str())
        });
        let said: Vec<String> = [clusters, accounts].into_iter().flatten().collect();
        if said.is_empty() {
            return "The text cannot be traced to outputs of any account or cluster.".to_owned();
        }
        format!(
            "{} This does not tell who did it: outputs that were lawfully published expose \
             everyone who reads them.",
            said.join(" ")
        )
    }
}

fn said<'a>(
    finding: &Finding,
    kind: &str,
    name: impl Fn(usize) -> Option<&'a str>,
) -> Option<String> {
    let names = |places: &[usize]| {
        places.iter().filter_map(|place| name(*place)).collect::<Vec<_>>().join(", ")
    };
    match finding {
        Finding::Nobody => None,
        Finding::Each(places) => {
            let plural = if places.len() == 1 { "" } else { "s" };
            Some(format!("The text was exposed to outputs of {kind}{plural} {}.", names(places)))
        }
        Finding::OneOf(places) => Some(format!(
            "The text was exposed to outputs of at least one of the {kind}s {}.",
            names(places)
        )),
    }
}
