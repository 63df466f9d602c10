//! Threads that serve, each with a runtime, timers and upstream connections of its own.
//!
//! What belongs to one connection stays on one thread: no task of it is woken by another, and nothing of it is in
//! another processor's cache.

use std::future::Future;
use std::io;
use std::num::NonZeroUsize;
use std::thread;

use tokio::runtime::Builder;
use tokio::sync::oneshot;

/// Threads that serve.
#[derive(Debug)]
pub(super) struct Workers {
    kept: Vec<oneshot::Sender<()>>,
    ends: Vec<oneshot::Receiver<()>>,
}

/// Threads that have served, and go on with what else was begun on them until this is dropped.
#[derive(Debug)]
pub(super) struct Served {
    _kept: Vec<oneshot::Sender<()>>,
}

impl Workers {
    /// Starts so many. `begin` is called for each, and what it returns on the thread itself.
    ///
    /// # Errors
    /// When the system gives no thread, or nothing to wait for sockets with.
    pub(super) fn start<B, F>(count: NonZeroUsize, mut begin: impl FnMut() -> B) -> io::Result<Self>
    where
        B: FnOnce() -> F + Send + 'static,
        F: Future<Output = ()>,
    {
        let (mut kept, mut ends) = (Vec::new(), Vec::new());
        for number in 1..=count.get() {
            let serve = begin();
            let runtime = Builder::new_current_thread().enable_all().build()?;
            let (keep, keeps) = oneshot::channel::<()>();
            let (end, ended) = oneshot::channel();
            thread::Builder::new().name(format!("worker-{number}")).spawn(move || {
                runtime.block_on(async {
                    serve().await;
                    drop(end);
                    // Whoever keeps it sends nothing, and is gone at some time.
                    let _ = keeps.await;
                });
            })?;
            kept.push(keep);
            ends.push(ended);
        }
        Ok(Self { kept, ends })
    }

    /// Waits until all have.
    pub(super) async fn served(self) -> Served {
        for ended in self.ends {
            let _ = ended.await;
        }
        Served { _kept: self.kept }
    }
}
