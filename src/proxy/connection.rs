//! A client's connection: what is under way on it, and how its socket is closed.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until};

/// What the exchanges of a connection and its socket know of each other.
#[derive(Debug)]
pub(super) struct Connection {
    activity: Mutex<Activity>,
    /// HTTP/1.0 clients take the end of the connection for the end of the body. Until the body is
    /// complete the socket therefore closes with a reset, which no client takes for an end.
    reset: AtomicBool,
}

/// What is under way.
#[derive(Debug)]
struct Activity {
    requests: usize,
    /// When the last request ended, or the connection was opened.
    idle_since: Instant,
}

impl Connection {
    pub(super) fn new() -> Self {
        let activity = Activity { requests: 0, idle_since: Instant::now() };
        Self { activity: Mutex::new(activity), reset: AtomicBool::new(false) }
    }

    pub(super) fn request_began(&self) {
        let mut activity = self.activity();
        activity.requests = activity.requests.saturating_add(1);
    }

    pub(super) fn request_ended(&self) {
        let mut activity = self.activity();
        activity.requests = activity.requests.saturating_sub(1);
        activity.idle_since = Instant::now();
    }

    pub(super) fn reset_unless_complete(&self, reset: bool) {
        self.reset.store(reset, Ordering::Relaxed);
    }

    /// Returns once no request has been under way for `period`.
    ///
    /// It looks when that can be so at the earliest, rather than being told of every request.
    pub(super) async fn idle(&self, period: Duration) {
        let mut since = Instant::now();
        loop {
            sleep_until(since + period).await;
            let now = Instant::now();
            let Activity { requests, idle_since } = *self.activity();
            since = if requests > 0 { now } else { since.max(idle_since) };
            if since + period <= now {
                return;
            }
        }
    }

    fn activity(&self) -> MutexGuard<'_, Activity> {
        // Nothing panics while it is held.
        self.activity.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The socket.
#[derive(Debug)]
pub(super) struct Socket {
    stream: TcpStream,
    connection: Arc<Connection>,
}

impl Socket {
    pub(super) fn new(stream: TcpStream, connection: Arc<Connection>) -> Self {
        Self { stream, connection }
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        if self.connection.reset.load(Ordering::Relaxed) {
            // A socket that refuses is closed the ordinary way: there is nothing better to do.
            let _ = self.stream.set_zero_linger();
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.connection.reset.load(Ordering::Relaxed) {
            // A shutdown is what an HTTP/1.0 client takes for the end.
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
