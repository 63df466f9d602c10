//! Settlements on their way to a store that is waited for.
//!
//! An exchange ends when its body is dropped, where nothing can be waited for. So what is left to tell
//! a store goes on without it, in bounded number and time: what is past the bound is dropped and
//! counted, and the store gives it back by itself.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::Amounts;
use super::store::{Admission, Granted};
use crate::ready::{MaybeReady, Waiting};

/// The most that are waited for at a time.
const MOST: usize = 4096;

/// How long one may take.
const LONGEST: Duration = Duration::from_secs(30);

/// What is under way to a store. Clones share it.
#[derive(Clone, Debug)]
pub struct Settlements(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    room: Arc<Semaphore>,
    waited: AtomicU64,
    lost: AtomicU64,
}

/// What became of a settlement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Settled {
    /// The store has it.
    Done,
    /// It is on its way.
    Waiting,
    /// Too many are, or there is no runtime: the store has to give back by itself what was taken.
    Lost,
}

impl Default for Settlements {
    fn default() -> Self {
        Self::new(MOST)
    }
}

impl Settlements {
    /// So many may wait at a time.
    #[must_use]
    pub fn new(most: usize) -> Self {
        let room = Arc::new(Semaphore::new(most.min(Semaphore::MAX_PERMITS)));
        Self(Arc::new(Inner { room, waited: AtomicU64::new(0), lost: AtomicU64::new(0) }))
    }

    /// Waits for what is not done yet, without whoever asked for it.
    pub fn settle(&self, settlement: MaybeReady<()>) -> Settled {
        match settlement {
            MaybeReady::Ready(()) => Settled::Done,
            MaybeReady::Waiting(waiting) => self.wait_for(waiting),
        }
    }

    /// Settlements that were waited for so far.
    #[must_use]
    pub fn waited(&self) -> u64 {
        self.0.waited.load(Ordering::Relaxed)
    }

    /// Settlements lost so far: there was no room for them, or they took too long.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.0.lost.load(Ordering::Relaxed)
    }

    fn wait_for(&self, settlement: impl Future<Output = ()> + Send + 'static) -> Settled {
        let permit = Arc::clone(&self.0.room).try_acquire_owned();
        let Some((permit, runtime)) = permit.ok().zip(Handle::try_current().ok()) else {
            self.0.lost.fetch_add(1, Ordering::Relaxed);
            return Settled::Lost;
        };
        self.0.waited.fetch_add(1, Ordering::Relaxed);
        let inner = Arc::clone(&self.0);
        runtime.spawn(async move {
            if timeout(LONGEST, settlement).await.is_err() {
                inner.lost.fetch_add(1, Ordering::Relaxed);
            }
            drop(permit);
        });
        Settled::Waiting
    }
}

/// An admission that a store is asked for. One that is dropped is waited for all the same, and what it
/// took is given back.
#[must_use = "what it takes is given back when this is dropped"]
pub struct Reserving {
    waiting: Option<Waiting<Admission>>,
    settlements: Settlements,
}

impl Reserving {
    /// Waits for what a store was asked.
    pub fn new(waiting: Waiting<Admission>, settlements: Settlements) -> Self {
        Self { waiting: Some(waiting), settlements }
    }
}

impl Future for Reserving {
    type Output = Admission;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Admission> {
        let Some(waiting) = &mut self.waiting else { return Poll::Pending };
        let outcome = ready!(waiting.as_mut().poll(context));
        self.waiting = None;
        Poll::Ready(outcome)
    }
}

impl Drop for Reserving {
    fn drop(&mut self) {
        let Some(waiting) = self.waiting.take() else { return };
        self.settlements.wait_for(async move {
            if let Ok(Granted { lease, .. }) = waiting.await {
                lease.settle(Amounts::default()).get().await;
            }
        });
    }
}

impl std::fmt::Debug for Reserving {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Reserving").finish_non_exhaustive()
    }
}
