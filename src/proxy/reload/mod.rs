//! Another configuration while clients are served.
//!
//! A reload reads the configuration and every file that it names again, checks all of it as the start
//! does, and has all requests to come be decided by it, at once. If anything is wrong, nothing
//! changes: what decided before goes on. Requests under way keep what they began with.
//!
//! What was made at the start cannot follow: addresses, the upstream and its connections, files
//! that are written. A configuration that says something else of those is refused whole, with the
//! names of the fields, rather than followed in part.

mod error;
mod experiments;
mod state;
mod swap;

use tokio::sync::{mpsc, oneshot};

pub use error::ReloadError;
pub(super) use state::ReloadState;
pub(super) use swap::Swap;

/// Orders that may wait. Each of them reads the files anew, so that more than one in waiting is of
/// no use to anybody.
const WAITING: usize = 4;

/// Has a running proxy read its configuration again; see [`Proxy::reloader`](super::Proxy::reloader).
#[derive(Clone, Debug)]
pub struct Reloader {
    orders: mpsc::Sender<Order>,
}

/// Who had the configuration read again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trigger {
    /// The program that the proxy runs in.
    Program,
    /// SIGHUP.
    Signal,
    /// A call of the admin listener.
    Admin,
    /// A file has changed.
    Poll,
}

/// What decides after a reload.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reloaded {
    /// A hash of the configuration and of every file that it names: 12 hexadecimal digits.
    pub revision: String,
    /// The name of the policy.
    pub policy: String,
    /// The revision of the policy's file.
    pub policy_revision: String,
    /// What is not wrong, and that whoever wrote it may not have meant.
    pub notices: Vec<String>,
}

#[derive(Debug)]
pub(super) struct Order {
    trigger: Trigger,
    answer: oneshot::Sender<Result<Reloaded, ReloadError>>,
}

impl Reloader {
    /// A reloader, and where its orders arrive.
    pub(super) fn new() -> (Self, mpsc::Receiver<Order>) {
        let (orders, arriving) = mpsc::channel(WAITING);
        (Self { orders }, arriving)
    }

    /// Reads the configuration again, from the file or text and the environment variables that it was read
    /// from before, and has all requests to come be decided by it. Waits for reloads that were ordered before,
    /// and until the proxy [runs](super::Proxy::run).
    ///
    /// # Errors
    /// Everything that is wrong; nothing has changed then.
    pub async fn reload(&self) -> Result<Reloaded, ReloadError> {
        self.order(Trigger::Program).await
    }

    pub(super) async fn order(&self, trigger: Trigger) -> Result<Reloaded, ReloadError> {
        let (answer, answered) = oneshot::channel();
        self.orders.send(Order { trigger, answer }).await.map_err(|_| ReloadError::Stopped)?;
        answered.await.map_err(|_| ReloadError::Stopped)?
    }
}

impl Trigger {
    /// The name in the log and the status.
    fn name(self) -> &'static str {
        match self {
            Self::Program => "program",
            Self::Signal => "signal",
            Self::Admin => "admin",
            Self::Poll => "poll",
        }
    }
}
