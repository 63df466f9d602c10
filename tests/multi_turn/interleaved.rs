//! An upstream that thinks between its texts and binds each thought to all that stands before it,
//! texts of the same answer included.

use bytes::Bytes;
use guilloche::layer::{DefenseLayer, RequestBody};
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use serde_json::{Value, json};
use tower::{Layer, ServiceExt, service_fn};

use crate::talk::{MESSAGES, caller, marks, policy};

const TEXTS: [&str; 2] = [
    "It is a good idea to begin with this. In addition, there are others such as that.",
    "These are some of the tools that you need. In addition, they are free to use.",
];

/// What a thought is bound to: all texts and thoughts before it.
fn signature(before: &[Value]) -> String {
    blake3::hash(Value::from(before).to_string().as_bytes()).to_hex().to_string()
}

/// Answers a request, or refuses it: a thought stands behind other texts than it was signed behind.
fn answer(request: &Value) -> Result<Value, String> {
    let mut before: Vec<Value> = Vec::new();
    for message in request["messages"].as_array().unwrap() {
        for block in message["content"].as_array().unwrap() {
            if block["type"] == "thinking" && block["signature"] != json!(signature(&before)) {
                return Err("`thinking` block is bound to a different conversation".to_owned());
            }
            before.push(block.clone());
        }
    }
    let mut content = Vec::new();
    for text in TEXTS {
        let thinking =
            json!({"type": "thinking", "thinking": "Hm.", "signature": signature(&before)});
        let text = json!({"type": "text", "text": text});
        before.extend([thinking.clone(), text.clone()]);
        content.extend([thinking, text]);
    }
    Ok(json!({"id": "msg_1", "type": "message", "role": "assistant", "content": content}))
}

/// The statuses of three turns of one conversation, and whether words of it were exchanged.
async fn converse(multi_turn: &str, account: &str) -> (Vec<u16>, bool) {
    let upstream = service_fn(|request: Request<RequestBody<Full<Bytes>>>| async move {
        let body = request.into_body().collect().await?.to_bytes();
        let response = Response::builder().header("content-type", "application/json");
        let answered = answer(&serde_json::from_slice(&body).unwrap());
        Ok::<_, std::convert::Infallible>(match answered {
            Ok(message) => response.body(Full::from(message.to_string())).unwrap(),
            Err(error) => response.status(400).body(Full::from(error)).unwrap(),
        })
    });
    let layer = DefenseLayer::builder(policy(multi_turn)).marks(marks()).build().unwrap();
    let defended = layer.layer(upstream);
    let mut messages: Vec<Value> = Vec::new();
    let (mut statuses, mut marked) = (Vec::new(), false);
    for turn in 0..3 {
        let question = format!("Question {turn}");
        messages.push(json!({"role": "user", "content": [{"type": "text", "text": question}]}));
        let body = json!({"model": "m", "max_tokens": 9, "messages": messages}).to_string();
        let request = Request::post(MESSAGES).extension(caller(account, 0.9));
        let request = request.body(Full::from(body)).unwrap();
        let response = defended.clone().oneshot(request).await.unwrap();
        statuses.push(response.status().as_u16());
        if response.status() != 200 {
            break;
        }
        let answer = response.into_body().collect().await.unwrap().to_bytes();
        let answer: Value = serde_json::from_slice(&answer).unwrap();
        let mut texts = TEXTS.into_iter();
        for block in answer["content"].as_array().unwrap() {
            marked |= block["type"] == "text" && block["text"] != json!(texts.next().unwrap());
        }
        messages.push(json!({"role": "assistant", "content": answer["content"]}));
    }
    (statuses, marked)
}

#[tokio::test]
async fn thinking_between_texts_is_what_an_unrestored_mark_breaks() {
    let mut exchanged = 0;
    for account in ["a", "b", "c", "d"] {
        let (statuses, marked) = converse("restore", account).await;
        assert_eq!(statuses, [200; 3]);
        exchanged += u64::from(marked);
        let (statuses, also_marked) = converse("mark", account).await;
        assert_eq!(marked, also_marked);
        if marked {
            assert_eq!(statuses, [200, 400]);
        }
        assert_eq!(converse("skip", account).await, (vec![200; 3], false));
    }
    assert!(exchanged > 1);
}
