//! Failures of the upstream, with the decision about the request that met them.
//!
//! An answer carries its decision in its extensions; a service that fails gives no answer. So the
//! decision is taken from the request on its way to the upstream and put beside the error, where the
//! client can be told it.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::{Request, Response};
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
    S::Future: Send + 'static,
{
    type Response = Response<R>;
    type Error = Failed;
    type Future = Pin<Box<dyn Future<Output = Result<Response<R>, Failed>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Failed>> {
        self.0.poll_ready(context).map_err(|error| Failed { error, decision: None })
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let decision = request.extensions_mut().remove();
        let answer = self.0.call(request);
        Box::pin(async move { answer.await.map_err(|error| Failed { error, decision }) })
    }
}
