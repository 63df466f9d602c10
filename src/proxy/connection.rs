//! A client's connection: what is under way on it, and how its socket is closed.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http::Uri;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, sleep, sleep_until};

use super::delivery::{Delivery, Frames};
use super::socket::Onward;
use super::target::{Fragments, Targets};
use super::tls::Stream;
use crate::risk::ClientNames;

/// How long the last bytes may take to the client before the connection is reset: a reset overtakes
/// them.
const LINGER: Duration = Duration::from_secs(1);

/// What the exchanges of a connection and its socket know of each other.
#[derive(Debug)]
pub(super) struct Connection {
    activity: Mutex<Activity>,
    /// What was written.
    pub(super) delivery: Delivery,
    client: Client,
    /// What the connection becomes when its protocol is left.
    onward: Mutex<Option<Onward>>,
    /// Request targets with a fragment, of which the requests have not come.
    fragments: Mutex<Fragments>,
    /// HTTP/1.0 clients take the end of the connection for the end of the body. Until the body is
    /// complete the socket therefore closes with a reset, which no client takes for an end.
    reset: AtomicBool,
}

/// Who is at the other end.
#[derive(Clone, Debug, Default)]
pub(super) struct Client {
    /// Where the connection comes from, past a balancer that says so.
    pub(super) address: Option<SocketAddr>,
    /// Whether TLS is spoken.
    pub(super) tls: bool,
    /// What the client calls itself in a certificate that was verified.
    pub(super) names: Option<ClientNames>,
}

/// What is under way.
#[derive(Debug)]
struct Activity {
    requests: usize,
    /// When the last request ended, or the connection was opened.
    idle_since: Instant,
}

impl Connection {
    pub(super) fn new(client: Client) -> Self {
        let activity = Activity { requests: 0, idle_since: Instant::now() };
        Self {
            activity: Mutex::new(activity),
            client,
            delivery: Delivery::default(),
            onward: Mutex::new(None),
            fragments: Mutex::default(),
            reset: AtomicBool::new(false),
        }
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
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

    /// What the connection goes on as once its server has let go of it.
    pub(super) fn becomes(&self, onward: Onward) {
        *self.onward.lock().unwrap_or_else(PoisonError::into_inner) = Some(onward);
    }

    pub(super) fn take_onward(&self) -> Option<Onward> {
        self.onward.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Whether the target of this request had a fragment.
    pub(super) fn had_fragment(&self, uri: &Uri) -> bool {
        self.fragments().had(uri)
    }

    fn fragments(&self) -> MutexGuard<'_, Fragments> {
        self.fragments.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives the last bytes time to arrive, if the connection ends with a reset.
    pub(super) async fn linger(&self) {
        if self.reset.load(Ordering::Relaxed) {
            sleep(LINGER).await;
        }
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

    /// Returns once the client has taken nothing for at least `period` while an answer was held back for
    /// it. Nobody asks such an answer for more, so that its own time limits do not hold.
    pub(super) async fn stalled(&self, period: Duration) {
        let mut before = None;
        loop {
            sleep(period).await;
            let taken = self.delivery.held_back();
            if taken.is_some() && taken == before {
                return;
            }
            before = taken;
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
    stream: Stream,
    connection: Arc<Connection>,
    protocol: HttpVersion,
    targets: Targets,
}

/// What is spoken on a connection, by its first bytes.
#[derive(Debug)]
enum HttpVersion {
    /// So many bytes of [`PREFACE`] have come, and nothing else.
    Unknown(usize),
    Http1,
    Http2(Frames),
}

/// What every HTTP/2 connection begins with, as far as is needed: `PRI` is no method.
const PREFACE: &[u8] = b"PRI";

impl Socket {
    pub(super) fn new(stream: Stream, connection: Arc<Connection>) -> Self {
        Self { stream, connection, protocol: HttpVersion::Unknown(0), targets: Targets::new() }
    }

    /// Notes what was read.
    fn look_at(&mut self, read: &[u8]) {
        // As in most cases: whoever reads goes on until nothing is there.
        if read.is_empty() {
            return;
        }
        for byte in read {
            let HttpVersion::Unknown(known) = self.protocol else { break };
            self.protocol = match PREFACE.get(known) == Some(byte) {
                true if known + 1 == PREFACE.len() => HttpVersion::Http2(Frames::default()),
                true => HttpVersion::Unknown(known + 1),
                false => HttpVersion::Http1,
            };
        }
        if !matches!(self.protocol, HttpVersion::Http2(_)) {
            self.targets.read(read, |target| self.connection.fragments().note(target));
        }
    }

    /// Notes what was written.
    fn wrote<'s>(&mut self, bytes: usize, slices: impl IntoIterator<Item = &'s [u8]>) {
        let mut parts = (0, 0);
        if let HttpVersion::Http2(frames) = &mut self.protocol {
            let mut left = bytes;
            for slice in slices {
                let taken = left.min(slice.len());
                let (heads, data) = frames.count(slice.get(..taken).unwrap_or_default());
                parts = (parts.0 + heads, parts.1 + data);
                left -= taken;
            }
        }
        self.connection.delivery.wrote(bytes, parts);
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        if self.connection.reset.load(Ordering::Relaxed) {
            // A socket that refuses is closed the ordinary way: there is nothing better to do.
            let _ = self.stream.tcp().set_zero_linger();
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        self.look_at(buffer.filled().get(before..).unwrap_or_default());
        read
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write(context, bytes));
        self.wrote(*written.as_ref().unwrap_or(&0), [bytes]);
        Poll::Ready(written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = ready!(Pin::new(&mut self.stream).poll_flush(context));
        self.connection.delivery.flushed();
        Poll::Ready(flushed)
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
        let written = ready!(Pin::new(&mut self.stream).poll_write_vectored(context, slices));
        self.wrote(*written.as_ref().unwrap_or(&0), slices.iter().map(|slice| &**slice));
        Poll::Ready(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::Version;
    use http_body_util::Full;
    use tokio::time::timeout;

    use super::super::delivery::Delivered;
    use super::*;

    const PERIOD: Duration = Duration::from_secs(10);

    /// Fails when a slow client is cut off, or one that takes nothing is not.
    #[tokio::test(start_paused = true)]
    async fn a_client_stalls_when_it_takes_nothing_of_what_waits_for_it() {
        let connection = Arc::new(Connection::new(Client::default()));
        assert!(timeout(PERIOD * 5, connection.stalled(PERIOD)).await.is_err());
        let body = Full::new(Bytes::from_static(b"a"));
        let body = Delivered::new(body, Arc::clone(&connection), Version::HTTP_11);
        let slowly = async {
            for _ in 0..20 {
                sleep(PERIOD / 2).await;
                connection.delivery.wrote(1, (0, 0));
            }
        };
        tokio::select! {
            () = connection.stalled(PERIOD) => panic!("it took something"),
            () = slowly => {}
        }
        timeout(PERIOD * 3, connection.stalled(PERIOD)).await.unwrap();
        drop(body);
        assert!(timeout(PERIOD * 5, connection.stalled(PERIOD)).await.is_err());
    }
}
