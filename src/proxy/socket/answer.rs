//! One response of a WebSocket: a request to the stack, and the events of its answer as messages.

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderValue, Request, Response, StatusCode, request};
use http_body::Body;
use http_body_util::BodyExt;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::body::MessageBody;
use super::message;
use super::outbox::{NotSent, Outbox, SHORT};
use crate::layer::Held;
use crate::upstream::BoxError;
use crate::wire::framing::{Event, Framing, Splitter};

/// Bytes of an event, and of an answer that is no stream.
const LONGEST: usize = 16 << 20;
/// Bytes of an error.
const LONGEST_ERROR: usize = 1 << 20;

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
    let mut held = messages.room();
    let document = match collected(response.into_body(), &mut held).await {
        Ok(document) => document,
        Err(NoRoomFor) => return tell_failed(503, lane, messages).await,
    };
    let message = match document.as_deref() {
        // An upstream that does not stream.
        Some(document) if status.is_success() => completed(document, lane),
        Some(document) if document.len() <= LONGEST_ERROR => refusal(document, status, lane),
        _ => None,
    };
    drop((document, held));
    let message = message.unwrap_or_else(|| failed(status.as_u16(), lane));
    if messages.put(message).await == Err(NotSent::NoRoom) {
        tell_failed(503, lane, messages).await;
    }
}

/// There is no room for what comes.
struct NoRoomFor;

/// A document, held as it comes; `None` if it breaks off or is too long.
async fn collected<B>(mut body: B, held: &mut Held) -> Result<Option<Vec<u8>>, NoRoomFor>
where
    B: Body<Data = Bytes> + Unpin,
{
    let mut document = Vec::new();
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else { return Ok(None) };
        let Ok(data) = frame.into_data() else { continue };
        if document.len() + data.len() > LONGEST {
            return Ok(None);
        }
        // The event that it becomes is as long, and is made before this goes.
        held.resize(counted(2 * (document.len() + data.len()))).map_err(|_| NoRoomFor)?;
        document.extend_from_slice(&data);
    }
    Ok(Some(document))
}

/// Bytes that are counted where so many are held.
fn counted(bytes: usize) -> usize {
    if bytes < SHORT { 0 } else { bytes }
}

/// The last event of a response that came as a document, which stands in it as it is.
fn completed(document: &[u8], lane: Option<&str>) -> Option<String> {
    let response: &RawValue = serde_json::from_slice(document).ok()?;
    let event = format!(r#"{{"type":"response.completed","response":{}}}"#, response.get());
    Some(message::event(&event, lane))
}

/// An error that came as a document.
fn refusal(document: &[u8], status: StatusCode, lane: Option<&str>) -> Option<String> {
    let mut document: Value = serde_json::from_slice(document).ok()?;
    let error = document.get_mut("error").filter(|error| error.is_object())?.take();
    Some(message::error(status.as_u16(), &error, lane))
}

async fn tell_events<B>(mut body: B, lane: Option<&str>, messages: &Outbox)
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    let mut splitter = Splitter::new(Framing::Sse, LONGEST);
    let (mut is_over, mut held) = (false, messages.room());
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
        // An event that is not whole.
        if held.resize(counted(splitter.held())).is_err() {
            return tell_failed(503, lane, messages).await;
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

#[cfg(test)]
mod tests {
    use futures_util::stream;
    use http_body::Frame;
    use http_body_util::StreamBody;

    use super::*;
    use crate::layer::Room;

    /// The first that is told of an answer that comes in these pieces.
    async fn told(media_type: &str, pieces: Vec<Bytes>, room: usize) -> String {
        let (outbox, mut unsent) = Outbox::new(Room::of(room));
        let frames = pieces.into_iter().map(|piece| Ok::<_, BoxError>(Frame::data(piece)));
        let response = Response::builder().header(CONTENT_TYPE, media_type);
        let response = response.body(StreamBody::new(stream::iter(frames))).unwrap();
        tell(response, None, &outbox).await;
        unsent.recv().await.unwrap().text
    }

    /// Fails when what has come of an event or of a document is held outside of what may be held.
    #[tokio::test(start_paused = true)]
    async fn an_answer_that_is_not_whole_is_held_as_it_comes() {
        for (media_type, begins) in
            [("text/event-stream", "data: {\"a\":\""), ("application/json", "{\"a\":\"")]
        {
            let piece = |_| Bytes::from(vec![b'x'; 20 << 10]);
            let pieces = [Bytes::from(begins)].into_iter().chain((0..8).map(piece)).collect();
            let told = told(media_type, pieces, 64 << 10).await;
            assert!(told.contains("\"status\":503"), "{media_type}: {told:.200}");
        }
    }

    /// Fails when a document is written anew.
    #[tokio::test(start_paused = true)]
    async fn a_document_stands_in_its_event_as_it_came() {
        let document = "{ \"id\" : \"r\",\n \"n\" : 1.0, \"n\" : 2 }";
        let (one, other) = document.split_at(9);
        let pieces = vec![Bytes::from(one.to_owned()), Bytes::from(other.to_owned())];
        let told = told("application/json", pieces, 64 << 10).await;
        assert!(told.contains(document) && told.contains("response.completed"), "{told}");
    }
}
