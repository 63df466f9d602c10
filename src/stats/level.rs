//! What every interval and every test is told: how often it may err, and on which side.

use super::error::{StatsError, in_range};

/// How often a test may reject a true null hypothesis, or an interval may miss: `α`.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Level(f64);

impl Level {
    /// A level of at least 1e-15, below which quantiles lose their digits, and below ½.
    ///
    /// # Errors
    ///
    /// Any other number.
    pub fn new(alpha: f64) -> Result<Self, StatsError> {
        in_range("alpha", alpha, "at least 1e-15 and below 0.5", |alpha| {
            (1e-15..0.5).contains(&alpha)
        })
        .map(Self)
    }

    /// `α`.
    pub fn alpha(self) -> f64 {
        self.0
    }

    /// An equal share of this level for each of so many statements, all of which are to hold
    /// (Bonferroni). No share is smaller than a level can be.
    #[must_use]
    pub fn shared_among(self, statements: u32) -> Self {
        Self((self.0 / f64::from(statements.max(1))).max(1e-15))
    }
}

/// Which differences, treated arm minus control arm, speak against the null hypothesis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alternative {
    /// Differences of either sign.
    TwoSided,
    /// The treated arm has more; intervals have no upper end.
    Greater,
    /// The treated arm has less; intervals have no lower end.
    Less,
}

impl Alternative {
    /// The same alternative when the arms change places.
    #[must_use]
    pub fn swapped(self) -> Self {
        match self {
            Self::TwoSided => Self::TwoSided,
            Self::Greater => Self::Less,
            Self::Less => Self::Greater,
        }
    }
}

/// All values from `low` to `high`; either may be infinite. Empty where `low > high`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

impl Interval {
    /// Values at most `width` away from `center`, on the sides that the alternative bounds.
    pub(super) fn around(center: f64, width: f64, alternative: Alternative) -> Self {
        let (low, high) = (center - width, center + width);
        match alternative {
            Alternative::TwoSided => Self { low, high },
            Alternative::Greater => Self { low, high: f64::INFINITY },
            Alternative::Less => Self { low: f64::NEG_INFINITY, high },
        }
    }

    /// Whether the value lies in it, ends included.
    pub fn contains(&self, value: f64) -> bool {
        self.low <= value && value <= self.high
    }

    /// What both contain. An interval that is valid at any time may be met with its earlier selves,
    /// as long as what it bounds has not changed; an empty meeting says that it has.
    #[must_use]
    pub fn meet(&self, other: &Self) -> Self {
        Self { low: self.low.max(other.low), high: self.high.min(other.high) }
    }

    /// All differences of a value in `treated` and one in `control`: if each interval misses with
    /// `α/2`, this misses with at most `α` (union bound), whatever ties the arms to each other.
    #[must_use]
    pub fn difference(control: &Self, treated: &Self) -> Self {
        Self { low: treated.low - control.high, high: treated.high - control.low }
    }
}
