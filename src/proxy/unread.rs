//! HTTP/2 streams that their client does not read.
//!
//! A client that keeps one stream of its connection moving is not stalled, and could hold the answers
//! of all the others for ever: while the window of a stream is shut its server asks the body for
//! nothing, and a body that nobody asks has no time limit of its own. So the task that serves a stream
//! watches, whenever it rests, for how long a piece of the answer has waited to be sent, and ends. The
//! stream is reset with it, and the others go on.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::rt::Executor;
use pin_project_lite::pin_project;
use tokio::task::futures::TaskLocalFuture;
use tokio::time::{Instant, Sleep, sleep_until};

tokio::task_local! {
    static UNREAD: Arc<Unread>;
}

/// What the body of a stream tells the task that serves it.
#[derive(Debug, Default)]
pub(super) struct Unread {
    /// Pieces that were taken, plus questions for the next: odd while one waits to be sent.
    turns: AtomicU64,
}

impl Unread {
    /// That of the stream whose task this is, if any.
    pub(super) fn of_task() -> Option<Arc<Self>> {
        UNREAD.try_with(Arc::clone).ok()
    }

    /// The server has a piece, or will ask, once there is room, for the first.
    pub(super) fn taken(&self) {
        self.turn(true);
    }

    /// The server asks for the next one.
    pub(super) fn asked(&self) {
        self.turn(false);
    }

    fn turn(&self, waits: bool) {
        // Only the task itself asks and takes.
        let turns = self.turns.load(Ordering::Relaxed);
        if (turns % 2 == 1) != waits {
            self.turns.store(turns.wrapping_add(1), Ordering::Relaxed);
        }
    }

    /// Which piece waits to be sent.
    fn waiting(&self) -> Option<u64> {
        let turns = self.turns.load(Ordering::Relaxed);
        (turns % 2 == 1).then_some(turns)
    }
}

/// Runs the tasks of HTTP/2 streams, and ends those whose client takes nothing for so long.
#[derive(Clone, Copy, Debug)]
pub(super) struct Streams {
    pub(super) period: Duration,
}

impl<F> Executor<F> for Streams
where
    F: Future + Send + 'static,
    F::Output: Send,
{
    fn execute(&self, future: F) {
        let unread = Arc::new(Unread::default());
        let future = UNREAD.scope(Arc::clone(&unread), future);
        let period = self.period;
        tokio::spawn(Read { future, unread, period, waiting: None, sleep: None });
    }
}

pin_project! {
    /// Gives up when a piece has waited for too long.
    struct Read<F> {
        #[pin]
        future: TaskLocalFuture<Arc<Unread>, F>,
        unread: Arc<Unread>,
        period: Duration,
        // The piece that waits, and since when.
        waiting: Option<(u64, Instant)>,
        // Made when one first waits, and moved only when it fires.
        sleep: Option<Pin<Box<Sleep>>>,
    }
}

impl<F: Future> Future for Read<F> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        if this.future.poll(context).is_ready() {
            return Poll::Ready(());
        }
        let Some(piece) = this.unread.waiting() else {
            *this.waiting = None;
            return Poll::Pending;
        };
        let now = Instant::now();
        let (_, since) = *match this.waiting {
            Some(known) if known.0 == piece => known,
            waiting => waiting.insert((piece, now)),
        };
        let due = since + *this.period;
        let sleep = this.sleep.get_or_insert_with(|| Box::pin(sleep_until(due)));
        while sleep.as_mut().poll(context).is_ready() {
            if due <= now {
                tracing::debug!("a client does not read a stream");
                return Poll::Ready(());
            }
            sleep.as_mut().reset(due);
        }
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, poll_fn};

    use tokio::sync::oneshot;
    use tokio::time::{sleep, timeout};

    use super::*;

    const PERIOD: Duration = Duration::from_secs(10);

    /// Runs a task of a stream's; resolves when it has ended.
    async fn run<F>(task: impl FnOnce(Arc<Unread>) -> F + Send + 'static)
    where
        F: Future<Output = ()> + Send,
    {
        let (ended, end) = oneshot::channel::<()>();
        Streams { period: PERIOD }.execute(async move {
            let _ended = ended;
            task(Unread::of_task().unwrap()).await;
        });
        let _ = end.await;
    }

    /// Fails when slow streams are cut off, or those that wait for their upstream.
    #[tokio::test(start_paused = true)]
    async fn a_stream_ends_when_a_piece_of_it_is_not_taken_in_time_and_only_then() {
        let since = Instant::now();
        let slow = run(|unread| async move {
            for _ in 0..20 {
                unread.taken();
                sleep(PERIOD * 9 / 10).await;
                unread.asked();
                sleep(PERIOD * 3).await;
            }
        });
        slow.await;
        assert_eq!(since.elapsed(), (PERIOD * 39 / 10) * 20);
        let since = Instant::now();
        let unread = run(|unread| async move {
            unread.taken();
            unread.asked();
            sleep(PERIOD / 2).await;
            unread.taken();
            unread.taken();
            pending().await
        });
        unread.await;
        assert_eq!(since.elapsed(), PERIOD * 3 / 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_task_that_is_woken_for_something_else_keeps_its_time() {
        let since = Instant::now();
        let busy = run(|unread| async move {
            unread.taken();
            let mut wakes = Box::pin(sleep(PERIOD / 7));
            poll_fn(|context| {
                while wakes.as_mut().poll(context).is_ready() {
                    wakes.as_mut().reset(Instant::now() + PERIOD / 7);
                }
                Poll::Pending
            })
            .await
        });
        timeout(PERIOD * 2, busy).await.unwrap();
        assert_eq!(since.elapsed(), PERIOD);
    }
}
