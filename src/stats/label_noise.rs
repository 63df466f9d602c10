//! Outcomes whose label is partly wrong, such as a detector's verdict or a reviewer's: what the true
//! rate can be, given how often the label errs (Rogan and Gladen 1978).
//!
//! Labels that err alike in both arms shrink a difference by `sensitivity + specificity − 1` and
//! make none where there is none: tests and their p-values stay those of the labels. What the noise
//! changes is the size of the effect, and whether it is told too small.

use super::error::{StatsError, in_range};
use super::level::Interval;

/// A share that someone has stated, with the range in which they believe it to be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stated {
    value: f64,
    range: Interval,
}

impl Stated {
    /// # Errors
    ///
    /// Not `0 ≤ low ≤ value ≤ high ≤ 1`.
    pub fn new(value: f64, range: Interval) -> Result<Self, StatsError> {
        let share = |name, share| {
            in_range(name, share, "from 0 to 1", |share| (0.0..=1.0).contains(&share))
        };
        share("a stated share", value)?;
        share("the low end of a stated share", range.low)?;
        share("the high end of a stated share", range.high)?;
        if range.contains(value) {
            Ok(Self { value, range })
        } else {
            let what = "a stated share must lie in its own range";
            Err(StatsError::Inconsistent { what })
        }
    }

    /// A share that is taken to be known.
    ///
    /// # Errors
    ///
    /// Not from 0 to 1.
    pub fn exact(value: f64) -> Result<Self, StatsError> {
        Self::new(value, Interval { low: value, high: value })
    }
}

/// How often a label is right.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LabelQuality {
    sensitivity: Stated,
    specificity: Stated,
}

impl LabelQuality {
    /// From the share of true cases that are labelled so, and the share of others that are not.
    ///
    /// # Errors
    ///
    /// Low ends that sum to one or less: such a label may say nothing, or the contrary.
    pub fn new(sensitivity: Stated, specificity: Stated) -> Result<Self, StatsError> {
        let least = sensitivity.range.low + specificity.range.low - 1.0;
        let range = "above 0 even at the low ends";
        in_range("sensitivity + specificity - 1", least, range, |least| least > 0.0)?;
        Ok(Self { sensitivity, specificity })
    }

    /// The true rate behind a rate of labels, cut to what a rate can be.
    ///
    /// # Errors
    ///
    /// A rate that is not from 0 to 1.
    pub fn true_rate(&self, labelled: f64) -> Result<f64, StatsError> {
        let range = "from 0 to 1";
        in_range("a rate of labels", labelled, range, |rate| (0.0..=1.0).contains(&rate))?;
        Ok(behind(labelled, self.sensitivity.value, self.specificity.value))
    }

    /// All true rates behind the rates of labels in an interval, whatever sensitivity and
    /// specificity are in their ranges. Covers as often as the three intervals together do.
    ///
    /// # Errors
    ///
    /// An end that is not a number.
    pub fn true_rates(&self, labelled: Interval) -> Result<Interval, StatsError> {
        numbers(labelled)?;
        // Each of the three moves the rate one way while the others stand: its ends are at corners.
        let mut rates = Interval { low: 1.0, high: 0.0 };
        for labelled in [labelled.low, labelled.high] {
            for sensitivity in [self.sensitivity.range.low, self.sensitivity.range.high] {
                for specificity in [self.specificity.range.low, self.specificity.range.high] {
                    let rate = behind(labelled.clamp(0.0, 1.0), sensitivity, specificity);
                    rates.low = rates.low.min(rate);
                    rates.high = rates.high.max(rate);
                }
            }
        }
        Ok(rates)
    }

    /// The true difference behind a difference of labels that err alike in both arms, cut to what a
    /// difference of rates can be.
    ///
    /// # Errors
    ///
    /// A difference that is not from −1 to 1.
    pub fn true_difference(&self, labelled: f64) -> Result<f64, StatsError> {
        let range = "from -1 to 1";
        in_range("a difference of rates", labelled, range, |rate| (-1.0..=1.0).contains(&rate))?;
        let informative = self.sensitivity.value + self.specificity.value - 1.0;
        Ok((labelled / informative).clamp(-1.0, 1.0))
    }

    /// All true differences behind the differences of labels in an interval, if the labels err alike
    /// in both arms. Where the treatment changes what the labeller sees, they do not: then take
    /// [`true_rates`](Self::true_rates) of each arm and [`Interval::difference`].
    ///
    /// # Errors
    ///
    /// An end that is not a number.
    pub fn true_differences(&self, labelled: Interval) -> Result<Interval, StatsError> {
        numbers(labelled)?;
        let least = self.sensitivity.range.low + self.specificity.range.low - 1.0;
        let most = self.sensitivity.range.high + self.specificity.range.high - 1.0;
        let toward = |value: f64, outward: f64, inward: f64| {
            (value / if value.is_sign_positive() { outward } else { inward }).clamp(-1.0, 1.0)
        };
        Ok(Interval {
            low: toward(labelled.low, most, least),
            high: toward(labelled.high, least, most),
        })
    }
}

/// Ends may be infinite, where nothing is known.
fn numbers(interval: Interval) -> Result<(), StatsError> {
    for value in [interval.low, interval.high] {
        if value.is_nan() {
            return Err(StatsError::NotFinite { name: "an end of an interval", value });
        }
    }
    Ok(())
}

fn behind(labelled: f64, sensitivity: f64, specificity: f64) -> f64 {
    ((labelled + specificity - 1.0) / (sensitivity + specificity - 1.0)).clamp(0.0, 1.0)
}
