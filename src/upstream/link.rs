//! What is known of a connection to the upstream: how much has come on it, and whether it is still there.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http::{HeaderMap, HeaderName};
use hyper_util::client::legacy::connect::{Connected, Connection};
use pin_project_lite::pin_project;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use crate::wire::has_field;

/// A server that closes an idle connection has done so before this.
const CLOSES_WITHIN: Duration = Duration::from_secs(5);

/// How much earlier than the server a connection is given up: a request takes its time to arrive.
const MARGIN: Duration = Duration::from_secs(1);

/// How long a connection that has ended may take to say what becomes of its request.
pub(super) const LAST_WORD: Duration = Duration::from_millis(100);

/// One connection.
#[derive(Clone, Debug)]
pub(super) struct Link {
    uses: Arc<Uses>,
    /// Its sender lives as long as the connection.
    open: watch::Receiver<()>,
}

/// What has come of a connection.
#[derive(Debug, Default)]
pub(super) struct Uses {
    /// Whether requests share it, so that bytes on it need not be an answer.
    multiplexed: bool,
    /// Bytes received.
    received: AtomicU64,
    /// Answers that were read to their end.
    answers: AtomicU64,
}

impl Uses {
    fn received(&self) -> u64 {
        self.received.load(Ordering::Relaxed)
    }
}

impl Link {
    /// What has come of it.
    pub(super) fn uses(&self) -> &Arc<Uses> {
        &self.uses
    }

    /// How many answers were read to their end.
    pub(super) fn answers(&self) -> u64 {
        self.uses.answers.load(Ordering::Relaxed)
    }

    /// One more was; how many are they now?
    pub(super) fn answered(&self) -> u64 {
        self.uses.answers.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Whether both are of the same connection.
    pub(super) fn is(&self, other: &Self) -> bool {
        self.open.same_channel(&other.open)
    }

    /// Resolves when the connection has ended, and what it had to say has been said.
    ///
    /// A request that is handed to a connection in the moment at which its task ends is lost: the client
    /// library drains the queue between them before the request is in it, and waits for ever.
    pub(super) async fn ended(&mut self) {
        while self.open.changed().await.is_ok() {}
        Box::pin(sleep(LAST_WORD)).await;
    }
}

/// A request that was given to a connection.
#[derive(Clone, Debug)]
pub(super) struct Given {
    uses: Arc<Uses>,
    /// What had come of the connection by then.
    received: u64,
    at: Instant,
}

impl Given {
    /// The request is about to be written on the connection that was chosen for it.
    pub(super) fn to(uses: &Arc<Uses>) -> Self {
        Self { received: uses.received(), uses: Arc::clone(uses), at: Instant::now() }
    }

    /// Whether the connection had answered before, and nothing has come of it since: one that breaks
    /// then was closing.
    pub(super) fn was_closing(&self) -> bool {
        let Self { uses, received, at } = self;
        // One request follows another over HTTP/1: what came before was an answer.
        let used = match uses.multiplexed {
            true => uses.answers.load(Ordering::Relaxed) > 0,
            false => *received > 0,
        };
        used && uses.received() == *received && at.elapsed() < CLOSES_WITHIN
    }
}

/// How long a connection may be idle, if the server says so: `timeout` of the field `Keep-Alive`, less the margin.
pub(super) fn keep_alive(headers: &HeaderMap) -> Option<Duration> {
    const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
    let field = headers.get(Some(KEEP_ALIVE).filter(|name| has_field(headers, name))?)?;
    let field = field.to_str().ok()?;
    let mut parameters = field.split(',').filter_map(|parameter| parameter.split_once('='));
    let (_, seconds) = parameters.find(|(name, _)| name.trim().eq_ignore_ascii_case("timeout"))?;
    let seconds = seconds.trim().parse().ok().map(Duration::from_secs);
    seconds.map(|idle| idle.saturating_sub(MARGIN))
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

impl<T> Counted<T> {
    /// Counts on a connection that requests share or not.
    pub(super) fn new(io: T, multiplexed: bool) -> Self {
        let (open, told) = watch::channel(());
        let uses = Arc::new(Uses { multiplexed, ..Uses::default() });
        Self { io, link: Link { uses, open: told }, open }
    }

    /// What is known of it.
    pub(super) fn link(&self) -> &Link {
        &self.link
    }

    /// Takes out what tells of its end.
    #[cfg(test)]
    pub(super) fn end_told_by(&mut self) -> watch::Sender<()> {
        let (other, _) = watch::channel(());
        std::mem::replace(&mut self.open, other)
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
        this.link.uses.received.fetch_add(bytes as u64, Ordering::Relaxed);
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
