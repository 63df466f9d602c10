//! A future beside a busy one.
//!
//! A task that waits for several things asks all of them whenever one of them wakes it. What
//! rarely happens on a connection (the order to stop, the end of the idle time) would so be asked
//! about with every event of a stream, and each question takes locks.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use pin_project_lite::pin_project;

pin_project! {
    /// Polls its future only after that future itself has been woken.
    #[derive(Debug)]
    pub(crate) struct WhenWoken<F> {
        #[pin]
        future: F,
        signal: Arc<Signal>,
        waker: Waker,
        // Whom the signal wakes.
        task: Option<Waker>,
    }
}

#[derive(Debug)]
struct Signal {
    woken: AtomicBool,
    task: Mutex<Option<Waker>>,
}

impl Wake for Signal {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.woken.store(true, Ordering::Release);
        if let Some(task) = &*self.task.lock().unwrap_or_else(PoisonError::into_inner) {
            task.wake_by_ref();
        }
    }
}

impl<F> WhenWoken<F> {
    pub(crate) fn new(future: F) -> Self {
        // The first poll has to reach the future, so that it can ask to be woken.
        let signal = Arc::new(Signal { woken: AtomicBool::new(true), task: Mutex::new(None) });
        Self { future, waker: Waker::from(Arc::clone(&signal)), signal, task: None }
    }
}

impl<F: Future> Future for WhenWoken<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let task = context.waker();
        if !this.task.as_ref().is_some_and(|known| known.will_wake(task)) {
            *this.task = Some(task.clone());
            let mut slot = this.signal.task.lock().unwrap_or_else(PoisonError::into_inner);
            *slot = Some(task.clone());
        }
        // Behind the registration: who wakes in between is seen here.
        if !this.signal.woken.swap(false, Ordering::AcqRel) {
            return Poll::Pending;
        }
        this.future.poll(&mut Context::from_waker(this.waker))
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::future::poll_fn;
    use std::pin::pin;

    use tokio::sync::oneshot;

    use super::*;

    fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
        future.poll(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn the_future_is_not_asked_until_it_was_woken() {
        let (sender, mut receiver) = oneshot::channel();
        let asked = Cell::new(0);
        let mut future = pin!(WhenWoken::new(poll_fn(|context| {
            asked.set(asked.get() + 1);
            Pin::new(&mut receiver).poll(context)
        })));
        for _ in 0..3 {
            assert!(poll(future.as_mut()).is_pending());
        }
        assert_eq!(asked.get(), 1);
        sender.send(7).unwrap();
        assert_eq!(poll(future.as_mut()), Poll::Ready(Ok(7)));
    }

    #[tokio::test]
    async fn it_wakes_the_task_that_polled_it_last() {
        let (sender, receiver) = oneshot::channel();
        let mut future = Box::pin(WhenWoken::new(receiver));
        // Polled here first, and then waited for in a task of its own.
        assert!(poll(future.as_mut()).is_pending());
        let waiting = tokio::spawn(future);
        tokio::task::yield_now().await;
        sender.send(7).unwrap();
        assert_eq!(waiting.await.unwrap(), Ok(7));
    }
}
