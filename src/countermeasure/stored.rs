//! What was decided about answers that a server keeps.
//!
//! Who reads such an answer later, and at whatever score, gets what its first reader got: the same is
//! withheld, and the same words carry the mark. What is remembered is the decision, by the ids of the
//! answer and its items; never a text. Past a bound the oldest is forgotten.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::ResponseEdits;

/// How long vendors keep an answer.
const MAX_AGE: Duration = Duration::from_secs(30 * 24 * 3600);

/// What is remembered takes at most so many bytes.
const MAX_BYTES: usize = 64 << 20;

/// What an id takes: its place in a map and in a queue, at the worst of their load.
const ID_BYTES: usize = 128;

/// Decisions by the ids of what they were made about.
#[derive(Debug, Default)]
pub struct StoredAnswers {
    table: Mutex<Table>,
    /// Anything was ever remembered.
    used: AtomicBool,
}

#[derive(Debug, Default)]
struct Table {
    decided: HashMap<u128, Decided>,
    /// The oldest first.
    order: VecDeque<(u128, Instant)>,
    bytes: usize,
}

#[derive(Debug)]
struct Decided {
    edits: Arc<ResponseEdits>,
    bytes: usize,
}

impl StoredAnswers {
    /// Whether anything was ever remembered.
    #[must_use]
    pub fn is_used(&self) -> bool {
        self.used.load(Ordering::Acquire)
    }

    /// What was decided about the answer, or the item, of this id.
    #[must_use]
    pub fn find(&self, id: &str) -> Option<Arc<ResponseEdits>> {
        if !self.is_used() {
            return None;
        }
        let mut table = self.table();
        table.sweep(Instant::now());
        table.decided.get(&hash(id)).map(|it| Arc::clone(&it.edits))
    }

    /// Remembers what was decided. `bytes` is what that takes beside the id, if no other id has it yet.
    /// Some servers let clients choose ids: of two decisions the later one holds, unless only the
    /// earlier one withholds.
    pub fn remember(&self, id: &str, edits: &Arc<ResponseEdits>, bytes: usize) {
        let (mut table, now) = (self.table(), Instant::now());
        table.sweep(now);
        let (id, table) = (hash(id), &mut *table);
        if let Some(known) = table.decided.get_mut(&id) {
            let milder = known.edits.withholds() && !edits.withholds();
            if !milder && !Arc::ptr_eq(&known.edits, edits) {
                known.edits = Arc::clone(edits);
                known.bytes += bytes;
                table.bytes += bytes;
            }
            return;
        }
        let bytes = bytes + ID_BYTES;
        table.bytes += bytes;
        table.order.push_back((id, now));
        table.decided.insert(id, Decided { edits: Arc::clone(edits), bytes });
        while table.bytes > MAX_BYTES && table.forget_oldest() {}
        self.used.store(true, Ordering::Release);
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    /// Forgets a few of those that are too old.
    fn sweep(&mut self, now: Instant) {
        for _ in 0..8 {
            let oldest = self.order.front().map(|(_, since)| *since);
            let old = oldest.is_some_and(|since| now.saturating_duration_since(since) >= MAX_AGE);
            if !old || !self.forget_oldest() {
                return;
            }
        }
    }

    fn forget_oldest(&mut self) -> bool {
        let Some((id, _)) = self.order.pop_front() else { return false };
        self.bytes -= self.decided.remove(&id).map_or(0, |it| it.bytes);
        true
    }
}

/// The first 128 bits of the hash of an id.
fn hash(id: &str) -> u128 {
    let mut hash = [0; 16];
    blake3::Hasher::new().update(id.as_bytes()).finalize_xof().fill(&mut hash);
    u128::from_le_bytes(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    // Break it: forget nothing, or the newest.
    #[tokio::test(start_paused = true)]
    async fn the_oldest_is_forgotten_past_the_bound_and_all_in_time() {
        let (stored, edits) = (StoredAnswers::default(), Arc::new(ResponseEdits::default()));
        assert!(!stored.is_used() && stored.find("resp_0").is_none());
        let large = MAX_BYTES / 4;
        for at in 0..6 {
            stored.remember(&format!("resp_{at}"), &edits, large);
            stored.remember(&format!("resp_{at}"), &edits, large);
        }
        let known: Vec<_> = (0..6).map(|at| stored.find(&format!("resp_{at}")).is_some()).collect();
        assert_eq!(known, [false, false, false, true, true, true]);
        tokio::time::advance(MAX_AGE).await;
        assert!(stored.find("resp_5").is_none());
        assert_eq!(stored.table().bytes, 0);
    }
}
