//! What a detector tells of accounts: how often a score reaches a threshold.

use statrs::distribution::{ContinuousCDF, Normal};

use super::SimulationError;

/// By so many standard errors more than was found may be there, with a chance of 5 %.
pub(super) const UNSURE: f64 = 1.645;

/// The shares of accounts whose score reaches a threshold.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Reach {
    /// Of those who harvest.
    pub harvesters: f64,
    /// Of ordinary accounts.
    pub ordinary: f64,
}

/// A point of a detector's curve: with errors, if it was estimated.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// The score.
    pub threshold: f64,
    /// The shares that reach it.
    pub reach: Reach,
    /// The standard errors of these shares; zero where they are stated.
    pub error: Reach,
}

/// How the scores of a detector are distributed.
#[derive(Clone, Debug, PartialEq)]
pub struct Detector(Law);

#[derive(Clone, Debug, PartialEq)]
enum Law {
    Binormal {
        distance: f64,
        ln_odds: f64,
        auc: f64,
    },
    /// By threshold, the lowest first; between two points it is on the line.
    Curve(Vec<Point>),
}

impl Detector {
    /// A detector of this area under the curve, whose evidence follows two normal laws of one width (the
    /// binormal model of Dorfman and Alf 1969), and whose score is the chance that an account harvests
    /// where so many do: calibrated at this prevalence.
    ///
    /// # Errors
    /// [`SimulationError::Number`] of an area that is not above 0.5 and below 1, or a prevalence that is
    /// not between 0 and 1.
    pub fn binormal(auc: f64, prevalence: f64) -> Result<Self, SimulationError> {
        if !(auc > 0.5 && auc < 1.0) {
            return Err(SimulationError::Number(
                "the area under the curve is not above 0.5 and below 1",
            ));
        }
        if !(prevalence > 0.0 && prevalence < 1.0) {
            return Err(SimulationError::Number("the prevalence is not between 0 and 1"));
        }
        let distance = std::f64::consts::SQRT_2 * Normal::standard().inverse_cdf(auc);
        let ln_odds = (prevalence / (1.0 - prevalence)).ln();
        Ok(Self(Law::Binormal { distance, ln_odds, auc }))
    }

    /// A detector by points of its curve, in any order. The curve begins at a score of 0, which all reach,
    /// and ends where the last point or a score of 1 is.
    ///
    /// # Errors
    /// [`SimulationError::Point`] of one that is out of range, or at which more reach than at a lower score.
    pub fn curve(mut points: Vec<Point>) -> Result<Self, SimulationError> {
        let within = |share: f64| (0.0..=1.0).contains(&share);
        let good = |point: &Point| {
            let Point { threshold, reach: Reach { harvesters, ordinary }, .. } = *point;
            within(threshold) && within(harvesters) && within(ordinary)
        };
        if let Some(wrong) = points.iter().find(|point| !good(point)) {
            return Err(SimulationError::Point {
                threshold: wrong.threshold,
                what: "is out of range",
            });
        }
        if points.is_empty() {
            return Err(SimulationError::Number("there is no point"));
        }
        points.sort_by(|left, right| left.threshold.total_cmp(&right.threshold));
        let end = |threshold, share| Point {
            threshold,
            reach: Reach { harvesters: share, ordinary: share },
            error: Reach::default(),
        };
        if points.first().is_some_and(|point| point.threshold > 0.0) {
            points.insert(0, end(0.0, 1.0));
        }
        if points.last().is_some_and(|point| point.threshold < 1.0) {
            // Of scores above the highest no more is known than of that.
            let error = points.last().map(|point| point.error).unwrap_or_default();
            points.push(Point { error, ..end(1.0, 0.0) });
        }
        for (left, right) in points.iter().zip(points.iter().skip(1)) {
            let rises = right.reach.harvesters > left.reach.harvesters
                || right.reach.ordinary > left.reach.ordinary;
            if rises || left.threshold == right.threshold {
                let what = "is reached by more than a lower score, or stands twice";
                return Err(SimulationError::Point { threshold: right.threshold, what });
            }
        }
        Ok(Self(Law::Curve(points)))
    }

    /// The shares of accounts whose score is at least `threshold`.
    #[must_use]
    pub fn reach(&self, threshold: f64) -> Reach {
        match &self.0 {
            Law::Binormal { distance, ln_odds, .. } => {
                if threshold <= 0.0 {
                    return Reach { harvesters: 1.0, ordinary: 1.0 };
                }
                if threshold >= 1.0 {
                    return Reach::default();
                }
                let evidence =
                    ((threshold / (1.0 - threshold)).ln() - ln_odds) / distance + distance / 2.0;
                let normal = Normal::standard();
                Reach { harvesters: normal.sf(evidence - distance), ordinary: normal.sf(evidence) }
            }
            Law::Curve(points) => between(points, threshold, |point| point.reach),
        }
    }

    /// The standard errors of [`reach`](Self::reach), where the curve was estimated.
    #[must_use]
    pub fn error(&self, threshold: f64) -> Reach {
        match &self.0 {
            Law::Binormal { .. } => Reach::default(),
            Law::Curve(points) => between(points, threshold, |point| point.error),
        }
    }

    /// The share of ordinary accounts that may reach a threshold.
    fn most_ordinary(&self, threshold: f64) -> f64 {
        self.reach(threshold).ordinary + UNSURE * self.error(threshold).ordinary
    }

    /// The area under its curve.
    #[must_use]
    pub fn auc(&self) -> f64 {
        let points = match &self.0 {
            Law::Binormal { auc, .. } => return *auc,
            Law::Curve(points) => points,
        };
        let pairs = points.iter().zip(points.iter().skip(1));
        let inside: f64 = pairs
            .map(|(low, high)| {
                (low.reach.ordinary - high.reach.ordinary)
                    * (low.reach.harvesters + high.reach.harvesters)
                    / 2.0
            })
            .sum();
        // Those who reach a score of 1 are not told apart.
        let last = points.last().map(|point| point.reach).unwrap_or_default();
        inside + last.ordinary * last.harvesters / 2.0
    }

    /// The lowest threshold, to four places, that at most this share of ordinary accounts reaches, also
    /// where the curve was estimated and one in twenty such curves is further off; `None` where more reach
    /// a score of 1. Of estimates the lowest that fits is else one that chance has made too small.
    #[must_use]
    pub fn threshold_for(&self, share: f64) -> Option<f64> {
        const PLACES: u32 = 10_000;
        let threshold = |step: u32| f64::from(step) / f64::from(PLACES);
        let (mut low, mut high) = (0, PLACES + 1);
        while low < high {
            let middle = low + (high - low) / 2;
            let fits = middle > PLACES || self.most_ordinary(threshold(middle)) <= share;
            if fits { high = middle } else { low = middle + 1 }
        }
        (low <= PLACES).then(|| threshold(low))
    }
}

fn between(points: &[Point], threshold: f64, of: impl Fn(&Point) -> Reach) -> Reach {
    let after = points.partition_point(|point| point.threshold < threshold);
    let (Some(right), left) = (points.get(after), after.checked_sub(1)) else {
        return Reach::default();
    };
    let Some(left) = left.and_then(|left| points.get(left)) else { return of(right) };
    let share = (threshold - left.threshold) / (right.threshold - left.threshold);
    let mix = |left: f64, right: f64| left + (right - left) * share;
    let (from, to) = (of(left), of(right));
    Reach {
        harvesters: mix(from.harvesters, to.harvesters),
        ordinary: mix(from.ordinary, to.ordinary),
    }
}
