//! A request's body that can be sent a second time, if it is short, and that tells what has become of
//! it: on which connection it went out, and whether its client is being waited for.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::combinators::UnsyncBoxBody;
use hyper_util::client::legacy::connect::CaptureConnection;

use super::link::{Given, Uses};
use super::{BoxError, reuse};
use crate::secret::opaque_debug;

/// The most bytes that are kept until an answer begins.
const KEPT: usize = 1 << 20;

type Inner = UnsyncBoxBody<Bytes, BoxError>;

/// What has been read of the body, until its answer begins.
#[derive(Debug)]
pub(super) struct Replay(Arc<Mutex<Kept>>);

struct Kept {
    body: Inner,
    /// What came from it so far; `None` when it was too much, or is not needed any more.
    read: Option<VecDeque<Bytes>>,
    bytes: usize,
    /// How often sending it has begun. Whoever sends it for the time before gets no more of it.
    attempt: u32,
    /// The connection that it was given to last.
    given: Option<Given>,
    /// More of it was asked for, and has not come.
    awaited: bool,
}

opaque_debug!(Kept);

impl Kept {
    fn forget(&mut self) {
        (self.read, self.bytes) = (None, 0);
    }
}

impl Replay {
    pub(super) fn new(body: Inner) -> Self {
        let read = Some(VecDeque::new());
        let kept = Kept { body, read, bytes: 0, attempt: 0, given: None, awaited: false };
        Self(Arc::new(Mutex::new(kept)))
    }

    /// The body, to be sent for the first time.
    pub(super) fn first(&self) -> Replayed {
        let (kept, again) = (Arc::clone(&self.0), VecDeque::new());
        Replayed { kept, again, ahead: 0, attempt: 0, connection: None }
    }

    /// The body from its beginning once more, if that is still known.
    pub(super) fn again(&self) -> Option<Replayed> {
        let mut kept = lock(&self.0);
        let again = kept.read.clone()?;
        let ahead = kept.bytes;
        kept.attempt += 1;
        let (attempt, kept) = (kept.attempt, Arc::clone(&self.0));
        Some(Replayed { kept, again, ahead, attempt, connection: None })
    }

    /// The connection that it was given to.
    pub(super) fn given(&self) -> Option<Given> {
        lock(&self.0).given.clone()
    }

    /// Whether the client is being waited for.
    pub(super) fn is_awaited(&self) -> bool {
        lock(&self.0).awaited
    }

    /// The body is not sent again.
    pub(super) fn forget(&self) {
        lock(&self.0).forget();
    }
}

/// The body on its way.
pub(super) struct Replayed {
    kept: Arc<Mutex<Kept>>,
    /// What was read before, and comes first.
    again: VecDeque<Bytes>,
    /// Bytes in it.
    ahead: usize,
    attempt: u32,
    /// Tells the connection, until the first piece is asked for.
    connection: Option<Via>,
}

/// The connection that a request goes to.
enum Via {
    Known(Arc<Uses>),
    /// As the client library tells it.
    Captured(CaptureConnection),
}

opaque_debug!(Replayed);

impl Replayed {
    /// Has it noted that the request is given to this connection.
    pub(super) fn watch(&mut self, uses: &Arc<Uses>) {
        self.connection = Some(Via::Known(Arc::clone(uses)));
    }

    /// Has it noted to which connection the request is given.
    pub(super) fn watch_captured(&mut self, connection: CaptureConnection) {
        self.connection = Some(Via::Captured(connection));
    }
}

fn lock(kept: &Mutex<Kept>) -> MutexGuard<'_, Kept> {
    // Nothing panics while it is held, but for the body itself.
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Body for Replayed {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        self.connection = None;
        if let Some(bytes) = self.again.pop_front() {
            self.ahead -= bytes.len();
            return Poll::Ready(Some(Ok(Frame::data(bytes))));
        }
        let mut kept = lock(&self.kept);
        if kept.attempt != self.attempt {
            return Poll::Ready(Some(Err("the request is being sent again".into())));
        }
        let polled = Pin::new(&mut kept.body).poll_frame(context);
        kept.awaited = polled.is_pending();
        let frame = ready!(polled);
        let data = match &frame {
            None => return Poll::Ready(None),
            Some(Ok(frame)) => frame.data_ref(),
            Some(Err(_)) => None,
        };
        match data {
            Some(bytes) if kept.bytes + bytes.len() <= KEPT => {
                kept.bytes += bytes.len();
                kept.read.iter_mut().for_each(|read| read.push_back(bytes.clone()));
            }
            // Nor is a body sent again that failed, or has trailers, which no endpoint knows.
            _ => kept.forget(),
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        let mut kept = lock(&self.kept);
        // The connection asks this before it writes the head, and the answer before has been received
        // by then.
        match &self.connection {
            None => {}
            Some(Via::Known(uses)) => kept.given = Some(Given::to(uses)),
            Some(Via::Captured(connection)) => kept.given = reuse::given(connection),
        }
        self.again.is_empty() && kept.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let ahead = self.ahead as u64;
        let rest = lock(&self.kept).body.size_hint();
        let mut hint = SizeHint::new();
        hint.set_lower(rest.lower().saturating_add(ahead));
        if let Some(upper) = rest.upper().and_then(|upper| upper.checked_add(ahead)) {
            hint.set_upper(upper);
        }
        hint
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::{BodyExt, StreamBody};

    use super::*;

    fn replay(pieces: usize, piece: usize) -> Replay {
        let frames = (0..pieces)
            .map(move |at| Ok(Frame::data(Bytes::from(vec![u8::try_from(at).unwrap(); piece]))));
        Replay::new(StreamBody::new(futures_util::stream::iter(frames)).boxed_unsync())
    }

    #[tokio::test]
    async fn a_body_that_was_sent_in_part_is_sent_whole_again() {
        for taken in 0..4 {
            let replay = replay(3, 10);
            let mut first = replay.first();
            for _ in 0..taken {
                first.frame().await;
            }
            let second = replay.again().unwrap();
            // Who still sends it for the first time takes nothing from the second.
            assert!(first.frame().await.unwrap().is_err());
            let all = second.collect().await.unwrap().to_bytes();
            assert_eq!(all, [[0; 10], [1; 10], [2; 10]].concat(), "{taken} were sent");
        }
    }

    #[tokio::test]
    async fn a_long_body_is_not_kept_nor_one_that_is_being_answered() {
        let replay_long = replay(2, KEPT);
        replay_long.first().collect().await.unwrap();
        assert!(replay_long.again().is_none());
        let answered = replay(2, 1);
        answered.forget();
        assert!(answered.again().is_none());
    }
}
