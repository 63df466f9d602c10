//! The load generator: connections of hyper's low-level client, one task each, for a bounded time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use http::{HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use memchr::memmem;
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::canned::{ASKED_MODEL, OTHER_EVENTS};
use super::children::{SENT_PATH, StreamShape};
use super::histogram::Histogram;
use super::target::Target;
use crate::cli::Failure;

/// How long an exchange may go on past the end of its window before it counts as failed.
const PATIENCE: Duration = Duration::from_secs(10);
/// Connections that are being opened at one time: below the queue that the system keeps.
const OPENING: usize = 64;

/// When exchanges count: those that end within.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window {
    pub(super) begin: Instant,
    pub(super) end: Instant,
}

impl Window {
    pub(super) fn after(warm_up: Duration, length: Duration) -> Self {
        let begin = Instant::now() + warm_up;
        Self { begin, end: begin + length }
    }

    fn holds(&self, at: Instant) -> bool {
        self.begin <= at && at <= self.end
    }
}

/// What came of the exchanges of a window.
#[derive(Debug)]
pub(super) struct Exchanges {
    /// To the end of a document, or to the first event of a stream.
    pub(super) latencies: Histogram,
    pub(super) failed: u64,
}

/// One connection of a caller of its own.
struct Client {
    sender: SendRequest<Full<Bytes>>,
    host: HeaderValue,
    risk: HeaderValue,
}

impl Client {
    async fn connect(target: &Target, index: usize) -> Result<Self, Failure> {
        let stream = TcpStream::connect(target.address).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        // Ends with the sender and the body that is being read.
        tokio::spawn(async move { drop(connection.await) });
        let host = HeaderValue::try_from(target.address.to_string())?;
        Ok(Self { sender, host, risk: target.risk(index)? })
    }

    async fn ask(&mut self, shape: Option<StreamShape>) -> Result<Response<Incoming>, Failure> {
        let path = "/v1/chat/completions";
        let request = match shape {
            Some(shape) => Request::post(format!("{path}?{}", shape.query())),
            None => Request::post(path),
        };
        let body = format!(
            "{{\"model\":\"{ASKED_MODEL}\",\"messages\":[{{\"role\":\"system\",\"content\":\
             \"You are a careful assistant.\"}},{{\"role\":\"user\",\"content\":\"A warehouse has \
             48 crates. The first van takes a quarter of them and the second takes 5 more than \
             the first. How many crates are left?\"}}],\"temperature\":0.7,\"stream\":{}}}",
            shape.is_some()
        );
        let request = request
            .header(HOST, self.host.clone())
            .header(CONTENT_TYPE, "application/json")
            .header(AUTHORIZATION, "Bearer bench")
            .header("guilloche-risk", self.risk.clone())
            .body(Full::new(Bytes::from(body)))?;
        self.sender.ready().await?;
        let response = self.sender.send_request(request).await?;
        if response.status() == StatusCode::OK {
            Ok(response)
        } else {
            Err(format!("status {}", response.status()).into())
        }
    }
}

/// Counts events by the empty lines that end them, wherever the pieces are cut.
#[derive(Debug, Default)]
struct EventCounter {
    events: u64,
    /// The last piece ended in the middle of the two line ends.
    half: bool,
}

impl EventCounter {
    /// How many events this piece has ended.
    fn push(&mut self, mut piece: &[u8]) -> u64 {
        let mut ended = 0;
        if self.half {
            if let Some(rest) = piece.strip_prefix(b"\n") {
                ended += 1;
                piece = rest;
            }
        }
        if !piece.is_empty() || ended > 0 {
            self.half = piece.ends_with(b"\n") && !piece.ends_with(b"\n\n");
        }
        ended += memmem::find_iter(piece, b"\n\n").count() as u64;
        self.events += ended;
        ended
    }
}

/// One exchange, whole: for checking what a row does.
pub(super) async fn fetch(target: &Target, shape: Option<StreamShape>) -> Result<Bytes, Failure> {
    fetch_for(target, 0, shape).await
}

/// The same for the account of this number.
pub(super) async fn fetch_for(
    target: &Target,
    account: usize,
    shape: Option<StreamShape>,
) -> Result<Bytes, Failure> {
    let mut client = Client::connect(target, account).await?;
    let response = client.ask(shape).await?;
    Ok(response.into_body().collect().await?.to_bytes())
}

/// How many events the upstream has sent since it started.
pub(super) async fn sent(upstream: &Target) -> Result<u64, Failure> {
    let mut client = Client::connect(upstream, 0).await?;
    let request = Request::get(SENT_PATH).header(HOST, client.host.clone());
    let response = client.sender.send_request(request.body(Full::default())?).await?;
    let text = response.into_body().collect().await?.to_bytes();
    Ok(std::str::from_utf8(&text)?.parse()?)
}

/// Asks over and over on each of so many connections until the window ends: for documents, or for
/// streams of this shape, of which `events` must come.
pub(super) async fn exchanges(
    target: &Target,
    connections: usize,
    window: Window,
    stream: Option<(StreamShape, std::ops::RangeInclusive<u64>)>,
) -> Exchanges {
    let mut tasks = JoinSet::new();
    for index in 0..connections {
        let (target, stream) = (target.clone(), stream.clone());
        tasks.spawn(async move {
            let mut latencies = Histogram::new();
            let work = async {
                let mut client = Client::connect(&target, index).await?;
                while Instant::now() < window.end {
                    let latency = match &stream {
                        None => document(&mut client).await?,
                        Some((shape, events)) => whole(&mut client, *shape, events).await?,
                    };
                    if window.holds(Instant::now()) {
                        latencies.add(latency);
                    }
                }
                Ok::<_, Failure>(())
            };
            let done = timeout_at(window.end + PATIENCE, work).await;
            (latencies, u64::from(!matches!(done, Ok(Ok(())))))
        });
    }
    let mut all = Exchanges { latencies: Histogram::new(), failed: 0 };
    while let Some(done) = tasks.join_next().await {
        match done {
            Ok((latencies, failed)) => {
                all.latencies.merge(&latencies);
                all.failed += failed;
            }
            Err(_) => all.failed += 1,
        }
    }
    all
}

async fn document(client: &mut Client) -> Result<Duration, Failure> {
    let started = Instant::now();
    let mut body = client.ask(None).await?.into_body();
    let mut bytes = 0;
    while let Some(frame) = body.frame().await {
        bytes += frame?.data_ref().map_or(0, Bytes::len);
    }
    if bytes == 0 { Err("an empty document".into()) } else { Ok(started.elapsed()) }
}

async fn whole(
    client: &mut Client,
    shape: StreamShape,
    expected: &std::ops::RangeInclusive<u64>,
) -> Result<Duration, Failure> {
    let started = Instant::now();
    let mut body = client.ask(Some(shape)).await?.into_body();
    let mut events = EventCounter::default();
    let mut first = None;
    while let Some(frame) = body.frame().await {
        if let Some(piece) = frame?.data_ref() {
            if events.push(piece) > 0 {
                first.get_or_insert_with(|| started.elapsed());
            }
        }
    }
    if !expected.contains(&events.events) {
        return Err(format!("a stream of {} events", events.events).into());
    }
    first.ok_or_else(|| "an empty stream".into())
}

/// Streams that are read until they are dropped.
#[derive(Debug)]
pub(super) struct OpenStreams {
    tasks: JoinSet<()>,
    delivered: Arc<AtomicU64>,
    ended: Arc<AtomicU64>,
}

impl OpenStreams {
    /// Opens so many streams and returns once each has answered.
    pub(super) async fn open(
        target: &Target,
        streams: usize,
        shape: StreamShape,
    ) -> Result<Self, Failure> {
        let slots = Arc::new(Semaphore::new(OPENING));
        let (answered, mut answers) = mpsc::channel(streams.max(1));
        let mut open = Self {
            tasks: JoinSet::new(),
            delivered: Arc::new(AtomicU64::new(0)),
            ended: Arc::new(AtomicU64::new(0)),
        };
        for index in 0..streams {
            let (target, slots, answered) = (target.clone(), Arc::clone(&slots), answered.clone());
            let (delivered, ended) = (Arc::clone(&open.delivered), Arc::clone(&open.ended));
            open.tasks.spawn(async move {
                let asking = async {
                    let _slot = slots.acquire().await?;
                    let mut client = Client::connect(&target, index).await?;
                    let response = client.ask(Some(shape)).await?;
                    Ok::<_, Failure>((client, response.into_body()))
                };
                let (_client, mut body) = match asking.await {
                    Ok(asked) => asked,
                    Err(failure) => return drop(answered.send(Err(failure)).await),
                };
                let _ = answered.send(Ok(())).await;
                drop(answered);
                let mut events = EventCounter::default();
                while let Some(Ok(frame)) = body.frame().await {
                    if let Some(piece) = frame.data_ref() {
                        delivered.fetch_add(events.push(piece), Ordering::Relaxed);
                    }
                }
                ended.fetch_add(1, Ordering::Relaxed);
            });
        }
        drop(answered);
        let deadline = Instant::now() + PATIENCE;
        while let Some(answer) = timeout_at(deadline, answers.recv()).await? {
            answer?;
        }
        Ok(open)
    }

    /// Events that clients have got.
    pub(super) fn delivered(&self) -> u64 {
        self.delivered.load(Ordering::Relaxed)
    }

    /// Streams that are no longer open.
    pub(super) fn ended(&self) -> u64 {
        self.ended.load(Ordering::Relaxed)
    }

    /// Waits until so many events have come; an error if that takes too long.
    pub(super) async fn wait_for(&self, events: u64, limit: Duration) -> Result<(), Failure> {
        let deadline = Instant::now() + limit;
        while self.delivered() < events {
            let now = Instant::now();
            if now >= deadline {
                return Err(format!("{} of {events} events came", self.delivered()).into());
            }
            sleep_until(now + Duration::from_millis(20)).await;
        }
        Ok(())
    }

    /// Drops the streams and waits until that is done.
    pub(super) async fn close(mut self) {
        self.tasks.shutdown().await;
    }
}

/// All events of a stream of this shape.
pub(super) fn events_of(shape: StreamShape) -> u64 {
    shape.texts + OTHER_EVENTS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_counted_wherever_the_stream_is_cut() {
        let stream = b"data: a\n\ndata: b\n\n: c\n\ndata: [DONE]\n\n";
        for first in 0..=stream.len() {
            for second in first..=stream.len() {
                let mut counter = EventCounter::default();
                counter.push(&stream[..first]);
                counter.push(&stream[first..second]);
                counter.push(&stream[second..]);
                assert_eq!(counter.events, 4, "{first} {second}");
            }
        }
    }
}
