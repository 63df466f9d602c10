//! The randomization test at any time: exact for any number of units, any tails and any shares of the
//! arms, where nothing is known but how units are assigned.
//!
//! A gambler is shown each unit's value and bets on the arm that it is in, at the odds of the
//! assignment. If no unit is changed by its arm the value tells nothing of it, so the bets are fair,
//! and the chance that the capital ever grows 1/α times is at most α (Ville 1939; tests by betting:
//! Shafer 2021). The bets follow the rank of the value among those of earlier units, which no tail can
//! stretch, and several gamblers of other boldness share the stake (a mixture, as of Robbins 1970).
//!
//! The null hypothesis is that of [`randomization_test`](crate::stats::randomization_test): no unit
//! has more in the arm than it would have had without it. It does not speak of means, so what rests on
//! the size of a difference has to be asked besides.

use std::collections::VecDeque;

use crate::stats::error::{StatsError, finite, in_range};

/// Earlier units among which a value has its rank: the last so many, since callers change.
const REMEMBERED: usize = 256;

/// By what the chance of the treated arm is multiplied, before it is made one again, for the highest
/// value of all: `exp` of it.
const BOLDNESS: [f64; GAMBLERS] = [0.125, 0.25, 0.5, 1.0, 2.0];

const GAMBLERS: usize = 5;

/// Whether values of the treated arm are higher than they would be without it.
#[derive(Clone, Debug, PartialEq)]
pub struct RandomizationSequence {
    /// In the order in which they came.
    earlier: VecDeque<f64>,
    /// In the order of size.
    sorted: Vec<f64>,
    ln_capitals: [f64; GAMBLERS],
    most: f64,
}

impl Default for RandomizationSequence {
    fn default() -> Self {
        Self {
            earlier: VecDeque::new(),
            sorted: Vec::new(),
            ln_capitals: [0.0; GAMBLERS],
            most: 0.0,
        }
    }
}

impl RandomizationSequence {
    /// Goes on from what was written down: the values of [`earlier`](Self::earlier), the
    /// [capitals](Self::ln_capitals), and the most that they were worth together.
    ///
    /// # Errors
    ///
    /// Numbers that are none, or that no sequence has.
    pub fn from_parts(
        earlier: &[f64],
        ln_capitals: [f64; 5],
        ln_most: f64,
    ) -> Result<Self, StatsError> {
        if earlier.len() > REMEMBERED || !ln_capitals.iter().all(|it| it.is_finite()) {
            return Err(StatsError::Inconsistent { what: "no bets have such capitals" });
        }
        in_range("a capital", ln_most, "at least 1", |most| (0.0..f64::INFINITY).contains(&most))?;
        for value in earlier {
            finite("a unit's value", *value)?;
        }
        let mut sorted = earlier.to_vec();
        sorted.sort_unstable_by(f64::total_cmp);
        Ok(Self { earlier: earlier.iter().copied().collect(), sorted, ln_capitals, most: ln_most })
    }

    /// Adds the next unit, of which one in `1 / chance` is in the treated arm. The order must be one
    /// that values and arms cannot change, and `chance` that by which this unit was assigned. A margin
    /// is taken from values of the treated arm beforehand.
    ///
    /// # Errors
    ///
    /// A value that is not finite; a chance that is not between 0 and 1.
    pub fn push(&mut self, value: f64, treated: bool, chance: f64) -> Result<(), StatsError> {
        let value = finite("a unit's value", value)?;
        let range = "between 0 and 1";
        let chance = in_range("a chance of assignment", chance, range, |chance| {
            0.0 < chance && chance < 1.0
        })?;
        let below = self.sorted.partition_point(|it| *it < value);
        let at_most = self.sorted.partition_point(|it| *it <= value);
        if !self.sorted.is_empty() {
            // From −1 for the lowest to 1 for the highest.
            let rank = (below + at_most) as f64 / self.sorted.len() as f64 - 1.0;
            for (capital, boldness) in self.ln_capitals.iter_mut().zip(BOLDNESS) {
                let tilt = boldness * rank;
                let own = if treated { tilt } else { 0.0 };
                *capital += own - (chance * tilt.exp_m1()).ln_1p();
            }
        }
        self.sorted.insert(at_most, value);
        self.earlier.push_back(value);
        if self.earlier.len() > REMEMBERED {
            if let Some(oldest) = self.earlier.pop_front() {
                self.sorted.remove(self.sorted.partition_point(|it| *it < oldest));
            }
        }
        self.most = self.most.max(self.ln_capital());
        Ok(())
    }

    /// That no unit has more in the treated arm than without it, valid at any time: 1 by the most that
    /// the bets were ever worth.
    pub fn p_value(&self) -> f64 {
        (-self.most).exp()
    }

    /// Values of the last units, in the order in which they came.
    pub fn earlier(&self) -> impl Iterator<Item = f64> + '_ {
        self.earlier.iter().copied()
    }

    /// The logarithms of what each gambler has of a stake of 1.
    pub fn ln_capitals(&self) -> [f64; 5] {
        self.ln_capitals
    }

    /// The logarithm of the most that they have had together, of a stake of 1.
    pub fn ln_most(&self) -> f64 {
        self.most
    }

    fn ln_capital(&self) -> f64 {
        let largest = self.ln_capitals.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = self.ln_capitals.iter().map(|it| (it - largest).exp()).sum();
        largest + (sum / GAMBLERS as f64).ln()
    }
}
