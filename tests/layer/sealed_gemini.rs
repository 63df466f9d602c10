//! Sealed reasoning over Gemini: thoughts, and what its server signs of any part.

use guilloche::audit::Counter;
use guilloche::policy::Countermeasure;
use guilloche::risk::Assessment;
use http::{Response, StatusCode};
use serde_json::{Value, json};

use crate::support::{
    GEMINI, PREFIX, Script, World, caller, count, data, json as document, policy, read, request,
    stream,
};

const SEAL: &str = "reasoning = { keep = \"none\", seal = { bucket = 256 } }";
const DOCUMENT: &str = "/v1beta/models/m:generateContent";
const ARRAY: &str = "/v1beta/models/m:streamGenerateContent";
const COUNT: &str = "/v1beta/models/m:countTokens";

/// A thought with what writers of JSON escape in different ways.
const THOUGHT: &str = r#"Sum \"both\":\n9 \u00fc 8 😀 \ud83d\ude00 \/ 3\\4"#;
const PIECES: [&str; 4] =
    [r#"Sum \"both\":\n9 \u00fc "#, "8 😀 ", r#"\ud83d\ude00 "#, r#"\/ 3\\4"#];
const SIGNATURE: &str = "EqoBCkgIARABGAIiQL8rk+Zz/Yw==";

fn world() -> World {
    World::new(policy(SEAL))
}

fn alice() -> Assessment {
    caller("alice", None, 0.9)
}

fn thought(text: &str) -> String {
    format!("{{\"text\":\"{text}\",\"thought\":true}}")
}

fn call(signature: Option<&str>) -> String {
    let signature =
        signature.map(|it| format!(",\"thoughtSignature\":\"{it}\"")).unwrap_or_default();
    format!("{{\"functionCall\":{{\"name\":\"add\",\"args\":{{\"a\":9,\"b\":8}}}}{signature}}}")
}

/// An answer, or a chunk of one, whose parts are these.
fn candidate(parts: &str, finish: bool) -> String {
    let finish = if finish { ",\"finishReason\":\"STOP\"" } else { "" };
    format!(
        "{{\"candidates\":[{{\"content\":{{\"parts\":[{parts}],\"role\":\"model\"}}{finish},\
         \"index\":0}}],\"modelVersion\":\"m\",\"responseId\":\"r\"}}"
    )
}

fn events(chunks: &[String]) -> String {
    chunks.iter().map(|chunk| format!("data: {chunk}\r\n\r\n")).collect()
}

fn array(chunks: &[String]) -> String {
    format!("[{}]", chunks.join("\n,\r\n"))
}

/// A call that was thought about, in chunks.
fn chunks(signature: Option<&str>) -> Vec<String> {
    let thoughts = PIECES.map(|piece| candidate(&thought(piece), false));
    thoughts.into_iter().chain([candidate(&call(signature), true)]).collect()
}

fn parts_of(answer: &str) -> Vec<Value> {
    let value: Value = serde_json::from_str(answer).unwrap_or_else(|_| panic!("{answer}"));
    let parts = |chunk: &Value| chunk["candidates"][0]["content"]["parts"].as_array().cloned();
    match value.as_array() {
        Some(chunks) => chunks.iter().filter_map(parts).flatten().collect(),
        None => parts(&value).unwrap(),
    }
}

/// The parts of a stream of events, as they came.
fn streamed(text: &str) -> Vec<Value> {
    let lines = text.lines().filter_map(|line| line.strip_prefix("data: "));
    lines.flat_map(parts_of).collect()
}

fn next_turn(parts: &[Value]) -> String {
    json!({"contents": [
        {"role": "user", "parts": [{"text": "9 and 8?"}]},
        {"role": "model", "parts": parts},
        {"role": "user", "parts": [{"functionResponse": {"name": "add", "response": {"sum": 17}}}]},
    ]})
    .to_string()
}

fn asked(path: &str, caller: Assessment) -> http::Request<Script> {
    let first = r#"{"contents":[{"role":"user","parts":[{"text":"9 and 8?"}]}]}"#;
    request(caller, path, Script::whole(first))
}

async fn answered(world: &World, parts: &str) -> Vec<Value> {
    let got = world.exchange(asked(DOCUMENT, alice()), document(candidate(parts, true))).await;
    world.upstream.seen();
    parts_of(&got.text())
}

async fn sent_to(world: &World, path: &str, caller: Assessment, body: &str) -> String {
    let asked = request(caller, path, Script::whole(body));
    world.exchange(asked, document("{\"candidates\":[]}")).await;
    let [seen]: [_; 1] = world.upstream.seen().try_into().unwrap();
    seen.text()
}

async fn forwarded(world: &World, caller: Assessment, parts: &[Value]) -> String {
    sent_to(world, DOCUMENT, caller, &next_turn(parts)).await
}

fn is_blob(value: &Value) -> bool {
    value.as_str().is_some_and(|it| it.starts_with(PREFIX))
}

fn parts_sent(body: &str) -> Value {
    serde_json::from_str::<Value>(body).unwrap()["contents"][1]["parts"].clone()
}

// Break it: leave the signature of a call as it is, or seal nothing of the thought.
#[tokio::test(start_paused = true)]
async fn thoughts_and_signatures_go_out_sealed_and_reach_the_upstream_as_their_client_writes() {
    let world = world();
    let signed = thought(THOUGHT).replace('}', &format!(",\"thoughtSignature\":\"{SIGNATURE}\"}}"));
    let text = format!("{{\"text\":\"So.\",\"thoughtSignature\":\"{SIGNATURE}\"}}");
    let snake = "{\"thought_signature\":\"YQ==\",\"text\":\"\"}".to_owned();
    for parts in [
        [thought(THOUGHT), call(Some(SIGNATURE))].join(","),
        [thought(THOUGHT), call(None)].join(","),
        [signed.clone(), call(Some("YQ=="))].join(","),
        [thought("One."), call(Some("YQ==")), thought("Two."), call(Some("Yg=="))].join(","),
        [thought(THOUGHT), text, call(None)].join(","),
        [call(Some(SIGNATURE)), snake].join(","),
    ] {
        let got = answered(&world, &parts).await;
        let original = parts_of(&candidate(&parts, true));
        for (got, part) in got.iter().zip(&original) {
            let thought = part["thought"] == true;
            for name in ["thoughtSignature", "thought_signature"] {
                let carries = part.get(name).is_some() || thought && name == "thoughtSignature";
                assert_eq!(is_blob(&got[name]), carries, "{got}");
            }
            if thought {
                assert_eq!(got["text"], "");
            } else {
                assert_eq!(
                    (&got["functionCall"], &got["text"]),
                    (&part["functionCall"], &part["text"])
                );
            }
        }
        for score in [0.0, 0.9] {
            let seen = forwarded(&world, caller("alice", None, score), &got).await;
            // To the byte what the client would have sent, had nothing been sealed.
            assert_eq!(seen, next_turn(&original));
        }
    }
}

// Break it: seal each piece, or forget those before the call.
#[tokio::test(start_paused = true)]
async fn a_stream_carries_in_one_thought_what_came_in_pieces_however_it_is_cut() {
    for signature in [Some(SIGNATURE), None] {
        let world = world();
        let chunks = chunks(signature);
        let original = parts_of(&candidate(&[thought(THOUGHT), call(signature)].join(","), true));
        for (path, text) in [(GEMINI, events(&chunks)), (ARRAY, array(&chunks))] {
            let cuts = (0..text.len()).filter(|at| text.is_char_boundary(*at));
            for at in cuts.step_by(7).chain([0]) {
                let (first, second) = text.split_at(at);
                let steps = [first, second].map(data);
                let answer = match path {
                    GEMINI => stream(steps),
                    _ => {
                        let answer = Response::builder().header("content-type", "application/json");
                        answer.body(Script::new(steps)).unwrap()
                    }
                };
                let got = world.exchange(asked(path, alice()), answer).await;
                assert!(!got.failed);
                let got = got.text();
                world.upstream.seen();
                let parts = if path == GEMINI { streamed(&got) } else { parts_of(&got) };
                assert_eq!(parts.len(), 2, "{got}");
                assert_eq!((&parts[0]["text"], &parts[0]["thought"]), (&json!(""), &json!(true)));
                let blobs = 1 + usize::from(signature.is_some());
                assert!(
                    !got.contains("Sum ") && got.matches(PREFIX).count() == blobs,
                    "cut at {at}: {got}"
                );
                let seen = forwarded(&world, alice(), &parts).await;
                assert_eq!(parts_sent(&seen), json!(original), "cut at {at}");
            }
        }
    }
}

/// Thoughts between calls, an end in the middle of one, and a chunk that holds all.
#[tokio::test(start_paused = true)]
async fn each_call_of_a_stream_comes_behind_what_was_thought_before_it() {
    let world = world();
    let (one, two) = (call(Some("YQ==")), call(Some("Yg==")));
    let text = |text: &str| format!("{{\"text\":\"{text}\"}}");
    let joined = |parts: &[&str]| parts_of(&candidate(&parts.join(","), true));
    let [a, b, ab, c] = ["A ", "b.", "A b.", "C."].map(thought);
    let said = text("So.");
    for (pieces, expected) in [
        (vec![&*a, &b, &one, &c, &two], joined(&[&ab, &one, &c, &two])),
        (vec![&*one, &a, &b], joined(&[&one, &ab])),
        (vec![&*a, &b], joined(&[&ab])),
        (vec![&*c, &said, &c, &said], joined(&[&c, &said, &c, &said])),
    ] {
        let last = pieces.len() - 1;
        let chunks: Vec<_> =
            pieces.iter().enumerate().map(|(at, it)| candidate(it, at == last)).collect();
        let got = world.exchange(asked(GEMINI, alice()), stream([data(events(&chunks))])).await;
        world.upstream.seen();
        let seen = forwarded(&world, alice(), &streamed(&got.text())).await;
        assert_eq!(parts_sent(&seen), json!(expected), "{}", got.text());
    }
    // Pieces that came before go with the first thought of a chunk that holds more.
    let chunks = [candidate(&a, false), candidate(&[b.as_str(), &one].join(","), true)];
    let got = world.exchange(asked(GEMINI, alice()), stream([data(events(&chunks))])).await;
    world.upstream.seen();
    let seen = forwarded(&world, alice(), &streamed(&got.text())).await;
    assert_eq!(parts_sent(&seen), json!(joined(&[&ab, &one])));
}

#[tokio::test(start_paused = true)]
async fn several_candidates_of_a_stream_carry_each_its_own() {
    let world = world();
    let of = |index: u32, part: &str, finish| {
        candidate(part, finish).replace("\"index\":0", &format!("\"index\":{index}"))
    };
    let chunks = [
        of(0, &thought("Zero."), false),
        of(1, &thought("One."), false),
        of(1, &call(None), true),
        of(0, &call(None), true),
    ];
    let two = r#"{"contents":[],"generationConfig":{"candidateCount":2}}"#;
    let asked = request(alice(), GEMINI, Script::whole(two));
    let got = world.exchange(asked, stream([data(events(&chunks))])).await.text();
    world.upstream.seen();
    let lines = got.lines().filter_map(|line| line.strip_prefix("data: "));
    let values: Vec<Value> = lines.map(|line| serde_json::from_str(line).unwrap()).collect();
    let indices: Vec<_> = values.iter().map(|it| it["candidates"][0]["index"].as_u64()).collect();
    assert_eq!(indices, [Some(1), Some(1), Some(0), Some(0)]);
    for (value, text) in [(&values[0], "One."), (&values[2], "Zero.")] {
        let parts = value["candidates"][0]["content"]["parts"].as_array().unwrap();
        let seen = forwarded(&world, alice(), parts).await;
        assert_eq!(parts_sent(&seen)[0]["text"], text);
    }
}

// Break it: leave out the whole part of a call, or its signature: newer models refuse a call without one.
#[tokio::test(start_paused = true)]
async fn nobody_else_opens_it_and_the_conversation_goes_on_without() {
    let world = world();
    let text = "{\"text\":\"So.\",\"thoughtSignature\":\"Yg==\"}".to_owned();
    let got = answered(&world, &[thought(THOUGHT), text, call(Some(SIGNATURE))].join(",")).await;
    let left = json!([
        {"text": "So."},
        {"functionCall": {"name": "add", "args": {"a": 9, "b": 8}},
            "thoughtSignature": "skip_thought_signature_validator"},
    ]);
    let bob = |score| caller("bob", None, score);
    let other = "/v1beta/models/n:generateContent";
    for (path, caller) in
        [(DOCUMENT, bob(0.1)), (DOCUMENT, bob(0.9)), (other, alice()), (COUNT, alice())]
    {
        let seen = sent_to(&world, path, caller, &next_turn(&got)).await;
        assert_eq!(parts_sent(&seen), left, "{seen}");
    }
    // Blobs that changed their places, or stand where the client speaks.
    let mut moved = got.clone();
    moved[1]["thoughtSignature"] = got[0]["thoughtSignature"].clone();
    moved[0]["thoughtSignature"] = got[1]["thoughtSignature"].clone();
    let seen = forwarded(&world, alice(), &moved).await;
    assert!(!seen.contains("Sum ") && !seen.contains(PREFIX) && !seen.contains("Yg=="), "{seen}");
    let of_user = next_turn(&got).replace("\"role\":\"model\"", "\"role\":\"user\"");
    assert_eq!(sent_to(&world, DOCUMENT, caller("alice", None, 0.1), &of_user).await, of_user);
    // A message that only held a thought goes.
    let seen = forwarded(&world, bob(0.1), &got[..1]).await;
    assert_eq!(
        serde_json::from_str::<Value>(&seen).unwrap()["contents"].as_array().unwrap().len(),
        2
    );
}

#[tokio::test(start_paused = true)]
async fn a_policy_may_refuse_it_in_the_vendors_words() {
    let world =
        World::new(policy("reasoning = { keep = \"none\", seal = { unopened = \"refuse\" } }"));
    let body = next_turn(&[
        json!({"text": "", "thought": true, "thoughtSignature": format!("{PREFIX}AAAA")}),
    ]);
    let answer = world.call(request(alice(), DOCUMENT, Script::whole(&body))).await;
    assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
    let text = read(answer.into_body()).await.text();
    assert!(text.contains("INVALID_ARGUMENT") && text.contains("thought signature"), "{text}");
}

/// Clients spell members in two ways, leave out what is empty, and write signatures in either alphabet.
#[tokio::test(start_paused = true)]
async fn it_opens_as_clients_write_it() {
    let world = world();
    let original = json!([{"thought": true, "text": "9 + 8."}, {"functionCall": {"name": "add", "args": {}}, "thoughtSignature": "YQ=="}]);
    let parts = "{\"thought\":true,\"text\":\"9 + 8.\"},{\"functionCall\":{\"name\":\"add\",\"args\":{}},\"thoughtSignature\":\"YQ==\"}";
    let got = answered(&world, parts).await;
    let [thought, call] = [0, 1].map(|at| got[at]["thoughtSignature"].as_str().unwrap());
    let for_urls = |blob: &str| blob.replace('+', "-").replace('/', "_");
    let escaped = |blob: &str| {
        let hidden: String = blob.chars().map(|it| format!("\\u{:04x}", u32::from(it))).collect();
        hidden
    };
    for parts in [
        format!("{{\"thought\":true,\"thoughtSignature\":\"{thought}\"}}"),
        format!("{{ \"thoughtSignature\" : \"{thought}\" , \"thought\":true }}"),
        format!(
            "{{\"thought_signature\":\"{}\",\"thought\":true,\"text\":\"\"}}",
            for_urls(thought)
        ),
        format!(
            "{{\"text\":\"\",\"thought\\u0053ignature\":\"{}\",\"thought\":true}}",
            escaped(thought)
        ),
    ] {
        let body = next_turn(&[]).replace(
            "[]",
            &format!("[{parts},{{\"functionCall\":{{\"name\":\"add\",\"args\":{{}}}},\"thoughtSignature\":\"{}\"}}]", escaped(call)),
        );
        let seen = sent_to(&world, DOCUMENT, alice(), &body).await;
        assert_eq!(parts_sent(&seen), original, "{body}");
    }
}

// Break it: fill up to nothing.
#[tokio::test(start_paused = true)]
async fn neither_size_nor_number_of_events_tells_its_length_within_a_bucket() {
    let world = World::new(policy("reasoning = { keep = \"none\", seal = { bucket = 1024 } }"));
    let mut seen = Vec::new();
    for length in [1, 2, 400, 900] {
        let usage = |chunk: String| {
            chunk.replace(
                ",\"modelVersion\"",
                &format!(
                    ",\"usageMetadata\":{{\"promptTokenCount\":3,\"candidatesTokenCount\":5,\
                     \"thoughtsTokenCount\":{0},\"totalTokenCount\":{1}}},\"modelVersion\"",
                    length / 4 + 1,
                    length / 4 + 9
                ),
            )
        };
        let text = "z".repeat(length);
        let pieces: Vec<&str> =
            text.as_bytes().chunks(7).map(|it| std::str::from_utf8(it).unwrap()).collect();
        let mut chunks: Vec<_> =
            pieces.iter().map(|it| usage(candidate(&thought(it), false))).collect();
        chunks.push(usage(candidate(&call(Some(&"s".repeat(length))), true)));
        let whole = usage(candidate(&[thought(&text), call(Some(SIGNATURE))].join(","), true));
        for (path, answer) in [
            (GEMINI, stream([data(events(&chunks))])),
            (ARRAY, document(array(&chunks))),
            (DOCUMENT, document(whole)),
        ] {
            let got = world.exchange(asked(path, alice()), answer).await;
            let text = got.text();
            let blobs: Vec<_> = text.split('"').filter(|it| it.starts_with(PREFIX)).collect();
            assert_eq!(blobs.len(), 2, "{text}");
            let shown = blobs.iter().fold(text.clone(), |text, blob| text.replace(blob, ""));
            seen.push((path, text.len(), shown));
        }
    }
    for path in [GEMINI, ARRAY, DOCUMENT] {
        let of: Vec<_> = seen.iter().filter(|it| it.0 == path).collect();
        assert!(of.windows(2).all(|pair| pair[0] == pair[1]), "{of:?}");
    }
}

// Break it: guard what Messages opens only.
#[tokio::test(start_paused = true)]
async fn what_was_opened_does_not_come_out_again() {
    let world = world();
    let long: String = (0..60).map(|it| format!("step{it} follows ")).collect();
    let got = answered(&world, &[thought(&long), call(None)].join(",")).await;
    let repeats = format!("{{\"text\":\"So: {long}!\"}}");
    let with_args =
        format!("{{\"functionCall\":{{\"name\":\"add\",\"args\":{{\"note\":\"{long}\"}}}}}}");
    for score in [0.1, 0.9] {
        for part in [&repeats, &with_args] {
            let ask =
                |path| request(caller("alice", None, score), path, Script::whole(next_turn(&got)));
            let whole = world.exchange(ask(DOCUMENT), document(candidate(part, true))).await.text();
            let chunks = [candidate(part, true)];
            let streamed =
                world.exchange(ask(GEMINI), stream([data(events(&chunks))])).await.text();
            world.upstream.seen();
            let chunks = [candidate(part, true)];
            let arrayed = world.exchange(ask(ARRAY), document(array(&chunks))).await;
            assert!(!arrayed.failed);
            world.upstream.seen();
            for said in [whole, streamed, arrayed.text()] {
                assert!(!said.contains("step3") && said.contains("\"role\":\"model\""), "{said}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn blobs_are_counted_and_bounded() {
    let world = world();
    let many = vec![call(Some("YQ==")); 5000].join(",");
    let got = answered(&world, &many).await;
    assert_eq!(got.iter().filter(|it| is_blob(&it["thoughtSignature"])).count(), 5000);
    let thoughts = (0..5000).map(|it| thought(&it.to_string())).collect::<Vec<_>>().join(",");
    let got = answered(&world, &thoughts).await;
    assert_eq!(got.iter().filter(|it| is_blob(&it["thoughtSignature"])).count(), 4096);
    let last = world.records.all().pop().unwrap();
    let counted = |counter| count(&last.applied, Countermeasure::Reasoning, counter);
    assert_eq!((counted(Counter::BlocksSealed), counted(Counter::BlocksUnsealed)), (4096, 904));
}
