//! A timer beside something busy, such as the pause that ends a stream while its events come.
//!
//! Whoever waits for an event and a timer polls both with each event, and a timer takes a lock's worth of steps to say
//! that it has not fired. This one is asked only where it could have.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep, sleep_until};

pin_project! {
    /// Ready from `due` on, as a [`Sleep`] is.
    #[derive(Debug)]
    pub(crate) struct Alarm {
        #[pin]
        sleep: Sleep,
        // Whom it wakes when it fires.
        waker: Option<Waker>,
    }
}

impl Alarm {
    pub(crate) fn at(due: Instant) -> Self {
        Self { sleep: sleep_until(due), waker: None }
    }

    #[cfg(feature = "proxy")]
    pub(crate) fn due(&self) -> Instant {
        self.sleep.deadline()
    }

    /// Fires at another time.
    pub(crate) fn set(self: Pin<&mut Self>, due: Instant) {
        let this = self.project();
        this.sleep.reset(due);
        // It is asked once more, since it may have fired for the time before.
        *this.waker = None;
    }
}

impl Future for Alarm {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        let wakes = this.waker.as_ref().is_some_and(|waker| waker.will_wake(context.waker()));
        if wakes && !this.sleep.is_elapsed() {
            return Poll::Pending;
        }
        let polled = this.sleep.poll(context);
        *this.waker = polled.is_pending().then(|| context.waker().clone());
        polled
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::time::Duration;

    use super::*;

    const SOON: Duration = Duration::from_secs(5);

    #[tokio::test(start_paused = true)]
    async fn it_fires_in_time_however_often_it_was_asked_and_set() {
        let begin = Instant::now();
        let mut alarm = Box::pin(Alarm::at(begin + SOON));
        for _ in 0..3 {
            assert!(futures_util::poll!(alarm.as_mut()).is_pending());
        }
        alarm.as_mut().await;
        assert_eq!(begin.elapsed(), SOON);
        for later in [3, 2] {
            alarm.as_mut().set(begin + SOON * later);
            assert!(futures_util::poll!(alarm.as_mut()).is_pending());
        }
        alarm.as_mut().await;
        assert_eq!(begin.elapsed(), SOON * 2);
    }

    #[tokio::test(start_paused = true)]
    async fn it_wakes_the_task_that_polled_it_last() {
        let mut alarm = Box::pin(Alarm::at(Instant::now() + SOON));
        poll_fn(|context| {
            assert!(alarm.as_mut().poll(context).is_pending());
            Poll::Ready(())
        })
        .await;
        tokio::time::timeout(SOON * 2, tokio::spawn(alarm)).await.unwrap().unwrap();
    }
}
