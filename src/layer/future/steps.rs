//! From one state of a request to the next.

use bytes::{Bytes, BytesMut};
use http::header::UPGRADE;
use http::{Request, request};
use http_body::Body;
use tower_service::Service;

use super::{Admitting, Repeated, Rest, State};
use crate::layer::arrival::Way;
use crate::layer::exchange::{Exchange, ReadRequest};
use crate::layer::late::Late;
use crate::layer::refusal::without_websocket;
use crate::layer::refused::Refused;
use crate::layer::repeating::Repeating;
use crate::layer::request_body::RequestBody;
use crate::layer::socket::CarriesAnswers;
use crate::wire::{Refusal, asks_for_websocket};

impl<S, B, R> State<S, B, R, S::Future>
where
    S: Service<Request<RequestBody<B>>>,
    B: Body,
{
    pub(super) fn of(way: Way<S, B>) -> Self {
        match way {
            Way::Untouched { parts, body, mut inner, watch } => {
                let future = inner.call(Request::from_parts(parts, RequestBody::original(body)));
                Self::Answering { future, exchange: None, watch }
            }
            Way::Repeating { repeating, later, parts, inner, watch } => {
                let repeated = Repeated { repeating, exchange: None, later, parts, inner, watch };
                Self::Repeating { repeated: Some(Box::new(repeated)) }
            }
            Way::Decided { exchange, parts, body, inner } => {
                Self::decided(exchange, parts, body, inner)
            }
        }
    }

    /// A caller who has reached a grade.
    fn decided(
        mut exchange: Box<Exchange>,
        mut parts: request::Parts,
        body: B,
        mut inner: S,
    ) -> Self {
        // A protocol switched to would not pass through here.
        let keeps_protocol = exchange.keeps_protocol();
        let websocket = (keeps_protocol && asks_for_websocket(&parts)).then(without_websocket);
        let carries = parts.extensions.remove::<CarriesAnswers>().is_some();
        if keeps_protocol {
            parts.headers.remove(UPGRADE);
        }
        let unknown = exchange.refuse_unknown_way();
        if let Some(refusal) = exchange.refuse_by_head(&parts.headers).or(unknown) {
            return Self::refused(exchange, Refused::new(refusal));
        }
        if let Some(refusal) = websocket {
            if carries {
                exchange.leave_to_front();
            }
            return Self::refused(exchange, Refused::new(refusal));
        }
        if exchange.acts() {
            if let Err(refused) = exchange.admit_by_head(&parts.headers) {
                return Self::refused(exchange, *refused);
            }
            let late = Late::after(exchange.body_time());
            let rest = Some(Rest { exchange, parts, inner });
            return Self::Collecting { body, collected: BytesMut::new(), late, rest };
        }
        if let Err(refused) = exchange.recall(&mut parts) {
            return Self::refused(exchange, *refused);
        }
        let cap = exchange.body_cap();
        let late = Late::after(exchange.body_time());
        let held = exchange.holding();
        if let Some((history, asked)) = exchange.known_history(&parts.headers) {
            let repeating = Box::new(Repeating::new(history, asked, body, cap, late, held));
            let exchange = Some(exchange);
            let repeated = Repeated { repeating, exchange, later: None, parts, inner, watch: None };
            return Self::Repeating { repeated: Some(Box::new(repeated)) };
        }
        let copy = exchange.observe(&parts.headers);
        let request = Request::from_parts(parts, RequestBody::original(body).copied(copy));
        Self::Answering { future: inner.call(request), exchange: Some(exchange), watch: None }
    }

    /// Admits a request whose body has come, or has failed to.
    pub(super) fn read(rest: Rest<S>, collected: Result<Bytes, Refusal>) -> Self {
        let Rest { mut exchange, parts, inner } = rest;
        let read = collected
            .map_err(|refusal| Box::new(Refused::new(refusal)))
            .and_then(|body| exchange.read(&parts, body));
        let (read, admitted) = match read {
            Ok(read) => {
                let admitted = exchange.admit(read.estimate);
                (read, admitted)
            }
            Err(refused) => return Self::refused(exchange, *refused),
        };
        let rest = Rest { exchange, parts, inner };
        match admitted {
            Ok(None) => Self::admitted(rest, read),
            Ok(Some(pending)) => {
                let admitting = Some(Box::new(Admitting { pending, read, rest }));
                Self::Admitting { admitting }
            }
            Err(refused) => Self::refused(rest.exchange, *refused),
        }
    }

    /// Applies the plan to a request, and has the inner service answer it.
    pub(super) fn admitted(rest: Rest<S>, read: ReadRequest) -> Self {
        let Rest { mut exchange, mut parts, mut inner } = rest;
        match exchange.apply(&mut parts, read) {
            Ok(body) => {
                let request = Request::from_parts(parts, RequestBody::whole(body));
                Self::Answering {
                    future: inner.call(request),
                    exchange: Some(exchange),
                    watch: None,
                }
            }
            Err(refused) => Self::refused(exchange, *refused),
        }
    }

    pub(super) fn refused(exchange: Box<Exchange>, refused: Refused) -> Self {
        Self::Refused { exchange: Some(exchange), refused: Some(refused) }
    }
}
