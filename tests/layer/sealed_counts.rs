//! Counts of tokens: the blobs in what is counted are left out on every endpoint that counts, and none opens,
//! since the count would tell how long the reasoning is.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use guilloche::risk::Assessment;
use serde_json::{Value, json};

use crate::support::{
    CHAT, CONVERSE, GEMINI, MESSAGES, PREFIX, RESPONSES, Script, World, caller, json as document,
    policy, request,
};

const THOUGHT: &str = "Sum of both, then once more.";

fn world() -> World {
    World::new(policy(
        "reasoning = { keep = \"none\", seal = { bucket = 256, in_strings = true } }",
    ))
}

fn alice(score: f64) -> Assessment {
    caller("alice", None, score)
}

/// What the model said, as the client of a protocol has it, by where it is in the answer.
async fn answered(world: &World, path: &str, asks: &Value, answer: &Value, at: &str) -> Value {
    let asked = request(alice(0.9), path, Script::whole(asks.to_string()));
    let got = world.exchange(asked, document(answer.to_string())).await.text();
    world.upstream.seen();
    assert!(got.contains(PREFIX), "{path}: {got}");
    serde_json::from_str::<Value>(&got).unwrap().pointer(at).unwrap().clone()
}

async fn sent(world: &World, path: &str, score: f64, body: &Value) -> Value {
    let asked = request(alice(score), path, Script::whole(body.to_string()));
    world.exchange(asked, document("{\"inputTokens\":9}")).await;
    let [seen]: [_; 1] = world.upstream.seen().try_into().unwrap();
    serde_json::from_str(&seen.text()).unwrap()
}

/// Each endpoint, what it is sent, and what its upstream should be.
async fn counted(world: &World) -> Vec<(&'static str, Value, Value)> {
    let user = json!({"role": "user", "content": "9 and 8?"});
    let thinking = json!({"type": "thinking", "thinking": THOUGHT, "signature": "c2ln"});
    let message = json!({"type": "message", "role": "assistant", "content": [thinking, {"type": "text", "text": "17"}]});
    let messages = json!({"model": "m", "max_tokens": 9, "messages": [user]});
    let content = answered(world, MESSAGES, &messages, &message, "/content").await;
    let anthropic = |content: Value| {
        json!({"max_tokens": 9, "anthropic_version": "bedrock-2023-05-31",
            "messages": [user, {"role": "assistant", "content": content}, user]})
    };
    let bare = json!([{"type": "text", "text": "17"}]);
    let (sealed, plain) = (anthropic(content), anthropic(bare));

    let asked = json!({"role": "user", "content": [{"text": "9 and 8?"}]});
    let reasoning =
        json!({"reasoningContent": {"reasoningText": {"text": THOUGHT, "signature": "c2ln"}}});
    let answer = json!({"output": {"message": {"role": "assistant", "content": [reasoning, {"text": "17"}]}}, "stopReason": "end_turn"});
    let converse = json!({"messages": [asked]});
    let content = answered(world, CONVERSE, &converse, &answer, "/output/message/content").await;
    let converse = |content: Value| json!({"messages": [asked, {"role": "assistant", "content": content}, asked]});
    let (of_amazon, without) = (converse(content), converse(json!([{"text": "17"}])));
    let wrapped = |it: &Value| json!({"input": {"converse": it}});
    let coded =
        |it: &Value| json!({"input": {"invokeModel": {"body": STANDARD.encode(it.to_string())}}});

    let asked = json!({"role": "user", "parts": [{"text": "9 and 8?"}]});
    let parts = json!([{"text": THOUGHT, "thought": true}, {"text": "17"}]);
    let answer = json!({"candidates": [{"content": {"role": "model", "parts": parts}, "finishReason": "STOP"}]});
    let path = GEMINI.replace("streamGenerateContent?alt=sse", "generateContent");
    let place = "/candidates/0/content/parts";
    let parts = answered(world, &path, &json!({"contents": [asked]}), &answer, place).await;
    let contents =
        |parts: Value| json!({"contents": [asked, {"role": "model", "parts": parts}, asked]});
    let (of_google, bare) = (contents(parts), contents(json!([{"text": "17"}])));
    let within = |it: &Value| json!({"generateContentRequest": it});

    let item = json!({"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "c2ln",
        "content": [{"type": "reasoning_text", "text": THOUGHT}]});
    let answer =
        json!({"id": "resp_1", "object": "response", "status": "completed", "output": [item]});
    let asked = json!({"model": "m", "input": [user]});
    let item = answered(world, RESPONSES, &asked, &answer, "/output/0").await;
    let input = |items: Value| json!({"model": "m", "input": items});

    let answer = json!({"choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant",
        "content": "17", "reasoning_content": THOUGHT}}]});
    let said = answered(
        world,
        CHAT,
        &json!({"model": "m", "messages": [user]}),
        &answer,
        "/choices/0/message",
    )
    .await;
    let chat = |said: Value| json!({"model": "m", "messages": [user, said, user]});
    let empty = json!({"role": "assistant", "content": "17", "reasoning_content": ""});

    vec![
        ("/v1/messages/count_tokens", sealed.clone(), plain.clone()),
        (
            "/v1/projects/p/locations/l/publishers/anthropic/models/count-tokens:rawPredict",
            sealed.clone(),
            plain.clone(),
        ),
        ("/model/m/count-tokens", wrapped(&of_amazon), wrapped(&without)),
        ("/model/m/count-tokens", coded(&sealed), coded(&plain)),
        ("/v1beta/models/m:countTokens", of_google.clone(), bare.clone()),
        ("/v1beta/models/m:countTokens", within(&of_google), within(&bare)),
        (
            "/v1/responses/input_tokens",
            input(json!([user, item, user])),
            input(json!([user, user])),
        ),
        ("/tokenize", chat(said), chat(empty)),
    ]
}

// Break it: look for blobs where the protocol itself has them only, or open them.
#[tokio::test(start_paused = true)]
async fn what_only_counts_is_sent_no_blob_and_nothing_that_was_in_one() {
    let world = world();
    for (path, body, expected) in counted(&world).await {
        for score in [0.1, 0.9] {
            assert_eq!(sent(&world, path, score, &body).await, expected, "{path}: {body}");
        }
    }
}

/// What cannot be read is nobody's to change.
#[tokio::test(start_paused = true)]
async fn what_stands_in_a_count_and_is_no_request_goes_on_as_it_came() {
    let world = world();
    for body in [
        json!({"input": {"converse": "hy3dlEhdpl31"}}),
        json!({"input": {"invokeModel": {"body": "hy3dlEhdpl31"}}}),
        json!({"input": {"invokeModel": {"body": STANDARD.encode("no JSON, hy3dlEhdpl31")}}}),
        json!({"input": {"invokeModel": {"body": [1, "hy3dlEhdpl31"]}}}),
        json!({"input": [{"converse": {}}], "x": "hy3dlEhdpl31"}),
    ] {
        for score in [0.1, 0.9] {
            assert_eq!(sent(&world, "/model/m/count-tokens", score, &body).await, body);
        }
    }
}
