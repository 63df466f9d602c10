//! Sufficient statistics: all that the closed forms need of any number of units.
//!
//! Sums of squares are kept about the mean (Welford 1962) and merged by the formulas of Chan,
//! Golub and LeVeque (1983), so that neither the order of units nor the way they are split over
//! files matters beyond rounding, and a large mean does not swallow a small variance.

use super::error::{MOST_UNITS, StatsError, finite};

/// Number, mean and sum of squares about the mean of one value per unit.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Moments {
    count: u64,
    mean: f64,
    m2: f64,
}

impl Moments {
    /// The moments of all values.
    ///
    /// # Errors
    ///
    /// A value that is not finite, or larger than 1e100.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Result<Self, StatsError> {
        let mut moments = Self::default();
        for value in values {
            moments.push(value)?;
        }
        Ok(moments)
    }

    /// Moments that were written down: `m2` is the sum of squares about the mean.
    ///
    /// # Errors
    ///
    /// Numbers that are not finite or that no values have.
    pub fn from_parts(count: u64, mean: f64, m2: f64) -> Result<Self, StatsError> {
        let mean = finite("a mean", mean)?;
        let most = super::error::LARGEST * super::error::LARGEST;
        if !(0.0..=most).contains(&m2) {
            let range = "from 0 to 1e200";
            return Err(StatsError::OutOfRange { name: "a sum of squares", range, value: m2 });
        }
        if count > MOST_UNITS || (count == 0 && mean != 0.0) || (count < 2 && m2 != 0.0) {
            return Err(StatsError::Inconsistent { what: "no values have such moments" });
        }
        Ok(Self { count, mean, m2 })
    }

    /// Adds one unit.
    ///
    /// # Errors
    ///
    /// A value that is not finite, or larger than 1e100; the moments stay as they were.
    pub fn push(&mut self, value: f64) -> Result<(), StatsError> {
        let value = finite("a unit's value", value)?;
        self.count += 1;
        let before = value - self.mean;
        self.mean += before / self.count as f64;
        self.m2 += before * (value - self.mean);
        Ok(())
    }

    /// Adds all units of another part.
    pub fn merge(&mut self, other: &Self) {
        if other.count == 0 {
            return;
        }
        let total = self.count.saturating_add(other.count);
        let apart = other.mean - self.mean;
        let share = other.count as f64 / total as f64;
        self.m2 += other.m2 + apart * apart * self.count as f64 * share;
        self.mean += apart * share;
        self.count = total;
    }

    /// Number of units.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Their mean; 0 where there are none.
    pub fn mean(&self) -> f64 {
        self.mean
    }

    /// Sum of squares about the mean.
    pub fn sum_of_squares(&self) -> f64 {
        self.m2
    }

    /// Variance of one unit, with `n − 1`; none for fewer than two units.
    pub fn variance(&self) -> Option<f64> {
        (self.count > 1).then(|| self.m2 / (self.count - 1) as f64)
    }
}

/// Moments of two values per unit, and the sum of products about their means.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct PairedMoments {
    first: Moments,
    second: Moments,
    products: f64,
}

impl PairedMoments {
    /// The moments of all pairs.
    ///
    /// # Errors
    ///
    /// A value that is not finite, or larger than 1e100.
    pub fn of(pairs: impl IntoIterator<Item = (f64, f64)>) -> Result<Self, StatsError> {
        let mut moments = Self::default();
        for (first, second) in pairs {
            moments.push(first, second)?;
        }
        Ok(moments)
    }

    /// Moments that were written down: `products` is the sum of products about the means.
    ///
    /// # Errors
    ///
    /// Moments of different numbers of units, or products beyond what Cauchy and Schwarz allow.
    pub fn from_parts(first: Moments, second: Moments, products: f64) -> Result<Self, StatsError> {
        let most = first.m2.sqrt() * second.m2.sqrt() * (1.0 + 1e-9);
        if first.count != second.count || products.is_nan() || products.abs() > most {
            return Err(StatsError::Inconsistent { what: "no pairs have such moments" });
        }
        Ok(Self { first, second, products })
    }

    /// Adds one unit.
    ///
    /// # Errors
    ///
    /// A value that is not finite, or larger than 1e100; the moments stay as they were.
    pub fn push(&mut self, first: f64, second: f64) -> Result<(), StatsError> {
        finite("a unit's value", second)?;
        let before = first - self.first.mean;
        self.first.push(first)?;
        self.second.push(second)?;
        self.products += before * (second - self.second.mean);
        Ok(())
    }

    /// Adds all units of another part.
    pub fn merge(&mut self, other: &Self) {
        if other.count() == 0 {
            return;
        }
        let (mine, theirs) = (self.count() as f64, other.count() as f64);
        let (first, second) =
            (other.first.mean - self.first.mean, other.second.mean - self.second.mean);
        self.products += other.products + first * second * mine * (theirs / (mine + theirs));
        self.first.merge(&other.first);
        self.second.merge(&other.second);
    }

    /// Number of units.
    pub fn count(&self) -> u64 {
        self.first.count
    }

    /// Moments of the first values.
    pub fn first(&self) -> &Moments {
        &self.first
    }

    /// Moments of the second values.
    pub fn second(&self) -> &Moments {
        &self.second
    }

    /// Sum of products about the means.
    pub fn sum_of_products(&self) -> f64 {
        self.products
    }

    /// Covariance with `n − 1`; none for fewer than two units.
    pub fn covariance(&self) -> Option<f64> {
        (self.count() > 1).then(|| self.products / (self.count() - 1) as f64)
    }
}
