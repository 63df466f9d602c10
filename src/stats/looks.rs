//! Looking at an experiment a planned number of times.
//!
//! A sequence is valid at any number of looks and pays for it: with fewer than some hundred units it
//! finds little. Where the looks are planned, tests for one look can be taken at levels that sum to
//! α (union bound, so whatever the test and however the looks hang together). As Haybittle (1971)
//! and Peto and others (1976) do, most is kept for the last look: half of α, the other half shared
//! among the others, which find only what is plain.

use super::error::{StatsError, in_range};
use super::level::Level;

/// A number of looks that was fixed before the first.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Looks {
    planned: u32,
    level: Level,
}

impl Looks {
    /// So many looks, all of which together reject a true null hypothesis with at most α.
    ///
    /// # Errors
    ///
    /// No looks, or more than a million.
    pub fn planned(planned: u32, level: Level) -> Result<Self, StatsError> {
        let range = "from 1 to 1000000";
        in_range("a number of looks", f64::from(planned), range, |looks| {
            (1.0..=1e6).contains(&looks)
        })?;
        Ok(Self { planned, level })
    }

    /// The level of one look, counted from 1.
    ///
    /// # Errors
    ///
    /// A look that was not planned: nothing is left for it.
    pub fn level_at(&self, look: u32) -> Result<Level, StatsError> {
        let range = "one of those that were planned, counted from 1";
        let planned = f64::from(self.planned);
        in_range("a look", f64::from(look), range, |look| (1.0..=planned).contains(&look))?;
        let half = self.level.shared_among(2);
        Ok(match self.planned {
            1 => self.level,
            planned if look == planned => half,
            planned => half.shared_among(planned - 1),
        })
    }
}
