//! Failures of the upstream, with the decision about the request that met them.
//!
//! An answer carries its decision in its extensions; a service that fails gives no answer. So the
//! decision is taken from the request on its way to the upstream and put beside the error, where the
//! client can be told it.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::{Request, Response};
use pin_project_lite::pin_project;
use tower_service::Service;

use crate::audit::DecisionName;
use crate::upstream::UpstreamError;

/// The service behind the defense, whose failures name their decisions.
#[derive(Clone, Debug)]
pub(super) struct Decided<S>(pub(super) S);

/// A request that got no answer.
#[derive(Debug)]
pub(super) struct Failed {
    pub(super) error: UpstreamError,
    /// What was decided about it, if anything was.
    pub(super) decision: Option<DecisionName>,
}

impl<S, B, R> Service<Request<B>> for Decided<S>
where
    S: Service<Request<B>, Response = Response<R>, Error = UpstreamError>,
{
    type Response = Response<R>;
    type Error = Failed;
    type Future = Answering<S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Failed>> {
        self.0.poll_ready(context).map_err(|error| Failed { error, decision: None })
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let decision = request.extensions_mut().remove();
        Answering { answer: self.0.call(request), decision }
    }
}

pin_project! {
    /// The answer of the service behind.
    #[derive(Debug)]
    pub(super) struct Answering<F> {
        #[pin]
        answer: F,
        decision: Option<DecisionName>,
    }
}

impl<F, R> Future for Answering<F>
where
    F: Future<Output = Result<R, UpstreamError>>,
{
    type Output = Result<R, Failed>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let answered = ready!(this.answer.poll(context));
        Poll::Ready(answered.map_err(|error| Failed { error, decision: this.decision.take() }))
    }
}
