//! The upstream's body, of which dry runs see a copy.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use super::dry_runs::DryRuns;
use super::turns::let_others_go_first;

pin_project! {
    /// Gives every frame as it comes, and a clone of it to the dry runs if there are any.
    pub(super) struct Teed<B> {
        #[pin]
        body: B,
        dry_runs: Option<Box<DryRuns>>,
    }
}

impl<B> Teed<B> {
    pub(super) fn new(body: B, dry_runs: Option<Box<DryRuns>>) -> Self {
        Self { body, dry_runs }
    }

    /// The same, of a body that was not pinned yet.
    pub(super) fn leave_dry_runs(&mut self) -> Option<Box<DryRuns>> {
        self.dry_runs.take()
    }

    /// The dry runs, which see no more.
    pub(super) fn take_dry_runs(self: Pin<&mut Self>) -> Option<Box<DryRuns>> {
        self.project().dry_runs.take()
    }
}

impl<B: Body<Data = Bytes>> Body for Teed<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let this = self.project();
        let polled = this.body.poll_frame(context);
        if let Some(dry_runs) = this.dry_runs {
            match &polled {
                Poll::Ready(Some(Ok(frame))) => {
                    if let Some(bytes) = frame.data_ref() {
                        dry_runs.take(bytes);
                    }
                    dry_runs.work();
                }
                Poll::Ready(_) => {}
                // The upstream is silent, which leaves time.
                Poll::Pending => {
                    dry_runs.work();
                    if dry_runs.has_work() {
                        let_others_go_first(context);
                    }
                }
            }
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
