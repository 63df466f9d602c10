//! The service that a client's connection calls: checks the request, asks the stack behind, and
//! watches the answer to its end.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_LENGTH, EXPECT};
use http::{HeaderValue, Method, Request, Response, Version};
use http_body::Body;
use http_body_util::{Either, Full, Limited};
use hyper::body::Incoming;
use hyper::ext::ReasonPhrase;
use hyper::upgrade::OnUpgrade;
use tower_service::Service;

use super::connection::{Client, Connection};
use super::cors::{Asker, Cors};
use super::decided::Failed;
use super::delivery::Delivered;
use super::ending::{ObserverGuard, Watched};
use super::failure;
use super::forwarded::Forwarded;
use super::report::{ExchangeReport, ReportTargets};
use super::request_body::Witnessed;
use super::socket::{self, Asking, MessageBody, Onward, Opening, Patience, Session};
use super::tunnel::Tunnel;
use crate::audit::DecisionName;
use crate::policy;
use crate::upstream::{BoxError, Switched};
use crate::wire::{OwnAnswer, Refusal, has_field};

/// The body of a request as the stack gets it.
pub(super) type RequestBody = Limited<Witnessed<Either<Incoming, MessageBody>>>;

/// One per connection; cheap to make.
#[derive(Clone, Debug)]
pub(super) struct Front<S> {
    pub(super) stack: S,
    pub(super) reports: Arc<ReportTargets>,
    pub(super) connection: Arc<Connection>,
    pub(super) cors: Arc<Cors>,
    /// Looked at by each request: it may change.
    pub(super) max_request_body: Arc<AtomicUsize>,
    /// What the upstream is told of the client's connection.
    pub(super) forwarded: Forwarded,
    /// How long a WebSocket lasts that is served here.
    pub(super) patience: Patience,
}

type Answer<B> = Response<Watched<Delivered<Either<Full<Bytes>, B>>, ExchangeReport>>;

impl<S, B> hyper::service::Service<Request<Incoming>> for Front<S>
where
    S: Service<Request<RequestBody>, Response = Response<B>, Error = Failed>,
    S: Clone + Send + 'static,
    S::Future: Send,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Answer<B>;
    type Error = std::convert::Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Answer<B>, Self::Error>> + Send>>;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        let Self { stack, reports, connection, cors, .. } = self.clone();
        let Self { max_request_body, patience, forwarded, .. } = self;
        let (max_request_body, patience) = (max_request_body.load(Ordering::Relaxed), *patience);
        // Made before the first await: a client that leaves at any point is noticed.
        let exchange =
            ExchangeReport::new(&mut request, Arc::clone(&reports), Arc::clone(&connection));
        let path = request.uri().path().to_owned();
        let (method, asker) = (request.method().clone(), Asker::of(&request));
        let mut guard = ObserverGuard::new(exchange);
        let version = request.version();
        let fragment = version < Version::HTTP_2 && connection.had_fragment(request.uri());
        let one_at_a_time = version < Version::HTTP_2;
        // A client that waits for leave to send its body is not told to go on for nothing.
        let holds_back = has_field(request.headers(), &EXPECT);
        let (mut parts, body) = request.into_parts();
        let Client { address, tls, names } = connection.client();
        if let Some(names) = names {
            parts.extensions.insert(names.clone());
        }
        forwarded.tell(*address, *tls, &parts.uri, &mut parts.headers);
        let client: Option<OnUpgrade> = parts.extensions.remove();
        let (body, witness) = Witnessed::new(Either::Left(body));
        let mut request = Request::from_parts(parts, body);
        let opening = client.as_ref().and_then(|client| Opening::of(&mut request, client));
        Box::pin(async move {
            let checked = match fragment {
                true => Err(failure::fragment()),
                false => check(&request, max_request_body),
            };
            let answer = match checked {
                Ok(()) => {
                    let request = request.map(|body| Limited::new(body, max_request_body));
                    ask(stack.clone(), request).await
                }
                Err(refusal) => {
                    drop(request);
                    Err((refusal, None))
                }
            };
            let mut response = answered(answer, &path, &mut guard);
            if let Some(accepted) = opening.and_then(|it| it.accepted(&mut response)) {
                if let Some(exchange) = guard.observer() {
                    exchange.answered(&response);
                }
                let asking = asking(stack, reports, Arc::clone(&connection));
                let session = Session { accepted, asking, patience, longest: max_request_body };
                connection.becomes(Onward(Box::pin(session.run())));
                let body = Delivered::new(Either::Left(Full::default()), connection, version);
                return Ok(response.map(|_| Watched::new(body, guard)));
            }
            if response.extensions().get::<OwnAnswer>().is_some() {
                cors.allow(asker.as_ref(), &mut response);
                if method == Method::HEAD {
                    // HTTP/2 would break the stream for it.
                    response = response.map(|_| Either::Left(Full::default()));
                }
            } else {
                cors.heard(&method, asker.as_ref(), &response);
            }
            let left = one_at_a_time && !witness.saw_the_end();
            if left && (holds_back || !witness.discard_rest().await) {
                response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            }
            let phrase = response.extensions().get::<ReasonPhrase>();
            if response.status().canonical_reason().is_none() && phrase.is_none() {
                // Or else there would be words of the server's instead.
                response.extensions_mut().insert(ReasonPhrase::from_static(b""));
            }
            let switched: Option<Switched> = response.extensions_mut().remove();
            if let Some((client, switched)) = client.zip(switched) {
                connection.becomes(Onward(Box::pin(Tunnel { client, switched }.run())));
            }
            let delivered = |body| Delivered::new(body, connection, version);
            Ok(response.map(|body| Watched::new(delivered(body), guard)))
        })
    }
}

/// Refuses what needs no one else to be asked.
fn check<B>(request: &Request<B>, max_request_body: usize) -> Result<(), Refusal> {
    if request.method() == Method::CONNECT {
        return Err(failure::tunnel());
    }
    let announced = request.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    // The server has refused lengths that are no numbers; a body without one is counted.
    let announced = announced.and_then(|length| length.parse::<u64>().ok());
    if announced.is_some_and(|length| length > max_request_body as u64) {
        return Err(failure::request_too_large());
    }
    Ok(())
}

/// The name of an answer of ours to a request about which nothing was decided.
fn undecided() -> DecisionName {
    DecisionName(policy::DecisionId::undecided().to_string())
}

/// How the stack is asked for the responses of a WebSocket.
fn asking<S, B>(stack: S, reports: Arc<ReportTargets>, connection: Arc<Connection>) -> Asking
where
    S: Service<Request<RequestBody>, Response = Response<B>, Error = Failed>,
    S: Clone + Send + 'static,
    S::Future: Send,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    Box::new(move |mut request, lane, messages| {
        let (reports, connection) = (Arc::clone(&reports), Arc::clone(&connection));
        let stack = stack.clone();
        Box::pin(async move {
            let mut guard =
                ObserverGuard::new(ExchangeReport::new(&mut request, reports, connection));
            let path = request.uri().path().to_owned();
            let request = request.map(|body| {
                let length = body.len();
                Limited::new(Witnessed::new(Either::Right(body)).0, length)
            });
            let response = answered(ask(stack, request).await, &path, &mut guard);
            let response = response.map(|body| Box::pin(Watched::new(body, guard)));
            socket::tell(response, lane.as_deref(), &messages).await;
        })
    })
}

/// The answer that goes out, an error of ours if there is none, noted by the exchange's observer.
fn answered<B>(
    answer: Result<Response<B>, (Refusal, Option<DecisionName>)>,
    path: &str,
    guard: &mut ObserverGuard<ExchangeReport>,
) -> Response<Either<Full<Bytes>, B>> {
    match answer {
        Ok(response) => {
            if let Some(exchange) = guard.observer() {
                exchange.answered(&response);
            }
            response.map(Either::Right)
        }
        Err((refusal, decision)) => {
            let is_decided = decision.is_some();
            let decision = decision.unwrap_or_else(undecided);
            let response = failure::response(&refusal, path, &decision);
            if let Some(exchange) = guard.observer() {
                exchange.failed(&response, decision, is_decided);
            }
            response.map(Either::Left)
        }
    }
}

/// The answer; or why there is none, with the decision about the request if there was one.
async fn ask<S, B>(
    mut stack: S,
    request: Request<RequestBody>,
) -> Result<Response<B>, (Refusal, Option<DecisionName>)>
where
    S: Service<Request<RequestBody>, Response = Response<B>, Error = Failed>,
{
    let answer = async {
        std::future::poll_fn(|context| stack.poll_ready(context)).await?;
        stack.call(request).await
    };
    answer.await.map_err(|Failed { error, decision }| {
        tracing::warn!(error = &error as &dyn std::error::Error, "no answer of the upstream's");
        (failure::refusal(&error), decision)
    })
}
