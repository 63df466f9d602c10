//! Guardrails: metrics of people who did nothing, which a policy may not worsen by more than a
//! margin. One that is not shown to hold is not held: the test is of non-inferiority, one-sided.

use super::contrast::{Contrast, Effect};
use super::error::{StatsError, in_range};
use super::level::{Alternative, Interval, Level};
use super::moments::Moments;
use super::randomization::{Assignments, Randomization, randomization_test};

/// Which change of a guarded metric is harm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Harm {
    /// More is worse: latency, refusals, complaints.
    Increase,
    /// Less is worse: tokens per second, retention.
    Decrease,
}

/// How much harm is put up with, fixed before the experiment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Margin {
    /// So much, in the metric's unit.
    Absolute(f64),
    /// Such a share of the control arm's mean.
    Relative(f64),
}

/// A metric that the treated arm may not worsen by more than a margin.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Guardrail {
    harm: Harm,
    margin: Margin,
}

/// Whether a guardrail holds, at a time that was fixed beforehand.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NonInferiority {
    /// Harm beyond the margin (negative: within it); its interval has an upper end only, and its p
    /// is the one-sided p of "the harm is at least the margin". Small p: significantly non-inferior.
    pub excess: Effect,
    /// One-sided p of "the harm is at most the margin". Small p: the guardrail is broken.
    pub broken_p: f64,
}

/// Whether a guardrail holds, by the randomization test.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RandomizedNonInferiority {
    /// Of "the harm is at least the margin". Small p: significantly non-inferior.
    pub held: Randomization,
    /// Of "the harm is at most the margin". Small p: the guardrail is broken.
    pub broken: Randomization,
}

impl Guardrail {
    /// # Errors
    ///
    /// A margin that is negative or not finite; as a share, one above 1,000, or of 1 or more for a
    /// decrease.
    pub fn new(harm: Harm, margin: Margin) -> Result<Self, StatsError> {
        match (margin, harm) {
            (Margin::Absolute(margin), _) => {
                in_range("a margin", margin, "at least 0", |margin| margin >= 0.0)?;
            }
            (Margin::Relative(margin), Harm::Increase) => {
                in_range("a margin", margin, "a share from 0 to 1000", |margin| {
                    (0.0..=1000.0).contains(&margin)
                })?;
            }
            (Margin::Relative(margin), Harm::Decrease) => {
                let range = "a share of at least 0 and below 1";
                in_range("a margin", margin, range, |margin| (0.0..1.0).contains(&margin))?;
            }
        }
        Ok(Self { harm, margin })
    }

    /// Harm less margin as a contrast: a test or a sequence of it looks for values above zero to
    /// find the guardrail broken, below zero to find it held.
    ///
    /// # Errors
    ///
    /// As for [`Contrast::between`]; a relative margin of a control mean that is not above zero.
    pub fn excess(&self, control: &Moments, treated: &Moments) -> Result<Contrast, StatsError> {
        let (factor, offset) = self.at_margin();
        if let Margin::Relative(_) = self.margin {
            positive(control.mean())?;
        }
        let excess = Contrast::scaled(control, treated, factor, offset)?;
        Ok(match self.harm {
            Harm::Increase => excess,
            Harm::Decrease => excess.reversed(),
        })
    }

    /// Harm less margin, from an interval of each arm's mean: for sequences of small arms. It misses
    /// with at most what both intervals miss with together.
    pub fn excess_within(&self, control: &Interval, treated: &Interval) -> Interval {
        let (factor, offset) = self.at_margin();
        let at_margin = |mean: f64| factor * mean + offset;
        let control = Interval { low: at_margin(control.low), high: at_margin(control.high) };
        let above = Interval::difference(&control, treated);
        match self.harm {
            Harm::Increase => above,
            Harm::Decrease => Interval { low: -above.high, high: -above.low },
        }
    }

    /// What the treated arm's mean is at the margin: the control arm's times a factor, and an amount.
    fn at_margin(&self) -> (f64, f64) {
        let sign = match self.harm {
            Harm::Increase => 1.0,
            Harm::Decrease => -1.0,
        };
        match self.margin {
            Margin::Absolute(margin) => (1.0, sign * margin),
            Margin::Relative(margin) => (1.0 + sign * margin, 0.0),
        }
    }

    /// What a value of the treated arm would be without it, if the arm does exactly as much harm as the
    /// margin bears.
    pub fn without_margin(&self, treated: f64) -> f64 {
        let (factor, offset) = self.at_margin();
        (treated - offset) / factor
    }

    /// The one-sided test of non-inferiority by the randomization test: the margin is taken from the
    /// treated arm's values, as a factor or an amount, and what is left must still be better than the
    /// control arm. It keeps its level with skewed values and a small arm, where Welch's does not.
    ///
    /// # Errors
    ///
    /// As for [`Guardrail::excess`] and [`randomization_test`].
    pub fn randomized(
        &self,
        control: &[f64],
        treated: &[f64],
        assignments: &Assignments,
    ) -> Result<RandomizedNonInferiority, StatsError> {
        if let Margin::Relative(_) = self.margin {
            positive(Moments::of(control.iter().copied())?.mean())?;
        }
        let moved: Vec<f64> = treated.iter().map(|value| self.without_margin(*value)).collect();
        let better = match self.harm {
            Harm::Increase => Alternative::Less,
            Harm::Decrease => Alternative::Greater,
        };
        Ok(RandomizedNonInferiority {
            held: randomization_test(control, &moved, better, assignments)?,
            broken: randomization_test(control, &moved, better.swapped(), assignments)?,
        })
    }

    /// The one-sided test of non-inferiority on Welch's statistic, from moments alone. With skewed
    /// values and one small arm it says "held" too often: see [`randomized`](Self::randomized).
    ///
    /// # Errors
    ///
    /// As for [`Guardrail::excess`].
    pub fn non_inferiority(
        &self,
        control: &Moments,
        treated: &Moments,
        level: Level,
    ) -> Result<NonInferiority, StatsError> {
        let excess = self.excess(control, treated)?;
        Ok(NonInferiority {
            excess: excess.welch(Alternative::Less, level),
            broken_p: excess.welch(Alternative::Greater, level).p_value,
        })
    }
}

fn positive(mean: f64) -> Result<(), StatsError> {
    let range = "above 0 for a relative margin";
    in_range("the control arm's mean", mean, range, |mean| mean > 0.0).map(|_| ())
}
