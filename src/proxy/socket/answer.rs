//! One response of a WebSocket: a request to the stack, and the events of its answer as messages.

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderValue, Request, Response, request};
use http_body::Body;
use http_body_util::{BodyExt, Limited};
use serde_json::{Value, json};

use super::body::MessageBody;
use super::message;
use super::outbox::{NotSent, Outbox};
use crate::upstream::BoxError;
use crate::wire::framing::{Event, Framing, Splitter};

/// Bytes of an event, and of an answer that is no stream.
const LONGEST: usize = 16 << 20;

/// The events behind which a response says nothing more.
const LAST: [&str; 4] = ["response.completed", "response.failed", "response.incomplete", "error"];

/// The request that a message stands for, with the head that all of its WebSocket have.
pub(super) fn request(head: &request::Parts, body: MessageBody) -> Request<MessageBody> {
    let length = HeaderValue::from(body.len());
    let mut request = Request::from_parts(head.clone(), body);
    let headers = request.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(ACCEPT, HeaderValue::from_static("text/event-stream"));
    headers.insert(CONTENT_LENGTH, length);
    request
}

/// Sends what an answer says; ends early if nobody listens any more.
pub(in crate::proxy) async fn tell<B>(response: Response<B>, lane: Option<&str>, messages: &Outbox)
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    let status = response.status();
    let media_type = response.headers().get(CONTENT_TYPE).map(HeaderValue::as_bytes);
    let streams = media_type.is_some_and(|it| it.starts_with(b"text/event-stream"));
    if status.is_success() && streams {
        return tell_events(response.into_body(), lane, messages).await;
    }
    let body = Limited::new(response.into_body(), LONGEST).collect().await;
    let document: Option<Value> =
        body.ok().and_then(|body| serde_json::from_slice(&body.to_bytes()).ok());
    let message = match document {
        // An upstream that does not stream.
        Some(response) if status.is_success() => {
            let event = json!({ "type": "response.completed", "response": response });
            message::event(&event.to_string(), lane)
        }
        Some(mut body) if body.get("error").is_some_and(Value::is_object) => {
            let error = body.get_mut("error").map(Value::take).unwrap_or_default();
            message::error(status.as_u16(), &error, lane)
        }
        _ => failed(status.as_u16(), lane),
    };
    if messages.put(message).await == Err(NotSent::NoRoom) {
        tell_failed(503, lane, messages).await;
    }
}

async fn tell_events<B>(mut body: B, lane: Option<&str>, messages: &Outbox)
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    let mut splitter = Splitter::new(Framing::Sse, LONGEST);
    let mut is_over = false;
    while let Some(Ok(frame)) = body.frame().await {
        let Ok(data) = frame.into_data() else { continue };
        splitter.push(data);
        loop {
            let event = match splitter.next_event() {
                Ok(Some(event)) => event,
                Ok(None) => break,
                Err(_) => {
                    return tell_failed(502, lane, messages).await;
                }
            };
            let event = Event::parse(Framing::Sse, &event);
            let payload = event.payload();
            let Some(text) = payload.as_deref().and_then(|it| std::str::from_utf8(it).ok()) else {
                continue;
            };
            if !text.starts_with('{') {
                continue;
            }
            let kind = event.kind().and_then(|kind| std::str::from_utf8(kind).ok());
            is_over |= kind.is_some_and(|kind| LAST.contains(&kind));
            match messages.put(message::event(text, lane)).await {
                Ok(()) => {}
                Err(NotSent::NoRoom) => return tell_failed(503, lane, messages).await,
                Err(NotSent::Left) => return,
            }
        }
    }
    // Whatever ended it, a client that is told nothing would wait for the rest.
    if !is_over {
        tell_failed(502, lane, messages).await;
    }
}

async fn tell_failed(status: u16, lane: Option<&str>, messages: &Outbox) {
    // It is short; else nobody listens any more.
    let _ = messages.put(failed(status, lane)).await;
}

/// There is no answer, or no rest of one.
fn failed(status: u16, lane: Option<&str>) -> String {
    let error = json!({
        "type": "server_error", "code": "server_error", "param": null,
        "message": "The model server failed in the middle of its answer.",
    });
    message::error(status, &error, lane)
}
