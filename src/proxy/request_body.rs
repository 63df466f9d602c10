//! The body of a request, and whether it was read to its end.
//!
//! An answer that is given before, a refusal for instance, leaves the rest on the connection, which
//! hyper then closes. The client has to be told (RFC 9112, section 9.6), or it sends its next request
//! into a closed connection.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use http_body::{Body, Frame, SizeHint};

/// Tells whether a body was read to its end.
#[derive(Clone, Debug, Default)]
pub(super) struct Witness(Arc<AtomicBool>);

impl Witness {
    /// Nothing of the body is left on the connection.
    pub(super) fn saw_the_end(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// A body whose end is witnessed.
#[derive(Debug)]
pub(super) struct Witnessed<B> {
    body: B,
    witness: Witness,
}

impl<B: Body> Witnessed<B> {
    pub(super) fn new(body: B) -> (Self, Witness) {
        let witness = Witness(Arc::new(AtomicBool::new(body.is_end_stream())));
        (Self { body, witness: witness.clone() }, witness)
    }
}

impl<B: Body + Unpin> Body for Witnessed<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        // A body of known length is not always polled past it.
        if matches!(polled, Poll::Ready(None)) || self.body.is_end_stream() {
            self.witness.0.store(true, Ordering::Relaxed);
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
