//! The upstream's answer, with its time limits.

use std::fmt;
use std::future::{Future, pending};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use pin_project_lite::pin_project;
use tokio::sync::watch;
use tokio::time::Instant;

use super::reuse::AfterAnswer;
use super::{UpstreamError, WhenWoken};
use crate::alarm::Alarm;

pin_project! {
    /// The upstream's body as it comes: same frames, same bytes, size hints and trailers. When the
    /// upstream is too slow, or breaks off, it ends with an error, never as if it were complete.
    #[derive(Debug)]
    #[must_use = "dropping the body cancels the upstream"]
    pub struct UpstreamBody<B = Incoming> {
        #[pin]
        inner: B,
        // Made when the upstream is first waited for: most documents come with their heads.
        #[pin]
        timer: Option<Alarm>,
        // Whether the timer runs. It does only while the upstream is waited for, so that a client
        // who reads slowly is not taken for an upstream that pauses.
        waiting: bool,
        idle_timeout: Duration,
        total_due: Instant,
        failed: bool,
        // Whether it is a stream of a connection that others share, whose end is said and not seen.
        multiplexed: bool,
        // What is done when it has come to its end.
        after: Option<AfterAnswer>,
        // Tells that nothing more of it is wanted, to `cut_off`, which is made like the timer.
        told: Option<watch::Receiver<bool>>,
        #[pin]
        cut_off: Option<WhenWoken<CutOff>>,
    }
}

/// Resolves when answers are to break off, because the proxy stops.
pub(super) struct CutOff(Pin<Box<dyn Future<Output = ()> + Send>>);

impl CutOff {
    fn new(mut told: watch::Receiver<bool>) -> Self {
        Self(Box::pin(async move {
            if told.wait_for(|told| *told).await.is_err() {
                pending().await
            }
        }))
    }
}

impl fmt::Debug for CutOff {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("CutOff")
    }
}

impl Future for CutOff {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        self.0.as_mut().poll(context)
    }
}

impl<B: Body> UpstreamBody<B> {
    pub(super) fn new(inner: B, idle_timeout: Duration, total_due: Instant) -> Self {
        Self {
            inner,
            timer: None,
            waiting: false,
            idle_timeout,
            total_due,
            failed: false,
            multiplexed: false,
            after: None,
            told: None,
            cut_off: None,
        }
    }

    /// Takes a stream that is reset for one that broke off, whatever the reason given: the client
    /// library takes `NO_ERROR` and `CANCEL` for an end (RFC 9113, section 8.1.1).
    pub(super) fn multiplexed(self, multiplexed: bool) -> Self {
        Self { multiplexed, ..self }
    }

    /// Breaks off when told so.
    pub(super) fn until(mut self, told: Option<watch::Receiver<bool>>) -> Self {
        self.told = told;
        self
    }

    /// Has `after` done when the body has come to its end.
    pub(super) fn before(mut self, after: Option<AfterAnswer>) -> Self {
        self.after = after;
        if self.inner.is_end_stream() {
            self.after.take().into_iter().for_each(AfterAnswer::ended);
        }
        self
    }
}

impl<B> Body for UpstreamBody<B>
where
    B: Body<Data = Bytes>,
    B::Error: Into<super::BoxError>,
{
    type Data = Bytes;
    type Error = UpstreamError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, UpstreamError>>> {
        let mut this = self.project();
        if *this.failed {
            return Poll::Ready(None);
        }
        let polled = this.inner.as_mut().poll_frame(context);
        // A body of known length is not polled past it.
        if matches!(polled, Poll::Ready(None)) || this.inner.is_end_stream() {
            this.after.take().into_iter().for_each(AfterAnswer::ended);
        }
        match polled {
            // After a wait the timer has watched the total; without one nothing has.
            Poll::Ready(Some(Ok(_))) if !*this.waiting && Instant::now() >= *this.total_due => {
                *this.failed = true;
                Poll::Ready(Some(Err(UpstreamError::TotalTimeout)))
            }
            Poll::Ready(Some(Err(error))) => {
                *this.failed = true;
                Poll::Ready(Some(Err(UpstreamError::Body(error.into()))))
            }
            Poll::Ready(None) if *this.multiplexed && !this.inner.is_end_stream() => {
                *this.failed = true;
                Poll::Ready(Some(Err(UpstreamError::Body("the stream was reset".into()))))
            }
            Poll::Ready(frame) => {
                *this.waiting = false;
                Poll::Ready(
                    frame.map(|frame| frame.map_err(|error| UpstreamError::Body(error.into()))),
                )
            }
            Poll::Pending => {
                if let Some(told) = this.told.take() {
                    this.cut_off.set(Some(WhenWoken::new(CutOff::new(told))));
                }
                let cut_off = this.cut_off.as_mut().as_pin_mut();
                if cut_off.is_some_and(|cut_off| cut_off.poll(context).is_ready()) {
                    *this.failed = true;
                    return Poll::Ready(Some(Err(UpstreamError::Stopping)));
                }
                let begins = !std::mem::replace(this.waiting, true);
                if begins {
                    let due = (Instant::now() + *this.idle_timeout).min(*this.total_due);
                    match this.timer.as_mut().as_pin_mut() {
                        Some(timer) => timer.set(due),
                        None => this.timer.set(Some(Alarm::at(due))),
                    }
                }
                let Some(mut timer) = this.timer.as_mut().as_pin_mut() else {
                    return Poll::Pending;
                };
                ready!(timer.as_mut().poll(context));
                *this.failed = true;
                let total = timer.due() >= *this.total_due;
                let error =
                    if total { UpstreamError::TotalTimeout } else { UpstreamError::IdleTimeout };
                Poll::Ready(Some(Err(error)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use http_body_util::BodyExt;
    use http_body_util::StreamBody;
    use tokio::sync::mpsc;
    use tokio::time::advance;

    use super::*;

    const IDLE: Duration = Duration::from_secs(10);
    const TOTAL: Duration = Duration::from_secs(25);

    type Frames = mpsc::Sender<Result<Frame<Bytes>, Infallible>>;

    fn body() -> (Frames, Pin<Box<UpstreamBody<impl Body<Data = Bytes, Error = Infallible>>>>) {
        let (frames, mut queue) = mpsc::channel(4);
        let stream = futures_util::stream::poll_fn(move |context| queue.poll_recv(context));
        let body = UpstreamBody::new(StreamBody::new(stream), IDLE, Instant::now() + TOTAL);
        (frames, Box::pin(body))
    }

    fn data() -> Result<Frame<Bytes>, Infallible> {
        Ok(Frame::data(Bytes::from_static(b"x")))
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_is_an_error_after_the_idle_timeout_and_the_last_frame() {
        let (frames, mut body) = body();
        let late = async {
            tokio::time::sleep(IDLE / 2).await;
            frames.send(data()).await.unwrap();
        };
        let (frame, ()) = tokio::join!(body.frame(), late);
        frame.unwrap().unwrap();
        let before = Instant::now();
        let error = body.frame().await.unwrap().unwrap_err();
        assert!(matches!(error, UpstreamError::IdleTimeout), "{error:?}");
        assert_eq!(before.elapsed(), IDLE);
        assert!(body.frame().await.is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_reads_slowly_is_no_pause_of_the_upstream() {
        let (frames, mut body) = body();
        let pending = futures_util::future::poll_fn(|context| {
            Poll::Ready(body.as_mut().poll_frame(context).is_pending())
        });
        assert!(pending.await);
        frames.send(data()).await.unwrap();
        advance(IDLE * 2).await;
        body.frame().await.unwrap().unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_that_never_pauses_still_ends_at_the_total_timeout() {
        let (frames, mut body) = body();
        for _ in 0..2 {
            frames.send(data()).await.unwrap();
            body.frame().await.unwrap().unwrap();
            advance(IDLE).await;
        }
        let error = body.frame().await.unwrap().unwrap_err();
        assert!(matches!(error, UpstreamError::TotalTimeout), "{error:?}");
        assert_eq!(Instant::now(), body.total_due);
    }
}
