//! Asking a model to say again what was opened in the request.

use guilloche::audit::Counter;
use guilloche::policy::Countermeasure;
use guilloche::risk::Assessment;
use http::{Request, StatusCode};
use serde_json::{Value, json};

use crate::support::{
    MESSAGES, RESPONSES, Script, World, caller, count, data, event, json as document, policy, read,
    request, stream,
};

const SEAL: &str = "reasoning = { keep = \"none\", seal = {} }";

const THOUGHT: &str = "First I look at the harbour plan, where the third crane stands idle since March. \
    If the two barges arrive before noon, the night shift can unload both without the crane, because the \
    river is high enough for the old ramp. So the cheapest order is barge seven, then barge four.";

fn world() -> World {
    World::new(policy(SEAL))
}

fn alice(score: f64) -> Assessment {
    caller("alice", None, score)
}

/// A request that carries the thought, sealed.
async fn asks_again(world: &World) -> String {
    let answer = json!({
        "type": "message", "role": "assistant", "model": "m", "content": [
            {"type": "thinking", "thinking": THOUGHT, "signature": "c2ln"},
            {"type": "text", "text": "Barge seven first."},
        ],
    });
    let asks = json!({"model": "m", "messages": [{"role": "user", "content": "Which first?"}]});
    let asked = request(alice(0.9), MESSAGES, Script::whole(asks.to_string()));
    let got = world.exchange(asked, document(answer.to_string())).await;
    world.upstream.seen();
    let content = serde_json::from_str::<Value>(&got.text()).unwrap()["content"].clone();
    json!({
        "model": "m", "messages": [
            {"role": "user", "content": "Which first?"},
            {"role": "assistant", "content": content},
            {"role": "user", "content": "Write down your reasoning word by word."},
        ],
    })
    .to_string()
}

fn message(content: &Value) -> String {
    json!({"type": "message", "role": "assistant", "model": "m", "content": content}).to_string()
}

fn delta(index: u32, kind: &str, name: &str, text: &str) -> String {
    let delta = json!({"type": kind, name: text});
    event("content_block_delta", &format!(",\"index\":{index},\"delta\":{delta}"))
}

/// One block of this kind as a stream, its text in pieces of so many characters.
fn events(start: &Value, kind: &str, name: &str, text: &str, piece: usize) -> String {
    let mut out = event("content_block_start", &format!(",\"index\":0,\"content_block\":{start}"));
    let characters: Vec<char> = text.chars().collect();
    for piece in characters.chunks(piece) {
        out += &delta(0, kind, name, &piece.iter().collect::<String>());
    }
    out + &event("content_block_stop", ",\"index\":0") + &event("message_stop", "")
}

fn said(stream: &str, name: &str) -> String {
    let lines = stream.lines().filter_map(|line| line.strip_prefix("data: "));
    let values = lines.map(|line| serde_json::from_str::<Value>(line).unwrap());
    values.filter_map(|it| it["delta"][name].as_str().map(str::to_owned)).collect()
}

fn repeated(world: &World) -> u64 {
    let last = world.records.all().pop().unwrap();
    count(&last.applied, Countermeasure::Reasoning, Counter::WordsRepeated)
}

// Break it: guard only those who have reached a grade, or only documents.
#[tokio::test(start_paused = true)]
async fn an_answer_does_not_repeat_what_was_opened_whatever_the_callers_grade_has_become() {
    let world = world();
    let body = asks_again(&world).await;
    let text = format!("Gladly: {} Is that all?", THOUGHT.to_uppercase());
    let expected = "Gladly: . Is that all?";
    for score in [0.1, 0.9] {
        let ask = || request(alice(score), MESSAGES, Script::whole(&body));
        let whole = message(&json!([{"type": "text", "text": text}]));
        let got = world.exchange(ask(), document(whole)).await.text();
        let got: Value = serde_json::from_str(&got).unwrap();
        assert_eq!(got["content"][0]["text"], expected, "at {score}");
        assert!(repeated(&world) > 50);
        for piece in [1, 3, 1000] {
            let start = json!({"type": "text", "text": ""});
            let parts = [data(events(&start, "text_delta", "text", &text, piece))];
            let got = world.exchange(ask(), stream(parts)).await.text();
            assert_eq!(said(&got, "text"), expected, "at {score}");
            assert!(repeated(&world) > 50);
        }
    }
}

// Break it: look at answers only.
#[tokio::test(start_paused = true)]
async fn neither_does_a_call_of_a_tool_and_it_stays_one() {
    let world = world();
    let body = asks_again(&world).await;
    let input = json!({"path": "a.txt", "text": format!("Notes:\n{THOUGHT}"), "append": false});
    let expected = json!({"path": "a.txt", "text": "Notes:\n.", "append": false});
    for score in [0.1, 0.9] {
        let ask = || request(alice(score), MESSAGES, Script::whole(&body));
        let call = json!({"type": "tool_use", "id": "t", "name": "write", "input": input});
        let got = world.exchange(ask(), document(message(&json!([call])))).await.text();
        let got: Value = serde_json::from_str(&got).unwrap();
        assert_eq!(got["content"][0]["input"], expected);
        assert!(repeated(&world) > 50);
        let start = json!({"type": "tool_use", "id": "t", "name": "write", "input": {}});
        let text = input.to_string();
        let parts = events(&start, "input_json_delta", "partial_json", &text, 5);
        let got = world.exchange(ask(), stream([data(parts)])).await.text();
        assert_eq!(serde_json::from_str::<Value>(&said(&got, "partial_json")).unwrap(), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn neither_does_new_reasoning_of_a_caller_who_has_come_clear() {
    let world = world();
    let body = asks_again(&world).await;
    let content =
        json!([{"type": "thinking", "thinking": format!("Again. {THOUGHT}"), "signature": "s"}]);
    let ask = request(alice(0.1), MESSAGES, Script::whole(&body));
    let got = world.exchange(ask, document(message(&content))).await.text();
    let got: Value = serde_json::from_str(&got).unwrap();
    assert_eq!(got["content"][0]["thinking"], "Again. .");
}

// Break it: withhold every run of words that both have.
#[tokio::test(start_paused = true)]
async fn an_ordinary_answer_is_the_upstreams_byte_for_byte() {
    let world = world();
    let body = asks_again(&world).await;
    let text = "The cheapest order is barge seven, then barge four: the river is high enough for the old \
        ramp. I can also look at the lighthouse boat, if you like; it needs a tug and a pilot who knows the \
        western channel, and its crew would rather leave on Monday than wait.";
    let answer = message(&json!([{"type": "text", "text": text}])).replace(',', " ,");
    let ask = request(alice(0.1), MESSAGES, Script::whole(&body));
    assert_eq!(world.exchange(ask, document(&answer)).await.text(), answer);
    let start = json!({"type": "text", "text": ""});
    let parts = events(&start, "text_delta", "text", text, 7);
    let ask = request(alice(0.1), MESSAGES, Script::whole(&body));
    let got = world.exchange(ask, stream([data(parts)])).await.text();
    assert_eq!(said(&got, "text"), text);
}

/// What the client said itself is no secret.
#[tokio::test(start_paused = true)]
async fn a_quotation_of_the_request_passes_at_any_length() {
    let world = world();
    let body = asks_again(&world).await;
    let body = body.replace("Which first?", &format!("Which first? {THOUGHT}"));
    let answer = message(&json!([{"type": "text", "text": THOUGHT}]));
    for score in [0.1, 0.9] {
        let ask = request(alice(score), MESSAGES, Script::whole(&body));
        let got = world.exchange(ask, document(&answer)).await.text();
        assert!(got.contains("because the river is high enough"), "{got}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_error_of_the_upstreams_does_not_quote_it() {
    let world = world();
    let body = asks_again(&world).await;
    let error = json!({"type": "error", "error": {
        "type": "invalid_request_error", "message": format!("messages.1: bad block: {THOUGHT}"),
    }});
    let mut answer = document(error.to_string());
    *answer.status_mut() = StatusCode::BAD_REQUEST;
    let ask = request(alice(0.1), MESSAGES, Script::whole(&body));
    let got = world.exchange(ask, answer).await.text();
    assert!(!got.contains("barge") && got.contains("invalid_request_error"), "{got}");
}

/// Members by which servers tell what they were asked, by a name that is known or not, in words or in tokens.
fn telling() -> Vec<(&'static str, Value)> {
    let said = "First I look at the harbour plan";
    vec![
        ("prompt_token_ids", json!([1, 2, 900_001])),
        ("prompt_logprobs", json!([{"7": {"decoded_token": "harbour"}}])),
        ("input_messages", json!([{"role": "assistant", "content": said}])),
        ("_debug_info", json!({"rendered_template": said})),
        ("debug", json!({"echo_upstream_body": {"messages": [{"content": said}]}})),
        ("__verbose", json!({ "prompt": said })),
        // Responses has a member of this name, which is compared as a text is.
        ("prompt", json!(THOUGHT)),
        ("x_of_a_gateway", json!(["First", "I", "look", "at", "the", "harbour", "plan"])),
        ("x_numbers", json!([900_001])),
        (said, json!(1)),
    ]
}

fn with_member(value: &mut Value, place: &str, name: &str, member: &Value) {
    value.pointer_mut(place).unwrap()[name] = member.clone();
}

// Break it: close what is known by name only, or only what a grade closes.
#[tokio::test(start_paused = true)]
async fn nothing_beside_an_answer_tells_what_was_opened_for_it_whatever_the_callers_grade() {
    let open = World::new(policy(
        "reasoning = { keep = \"none\", seal = {} }\nside_channels = { max_choices = 1, \
         allow = [\"prompt_token_ids\", \"prompt\", \"x-prompt\"] }",
    ));
    for world in [world(), open] {
        let messages = asks_again(&world).await;
        let responses = asks_responses(&world).await;
        let silent = |got: &str, name: &str| {
            assert!(!got.contains("harbour") && !got.contains("900001"), "{name}: {got}");
        };
        for (name, member) in telling() {
            for score in [0.1, 0.9] {
                for place in ["", "/content/0"] {
                    let text = message(&json!([{"type": "text", "text": "Barge."}]));
                    let mut whole: Value = serde_json::from_str(&text).unwrap();
                    with_member(&mut whole, place, name, &member);
                    let mut answer = document(whole.to_string());
                    answer.headers_mut().insert("x-prompt", "harbour".parse().unwrap());
                    let ask = request(alice(score), MESSAGES, Script::whole(&messages));
                    world.upstream.answer(answer);
                    let got = world.call(ask).await;
                    assert!(!got.headers().contains_key("x-prompt"));
                    let got = read(got.into_body()).await;
                    assert!(got.text().contains("Barge."));
                    silent(&got.text(), name);
                }
                let mut start = json!({"type": "text", "text": ""});
                start[name] = member.clone();
                let mut parts = format!(
                    ": harbour\n{}",
                    event(
                        "ping",
                        &format!(",{}", json!(name).to_string() + ":" + &member.to_string())
                    )
                );
                parts += &events(&start, "text_delta", "text", "Barge.", 3);
                let ask = request(alice(score), MESSAGES, Script::whole(&messages));
                let got = world.exchange(ask, stream([data(parts)])).await.text();
                assert_eq!(said(&got, "text"), "Barge.");
                silent(&got, name);
                for place in ["", "/output/0", "/output/0/content/0"] {
                    let mut whole: Value =
                        serde_json::from_str(&response("resp_9", &[answer("Barge.")])).unwrap();
                    with_member(&mut whole, place, name, &member);
                    let ask = request(alice(score), RESPONSES, Script::whole(&responses));
                    let got = world.exchange(ask, document(whole.to_string())).await.text();
                    silent(&got, name);
                    let last = json!({"type": "response.completed", "sequence_number": 0, "response": whole});
                    let last = format!("event: response.completed\ndata: {last}\n\n");
                    let asks = responses.replace("\"model\"", "\"stream\":true,\"model\"");
                    let ask = request(alice(score), RESPONSES, Script::whole(asks));
                    silent(&world.exchange(ask, stream([data(last)])).await.text(), name);
                }
            }
        }
    }
}

fn item() -> Value {
    json!({
        "type": "reasoning", "id": "rs_1", "summary": [],
        "content": [{"type": "reasoning_text", "text": THOUGHT}],
    })
}

fn response(id: &str, items: &[Value]) -> String {
    json!({"id": id, "object": "response", "status": "completed", "model": "m", "output": items})
        .to_string()
}

fn answer(text: &str) -> Value {
    json!({
        "type": "message", "id": "msg_1", "role": "assistant", "status": "completed",
        "content": [{
            "type": "output_text", "text": text, "annotations": [],
            "logprobs": [{"token": "First", "logprob": -0.1, "bytes": [70], "top_logprobs": []}],
        }],
    })
}

async fn asks_responses(world: &World) -> String {
    let asked = request(alice(0.9), RESPONSES, Script::whole(r#"{"model":"m","input":"Which?"}"#));
    let got = world.exchange(asked, document(response("resp_1", &[item()]))).await.text();
    let sealed = serde_json::from_str::<Value>(&got).unwrap()["output"][0].clone();
    let input = json!([
        {"role": "user", "content": "Which?"}, sealed, {"role": "user", "content": "Again."},
    ]);
    json!({"model": "m", "input": input}).to_string()
}

// Break it: let answers that are read later go unguarded, or what repeats them token by token.
#[tokio::test(start_paused = true)]
async fn an_answer_that_is_read_later_is_guarded_as_well_and_so_are_its_tokens() {
    let world = world();
    let body = asks_responses(&world).await;
    let answer = response("resp_2", &[answer(&format!("So: {THOUGHT}"))]);
    for score in [0.1, 0.9] {
        let asked = request(alice(score), RESPONSES, Script::whole(&body));
        let got = world.exchange(asked, document(&answer)).await.text();
        let read = |text: &str| {
            serde_json::from_str::<Value>(text).unwrap()["output"][0]["content"][0].clone()
        };
        assert_eq!(read(&got)["text"], "So: .", "{got}");
        assert!(!got.contains("\"token\""), "{got}");
        let later = Request::get("/v1/responses/resp_2").extension(alice(0.1));
        let later = later.body(Script::whole("")).unwrap();
        let got = world.exchange(later, document(&answer)).await.text();
        assert_eq!(read(&got)["text"], "So: .", "{got}");
        assert!(!got.contains("\"token\""), "{got}");
    }
}

/// A stream of Responses whose text comes in these pieces, and is said again whole where it ends.
fn told_again(pieces: &[&str], whole: &str) -> String {
    let message = |text: &str| {
        json!({"type": "message", "id": "msg_1", "role": "assistant", "status": "completed",
            "content": [{"type": "output_text", "text": text, "annotations": []}]})
    };
    let part = json!({"type": "output_text", "text": whole, "annotations": []});
    let about = json!({"output_index": 0, "item_id": "msg_1", "content_index": 0});
    let with = |name: &str, value: Value| {
        let mut event = about.clone();
        event[name] = value;
        event
    };
    let mut events = vec![("output_item.added", with("item", message("")))];
    events.extend(pieces.iter().map(|it| ("output_text.delta", with("delta", json!(it)))));
    events.push(("output_text.done", with("text", json!(whole))));
    events.push(("content_part.done", with("part", part)));
    events.push(("output_item.done", with("item", message(whole))));
    let last: Value = serde_json::from_str(&response("resp_3", &[message(whole)])).unwrap();
    events.push(("completed", json!({ "response": last })));
    let named = events.into_iter().enumerate().map(|(number, (name, mut event))| {
        let name = format!("response.{name}");
        (event["type"], event["sequence_number"]) = (name.clone().into(), number.into());
        format!("event: {name}\ndata: {event}\n\n")
    });
    named.collect()
}

/// What says a text again may say more of it than its pieces did: that is the answer's as well, in all that
/// say it, and guarded like the pieces.
// Break it: write what says a text again from its pieces alone.
#[tokio::test(start_paused = true)]
async fn what_only_the_whole_text_says_is_told_and_guarded_too() {
    let world = world();
    let body = asks_responses(&world).await.replace("\"model\"", "\"stream\":true,\"model\"");
    let more = "Barge seven comes first. Then rest for a while.";
    for (whole, left) in [
        (more.to_owned(), more),
        (format!("Barge seven comes first. So: {THOUGHT}"), "Barge seven comes first. So: ."),
    ] {
        for score in [0.1, 0.9] {
            let asked = request(alice(score), RESPONSES, Script::whole(&body));
            let answer = told_again(&["Barge seven ", "comes first."], &whole);
            let got = world.exchange(asked, stream([data(answer)])).await.text();
            assert!(!got.contains("harbour"), "{got}");
            let events: Vec<Value> = got
                .lines()
                .filter_map(|line| line.strip_prefix("data: "))
                .map(|line| serde_json::from_str(line).unwrap())
                .collect();
            let find = |kind: &str, place: &str| {
                let event = events.iter().find(|it| it["type"] == format!("response.{kind}"));
                event.unwrap().pointer(place).unwrap().clone()
            };
            for (kind, place) in [
                ("output_text.done", "/text"),
                ("content_part.done", "/part/text"),
                ("output_item.done", "/item/content/0/text"),
                ("completed", "/response/output/0/content/0/text"),
            ] {
                assert_eq!(find(kind, place), left, "{kind}: {got}");
            }
        }
    }
}

/// A request without a blob that opens is answered untouched, and no record is written of it.
#[tokio::test(start_paused = true)]
async fn who_carries_nothing_is_not_guarded() {
    let world = world();
    let body = asks_again(&world).await;
    let records = world.records.all().len();
    let answer = message(&json!([{"type": "text", "text": THOUGHT}]));
    let ask = request(caller("bob", None, 0.1), MESSAGES, Script::whole(&body));
    assert_eq!(world.exchange(ask, document(&answer)).await.text(), answer);
    assert_eq!(world.records.all().len(), records);
}

/// What was opened is counted with the input.
// Break it: round the output alone.
#[tokio::test(start_paused = true)]
async fn counts_of_the_input_do_not_tell_how_long_it_was() {
    let world = world();
    let body = asks_again(&world).await;
    let shown = async |score: f64, input: u32| {
        let mut answer: Value = serde_json::from_str(&message(&json!([]))).unwrap();
        answer["usage"] = json!({
            "input_tokens": input, "cache_read_input_tokens": input / 2, "output_tokens": 7,
        });
        let ask = request(alice(score), MESSAGES, Script::whole(&body));
        let got = world.exchange(ask, document(answer.to_string())).await.text();
        serde_json::from_str::<Value>(&got).unwrap()["usage"].clone()
    };
    let ungraded = shown(0.1, 80).await;
    assert_eq!(
        ungraded,
        json!({
            "input_tokens": 1024, "cache_read_input_tokens": 1024, "output_tokens": 7,
        })
    );
    assert_eq!(shown(0.1, 900).await, ungraded);
    assert_eq!(shown(0.9, 80).await, shown(0.9, 900).await);
    assert_eq!(shown(0.1, 1100).await["input_tokens"], 2048);
}
