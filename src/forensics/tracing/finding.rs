//! From scores to what may be said of whom.

use super::roster::Roster;
use super::trace::{Score, Trace};
use crate::forensics::evidence::{Control, Refusal};

/// A finding needs an adjusted p-value below this.
pub const ACCUSATION_LEVEL: f64 = 1e-6;

/// A finding needs so much between the last who is singled out and the next, in
/// [`Score::strength`].
pub const CLEAR_GAP: f64 = 3.0;

/// What may be said of the accounts, or of the clusters, of a roster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// Nobody is singled out.
    Nobody,
    /// The text is consistent with outputs of each of these, by their places in the roster; the
    /// strongest first.
    Each(Vec<usize>),
    /// Nobody is singled out, although the p-values of these would suffice: there is no clear gap between
    /// them and somebody whose p-value would not.
    Unclear(Vec<usize>),
}

impl Finding {
    /// Of the scores of a level, by their places.
    #[must_use]
    pub fn new(scores: &[Score]) -> Self {
        let (order, named) = ordered(scores);
        let Some((_, last)) = named.checked_sub(1).and_then(|last| order.get(last)) else {
            return Self::Nobody;
        };
        let near = |(_, next): &(usize, &Score)| last.strength() - next.strength() <= CLEAR_GAP;
        let is_clear = !order.get(named).is_some_and(near);
        let places = order.iter().take(named).map(|(place, _)| *place).collect();
        if is_clear { Self::Each(places) } else { Self::Unclear(places) }
    }

    /// The difference in [`Score::strength`] between the last of a level whose p-value suffices, or the first
    /// if nobody's does, and the next. None if there is no next.
    #[must_use]
    pub fn gap(scores: &[Score]) -> Option<f64> {
        let (order, named) = ordered(scores);
        let last = named.max(1);
        let (_, before) = order.get(last - 1)?;
        let (_, after) = order.get(last)?;
        Some(before.strength() - after.strength())
    }
}

/// The scores with their places, the least p-value first, and how many of them suffice to be named.
fn ordered(scores: &[Score]) -> (Vec<(usize, &Score)>, usize) {
    let mut order: Vec<(usize, &Score)> = scores.iter().enumerate().collect();
    // By the adjusted value first: behind a gate that is shut a low p-value does not suffice.
    let key = |score: &Score| (score.ln_p_adjusted >= ACCUSATION_LEVEL.ln(), score.ln_p);
    order.sort_by(|(_, left), (_, right)| {
        let ((left_behind, left), (right_behind, right)) = (key(left), key(right));
        left_behind.cmp(&right_behind).then(left.total_cmp(&right))
    });
    let sufficient = |score: &Score| score.ln_p_adjusted < ACCUSATION_LEVEL.ln();
    let named = order.iter().take_while(|(_, score)| sufficient(score)).count();
    (order, named)
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
            "{} This is no name, and does not tell who did it: outputs that were lawfully published \
             expose everyone who reads them, and text can be written to look like them.",
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
        Finding::Nobody | Finding::Unclear(_) => None,
        Finding::Each(places) => {
            let plural = if places.len() == 1 { "" } else { "s" };
            Some(format!(
                "The text is consistent with outputs of {kind}{plural} {}.",
                names(places)
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scores(of: &[(f64, f64)]) -> Vec<Score> {
        let score =
            |&(standardized, ln_p): &(f64, f64)| Score { standardized, ln_p, ln_p_adjusted: ln_p };
        of.iter().map(score).collect()
    }

    #[test]
    fn the_gap_is_from_the_last_who_suffices_to_the_next() {
        let scores = |of: &[f64]| {
            scores(&of.iter().map(|strength| (0.0, -strength * strength / 2.0)).collect::<Vec<_>>())
        };
        let gap = |of: &[f64]| Finding::gap(&scores(of)).map(|gap| (gap * 1e9).round() / 1e9);
        assert_eq!(gap(&[2.5, 9.0, 7.0]), Some(4.5));
        assert_eq!(gap(&[1.0, 3.0]), Some(2.0));
        assert_eq!(gap(&[9.0]), None);
        assert_eq!(Finding::gap(&[]), None);
    }

    /// Scores of tests with few terms and with many are not on one scale.
    #[test]
    fn who_is_near_is_told_by_p_values_and_not_by_scores() {
        let far = scores(&[(6.0, -60.0), (5.9, -2.0)]);
        assert_eq!(Finding::new(&far), Finding::Each(vec![0]));
        let near = scores(&[(9.0, -20.0), (2.0, -13.0)]);
        assert_eq!(Finding::new(&near), Finding::Unclear(vec![0]));
        let order = scores(&[(9.0, -20.0), (6.0, -80.0)]);
        assert_eq!(Finding::new(&order), Finding::Each(vec![1, 0]));
    }
}
