//! Who asks: ordinary accounts, and clusters of harvesting accounts, a few of which make most of the
//! traffic.

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// Harvesters have so many accounts, from the smallest cluster to the largest.
const SIZES: (f64, f64) = (5.0, 400.0);
/// Requests of an ordinary account, at most.
const MOST_REQUESTS: u64 = 3;

/// One account.
#[derive(Clone, Debug)]
pub(super) struct Account {
    pub(super) name: String,
    pub(super) cluster: Option<String>,
    /// What the detector says of it.
    pub(super) score: f64,
    pub(super) requests: u64,
}

/// Numbers that are the same in every run of a seed.
#[derive(Debug)]
pub(super) struct Draws(ChaCha20Rng);

impl Draws {
    pub(super) fn new(seed: u64) -> Self {
        let mut bytes = [0; 32];
        bytes.iter_mut().zip(seed.to_le_bytes()).for_each(|(byte, of)| *byte = of);
        Self(ChaCha20Rng::from_seed(bytes))
    }

    /// From 0, below `end`.
    pub(super) fn below(&mut self, end: u64) -> u64 {
        ((u128::from(self.0.next_u64()) * u128::from(end)) >> 64) as u64
    }

    /// Puts items in an order of chance (Fisher and Yates).
    pub(super) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last as u64 + 1) as usize);
        }
    }

    /// From 0, below 1.
    pub(super) fn uniform(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / 2f64.powi(53)
    }
}

/// So many ordinary accounts, of scores below every grade.
pub(super) fn ordinary(accounts: usize, draws: &mut Draws) -> Vec<Account> {
    (0..accounts)
        .map(|number| Account {
            name: format!("ordinary-{number}"),
            cluster: None,
            score: 0.25 * draws.uniform(),
            requests: 1 + draws.below(MOST_REQUESTS),
        })
        .collect()
}

/// So many clusters, whose sizes grow from five accounts to four hundred, each as many times the one
/// before.
pub(super) fn harvesters(clusters: usize, draws: &mut Draws) -> Vec<Account> {
    let (least, most) = SIZES;
    let growth = (most / least).ln() / (clusters.max(2) - 1) as f64;
    let mut accounts = Vec::new();
    for number in 0..clusters {
        let size = (least * (growth * number as f64).exp()).round() as usize;
        let score = 0.55 + 0.3 * draws.uniform();
        let cluster = format!("hydra-{number}");
        accounts.extend((0..size).map(|member| Account {
            name: format!("{cluster}-{member}"),
            cluster: Some(cluster.clone()),
            score,
            requests: 1,
        }));
    }
    accounts
}

/// How often an event comes that is expected so often: a draw of Poisson's law, by waits between.
pub(super) fn poisson(mean: f64, draws: &mut Draws) -> u64 {
    let mut waited = 0.0;
    let mut events = 0;
    loop {
        waited -= (1.0 - draws.uniform()).ln();
        if waited > mean {
            return events;
        }
        events += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clusters_grow_from_five_accounts_to_four_hundred_and_every_run_has_the_same() {
        let of = |clusters| harvesters(clusters, &mut Draws::new(1));
        let all = of(24);
        let size = |name: &str| {
            all.iter().filter(|account| account.cluster.as_deref() == Some(name)).count()
        };
        assert_eq!((size("hydra-0"), size("hydra-23")), (5, 400));
        assert!(size("hydra-23") * 4 > all.len() / 2 && all.iter().all(|it| it.score >= 0.5));
        assert_eq!(all[7].score, of(24)[7].score);
        assert_eq!(of(1).len(), 5);
    }

    #[test]
    fn events_come_as_often_as_they_are_expected() {
        let mut draws = Draws::new(2);
        let events: u64 = (0..20_000).map(|_| poisson(0.3, &mut draws)).sum();
        assert!((5_700..6_300).contains(&events), "{events}");
    }
}
