//! What was written of the answers on a client's connection, so that an answer that fails does so
//! behind its last byte.
//!
//! A server of hyper's throws away what it has not yet written when a body fails: the pieces that
//! came just before, the error event that tells the client what happened, and the head itself if the
//! first piece fails. So a failure waits here until the socket has taken everything before it.
//!
//! Over HTTP/1 that is so once the server, which writes all it has before it flushes, has flushed.
//! Over HTTP/2 streams share the connection and each waits for its window, so heads and the bytes of
//! `DATA` frames are counted on their way out: once as many were written as given, none is left.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use bytes::{Buf, Bytes};
use http::Version;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep, sleep};

use super::connection::Connection;
use super::unread::Unread;

/// How long a failure waits for a client that takes nothing.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long after the last byte an HTTP/2 stream is reset. Clients that read both at once throw the
/// bytes away, curl and Node among them.
const APART: Duration = Duration::from_millis(100);
/// The most that an HTTP/2 stream is given at once: what its client has taken is known by what its
/// server asks for, and a slow client takes so much in time.
const PIECE: usize = 16 << 10;
/// How long it waits in all, whatever the client takes.
const LONGEST: Duration = Duration::from_secs(60);

/// What the bodies of a connection and its socket know of each other.
#[derive(Debug, Default)]
pub(super) struct Delivery {
    /// How often everything that the server had was written.
    flushed: AtomicU64,
    /// Bytes that the socket has taken, of any kind.
    written: AtomicU64,
    /// What the server was given of HTTP/2's.
    given: Parts,
    /// What the socket has taken of it.
    sent: Parts,
    /// Bodies of which the server asks for nothing, because what it has is not taken.
    unasked: AtomicU64,
    /// Whether anyone waits.
    awaited: AtomicBool,
    waiting: Mutex<Vec<Waker>>,
}

/// Heads, and bytes of bodies.
#[derive(Debug, Default)]
struct Parts {
    heads: AtomicU64,
    bytes: AtomicU64,
}

impl Parts {
    fn add(&self, heads: u64, bytes: u64) {
        self.heads.fetch_add(heads, Ordering::SeqCst);
        self.bytes.fetch_add(bytes, Ordering::SeqCst);
    }

    fn get(&self) -> (u64, u64) {
        (self.heads.load(Ordering::SeqCst), self.bytes.load(Ordering::SeqCst))
    }
}

impl Delivery {
    pub(super) fn flushed(&self) {
        self.flushed.fetch_add(1, Ordering::SeqCst);
        self.wake();
    }

    /// The socket has taken so many bytes; over HTTP/2, so many heads and bytes of bodies in them.
    pub(super) fn wrote(&self, bytes: usize, (heads, data): (u64, u64)) {
        self.written.fetch_add(bytes as u64, Ordering::SeqCst);
        if (heads, data) != (0, 0) {
            self.sent.add(heads, data);
            self.wake();
        }
    }

    /// What was taken so far, if the server holds a body back because of it.
    pub(super) fn held_back(&self) -> Option<(u64, u64)> {
        if self.unasked.load(Ordering::Relaxed) == 0 {
            return None;
        }
        // Over HTTP/2 a client can have other things written than answers.
        let multiplexed = self.given.get() != (0, 0);
        Some(if multiplexed { self.sent.get() } else { (0, self.written.load(Ordering::SeqCst)) })
    }

    /// What was given over HTTP/2 and is not sent; never too little.
    fn missing(&self) -> (u64, u64) {
        // What was sent is read first: it can only fall behind.
        let (sent, given) = (self.sent.get(), self.given.get());
        (given.0.saturating_sub(sent.0), given.1.saturating_sub(sent.1))
    }

    fn wake(&self) {
        if self.awaited.swap(false, Ordering::SeqCst) {
            let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            waiting.drain(..).for_each(Waker::wake);
        }
    }

    fn wake_me(&self, waker: &Waker) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if !waiting.iter().any(|known| known.will_wake(waker)) {
            waiting.push(waker.clone());
        }
        self.awaited.store(true, Ordering::SeqCst);
    }
}

pin_project! {
    /// The body of an answer, whose failure waits until all that came before it is written.
    #[project = DeliveredProjection]
    pub(super) struct Delivered<B: Body> {
        #[pin]
        body: B,
        connection: Arc<Connection>,
        multiplexed: bool,
        // What of the last frame the server was not given.
        rest: Bytes,
        // Whether the server has taken a frame and not asked for the next.
        unasked: bool,
        // The same for the task that serves the stream.
        unread: Option<Arc<Unread>>,
        failing: Option<Failing<B::Error>>,
    }

    impl<B: Body> PinnedDrop for Delivered<B> {
        fn drop(this: Pin<&mut Self>) {
            this.project().asked();
        }
    }
}

impl<B: Body> DeliveredProjection<'_, B> {
    fn asked(&mut self) {
        if std::mem::take(self.unasked) {
            self.connection.delivery.unasked.fetch_sub(1, Ordering::Relaxed);
            self.unread.iter().for_each(|unread| unread.asked());
        }
    }

    fn taken(&mut self) {
        *self.unasked = true;
        self.connection.delivery.unasked.fetch_add(1, Ordering::Relaxed);
        self.unread.iter().for_each(|unread| unread.taken());
    }

    /// What the server is given of a frame.
    fn given(&mut self, frame: Frame<Bytes>) -> Frame<Bytes> {
        if !*self.multiplexed {
            return frame;
        }
        let given = &self.connection.delivery.given;
        match frame.into_data() {
            Ok(mut data) => {
                *self.rest = data.split_off(data.len().min(PIECE));
                given.add(0, data.len() as u64);
                Frame::data(data)
            }
            Err(other) => {
                given.add(u64::from(other.is_trailers()), 0);
                other
            }
        }
    }
}

struct Failing<E> {
    error: E,
    /// How often the connection had been flushed by then.
    flushed: u64,
    /// What the socket had taken when this was last looked at.
    written: u64,
    /// The least that was missing over HTTP/2. Some stays missing for ever where a client has reset a
    /// stream, and the other streams of the connection go on: only less than ever means that this one's
    /// bytes are being taken.
    least: (u64, u64),
    quiet: Pin<Box<Sleep>>,
    since: Instant,
    /// All is written.
    parting: bool,
}

impl<B: Body> Delivered<B> {
    pub(super) fn new(body: B, connection: Arc<Connection>, version: Version) -> Self {
        let multiplexed = version == Version::HTTP_2;
        if multiplexed {
            // The head goes with the body.
            connection.delivery.given.add(1, 0);
        }
        connection.delivery.unasked.fetch_add(1, Ordering::Relaxed);
        let unread = Unread::of_task().filter(|_| multiplexed);
        unread.iter().for_each(|unread| unread.taken());
        let rest = Bytes::new();
        Self { body, connection, multiplexed, rest, unasked: true, unread, failing: None }
    }
}

impl<E> Failing<E> {
    fn new(error: E, delivery: &Delivery) -> Self {
        Self {
            error,
            flushed: delivery.flushed.load(Ordering::SeqCst),
            written: delivery.written.load(Ordering::SeqCst),
            least: delivery.missing(),
            quiet: Box::pin(sleep(PATIENCE)),
            since: Instant::now(),
            parting: false,
        }
    }

    /// Ready once nothing is left to be written, or the client takes nothing.
    fn poll_written(
        &mut self,
        delivery: &Delivery,
        multiplexed: bool,
        context: &mut Context<'_>,
    ) -> Poll<()> {
        if self.parting {
            return self.quiet.as_mut().poll(context);
        }
        // Before it is looked at: what is written in between wakes.
        delivery.wake_me(context.waker());
        let done = if multiplexed {
            delivery.missing() == (0, 0)
        } else {
            delivery.flushed.load(Ordering::SeqCst) > self.flushed
        };
        if done && multiplexed {
            self.parting = true;
            self.quiet.as_mut().reset(Instant::now() + APART);
            return self.quiet.as_mut().poll(context);
        }
        if done {
            return Poll::Ready(());
        }
        loop {
            ready!(self.quiet.as_mut().poll(context));
            let (written, missing) = (delivery.written.load(Ordering::SeqCst), delivery.missing());
            let goes_on = if multiplexed {
                missing.0 < self.least.0 || missing.1 < self.least.1
            } else {
                written > self.written
            };
            if !goes_on || self.since.elapsed() >= LONGEST {
                return Poll::Ready(());
            }
            self.written = written;
            self.least = (self.least.0.min(missing.0), self.least.1.min(missing.1));
            self.quiet.as_mut().reset(Instant::now() + PATIENCE);
        }
    }
}

impl<B> Body for Delivered<B>
where
    B: Body<Data = Bytes>,
{
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let mut this = self.project();
        this.asked();
        let mut failing = match this.failing.take() {
            Some(failing) => failing,
            None => {
                let rest = std::mem::take(this.rest);
                let frame = match rest.is_empty() {
                    true => ready!(this.body.as_mut().poll_frame(context)),
                    false => Some(Ok(Frame::data(rest))),
                };
                match frame {
                    Some(Err(error)) => Failing::new(error, &this.connection.delivery),
                    None => return Poll::Ready(None),
                    Some(Ok(frame)) => {
                        this.taken();
                        return Poll::Ready(Some(Ok(this.given(frame))));
                    }
                }
            }
        };
        match failing.poll_written(&this.connection.delivery, *this.multiplexed, context) {
            Poll::Ready(()) => Poll::Ready(Some(Err(failing.error))),
            Poll::Pending => {
                *this.failing = Some(failing);
                Poll::Pending
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.failing.is_none() && self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (mut hint, rest) = (self.body.size_hint(), self.rest.len() as u64);
        if let Some(upper) = hint.upper() {
            hint.set_upper(upper.saturating_add(rest));
        }
        hint.set_lower(hint.lower().saturating_add(rest));
        hint
    }
}

/// Counts heads and the bytes of `DATA` frames in what is written on an HTTP/2 connection (RFC 9113,
/// section 4.1).
#[derive(Debug, Default)]
pub(super) struct Frames {
    head: [u8; 9],
    /// Bytes of `head` that were written.
    begun: usize,
    /// Bytes of the frame's payload that were not.
    left: usize,
    is_data: bool,
}

const DATA: u8 = 0;
const HEADERS: u8 = 1;

impl Frames {
    /// How many heads begin in the next `bytes`, and how many of these are of bodies.
    pub(super) fn count(&mut self, mut bytes: &[u8]) -> (u64, u64) {
        let (mut heads, mut data) = (0, 0);
        while !bytes.is_empty() {
            if self.left > 0 {
                let taken = self.left.min(bytes.len());
                self.left -= taken;
                data += if self.is_data { taken as u64 } else { 0 };
                bytes.advance(taken);
                continue;
            }
            if let Some(place) = self.head.get_mut(self.begun) {
                *place = bytes.get_u8();
                self.begun += 1;
            }
            if self.begun == self.head.len() {
                let [high, middle, low, kind, ..] = self.head;
                let length = u32::from_be_bytes([0, high, middle, low]);
                self.left = usize::try_from(length).unwrap_or(usize::MAX);
                self.is_data = kind == DATA;
                heads += u64::from(kind == HEADERS);
                self.begun = 0;
            }
        }
        (heads, data)
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures_util::stream::iter;
    use http_body_util::{BodyExt, StreamBody};
    use tokio::time::advance;

    use super::*;

    /// What a client has reset before it was written is never written. Fails when the streams that go
    /// on beside a broken one keep it waiting.
    #[tokio::test(start_paused = true)]
    async fn a_failure_does_not_wait_for_the_bytes_of_streams_that_are_gone() {
        let connection = Arc::new(Connection::new(Default::default()));
        let delivery = &connection.delivery;
        delivery.given.add(1, 1000);
        delivery.wrote(10, (1, 10));
        let broken = StreamBody::new(iter([Err::<Frame<Bytes>, _>("broken")]));
        let mut body = Delivered::new(broken, Arc::clone(&connection), Version::HTTP_2);
        delivery.wrote(9, (1, 0));
        let others = async {
            loop {
                delivery.given.add(0, 100);
                delivery.wrote(100, (0, 100));
                sleep(PATIENCE / 10).await;
            }
        };
        let since = Instant::now();
        tokio::select! {
            frame = body.frame() => assert!(matches!(frame, Some(Err("broken")))),
            () = others => {}
        }
        assert_eq!(since.elapsed(), PATIENCE);
    }

    /// Fails when a body is taken for held back while the upstream is waited for, or the other way.
    #[tokio::test(start_paused = true)]
    async fn a_body_is_held_back_from_when_a_piece_is_taken_to_when_the_next_is_asked_for() {
        let connection = Arc::new(Connection::new(Default::default()));
        let delivery = &connection.delivery;
        let frames = [Ok::<_, Infallible>(Frame::data(Bytes::from_static(b"a")))];
        let frames = futures_util::StreamExt::chain(iter(frames), futures_util::stream::pending());
        let body =
            Delivered::new(StreamBody::new(frames), Arc::clone(&connection), Version::HTTP_11);
        let mut body = Box::pin(body);
        body.frame().await.unwrap().unwrap();
        assert_eq!(delivery.held_back(), Some((0, 0)));
        delivery.wrote(7, (0, 0));
        assert_eq!(delivery.held_back(), Some((0, 7)));
        let asked = tokio::time::timeout(Duration::from_secs(1), body.frame()).await;
        assert!(asked.is_err());
        assert_eq!(delivery.held_back(), None);
        drop(body);
        let unpolled = Delivered::new(
            http_body_util::Full::new(Bytes::new()),
            Arc::clone(&connection),
            Version::HTTP_2,
        );
        assert!(delivery.held_back().is_some());
        drop(unpolled);
        assert_eq!(delivery.held_back(), None);
        advance(PATIENCE).await;
    }

    fn frame(kind: u8, payload: usize) -> Vec<u8> {
        let length = u32::try_from(payload).unwrap().to_be_bytes();
        let head = [length[1], length[2], length[3], kind, 0, 0, 0, 0, 1];
        [head.as_slice(), &vec![7; payload]].concat()
    }

    #[test]
    fn heads_and_the_payload_of_data_frames_count_wherever_writes_are_cut() {
        let frames = [(4, 18), (HEADERS, 40), (DATA, 300), (DATA, 0), (3, 4), (DATA, 5), (9, 1)];
        let bytes = frames.map(|(kind, payload)| frame(kind, payload)).concat();
        for cut in 0..=bytes.len() {
            let mut frames = Frames::default();
            let (first, second) = bytes.split_at(cut);
            let (first, second) = (frames.count(first), frames.count(second));
            assert_eq!((first.0 + second.0, first.1 + second.1), (1, 305), "cut at {cut}");
        }
    }
}
