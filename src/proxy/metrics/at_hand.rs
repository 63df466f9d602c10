//! Metrics with labels that the program knows, at hand by number: looking one up in its family hashes the labels and
//! takes a lock, several times for each request.

use std::sync::OnceLock;

/// The metrics of a family, each made when it is first asked for: a scrape has no others.
#[derive(Debug)]
pub(super) struct AtHand<M>(Box<[OnceLock<M>]>);

impl<M> AtHand<M> {
    /// Room for so many.
    pub(super) fn new(metrics: usize) -> Self {
        Self((0..metrics).map(|_| OnceLock::new()).collect())
    }

    /// The metric with this number, which `family` is asked for once.
    pub(super) fn get(&self, number: usize, family: impl FnOnce() -> M) -> Option<&M> {
        Some(self.0.get(number)?.get_or_init(family))
    }
}
