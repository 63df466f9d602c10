//! Sealed reasoning over Responses: in documents, in every copy that a stream has, and on the way back.

use guilloche::risk::Assessment;
use serde_json::{Value, json};

use crate::support::{
    PREFIX, RESPONSES, Script, World, caller, data, event, json as document, policy, read, request,
    stream,
};

const SEAL: &str = "reasoning = { keep = \"none\", seal = { bucket = 256 } }";
const CIPHERTEXT: &str = "gAAAAABo_final_ciphertext";

fn world() -> World {
    World::new(policy(SEAL))
}

fn alice() -> Assessment {
    caller("alice", None, 0.9)
}

/// A reasoning item as the upstream has it.
fn thought(encrypted: Option<&str>) -> Value {
    let mut item = json!({
        "type": "reasoning", "id": "rs_1",
        "summary": [{"type": "summary_text", "text": "It sums \"both\"."}],
        "content": [
            {"type": "reasoning_text", "text": "9 and 8,\nü."},
            {"type": "reasoning_text", "text": "So 17."},
        ],
    });
    if let Some(encrypted) = encrypted {
        item["encrypted_content"] = encrypted.into();
    }
    item
}

fn call() -> Value {
    json!({
        "type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "add",
        "arguments": "{\"a\":9,\"b\":8}", "status": "completed",
    })
}

fn response(items: &[Value]) -> Value {
    json!({
        "id": "resp_1", "object": "response", "created_at": 1_800_000_000, "status": "completed",
        "model": "m", "output": items,
        "usage": {"input_tokens": 9, "output_tokens": 40, "total_tokens": 49},
    })
}

/// The stream of that response.
fn events(encrypted: Option<&str>) -> String {
    let item = thought(encrypted);
    let mut started = item.clone();
    (started["summary"], started["content"]) = (json!([]), json!([]));
    if encrypted.is_some() {
        started["encrypted_content"] = "gAAAAABo_early_ciphertext".into();
    }
    let mut called = call();
    (called["arguments"], called["status"]) = ("".into(), "in_progress".into());
    let mut begun = response(&[]);
    begun["status"] = "in_progress".into();
    let mut list = vec![
        ("response.created", json!({"response": begun})),
        ("response.output_item.added", json!({"output_index": 0, "item": started})),
    ];
    let at = json!({"item_id": "rs_1", "output_index": 0});
    let with = |more: Value| {
        let mut all = at.clone();
        all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        all
    };
    for index in 0..2 {
        let text = item["content"][index]["text"].as_str().unwrap();
        let (first, second) = text.split_at(3);
        for delta in [first, second] {
            let delta = with(json!({"content_index": index, "delta": delta}));
            list.push(("response.reasoning_text.delta", delta));
        }
        let done = with(json!({"content_index": index, "text": text}));
        list.push(("response.reasoning_text.done", done));
    }
    let sum = item["summary"][0]["text"].as_str().unwrap();
    list.push((
        "response.reasoning_summary_text.delta",
        with(json!({"summary_index": 0, "delta": sum})),
    ));
    list.push((
        "response.reasoning_summary_text.done",
        with(json!({"summary_index": 0, "text": sum})),
    ));
    list.push(("response.output_item.done", json!({"output_index": 0, "item": item})));
    list.push(("response.output_item.added", json!({"output_index": 1, "item": called})));
    list.push((
        "response.function_call_arguments.delta",
        json!({"item_id": "fc_1", "output_index": 1, "delta": "{\"a\":9,\"b\":8}"}),
    ));
    list.push((
        "response.function_call_arguments.done",
        json!({"item_id": "fc_1", "output_index": 1, "arguments": "{\"a\":9,\"b\":8}"}),
    ));
    list.push(("response.output_item.done", json!({"output_index": 1, "item": call()})));
    list.push(("response.completed", json!({"response": response(&[item, call()])})));
    let mut out = String::new();
    for (number, (name, members)) in list.into_iter().enumerate() {
        let mut members = members;
        members["sequence_number"] = number.into();
        let text = members.to_string();
        let (_, members) = text.split_at(1);
        let (members, _) = members.split_at(members.len() - 1);
        out += &event(name, &format!(",{members}"));
    }
    out
}

fn payloads(stream: &str) -> Vec<Value> {
    let lines = stream.lines().filter_map(|line| line.strip_prefix("data: "));
    lines.map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn next_turn(items: &[Value]) -> String {
    let mut input = vec![json!({"role": "user", "content": "9 and 8?"})];
    input.extend(items.iter().cloned());
    input.push(json!({"type": "function_call_output", "call_id": "call_1", "output": "17"}));
    json!({"model": "m", "store": false, "input": input}).to_string()
}

const FIRST: &str = r#"{"model":"m","store":false,"input":"9 and 8?"}"#;

async fn answered(world: &World, caller: Assessment, answer: &Value) -> Vec<Value> {
    let asked = request(caller, RESPONSES, Script::whole(FIRST));
    let got = world.exchange(asked, document(answer.to_string())).await;
    world.upstream.seen();
    serde_json::from_str::<Value>(&got.text()).unwrap()["output"].as_array().unwrap().clone()
}

async fn forwarded(world: &World, caller: Assessment, body: &str) -> Value {
    let asked = request(caller, RESPONSES, Script::whole(body));
    world.exchange(asked, document("{\"output\":[]}")).await;
    let [seen]: [_; 1] = world.upstream.seen().try_into().unwrap();
    serde_json::from_str(&seen.text()).unwrap()
}

fn emptied(item: &Value) -> bool {
    let texts = |name: &str| item[name].as_array().into_iter().flatten().all(|it| it["text"] == "");
    texts("summary") && texts("content")
}

/// What the upstream should see of an item: what a client sends that got it whole.
fn expected(encrypted: Option<&str>) -> Value {
    let mut item = thought(encrypted);
    item["encrypted_content"] = encrypted.map_or(Value::Null, Into::into);
    item
}

// Break it: seal the upstream's own value without the texts, or leave it as it is.
#[tokio::test(start_paused = true)]
async fn a_reasoning_item_goes_out_empty_and_sealed_and_reaches_the_upstream_as_it_wrote_it() {
    for encrypted in [Some(CIPHERTEXT), None] {
        let world = world();
        let got = answered(&world, alice(), &response(&[thought(encrypted), call()])).await;
        assert!(emptied(&got[0]), "{got:?}");
        assert!(got[0]["encrypted_content"].as_str().unwrap().starts_with(PREFIX), "{got:?}");
        for score in [0.1, 0.9] {
            let seen = forwarded(&world, caller("alice", None, score), &next_turn(&got)).await;
            let whole = next_turn(&[expected(encrypted), call()]);
            assert_eq!(seen, serde_json::from_str::<Value>(&whole).unwrap());
        }
    }
}

// Break it: let each event have a blob of its own, or say what the item had before its end.
#[tokio::test(start_paused = true)]
async fn every_copy_in_a_stream_has_the_same_blob_and_it_holds_all_of_the_reasoning() {
    for encrypted in [Some(CIPHERTEXT), None] {
        let world = world();
        let text = events(encrypted);
        for at in (0..text.len()).filter(|at| text.is_char_boundary(*at)).step_by(53) {
            let (first, second) = text.split_at(at);
            let asked = request(alice(), RESPONSES, Script::whole(FIRST));
            let got = world.exchange(asked, stream([data(first), data(second)])).await;
            world.upstream.seen();
            assert!(!got.failed);
            let text = got.text();
            assert!(!text.contains("17.") && !text.contains("ciphertext"), "{text}");
            let payloads = payloads(&text);
            let of = |kind: &'static str| payloads.iter().filter(move |it| it["type"] == kind);
            let started = &of("response.output_item.added").next().unwrap()["item"];
            assert!(started["encrypted_content"].is_null(), "{started}");
            let done = &of("response.output_item.done").next().unwrap()["item"];
            let whole = &of("response.completed").next().unwrap()["response"]["output"];
            assert_eq!(*done, whole[0]);
            assert!(done["encrypted_content"].as_str().unwrap().starts_with(PREFIX));
            assert_eq!(text.matches(PREFIX).count(), 2);
            // Its numbers run on.
            let numbers: Vec<_> =
                payloads.iter().map(|it| it["sequence_number"].as_u64().unwrap()).collect();
            assert_eq!(numbers, (0..numbers.len() as u64).collect::<Vec<_>>());
            let items = whole.as_array().unwrap();
            let seen = forwarded(&world, alice(), &next_turn(items)).await;
            let expected = next_turn(&[expected(encrypted), call()]);
            assert_eq!(seen, serde_json::from_str::<Value>(&expected).unwrap(), "cut at {at}");
        }
    }
}

/// Clients leave out what is empty.
// Break it: drop an item whose texts have no place.
#[tokio::test(start_paused = true)]
async fn texts_find_their_place_where_the_client_left_their_lists_out() {
    let world = world();
    let got = answered(&world, alice(), &response(&[thought(None), call()])).await;
    let whole = expected(None);
    for change in [
        (|item| drop(item.as_object_mut().unwrap().remove("content"))) as fn(&mut Value),
        |item| drop(item.as_object_mut().unwrap().remove("summary")),
        |item| (item["content"], item["summary"]) = (json!([]), json!([])),
        |item| item["content"] = Value::Null,
        |item| drop(item["content"].as_array_mut().unwrap().pop()),
        |item| {
            let members = item.as_object_mut().unwrap();
            members.remove("content");
            members.remove("summary");
        },
    ] {
        let mut items = got.clone();
        change(&mut items[0]);
        let seen = forwarded(&world, alice(), &next_turn(&items)).await;
        assert_eq!(seen["input"][1], whole, "{items:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_does_not_open_is_left_out_of_the_input_or_refused_in_the_vendors_words() {
    let sealing = world();
    let got = answered(&sealing, alice(), &response(&[thought(Some(CIPHERTEXT)), call()])).await;
    let seen = forwarded(&sealing, caller("bob", None, 0.9), &next_turn(&got)).await;
    let whole = next_turn(&[call()]);
    assert_eq!(seen, serde_json::from_str::<Value>(&whole).unwrap());
    let strict =
        World::new(policy("reasoning = { keep = \"none\", seal = { unopened = \"refuse\" } }"));
    let asked = request(caller("bob", None, 0.9), RESPONSES, Script::whole(next_turn(&got)));
    let answer = strict.call(asked).await;
    assert_eq!(answer.status(), 400);
    let error: Value = serde_json::from_str(&read(answer.into_body()).await.text()).unwrap();
    assert_eq!(error["error"]["code"], "invalid_encrypted_content");
}

// Break it: hash the instructions that stand before the first message, too.
#[tokio::test(start_paused = true)]
async fn a_conversation_begins_with_the_first_message_of_the_user() {
    let world =
        World::new(policy("reasoning = { keep = \"none\", seal = { bind = \"conversation\" } }"));
    let got = answered(&world, alice(), &response(&[thought(None), call()])).await;
    let mut turn: Value = serde_json::from_str(&next_turn(&got)).unwrap();
    let instructions = json!({"role": "developer", "content": "Be brief."});
    turn["input"].as_array_mut().unwrap().insert(0, instructions);
    let seen = forwarded(&world, alice(), &turn.to_string()).await;
    assert_eq!(seen["input"][2]["content"][1]["text"], "So 17.");
    turn["input"][1]["content"] = "8 and 9?".into();
    let seen = forwarded(&world, alice(), &turn.to_string()).await;
    assert_eq!(seen["input"][2], call());
}

#[tokio::test(start_paused = true)]
async fn a_blob_opens_in_a_reasoning_item_only() {
    let world = world();
    let got = answered(&world, alice(), &response(&[thought(None), call()])).await;
    let blob = &got[0]["encrypted_content"];
    for item in [
        json!({"role": "user", "content": blob}),
        json!({"role": "user", "content": [{"type": "input_text", "text": blob}]}),
        json!({"type": "message", "role": "user", "content": [], "encrypted_content": blob}),
        json!({"type": "function_call_output", "call_id": "c", "output": blob}),
        json!({"type": "compaction", "encrypted_content": blob}),
        json!({"type": "reasoning", "summary": [{"type": "summary_text", "text": blob}]}),
    ] {
        let body = next_turn(&[item]);
        let seen = forwarded(&world, caller("alice", None, 0.1), &body).await;
        assert_eq!(seen, serde_json::from_str::<Value>(&body).unwrap());
    }
}
