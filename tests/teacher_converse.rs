//! The embedded upstream's Converse: the same whole and streamed, signatures that it checks, errors by name.

#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "Clippy takes functions for tests by their attribute only"
)]

use bytes::Bytes;
use guilloche::teacher::Teacher;
use guilloche::wire::framing::{Event, Framing, Splitter};
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use serde_json::{Value, json};
use tower::ServiceExt;

const CHAIN: &str =
    "Maria has 12 apples, buys 5 more and then eats 4 apples. How many apples does she have?";

async fn send(model: &str, asks: &str, body: &Value) -> Response<Bytes> {
    let path = format!("/model/{model}/{asks}");
    let request = Request::post(path).body(Full::<Bytes>::from(body.to_string())).unwrap();
    let (head, body) = Teacher::default().oneshot(request).await.unwrap().into_parts();
    Response::from_parts(head, body.collect().await.unwrap().to_bytes())
}

/// The blocks that the events of a stream come to, and what is said beside them.
fn added_up(stream: Bytes) -> (Vec<Value>, Value) {
    let mut splitter = Splitter::new(Framing::AwsEventStream, 1 << 20);
    splitter.push(stream);
    let (mut blocks, mut told) = (Vec::<Value>::new(), json!({}));
    while let Some(raw) = splitter.next_event().unwrap() {
        let event = Event::parse(Framing::AwsEventStream, &raw);
        let said: Value = serde_json::from_slice(&event.payload().unwrap()).unwrap();
        assert!(said["p"].is_string());
        match std::str::from_utf8(event.kind().unwrap()).unwrap() {
            "contentBlockStart" => blocks.push(said["start"].clone()),
            "contentBlockDelta" => {
                let at = usize::try_from(said["contentBlockIndex"].as_u64().unwrap()).unwrap();
                if at == blocks.len() {
                    blocks.push(json!({}));
                }
                let block = blocks.get_mut(at).unwrap();
                for path in [
                    "/text",
                    "/reasoningContent/text",
                    "/reasoningContent/signature",
                    "/toolUse/input",
                ] {
                    let Some(piece) = said["delta"].pointer(path).and_then(Value::as_str) else {
                        continue;
                    };
                    let before = block[path].as_str().unwrap_or_default().to_owned();
                    block[path] = (before + piece).into();
                }
            }
            "contentBlockStop" => {}
            _ => {
                for name in ["role", "stopReason", "usage", "metrics"] {
                    if !said[name].is_null() {
                        told[name] = said[name].clone();
                    }
                }
            }
        }
    }
    assert!(splitter.take_rest().is_empty());
    (blocks, told)
}

// Break it: cut a block in other places than its pieces, or number blocks anew.
#[tokio::test]
async fn an_answer_is_the_same_whole_and_streamed() {
    let tools = json!({"tools": [{"toolSpec": {"name": "calculate", "description": "Evaluates.",
        "inputSchema": {"json": {"type": "object", "properties": {"expression": {"type": "string"}},
        "required": ["expression"]}}}}]});
    for (model, config, tools) in [
        ("teacher-large", json!({}), Value::Null),
        ("teacher-large", json!({}), tools),
        ("teacher-large", json!({"maxTokens": 12}), Value::Null),
        ("teacher-small%3Aplain", json!({"stopSequences": ["apples"]}), Value::Null),
    ] {
        let body = json!({"messages": [{"role": "user", "content": [{"text": CHAIN}]}],
            "inferenceConfig": config, "toolConfig": tools});
        let whole: Value =
            serde_json::from_slice(send(model, "converse", &body).await.body()).unwrap();
        let streamed = send(model, "converse-stream", &body).await;
        assert_eq!(streamed.headers()["content-type"], "application/vnd.amazon.eventstream");
        let (blocks, told) = added_up(streamed.into_body());
        let message = &whole["output"]["message"];
        for (block, piecewise) in message["content"].as_array().unwrap().iter().zip(&blocks) {
            let thought = &block["reasoningContent"]["reasoningText"];
            assert_eq!(block["text"], piecewise["/text"]);
            assert_eq!(thought["text"], piecewise["/reasoningContent/text"]);
            assert_eq!(thought["signature"], piecewise["/reasoningContent/signature"]);
            assert_eq!(block["toolUse"]["toolUseId"], piecewise["toolUse"]["toolUseId"]);
            if let Some(input) = piecewise["/toolUse/input"].as_str() {
                let input: Value = serde_json::from_str(input).unwrap();
                assert_eq!(block["toolUse"]["input"], input);
            }
        }
        assert_eq!(message["content"].as_array().unwrap().len(), blocks.len());
        assert_eq!(message["role"], told["role"]);
        for name in ["stopReason", "usage", "metrics"] {
            assert_eq!(whole[name], told[name], "{name}");
        }
    }
}

#[tokio::test]
async fn reasoning_that_was_altered_is_refused_by_name() {
    let question = json!({"role": "user", "content": [{"text": CHAIN}]});
    let body = json!({ "messages": [question] });
    let whole: Value =
        serde_json::from_slice(send("teacher-large", "converse", &body).await.body()).unwrap();
    let mut said = whole["output"]["message"].clone();
    for (text, status) in [(None, 200), (Some(""), 200), (Some("other"), 400)] {
        if let Some(text) = text {
            said["content"][0]["reasoningContent"]["reasoningText"]["text"] = text.into();
        }
        let body = json!({ "messages": [question, said, question] });
        let answer = send("teacher-large", "converse", &body).await;
        assert_eq!(answer.status(), status, "{text:?}");
        let kind = answer.headers().get("x-amzn-errortype");
        assert_eq!(kind.is_some_and(|it| it == "ValidationException"), status == 400);
    }
    let unknown = send("none", "converse", &body).await;
    assert_eq!(unknown.status(), 404);
    assert_eq!(unknown.headers()["x-amzn-errortype"], "ResourceNotFoundException");
    let told: Value = serde_json::from_slice(unknown.body()).unwrap();
    assert!(told["message"].is_string());
}
