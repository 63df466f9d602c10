//! Tools go on being called: a client has to send back what its answer says of a call, and a turn
//! without it, or without what its server signed, is refused.

use serde_json::{Value, json};

use super::support::*;

const CLOSES: &str = "side_channels = {}";
const NONE: &str = "side_channels = {}\nreasoning = { keep = \"none\" }";
const SIGNATURE: &str = "ErUBCkYIBxgCKkDk+Zm9uZGVy/w==";

/// The JSON that a client gets, asking with `tools`: a document, or a stream's events.
async fn got(plan: &str, path: &str, tools: &Value, answer: http::Response<Script>) -> Vec<Value> {
    let world = World::new(policy(plan));
    let body = json!({"model": "m", "messages": [], "tools": tools}).to_string();
    let read = world.exchange(request(suspicious(), path, Script::whole(body)), answer).await;
    assert!(!read.failed);
    let text = read.text();
    let lines = text.lines().map(|line| line.strip_prefix("data: ").unwrap_or(line));
    lines.filter_map(|line| serde_json::from_str(line).ok()).collect()
}

/// What the client gets of a call with this id of a tool of this name, from either protocol, as a
/// document and in a stream.
async fn called(plan: &str, tools: &Value, id: &Value, name: &Value) -> Vec<(Value, Value)> {
    let call = json!({"index": 0, "id": id, "type": "function",
                      "function": {"name": name, "arguments": "{}"}});
    let choice = json!({"index": 0, "finish_reason": "tool_calls",
        "message": {"role": "assistant", "content": null, "tool_calls": [call]}});
    let chunk = json!({"choices": [{"index": 0, "finish_reason": null,
        "delta": {"role": "assistant", "tool_calls": [call]}}]});
    let block = json!({"type": "tool_use", "id": id, "name": name, "input": {}});
    let message = json!({"type": "message", "role": "assistant", "content": [block],
                         "stop_reason": "tool_use"});
    let begin = event("content_block_start", &format!(",\"index\":0,\"content_block\":{block}"));
    let end = event("content_block_stop", ",\"index\":0") + &event("message_stop", "");
    let answers = [
        (CHAT, json(json!({"choices": [choice]}).to_string())),
        (CHAT, stream([data(format!("data: {chunk}\n\n{STOP}{DONE}"))])),
        (MESSAGES, json(message.to_string())),
        (MESSAGES, stream([data(begin + &end)])),
    ];
    let mut all = Vec::new();
    for (path, answer) in answers {
        let told = got(plan, path, tools, answer).await;
        let places = [
            ("/choices/0/message/tool_calls/0", "/function/name"),
            ("/choices/0/delta/tool_calls/0", "/function/name"),
            ("/content/0", "/name"),
            ("/content_block", "/name"),
        ];
        let found = places.iter().find_map(|(place, name)| {
            let call = told.iter().find_map(|it| it.pointer(place))?;
            Some((call["id"].clone(), call.pointer(name).cloned().unwrap_or_default()))
        });
        all.push(found.unwrap_or_else(|| panic!("no call: {told:?}")));
    }
    all
}

async fn assert_ids(plan: &str, id: &Value, shown: &Value) {
    let name = json!("f");
    let told = called(plan, &json!([]), id, &name).await;
    assert_eq!(told, vec![(shown.clone(), name); 4], "{plan}: {id}");
}

// Break it: take ids for identifiers.
#[tokio::test(start_paused = true)]
async fn the_id_of_a_call_is_the_upstreams_own() {
    for id in [
        json!("call_4f5b6c__thought__".to_owned() + &"CsQB+/dHtim9".repeat(300) + "=="),
        json!("call_abc|fc_0123456789abcdef"),
        json!("functions.get_weather:0"),
        json!("呼叫1"),
        json!(""),
        json!(7),
        json!(u64::MAX),
        Value::Null,
    ] {
        assert_ids(CLOSES, &id, &id).await;
        assert_ids(NONE, &id, &id).await;
    }
    assert_ids(CLOSES, &json!("call 1"), &json!("call 1")).await;
    assert_ids(CLOSES, &json!("呼叫".repeat(200)), &json!("呼叫".repeat(200))).await;
}

// Break it: let any string be an id.
#[tokio::test(start_paused = true)]
async fn an_id_holds_no_text() {
    for text in ["First I weigh the zebra.", "call\u{a0}1", "call\n1"] {
        assert_ids(NONE, &json!(text), &Value::Null).await;
    }
    assert_ids(NONE, &json!("斑马有条纹".repeat(40)), &Value::Null).await;
    for (id, left) in [
        (json!("a".repeat(5000)), Value::Null),
        (json!("two  spaces"), Value::Null),
        (json!("a line\nand another"), Value::Null),
        (json!(["zebra stripes"]), Value::Null),
        (json!(7919.5), json!(0)),
    ] {
        assert_ids(CLOSES, &id, &left).await;
    }
}

// Break it: take names for identifiers, or leave the request's tools unread.
#[tokio::test(start_paused = true)]
async fn a_tool_is_called_as_the_client_calls_it_and_else_like_a_program() {
    let id = json!("c");
    let kinds = [
        json!([{"type": "function", "function": {"description": "x", "name": "工具"}},
               {"type": "custom", "custom": {"name": "my \u{201c}tool\u{201d}"}}]),
        json!([{"name": "工具"}, {"type": "custom", "name": "my \u{201c}tool\u{201d}"}]),
    ];
    for plan in [CLOSES, NONE] {
        for tools in &kinds {
            for name in [json!("工具"), json!("my “tool”"), json!("not_listed"), json!("")] {
                let told = called(plan, tools, &id, &name).await;
                assert_eq!(told, vec![(id.clone(), name.clone()); 4], "{plan}");
            }
            for name in [json!("weigh the zebra"), json!("my “tool” x"), json!(["工具"])] {
                let told = called(plan, tools, &id, &name).await;
                assert_eq!(told, vec![(id.clone(), Value::Null); 4], "{plan}");
            }
        }
    }
}

/// Members by which gateways pass on what a provider has signed; `text` is the reasoning beside it.
fn signed(text: &str) -> Value {
    let blocks = json!([{"type": "thinking", "thinking": text, "signature": SIGNATURE},
                        {"type": "redacted_thinking", "data": SIGNATURE}]);
    let google = json!({"thought_signature": SIGNATURE});
    json!({
        "thinking_blocks": blocks,
        "provider_specific_fields": {"citations": null, "thought_signatures": [SIGNATURE],
                                     "thinking_blocks": blocks},
        "extra_content": {"google": google},
        "tool_calls": [{"index": 0, "id": "c", "type": "function", "provider_specific_fields": google,
            "function": {"name": "f", "arguments": "{}", "provider_specific_fields": google}}],
    })
}

// Break it: leave one of the members out of the lists, or its text without an editor.
#[tokio::test(start_paused = true)]
async fn what_a_server_signed_comes_through_and_its_text_only_where_reasoning_does() {
    let some = "side_channels = {}\nreasoning = { keep = { words = 2 }, signed = \"seal\" }";
    for (plan, left) in [(CLOSES, "I weigh the zebra."), (NONE, ""), (some, "")] {
        let choice = |name: &str| {
            json!({"choices": [{"index": 0, name: signed("I weigh the zebra."),
                                "finish_reason": "tool_calls"}]})
        };
        let document = json(choice("message").to_string());
        let told = got(plan, CHAT, &json!([]), document).await;
        assert_eq!(told[0]["choices"][0]["message"], signed(left), "{plan}");
        let chunk = data(format!("data: {}\n\n{DONE}", choice("delta")));
        let told = got(plan, CHAT, &json!([]), stream([chunk])).await;
        assert_eq!(told[0]["choices"][0]["delta"], signed(left), "{plan}");
    }
}

// Break it: pass the members whatever stands in them.
#[tokio::test(start_paused = true)]
async fn what_is_no_signature_does_not_come_through_as_one() {
    let text = "First I weigh the zebra.";
    for message in [
        json!({"thinking_blocks": [{"type": "thinking", "signature": text}]}),
        json!({"thinking_blocks": [{"type": "thinking", "thinking": {"text": text}}]}),
        json!({"thinking_blocks": [text]}),
        json!({"thinking_blocks": [{"type": "thinking", "thoughts": text}]}),
        json!({"provider_specific_fields": {"thought_signatures": [text]}}),
        json!({"provider_specific_fields": {"reasoning_content": text}}),
        json!({"extra_content": {"google": {"thought_signature": text}}}),
        json!({"extra_content": {"google": {"thought": text}}}),
        json!({"tool_calls": [{"provider_specific_fields": {"thought_signature": text}}]}),
    ] {
        let body = json!({"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]});
        let told = got(NONE, CHAT, &json!([]), json(body.to_string())).await;
        assert!(!told[0].to_string().contains("zebra"), "{}", told[0]);
    }
}
