//! What has to be known of a connection to the upstream before it is used again.
//!
//! A server may close a connection whenever it is idle, and a request that is on its way by then gets
//! no answer. Where the server says how long it waits (`Keep-Alive: timeout=5`), the connection is
//! given up in time. Where it does not, the request is sent once more, on a new connection, if the old
//! one had answered before and broke without a byte of an answer: it was closing, and nobody has begun
//! to work on the request. Whether a byte came is told by what had come of the connection when the
//! request was given to it: the end of the answer before may be read by its own task only later.

use std::error::Error;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http::{Extensions, HeaderMap, HeaderName};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::{CaptureConnection, Connected, Connection};
use pin_project_lite::pin_project;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

/// A server that closes an idle connection has done so before this.
const CLOSES_WITHIN: Duration = Duration::from_secs(5);

/// How much earlier than the server a connection is given up: a request takes its time to arrive.
const MARGIN: Duration = Duration::from_secs(1);

/// How long a connection that has ended may take to say what becomes of its request.
const LAST_WORD: Duration = Duration::from_millis(100);

/// One connection.
#[derive(Clone, Debug)]
pub(super) struct Link {
    counts: Arc<Uses>,
    /// Its sender lives as long as the connection.
    open: watch::Receiver<()>,
}

#[derive(Debug, Default)]
struct Uses {
    /// Whether requests share it, so that bytes on it need not be an answer.
    multiplexed: bool,
    /// Bytes received.
    received: AtomicU64,
    /// Answers that were read to their end.
    answers: AtomicU64,
}

impl Link {
    fn received(&self) -> u64 {
        self.counts.received.load(Ordering::Relaxed)
    }

    fn answers(&self) -> u64 {
        self.counts.answers.load(Ordering::Relaxed)
    }
}

/// A request that was given to a connection.
#[derive(Clone, Debug)]
pub(super) struct Given {
    link: Link,
    /// What had come of the connection by then.
    received: u64,
    at: Instant,
}

impl Given {
    /// The request is about to be written on the connection that was chosen for it.
    pub(super) fn to(connection: &CaptureConnection) -> Option<Self> {
        let link = link(connection.connection_metadata().as_ref())?;
        Some(Self { received: link.received(), link, at: Instant::now() })
    }

    /// Whether the connection had answered before, and nothing has come of it since: one that breaks
    /// then was closing.
    pub(super) fn was_closing(&self) -> bool {
        let Self { link, received, at } = self;
        // One request follows another over HTTP/1: what came before was an answer.
        let used = if link.counts.multiplexed { link.answers() > 0 } else { *received > 0 };
        used && link.received() == *received && at.elapsed() < CLOSES_WITHIN
    }
}

/// Whether the peer says that it has done nothing about the request, so that it may be sent again
/// (RFC 9113, section 8.7): the stream was refused, or came after the last one that it takes.
pub(super) fn is_unprocessed(error: &legacy::Error) -> bool {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(at) = cause {
        if let Some(error) = at.downcast_ref::<h2::Error>() {
            let refused = error.reason() == Some(h2::Reason::REFUSED_STREAM);
            return error.is_remote() && (refused || error.is_go_away());
        }
        cause = at.source();
    }
    false
}

/// Whether the peer closed or reset the connection.
pub(super) fn is_close(error: &legacy::Error) -> bool {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(at) = cause {
        let closed = at.downcast_ref().is_some_and(|error: &hyper::Error| {
            error.is_incomplete_message() || error.is_closed() || error.is_canceled()
        });
        let reset = at.downcast_ref().is_some_and(|error: &io::Error| {
            matches!(
                error.kind(),
                io::ErrorKind::ConnectionReset
                    | io::ErrorKind::ConnectionAborted
                    | io::ErrorKind::BrokenPipe
                    | io::ErrorKind::UnexpectedEof
                    | io::ErrorKind::NotConnected
            )
        });
        if closed || reset {
            return true;
        }
        cause = at.source();
    }
    false
}

/// Resolves when the connection that the request went to has ended, and nobody says so.
///
/// A request that is handed to a connection in the moment at which its task ends is lost: the client
/// library drains the queue between them before the request is in it, and waits for ever.
pub(super) async fn abandoned(connection: &mut CaptureConnection) {
    loop {
        let mut open =
            link(connection.wait_for_connection_metadata().await.as_ref()).map(|it| it.open);
        let Some(open) = open.as_mut() else { return std::future::pending().await };
        while open.changed().await.is_ok() {}
        sleep(LAST_WORD).await;
        // Meanwhile it may have gone to another one.
        let now = link(connection.connection_metadata().as_ref());
        if now.is_some_and(|now| now.open.same_channel(open)) {
            return;
        }
    }
}

fn link(connected: Option<&Connected>) -> Option<Link> {
    let mut extras = Extensions::new();
    connected?.get_extras(&mut extras);
    extras.remove()
}

/// What happens to a connection when its answer has come to its end.
#[derive(Debug)]
pub(super) struct AfterAnswer {
    link: Link,
    /// How long it may be idle, if the server says so.
    idle: Option<Duration>,
    connection: CaptureConnection,
}

impl AfterAnswer {
    /// By the head of the answer, before the fields of the connection are removed.
    pub(super) fn of(
        headers: &HeaderMap,
        extensions: &Extensions,
        connection: CaptureConnection,
    ) -> Option<Self> {
        let link = extensions.get::<Link>()?.clone();
        Some(Self { link, idle: keep_alive(headers), connection })
    }

    /// The answer has ended.
    pub(super) fn ended(self) {
        let Self { link, idle, connection } = self;
        let answers = link.counts.answers.fetch_add(1, Ordering::Relaxed) + 1;
        // It is not used again then; one that is in use goes on to the end of its answer.
        let give_up = move || {
            connection.connection_metadata().as_ref().inspect(|connection| connection.poison());
        };
        match idle.map(|idle| idle.saturating_sub(MARGIN)) {
            None => {}
            Some(Duration::ZERO) => give_up(),
            Some(rest) => drop(tokio::spawn(async move {
                sleep(rest).await;
                if link.answers() == answers {
                    give_up();
                }
            })),
        }
    }
}

/// `timeout` of the field `Keep-Alive`.
fn keep_alive(headers: &HeaderMap) -> Option<Duration> {
    let field = headers.get(HeaderName::from_static("keep-alive"))?.to_str().ok()?;
    let mut parameters = field.split(',').filter_map(|parameter| parameter.split_once('='));
    let (_, seconds) = parameters.find(|(name, _)| name.trim().eq_ignore_ascii_case("timeout"))?;
    seconds.trim().parse().ok().map(Duration::from_secs)
}

pin_project! {
    /// A connection that counts what comes on it.
    #[derive(Debug)]
    pub(super) struct Counted<T> {
        #[pin]
        io: T,
        link: Link,
        // Tells all who hold the link when it is gone.
        open: watch::Sender<()>,
    }
}

impl<T: Connection> Counted<T> {
    /// `http2` is spoken on it without having been negotiated.
    pub(super) fn new(io: T, http2: bool) -> Self {
        let multiplexed = http2 || io.connected().is_negotiated_h2();
        let (open, told) = watch::channel(());
        let counts = Arc::new(Uses { multiplexed, ..Uses::default() });
        Self { io, link: Link { counts, open: told }, open }
    }
}

impl<T: Connection> Connection for Counted<T> {
    /// Without what is known of it below, which nobody asks for, and which is copied with each request.
    fn connected(&self) -> Connected {
        let connected = Connected::new().extra(self.link.clone());
        match self.io.connected().is_negotiated_h2() {
            true => connected.negotiated_h2(),
            false => connected,
        }
    }
}

impl<T: AsyncRead> AsyncRead for Counted<T> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.project();
        let before = buffer.filled().len();
        ready!(this.io.poll_read(context, buffer))?;
        let bytes = buffer.filled().len().saturating_sub(before);
        this.link.counts.received.fetch_add(bytes as u64, Ordering::Relaxed);
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncWrite> AsyncWrite for Counted<T> {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.project().io.poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.project().io.poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.project().io.poll_shutdown(context)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.project().io.poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::sync::Mutex;

    use bytes::Bytes;
    use http::{Request, Uri};
    use http_body_util::Empty;
    use hyper_util::client::legacy::connect::capture_connection;
    use hyper_util::rt::{TokioExecutor, TokioIo};
    use tokio::io::DuplexStream;

    use super::*;

    /// One end of a pipe, as a connection.
    struct Pipe(DuplexStream);

    impl Connection for Pipe {
        fn connected(&self) -> Connected {
            Connected::new()
        }
    }

    impl AsyncRead for Pipe {
        fn poll_read(
            mut self: Pin<&mut Self>,
            context: &mut Context<'_>,
            buffer: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            Pin::new(&mut self.0).poll_read(context, buffer)
        }
    }

    impl AsyncWrite for Pipe {
        fn poll_write(
            mut self: Pin<&mut Self>,
            context: &mut Context<'_>,
            bytes: &[u8],
        ) -> Poll<io::Result<usize>> {
            Pin::new(&mut self.0).poll_write(context, bytes)
        }

        fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
            Pin::new(&mut self.0).poll_flush(context)
        }

        fn poll_shutdown(
            mut self: Pin<&mut Self>,
            context: &mut Context<'_>,
        ) -> Poll<io::Result<()>> {
            Pin::new(&mut self.0).poll_shutdown(context)
        }
    }

    /// A connection that ends without a word is one whose sender is gone while the client library
    /// still waits. Fails when only the library is asked: it waits for ever.
    #[tokio::test(start_paused = true)]
    async fn a_request_whose_connection_is_gone_is_known_to_be_abandoned() {
        let (near, far) = tokio::io::duplex(1024);
        let mut counted = Counted::new(Pipe(near), false);
        // What tells of the connection's end is kept here, and let go below.
        let (other, _) = watch::channel(());
        let open = std::mem::replace(&mut counted.open, other);
        let connection = Arc::new(Mutex::new(Some(counted)));
        let connector = tower::service_fn(move |_: Uri| {
            let connection = connection.lock().unwrap().take().unwrap();
            std::future::ready(Ok::<_, Infallible>(TokioIo::new(connection)))
        });
        let client = legacy::Client::builder(TokioExecutor::new()).build(connector);
        let mut request = Request::get("http://upstream/").body(Empty::<Bytes>::new()).unwrap();
        let mut captured = capture_connection(&mut request);
        let answer = tokio::spawn(client.request(request));

        let still_open = tokio::time::timeout(LAST_WORD * 10, abandoned(&mut captured)).await;
        assert!(still_open.is_err());
        drop(open);
        abandoned(&mut captured).await;
        assert!(!answer.is_finished());
        drop(far);
    }
}
