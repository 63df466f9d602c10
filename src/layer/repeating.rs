//! A request that is read only because its conversation may hold answers that were marked or sealed.
//!
//! Nothing is done to its caller now, so nothing is refused here: a body that cannot be read goes on
//! as it came.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use http::header::HeaderMap;
use http_body::Body;

use super::budget::{Held, grown};
use super::head;
use super::history::{History, Restored, RestoredTally, certain_model};
use super::late::Late;
use super::request_body::RequestBody;
use crate::countermeasure::RepeatGuard;
use crate::secret::opaque_debug;
use crate::wire::{Protocol, Target};

/// The body of such a request, on its way in.
pub(super) struct Repeating<B> {
    history: History,
    asked: Asked,
    body: Pin<Box<B>>,
    collected: BytesMut,
    /// The most bytes that are read of the body.
    cap: usize,
    /// When no more of it is waited for.
    late: Late,
    /// What is held of it.
    held: Held,
}

impl<B> Repeating<B> {
    pub(super) fn new(
        history: History,
        asked: Asked,
        body: B,
        cap: usize,
        late: Late,
        held: Held,
    ) -> Self {
        let (body, collected) = (Box::pin(body), BytesMut::new());
        Self { history, asked, body, collected, cap, late, held }
    }
}

impl<B: Body<Data = Bytes>> Repeating<B> {
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

    /// The body that goes to the inner service, framed in the head of the request, what was written back
    /// of it, and what of it was opened.
    pub(super) fn restore(
        self,
        read: Read<B::Error>,
        headers: &mut HeaderMap,
    ) -> (RequestBody<B>, RestoredTally, Option<OpenedFor>) {
        let Self { history, asked, body, collected, .. } = self;
        let collected = collected.freeze();
        match read {
            Read::Part(failure) => {
                (RequestBody::begun(collected, failure, body), RestoredTally::default(), None)
            }
            Read::Whole => {
                let mut tools = Vec::new();
                let model = |body: &Bytes| {
                    let Asked { protocol, target } = asked;
                    let request = protocol.scan_request(target?, body).ok()?;
                    let model = certain_model(&request).map(str::to_owned);
                    tools = request.tools;
                    model
                };
                let Restored { body, tally, guard, .. } = history.restore(collected, model);
                head::frame_request(headers, body.len());
                if tally.is_changed() {
                    head::drop_digests(headers);
                }
                let opened = guard.map(|guard| OpenedFor { guard, tools });
                (RequestBody::whole(body), tally, opened)
            }
        }
    }
}

/// What was opened in such a request, and what else its answer is read with.
pub(super) struct OpenedFor {
    /// What the answer may not repeat.
    pub(super) guard: RepeatGuard,
    /// What the client calls its tools, where it calls them like no program.
    pub(super) tools: Vec<String>,
}

/// How such a request is read.
pub(super) struct Asked {
    pub(super) protocol: &'static dyn Protocol,
    /// `None` if nothing answers: then nothing is opened, since a count of tokens would tell how long it
    /// is.
    pub(super) target: Option<Target>,
}

opaque_debug!(Asked, OpenedFor);

/// How far a body was read.
pub(super) enum Read<E> {
    /// To its end.
    Whole,
    /// Until it failed, or became too long or too slow.
    Part(Option<E>),
}
