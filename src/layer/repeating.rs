//! A request that is read only because its conversation may hold answers that were marked.
//!
//! Nothing is done to its caller now, so nothing is refused here: a body that cannot be read goes on
//! as it came.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_LENGTH, HeaderMap};
use http::request;
use http_body::Body;

use super::budget::{Held, grown};
use super::exchange::Exchange;
use super::head;
use super::history::{History, Restored};
use super::late::Late;
use super::request_body::RequestBody;

/// Such a request, on its way in.
pub(super) struct Repeating<S, B> {
    pub(super) history: History,
    /// `None` if the caller has reached no grade.
    pub(super) exchange: Option<Box<Exchange>>,
    pub(super) parts: request::Parts,
    pub(super) body: Pin<Box<B>>,
    /// The instance that is ready to take the request.
    pub(super) inner: S,
    pub(super) collected: BytesMut,
    /// The most bytes that are read of the body.
    pub(super) cap: usize,
    /// When no more of it is waited for.
    pub(super) late: Late,
    /// What is held of it.
    pub(super) held: Held,
}

/// Whether a request can be read for its conversation, by its head.
pub(super) fn can_be_read(headers: &HeaderMap, cap: usize) -> bool {
    let length = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    let length: Option<usize> = length.and_then(|length| length.parse().ok());
    !head::is_compressed(headers) && length.is_none_or(|length| length <= cap)
}

impl<S, B: Body<Data = Bytes>> Repeating<S, B> {
    /// Reads the body to its end, or as far as it can be read.
    pub(super) fn poll_read(&mut self, context: &mut Context<'_>) -> Poll<Read<B::Error>> {
        loop {
            let Poll::Ready(frame) = self.body.as_mut().poll_frame(context) else {
                ready!(self.late.poll(context));
                return Poll::Ready(Read::Part(None));
            };
            match frame {
                None => return Poll::Ready(Read::Whole),
                Some(Err(error)) => return Poll::Ready(Read::Part(Some(error))),
                Some(Ok(frame)) => {
                    // Trailers of a request have no meaning for the endpoints.
                    let Ok(data) = frame.into_data() else { continue };
                    self.collected.extend_from_slice(&data);
                    let room = self.held.resize(grown(self.collected.capacity()));
                    if self.collected.len() > self.cap || room.is_err() {
                        return Poll::Ready(Read::Part(None));
                    }
                }
            }
        }
    }

    /// What goes to the inner service.
    pub(super) fn forward(
        self,
        read: Read<B::Error>,
    ) -> (Option<Box<Exchange>>, request::Parts, RequestBody<B>, S) {
        let Self { history, mut exchange, mut parts, body, inner, collected, .. } = self;
        let collected = collected.freeze();
        let body = match read {
            Read::Part(failure) => RequestBody::begun(collected, failure, body),
            Read::Whole => {
                let Restored { body, texts, .. } = history.restore(collected);
                head::frame_request(&mut parts.headers, body.len());
                if texts > 0 {
                    head::drop_digests(&mut parts.headers);
                }
                if let Some(exchange) = &mut exchange {
                    exchange.restored(texts);
                }
                RequestBody::whole(body)
            }
        };
        let copy = exchange.as_mut().and_then(|exchange| exchange.observe(&parts.headers));
        (exchange, parts, body.copied(copy), inner)
    }
}

/// How far a body was read.
pub(super) enum Read<E> {
    /// To its end.
    Whole,
    /// Until it failed, or became too long or too slow.
    Part(Option<E>),
}
