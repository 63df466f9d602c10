//! The way of one request, up to the head of its answer.

mod steps;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_LENGTH, HeaderValue};
use http::{Request, Response, request};
use http_body::Body;
use http_body_util::LengthLimitError;
use pin_project_lite::pin_project;
use tokio::time::Instant;
use tower_service::Service;

use super::admission::Pending;
use super::arrival::{Arrival, Later, Way};
use super::body::DefenseBody;
use super::budget::{NoRoom, grown};
use super::error::BoxError;
use super::exchange::{Exchange, ReadRequest, Undecided};
use super::hook::Watch;
use super::late::Late;
use super::refusal::{overloaded, too_large, too_slow};
use super::refused::Refused;
use super::repeating::Repeating;
use super::request_body::RequestBody;
use super::shared::{Live, Shared};
use crate::audit::Outcome;
use crate::ready::Waiting;
use crate::risk::Assessment;
use crate::wire::{Refusal, RefusalKind};

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
        /// Somebody is asked who sent the request.
        Assessing { waiting: Waiting<Assessment>, arrived: Option<Box<Arrived<S, B>>> },
        /// The request is being read.
        Collecting { #[pin] body: B, collected: BytesMut, late: Late, rest: Option<Rest<S>> },
        /// It was read, and a store is asked whether it may go on.
        Admitting { admitting: Option<Box<Admitting<S>>> },
        /// It is being read only for what it repeats.
        Repeating { repeated: Option<Box<Repeated<S, B>>> },
        /// The inner service is answering; without an exchange, nothing is done to its answer.
        Answering { #[pin] future: F, exchange: Option<Box<Exchange>>, watch: Option<Watch> },
        /// The head of the answer waits for its body.
        Deciding { deciding: Option<Box<(Response<DefenseBody<R>>, Undecided)>>, announced: bool },
        /// The layer answers.
        Refused { exchange: Option<Box<Exchange>>, refused: Option<Refused> },
    }
}

/// What waits for a body that is read only for what it repeats.
struct Repeated<S, B> {
    repeating: Box<Repeating<B>>,
    /// `None` if the caller has reached no grade.
    exchange: Option<Box<Exchange>>,
    /// What makes one of it, if its answer turns out to be guarded.
    later: Option<Later>,
    parts: request::Parts,
    /// The instance that is ready to take the request.
    inner: S,
    watch: Option<Watch>,
}

/// What waits for an assessment.
struct Arrived<S, B> {
    arrival: Arrival<S, B>,
    shared: Arc<Shared>,
    /// What was pinned when the request arrived.
    live: Arc<Live>,
}

/// What waits for a store.
struct Admitting<S> {
    pending: Pending,
    read: ReadRequest,
    rest: Rest<S>,
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
    pub(super) fn new(way: Way<S, B>) -> Self {
        Self { state: State::of(way) }
    }

    /// It is not known yet who sent the request.
    pub(super) fn assessing(
        waiting: Waiting<Assessment>,
        mut arrival: Arrival<S, B>,
        shared: Arc<Shared>,
        live: Arc<Live>,
    ) -> Self {
        arrival.since = Some(Instant::now());
        let arrived = Some(Box::new(Arrived { arrival, shared, live }));
        Self { state: State::Assessing { waiting, arrived } }
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
                StateProjection::Answering { future, exchange, watch } => {
                    if let Some(exchange) = exchange {
                        exchange.poll_observed(context);
                    }
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
                            let mut watch = watch.take();
                            if let Some(watch) = &mut watch {
                                watch.answered(response.status().as_u16());
                            }
                            Ok(response.map(|body| DefenseBody::passed(body, watch)))
                        }
                        (Err(error), exchange) => {
                            if let Some(exchange) = exchange {
                                exchange.failed();
                            }
                            if let Some(watch) = watch {
                                watch.end(Outcome::UpstreamError);
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
                    let Some(rest) = rest.take() else { return Poll::Pending };
                    let collected = std::mem::take(collected).freeze();
                    State::read(rest, outcome.map(|()| collected))
                }
                StateProjection::Assessing { waiting, arrived } => {
                    let assessment = ready!(waiting.as_mut().poll(context));
                    let Some(arrived) = arrived.take() else { return Poll::Pending };
                    let Arrived { arrival, shared, live } = *arrived;
                    State::of(arrival.decide(&shared, live, assessment))
                }
                StateProjection::Admitting { admitting } => {
                    let Some(waiting) = admitting else { return Poll::Pending };
                    let (outcome, reserved) = ready!(waiting.pending.poll(context));
                    let Some(admitting) = admitting.take() else { return Poll::Pending };
                    let Admitting { read, mut rest, .. } = *admitting;
                    match rest.exchange.admitted(outcome, reserved) {
                        Ok(()) => State::admitted(rest, read),
                        Err(refused) => State::refused(rest.exchange, *refused),
                    }
                }
                StateProjection::Repeating { repeated } => {
                    let Some(reading) = repeated else { return Poll::Pending };
                    let read = ready!(reading.repeating.poll_read(context));
                    let Some(repeated) = repeated.take() else { return Poll::Pending };
                    let Repeated {
                        repeating,
                        mut exchange,
                        later,
                        mut parts,
                        mut inner,
                        mut watch,
                    } = *repeated;
                    let (body, restored, guard) = repeating.restore(read, &mut parts.headers);
                    if let Some(later) = later.filter(|_| guard.is_some()) {
                        let made = exchange.insert(later(&parts));
                        made.watch(watch.take());
                    }
                    let copy = exchange.as_mut().and_then(|exchange| {
                        exchange.restored(restored);
                        exchange.guard_opened(guard, &mut parts.headers);
                        exchange.observe(&parts.headers)
                    });
                    let future = inner.call(Request::from_parts(parts, body.copied(copy)));
                    State::Answering { future, exchange, watch }
                }
                StateProjection::Deciding { deciding, announced } => {
                    let Some(waiting) = deciding.as_mut() else { return Poll::Pending };
                    let decided = ready!(waiting.0.body_mut().poll_decided(context));
                    let Some((mut response, undecided)) = deciding.take().map(|waiting| *waiting)
                    else {
                        return Poll::Pending;
                    };
                    if let Some(head) = response.body_mut().take_head() {
                        response = Response::from_parts(*head, response.into_body());
                    }
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

impl<S, B, R> std::fmt::Debug for ResponseFuture<S, B, R>
where
    S: Service<Request<RequestBody<B>>>,
    B: Body,
{
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}
