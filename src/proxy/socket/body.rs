//! The body of a request that a message stands for.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use crate::layer::Held;
use crate::secret::opaque_debug;

/// Bytes of a frame. What is not taken stays counted, and whoever takes it counts it from then on.
const PIECE: usize = 64 << 10;

/// The text of a message, held from its arrival until it is taken.
pub(in crate::proxy) struct MessageBody {
    rest: Bytes,
    held: Held,
}

opaque_debug!(MessageBody);

impl MessageBody {
    pub(super) fn new(text: Bytes, held: Held) -> Self {
        Self { rest: text, held }
    }

    /// Its length in bytes.
    pub(in crate::proxy) fn len(&self) -> usize {
        self.rest.len()
    }
}

impl Body for MessageBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.rest.is_empty() {
            return Poll::Ready(None);
        }
        let piece = PIECE.min(self.rest.len());
        let piece = self.rest.split_to(piece);
        let left = self.rest.len();
        // Less is always room enough.
        let _ = self.held.resize(left);
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.rest.len() as u64)
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;
    use crate::layer::Room;

    /// Fails when a body is not counted until it is taken, or is counted afterwards.
    #[tokio::test(start_paused = true)]
    async fn what_is_not_taken_of_a_message_is_held_and_no_more() {
        let room = Room::of(4 * PIECE);
        let mut held = room.take();
        held.resize(3 * PIECE).unwrap();
        let mut body = MessageBody::new(vec![b'x'; 3 * PIECE].into(), held);
        let mut taken = room.take();
        assert!(taken.resize(2 * PIECE).is_err());
        for pieces in 1..=3 {
            assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap().len(), PIECE);
            taken.resize(pieces * PIECE).unwrap();
        }
        assert!(body.frame().await.is_none() && body.is_end_stream());
        taken.resize(4 * PIECE).unwrap();
    }
}
