//! A client's connection: what is under way on it, and how its socket is closed.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::timeout;

/// What the exchanges of a connection and its socket know of each other.
#[derive(Debug)]
pub(super) struct Connection {
    in_flight: watch::Sender<usize>,
    /// HTTP/1.0 clients take the end of the connection for the end of the body. Until the body is
    /// complete the socket therefore closes with a reset, which no client takes for an end.
    reset: AtomicBool,
}

impl Connection {
    pub(super) fn new() -> Self {
        Self { in_flight: watch::Sender::new(0), reset: AtomicBool::new(false) }
    }

    pub(super) fn request_began(&self) {
        self.in_flight.send_modify(|count| *count = count.saturating_add(1));
    }

    pub(super) fn request_ended(&self) {
        self.in_flight.send_modify(|count| *count = count.saturating_sub(1));
    }

    pub(super) fn reset_unless_complete(&self, reset: bool) {
        self.reset.store(reset, Ordering::Relaxed);
    }

    /// Returns once no request has been under way for `period`.
    pub(super) async fn idle(&self, period: Duration) {
        let mut in_flight = self.in_flight.subscribe();
        loop {
            // The sender lives as long as `self`: neither wait fails.
            let _ = in_flight.wait_for(|count| *count == 0).await;
            if timeout(period, in_flight.wait_for(|count| *count > 0)).await.is_err() {
                return;
            }
        }
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
