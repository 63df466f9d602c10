//! A time limit that costs nothing until it is waited for.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

/// Ready when it is too late. Most bodies are there at once, and no timer is set for them.
#[derive(Debug)]
pub(super) struct Late {
    due: Instant,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Late {
    pub(super) fn after(limit: Duration) -> Self {
        Self { due: Instant::now() + limit, sleep: None }
    }

    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let due = self.due;
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(sleep_until(due)));
        sleep.as_mut().poll(context)
    }
}
