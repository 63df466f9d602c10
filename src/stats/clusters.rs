//! What accounts in clusters tell, if clusters are the units: how far to read a baseline that counts
//! accounts.

use super::error::{StatsError, in_range};

/// Accounts in clusters of unequal size, as found in a baseline.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Clusters {
    /// Mean number of accounts in a cluster.
    pub mean_size: f64,
    /// Standard deviation of the sizes over their mean; well above 1 where tails are heavy.
    pub size_variation: f64,
    /// Share of the variance of accounts that lies between clusters, 0 to 1.
    pub intraclass_correlation: f64,
}

impl Clusters {
    /// By how much clustering multiplies the variance of a mean over accounts:
    /// `1 + ((1 + CV²) m̄ − 1) ICC` (Eldridge, Ashby and Kerry 2006). So many accounts tell as much
    /// as one that belongs to no cluster.
    ///
    /// # Errors
    ///
    /// A mean size below 1, a negative variation, a correlation that is not from 0 to 1.
    pub fn design_effect(&self) -> Result<f64, StatsError> {
        let size = in_range("a mean size", self.mean_size, "at least 1", |size| size >= 1.0)?;
        let variation =
            in_range("a variation of sizes", self.size_variation, "at least 0", |cv| cv >= 0.0)?;
        let correlation = share("an intraclass correlation", self.intraclass_correlation)?;
        Ok(1.0 + ((1.0 + variation * variation) * size - 1.0) * correlation)
    }
}

/// The standard deviation of the mean of one cluster's accounts, which is the value of a unit:
/// `σ² [ICC + (1 − ICC) E(1/m)]`. The mean of `1/m` over clusters is not that of their sizes
/// inverted; with heavy tails most clusters are small and it is far larger.
///
/// # Errors
///
/// A deviation that is not above zero; a correlation or mean of inverses that is not from 0 to 1.
pub fn deviation_of_cluster_means(
    account_deviation: f64,
    intraclass_correlation: f64,
    mean_inverse_size: f64,
) -> Result<f64, StatsError> {
    let name = "a standard deviation";
    in_range(name, account_deviation, "above 0", |deviation| deviation > 0.0)?;
    let correlation = share("an intraclass correlation", intraclass_correlation)?;
    let inverse = share("a mean of inverse sizes", mean_inverse_size)?;
    Ok(account_deviation * (correlation + (1.0 - correlation) * inverse).sqrt())
}

fn share(name: &'static str, value: f64) -> Result<f64, StatsError> {
    in_range(name, value, "from 0 to 1", |share| (0.0..=1.0).contains(&share))
}
