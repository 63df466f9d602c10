//! Sealed reasoning where a protocol has nothing but a string for it that clients send back: Ollama's and
//! Cohere's own.

use guilloche::risk::Assessment;
use http::Response;
use serde_json::{Value, json};

use crate::support::{
    CHAT, COHERE, COMPLETIONS, DONE, LLAMA_CPP, OLLAMA, PREFIX, STOP, Script, TGI, World, caller,
    data, delta as chat_delta, event, json as document, policy, request, stream,
};

const THOUGHT: &str = "9 and 8,\n\"both\" ü.";

fn world(strings: bool) -> World {
    let grade = format!(
        "reasoning = {{ keep = \"none\", seal = {{ bucket = 256, in_strings = {strings} }} }}"
    );
    World::new(policy(&grade))
}

fn alice(score: f64) -> Assessment {
    caller("alice", None, score)
}

fn next_turn(message: &Value) -> String {
    json!({"model": "m", "stream": false, "messages": [
        {"role": "user", "content": "9 and 8?"}, message,
        {"role": "tool", "tool_call_id": "call_1", "content": "17"},
    ]})
    .to_string()
}

fn asked(path: &str, streamed: bool) -> http::Request<Script> {
    let first = json!({"model": "m", "stream": streamed, "prompt": "9 and 8?", "inputs": "9 and 8?",
        "messages": [{"role": "user", "content": "9 and 8?"}]});
    let mut first = first;
    for (name, paths) in [
        ("prompt", [COMPLETIONS, LLAMA_CPP, "/api/generate"].as_slice()),
        ("inputs", [TGI].as_slice()),
        ("messages", [OLLAMA, COHERE].as_slice()),
    ] {
        if !paths.contains(&path) {
            first.as_object_mut().unwrap().remove(name);
        }
    }
    request(alice(0.9), path, Script::whole(first.to_string()))
}

async fn message_sent(world: &World, path: &str, caller: Assessment, message: &Value) -> Value {
    let asked = request(caller, path, Script::whole(next_turn(message)));
    world.exchange(asked, document("{}")).await;
    let [seen]: [_; 1] = world.upstream.seen().try_into().unwrap();
    serde_json::from_str::<Value>(&seen.text()).unwrap()["messages"][1].clone()
}

fn messages() -> [(&'static str, Value); 2] {
    let calls = json!([{"id": "call_1", "type": "function", "function": {"name": "add", "arguments": "{}"}}]);
    let of_ollama = json!([{"function": {"name": "add", "arguments": {"a": 9}}}]);
    [
        (
            OLLAMA,
            json!({"role": "assistant", "content": "", "thinking": THOUGHT, "tool_calls": of_ollama}),
        ),
        (
            COHERE,
            json!({"role": "assistant", "tool_plan": "I add: 9, 8.", "tool_calls": calls,
                "content": [{"type": "thinking", "thinking": THOUGHT}, {"type": "text", "text": "So."}]}),
        ),
    ]
}

fn strings(message: &Value) -> Vec<&Value> {
    let all = [&message["thinking"], &message["tool_plan"], &message["content"][0]["thinking"]];
    all.into_iter().filter(|it| !it.is_null()).collect()
}

// Break it: leave the strings as they are, or look for blobs in one of them only.
#[tokio::test(start_paused = true)]
async fn a_blob_takes_the_place_of_a_string_where_the_policy_says_so() {
    for (path, message) in messages() {
        for sealed in [true, false] {
            let world = world(sealed);
            let answer = json!({"id": "c", "model": "m", "created_at": "2026-11-30T00:00:00Z",
                "message": message, "done": true, "done_reason": "stop", "finish_reason": "TOOL_CALL"});
            let got = world.exchange(asked(path, false), document(answer.to_string())).await.text();
            world.upstream.seen();
            let got = serde_json::from_str::<Value>(&got).unwrap()["message"].clone();
            for string in strings(&got) {
                let string = string.as_str().unwrap();
                assert!(
                    if sealed { string.starts_with(PREFIX) } else { string.is_empty() },
                    "{got}"
                );
            }
            if !sealed {
                continue;
            }
            for score in [0.1, 0.9] {
                let seen = message_sent(&world, path, alice(score), &got).await;
                assert_eq!(seen, message, "{path}");
            }
            let mut dropped = message.clone();
            for place in ["/thinking", "/tool_plan", "/content/0/thinking"] {
                dropped.pointer_mut(place).into_iter().for_each(|it| *it = "".into());
            }
            let seen = message_sent(&world, path, caller("bob", None, 0.1), &got).await;
            assert_eq!(seen, dropped, "{path}");
            // In the place of other words it is nothing.
            let mut moved = got.clone();
            moved["content"] = strings(&got)[0].clone();
            moved.as_object_mut().unwrap().remove("thinking");
            moved.as_object_mut().unwrap().remove("tool_plan");
            assert_eq!(message_sent(&world, path, alice(0.1), &moved).await, moved, "{path}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_blob_of_a_streams_string_comes_before_the_answer() {
    let line = |message: Value| {
        json!({"model": "m", "created_at": "2026-11-30T00:00:00Z", "message": message, "done": false}).to_string() + "\n"
    };
    let ollama = [
        line(json!({"role": "assistant", "content": "", "thinking": "9 and "})),
        line(json!({"role": "assistant", "content": "", "thinking": "8, \"both\"."})),
        line(json!({"role": "assistant", "content": "17."})),
        json!({"model": "m", "message": {"role": "assistant", "content": ""}, "done": true, "done_reason": "stop"}).to_string() + "\n",
    ]
    .concat();
    let said = |name: &str, text: &str| {
        event(
            "content-delta",
            &format!(
                ",\"index\":0,\"delta\":{{\"message\":{{\"content\":{{\"{name}\":{}}}}}}}",
                json!(text)
            ),
        )
    };
    let start = |at: u32, kind: &str| {
        event(
            "content-start",
            &format!(
                ",\"index\":{at},\"delta\":{{\"message\":{{\"content\":{{\"type\":\"{kind}\",\"{kind}\":\"\"}}}}}}"
            ),
        )
    };
    let end = |at: u32| event("content-end", &format!(",\"index\":{at}"));
    let cohere = [
        event(
            "message-start",
            ",\"id\":\"c\",\"delta\":{\"message\":{\"role\":\"assistant\",\"content\":[]}}",
        ),
        start(0, "thinking"),
        said("thinking", "9 and "),
        said("thinking", "8, \"both\"."),
        end(0),
        start(1, "text"),
        said("text", "17.").replace("\"index\":0", "\"index\":1"),
        end(1),
        event("message-end", ",\"delta\":{\"finish_reason\":\"COMPLETE\"}"),
    ]
    .concat();
    for (path, text) in [(OLLAMA, ollama), (COHERE, cohere)] {
        let world = world(true);
        for at in (0..text.len()).step_by(9) {
            let (first, second) = text.split_at(at);
            let steps = [first, second].map(data);
            let answer = match path {
                COHERE => stream(steps),
                _ => Response::builder()
                    .header("content-type", "application/x-ndjson")
                    .body(Script::new(steps))
                    .unwrap(),
            };
            let got = world.exchange(asked(path, true), answer).await.text();
            world.upstream.seen();
            assert!(!got.contains("both\\\"") && got.matches(PREFIX).count() == 1, "{got}");
            assert!(got.find(PREFIX) < got.find("17."), "{got}");
            let blob = got.split('"').find(|it| it.starts_with(PREFIX)).unwrap();
            let message = |text: &str| match path {
                COHERE => {
                    json!({"role": "assistant", "content": [{"type": "thinking", "thinking": text}]})
                }
                _ => json!({"role": "assistant", "content": "17.", "thinking": text}),
            };
            let seen = message_sent(&world, path, alice(0.1), &message(blob)).await;
            assert_eq!(seen, message("9 and 8, \"both\"."), "{path}");
        }
    }
}

/// What was opened is guarded, and answers tell no more of its length than a bucket.
#[tokio::test(start_paused = true)]
async fn the_strings_are_guarded_and_filled_up() {
    let long: String = (0..60).map(|it| format!("step{it} follows ")).collect();
    for (path, message) in messages() {
        let world = world(true);
        let mut message = message;
        let mut sealed = Value::Null;
        let mut lengths = Vec::new();
        for text in ["a", "abc", long.as_str()] {
            for place in ["/thinking", "/content/0/thinking"] {
                message.pointer_mut(place).into_iter().for_each(|it| *it = text.into());
            }
            let answer = json!({"message": message, "done": true, "finish_reason": "TOOL_CALL"});
            let got = world.exchange(asked(path, false), document(answer.to_string())).await.text();
            world.upstream.seen();
            lengths.push(got.len());
            sealed = serde_json::from_str::<Value>(&got).unwrap()["message"].clone();
        }
        assert_eq!(lengths[0], lengths[1]);
        for score in [0.1, 0.9] {
            let again = request(alice(score), path, Script::whole(next_turn(&sealed)));
            let text = format!("So: {long}!");
            let content = match path {
                COHERE => json!([{"type": "text", "text": text}]),
                _ => json!(text),
            };
            let answer =
                json!({"message": {"role": "assistant", "content": content}, "done": true});
            let said = world.exchange(again, document(answer.to_string())).await.text();
            world.upstream.seen();
            assert!(!said.contains("step3") && said.contains("So: "), "{path}: {said}");
        }
    }
}

/// What no client sends back is withheld as without a seal.
#[tokio::test(start_paused = true)]
async fn what_has_no_carrier_is_withheld() {
    for (path, answer) in [
        (
            COMPLETIONS,
            json!({"choices": [{"index": 0, "text": "<think>9 + 8</think>17", "finish_reason": "stop"}]}),
        ),
        (LLAMA_CPP, json!({"content": "<think>9 + 8</think>17", "stop": true, "stop_type": "eos"})),
        (TGI, json!({"generated_text": "<think>9 + 8</think>17"})),
        (
            "/api/generate",
            json!({"model": "m", "response": "17", "thinking": "9 + 8", "done": true}),
        ),
    ] {
        let got =
            world(true).exchange(asked(path, false), document(answer.to_string())).await.text();
        assert!(
            got.contains("17") && !got.contains("9 + 8") && !got.contains(PREFIX),
            "{path}: {got}"
        );
    }
}

/// A stream of calls, whole in one event or in pieces, of these arguments.
fn called(path: &str, arguments: &[&str]) -> String {
    let mut out = String::new();
    for (at, piece) in arguments.iter().enumerate() {
        let mut function = json!({ "arguments": piece });
        let mut call = json!({"index": 0});
        if at == 0 {
            function["name"] = "add".into();
            (call["id"], call["type"]) = ("call_1".into(), "function".into());
        }
        call["function"] = function;
        out += &match (path, at) {
            (COHERE, 0) => {
                call.as_object_mut().unwrap().remove("index");
                let delta = json!({"message": {"tool_calls": call}});
                event("tool-call-start", &format!(",\"index\":0,\"delta\":{delta}"))
            }
            (COHERE, _) => {
                let delta = json!({"message": {"tool_calls": {"function": call["function"]}}});
                event("tool-call-delta", &format!(",\"index\":0,\"delta\":{delta}"))
            }
            _ => chat_delta(&format!("\"tool_calls\":[{call}]")),
        };
    }
    out + &match path {
        COHERE => {
            event("tool-call-end", ",\"index\":0")
                + &event("message-end", ",\"delta\":{\"finish_reason\":\"TOOL_CALL\"}")
        }
        _ => STOP.replace("\"stop\"", "\"tool_calls\"") + DONE,
    }
}

/// The call that a client puts together: its name, its id and its arguments.
fn call_of(stream: &str) -> (String, String, String) {
    let mut call = (String::new(), String::new(), String::new());
    for line in stream.lines().filter_map(|line| line.strip_prefix("data: ")) {
        let Ok(event) = serde_json::from_str::<Value>(line) else { continue };
        let delta = event.pointer("/delta/message/tool_calls");
        let Some(delta) = delta.or(event.pointer("/choices/0/delta/tool_calls/0")) else {
            continue;
        };
        let text = |place: &str| delta.pointer(place).and_then(Value::as_str).unwrap_or_default();
        call.0 += text("/function/name");
        call.1 += text("/id");
        call.2 += text("/function/arguments");
    }
    call
}

/// The message that a caller whose reasoning is sealed gets of this answer.
async fn first_turn(world: &World, path: &str, answer: &Value) -> Value {
    let first = match path {
        CHAT => request(
            alice(0.9),
            CHAT,
            Script::whole(r#"{"model":"m","messages":[{"role":"user","content":"9 and 8?"}]}"#),
        ),
        _ => asked(path, false),
    };
    let got = world.exchange(first, document(answer.to_string())).await.text();
    world.upstream.seen();
    let got: Value = serde_json::from_str(&got).unwrap();
    got.pointer("/choices/0/message").unwrap_or(&got["message"]).clone()
}

/// What is guarded waits, and where a call comes whole, or in events that say no more, nothing may be lost.
// Break it: keep what is guarded where no event of its own could bring it.
#[tokio::test(start_paused = true)]
async fn the_call_of_a_tool_comes_whole_where_something_was_opened() {
    for path in [CHAT, COHERE] {
        let world = world(true);
        let blob = json!({"role": "assistant", "content": [{"type": "thinking", "thinking": "9 + 8."}], "reasoning_content": "9 + 8."});
        let answer = match path {
            CHAT => {
                json!({"choices": [{"index": 0, "message": {"role": "assistant", "content": "17", "reasoning_content": "9 + 8."}, "finish_reason": "stop"}]})
            }
            _ => json!({"message": blob, "finish_reason": "COMPLETE"}),
        };
        let message = &first_turn(&world, path, &answer).await;
        assert!(message.to_string().contains(PREFIX), "{message}");
        for score in [0.1, 0.9] {
            for pieces in [vec!["{\"a\":9,\"b\":8}"], vec!["", "{\"a\"", ":9,", "\"b\":8}"]] {
                let body = next_turn(message).replace("\"stream\":false", "\"stream\":true");
                let again = request(alice(score), path, Script::whole(body));
                let said =
                    world.exchange(again, stream([data(called(path, &pieces))])).await.text();
                world.upstream.seen();
                let (name, id, arguments) = call_of(&said);
                assert_eq!(
                    (&*name, &*id, &*arguments),
                    ("add", "call_1", "{\"a\":9,\"b\":8}"),
                    "{said}"
                );
            }
            let calls = json!([{"id": "call_1", "type": "function", "function": {"name": "add", "arguments": "{\"a\":9}"}}]);
            let answer = match path {
                CHAT => {
                    json!({"choices": [{"index": 0, "message": {"role": "assistant", "tool_calls": calls}, "finish_reason": "tool_calls"}]})
                }
                _ => {
                    json!({"message": {"role": "assistant", "tool_calls": calls}, "finish_reason": "TOOL_CALL"})
                }
            };
            let again = request(alice(score), path, Script::whole(next_turn(message)));
            let said = world.exchange(again, document(answer.to_string())).await.text();
            world.upstream.seen();
            assert_eq!(serde_json::from_str::<Value>(&said).unwrap(), answer);
        }
    }
}

/// Arguments that repeat what was opened, word by word.
// Break it: let go of what is guarded with every piece.
#[tokio::test(start_paused = true)]
async fn a_call_does_not_repeat_what_was_opened_in_pieces_either() {
    let long: String = (0..60).map(|it| format!("step{it} follows ")).collect();
    for path in [CHAT, COHERE] {
        let world = world(true);
        let answer = match path {
            CHAT => {
                json!({"choices": [{"index": 0, "message": {"role": "assistant", "content": "17", "reasoning_content": long}, "finish_reason": "stop"}]})
            }
            _ => {
                json!({"message": {"role": "assistant", "content": [{"type": "thinking", "thinking": long}]}, "finish_reason": "COMPLETE"})
            }
        };
        let message = &first_turn(&world, path, &answer).await;
        let words: Vec<&str> = long.split_inclusive(' ').collect();
        let pieces = [vec!["", "{\"note\":\""], words, vec!["\"}"]].concat();
        let body = next_turn(message).replace("\"stream\":false", "\"stream\":true");
        let again = request(alice(0.1), path, Script::whole(body));
        let said = world.exchange(again, stream([data(called(path, &pieces))])).await.text();
        let (name, _, arguments) = call_of(&said);
        assert!(name == "add" && !arguments.contains("step3"), "{path}: {arguments}");
    }
}
