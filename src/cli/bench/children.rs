//! The processes that are measured against: the upstream and the bare proxy. Both are hidden
//! subcommands, print their address and serve until they are killed.

use std::convert::Infallible;
use std::future::Future;
use std::io::{self, Write};
use std::net::Ipv4Addr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use clap::Args;
use http::header::CONTENT_TYPE;
use http::uri::{Authority, Scheme};
use http::{HeaderValue, Method, Request, Response, Uri};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt, Either, Full};
use hyper::body::Incoming;
use hyper::service::{Service, service_fn};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::net::TcpListener;
use tokio::time::{Instant, Sleep, sleep_until};

use super::canned::Canned;
use crate::cli::{Answer, Failure};

/// Where the upstream tells how many events it has sent.
pub(super) const SENT_PATH: &str = "/sent";

/// What one stream of the upstream's is: asked for in the query, which every proxy passes on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct StreamShape {
    /// Events that carry text.
    pub(super) texts: u64,
    /// How many of them, the first ones, carry reasoning.
    pub(super) reasoning: u64,
    /// Between two events; zero: as fast as they are taken.
    pub(super) interval: Duration,
}

impl StreamShape {
    pub(super) fn query(self) -> String {
        let Self { texts, reasoning, interval } = self;
        format!("texts={texts}&reasoning={reasoning}&interval_us={}", interval.as_micros())
    }

    fn read(query: &str) -> Self {
        let mut shape = Self::default();
        for (name, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
            let value = value.parse().unwrap_or_default();
            match name {
                "texts" => shape.texts = value,
                "reasoning" => shape.reasoning = value,
                "interval_us" => shape.interval = Duration::from_micros(value),
                _ => {}
            }
        }
        shape
    }
}

/// A stream of canned events, each a frame of its own.
struct Events {
    canned: Arc<Canned>,
    sent: Arc<AtomicU64>,
    shape: StreamShape,
    position: u64,
    started: Instant,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Body for Events {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let Self { canned, sent, shape, position, started, timer } = &mut *self;
        if let Some(timer) = timer {
            ready!(timer.as_mut().poll(context));
            // By the schedule and not from now on: an upstream that is late catches up.
            let next = u32::try_from(*position + 1).unwrap_or(u32::MAX);
            timer.as_mut().reset(*started + shape.interval.saturating_mul(next));
        }
        let Some(event) = canned.event(*position, shape.texts, shape.reasoning) else {
            return Poll::Ready(None);
        };
        *position += 1;
        sent.fetch_add(1, Ordering::Relaxed);
        Poll::Ready(Some(Ok(Frame::data(event))))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}

/// Runs the upstream.
pub(crate) fn upstream() -> Result<Answer, Failure> {
    let canned = Arc::new(Canned::new());
    let sent = Arc::new(AtomicU64::new(0));
    let service = service_fn(move |request: Request<Incoming>| {
        let (canned, sent) = (Arc::clone(&canned), Arc::clone(&sent));
        async move {
            let text = |text: String| Either::Left(Full::new(Bytes::from(text)));
            if request.method() == Method::GET && request.uri().path() == SENT_PATH {
                return Ok(Response::new(text(sent.load(Ordering::Relaxed).to_string())));
            }
            let shape = request.uri().query().map(StreamShape::read);
            request.into_body().collect().await?;
            let (kind, body) = match shape {
                Some(shape) => {
                    let started = Instant::now();
                    let timer = (!shape.interval.is_zero()).then(|| Box::pin(sleep_until(started)));
                    let events = Events { canned, sent, shape, position: 0, started, timer };
                    ("text/event-stream", Either::Right(events))
                }
                None => ("application/json", Either::Left(Full::new(canned.document.clone()))),
            };
            let mut response = Response::new(body);
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
            Ok::<_, hyper::Error>(response)
        }
    });
    serve(service)
}

/// Where the bare proxy forwards to.
#[derive(Debug, Args)]
pub(crate) struct BareProxyArguments {
    /// Host and port of the upstream.
    upstream: Authority,
}

/// Runs the bare proxy: the least that a streaming reverse proxy on hyper does. Its client and its
/// sockets are set up like those of `serve`.
pub(crate) fn bare_proxy(arguments: BareProxyArguments) -> Result<Answer, Failure> {
    let BareProxyArguments { upstream } = arguments;
    let mut tcp = HttpConnector::new();
    tcp.set_nodelay(true);
    tcp.set_keepalive(Some(Duration::from_secs(60)));
    let client: Client<_, Incoming> = Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(Duration::from_secs(90))
        .pool_max_idle_per_host(256)
        .build(tcp);
    serve(service_fn(move |mut request: Request<Incoming>| {
        let mut parts = request.uri().clone().into_parts();
        parts.scheme = Some(Scheme::HTTP);
        parts.authority = Some(upstream.clone());
        let client = client.clone();
        async move {
            *request.uri_mut() = Uri::from_parts(parts)?;
            // The answer's body goes to the client as it is: no task, no channel of ours.
            Ok::<_, Failure>(client.request(request).await?)
        }
    }))
}

/// Binds a port of the system's choice, prints the address, and serves.
fn serve<S, B>(service: S) -> Result<Answer, Failure>
where
    S: Service<Request<Incoming>, Response = Response<B>> + Clone + Send + 'static,
    S::Future: Send + 'static,
    S::Error: Into<Failure>,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Failure>,
{
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let mut stdout = io::stdout().lock();
        writeln!(stdout, "{}", listener.local_addr()?)?;
        stdout.flush()?;
        drop(stdout);
        let server = auto::Builder::new(TokioExecutor::new());
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            let served =
                server.serve_connection(TokioIo::new(stream), service.clone()).into_owned();
            // Clients leave in the middle of streams: that is no error of ours.
            tokio::spawn(async move { drop(served.await) });
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_what_its_query_asked_for() {
        let interval = Duration::from_millis(5);
        let shape = StreamShape { texts: 200, reasoning: 100, interval };
        assert_eq!(StreamShape::read(&shape.query()), shape);
    }
}
