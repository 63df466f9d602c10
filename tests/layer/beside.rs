//! What stands beside a text may say that it is thought: by a flag, a channel, a phase, a role, a type.

use serde_json::{Value, json};

use super::support::*;

const NONE: &str = "side_channels = {}\nreasoning = { keep = \"none\" }";
const SECRET: &str = "First I weigh the zebra.";
const ANSWER: &str = "It is 12.";

async fn sent(path: &str, response: http::Response<Script>) -> String {
    let world = World::new(policy(NONE));
    let asks = request(suspicious(), path, Script::whole(ASKS));
    world.exchange(asks, response).await.text()
}

/// What says that a text beside it is thought.
fn sayings() -> Vec<Value> {
    let words = ["analysis", "commentary", "thinking", "reasoning", "Chain-of-thought"];
    let names = ["channel", "phase", "role", "type", "kind", "stage"];
    let named = names.into_iter().flat_map(|name| words.map(|word| json!({name: word})));
    let flags =
        ["thought", "is_thought", "isReasoning", "thinking"].map(|name| json!({name: true}));
    let more = [
        json!({"thought": 1}),
        json!({"thought": "true"}),
        json!({"extra_content": {"google": {"thought": true}}}),
        json!({"extra_content": {"thought": true}}),
        json!({"provider_specific_fields": {"thought": true}}),
    ];
    named.chain(flags).chain(more).collect()
}

/// The same words of an answer.
fn others() -> Vec<Value> {
    vec![
        json!({"channel": "final"}),
        json!({"phase": "final_answer"}),
        json!({"role": "assistant"}),
        json!({"type": "message"}),
        json!({"thought": false}),
        json!({"thought": null}),
        json!({"is_thinking": 0}),
        json!({"extra_content": {"google": {"thought": false}}}),
        json!({"extra_content": {"google": {"thought_signature": "QUJD"}}}),
    ]
}

fn with(mut value: Value, more: &Value) -> Value {
    value.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    value
}

/// A choice whose text stands under `member`, in which the saying stands at a place.
fn choice(member: &str, place: &str, text: &str, saying: &Value) -> Option<Value> {
    let nested = saying.get("extra_content").or(saying.get("provider_specific_fields"));
    let message = match place {
        "member" => with(json!({"content": text}), saying),
        "part"
            if saying.get("type").is_none() && saying.get("provider_specific_fields").is_none() =>
        {
            let part = with(json!({"type": "text", "text": text}), saying);
            json!({"content": [part]})
        }
        "choice" | "event" if nested.is_none() => json!({"content": text}),
        _ => return None,
    };
    let choice = json!({"index": 0, member: message, "finish_reason": null});
    Some(if place == "choice" { with(choice, saying) } else { choice })
}

fn event(choice: Value, place: &str, saying: &Value) -> Value {
    let event = json!({"id": "c", "choices": [choice]});
    if place == "event" { with(event, saying) } else { event }
}

// Break it: leave a name out of the table, or look at one place only.
#[tokio::test(start_paused = true)]
async fn a_text_that_is_said_to_be_thought_beside_it_is_withheld_wherever_that_is_said() {
    let (mut fallen, mut of) = (Vec::new(), 0);
    for member in ["delta", "message"] {
        for place in ["member", "part", "choice", "event"] {
            for (sayings, thought) in [(sayings(), true), (others(), false)] {
                for saying in sayings {
                    let Some(choice) = choice(member, place, SECRET, &saying) else { continue };
                    of += 1;
                    let said = event(choice, place, &saying);
                    let mut body = format!("data: {said}\n\n");
                    // Who speaks is said anew.
                    let final_answer = json!({"role": "assistant", "channel": "final", "phase": "final", "content": ANSWER});
                    let last = json!({"index": 0, "delta": final_answer, "finish_reason": "stop"});
                    body += &format!("data: {}\n\n", json!({"id": "c", "choices": [last]}));
                    let out = sent(CHAT, stream([data(body + DONE)])).await;
                    if out.contains("zebra") == thought || !out.contains(ANSWER) {
                        fallen.push(format!("{said} in a stream: {out}"));
                    }
                    if member == "message" {
                        let out = sent(CHAT, json(said.to_string())).await;
                        if out.contains("zebra") == thought {
                            fallen.push(format!("{said} in a document: {out}"));
                        }
                    }
                }
            }
        }
    }
    super::rendered::assert_none(&fallen, of);
}

// Break it: forget who speaks with the event that says so.
#[tokio::test(start_paused = true)]
async fn who_speaks_does_so_until_another_does() {
    for name in ["role", "channel", "phase"] {
        for (thinks, answers) in [("thinking", "assistant"), ("analysis", "final")] {
            let said = [
                json!({name: thinks, "content": ""}),
                json!({"content": "First I weigh"}),
                json!({"content": " the zebra."}),
                json!({name: answers, "content": ""}),
                json!({"content": "It is"}),
                json!({"content": " 12."}),
            ];
            let chunk = |delta: &Value| {
                let choice = json!({"index": 0, "delta": delta, "finish_reason": null});
                format!("data: {}\n\n", json!({"id": "c", "choices": [choice]}))
            };
            let body: String = said.iter().map(chunk).collect();
            let out = sent(CHAT, stream([data(body + STOP + DONE)])).await;
            assert!(!out.contains("weigh") && !out.contains("zebra"), "{name}: {out}");
            assert!(out.contains("It is") && out.contains(" 12."), "{name}: {out}");
        }
    }
}

// Break it: read a block by its type only.
#[tokio::test(start_paused = true)]
async fn a_block_that_is_said_to_be_thought_is_withheld() {
    for saying in sayings().into_iter().filter(|it| {
        it.get("type").is_none()
            && it.get("extra_content").is_none()
            && it.get("provider_specific_fields").is_none()
    }) {
        let thought = with(json!({"type": "text", "text": SECRET}), &saying);
        let answer = json!({"type": "text", "text": ANSWER});
        let whole =
            json!({"type": "message", "content": [thought, answer], "stop_reason": "end_turn"});
        let out = sent(MESSAGES, json(whole.to_string())).await;
        assert!(!out.contains("zebra") && out.contains(ANSWER), "{out}");
        let begins = with(json!({"type": "text", "text": ""}), &saying);
        let delta = json!({"type": "text_delta", "text": SECRET});
        for (begins, delta) in
            [(begins, delta.clone()), (json!({"type": "text", "text": ""}), with(delta, &saying))]
        {
            let events = [
                json!({"type": "message_start", "message": {"content": [], "model": "m"}}),
                json!({"type": "content_block_start", "index": 0, "content_block": begins}),
                json!({"type": "content_block_delta", "index": 0, "delta": delta}),
                json!({"type": "content_block_stop", "index": 0}),
                json!({"type": "content_block_start", "index": 1, "content_block": {"type": "text", "text": ""}}),
                json!({"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": ANSWER}}),
                json!({"type": "content_block_stop", "index": 1}),
                json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"}}),
                json!({"type": "message_stop"}),
            ];
            let body: String = events
                .iter()
                .map(|it| format!("event: {}\ndata: {it}\n\n", it["type"].as_str().unwrap()))
                .collect();
            let out = sent(MESSAGES, stream([data(body)])).await;
            assert!(!out.contains("zebra") && out.contains(ANSWER), "{out}");
        }
    }
}
