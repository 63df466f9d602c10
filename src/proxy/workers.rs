//! Threads that serve, each with a runtime, timers and upstream connections of its own.
//!
//! What belongs to one connection stays on one processor: no task is woken by another thread, which costs more
//! than what a piece of a stream costs otherwise. They accept from one queue, so that whoever has time takes the
//! next connection.

use std::future::Future;
use std::io;
use std::num::NonZeroUsize;
use std::thread;

use tokio::runtime::Builder;
use tokio::sync::oneshot;

/// Threads that have served, and go on with what else was begun on them until this is dropped.
#[derive(Debug)]
pub(super) struct Served {
    _kept: Vec<oneshot::Sender<()>>,
}

/// Serves on so many threads. `serve` is called for each, and what it returns once it runs there.
///
/// # Errors
/// When the system gives no thread, or nothing to wait for sockets with.
pub(super) async fn serve<B, F>(
    count: NonZeroUsize,
    mut serve: impl FnMut() -> io::Result<B>,
) -> io::Result<Served>
where
    B: FnOnce() -> F + Send + 'static,
    F: Future<Output = ()>,
{
    let (mut kept, mut ends) = (Vec::new(), Vec::new());
    for number in 1..=count.get() {
        let begin = serve()?;
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let (keep, keeps) = oneshot::channel::<()>();
        let (end, ended) = oneshot::channel::<()>();
        thread::Builder::new().name(format!("worker-{number}")).spawn(move || {
            runtime.block_on(async {
                begin().await;
                drop(end);
                // Whoever keeps it sends nothing, and is gone at some time.
                let _ = keeps.await;
            });
        })?;
        kept.push(keep);
        ends.push(ended);
    }
    for ended in ends {
        let _ = ended.await;
    }
    Ok(Served { _kept: kept })
}
