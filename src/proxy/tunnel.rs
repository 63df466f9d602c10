//! WebSocket connections, which leave HTTP behind (RFC 9110, section 7.8).
//!
//! Only callers to whom nothing is done get one: the layer takes the request to upgrade away from the
//! others, because nothing reads what a tunnel carries. For the same reason no other protocol is
//! upgraded to. `h2c` above all would let a caller go on asking for completions, unseen and unscored,
//! for as long as the connection lasts.

use std::io;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf, copy_bidirectional};
use tokio::time::{Instant, sleep_until, timeout_at};

use crate::upstream::Switched;

/// Both sides.
#[derive(Debug)]
pub(super) struct Tunnel {
    pub(super) client: OnUpgrade,
    pub(super) switched: Switched,
}

impl Tunnel {
    /// Passes bytes in both directions until both have ended, one has failed, nothing has passed for
    /// too long, or the whole has taken too long.
    pub(super) async fn run(self) {
        let Self { client, switched: Switched { upstream, idle_timeout, total_due } } = self;
        let (Ok(client), Ok(upstream)) = tokio::join!(client, upstream) else {
            return tracing::debug!("a connection was not upgraded");
        };
        let passed = Mutex::new(Instant::now());
        let mut client = Noted { io: TokioIo::new(client), passed: &passed };
        let mut upstream = Noted { io: TokioIo::new(upstream), passed: &passed };
        let copied = copy_bidirectional(&mut client, &mut upstream);
        let idle = async {
            loop {
                let due = *passed.lock().unwrap_or_else(PoisonError::into_inner) + idle_timeout;
                if due <= Instant::now() {
                    return;
                }
                sleep_until(due).await;
            }
        };
        let ended = async {
            tokio::select! {
                copied = copied => copied.map(drop),
                () = idle => Err(io::ErrorKind::TimedOut.into()),
            }
        };
        if let Ok(Err(error)) = timeout_at(total_due, ended).await {
            tracing::debug!(%error, "a tunnel ended with an error");
        }
    }
}

/// One side, noting when bytes last came from it.
struct Noted<'p, T> {
    io: T,
    passed: &'p Mutex<Instant>,
}

impl<T: AsyncRead + Unpin> AsyncRead for Noted<'_, T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.io).poll_read(context, buffer))?;
        *self.passed.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Noted<'_, T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(context)
    }
}
