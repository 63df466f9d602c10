//! Sealed reasoning: what goes out, what comes back, and what never opens.

use guilloche::audit::Counter;
use guilloche::layer::DefenseBuilder;
use guilloche::policy::Countermeasure;
use guilloche::risk::{Assessment, TenantId};
use guilloche::secret::Secret;
use http::Response;
use serde_json::{Value, json};

use crate::support::{
    MESSAGES, PREFIX, SECRET, Script, World, caller, count, data, event, json as document, policy,
    policy_with, read, request, stream,
};

const SEAL: &str = "reasoning = { keep = \"none\", seal = { bucket = 256 } }";

/// Reasoning with what writers of JSON escape in different ways.
const THOUGHT: &str = r#"Sum \"both\":\n9 \u00fc 8 😀 \ud83d\ude00 \/ 3\\4"#;
const SIGNATURE: &str = "EqoBCkgIARABGAIiQL8rk+Zz/Yw==";

fn world() -> World {
    World::new(policy(SEAL))
}

fn world_of(grade: &str) -> World {
    World::new(policy(grade))
}

fn world_with(grade: &str, build: impl FnOnce(DefenseBuilder) -> DefenseBuilder) -> World {
    World::with(policy(grade), build)
}

fn alice() -> Assessment {
    caller("alice", None, 0.9)
}

/// A message whose blocks are these.
fn message(blocks: &str) -> String {
    format!(
        "{{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"m\",\
         \"content\":[{blocks}],\"stop_reason\":\"tool_use\",\"usage\":{{\"input_tokens\":9,\
         \"output_tokens\":40}}}}"
    )
}

fn thinking(signature: Option<&str>) -> String {
    let signature = signature.map(|it| format!(",\"signature\":\"{it}\"")).unwrap_or_default();
    format!("{{\"type\":\"thinking\",\"thinking\":\"{THOUGHT}\"{signature}}}")
}

const CALL: &str =
    "{\"type\":\"tool_use\",\"id\":\"toolu_1\",\"name\":\"add\",\"input\":{\"a\":9,\"b\":8}}";

/// The same as a stream; `pieces` is into how many events the thought is cut.
fn events(signature: Option<&str>, pieces: &[&str]) -> String {
    let mut out = event(
        "message_start",
        ",\"message\":{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"m\",\
         \"content\":[],\"stop_reason\":null,\"usage\":{\"input_tokens\":9,\"output_tokens\":1}}",
    );
    out += &event(
        "content_block_start",
        ",\"index\":0,\"content_block\":{\"type\":\"thinking\",\"thinking\":\"\",\"signature\":\"\"}",
    );
    for piece in pieces {
        out += &event(
            "content_block_delta",
            &format!(
                ",\"index\":0,\"delta\":{{\"type\":\"thinking_delta\",\"thinking\":\"{piece}\"}}"
            ),
        );
    }
    if let Some(signature) = signature {
        out += &event(
            "content_block_delta",
            &format!(
                ",\"index\":0,\"delta\":{{\"type\":\"signature_delta\",\"signature\":\"{signature}\"}}"
            ),
        );
    }
    out += &event("content_block_stop", ",\"index\":0");
    out += &event(
        "content_block_start",
        ",\"index\":1,\"content_block\":{\"type\":\"tool_use\",\"id\":\"toolu_1\",\"name\":\"add\",\
         \"input\":{}}",
    );
    out += &event(
        "content_block_delta",
        ",\"index\":1,\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"{\\\"a\\\":9,\\\"b\\\":8}\"}",
    );
    out += &event("content_block_stop", ",\"index\":1");
    out += &event(
        "message_delta",
        ",\"delta\":{\"stop_reason\":\"tool_use\",\"stop_sequence\":null},\"usage\":{\"output_tokens\":40}",
    );
    out + &event("message_stop", "")
}

const PIECES: [&str; 4] =
    [r#"Sum \"both\":\n9 \u00fc "#, "8 😀 ", r#"\ud83d\ude00 "#, r#"\/ 3\\4"#];

/// What the official library makes of a stream: the blocks of the message.
fn accumulated(stream: &str) -> Vec<Value> {
    let mut blocks: Vec<Value> = Vec::new();
    for block in stream.split("\n\n").filter(|it| !it.is_empty()) {
        let line = block.lines().find_map(|line| line.strip_prefix("data: ")).unwrap();
        let value: Value = serde_json::from_str(line).unwrap();
        let at = value["index"].as_u64().unwrap_or_default() as usize;
        let delta = &value["delta"];
        match value["type"].as_str().unwrap() {
            "content_block_start" => {
                assert_eq!(at, blocks.len());
                blocks.push(value["content_block"].clone());
            }
            "content_block_delta" => match delta["type"].as_str().unwrap() {
                "thinking_delta" => {
                    let so_far = blocks[at]["thinking"].as_str().unwrap().to_owned();
                    blocks[at]["thinking"] = (so_far + delta["thinking"].as_str().unwrap()).into();
                }
                "signature_delta" => {
                    assert_eq!(blocks[at]["type"], "thinking");
                    blocks[at]["signature"] = delta["signature"].clone();
                }
                "input_json_delta" => {
                    let input = delta["partial_json"].as_str().unwrap();
                    blocks[at]["input"] = serde_json::from_str(input).unwrap();
                }
                other => panic!("{other}"),
            },
            _ => {}
        }
    }
    blocks
}

/// A conversation that goes on with these blocks of the model's.
fn next_turn(blocks: &[Value]) -> String {
    json!({
        "model": "m", "max_tokens": 2000,
        "messages": [
            {"role": "user", "content": "9 and 8?"},
            {"role": "assistant", "content": blocks},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "toolu_1", "content": "17"}
            ]},
        ],
    })
    .to_string()
}

fn first_turn() -> &'static str {
    r#"{"model":"m","max_tokens":2000,"messages":[{"role":"user","content":"9 and 8?"}]}"#
}

fn blocks(message: &str) -> Vec<Value> {
    serde_json::from_str::<Value>(message).unwrap()["content"].as_array().unwrap().clone()
}

/// The blocks of an answer to the first turn, as the client gets them.
async fn answered(world: &World, caller: Assessment, answer: &str) -> Vec<Value> {
    answered_to(world, caller, first_turn(), answer).await
}

async fn answered_to(world: &World, caller: Assessment, ask: &str, answer: &str) -> Vec<Value> {
    let asked = request(caller, MESSAGES, Script::whole(ask));
    let got = world.exchange(asked, document(answer)).await;
    world.upstream.seen();
    blocks(&got.text())
}

/// What the upstream is sent of a request.
async fn forwarded(world: &World, caller: Assessment, body: &str) -> String {
    sent_to(world, MESSAGES, caller, body).await
}

async fn sent_to(world: &World, path: &str, caller: Assessment, body: &str) -> String {
    let asked = request(caller, path, Script::whole(body));
    world.exchange(asked, document("{\"content\":[]}")).await;
    let [seen]: [_; 1] = world.upstream.seen().try_into().unwrap();
    let length = seen.head.headers["content-length"].to_str().unwrap().parse();
    assert_eq!(length, Ok(seen.text().len()));
    seen.text()
}

fn read_json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn is_blob(value: &Value) -> bool {
    value.as_str().is_some_and(|it| it.starts_with(PREFIX))
}

// Break it: keep the upstream's signature, or seal nothing of the text.
#[tokio::test(start_paused = true)]
async fn a_thinking_block_goes_out_empty_and_sealed_and_reaches_the_upstream_as_its_client_writes()
{
    for signature in [Some(SIGNATURE), Some("a\\/b\\u002b"), None] {
        let world = world();
        let answer = message(&format!("{},{CALL}", thinking(signature)));
        let got = answered(&world, alice(), &answer).await;
        assert_eq!(got[0]["thinking"], "");
        assert!(is_blob(&got[0]["signature"]), "{got:?}");
        let seen = forwarded(&world, alice(), &next_turn(&got)).await;
        let mut original = blocks(&answer);
        if signature.is_none() {
            original[0]["signature"] = "".into();
        }
        // To the byte what the client would have sent, had nothing been sealed.
        assert_eq!(seen, next_turn(&original));
    }
}

#[tokio::test(start_paused = true)]
async fn it_is_counted() {
    let world = world();
    let answer = message(&format!("{},{CALL}", thinking(Some(SIGNATURE))));
    let got = answered(&world, alice(), &answer).await;
    let mut foreign = got.clone();
    foreign[0]["signature"] = format!("{PREFIX}AAAA").into();
    forwarded(&world, alice(), &next_turn(&[got, foreign].concat())).await;
    let records = world.records.all();
    let counts =
        |at: usize, counter| count(&records[at].applied, Countermeasure::Reasoning, counter);
    assert_eq!(counts(0, Counter::BlocksSealed), 1);
    assert_eq!((counts(1, Counter::BlocksOpened), counts(1, Counter::BlocksDropped)), (1, 1));
}

// Break it: forget what came in events before the signature, or put the event behind the block's end.
#[tokio::test(start_paused = true)]
async fn a_stream_carries_what_its_document_does_however_it_is_cut() {
    for signature in [Some(SIGNATURE), None] {
        let world = world();
        let text = events(signature, &PIECES);
        let cuts = (0..text.len()).filter(|at| text.is_char_boundary(*at));
        let mut original = blocks(&message(&format!("{},{CALL}", thinking(signature))));
        original[0]["signature"] = signature.unwrap_or_default().into();
        let expected = read_json(&next_turn(&original));
        for at in cuts.step_by(7).chain([0]) {
            let (first, second) = text.split_at(at);
            let steps = [first, second].map(data);
            let asked = request(alice(), MESSAGES, Script::whole(first_turn()));
            let got = world.exchange(asked, stream(steps)).await;
            assert!(!got.failed);
            let got = accumulated(&got.text());
            world.upstream.seen();
            assert_eq!(got[0]["thinking"], "");
            assert!(is_blob(&got[0]["signature"]), "{got:?}");
            let seen = forwarded(&world, alice(), &next_turn(&got)).await;
            assert_eq!(read_json(&seen), expected, "cut at {at}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_has_one_signature_and_it_is_the_last_of_its_block() {
    for signature in [Some(SIGNATURE), None] {
        let world = world();
        let asked = request(alice(), MESSAGES, Script::whole(first_turn()));
        let got = world.exchange(asked, stream([data(events(signature, &PIECES))])).await.text();
        let kinds: Vec<&str> = ["signature_delta", "thinking_delta", "content_block_stop"]
            .into_iter()
            .flat_map(|kind| got.match_indices(kind))
            .map(|(_, kind)| kind)
            .collect();
        let count = |kind| kinds.iter().filter(|it| **it == kind).count();
        // `content_block_stop` names each event twice: as its event and as its type.
        assert_eq!((count("signature_delta"), count("thinking_delta")), (1, 0));
        assert_eq!(count("content_block_stop"), 4);
        assert!(got.find("signature_delta") < got.find("content_block_stop"));
        assert!(!got.contains("Sum "), "{got}");
    }
}

#[tokio::test(start_paused = true)]
async fn redacted_thinking_is_sealed_once_more() {
    let world = world();
    let redacted = "{\"type\":\"redacted_thinking\",\"data\":\"EmwKAhgBEgy3va3p\\/ZIx\"}";
    let answer = message(&format!("{redacted},{CALL}"));
    let got = answered(&world, alice(), &answer).await;
    assert!(is_blob(&got[0]["data"]), "{got:?}");
    let seen = forwarded(&world, alice(), &next_turn(&got)).await;
    assert_eq!(seen, next_turn(&blocks(&answer)));
    // In the place of a signature it is nothing.
    let blob = got[0]["data"].clone();
    let wrong = [json!({"type": "thinking", "thinking": "", "signature": blob}), got[1].clone()];
    let seen = read_json(&forwarded(&world, alice(), &next_turn(&wrong)).await);
    assert_eq!(seen["messages"][1]["content"], json!([got[1]]));
}

#[tokio::test(start_paused = true)]
async fn a_redacted_block_of_a_stream_is_sealed_where_it_starts() {
    let world = world();
    let text = event(
        "content_block_start",
        ",\"index\":0,\"content_block\":{\"type\":\"redacted_thinking\",\"data\":\"EmwKAhgBEgy3\"}",
    ) + &event("content_block_stop", ",\"index\":0");
    let asked = request(alice(), MESSAGES, Script::whole(first_turn()));
    let got = world.exchange(asked, stream([data(text)])).await.text();
    assert!(got.contains(PREFIX) && !got.contains("EmwKAhgBEgy3"), "{got}");
    assert!(!got.contains("signature_delta"));
    world.upstream.seen();
    let seen = forwarded(&world, alice(), &next_turn(&accumulated(&got))).await;
    assert!(seen.contains("\"EmwKAhgBEgy3\""));
}

// Break it: open only for those who have reached a grade.
#[tokio::test(start_paused = true)]
async fn it_opens_whatever_the_callers_grade_has_become() {
    let world = world();
    let answer = message(&format!("{},{CALL}", thinking(Some(SIGNATURE))));
    let got = answered(&world, alice(), &answer).await;
    let original = read_json(&next_turn(&blocks(&answer)));
    for score in [0.0, 0.4, 0.6, 1.0] {
        let seen = forwarded(&world, caller("alice", None, score), &next_turn(&got)).await;
        assert_eq!(read_json(&seen), original, "at {score}");
    }
    // Also where its cluster has become known.
    let seen = forwarded(&world, caller("alice", Some("hydra"), 0.1), &next_turn(&got)).await;
    assert_eq!(read_json(&seen), original);
}

// Break it: leave one of them out of what is bound.
#[tokio::test(start_paused = true)]
async fn no_other_principal_and_no_other_model_opens_it() {
    let world = world();
    let answer = message(&format!("{},{CALL}", thinking(Some(SIGNATURE))));
    let got = answered(&world, alice(), &answer).await;
    let mut tenant = alice();
    tenant.principal.tenant = Some(TenantId::new("blue").unwrap());
    let model = next_turn(&got).replace("\"model\":\"m\"", "\"model\":\"n\"");
    let (twice, none) = (
        next_turn(&got).replace("\"model\":\"m\"", "\"model\":\"m\",\"model\":\"m2\""),
        next_turn(&got).replace(",\"model\":\"m\"", ""),
    );
    for (caller, body) in [
        (caller("bob", None, 0.9), next_turn(&got)),
        (caller("bob", None, 0.0), next_turn(&got)),
        (tenant, next_turn(&got)),
        (alice(), model),
        (caller("alice", None, 0.0), twice),
        (alice(), none),
    ] {
        let seen = forwarded(&world, caller, &body).await;
        assert!(!seen.contains("Sum ") && !seen.contains(PREFIX), "{seen}");
        assert_eq!(read_json(&seen)["messages"][1]["content"], json!([got[1]]), "{seen}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_large_model_thought_is_not_shown_to_the_small_one_that_answers_instead() {
    let grades = "reasoning = { keep = \"none\", seal = {} }\n\
        [[grade]]\nname = \"reduced\"\nat = 0.8\nreasoning = { keep = \"none\", seal = {} }\n\
        downgrade = { models = { \"m\" = \"small\" } }";
    let world = world_of(grades);
    let answer = message(&format!("{},{CALL}", thinking(Some(SIGNATURE))));
    let (milder, higher) = (caller("alice", None, 0.6), caller("alice", None, 0.9));
    let large = answered(&world, milder.clone(), &answer).await;
    let small = answered(&world, higher.clone(), &answer).await;
    for (caller, blocks, opens) in [
        (&milder, &large, true),
        (&higher, &large, false),
        (&higher, &small, true),
        (&milder, &small, false),
    ] {
        let seen = forwarded(&world, caller.clone(), &next_turn(blocks)).await;
        assert_eq!(seen.contains("Sum "), opens, "{seen}");
    }
}

// Break it: take out the block alone.
#[tokio::test(start_paused = true)]
async fn a_message_that_would_be_left_without_a_block_is_left_out() {
    let world = world();
    let bad = json!({"type": "thinking", "thinking": "", "signature": format!("{PREFIX}AAAA")});
    for (blocks, expected) in [
        (vec![bad.clone()], None),
        (vec![bad.clone(), bad.clone()], None),
        (vec![bad.clone(), json!({"type": "text", "text": "17"}), bad.clone()], Some(1)),
        (vec![json!({"type": "text", "text": "17"}), bad.clone(), bad.clone()], Some(1)),
    ] {
        let seen = read_json(&forwarded(&world, alice(), &next_turn(&blocks)).await);
        let messages = seen["messages"].as_array().unwrap();
        let of_model = messages.iter().find(|it| it["role"] == "assistant");
        let left = of_model.map(|it| it["content"].as_array().unwrap().len());
        assert_eq!(left, expected, "{seen}");
        assert_eq!(messages.len(), 2 + usize::from(expected.is_some()));
    }
}

#[tokio::test(start_paused = true)]
async fn a_policy_may_refuse_what_does_not_open() {
    let world = world_of("reasoning = { keep = \"none\", seal = { unopened = \"refuse\" } }");
    let bad = json!({"type": "thinking", "thinking": "", "signature": format!("{PREFIX}AAAA")});
    let body = next_turn(&[bad, json!({"type": "text", "text": "17"})]);
    let answer = world.call(request(alice(), MESSAGES, Script::whole(&body))).await;
    assert_eq!(answer.status(), 400);
    let text = read(answer.into_body()).await.text();
    let error = read_json(&text);
    assert_eq!(error["error"]["type"], "invalid_request_error");
    assert!(text.contains("Invalid `signature` in `thinking` block"), "{text}");
    assert!(world.upstream.seen().is_empty());
    // Of those who have reached no grade nothing is refused.
    let seen = forwarded(&world, caller("alice", None, 0.1), &body).await;
    assert!(!seen.contains(PREFIX));
}

/// Whoever could have a blob opened anywhere else would read it.
// Break it: open whatever looks like a blob.
#[tokio::test(start_paused = true)]
async fn a_blob_opens_in_its_own_place_only() {
    let world = world();
    let answer = message(&format!("{},{CALL}", thinking(Some(SIGNATURE))));
    let got = answered(&world, alice(), &answer).await;
    let (blob, block) = (&got[0]["signature"], &got[0]);
    let of = |role: &str, content: Value| {
        json!({"model": "m", "messages": [{"role": role, "content": content}]}).to_string()
    };
    for body in [
        of("user", blob.clone()),
        of("user", json!([{"type": "text", "text": blob}])),
        of("user", json!([block])),
        of("system", json!([block])),
        of("assistant", json!([{"type": "text", "text": blob, "signature": blob}])),
        of("assistant", json!([{"type": "tool_use", "id": "t", "name": "n", "input": block}])),
        of("user", json!([{"type": "tool_result", "tool_use_id": "t", "content": [block]}])),
        of("assistant", json!([{"type": "thinking", "thinking": blob, "signature": "x"}])),
        json!({"model": "m", "system": [block], "messages": []}).to_string(),
        json!({"model": "m", "messages": [], "metadata": {"user_id": blob}}).to_string(),
        of("user", json!([block]))
            .replace("\"role\":\"user\"", "\"role\":\"assistant\",\"role\":\"user\""),
    ] {
        let seen = forwarded(&world, caller("alice", None, 0.1), &body).await;
        assert_eq!(seen, body);
    }
    // Nobody knows what a block says that says something twice.
    let twice = next_turn(&got).replace("\"thinking\":\"\"", "\"thinking\":\"\",\"thinking\":\"\"");
    let seen = forwarded(&world, alice(), &twice).await;
    assert!(!seen.contains("Sum ") && !seen.contains(PREFIX), "{seen}");
}

#[tokio::test(start_paused = true)]
async fn nothing_opens_for_what_only_counts_tokens() {
    let world = world();
    let answer = message(&format!("{},{CALL}", thinking(Some(SIGNATURE))));
    let got = answered(&world, alice(), &answer).await;
    for score in [0.1, 0.9] {
        let caller = caller("alice", None, score);
        let path = "/v1/messages/count_tokens";
        let seen = sent_to(&world, path, caller, &next_turn(&got)).await;
        assert!(!seen.contains("Sum ") && !seen.contains(PREFIX), "{seen}");
        assert_eq!(read_json(&seen)["messages"][1]["content"], json!([got[1]]));
    }
}

// Break it: leave the conversation out of what is bound, or hash all of its messages.
#[tokio::test(start_paused = true)]
async fn a_policy_may_bind_it_to_the_conversation_that_begins_so() {
    let world = world_of("reasoning = { keep = \"none\", seal = { bind = \"conversation\" } }");
    let answer = message(&format!("{},{CALL}", thinking(Some(SIGNATURE))));
    let got = answered(&world, alice(), &answer).await;
    let mut fork = read_json(&next_turn(&got));
    fork["system"] = "Be brief.".into();
    fork["tools"] = json!([{"name": "add", "input_schema": {}}]);
    fork["messages"][2] = json!({"role": "user", "content": "Never mind. 3 and 4?"});
    for (body, opens) in [
        (next_turn(&got), true),
        (fork.to_string(), true),
        (next_turn(&got).replace("9 and 8?", "9 and 8? "), false),
        (next_turn(&got).replace("9 and 8?", "A summary of what came before."), false),
    ] {
        let seen = forwarded(&world, alice(), &body).await;
        assert_eq!(seen.contains("Sum "), opens, "{seen}");
        assert!(!seen.contains(PREFIX));
    }
}

#[tokio::test(start_paused = true)]
async fn without_that_it_opens_in_another_conversation_of_the_same_principal() {
    let world = world();
    let answer = message(&format!("{},{CALL}", thinking(Some(SIGNATURE))));
    let got = answered(&world, alice(), &answer).await;
    let body = next_turn(&got).replace("9 and 8?", "A summary of what came before.");
    assert!(forwarded(&world, alice(), &body).await.contains("Sum "));
}

/// As after a restart, on another replica, or from a disk.
#[tokio::test(start_paused = true)]
async fn any_process_with_the_same_secret_opens_it_and_with_the_one_before() {
    let answer = message(&format!("{},{CALL}", thinking(Some(SIGNATURE))));
    let got = answered(&world(), alice(), &answer).await;
    let again = world();
    assert!(forwarded(&again, alice(), &next_turn(&got)).await.contains("Sum "));
    let rotated = world_with(SEAL, |builder| {
        builder.secret([8; 32]).previous_secrets([Secret::new([9; 32]), Secret::new(SECRET)])
    });
    assert!(forwarded(&rotated, alice(), &next_turn(&got)).await.contains("Sum "));
    // What is sealed now is sealed with the new one.
    let got = answered(&rotated, alice(), &answer).await;
    let seen = forwarded(&world(), alice(), &next_turn(&got)).await;
    assert!(!seen.contains("Sum ") && !seen.contains(PREFIX));
    let over = world_with(SEAL, |builder| builder.secret([8; 32]));
    assert!(forwarded(&over, alice(), &next_turn(&got)).await.contains("Sum "));
}

// Break it: look into no body where the policy no longer seals.
#[tokio::test(start_paused = true)]
async fn it_still_opens_in_a_process_whose_policy_no_longer_seals() {
    let world = world();
    let answer = message(&format!("{},{CALL}", thinking(Some(SIGNATURE))));
    let got = answered(&world, alice(), &answer).await;
    let handle = world.layer.handle();
    handle.replace(handle.settings(policy("reasoning = { keep = \"none\" }"))).unwrap();
    for score in [0.1, 0.9] {
        let caller = caller("alice", None, score);
        assert!(forwarded(&world, caller, &next_turn(&got)).await.contains("Sum "));
    }
}

// Break it: fill up to nothing, or leave the usage as it is.
#[tokio::test(start_paused = true)]
async fn neither_size_nor_usage_tells_its_length_within_a_bucket() {
    let world = world_of("reasoning = { keep = \"none\", seal = { bucket = 1024 } }");
    let answer = |length: usize| {
        let block =
            json!({"type": "thinking", "thinking": "z".repeat(length), "signature": "c2ln"});
        let mut answer = read_json(&message(&block.to_string()));
        answer["usage"]["output_tokens"] = (length / 4 + 3).into();
        answer.to_string()
    };
    let mut seen = Vec::new();
    for length in [1, 2, 400, 900, 950] {
        let asked = request(alice(), MESSAGES, Script::whole(first_turn()));
        let got = world.exchange(asked, document(answer(length))).await;
        let mut value = read_json(&got.text());
        value["content"][0]["signature"] = "".into();
        seen.push((got.text().len(), value));
    }
    assert!(seen.windows(2).all(|pair| pair[0] == pair[1]), "{seen:?}");
}

#[tokio::test(start_paused = true)]
async fn thousands_of_blobs_are_opened_up_to_a_bound_and_the_rest_left_out() {
    let world = world();
    let answer = message(&format!("{},{CALL}", thinking(Some(SIGNATURE))));
    let got = answered(&world, alice(), &answer).await;
    let many: Vec<Value> =
        std::iter::repeat_n(got[0].clone(), 5000).chain([got[1].clone()]).collect();
    let seen = read_json(&forwarded(&world, alice(), &next_turn(&many)).await);
    let content = seen["messages"][1]["content"].as_array().unwrap();
    assert_eq!(content.len(), 4096 + 1);
    assert!(content.iter().all(|it| it["signature"] == SIGNATURE || *it == got[1]));
}

// Break it: keep whatever comes.
#[tokio::test(start_paused = true)]
async fn what_is_too_long_is_sealed_without_its_text() {
    let world = world();
    let long = |length: usize| {
        let text = "y".repeat(length);
        message(&json!({"type": "thinking", "thinking": text, "signature": "c2ln"}).to_string())
    };
    for (length, sealed, unsealed) in [(1 << 20, 1, 0), ((1 << 20) + 1, 1, 1)] {
        let got = answered(&world, alice(), &long(length)).await;
        let seen = read_json(&forwarded(&world, alice(), &next_turn(&got)).await);
        let block = &seen["messages"][1]["content"][0];
        assert_eq!(block["signature"], "c2ln");
        assert_eq!(
            block["thinking"].as_str().unwrap().len(),
            if unsealed == 0 { length } else { 0 }
        );
        let record = world.records.all().into_iter().rev().nth(1).unwrap();
        let counted = |counter| count(&record.applied, Countermeasure::Reasoning, counter);
        assert_eq!(
            (counted(Counter::BlocksSealed), counted(Counter::BlocksUnsealed)),
            (sealed, unsealed)
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_blob_that_is_cut_flipped_or_spliced_is_left_out() {
    let world = world();
    let answer = message(&format!("{},{CALL}", thinking(Some(SIGNATURE))));
    let one = answered(&world, alice(), &answer).await;
    let other = answered(&world, alice(), &answer).await;
    let [one_blob, other_blob] = [&one, &other].map(|it| it[0]["signature"].as_str().unwrap());
    assert_ne!(one_blob, other_blob);
    let middle = one_blob.len() / 2;
    let flipped = |at: usize| {
        let (before, behind) = one_blob.split_at(at);
        let with = if behind.starts_with('A') { "B" } else { "A" };
        format!("{before}{with}{}", behind.split_at(1).1)
    };
    let (first, _) = one_blob.split_at(middle);
    let (_, second) = other_blob.split_at(middle);
    let mut wrong = vec![
        one_blob.split_at(one_blob.len() - 4).0.to_owned(),
        first.to_owned(),
        PREFIX.to_owned(),
        format!("{one_blob}AAAA"),
        format!("{first}{second}"),
        format!("{one_blob}!"),
    ];
    wrong.extend((12..one_blob.len()).step_by(11).map(flipped));
    for blob in wrong {
        let mut blocks = one.clone();
        blocks[0]["signature"] = blob.clone().into();
        let seen = forwarded(&world, caller("alice", None, 0.2), &next_turn(&blocks)).await;
        assert_eq!(read_json(&seen)["messages"][1]["content"], json!([one[1]]), "{blob}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_holds_no_blob_goes_on_as_it_came() {
    let world = world();
    let mut native = blocks(&message(&format!("{},{CALL}", thinking(Some(SIGNATURE)))));
    native[0]["thinking"] = "GuilSealed is a word".into();
    let body = next_turn(&native).replace(',', " ,\n");
    assert_eq!(forwarded(&world, caller("alice", None, 0.2), &body).await, body);
    // And the answer is not touched.
    let answer = message(&thinking(Some(SIGNATURE)));
    let asked = request(caller("alice", None, 0.2), MESSAGES, Script::whole(first_turn()));
    let got: Response<_> = {
        world.upstream.answer(document(&answer));
        world.call(asked).await
    };
    assert_eq!(read(got.into_body()).await.text(), answer);
}

// Break it: leave the sealer out of what is tried.
#[tokio::test(start_paused = true)]
async fn what_is_only_observed_is_counted_and_touches_nothing() {
    let world = World::new(policy_with("observe", "", SEAL));
    let answer = message(&format!("{},{CALL}", thinking(Some(SIGNATURE))));
    let asked = request(alice(), MESSAGES, Script::whole(first_turn()));
    let got = world.exchange(asked, document(&answer)).await;
    assert_eq!(got.text(), answer);
    let record = world.records.only();
    assert_eq!(count(&record.observed, Countermeasure::Reasoning, Counter::BlocksSealed), 1);
    assert!(record.applied.is_empty());
}
