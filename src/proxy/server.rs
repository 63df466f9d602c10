//! Accepts connections and serves HTTP/1.1 and HTTP/2 on them, within bounds, until told to stop.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use hyper::service::Service;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::arrivals::{Arrivals, Arrived};
use super::connection::{Client, Connection, Socket};
use super::head_timer::HeadTimer;
use super::proxy_protocol;
use super::socket::Onward;
use super::tls::{Stream, Tls};
use super::unread::Streams;
use crate::upstream::{BoxError, WhenWoken};

/// Where connections come from, and whether TLS is spoken on them.
#[derive(Debug)]
pub(super) struct Listening {
    pub(super) arrivals: Arrivals,
    pub(super) tls: Option<Tls>,
    /// Each begins with the PROXY protocol.
    pub(super) proxy_protocol: bool,
}

impl Listening {
    /// In the clear, and so many at the most.
    pub(super) fn plain(listener: TcpListener, max_connections: NonZeroU32) -> Self {
        let arrivals = Arrivals::at(listener, max_connections);
        Self { arrivals, tls: None, proxy_protocol: false }
    }
}

/// Bounds of a server.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    pub(super) max_header_bytes: u32,
    pub(super) idle_timeout: Duration,
    /// How long a client may take nothing of an answer, or nothing of one of its HTTP/2 streams.
    pub(super) stalled_timeout: Duration,
}

/// How long exchanges that were told to break off have to say so to their clients.
const PARTING: Duration = Duration::from_secs(1);

/// Serves until `shutdown` resolves; then takes no more connections, lets exchanges go on for
/// `grace`, and has those that are left break off: first they are told to by `cut_off`, so that their
/// clients hear of it, then their connections end, so that clients see an error and no end.
pub(super) async fn serve<M, S, B>(
    Listening { mut arrivals, tls, proxy_protocol }: Listening,
    bounds: Bounds,
    make_service: M,
    shutdown: impl Future<Output = ()>,
    grace: Duration,
    cut_off: Arc<watch::Sender<bool>>,
) where
    M: Fn(Arc<Connection>) -> S + Clone + Send + 'static,
    S: Service<Request<Incoming>, Response = Response<B>> + Send + 'static,
    S::Future: Send,
    S::Error: Into<BoxError>,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    let http = builder(bounds);
    let stopping = watch::Sender::new(false);
    let mut connections = JoinSet::new();
    let mut shutdown = pin!(shutdown);
    loop {
        let arrived = tokio::select! {
            () = &mut shutdown => break,
            Some(_) = connections.join_next(), if !connections.is_empty() => continue,
            arrived = arrivals.next() => arrived,
        };
        let Some(Arrived { stream, peer, slot }) = arrived else { break };
        // Small pieces of a stream go out as they come.
        let _ = stream.set_nodelay(true);
        let (mut http, tls, make_service) = (http.clone(), tls.clone(), make_service.clone());
        http.http1().timer(HeadTimer::default());
        let stop = stopping.subscribe();
        connections.spawn(async move {
            let begun = begun(stream, peer, (tls, proxy_protocol), bounds.idle_timeout);
            let Some((stream, client)) = begun.await else { return };
            let connection = Arc::new(Connection::new(client));
            let service = make_service(Arc::clone(&connection));
            let socket = TokioIo::new(Socket::new(stream, Arc::clone(&connection)));
            let served = http.serve_connection_with_upgrades(socket, service).into_owned();
            tokio::select! {
                () = drive(served, &connection, stop, bounds.idle_timeout) => {}
                () = WhenWoken::new(connection.stalled(bounds.stalled_timeout)) => {
                    tracing::debug!("a client takes nothing");
                }
            }
            drop(slot);
        });
    }
    // Closed first: who comes now is refused by the system.
    drop(arrivals);
    stopping.send_replace(true);
    if timeout(grace, all_of(&mut connections)).await.is_err() {
        tracing::warn!(connections = connections.len(), "grace is over; connections are cut off");
        cut_off.send_replace(true);
        if cut_off.receiver_count() > 0 {
            let _ = timeout(PARTING, all_of(&mut connections)).await;
        }
        connections.shutdown().await;
    }
}

/// The stream of HTTP's text, and who sends it; `None` if it does not begin as it has to.
async fn begun(
    mut stream: TcpStream,
    peer: SocketAddr,
    (tls, proxy_protocol): (Option<Tls>, bool),
    patience: Duration,
) -> Option<(Stream, Client)> {
    let opening = async {
        let address = match proxy_protocol {
            true => proxy_protocol::read(&mut stream, patience).await?,
            false => Some(peer),
        };
        let Some(tls) = tls else {
            return Ok((Stream::Plain(stream), Client { address, ..Client::default() }));
        };
        let (stream, names) = tls.accept(stream, patience).await?;
        Ok::<_, io::Error>((stream, Client { address, tls: true, names }))
    };
    opening.await.inspect_err(|error| tracing::debug!(%error, "a connection is not begun")).ok()
}

async fn all_of(connections: &mut JoinSet<()>) {
    while connections.join_next().await.is_some() {}
}

/// Serves HTTP/1.1 and HTTP/2 from a service of one's own, such as the embedded upstream, until
/// `shutdown` resolves; exchanges under way then have `grace` to end before they are cut off.
pub async fn serve_service<S, B>(
    listener: TcpListener,
    service: S,
    shutdown: impl Future<Output = ()>,
    grace: Duration,
) where
    S: tower_service::Service<Request<Incoming>, Response = Response<B>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Into<BoxError>,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    const DAY: Duration = Duration::from_secs(86_400);
    let bounds = Bounds {
        max_header_bytes: 64 << 10,
        // The service does not tell when requests begin and end.
        idle_timeout: DAY,
        stalled_timeout: DAY,
    };
    let make = move |_| TowerToHyperService::new(service.clone());
    let listening = Listening::plain(listener, NonZeroU32::MIN.saturating_add(9_999));
    serve(listening, bounds, make, shutdown, grace, Arc::new(watch::Sender::new(false))).await;
}

fn builder(bounds: Bounds) -> auto::Builder<Streams> {
    let mut http = auto::Builder::new(Streams { period: bounds.stalled_timeout });
    // Its timer is each connection's own.
    http.http1()
        .header_read_timeout(bounds.idle_timeout)
        .max_buf_size(usize::try_from(bounds.max_header_bytes).unwrap_or(usize::MAX));
    http.http2()
        .timer(TokioTimer::new())
        .max_header_list_size(bounds.max_header_bytes)
        // A dead connection must not hold its streams for good.
        .keep_alive_interval(Duration::from_secs(30));
    http
}

/// Serves one connection until it ends, has been idle for too long, or is told to stop.
async fn drive<S, B>(
    served: auto::UpgradeableConnection<'_, TokioIo<Socket>, S, Streams>,
    connection: &Connection,
    mut stop: watch::Receiver<bool>,
    idle_timeout: Duration,
) where
    S: Service<Request<Incoming>, Response = Response<B>> + Send + 'static,
    S::Future: Send + 'static,
    S::Error: Into<BoxError>,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    let mut served = pin!(served);
    let close = async {
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => {}
            // Also covers connections that never say what protocol they speak.
            () = connection.idle(idle_timeout) => {}
        }
    };
    let ended = tokio::select! {
        ended = served.as_mut() => Some(ended),
        () = WhenWoken::new(close) => None,
    };
    match ended {
        Some(ended) => note(ended),
        None => {
            served.as_mut().graceful_shutdown();
            tokio::select! {
                ended = served.as_mut() => note(ended),
                () = WhenWoken::new(connection.idle(idle_timeout)) => {}
            }
        }
    }
    // What was served holds the socket still.
    connection.linger().await;
    if let Some(Onward(onward)) = connection.take_onward() {
        onward.await;
    }
}

fn note(ended: Result<(), BoxError>) {
    if let Err(error) = ended {
        // Most often a client that left, which is its right.
        tracing::debug!(%error, "a connection ended with an error");
    }
}
