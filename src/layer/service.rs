//! The service: where a request is decided.

use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, HeaderValue, TRANSFER_ENCODING, UPGRADE};
use http::{Method, Request, Response, request};
use http_body::Body;
use jiff::Timestamp;
use tower_service::Service;

use super::admission::Subjects;
use super::body::DefenseBody;
use super::budget::Held;
use super::error::BoxError;
use super::exchange::Exchange;
use super::future::ResponseFuture;
use super::head::can_be_read;
use super::history::History;
use super::late::Late;
use super::repeating::Repeating;
use super::request_body::RequestBody;
use super::shared::{Live, Shared};
use crate::audit;
use crate::policy::RequestFacts;
use crate::risk::Assessment;
use crate::wire::{Route, asks_for_websocket, conversation_protocol, route};

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
        let now = Timestamp::now();
        let assessment = live.source.assess(&parts, now);
        live.source.strip(&mut parts.headers);
        // Nothing behind the layer sees a score.
        parts.extensions.remove::<Assessment>();

        let path = parts.uri.path();
        let route = match route(&parts.method, path, has_body(&parts, &body)) {
            // Nobody knows what is said behind a change of protocol.
            Route::Open | Route::NoText if parts.headers.contains_key(UPGRADE) => Route::Unknown,
            // What is asked of a known endpoint in another way is decided about as there.
            Route::Unknown if asks_for_websocket(&parts) => {
                match route(&Method::POST, path, false) {
                    protocol @ Route::Protocol(_) => protocol,
                    _ => Route::Unknown,
                }
            }
            route => route,
        };
        let policy = live.policy_for(&assessment.principal);
        let (decision, protocol) = match route {
            Route::Open => return self.untouched(&live, &assessment, parts, body, inner),
            Route::NoText => (policy.decide_without_text(&assessment, path, now), None),
            Route::Protocol(id) => {
                let facts = RequestFacts { path, protocol: Some(id) };
                (policy.decide(&assessment, facts, now), Some(id.codec()))
            }
            Route::Unknown => {
                let facts = RequestFacts { path, protocol: None };
                (policy.decide(&assessment, facts, now), None)
            }
        };
        if decision.concerns_nobody() {
            return self.untouched(&live, &assessment, parts, body, inner);
        }
        // An inner service that fails gives no answer to carry it.
        parts.extensions.insert(audit::DecisionId(decision.id.to_string()));
        let exchange =
            Exchange::new(&self.shared, live, decision, assessment, protocol, &parts, now);
        ResponseFuture::decided(exchange, parts, body, inner)
    }
}

impl<S> Defense<S> {
    /// Nothing is done to this caller: the request goes on unread, unless it may repeat answers that
    /// were marked.
    fn untouched<B, R>(
        &self,
        live: &Live,
        assessment: &Assessment,
        parts: request::Parts,
        body: B,
        mut inner: S,
    ) -> ResponseFuture<S, B, R>
    where
        S: Service<Request<RequestBody<B>>>,
        B: Body,
    {
        let Shared { originals, budget, .. } = &*self.shared;
        let Live { caps, keys, .. } = live;
        // Where nothing is remembered of anyone, nothing is looked at.
        let path = originals.is_used().then(|| parts.uri.path());
        let known = path
            .and_then(|path| conversation_protocol(&parts.method, path))
            .and_then(|protocol| History::known(originals, &assessment.principal, protocol));
        match known.filter(|_| can_be_read(&parts.headers, caps.request_body)) {
            Some(history) => {
                let late = Late::after(caps.request_body_time);
                let subjects = Subjects::of(&assessment.principal, keys.subject.expose());
                let held = Held::new(Arc::clone(budget), subjects.account);
                let repeating = Repeating::new(history, body, caps.request_body, late, held);
                ResponseFuture::repeating(repeating, None, parts, inner)
            }
            None => {
                let request = Request::from_parts(parts, RequestBody::original(body));
                ResponseFuture::passing(inner.call(request))
            }
        }
    }
}

/// Whether a request has a body, or may have one.
fn has_body<B: Body>(parts: &request::Parts, body: &B) -> bool {
    let length = parts.headers.get(CONTENT_LENGTH).map(HeaderValue::as_bytes);
    let announced = length.is_some_and(|length| length != b"0")
        || parts.headers.contains_key(TRANSFER_ENCODING);
    announced || !body.is_end_stream()
}
