//! Sufficient statistics: all that the closed forms need of any number of units.
//!
//! Sums of squares are kept about the mean (Welford 1962) and merged by the formulas of Chan,
//! Golub and LeVeque (1983), so that neither the order of units nor the way they are split over
//! files matters beyond rounding, and a large mean does not swallow a small variance. Cubes and fourth
//! powers, which tell how heavy tails are, follow the same way (Pébay 2008).

use super::error::{MOST_UNITS, StatsError, finite};

/// Number, mean and sum of squares about the mean of one value per unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moments {
    count: u64,
    mean: f64,
    m2: f64,
    /// Sums of cubes and of fourth powers about the mean; unknown of moments that were written down.
    higher: Option<(f64, f64)>,
}

impl Default for Moments {
    fn default() -> Self {
        Self { count: 0, mean: 0.0, m2: 0.0, higher: Some((0.0, 0.0)) }
    }
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

    /// Moments that were written down: `m2` is the sum of squares about the mean. How heavy the tails
    /// were is not known of them.
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
        let higher = (count < 2).then_some((0.0, 0.0));
        Ok(Self { count, mean, m2, higher })
    }

    /// Adds one unit.
    ///
    /// # Errors
    ///
    /// A value that is not finite, or larger than 1e100; the moments stay as they were.
    pub fn push(&mut self, value: f64) -> Result<(), StatsError> {
        let value = finite("a unit's value", value)?;
        let units = self.count as f64;
        self.count += 1;
        let all = self.count as f64;
        let before = value - self.mean;
        let step = before / all;
        if let Some((cubes, fourths)) = &mut self.higher {
            let added = before * step * units;
            *fourths += added * step * step * (all * all - 3.0 * all + 3.0)
                + 6.0 * step * step * self.m2
                - 4.0 * step * *cubes;
            *cubes += added * step * (all - 2.0) - 3.0 * step * self.m2;
        }
        self.mean += step;
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
        self.higher = self.higher_with(other, apart, total as f64);
        self.m2 += other.m2 + apart * apart * self.count as f64 * share;
        self.mean += apart * share;
        self.count = total;
    }

    /// Sums of cubes and fourth powers together with those of another part.
    fn higher_with(&self, other: &Self, apart: f64, total: f64) -> Option<(f64, f64)> {
        let ((cubes, fourths), (other_cubes, other_fourths)) = (self.higher?, other.higher?);
        let (own, others) = (self.count as f64, other.count as f64);
        let (share, other_share) = (own / total, others / total);
        let square = apart * apart;
        let together = cubes
            + other_cubes
            + apart * square * own * other_share * (share - other_share)
            + 3.0 * apart * (share * other.m2 - other_share * self.m2);
        let mixed = share * share - share * other_share + other_share * other_share;
        let fourths = fourths
            + other_fourths
            + square * square * own * other_share * mixed
            + 6.0 * square * (share * share * other.m2 + other_share * other_share * self.m2)
            + 4.0 * apart * (share * other_cubes - other_share * cubes);
        Some((together, fourths))
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

    /// Sum of fourth powers about the mean, where values are known and not moments alone.
    pub(super) fn sum_of_fourths(&self) -> Option<f64> {
        self.higher.map(|(_, fourths)| fourths.max(0.0))
    }

    /// Of values about their mean: 3 where they are bell-shaped. None where they have no variance, or are
    /// not known.
    pub(super) fn kurtosis(&self) -> Option<f64> {
        let ratio = self.sum_of_fourths()?.sqrt() / self.m2;
        let found = self.count as f64 * ratio * ratio;
        (self.m2 > 0.0).then_some(if found.is_nan() { f64::INFINITY } else { found })
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

#[cfg(test)]
mod tests {
    use super::*;

    /// scipy 1.17.1, `kurtosis(fisher=False, bias=True)`.
    const KURTOSIS: f64 = 7.122599350512099;

    #[test]
    fn the_kurtosis_is_that_of_scipy_in_whatever_parts_values_come() {
        let values = [1.0, 2.5, -3.0, 8.0, 0.25, 1000.0, 4.0, 4.0, -7.5];
        for cut in 0..values.len() {
            let (one, other) = values.split_at(cut);
            let mut moments = Moments::of(one.iter().copied()).unwrap();
            moments.merge(&Moments::of(other.iter().copied()).unwrap());
            let found = moments.kurtosis().unwrap();
            assert!((found / KURTOSIS - 1.0).abs() < 1e-12, "{cut}: {found}");
        }
        let written = Moments::from_parts(9, 1.0, 50.0).unwrap();
        let mut both = written;
        both.merge(&Moments::of(values).unwrap());
        assert_eq!((written.kurtosis(), both.kurtosis()), (None, None));
        assert_eq!(Moments::of([2.0; 5]).unwrap().kurtosis(), None);
    }
}
