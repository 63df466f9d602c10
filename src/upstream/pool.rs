//! Connections of our own to an upstream that is certain to speak HTTP/1.
//!
//! It does what the client library's pool does, for one address and one protocol: so nothing is looked up by name,
//! and what is known of a connection comes with it.

mod idle;
#[cfg(test)]
mod tests;

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::http1::{Builder, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::time::{Instant, Sleep, sleep_until, timeout_at};

use super::BoxError;
use super::connect::Connector;
use super::link::{Link, keep_alive};
use super::replay::Replayed;
use crate::secret::opaque_debug;
use idle::{Idle, Resting, Taken, Waiting};

/// How long a connection is kept that nobody uses.
const IDLE: Duration = Duration::from_secs(90);

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum PoolError {
    /// No connection was made.
    #[error("no connection was made")]
    Connect(#[source] BoxError),
    /// The connection broke, or the request did.
    #[error("the exchange broke")]
    Exchange(#[source] hyper::Error),
    /// There is none in time.
    #[error("the answer took too long")]
    Late,
    /// The connection has ended, and nobody says what became of the request.
    #[error("the connection ended without an answer")]
    Abandoned,
}

/// The pool. Clones share its connections.
#[derive(Clone)]
pub(super) struct Pool(Arc<Shared>);

struct Shared {
    connector: Connector,
    builder: Builder,
    most_idle: usize,
    resting: Mutex<Resting>,
}

/// A connection that one request after the other goes to.
struct Connection {
    sender: SendRequest<Replayed>,
    link: Link,
    /// For the head of an answer. It is not taken out between them, which costs more than to put it off.
    timer: Option<Pin<Box<Sleep>>>,
}

opaque_debug!(Pool, Connection);

impl Pool {
    /// A pool that keeps so many connections while nobody uses them.
    pub(super) fn new(connector: Connector, max_header_bytes: usize, most_idle: usize) -> Self {
        let mut builder = Builder::new();
        builder.max_buf_size(max_header_bytes);
        Self::built(connector, builder, most_idle)
    }

    fn built(connector: Connector, builder: Builder, most_idle: usize) -> Self {
        Self(Arc::new(Shared { connector, builder, most_idle, resting: Mutex::default() }))
    }

    /// Another of its kind, with connections of its own.
    pub(super) fn another(&self, most_idle: usize) -> Self {
        Self::built(self.0.connector.clone(), self.0.builder.clone(), most_idle)
    }

    /// Sends a request, on a connection made for it if it is to be `fresh`, and gives it up when it has no answer
    /// until then. Who drops this gives the connection up.
    ///
    /// A request that its connection gives back unsent goes to the next one, unless the connection was new.
    pub(super) async fn ask(
        &self,
        mut request: Request<Replayed>,
        fresh: bool,
        until: Instant,
    ) -> Result<Response<Incoming>, PoolError> {
        let fresh = fresh || self.0.most_idle == 0;
        loop {
            let (mut connection, used) = self.connection(fresh, until).await?;
            request.body_mut().watch(connection.link.uses());
            let answer = connection.sender.try_send_request(request);
            // One that was open after the request was in its queue looks there before it ends.
            let may_be_lost = connection.sender.is_closed();
            let answered = tokio::select! {
                biased;
                answered = answer => answered,
                () = due(&mut connection.timer, until) => return Err(PoolError::Late),
                () = connection.link.ended(), if may_be_lost => return Err(PoolError::Abandoned),
            };
            match answered {
                Ok(response) => {
                    if !fresh {
                        self.keep(connection, &response);
                    }
                    return Ok(response);
                }
                Err(mut failed) => match failed.take_message() {
                    Some(unsent) if used => request = unsent,
                    _ => return Err(PoolError::Exchange(failed.into_error())),
                },
            }
        }
    }

    /// A connection, and whether it was used before.
    async fn connection(
        &self,
        fresh: bool,
        until: Instant,
    ) -> Result<(Connection, bool), PoolError> {
        let waiting = match fresh {
            true => None,
            false => match Shared::take(&self.0) {
                Taken::Idle(connection) => return Ok((connection, true)),
                Taken::None(waiting) => Some(waiting),
            },
        };
        let made = Box::pin(timeout_at(until, async {
            match waiting {
                Some(waiting) => Shared::first_of(Arc::clone(&self.0), waiting).await,
                None => self.0.connect().await.map(|connection| (connection, false)),
            }
        }));
        made.await.map_err(|_| PoolError::Late)?
    }

    /// Keeps a connection for the next request, as soon as it is through with the last one.
    fn keep(&self, mut connection: Connection, response: &Response<Incoming>) {
        let idle = keep_alive(response.headers()).map_or(IDLE, |idle| idle.min(IDLE));
        // It serves no other request then, and ends after this one.
        if idle.is_zero() {
            return;
        }
        if connection.sender.is_ready() {
            Shared::rest(&self.0, Idle { connection, until: Instant::now() + idle });
        } else if !connection.sender.is_closed() {
            let shared = Arc::clone(&self.0);
            tokio::spawn(async move {
                if connection.sender.ready().await.is_ok() {
                    Shared::rest(&shared, Idle { connection, until: Instant::now() + idle });
                }
            });
        }
    }
}

impl Shared {
    async fn connect(&self) -> Result<Connection, PoolError> {
        let io = self.connector.plain().await.map_err(PoolError::Connect)?;
        let link = io.link().clone();
        let made = self.builder.handshake(TokioIo::new(io)).await;
        let (mut sender, connection) = made.map_err(PoolError::Exchange)?;
        let running = tokio::spawn(async move {
            let ended = connection.with_upgrades().await;
            if let Err(error) = &ended {
                tracing::debug!(?error, "a connection to the upstream broke");
            }
            ended
        });
        let Err(closed) = sender.ready().await else {
            return Ok(Connection { sender, link, timer: None });
        };
        // Why it closed is better known to the connection.
        match running.await {
            Ok(Err(error)) => Err(PoolError::Exchange(error)),
            _ => Err(PoolError::Exchange(closed)),
        }
    }

    /// A new connection, or one that becomes idle before it is there; and whether it was used before.
    async fn first_of(
        shared: Arc<Self>,
        mut waiting: Waiting,
    ) -> Result<(Connection, bool), PoolError> {
        let mut connecting = Box::pin({
            let shared = Arc::clone(&shared);
            async move { shared.connect().await }
        });
        let idle = tokio::select! {
            biased;
            idle = waiting.connection() => idle,
            connected = &mut connecting => return connected.map(|connection| (connection, false)),
        };
        let Some(connection) = idle else {
            return connecting.await.map(|connection| (connection, false));
        };
        // The new one will be there for whoever comes next.
        tokio::spawn(async move {
            if let Ok(connection) = connecting.await {
                Self::rest(&shared, Idle { connection, until: Instant::now() + IDLE });
            }
        });
        Ok((connection, true))
    }
}

/// Resolves when it is that time. A timer that is set for an earlier one is left so until it has fired.
async fn due(timer: &mut Option<Pin<Box<Sleep>>>, time: Instant) {
    let timer = timer.get_or_insert_with(|| Box::pin(sleep_until(time)));
    if timer.is_elapsed() || timer.deadline() > time {
        timer.as_mut().reset(time);
    }
    loop {
        timer.as_mut().await;
        if timer.deadline() >= time {
            return;
        }
        timer.as_mut().reset(time);
    }
}

/// Nothing panics while it is held.
fn lock(resting: &Mutex<Resting>) -> std::sync::MutexGuard<'_, Resting> {
    resting.lock().unwrap_or_else(PoisonError::into_inner)
}
