//! Sealed reasoning over Converse, whose streams are binary messages, and over InvokeModel.

use guilloche::audit::Counter;
use guilloche::policy::Countermeasure;
use guilloche::risk::Assessment;
use guilloche::wire::framing::{Framing, Unframed};
use http::{Response, StatusCode};
use serde_json::{Value, json};

use crate::support::{
    CONVERSE, PREFIX, Script, World, caller, count, data, json as document, policy, read, request,
};

const SEAL: &str = "reasoning = { keep = \"none\", seal = { bucket = 256 } }";
const STREAM: &str = "/model/m/converse-stream";
const THOUGHT: &str = r#"Sum \"both\":\n9 \u00fc 8 😀 \ud83d\ude00 \/ 3\\4"#;
const PIECES: [&str; 4] =
    [r#"Sum \"both\":\n9 \u00fc "#, "8 😀 ", r#"\ud83d\ude00 "#, r#"\/ 3\\4"#];
const SIGNATURE: &str = "EqoBCkgIARABGAIiQL8rk+Zz/Yw==";
const CALL: &str = "{\"toolUse\":{\"toolUseId\":\"t1\",\"name\":\"add\",\"input\":{\"a\":9}}}";

fn world() -> World {
    World::new(policy(SEAL))
}

fn alice() -> Assessment {
    caller("alice", None, 0.9)
}

fn thinking(signature: Option<&str>) -> String {
    let signature = signature.map(|it| format!(",\"signature\":\"{it}\"")).unwrap_or_default();
    format!("{{\"reasoningContent\":{{\"reasoningText\":{{\"text\":\"{THOUGHT}\"{signature}}}}}}}")
}

const REDACTED: &str = "{\"reasoningContent\":{\"redactedContent\":\"EmwKAhgBEgy3va3p/ZIx\"}}";

fn message(blocks: &str) -> String {
    format!(
        "{{\"output\":{{\"message\":{{\"role\":\"assistant\",\"content\":[{blocks}]}}}},\
         \"stopReason\":\"tool_use\",\"usage\":{{\"inputTokens\":9,\"outputTokens\":40,\
         \"totalTokens\":49}}}}"
    )
}

fn blocks(message: &str) -> Vec<Value> {
    let value: Value = serde_json::from_str(message).unwrap();
    value["output"]["message"]["content"].as_array().unwrap().clone()
}

fn framed(kind: &'static str, payload: &str) -> Vec<u8> {
    let payload = payload.as_bytes().to_vec();
    Framing::AwsEventStream.frame(&Unframed { kind: Some(kind), payload, is_error: false })
}

fn delta(index: u32, delta: &str) -> Vec<u8> {
    framed(
        "contentBlockDelta",
        &format!("{{\"contentBlockIndex\":{index},\"delta\":{delta},\"p\":\"abc\"}}"),
    )
}

/// A thought in pieces, what a model has redacted, and the call of a tool.
fn events(signature: Option<&str>, pieces: &[&str]) -> Vec<u8> {
    let stop =
        |index: u32| framed("contentBlockStop", &format!("{{\"contentBlockIndex\":{index}}}"));
    let mut out = framed("messageStart", "{\"role\":\"assistant\"}");
    for piece in pieces {
        out.extend(delta(0, &format!("{{\"reasoningContent\":{{\"text\":\"{piece}\"}}}}")));
    }
    if let Some(signature) = signature {
        out.extend(delta(
            0,
            &format!("{{\"reasoningContent\":{{\"signature\":\"{signature}\"}}}}"),
        ));
    }
    out.extend(stop(0));
    out.extend(delta(1, REDACTED));
    out.extend(stop(1));
    out.extend(framed(
        "contentBlockStart",
        "{\"contentBlockIndex\":2,\"start\":{\"toolUse\":{\"toolUseId\":\"t1\",\"name\":\"add\"}}}",
    ));
    out.extend(delta(2, "{\"toolUse\":{\"input\":\"{\\\"a\\\":9}\"}}"));
    out.extend(stop(2));
    out.extend(framed("messageStop", "{\"stopReason\":\"tool_use\"}"));
    out.extend(framed(
        "metadata",
        "{\"usage\":{\"inputTokens\":9,\"outputTokens\":40,\"totalTokens\":49}}",
    ));
    out
}

/// The events of a stream, by their names.
fn read_events(mut bytes: &[u8]) -> Vec<(String, Value)> {
    let number = |bytes: &[u8]| u32::from_be_bytes(bytes[..4].try_into().unwrap()) as usize;
    let mut events = Vec::new();
    while !bytes.is_empty() {
        let (total, headers) = (number(bytes), number(&bytes[4..]));
        let text = String::from_utf8_lossy(&bytes[12..12 + headers]).into_owned();
        let kind = text.split(":event-type").nth(1).unwrap();
        let kind: String = kind.chars().skip(3).take_while(char::is_ascii_alphabetic).collect();
        let payload = &bytes[12 + headers..total - 4];
        events.push((kind, serde_json::from_slice(payload).unwrap()));
        bytes = &bytes[total..];
    }
    events
}

/// What a client makes of them: the blocks of the message.
fn accumulated(bytes: &[u8]) -> Vec<Value> {
    let mut blocks: Vec<Value> = Vec::new();
    for (kind, event) in read_events(bytes) {
        let Some(at) = event["contentBlockIndex"].as_u64() else { continue };
        let at = usize::try_from(at).unwrap();
        blocks.resize(blocks.len().max(at + 1), json!({}));
        let block = &mut blocks[at];
        let join = |place: &mut Value, text: &Value| {
            let so_far = place.as_str().unwrap_or_default().to_owned();
            *place = (so_far + text.as_str().unwrap()).into();
        };
        let delta = &event["delta"];
        if kind == "contentBlockStart" {
            block["toolUse"] = event["start"]["toolUse"].clone();
        }
        for name in ["text", "signature"] {
            if let Some(text) = delta["reasoningContent"].get(name) {
                join(&mut block["reasoningContent"]["reasoningText"][name], text);
            }
        }
        if let Some(data) = delta["reasoningContent"].get("redactedContent") {
            block["reasoningContent"]["redactedContent"] = data.clone();
        }
        if let Some(input) = delta["toolUse"]["input"].as_str() {
            block["toolUse"]["input"] = serde_json::from_str(input).unwrap();
        }
    }
    blocks
}

fn next_turn(blocks: &[Value]) -> String {
    json!({"messages": [
        {"role": "user", "content": [{"text": "9 and 8?"}]},
        {"role": "assistant", "content": blocks},
        {"role": "user", "content": [{"toolResult": {"toolUseId": "t1", "content": [{"text": "17"}]}}]},
    ]})
    .to_string()
}

fn asked(path: &str) -> http::Request<Script> {
    let first = r#"{"messages":[{"role":"user","content":[{"text":"9 and 8?"}]}]}"#;
    request(alice(), path, Script::whole(first))
}

async fn answered(world: &World, content: &str) -> Vec<Value> {
    let got = world.exchange(asked(CONVERSE), document(message(content))).await;
    world.upstream.seen();
    blocks(&got.text())
}

async fn sent_to(world: &World, path: &str, caller: Assessment, body: &str) -> String {
    let asked = request(caller, path, Script::whole(body));
    world.exchange(asked, document("{}")).await;
    let [seen]: [_; 1] = world.upstream.seen().try_into().unwrap();
    seen.text()
}

fn content_sent(body: &str) -> Value {
    serde_json::from_str::<Value>(body).unwrap()["messages"][1]["content"].clone()
}

// Break it: keep the upstream's signature, or seal nothing of the text.
#[tokio::test(start_paused = true)]
async fn reasoning_goes_out_sealed_and_reaches_the_upstream_as_its_client_writes() {
    for signature in [Some(SIGNATURE), None] {
        let world = world();
        let content = [&thinking(signature), REDACTED, CALL].join(",");
        let got = answered(&world, &content).await;
        let text = &got[0]["reasoningContent"]["reasoningText"];
        let redacted = &got[1]["reasoningContent"]["redactedContent"];
        assert_eq!(text["text"], "");
        for blob in [&text["signature"], redacted] {
            assert!(blob.as_str().unwrap().starts_with(PREFIX), "{got:?}");
        }
        for score in [0.0, 0.9] {
            let caller = caller("alice", None, score);
            let seen = sent_to(&world, CONVERSE, caller, &next_turn(&got)).await;
            assert_eq!(seen, next_turn(&blocks(&message(&content))));
        }
    }
}

// Break it: forget what came before the signature, or put it behind the end of its block.
#[tokio::test(start_paused = true)]
async fn a_stream_carries_what_its_document_does_however_it_is_cut() {
    for signature in [Some(SIGNATURE), None] {
        let world = world();
        let bytes = events(signature, &PIECES);
        let original = blocks(&message(&[&thinking(signature), REDACTED, CALL].join(",")));
        for at in (0..bytes.len()).step_by(11) {
            let (first, second) = bytes.split_at(at);
            let answer =
                Response::builder().header("content-type", "application/vnd.amazon.eventstream");
            let answer = answer.body(Script::new([first, second].map(data))).unwrap();
            let got = world.exchange(asked(STREAM), answer).await;
            assert!(!got.failed);
            let got = got.frames.concat();
            world.upstream.seen();
            let parts = accumulated(&got);
            assert!(!String::from_utf8_lossy(&got).contains("Sum "));
            let signatures = read_events(&got)
                .into_iter()
                .filter(|(_, event)| event["delta"]["reasoningContent"].get("signature").is_some());
            assert_eq!(signatures.count(), 1);
            let seen = sent_to(&world, CONVERSE, alice(), &next_turn(&parts)).await;
            assert_eq!(content_sent(&seen), json!(original), "cut at {at}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_else_opens_it_and_the_conversation_goes_on_without() {
    let world = world();
    let content = [&thinking(Some(SIGNATURE)), REDACTED, CALL].join(",");
    let got = answered(&world, &content).await;
    let left = json!([got[2]]);
    for (path, caller) in [
        (CONVERSE, caller("bob", None, 0.1)),
        (CONVERSE, caller("bob", None, 0.9)),
        ("/model/n/converse", alice()),
        ("/model/m/count-tokens", alice()),
    ] {
        let seen = sent_to(&world, path, caller, &next_turn(&got)).await;
        assert!(!seen.contains("Sum ") && !seen.contains(PREFIX), "{path}: {seen}");
        if path != "/model/m/count-tokens" {
            assert_eq!(content_sent(&seen), left, "{path}");
        }
    }
    let swapped = json!([
        {"reasoningContent": {"redactedContent": got[0]["reasoningContent"]["reasoningText"]["signature"]}},
        {"reasoningContent": {"reasoningText": {"text": "", "signature": got[1]["reasoningContent"]["redactedContent"]}}},
        got[2],
    ]);
    let swapped = next_turn(swapped.as_array().unwrap());
    assert_eq!(content_sent(&sent_to(&world, CONVERSE, alice(), &swapped).await), left);
    // A client that keeps no empty text, and one that writes the members in another order.
    let blob = &got[0]["reasoningContent"]["reasoningText"]["signature"];
    for text in [json!({"signature": blob}), json!({"signature": blob, "text": ""})] {
        let mut other = got.clone();
        other[0]["reasoningContent"]["reasoningText"] = text;
        let seen = sent_to(&world, CONVERSE, alice(), &next_turn(&other)).await;
        assert_eq!(content_sent(&seen), json!(blocks(&message(&content))), "{seen}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_policy_may_refuse_it_in_the_vendors_words() {
    let world =
        World::new(policy("reasoning = { keep = \"none\", seal = { unopened = \"refuse\" } }"));
    let bad = format!("{PREFIX}AAAA");
    let body = next_turn(&[json!({"reasoningContent": {"redactedContent": bad}})]);
    let answer = world.call(request(alice(), CONVERSE, Script::whole(&body))).await;
    assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
    assert_eq!(answer.headers()["x-amzn-errortype"], "ValidationException");
    assert!(read(answer.into_body()).await.text().contains("Invalid `signature`"));
}

// Break it: fill up to nothing, or let an event out for each piece.
#[tokio::test(start_paused = true)]
async fn neither_size_nor_number_of_messages_tells_its_length_within_a_bucket() {
    let world = World::new(policy("reasoning = { keep = \"none\", seal = { bucket = 1024 } }"));
    let mut seen = Vec::new();
    for length in [1, 2, 400, 900] {
        let text = "z".repeat(length);
        let pieces: Vec<&str> =
            text.as_bytes().chunks(7).map(|it| std::str::from_utf8(it).unwrap()).collect();
        let bytes = events(Some(SIGNATURE), &pieces);
        let answer =
            Response::builder().header("content-type", "application/vnd.amazon.eventstream");
        let answer = answer.body(Script::new([data(bytes)])).unwrap();
        let got = world.exchange(asked(STREAM), answer).await.frames.concat();
        let lengths: Vec<usize> =
            read_events(&got).iter().map(|(_, event)| event.to_string().len()).collect();
        seen.push((got.len(), lengths));
    }
    assert!(seen.windows(2).all(|pair| pair[0] == pair[1]), "{seen:?}");
}

// Break it: guard what Messages opens only.
#[tokio::test(start_paused = true)]
async fn what_was_opened_does_not_come_out_again() {
    let world = world();
    let long: String = (0..60).map(|it| format!("step{it} follows ")).collect();
    let content =
        json!({"reasoningContent": {"reasoningText": {"text": long, "signature": "c2ln"}}});
    let got = answered(&world, &content.to_string()).await;
    for score in [0.1, 0.9] {
        let ask =
            |path| request(caller("alice", None, score), path, Script::whole(next_turn(&got)));
        let repeats = message(&json!({"text": format!("So: {long}!")}).to_string());
        let said = world.exchange(ask(CONVERSE), document(repeats)).await.text();
        assert!(!said.contains("step3") && said.contains("So: "), "{said}");
        let mut bytes = framed("messageStart", "{\"role\":\"assistant\"}");
        for word in long.split_inclusive(' ') {
            bytes.extend(delta(0, &json!({"text": word}).to_string()));
        }
        bytes.extend(framed("contentBlockStop", "{\"contentBlockIndex\":0}"));
        bytes.extend(framed("messageStop", "{\"stopReason\":\"end_turn\"}"));
        let answer =
            Response::builder().header("content-type", "application/vnd.amazon.eventstream");
        let answer = answer.body(Script::new([data(bytes)])).unwrap();
        let said = world.exchange(ask(STREAM), answer).await.frames.concat();
        assert!(!String::from_utf8_lossy(&said).contains("step3"));
        world.upstream.seen();
    }
}

/// The body of a vendor's own, in the envelope of Bedrock's other endpoint.
#[tokio::test(start_paused = true)]
async fn thinking_blocks_that_come_by_invoke_model_are_sealed_as_over_messages() {
    let world = world();
    let first = r#"{"anthropic_version":"bedrock-2023-05-31","max_tokens":9,"messages":[{"role":"user","content":"9 and 8?"}]}"#;
    let whole = json!({"type": "message", "role": "assistant", "content": [
        {"type": "thinking", "thinking": "9 + 8.", "signature": SIGNATURE},
        {"type": "tool_use", "id": "t1", "name": "add", "input": {}}]});
    let ask = |path| request(alice(), path, Script::whole(first));
    let got = world.exchange(ask("/model/m/invoke"), document(whole.to_string())).await.text();
    let got: Value = serde_json::from_str(&got).unwrap();
    let blob = got["content"][0]["signature"].as_str().unwrap();
    assert!(blob.starts_with(PREFIX) && got["content"][0]["thinking"] == "", "{got}");

    let chunk = |event: &Value| {
        let payload = event.to_string().into_bytes();
        Framing::AwsChunks.frame(&Unframed { kind: None, payload, is_error: false })
    };
    let stream: Vec<u8> = [
        json!({"type": "message_start", "message": {"type": "message", "role": "assistant", "content": []}}),
        json!({"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": "", "signature": ""}}),
        json!({"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "9 + 8."}}),
        json!({"type": "content_block_stop", "index": 0}),
        json!({"type": "message_stop"}),
    ]
    .iter()
    .flat_map(chunk)
    .collect();
    let answer = Response::builder().header("content-type", "application/vnd.amazon.eventstream");
    let answer = answer.body(Script::new([data(stream)])).unwrap();
    let ask = ask("/model/m/invoke-with-response-stream");
    let streamed = world.exchange(ask, answer).await.frames.concat();
    world.upstream.seen();
    let events = read_events(&streamed);
    let inner = |event: &Value| -> Value {
        use base64::Engine;
        let bytes =
            base64::engine::general_purpose::STANDARD.decode(event["bytes"].as_str().unwrap());
        serde_json::from_slice(&bytes.unwrap()).unwrap()
    };
    let inner: Vec<Value> = events.iter().map(|(_, event)| inner(event)).collect();
    let signed = inner.iter().find_map(|it| it["delta"]["signature"].as_str()).unwrap();
    assert!(signed.starts_with(PREFIX), "{inner:?}");

    for (blob, signature) in [(blob, SIGNATURE), (signed, "")] {
        let body = json!({"anthropic_version": "bedrock-2023-05-31", "max_tokens": 9, "messages": [
            {"role": "user", "content": "9 and 8?"},
            {"role": "assistant", "content": [{"type": "thinking", "thinking": "", "signature": blob}]},
        ]});
        let seen =
            sent_to(&world, "/model/m/invoke", caller("alice", None, 0.1), &body.to_string()).await;
        let expected = json!([{"type": "thinking", "thinking": "9 + 8.", "signature": signature}]);
        assert_eq!(content_sent(&seen), expected);
    }
}

/// What was redacted and comes in pieces is one blob, in one event, however many there are.
// Break it: seal each piece.
#[tokio::test(start_paused = true)]
async fn what_comes_redacted_in_pieces_goes_out_in_one_blob() {
    let stop = framed("contentBlockStop", "{\"contentBlockIndex\":0}");
    let redacted = |data: &str| {
        delta(0, &format!("{{\"reasoningContent\":{{\"redactedContent\":\"{data}\"}}}}"))
    };
    let mut lengths = Vec::new();
    // Each is base64 of its own, as the bytes of an event are.
    for (pieces, whole) in [
        (vec!["EmwKAhgBEgy3va3p"], "EmwKAhgBEgy3va3p"),
        (vec!["EmwKAhgB", "Egy3va3p"], "EmwKAhgBEgy3va3p"),
        (vec!["Eg==", "bAo=", "AhgBEgy3", "va3p"], "EmwKAhgBEgy3va3p"),
        (vec!["Eg==", "bA=="], "Emw="),
    ] {
        let world = world();
        let mut bytes = framed("messageStart", "{\"role\":\"assistant\"}");
        pieces.iter().for_each(|it| bytes.extend(redacted(it)));
        bytes.extend_from_slice(&stop);
        bytes.extend(delta(1, "{\"text\":\"17\"}"));
        bytes.extend(framed("contentBlockStop", "{\"contentBlockIndex\":1}"));
        bytes.extend(framed("messageStop", "{\"stopReason\":\"end_turn\"}"));
        let answer =
            Response::builder().header("content-type", "application/vnd.amazon.eventstream");
        let answer = answer.body(Script::new([data(bytes)])).unwrap();
        let got = world.exchange(asked(STREAM), answer).await.frames.concat();
        world.upstream.seen();
        lengths.push((got.len(), read_events(&got).len()));
        let parts = accumulated(&got);
        let blob = parts[0]["reasoningContent"]["redactedContent"].as_str().unwrap();
        assert!(blob.starts_with(PREFIX) && !blob.contains('='), "{blob}");
        let seen = sent_to(&world, CONVERSE, alice(), &next_turn(&parts)).await;
        let redacted = &content_sent(&seen)[0]["reasoningContent"]["redactedContent"];
        assert_eq!(redacted, whole, "{pieces:?}");
        let records = world.records.all();
        let sealed = count(&records[0].applied, Countermeasure::Reasoning, Counter::BlocksSealed);
        assert_eq!(sealed, 1);
    }
    assert!(lengths.iter().all(|it| *it == lengths[0]), "{lengths:?}");
}

// Break it: take what is no base64 for nothing.
#[tokio::test(start_paused = true)]
async fn pieces_that_cannot_be_put_together_are_lost_and_counted() {
    let world = world();
    let redacted = |data: &str| {
        delta(0, &format!("{{\"reasoningContent\":{{\"redactedContent\":\"{data}\"}}}}"))
    };
    let mut bytes = [redacted("EmwKAhgB"), redacted("no-base64-at-all_")].concat();
    bytes.extend(framed("contentBlockStop", "{\"contentBlockIndex\":0}"));
    bytes.extend(framed("messageStop", "{\"stopReason\":\"end_turn\"}"));
    let answer = Response::builder().header("content-type", "application/vnd.amazon.eventstream");
    let answer = answer.body(Script::new([data(bytes)])).unwrap();
    let got = world.exchange(asked(STREAM), answer).await;
    let text = String::from_utf8_lossy(&got.frames.concat()).into_owned();
    assert!(!text.contains("EmwK") && !text.contains("at-all"), "{text}");
    let applied = &world.records.only().applied;
    let counted = |counter| count(applied, Countermeasure::Reasoning, counter);
    assert_eq!((counted(Counter::BlocksSealed), counted(Counter::BlocksUnsealed)), (0, 1));
}
