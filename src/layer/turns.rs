//! Taking turns with everybody else.

use std::future::Future;
use std::pin::pin;
use std::task::Context;

use tokio::task::yield_now;

/// Has the task polled again when the runtime has looked after all others, sockets that have become
/// ready among them. A task that wakes itself is polled again before the runtime looks at any: for
/// as long as it goes on so, nobody's request is even seen.
pub(super) fn let_others_go_first(context: &mut Context<'_>) {
    // The first poll puts it behind the others and is always pending.
    let _ = pin!(yield_now()).poll(context);
}
