//! Responses over a WebSocket, for callers for whom something is done.
//!
//! A client opens one connection at the endpoint of Responses and asks for each response by a message
//! `response.create`, which is the body of the request that it would post
//! ([WebSocket mode](https://developers.openai.com/api/docs/guides/websocket-mode)). Callers to whom
//! nothing is done are connected to the upstream, byte for byte. For the others the proxy is the server
//! of the WebSocket: it posts each message to the stack behind as a request of its own, with the caller
//! who was known when the connection was opened, and sends the events of the answer as messages. So
//! each response is decided about, limited, rewritten, refused and recorded by itself, as over HTTP, and
//! an upstream that knows no WebSockets serves as well as one that does. What a client has sent and the
//! stack has not taken, and what waits for a client that does not read, is held within the bound on what
//! all requests and answers may hold.
//!
//! What an upstream keeps only as long as its own WebSocket lasts (`store = false`) cannot be continued
//! by `previous_response_id`: it answers, as it may at any time, that it does not find it, and clients
//! send the conversation whole.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use http::header::{
    CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY,
    SEC_WEBSOCKET_VERSION, UPGRADE,
};
use http::{HeaderValue, Method, Request, Response, StatusCode, request};
use hyper::upgrade::OnUpgrade;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use crate::layer::{AskedBy, CarriesAnswers, Room};
use crate::secret::opaque_debug;
use crate::wire::{OwnAnswer, ProtocolId, asks_for_websocket};

mod answer;
mod body;
mod frames;
mod incoming;
mod message;
mod outbox;
mod session;

pub(super) use answer::tell;
pub(super) use body::MessageBody;
pub(super) use session::{Asking, Session};

/// What a connection goes on as.
pub(super) struct Onward(pub(super) Pin<Box<dyn Future<Output = ()> + Send>>);

opaque_debug!(Onward);

/// How long a WebSocket lasts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// With no response under way and no message of the client's.
    pub(super) idle: Duration,
    /// In all.
    pub(super) total: Duration,
}

/// A WebSocket that was opened.
pub(super) struct Accepted {
    pub(super) client: OnUpgrade,
    /// The head of all its requests.
    pub(super) head: request::Parts,
    /// Where what it holds is counted.
    pub(super) room: Room,
}

/// A request for a WebSocket over which responses are asked for.
pub(super) struct Opening {
    /// The head that all requests of the WebSocket have.
    head: request::Parts,
    accept: HeaderValue,
    client: OnUpgrade,
}

impl Opening {
    /// What a request opens, if it does; the stack is told that it can be.
    pub(super) fn of<B>(request: &mut Request<B>, client: &OnUpgrade) -> Option<Self> {
        let path = request.uri().path();
        if ProtocolId::of_path(path) != Some(ProtocolId::Responses) {
            return None;
        }
        let (mut head, ()) = Request::new(()).into_parts();
        (head.method, head.uri) = (request.method().clone(), request.uri().clone());
        head.version = request.version();
        head.headers = request.headers().clone();
        let version = head.headers.get(SEC_WEBSOCKET_VERSION);
        if !asks_for_websocket(&head) || version.is_none_or(|version| version != "13") {
            return None;
        }
        let key = head.headers.get(SEC_WEBSOCKET_KEY)?.as_bytes();
        let accept = HeaderValue::try_from(derive_accept_key(key)).ok()?;
        head.extensions = request.extensions().clone();
        request.extensions_mut().insert(CarriesAnswers);
        Some(Self { head, accept, client: client.clone() })
    }

    /// Goes on as a WebSocket if the stack leaves that to its front, which the answer then says.
    pub(super) fn accepted<B>(self, answer: &mut Response<B>) -> Option<Accepted> {
        let asked_by: AskedBy = answer.extensions_mut().remove()?;
        answer.extensions_mut().remove::<OwnAnswer>();
        *answer.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        let headers = answer.headers_mut();
        for name in [CONTENT_TYPE, CONTENT_LENGTH] {
            headers.remove(name);
        }
        headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(SEC_WEBSOCKET_ACCEPT, self.accept);
        let mut head = self.head;
        let room = asked_by.room().clone();
        head.method = Method::POST;
        head.extensions.insert(asked_by);
        for name in message::OF_THE_OPENING {
            head.headers.remove(name);
        }
        Some(Accepted { client: self.client, head, room })
    }
}
