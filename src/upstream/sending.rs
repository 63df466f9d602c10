//! Sending a request, and once more if its connection turned out to be closing.

use std::error::Error;
use std::time::Duration;

use http::{Request, Response, request};
use hyper::body::Incoming;
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::capture_connection;
use hyper_util::rt::{TokioExecutor, TokioTimer};

use tokio::time::{Instant, timeout_at};

use super::connect::{Connector, TimedOut};
use super::pool::{Pool, PoolError};
use super::replay::{Replay, Replayed};
use super::reuse::{AfterAnswer, abandoned, is_close, is_unprocessed};
use super::{Settings, UpstreamError, is_too_long};
use crate::secret::opaque_debug;

opaque_debug!(Client);

/// What requests are sent by. Clones share its connections.
#[derive(Clone)]
pub(super) enum Client {
    /// Over plain TCP and HTTP/1, by a pool of our own.
    Own(Pool),
    /// Over whatever is agreed on, by the client library's.
    Library(Box<Library>),
}

#[derive(Clone)]
pub(super) struct Library {
    pooled: HttpClient,
    /// The same without a pool.
    unpooled: HttpClient,
    /// What both are made by.
    builder: legacy::Builder,
    connector: Connector,
}

type HttpClient = legacy::Client<Connector, Replayed>;

impl Client {
    /// A client of the upstream that `settings` name, which is certain to speak HTTP/1 over plain TCP or not.
    pub(super) fn new(
        settings: &Settings,
        connector: Connector,
        max_header_bytes: u32,
        plain: bool,
    ) -> Self {
        let most_idle = settings.max_idle_connections;
        let max_bytes = usize::try_from(max_header_bytes).unwrap_or(usize::MAX);
        if plain {
            return Self::Own(Pool::new(connector, max_bytes, most_idle));
        }
        let mut builder = legacy::Client::builder(TokioExecutor::new());
        builder
            .pool_timer(TokioTimer::new())
            .timer(TokioTimer::new())
            .pool_idle_timeout(Duration::from_secs(90))
            .http1_max_buf_size(max_bytes)
            .http2_only(settings.http2)
            .http2_max_header_list_size(max_header_bytes)
            // A dead connection must not hold its streams until their idle timeout.
            .http2_keep_alive_interval(Duration::from_secs(30));
        Self::Library(Box::new(Library::new(builder, connector, most_idle)))
    }

    /// Another of its kind, with connections of its own, of which so many may be idle.
    pub(super) fn another(&self, most_idle: usize) -> Self {
        match self {
            Self::Own(pool) => Self::Own(pool.another(most_idle)),
            Self::Library(library) => {
                let Library { builder, connector, .. } = &**library;
                let other = Library::new(builder.clone(), connector.clone(), most_idle);
                Self::Library(Box::new(other))
            }
        }
    }

    /// Sends the request, and once more if its connection turned out to be closing. Gives up when it has no answer
    /// until then.
    pub(super) async fn ask(
        &self,
        head: request::Parts,
        replay: &Replay,
        until: Instant,
    ) -> Result<(Response<Incoming>, Option<AfterAnswer>), Unanswered> {
        match self.send(head.clone(), replay.first(), false, until).await {
            Err(unanswered) if unanswered.met_a_closing_connection(replay) => {
                match replay.again() {
                    Some(body) => self.send(head, body, true, until).await,
                    None => Err(unanswered),
                }
            }
            answered => answered,
        }
    }

    /// Sends it once, on a new connection or not.
    async fn send(
        &self,
        head: request::Parts,
        body: Replayed,
        fresh: bool,
        until: Instant,
    ) -> Result<(Response<Incoming>, Option<AfterAnswer>), Unanswered> {
        let request = Request::from_parts(head, body);
        match self {
            // What happens to the connection afterwards is the pool's affair.
            Self::Own(pool) => Ok((pool.ask(request, fresh, until).await?, None)),
            Self::Library(library) => {
                let sending = Box::pin(timeout_at(until, library.send(request, fresh)));
                sending.await.map_err(|_| PoolError::Late)?
            }
        }
    }
}

impl Library {
    fn new(mut builder: legacy::Builder, connector: Connector, most_idle: usize) -> Self {
        let pooled = builder.pool_max_idle_per_host(most_idle).build(connector.clone());
        let unpooled = builder.pool_max_idle_per_host(0).build(connector.clone());
        Self { pooled, unpooled, builder, connector }
    }

    async fn send(
        &self,
        mut request: Request<Replayed>,
        fresh: bool,
    ) -> Result<(Response<Incoming>, Option<AfterAnswer>), Unanswered> {
        let mut connection = capture_connection(&mut request);
        request.body_mut().watch_captured(connection.clone());
        let client = if fresh { &self.unpooled } else { &self.pooled };
        let response = tokio::select! {
            biased;
            answered = client.request(request) => answered.map_err(Unanswered::Library)?,
            () = abandoned(&mut connection) => return Err(PoolError::Abandoned.into()),
        };
        let after = AfterAnswer::of(response.headers(), response.extensions(), connection);
        Ok((response, after))
    }
}

/// Why there is no answer.
pub(super) enum Unanswered {
    Library(legacy::Error),
    Own(PoolError),
}

impl From<PoolError> for Unanswered {
    fn from(error: PoolError) -> Self {
        if matches!(error, PoolError::Abandoned) {
            tracing::debug!("a connection has ended without a word about its request");
        }
        Self::Own(error)
    }
}

impl Unanswered {
    fn error(&self) -> &(dyn Error + 'static) {
        match self {
            Self::Library(error) => error,
            Self::Own(error) => error,
        }
    }

    /// Whether the request met a connection that was closing, so that nobody has begun to work on it.
    fn met_a_closing_connection(&self, replay: &Replay) -> bool {
        let given = replay.given();
        match self {
            Self::Own(PoolError::Late) => false,
            // What was given to no connection has reached nobody.
            Self::Own(PoolError::Abandoned) => given.is_none_or(|given| given.was_closing()),
            _ => {
                let error = self.error();
                is_unprocessed(error)
                    || given.is_some_and(|given| given.was_closing()) && is_close(error)
            }
        }
    }

    /// Finds the cause that an answer depends on, however deep it lies.
    pub(super) fn classify(self, replay: &Replay) -> UpstreamError {
        if is_too_long(self.error()) {
            return UpstreamError::RequestTooLarge;
        }
        let mut cause = Some(self.error());
        while let Some(at) = cause {
            if at.is::<TimedOut>() {
                return UpstreamError::ConnectTimeout;
            }
            cause = at.source();
        }
        match self {
            Self::Library(error) if error.is_connect() => UpstreamError::Connect(error.into()),
            Self::Library(error) => UpstreamError::Exchange(error.into()),
            Self::Own(PoolError::Connect(error)) => UpstreamError::Connect(error),
            Self::Own(PoolError::Exchange(error)) => UpstreamError::Exchange(error.into()),
            Self::Own(PoolError::Late) if replay.is_awaited() => UpstreamError::RequestTooSlow,
            Self::Own(PoolError::Late) => UpstreamError::FirstByteTimeout,
            Self::Own(abandoned @ PoolError::Abandoned) => {
                UpstreamError::Exchange(abandoned.into())
            }
        }
    }
}
