//! The way of one request, up to the head of its answer.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use http::header::UPGRADE;
use http::header::{CONTENT_LENGTH, HeaderValue};
use http::{Request, Response, request};
use http_body::Body;
use http_body_util::LengthLimitError;
use pin_project_lite::pin_project;
use tower_service::Service;

use super::body::DefenseBody;
use super::budget::{NoRoom, grown};
use super::error::BoxError;
use super::exchange::{Exchange, Undecided};
use super::late::Late;
use super::refusal::{overloaded, too_large, too_slow, without_websocket};
use super::refused::Refused;
use super::repeating::Repeating;
use super::request_body::RequestBody;
use crate::wire::{Refusal, RefusalKind, asks_for_websocket};

pin_project! {
    /// The response future of [`Defense`](super::Defense).
    pub struct ResponseFuture<S, B, R>
    where
        S: Service<Request<RequestBody<B>>>,
        B: Body,
    {
        #[pin]
        state: State<S, B, R, S::Future>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<S, B, R, F> {
        /// The request is being read.
        Collecting { #[pin] body: B, collected: BytesMut, late: Late, rest: Option<Rest<S>> },
        /// It is being read only for what it repeats.
        Repeating { repeated: Option<Box<Repeated<S, B>>> },
        /// The inner service is answering; without an exchange, nothing is done to its answer.
        Answering { #[pin] future: F, exchange: Option<Box<Exchange>> },
        /// The head of the answer waits for its body.
        Deciding { deciding: Option<Box<(Response<DefenseBody<R>>, Undecided)>>, announced: bool },
        /// The layer answers.
        Refused { exchange: Option<Box<Exchange>>, refused: Option<Refused> },
    }
}

/// What waits for a body that is read only for what it repeats.
struct Repeated<S, B> {
    repeating: Repeating<B>,
    /// `None` if the caller has reached no grade.
    exchange: Option<Box<Exchange>>,
    parts: request::Parts,
    /// The instance that is ready to take the request.
    inner: S,
}

/// What waits for the request's body.
struct Rest<S> {
    exchange: Box<Exchange>,
    parts: request::Parts,
    /// The instance that is ready to take the request.
    inner: S,
}

impl<S, B, R> ResponseFuture<S, B, R>
where
    S: Service<Request<RequestBody<B>>>,
    B: Body,
{
    /// The inner service answers, untouched.
    pub(super) fn passing(future: S::Future) -> Self {
        Self { state: State::Answering { future, exchange: None } }
    }

    /// Nothing is done to the caller, but the request may repeat answers that were marked.
    pub(super) fn repeating(
        repeating: Repeating<B>,
        exchange: Option<Box<Exchange>>,
        parts: request::Parts,
        inner: S,
    ) -> Self {
        let repeated = Some(Box::new(Repeated { repeating, exchange, parts, inner }));
        Self { state: State::Repeating { repeated } }
    }

    /// A caller who has reached a grade.
    pub(super) fn decided(
        exchange: Exchange,
        mut parts: request::Parts,
        body: B,
        mut inner: S,
    ) -> Self {
        let mut exchange = Box::new(exchange);
        // A protocol switched to would not pass through here.
        let keeps_protocol = exchange.keeps_protocol();
        let websocket = (keeps_protocol && asks_for_websocket(&parts)).then(without_websocket);
        if keeps_protocol {
            parts.headers.remove(UPGRADE);
        }
        if let Some(refusal) = exchange.refuse_by_head(&parts.headers).or(websocket) {
            let (exchange, refused) = (Some(exchange), Some(Refused::new(refusal)));
            return Self { state: State::Refused { exchange, refused } };
        }
        if exchange.acts() {
            if let Err(refused) = exchange.admit_by_head(&parts.headers) {
                let (exchange, refused) = (Some(exchange), Some(*refused));
                return Self { state: State::Refused { exchange, refused } };
            }
            let late = Late::after(exchange.body_time());
            let rest = Some(Rest { exchange, parts, inner });
            let collected = BytesMut::new();
            return Self { state: State::Collecting { body, collected, late, rest } };
        }
        let cap = exchange.body_cap();
        let late = Late::after(exchange.body_time());
        let held = exchange.holding();
        if let Some(history) = exchange.known_history(&parts.headers) {
            let repeating = Repeating::new(history, body, cap, late, held);
            return Self::repeating(repeating, Some(exchange), parts, inner);
        }
        let copy = exchange.observe(&parts.headers);
        let request = Request::from_parts(parts, RequestBody::original(body).copied(copy));
        let future = inner.call(request);
        Self { state: State::Answering { future, exchange: Some(exchange) } }
    }
}

impl<S, B, R> Future for ResponseFuture<S, B, R>
where
    S: Service<Request<RequestBody<B>>, Response = Response<R>>,
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
    R: Body<Data = Bytes>,
    R::Error: Into<BoxError>,
{
    type Output = Result<Response<DefenseBody<R>>, S::Error>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            let mut this = self.as_mut().project();
            let next = match this.state.as_mut().project() {
                StateProjection::Answering { future, exchange } => {
                    let answered = ready!(future.poll(context));
                    return Poll::Ready(match (answered, exchange.take()) {
                        (Ok(response), Some(exchange)) => {
                            let undecided = exchange.undecided();
                            let announced = response.headers().contains_key(CONTENT_LENGTH);
                            let response = exchange.answer(response);
                            if response.body().is_undecided() {
                                let deciding = Some(Box::new((response, undecided)));
                                this.state.set(State::Deciding { deciding, announced });
                                continue;
                            }
                            Ok(response)
                        }
                        (Ok(response), None) => {
                            Ok(response.map(|body| DefenseBody::passed(body, None)))
                        }
                        (Err(error), exchange) => {
                            if let Some(exchange) = exchange {
                                exchange.failed();
                            }
                            Err(error)
                        }
                    });
                }
                StateProjection::Collecting { mut body, collected, late, rest } => {
                    let Some(exchange) = rest.as_mut().map(|rest| &mut rest.exchange) else {
                        // Polled again after it was ready.
                        return Poll::Pending;
                    };
                    let outcome = match collect(body.as_mut(), collected, exchange, context) {
                        Poll::Ready(outcome) => outcome,
                        Poll::Pending => {
                            ready!(late.poll(context));
                            Err(too_slow())
                        }
                    };
                    let Some(Rest { exchange, parts, inner }) = rest.take() else {
                        return Poll::Pending;
                    };
                    let collected = std::mem::take(collected).freeze();
                    forward(exchange, parts, inner, outcome.map(|()| collected))
                }
                StateProjection::Repeating { repeated } => {
                    let Some(reading) = repeated else { return Poll::Pending };
                    let read = ready!(reading.repeating.poll_read(context));
                    let Some(repeated) = repeated.take() else { return Poll::Pending };
                    let Repeated { repeating, mut exchange, mut parts, mut inner } = *repeated;
                    let (body, texts) = repeating.restore(read, &mut parts.headers);
                    let copy = exchange.as_mut().and_then(|exchange| {
                        exchange.restored(texts);
                        exchange.observe(&parts.headers)
                    });
                    let future = inner.call(Request::from_parts(parts, body.copied(copy)));
                    State::Answering { future, exchange }
                }
                StateProjection::Deciding { deciding, announced } => {
                    let Some(waiting) = deciding.as_mut() else { return Poll::Pending };
                    let decided = ready!(waiting.0.body_mut().poll_decided(context));
                    let Some((mut response, undecided)) = deciding.take().map(|waiting| *waiting)
                    else {
                        return Poll::Pending;
                    };
                    // A head without the length that others are told would tell a caller its grade.
                    let length = response.body().length().filter(|_| *announced);
                    if let Some(length) = length {
                        response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(length));
                    }
                    return Poll::Ready(Ok(match decided {
                        Err((error, Some(guard))) => undecided.refuse(&error, guard),
                        Ok(()) | Err((_, None)) => response,
                    }));
                }
                StateProjection::Refused { exchange, refused } => {
                    let Some((exchange, refused)) = exchange.take().zip(refused.take()) else {
                        return Poll::Pending;
                    };
                    return Poll::Ready(Ok(exchange.refuse(refused)));
                }
            };
            this.state.set(next);
        }
    }
}

/// Reads a body to its end.
fn collect<B>(
    mut body: Pin<&mut B>,
    collected: &mut BytesMut,
    exchange: &mut Exchange,
    context: &mut Context<'_>,
) -> Poll<Result<(), Refusal>>
where
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    loop {
        match ready!(body.as_mut().poll_frame(context)) {
            None => return Poll::Ready(Ok(())),
            Some(Err(error)) => {
                let message = "the request body could not be read".to_owned();
                let unread = Refusal { kind: RefusalKind::Malformed, message };
                let over = is_over_limit(&*error.into());
                return Poll::Ready(Err(if over { too_large() } else { unread }));
            }
            Some(Ok(frame)) => {
                // Trailers of a request have no meaning for the endpoints.
                let Ok(data) = frame.into_data() else { continue };
                if collected.len() + data.len() > exchange.body_cap() {
                    return Poll::Ready(Err(too_large()));
                }
                collected.extend_from_slice(&data);
                if let Err(no_room) = exchange.hold(grown(collected.capacity())) {
                    return Poll::Ready(Err(match no_room {
                        NoRoom::Now => overloaded(),
                        NoRoom::Ever => too_large(),
                    }));
                }
            }
        }
    }
}

/// Whether a limit outside of the layer stopped the body.
fn is_over_limit(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut causes = std::iter::successors(Some(error), |error| error.source());
    causes.any(|cause| cause.is::<LengthLimitError>())
}

/// Applies the plan to a request that has been read, and has the inner service answer it.
fn forward<S, B, R>(
    mut exchange: Box<Exchange>,
    mut parts: request::Parts,
    mut inner: S,
    collected: Result<Bytes, Refusal>,
) -> State<S, B, R, S::Future>
where
    S: Service<Request<RequestBody<B>>>,
    B: Body,
{
    let prepared = collected
        .map_err(|refusal| Box::new(Refused::new(refusal)))
        .and_then(|body| exchange.prepare(&mut parts, body));
    match prepared {
        Ok(body) => {
            let request = Request::from_parts(parts, RequestBody::whole(body));
            State::Answering { future: inner.call(request), exchange: Some(exchange) }
        }
        Err(refused) => State::Refused { exchange: Some(exchange), refused: Some(*refused) },
    }
}

impl<S, B, R> std::fmt::Debug for ResponseFuture<S, B, R>
where
    S: Service<Request<RequestBody<B>>>,
    B: Body,
{
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}
