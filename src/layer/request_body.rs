//! The body of a request on its way to the inner service.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use super::copied::Copying;

pin_project! {
    /// The client's own body, or the bytes that a countermeasure made of it.
    pub struct RequestBody<B: Body> {
        #[pin]
        kind: Kind<B>,
        copy: Option<Copying>,
    }
}

pin_project! {
    #[project = KindProjection]
    enum Kind<B: Body> {
        Original { #[pin] body: B },
        Whole { bytes: Option<Bytes> },
        Begun { bytes: Option<Bytes>, failure: Option<B::Error>, rest: Pin<Box<B>> },
    }
}

/// Prints no text of the client's.
impl<B: Body> fmt::Debug for RequestBody<B> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match &self.kind {
            Kind::Original { .. } => "original",
            Kind::Whole { .. } => "whole",
            Kind::Begun { .. } => "begun",
        };
        formatter.debug_struct("RequestBody").field("kind", &kind).finish_non_exhaustive()
    }
}

impl<B: Body> RequestBody<B> {
    pub(super) fn original(body: B) -> Self {
        Self { kind: Kind::Original { body }, copy: None }
    }

    pub(super) fn whole(bytes: Bytes) -> Self {
        let bytes = Some(bytes).filter(|bytes| !bytes.is_empty());
        Self { kind: Kind::Whole { bytes }, copy: None }
    }

    /// The client's own body of which `bytes` have been read, up to where it failed if it did.
    pub(super) fn begun(bytes: Bytes, failure: Option<B::Error>, rest: Pin<Box<B>>) -> Self {
        let bytes = Some(bytes).filter(|bytes| !bytes.is_empty());
        Self { kind: Kind::Begun { bytes, failure, rest }, copy: None }
    }

    /// The same, copied as it passes.
    pub(super) fn copied(self, copy: Option<Copying>) -> Self {
        Self { copy, ..self }
    }
}

impl<B: Body<Data = Bytes>> Body for RequestBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let frame = ready!(self.as_mut().poll_any(context));
        if let Some(copy) = &self.copy {
            copy.take(frame.as_ref(), self.is_end_stream());
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Original { body } => body.is_end_stream(),
            Kind::Whole { bytes } => bytes.is_none(),
            Kind::Begun { bytes, failure, rest } => {
                bytes.is_none() && failure.is_none() && rest.is_end_stream()
            }
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Original { body } => body.size_hint(),
            Kind::Whole { bytes } => {
                SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
            }
            Kind::Begun { bytes, rest, .. } => {
                let read = bytes.as_ref().map_or(0, |bytes| bytes.len() as u64);
                let left = rest.size_hint();
                let mut hint = SizeHint::new();
                hint.set_lower(left.lower().saturating_add(read));
                if let Some(upper) = left.upper().and_then(|upper| upper.checked_add(read)) {
                    hint.set_upper(upper);
                }
                hint
            }
        }
    }
}

impl<B: Body<Data = Bytes>> RequestBody<B> {
    fn poll_any(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        match self.project().kind.project() {
            KindProjection::Original { body } => body.poll_frame(context),
            KindProjection::Whole { bytes } => {
                Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes))))
            }
            KindProjection::Begun { bytes, failure, rest } => {
                let read = bytes.take().map(|bytes| Ok(Frame::data(bytes)));
                match read.or_else(|| failure.take().map(Err)) {
                    Some(frame) => Poll::Ready(Some(frame)),
                    None => rest.as_mut().poll_frame(context),
                }
            }
        }
    }
}
