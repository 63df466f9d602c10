//! One request of a unit, from its decision to its end.

use std::sync::Arc;

use super::Running;
use crate::audit::{Outcome, UnitSums};
use crate::experiment::register::Key;
use crate::secret::opaque_debug;

/// Bytes on the wire that count as a token where time per token is compared: the same in every arm,
/// whether the answer was read or not, so that arms differ by what was sent and when.
const BYTES_PER_TOKEN: u64 = 4;

/// A request that counts for its unit when it has ended.
pub(crate) struct Counted {
    pub(super) running: Arc<Running>,
    pub(super) key: Key,
    /// The arms decided differently about it.
    pub(super) exposed: bool,
    /// The tokens of its answer count: it is read in every arm.
    pub(super) reads: bool,
}

opaque_debug!(Counted);

/// What came of a request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Met {
    pub(crate) outcome: Outcome,
    /// The status that the client got; absent when it left before there was one.
    pub(crate) status: Option<u16>,
    /// Turned away, and by what.
    pub(crate) turned_away: Option<TurnedAway>,
    /// From the arrival of its head, in milliseconds.
    pub(crate) first_byte_ms: Option<u64>,
    /// From the first byte to the last, in microseconds, where there was more than one piece.
    pub(crate) span_us: Option<u64>,
    /// Bytes of the answer's body that went out.
    pub(crate) bytes: u64,
    /// Tokens delivered, in all and of reasoning, where the answer was read.
    pub(crate) tokens: Option<(u64, u64)>,
    pub(crate) words_withheld: u64,
    pub(crate) sites_marked: u64,
}

/// Why a request was turned away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TurnedAway {
    /// The grade refuses.
    ByGrade,
    /// A limit was reached.
    AtLimit,
}

impl Counted {
    /// Whether the tokens of its answer count, so that it has to be read.
    pub(crate) fn reads(&self) -> bool {
        self.reads
    }

    /// It has ended so.
    pub(crate) fn ended(self, met: &Met) {
        let Self { running, key, exposed, reads } = self;
        let full = running.register.add_to(key, |sums| add(sums, met, exposed, reads));
        for (key, sums) in full {
            running.write_unit(key, sums);
        }
    }
}

fn add(sums: &mut UnitSums, met: &Met, exposed: bool, reads: bool) {
    let Met { outcome, status, turned_away, first_byte_ms, span_us, bytes, tokens, .. } = *met;
    // What did not happen is not written: most sums of most units are far away in memory.
    let sum_up = |sum: &mut u64, more: u64| {
        if more > 0 {
            *sum = sum.saturating_add(more);
        }
    };
    let count = |sum: &mut u64, holds: bool| sum_up(sum, u64::from(holds));
    let failed = matches!(outcome, Outcome::UpstreamError | Outcome::Overloaded);
    count(&mut sums.requests, true);
    count(&mut sums.exposed, exposed);
    count(&mut sums.refused, turned_away == Some(TurnedAway::ByGrade));
    count(&mut sums.limited, turned_away == Some(TurnedAway::AtLimit));
    count(&mut sums.failed, failed || status.is_some_and(|status| status >= 500));
    count(&mut sums.cancelled, outcome == Outcome::Cancelled);
    // A refusal is quick, and no answer.
    if status.is_some_and(|status| (200..300).contains(&status)) {
        first_byte_ms.into_iter().for_each(|time| sums.first_byte.add(time));
        let tokens = bytes.div_ceil(BYTES_PER_TOKEN);
        if let Some(span) = span_us.filter(|_| tokens > 0) {
            // Microseconds per token are milliseconds per thousand.
            sums.per_thousand_tokens.add(span / tokens);
        }
    }
    if let Some((output, reasoning)) = tokens.filter(|_| reads) {
        sum_up(&mut sums.output_tokens, output);
        sum_up(&mut sums.reasoning_tokens, reasoning);
    }
    sum_up(&mut sums.words_withheld, met.words_withheld);
    sum_up(&mut sums.sites_marked, met.sites_marked);
}
