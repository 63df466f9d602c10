//! The inference server behind: a pooled client, as a [`Service`].
//!
//! The body of the answer is the upstream's own, wrapped: whoever drops it cancels the upstream,
//! over HTTP/1 by closing the connection, over HTTP/2 by resetting the stream. No task and no
//! channel stand between.
//!
//! A request is sent once. What is tried again, once and on a new connection, is a request that met
//! a pooled connection which the upstream was closing (`reuse`).

mod address;
mod body;
#[cfg_attr(
    not(feature = "forensics"),
    expect(
        dead_code,
        reason = "a summarizer looks at less of an answer than questions to a suspect do"
    )
)]
pub(crate) mod chat;
mod connect;
mod headers;
mod link;
pub(crate) mod own;
mod pool;
mod replay;
mod reuse;
mod sending;
mod settings;
mod signing;
mod websocket;
mod when_woken;

use std::error::Error;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::header::HOST;
use http::{Request, Response, StatusCode, Uri, Version, request};
use http_body::Body;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, LengthLimitError};
use hyper::ext::ReasonPhrase;
use hyper::upgrade::OnUpgrade;
use jiff::Timestamp;
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::{Instant, timeout_at};
use tower_service::Service;

pub use body::UpstreamBody;
pub use connect::TlsError;
pub use settings::Settings;
pub use signing::{Credentials, CredentialsError, Signer, region_of_host};
pub(crate) use websocket::{Switched, announce};
pub(crate) use when_woken::WhenWoken;

use crate::secret::opaque_debug;
use crate::wire::asks_for_websocket;
use address::Address;
use connect::Connector;
use headers::{strip_hop_by_hop, take_trailers, takes_trailers};
use replay::Replay;
use sending::Client;
use signing::{Collected, SigningError};

/// Any error.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// How an exchange with the upstream failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UpstreamError {
    /// No connection was made.
    #[error("the upstream cannot be reached")]
    Connect(#[source] BoxError),
    /// No connection was made in time.
    #[error("connecting to the upstream took too long")]
    ConnectTimeout,
    /// The head of the answer did not come in time.
    #[error("the upstream took too long to begin its answer")]
    FirstByteTimeout,
    /// The answer paused for too long.
    #[error("the upstream paused for too long in its answer")]
    IdleTimeout,
    /// The answer took too long as a whole.
    #[error("the upstream took too long to finish its answer")]
    TotalTimeout,
    /// The request's body went over its limit while it was sent.
    #[error("the request body is too large")]
    RequestTooLarge,
    /// The request's body did not come in time.
    #[error("the client took too long to send the request body")]
    RequestTooSlow,
    /// The exchange broke before the head of an answer.
    #[error("the exchange with the upstream failed")]
    Exchange(#[source] BoxError),
    /// The upstream changes to another protocol, which it was not asked to.
    #[error("the upstream changed the protocol without being asked")]
    Switched,
    /// The proxy stops, and the answer had not come to its end in time.
    #[error("the proxy is stopping")]
    Stopping,
    /// The answer broke off in its body.
    #[error("the upstream's answer broke off")]
    Body(#[source] BoxError),
    /// There is no room to hold the request's body until it is signed.
    #[error("there is no room for the request body")]
    NoRoom,
    /// A field of the request cannot be signed.
    #[error("a field of the request cannot be signed")]
    Unsigned,
    /// The request's path cannot be put after the upstream's.
    #[error("the request has no usable path")]
    Address(#[source] http::Error),
}

impl UpstreamError {
    /// Whether there was no connection, so that the upstream has seen nothing of the request.
    #[must_use]
    pub fn is_connect(&self) -> bool {
        matches!(self, Self::Connect(_) | Self::ConnectTimeout)
    }

    /// Whether the upstream let a time limit pass.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        matches!(
            self,
            Self::ConnectTimeout | Self::FirstByteTimeout | Self::IdleTimeout | Self::TotalTimeout
        )
    }

    /// Whether the request is to blame, not the upstream.
    #[must_use]
    pub fn is_request(&self) -> bool {
        matches!(
            self,
            Self::RequestTooLarge | Self::RequestTooSlow | Self::Unsigned | Self::Address(_)
        )
    }
}

opaque_debug!(Parts);

/// The pooled client. Clones share the pool, and cost no more than a count: there are two for each request.
#[derive(Clone, Debug)]
pub struct Upstream(Arc<Parts>);

#[derive(Clone)]
struct Parts {
    client: Client,
    max_idle_connections: usize,
    address: Address,
    http2: bool,
    first_byte_timeout: Duration,
    idle_timeout: Duration,
    total_timeout: Duration,
    /// Tells when answers under way are to break off.
    cut_off: Option<watch::Receiver<bool>>,
    /// Signs requests anew.
    signer: Option<Signer>,
}

impl Upstream {
    /// A client of the upstream that `settings` name. Answers' heads may have `max_header_bytes`.
    ///
    /// # Errors
    /// When certificates cannot be read.
    pub fn new(settings: &Settings, max_header_bytes: u32) -> Result<Self, TlsError> {
        let address = Address::new(&settings.url, settings.http2).ok_or(TlsError::NoHost)?;
        let connector = Connector::new(settings)?;
        let plain = address.host().is_some();
        let client = Client::new(settings, connector, max_header_bytes, plain);
        Ok(Self(Arc::new(Parts {
            client,
            max_idle_connections: settings.max_idle_connections,
            address,
            http2: settings.http2,
            first_byte_timeout: settings.first_byte_timeout,
            idle_timeout: settings.idle_timeout,
            total_timeout: settings.total_timeout,
            cut_off: None,
            signer: None,
        })))
    }

    /// Has answers under way break off when told so: each as one that failed, which its client can see.
    pub(crate) fn cut_off_by(mut self, told: watch::Receiver<bool>) -> Self {
        Arc::make_mut(&mut self.0).cut_off = Some(told);
        self
    }

    /// The same with connections of its own, for one of so many threads that share none. Each keeps its share of
    /// those that may be idle.
    pub(crate) fn of_one_thread(mut self, threads: usize) -> Self {
        let parts = Arc::make_mut(&mut self.0);
        let idle = parts.max_idle_connections.div_ceil(threads.max(1));
        parts.client = parts.client.another(idle);
        self
    }

    /// Signs what it sends.
    #[must_use]
    pub fn signed_by(mut self, signer: Option<Signer>) -> Self {
        Arc::make_mut(&mut self.0).signer = signer;
        self
    }
}

impl<B> Service<Request<B>> for Upstream
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response<UpstreamBody>;
    type Error = UpstreamError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, UpstreamError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), UpstreamError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let started = Instant::now();
        let (mut head, body) = request.into_parts();
        let upstream = Arc::clone(&self.0);
        let address = upstream.address.of(&head.uri);
        // A signature is about the whole of it.
        let whole = upstream.signer.as_ref().map(|_| upstream.address.whole(&head.uri));
        let upgrades = asks_for_websocket(&head);
        let trailers = !upgrades && takes_trailers(&head.headers);
        strip_hop_by_hop(&mut head.headers);
        if upgrades {
            announce(&mut head.headers);
        }
        // Replaced where it lies, if it is known.
        if upstream.address.host().is_none() {
            head.headers.remove(HOST);
        }
        // What the client spoke says nothing about this connection.
        head.version = Version::HTTP_11;
        head.extensions.clear();
        let head_due = started + upstream.first_byte_timeout.min(upstream.total_timeout);
        let total_due = started + upstream.total_timeout;
        Box::pin(async move {
            head.uri = address.map_err(UpstreamError::Address)?;
            let body = body.map_err(Into::into).boxed_unsync();
            let Parts { idle_timeout, cut_off, signer, .. } = &*upstream;
            let (body, _room) = match signer.as_ref().zip(whole) {
                None => (body, None),
                Some((signer, address)) => {
                    let address = address.map_err(UpstreamError::Address)?;
                    let signed = signed(signer, &mut head, &address, body);
                    let signed = timeout_at(head_due, signed).await;
                    let (body, room) = signed.map_err(|_| UpstreamError::RequestTooSlow)??;
                    (body, Some(room))
                }
            };
            // Behind the signature: it is of this connection only.
            if trailers {
                take_trailers(&mut head.headers, upstream.http2);
            }
            // The client library sets it from the address, where it is not known before.
            if let Some(host) = upstream.address.host() {
                head.headers.insert(HOST, host.clone());
            }
            let replay = Replay::new(body);
            let answered = upstream.client.ask(head, &replay, head_due).await;
            let (response, after) = answered.map_err(|none| none.classify(&replay))?;
            replay.forget();
            let (mut head, body) = response.into_parts();
            let switched = head.extensions.remove::<OnUpgrade>().filter(|_| upgrades);
            strip_hop_by_hop(&mut head.headers);
            let multiplexed = head.version == Version::HTTP_2;
            // The server frames for the client's version.
            head.version = Version::HTTP_11;
            let reason = head.extensions.remove::<ReasonPhrase>();
            head.extensions.clear();
            // A registered status has words of its own.
            if let Some(reason) = reason.filter(|_| head.status.canonical_reason().is_none()) {
                head.extensions.insert(reason);
            }
            if head.status == StatusCode::SWITCHING_PROTOCOLS {
                let upstream = switched.ok_or(UpstreamError::Switched)?;
                announce(&mut head.headers);
                let idle_timeout = *idle_timeout;
                head.extensions.insert(Switched { upstream, idle_timeout, total_due });
            }
            let body = UpstreamBody::new(body, *idle_timeout, total_due)
                .multiplexed(multiplexed)
                .before(after)
                .until(cut_off.clone());
            Ok(Response::from_parts(head, body))
        })
    }
}

/// Signs a request whose address is known: its body, all of it, and the room that this takes.
async fn signed(
    signer: &Signer,
    head: &mut request::Parts,
    address: &Uri,
    body: UnsyncBoxBody<Bytes, BoxError>,
) -> Result<(UnsyncBoxBody<Bytes, BoxError>, OwnedSemaphorePermit), UpstreamError> {
    let failed = |error| match error {
        SigningError::NoRoom => UpstreamError::NoRoom,
        SigningError::Field => UpstreamError::Unsigned,
        SigningError::Body(error) if is_too_long(&*error) => UpstreamError::RequestTooLarge,
        SigningError::Body(error) => UpstreamError::Exchange(error),
    };
    let Collected { bytes, room } = signer.collect(body).await.map_err(failed)?;
    signer.sign(head, address, &bytes, Timestamp::now()).map_err(failed)?;
    Ok((Full::new(bytes).map_err(|never| match never {}).boxed_unsync(), room))
}

/// Whether an error says that a body is too long, however deep it lies.
fn is_too_long(error: &(dyn Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(at) = cause {
        if at.is::<LengthLimitError>() {
            return true;
        }
        cause = at.source();
    }
    false
}
