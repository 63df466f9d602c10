//! The upstream's body, of which a dry run sees a copy.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use super::dry_run::DryRun;
use super::turns::let_others_go_first;

pin_project! {
    /// Gives every frame as it comes, and a clone of it to the dry run if there is one.
    pub(super) struct Teed<B> {
        #[pin]
        body: B,
        dry_run: Option<Box<DryRun>>,
    }
}

impl<B> Teed<B> {
    pub(super) fn new(body: B, dry_run: Option<Box<DryRun>>) -> Self {
        Self { body, dry_run }
    }

    /// The same, of a body that was not pinned yet.
    pub(super) fn leave_dry_run(&mut self) -> Option<Box<DryRun>> {
        self.dry_run.take()
    }

    /// The dry run, which sees no more.
    pub(super) fn take_dry_run(self: Pin<&mut Self>) -> Option<Box<DryRun>> {
        self.project().dry_run.take()
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
        if let Some(dry_run) = this.dry_run {
            match &polled {
                Poll::Ready(Some(Ok(frame))) => {
                    if let Some(bytes) = frame.data_ref() {
                        dry_run.take(bytes.clone());
                    }
                    dry_run.work();
                }
                Poll::Ready(_) => {}
                // The upstream is silent, which leaves time.
                Poll::Pending => {
                    dry_run.work();
                    if dry_run.has_work() {
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
