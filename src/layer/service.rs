//! The service: where a request is decided.

use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use jiff::Timestamp;
use tower_service::Service;

use super::arrival::Arrival;
use super::body::DefenseBody;
use super::error::BoxError;
use super::future::ResponseFuture;
use super::request_body::RequestBody;
use super::shared::Shared;
use super::socket::AskedBy;
use crate::ready::MaybeReady;
use crate::risk::Assessment;

/// A service behind graded countermeasures; made by [`DefenseLayer`](super::DefenseLayer).
#[derive(Clone, Debug)]
pub struct Defense<S> {
    inner: S,
    shared: Arc<Shared>,
}

impl<S> Defense<S> {
    pub(super) fn new(inner: S, shared: Arc<Shared>) -> Self {
        Self { inner, shared }
    }

    /// The inner service.
    pub fn get_ref(&self) -> &S {
        &self.inner
    }

    /// The inner service, to be changed. Requests that are sent to it are sent past the defense.
    pub fn get_mut(&mut self) -> &mut S {
        &mut self.inner
    }

    /// The inner service alone.
    pub fn into_inner(self) -> S {
        self.inner
    }
}

impl<S, B, R> Service<Request<B>> for Defense<S>
where
    S: Service<Request<RequestBody<B>>, Response = Response<R>> + Clone,
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
    R: Body<Data = Bytes>,
    R::Error: Into<BoxError>,
{
    type Response = Response<DefenseBody<R>>;
    type Error = S::Error;
    type Future = ResponseFuture<S, B, R>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        // The instance that was polled ready must take the request; the clone is not ready.
        let clone = self.inner.clone();
        let inner = std::mem::replace(&mut self.inner, clone);

        let (mut parts, body) = request.into_parts();
        let live = self.shared.live();
        let time = Timestamp::now();
        let asked = match parts.extensions.remove() {
            Some(AskedBy { assessment, .. }) => MaybeReady::Ready(assessment),
            None => live.source.ask(&parts, time),
        };
        live.source.strip(&mut parts.headers);
        // Nothing behind the layer sees a score.
        parts.extensions.remove::<Assessment>();
        let arrival = Arrival { parts, body, inner, time, since: None };
        match asked {
            MaybeReady::Ready(assessment) => {
                ResponseFuture::new(arrival.decide(&self.shared, live, assessment))
            }
            MaybeReady::Waiting(waiting) => {
                ResponseFuture::assessing(waiting, arrival, Arc::clone(&self.shared), live)
            }
        }
    }
}
