//! The end of an exchange as a type: whoever watches one is told exactly once how it ended.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Buf;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

/// How an exchange ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// The body came to its end.
    Complete,
    /// The body failed.
    Error,
    /// The body, or the wait for it, was dropped before its end.
    Cancelled,
}

/// Watches an exchange. Must not panic: it is called while things are dropped.
pub(super) trait Observer {
    /// Data passed, of so many bytes.
    fn data(&mut self, bytes: usize);

    /// The exchange is over.
    fn end(self, ending: Ending);
}

/// Holds an observer and reports [`Ending::Cancelled`] to it when dropped before another end.
#[derive(Debug)]
pub(super) struct ObserverGuard<O: Observer>(Option<O>);

impl<O: Observer> ObserverGuard<O> {
    pub(super) fn new(observer: O) -> Self {
        Self(Some(observer))
    }

    /// The observer, unless the end has been reported.
    pub(super) fn observer(&mut self) -> Option<&mut O> {
        self.0.as_mut()
    }

    pub(super) fn end(&mut self, ending: Ending) {
        if let Some(observer) = self.0.take() {
            observer.end(ending);
        }
    }
}

impl<O: Observer> Drop for ObserverGuard<O> {
    fn drop(&mut self) {
        self.end(Ending::Cancelled);
    }
}

pin_project! {
    /// A body that is watched; it passes through unchanged.
    #[derive(Debug)]
    pub(super) struct Watched<B, O>
    where
        O: Observer,
    {
        #[pin]
        body: B,
        guard: ObserverGuard<O>,
    }
}

impl<B: Body, O: Observer> Watched<B, O> {
    /// Goes on watching with the guard that has watched the exchange so far.
    pub(super) fn new(body: B, mut guard: ObserverGuard<O>) -> Self {
        // The server does not poll a body that says it has ended.
        if body.is_end_stream() {
            guard.end(Ending::Complete);
        }
        Self { body, guard }
    }
}

impl<B: Body, O: Observer> Body for Watched<B, O> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let mut this = self.project();
        let frame = ready!(this.body.as_mut().poll_frame(context));
        match &frame {
            None => this.guard.end(Ending::Complete),
            Some(Err(_)) => this.guard.end(Ending::Error),
            Some(Ok(frame)) => {
                if let (Some(data), Some(observer)) = (frame.data_ref(), this.guard.observer()) {
                    observer.data(data.remaining());
                }
                // Nothing comes after trailers, and no one asks after the end.
                if frame.is_trailers() || this.body.is_end_stream() {
                    this.guard.end(Ending::Complete);
                }
            }
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use bytes::Bytes;
    use futures_util::stream::iter;
    use http::HeaderMap;
    use http_body_util::{BodyExt, Empty, Full, StreamBody};

    use super::*;

    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<String>>>);

    impl Observer for Log {
        fn data(&mut self, bytes: usize) {
            self.0.lock().unwrap().push(format!("{bytes}"));
        }

        fn end(self, ending: Ending) {
            self.0.lock().unwrap().push(format!("{ending:?}"));
        }
    }

    impl Log {
        fn entries(&self) -> Vec<String> {
            self.0.lock().unwrap().clone()
        }
    }

    fn watched<B: Body>(body: B) -> (Log, Watched<B, Log>) {
        let log = Log::default();
        (log.clone(), Watched::new(body, ObserverGuard::new(log)))
    }

    #[tokio::test]
    async fn a_body_that_is_read_to_its_end_is_complete_once() {
        let frames = [Ok::<_, String>(Frame::data(Bytes::from_static(b"ab")))];
        let (log, body) = watched(StreamBody::new(iter(frames)));
        body.collect().await.unwrap();
        assert_eq!(log.entries(), ["2", "Complete"]);
    }

    #[tokio::test]
    async fn a_body_that_is_not_polled_after_its_last_byte_is_complete() {
        let (log, mut body) = watched(Full::new(Bytes::from_static(b"abc")));
        body.frame().await.unwrap().unwrap();
        drop(body);
        assert_eq!(log.entries(), ["3", "Complete"]);
    }

    #[test]
    fn an_empty_body_is_complete_without_being_polled() {
        let (log, body) = watched(Empty::<Bytes>::new());
        drop(body);
        assert_eq!(log.entries(), ["Complete"]);
    }

    #[tokio::test]
    async fn trailers_complete_a_body() {
        let frames = [Ok::<_, String>(Frame::<Bytes>::trailers(HeaderMap::new()))];
        let (log, mut body) = watched(StreamBody::new(iter(frames)));
        body.frame().await.unwrap().unwrap();
        drop(body);
        assert_eq!(log.entries(), ["Complete"]);
    }

    #[tokio::test]
    async fn a_failure_is_an_error_and_nothing_after_it_counts() {
        let frames = [Err::<Frame<Bytes>, _>("cut")];
        let (log, mut body) = watched(StreamBody::new(iter(frames)));
        body.frame().await.unwrap().unwrap_err();
        assert!(body.frame().await.is_none());
        drop(body);
        assert_eq!(log.entries(), ["Error"]);
    }

    #[tokio::test]
    async fn a_body_that_is_dropped_before_its_end_was_cancelled() {
        let frames = [Ok::<_, String>(Frame::data(Bytes::from_static(b"ab")))];
        let (log, mut body) = watched(StreamBody::new(iter(frames)));
        body.frame().await.unwrap().unwrap();
        drop(body);
        assert_eq!(log.entries(), ["2", "Cancelled"]);
    }
}
