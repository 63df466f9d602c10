//! The embedded upstream, driven through its service without a socket.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    reason = "the helpers below are test code, which clippy only sees inside test functions"
)]

mod dialects;
mod problems;
mod protocols;
mod serving;
mod together;

use futures_util::{StreamExt, stream};
use guilloche::teacher::{Teacher, TeacherBody};
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use serde_json::{Value, json};
use tower::ServiceExt;

const PROBLEM: &str =
    "Maria has 12 apples. She buys 5 more, then gives half of her apples to Tom... no, wait.";
const CHAIN: &str = "Maria has 12 apples. She buys 6 more. Then she gives 3 apples to Tom and doubles the number of apples. \
    She shares all the apples equally among 5 friends. How many apples does each friend get?";
const DIALECTS: &[&str] = &[
    "teacher-large",
    "teacher-large:reasoning",
    "teacher-large:think",
    "teacher-large:think-open",
    "teacher-large:details",
    "teacher-large:mistral",
    "teacher-large:plain",
    "teacher-small",
];

pub(crate) async fn send(teacher: &Teacher, path: &str, body: &Value) -> Response<TeacherBody> {
    let request = Request::post(path).body(Full::<bytes::Bytes>::from(body.to_string())).unwrap();
    teacher.clone().oneshot(request).await.unwrap()
}

pub(crate) async fn bytes(response: Response<TeacherBody>) -> Vec<u8> {
    response.into_body().collect().await.unwrap().to_bytes().to_vec()
}

pub(crate) async fn document(teacher: &Teacher, path: &str, body: &Value) -> Value {
    serde_json::from_slice(&bytes(send(teacher, path, body).await).await).unwrap()
}

/// What the events of a stream say.
pub(crate) async fn values(teacher: &Teacher, path: &str, body: &Value) -> Vec<Value> {
    let events = events(teacher, path, body).await;
    events.iter().map(|(_, data)| serde_json::from_str(data).unwrap()).collect()
}

/// Events as an independent decoder reads them.
pub(crate) async fn events(
    teacher: &Teacher,
    path: &str,
    body: &Value,
) -> Vec<(Option<String>, String)> {
    let mut body = body.clone();
    body["stream"] = json!(true);
    let bytes = bytes(send(teacher, path, &body).await).await;
    let chunks =
        stream::iter([Ok::<_, std::io::Error>(http_body::Frame::data(bytes::Bytes::from(bytes)))]);
    let events = sse_stream::SseStream::new(http_body_util::StreamBody::new(chunks));
    events
        .map(|event| event.map(|event| (event.event, event.data.unwrap_or_default())).unwrap())
        .collect()
        .await
}

pub(crate) fn chat(model: &str, content: &str) -> Value {
    json!({"model": model, "messages": [{"role": "user", "content": content}]})
}

pub(crate) fn message(model: &str, content: &str) -> Value {
    json!({"model": model, "max_tokens": 4000, "messages": [{"role": "user", "content": content}]})
}
