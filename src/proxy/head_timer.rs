//! The time limit of the heads that come on one connection.
//!
//! The HTTP library makes a timer for each head and throws it away when the head has come. To set and to clear one
//! of the runtime's takes longer than most of what is done for a request; so a connection keeps one, which is moved
//! only when it has fired.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::rt::{Sleep, Timer};
use tokio::time::{Instant, sleep_until};

#[expect(
    clippy::disallowed_types,
    reason = "the library's timers speak of it; it is made of tokio's"
)]
type StdInstant = std::time::Instant;

/// That of one connection.
#[derive(Clone, Debug, Default)]
pub(super) struct HeadTimer(Arc<Mutex<Option<Pin<Box<tokio::time::Sleep>>>>>);

/// Until a head is late.
#[derive(Debug)]
struct Late {
    deadline: Instant,
    timer: HeadTimer,
}

impl Timer for HeadTimer {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
        self.sleep_until(self.now() + duration)
    }

    fn sleep_until(&self, deadline: StdInstant) -> Pin<Box<dyn Sleep>> {
        Box::pin(Late { deadline: deadline.into(), timer: self.clone() })
    }

    fn reset(&self, sleep: &mut Pin<Box<dyn Sleep>>, deadline: StdInstant) {
        if let Some(late) = sleep.as_mut().downcast_mut_pin::<Late>() {
            late.get_mut().deadline = deadline.into();
        }
    }

    fn now(&self) -> StdInstant {
        Instant::now().into()
    }
}

impl Sleep for Late {}

impl Future for Late {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let deadline = self.deadline;
        // Nothing panics while it is held.
        let mut kept = self.timer.0.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = kept.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        if kept.deadline() > deadline {
            kept.as_mut().reset(deadline);
        }
        loop {
            ready!(kept.as_mut().poll(context));
            if kept.deadline() >= deadline {
                return Poll::Ready(());
            }
            // It was set for a head that has come.
            kept.as_mut().reset(deadline);
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::sleep;

    use super::*;

    const PERIOD: Duration = Duration::from_secs(10);

    /// Fails when a head has the time of the one before it, or none.
    #[tokio::test(start_paused = true)]
    async fn each_head_has_its_own_time() {
        let timer = HeadTimer::default();
        for pause in [0, 3, 10, 25] {
            let mut in_time = timer.sleep(PERIOD);
            tokio::select! {
                () = &mut in_time => panic!("it came in time"),
                () = sleep(PERIOD * 9 / 10) => {}
            }
            drop(in_time);
            sleep(Duration::from_secs(pause)).await;
        }
        for period in [PERIOD, PERIOD * 2, PERIOD / 2] {
            let since = Instant::now();
            timer.sleep(period).await;
            assert_eq!(since.elapsed(), period);
        }
        let (since, mut moved) = (Instant::now(), timer.sleep(PERIOD));
        timer.reset(&mut moved, timer.now() + PERIOD * 3);
        moved.await;
        assert_eq!(since.elapsed(), PERIOD * 3);
    }
}
