//! What the demo found, before it is printed.

use serde::Serialize;

use super::caller::Received;
use super::harvest::Harvest;
use crate::audit::Record;

/// Everything that was found.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) rows: Vec<Row>,
    /// The ordinary caller's answers that are the upstream's bytes, and all of them.
    pub(super) identical: (usize, usize),
    pub(super) burst: Burst,
    pub(super) question: String,
    pub(super) harvest: Harvest,
    pub(super) audit: Vec<Record>,
}

/// What one caller received for all problems.
#[derive(Debug, Serialize)]
pub(super) struct Row {
    pub(super) caller: &'static str,
    pub(super) score: Option<f64>,
    pub(super) grade: Option<String>,
    pub(super) status: u16,
    pub(super) model: String,
    pub(super) reasoning_words: usize,
    pub(super) answer_words: usize,
    pub(super) log_probabilities: bool,
    /// The median over the problems.
    pub(super) tokens_per_second: Option<f64>,
    pub(super) requests: usize,
}

/// What many requests at once from one cluster came to.
#[derive(Debug, Default, Serialize)]
pub(super) struct Burst {
    pub(super) requests: usize,
    pub(super) accounts: usize,
    pub(super) answered: usize,
    pub(super) limited: usize,
    pub(super) retry_after: Option<u64>,
}

impl Row {
    pub(super) fn new(
        caller: &'static str,
        score: Option<f64>,
        grade: Option<String>,
        received: &[Received],
    ) -> Self {
        let mut rates: Vec<f64> = received.iter().filter_map(|received| received.rate).collect();
        rates.sort_by(f64::total_cmp);
        let last = received.last();
        Self {
            caller,
            score,
            grade,
            status: last.map(|received| received.status).unwrap_or_default(),
            model: last.map(|received| received.model.clone()).unwrap_or_default(),
            reasoning_words: received.iter().map(Received::reasoning_words).sum(),
            answer_words: received.iter().map(Received::answer_words).sum(),
            log_probabilities: received.iter().any(|received| received.log_probabilities),
            tokens_per_second: rates.get(rates.len() / 2).copied(),
            requests: received.len(),
        }
    }
}
