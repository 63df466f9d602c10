//! Taking what the upstream sends, at once or when it has been looked through.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame};

use super::Reading;
use crate::layer::error::{BodyError, BoxError};
use crate::layer::form::Form;
use crate::layer::head::drop_digests;
use crate::layer::summarizing::Next;

impl Reading {
    /// Takes what comes next, once it can be read.
    pub(super) fn poll_more<B>(
        &mut self,
        body: Pin<&mut B>,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), BodyError>>
    where
        B: Body<Data = Bytes>,
        B::Error: Into<BoxError>,
    {
        if let Some(waiting) = self.summarizing.as_mut().filter(|it| it.waits()) {
            let next = ready!(waiting.poll(context));
            return Poll::Ready(next.map_or(Ok(()), |next| self.read(next)));
        }
        let frame = ready!(body.poll_frame(context));
        if let Some(linger) = &mut self.linger {
            linger.disturb();
        }
        Poll::Ready(self.take(frame))
    }

    /// Takes what the upstream sent.
    fn take<E: Into<BoxError>>(
        &mut self,
        frame: Option<Result<Frame<Bytes>, E>>,
    ) -> Result<(), BodyError> {
        let next = match frame {
            Some(Ok(frame)) => match frame.into_data() {
                Ok(chunk) => Next::Chunk(chunk),
                Err(frame) => Next::End(frame.into_trailers().ok()),
            },
            Some(Err(error)) => return Err(BodyError::upstream(error)),
            None if self.ended => return Ok(()),
            None => Next::End(None),
        };
        let Some(summarizing) = &mut self.summarizing else { return self.read(next) };
        if let Next::Chunk(chunk) = &next {
            self.spent += chunk.len();
        }
        summarizing.take(next);
        self.hold_room(0)
    }

    /// Reads what the upstream sent.
    fn read(&mut self, next: Next) -> Result<(), BodyError> {
        match next {
            Next::Chunk(chunk) => {
                let chunk = self.form.look_at(chunk);
                let leaves = match &mut self.form {
                    Form::Events(events) => {
                        events.push(chunk);
                        self.looked_through = false;
                        0
                    }
                    Form::Document(document) => {
                        self.held = document.push(chunk)?;
                        self.held.as_ref().map_or(0, Bytes::len)
                    }
                };
                self.hold_room(leaves)
            }
            Next::End(None) => self.finish(),
            Next::End(Some(mut trailers)) => {
                self.finish()?;
                let untouched =
                    matches!(&self.form, Form::Document(document) if document.is_untouched());
                if !untouched {
                    drop_digests(&mut trailers);
                    self.rewriter().guard_fields(&mut trailers);
                }
                self.trailers = Some(trailers).filter(|trailers| !trailers.is_empty());
                Ok(())
            }
        }
    }

    /// Holds what is being read, and so many bytes more.
    pub(super) fn hold_room(&mut self, more: usize) -> Result<(), BodyError> {
        let ahead = self.summarizing.as_ref().map_or(0, |it| it.held());
        Ok(self.room.resize(self.form.held() + ahead + more)?)
    }

    /// Takes the end of the upstream's body.
    fn finish(&mut self) -> Result<(), BodyError> {
        self.ended = true;
        let before = self.rewriter().delivered();
        let last = match &mut self.form {
            Form::Events(events) => events.finish()?,
            Form::Document(document) => document.finish()?.unwrap_or_default(),
        };
        self.hold_room(0)?;
        if !last.is_empty() {
            self.hold(last, before);
        }
        Ok(())
    }
}
