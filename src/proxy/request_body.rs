//! The body of a request, and whether it was read to its end.
//!
//! An answer that is given before, a refusal for instance, leaves the rest on the connection. If the
//! connection were closed over it, the system would reset it and the client might lose the answer; if
//! it were kept, the next request would begin in the middle of this one. So a short rest is read and
//! thrown away; over a longer one the client is told that the connection closes (RFC 9112, section
//! 9.6).

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Buf;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use tokio::time::timeout;

/// The most bytes that are read to be thrown away.
const REST: usize = 8 << 20;
/// How long that may take.
const PATIENCE: Duration = Duration::from_secs(1);

/// Tells whether a body was read to its end, and has what was left when it was dropped.
#[derive(Debug)]
pub(super) struct Witness<B>(Arc<Seen<B>>);

#[derive(Debug)]
struct Seen<B> {
    end: AtomicBool,
    left: Mutex<Option<B>>,
}

impl<B: Body + Unpin> Witness<B> {
    /// Whether nothing of the body is left on the connection.
    pub(super) fn saw_the_end(&self) -> bool {
        self.0.end.load(Ordering::Relaxed)
    }

    /// Reads what nobody wants any more, if it is short; whether nothing is left.
    pub(super) async fn discard_rest(&self) -> bool {
        let left = self.0.left.lock().unwrap_or_else(PoisonError::into_inner).take();
        // Without it, whoever is being asked is still reading.
        let Some(mut body) = left else { return false };
        let read = async {
            let mut bytes = 0;
            while let Some(frame) = body.frame().await {
                bytes += frame.ok()?.data_ref().map_or(0, Buf::remaining);
                if bytes > REST {
                    return None;
                }
            }
            Some(())
        };
        matches!(timeout(PATIENCE, read).await, Ok(Some(())))
    }
}

/// A body whose end is witnessed.
#[derive(Debug)]
pub(super) struct Witnessed<B> {
    /// `None` only while it is dropped.
    body: Option<B>,
    seen: Arc<Seen<B>>,
}

impl<B: Body> Witnessed<B> {
    pub(super) fn new(body: B) -> (Self, Witness<B>) {
        let end = AtomicBool::new(body.is_end_stream());
        let seen = Arc::new(Seen { end, left: Mutex::new(None) });
        (Self { body: Some(body), seen: Arc::clone(&seen) }, Witness(seen))
    }
}

impl<B> Drop for Witnessed<B> {
    fn drop(&mut self) {
        if !self.seen.end.load(Ordering::Relaxed) {
            *self.seen.left.lock().unwrap_or_else(PoisonError::into_inner) = self.body.take();
        }
    }
}

impl<B: Body + Unpin> Body for Witnessed<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let Some(body) = &mut self.body else { return Poll::Ready(None) };
        let polled = Pin::new(&mut *body).poll_frame(context);
        // A body of known length is not always polled past it.
        let end = matches!(polled, Poll::Ready(None)) || body.is_end_stream();
        if end {
            self.seen.end.store(true, Ordering::Relaxed);
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map(Body::size_hint).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http_body_util::Full;

    use super::*;

    fn body(bytes: usize) -> (Witnessed<Full<Bytes>>, Witness<Full<Bytes>>) {
        Witnessed::new(Full::new(Bytes::from(vec![b'x'; bytes])))
    }

    /// Fails when a dropped body is not kept, or its rest not read.
    #[tokio::test(start_paused = true)]
    async fn a_short_rest_that_nobody_wants_is_read_and_thrown_away() {
        let (dropped, witness) = body(100);
        drop(dropped);
        assert!(!witness.saw_the_end());
        assert!(witness.discard_rest().await);
    }

    /// Fails when the bound on what is thrown away is not kept.
    #[tokio::test(start_paused = true)]
    async fn a_long_rest_is_left_and_so_is_one_that_is_still_being_read() {
        let (dropped, witness) = body(REST + 1);
        drop(dropped);
        assert!(!witness.discard_rest().await);
        let (_reading, witness) = body(100);
        assert!(!witness.discard_rest().await);
    }
}
