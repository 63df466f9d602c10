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

/// How long a failure waits for a client that takes nothing.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long after the last byte an HTTP/2 stream is reset. Clients that read both at once throw the
/// bytes away, curl and Node among them.
const APART: Duration = Duration::from_millis(100);
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
    pub(super) struct Delivered<B: Body> {
        #[pin]
        body: B,
        connection: Arc<Connection>,
        multiplexed: bool,
        failing: Option<Failing<B::Error>>,
    }
}

struct Failing<E> {
    error: E,
    /// How often the connection had been flushed by then.
    flushed: u64,
    /// What the socket had taken when this was last looked at.
    written: u64,
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
        Self { body, connection, multiplexed, failing: None }
    }
}

impl<E> Failing<E> {
    fn new(error: E, delivery: &Delivery) -> Self {
        Self {
            error,
            flushed: delivery.flushed.load(Ordering::SeqCst),
            written: delivery.written.load(Ordering::SeqCst),
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
            // What was sent is read first: it can only fall behind.
            let (sent, given) = (delivery.sent.get(), delivery.given.get());
            sent.0 >= given.0 && sent.1 >= given.1
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
            let written = delivery.written.load(Ordering::SeqCst);
            if written == self.written || self.since.elapsed() >= LONGEST {
                return Poll::Ready(());
            }
            self.written = written;
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
        let this = self.project();
        let delivery = &this.connection.delivery;
        let mut failing = match this.failing.take() {
            Some(failing) => failing,
            None => match ready!(this.body.poll_frame(context)) {
                Some(Err(error)) => Failing::new(error, delivery),
                frame => {
                    if let Some(Ok(frame)) = frame.as_ref().filter(|_| *this.multiplexed) {
                        let bytes = frame.data_ref().map_or(0, Buf::remaining) as u64;
                        delivery.given.add(u64::from(frame.is_trailers()), bytes);
                    }
                    return Poll::Ready(frame);
                }
            },
        };
        match failing.poll_written(delivery, *this.multiplexed, context) {
            Poll::Ready(()) => Poll::Ready(Some(Err(failing.error))),
            Poll::Pending => {
                *this.failing = Some(failing);
                Poll::Pending
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.failing.is_none() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
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
    use super::*;

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
