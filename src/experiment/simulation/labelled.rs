//! A detector's curve from its recorded scores and labels that are partly wrong.
//!
//! A label errs with a stated sensitivity and specificity, whatever the score is. Then of all accounts
//! those with a score of `t` or more and a positive label are `A = se π T + (1 − sp)(1 − π) F`, those with
//! a negative one `B = (1 − se) π T + sp (1 − π) F`, where π of all harvest, T of these and F of the others
//! reach `t`: two equations for T and F (Rogan and Gladen 1978, for each threshold).

use super::SimulationError;
use super::detector::{Detector, Point, Reach, UNSURE};

/// Thresholds at which the curve is computed.
const POINTS: usize = 1_000;

/// A score with its label.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Labelled {
    /// The score, 0 to 1.
    pub score: f64,
    /// Whether the account is labelled as one that harvests.
    pub positive: bool,
}

/// How often labels are right, 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quality {
    /// The share of those who harvest that are labelled so.
    pub sensitivity: f64,
    /// The share of the others that are not.
    pub specificity: f64,
}

impl Detector {
    /// A detector by recorded scores, one an account, and how many of these harvest behind the labels.
    ///
    /// # Errors
    /// [`SimulationError::Number`] of a score that is not from 0 to 1, of labels that say nothing, or if
    /// by them nobody or everybody harvests.
    pub fn labelled(scores: &[Labelled], quality: Quality) -> Result<(Self, f64), SimulationError> {
        let Quality { sensitivity, specificity } = quality;
        let share = |share: f64| (0.0..=1.0).contains(&share);
        let informative = sensitivity + specificity - 1.0;
        if !share(sensitivity) || !share(specificity) || informative <= 0.0 {
            let message = "labels of this sensitivity and specificity say nothing";
            return Err(SimulationError::Number(message));
        }
        if !scores.iter().all(|it| share(it.score)) {
            return Err(SimulationError::Number("a score is not from 0 to 1"));
        }
        let n = scores.len() as f64;
        let positive = scores.iter().filter(|it| it.positive).count() as f64;
        let prevalence = (positive / n + specificity - 1.0) / informative;
        if !(prevalence > 0.0 && prevalence < 1.0) {
            let message = "by these labels and their quality nobody harvests, or everybody does";
            return Err(SimulationError::Number(message));
        }
        let mut sorted = scores.to_vec();
        sorted.sort_by(|left, right| left.score.total_cmp(&right.score));
        let step = sorted.len().div_ceil(POINTS);
        let mut points: Vec<Point> = Vec::new();
        let mut above = (positive, n - positive);
        let mut passed = 0;
        for (place, it) in sorted.iter().enumerate() {
            let new = points.last().is_none_or(|last| last.threshold < it.score);
            // The highest scores count one by one: few ordinary accounts reach them.
            if new && (place >= points.len() * step || sorted.len() - place <= POINTS) {
                for it in sorted.iter().take(place).skip(passed) {
                    if it.positive { above.0 -= 1.0 } else { above.1 -= 1.0 }
                }
                passed = place;
                let rates = (above.0 / n, above.1 / n);
                let mut point = behind(it.score, rates, quality, prevalence, n);
                // Noise may make the curve rise. What is taken from another point is as unsure as there.
                if let Some(last) = points.last() {
                    if last.reach.harvesters < point.reach.harvesters {
                        point.reach.harvesters = last.reach.harvesters;
                        point.error.harvesters = last.error.harvesters;
                    }
                    if last.reach.ordinary < point.reach.ordinary {
                        point.reach.ordinary = last.reach.ordinary;
                        point.error.ordinary = last.error.ordinary;
                    }
                }
                points.push(point);
            }
        }
        Ok((Self::curve(points)?, prevalence))
    }
}

fn behind(
    threshold: f64,
    (positive, negative): (f64, f64),
    Quality { sensitivity, specificity }: Quality,
    prevalence: f64,
    n: f64,
) -> Point {
    let informative = sensitivity + specificity - 1.0;
    let solve = |own: f64, other: f64, right: f64, share: f64| {
        let scale = share * informative;
        let rate = ((right * own - (1.0 - right) * other) / scale).clamp(0.0, 1.0);
        // Multinomial: two shares of the same accounts.
        let variance = right * right * own * (1.0 - own)
            + (1.0 - right) * (1.0 - right) * other * (1.0 - other)
            + 2.0 * right * (1.0 - right) * own * other;
        // Where nobody was found three could have been missed, with a chance of 5 %.
        let least = right * 3.0 / UNSURE / n;
        (rate, (variance / n).max(0.0).sqrt().max(least) / scale)
    };
    let (harvesters, harvesters_error) = solve(positive, negative, specificity, prevalence);
    let (ordinary, ordinary_error) = solve(negative, positive, sensitivity, 1.0 - prevalence);
    Point {
        threshold,
        reach: Reach { harvesters, ordinary },
        error: Reach { harvesters: harvesters_error, ordinary: ordinary_error },
    }
}
