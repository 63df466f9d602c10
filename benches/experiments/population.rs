//! Clusters of accounts as a detector links them: most are small, a few hold most accounts.

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// Sizes of clusters have this tail; the largest has 500 accounts.
const TAIL: f64 = 1.2;
const LARGEST: f64 = 500.0;
/// Share of the variance of accounts that lies between clusters.
const INTRACLASS: f64 = 0.3;
/// How much clusters differ in what an account of theirs takes in a day, and accounts of one.
const BETWEEN: f64 = 1.0;
const WITHIN: f64 = 1.0;

pub(crate) struct Draw(ChaCha20Rng);

impl Draw {
    /// Of a line in a table.
    pub(crate) fn of_line(line: u64) -> Self {
        Self(ChaCha20Rng::seed_from_u64(line))
    }

    pub(crate) fn uniform(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    pub(crate) fn seed(&mut self) -> [u8; 32] {
        let mut seed = [0; 32];
        self.0.fill_bytes(&mut seed);
        seed
    }

    /// Box and Muller.
    pub(crate) fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.uniform()).cos()
    }

    fn size(&mut self) -> usize {
        (1.0 - self.uniform()).powf(-1.0 / TAIL).min(LARGEST) as usize
    }
}

/// One unit of assignment. Nothing in it depends on its arm.
pub(crate) struct Cluster {
    pub(crate) treated: bool,
    /// What each account shows: normal, with a part that the cluster shares.
    pub(crate) accounts: Vec<f64>,
    /// The mean of the same over the weeks before.
    pub(crate) before: f64,
    /// Tokens of all accounts together; lognormal, so that one cluster may be half of all.
    pub(crate) total: f64,
    /// Share of accounts that are hostile.
    pub(crate) hostile: f64,
}

impl Cluster {
    fn drawn(treated_share: f64, draw: &mut Draw) -> Self {
        let treated = draw.uniform() < treated_share;
        let size = draw.size();
        let shared = INTRACLASS.sqrt() * draw.normal();
        let own = (1.0 - INTRACLASS).sqrt();
        let accounts: Vec<f64> = (0..size).map(|_| shared + own * draw.normal()).collect();
        let before = shared + own * draw.normal() / (size as f64).sqrt();
        let pace = BETWEEN * draw.normal();
        let total = (0..size).map(|_| (pace + WITHIN * draw.normal()).exp()).sum();
        // Many clusters with hardly any, some with most.
        let hostile = draw.uniform().powi(3);
        Self { treated, accounts, before, total, hostile }
    }

    pub(crate) fn mean(&self) -> f64 {
        self.accounts.iter().sum::<f64>() / self.accounts.len() as f64
    }

    /// Share of accounts that a label with this sensitivity, and 95 % specificity, calls hostile.
    pub(crate) fn labelled(&self, sensitivity: f64, draw: &mut Draw) -> Vec<f64> {
        let label = |_: &f64| {
            let chance = if draw.uniform() < self.hostile { sensitivity } else { 0.05 };
            f64::from(u8::from(draw.uniform() < chance))
        };
        self.accounts.iter().map(label).collect()
    }
}

pub(crate) fn clusters(number: usize, treated_share: f64, draw: &mut Draw) -> Vec<Cluster> {
    (0..number).map(|_| Cluster::drawn(treated_share, draw)).collect()
}

/// Values of the control arm's units, and of the treated arm's.
pub(crate) fn arms<T>(units: &[Cluster], mut value: impl FnMut(&Cluster) -> T) -> (Vec<T>, Vec<T>) {
    let (mut control, mut treated) = (Vec::new(), Vec::new());
    for unit in units {
        if unit.treated { &mut treated } else { &mut control }.push(value(unit));
    }
    (control, treated)
}

/// Every combination of numbers of clusters and shares that the tables have lines for.
pub(crate) const LINES: [(usize, f64); 8] =
    [(10, 0.5), (20, 0.5), (50, 0.5), (200, 0.5), (10, 0.1), (20, 0.1), (50, 0.1), (200, 0.1)];

pub(crate) fn named(number: usize, treated_share: f64) -> String {
    let treated = 100.0 * treated_share;
    format!("{number} | {:.0}/{treated:.0}", 100.0 - treated)
}
