//! Sealed reasoning: what goes out, and what comes back.

use guilloche::audit::Counter;
use guilloche::layer::DefenseBuilder;
use guilloche::policy::Countermeasure;
use guilloche::risk::Assessment;
use serde_json::{Value, json};

use crate::support::{
    MESSAGES, PREFIX, Script, World, caller, count, data, event, json as document, policy,
    policy_with, request, stream,
};

pub(super) const SEAL: &str = "reasoning = { keep = \"none\", seal = { bucket = 256 } }";

/// Reasoning with what writers of JSON escape in different ways.
const THOUGHT: &str = r#"Sum \"both\":\n9 \u00fc 8 😀 \ud83d\ude00 \/ 3\\4"#;
pub(super) const SIGNATURE: &str = "EqoBCkgIARABGAIiQL8rk+Zz/Yw==";

pub(super) fn world() -> World {
    World::new(policy(SEAL))
}

pub(super) fn world_of(grade: &str) -> World {
    World::new(policy(grade))
}

pub(super) fn world_with(
    grade: &str,
    build: impl FnOnce(DefenseBuilder) -> DefenseBuilder,
) -> World {
    World::with(policy(grade), build)
}

pub(super) fn alice() -> Assessment {
    caller("alice", None, 0.9)
}

/// A message whose blocks are these.
pub(super) fn message(blocks: &str) -> String {
    format!(
        "{{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"m\",\
         \"content\":[{blocks}],\"stop_reason\":\"tool_use\",\"usage\":{{\"input_tokens\":9,\
         \"output_tokens\":40}}}}"
    )
}

pub(super) fn thinking(signature: Option<&str>) -> String {
    let signature = signature.map(|it| format!(",\"signature\":\"{it}\"")).unwrap_or_default();
    format!("{{\"type\":\"thinking\",\"thinking\":\"{THOUGHT}\"{signature}}}")
}

pub(super) const CALL: &str =
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
pub(super) fn next_turn(blocks: &[Value]) -> String {
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

pub(super) fn first_turn() -> &'static str {
    r#"{"model":"m","max_tokens":2000,"messages":[{"role":"user","content":"9 and 8?"}]}"#
}

pub(super) fn blocks(message: &str) -> Vec<Value> {
    serde_json::from_str::<Value>(message).unwrap()["content"].as_array().unwrap().clone()
}

/// The blocks of an answer to the first turn, as the client gets them.
pub(super) async fn answered(world: &World, caller: Assessment, answer: &str) -> Vec<Value> {
    answered_to(world, caller, first_turn(), answer).await
}

async fn answered_to(world: &World, caller: Assessment, ask: &str, answer: &str) -> Vec<Value> {
    let asked = request(caller, MESSAGES, Script::whole(ask));
    let got = world.exchange(asked, document(answer)).await;
    world.upstream.seen();
    blocks(&got.text())
}

/// What the upstream is sent of a request.
pub(super) async fn forwarded(world: &World, caller: Assessment, body: &str) -> String {
    sent_to(world, MESSAGES, caller, body).await
}

pub(super) async fn sent_to(world: &World, path: &str, caller: Assessment, body: &str) -> String {
    let asked = request(caller, path, Script::whole(body));
    world.exchange(asked, document("{\"content\":[]}")).await;
    let [seen]: [_; 1] = world.upstream.seen().try_into().unwrap();
    let length = seen.head.headers["content-length"].to_str().unwrap().parse();
    assert_eq!(length, Ok(seen.text().len()));
    seen.text()
}

pub(super) fn read_json(text: &str) -> Value {
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
