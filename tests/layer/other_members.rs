//! Reasoning is a state of the text, and a hidden name is hidden, whatever member or block carries it.

use serde_json::{Value, json};

use super::support::*;

const NONE: &str = "side_channels = {}\nreasoning = { keep = \"none\" }";
const SECRET: &str = "First I weigh the zebra.";
const ANSWER: &str = "It is 12.";

async fn sent(plan: &str, path: &str, response: http::Response<Script>) -> (bool, String) {
    let world = World::new(policy(plan));
    let asks = request(suspicious(), path, Script::whole(ASKS));
    let read = world.exchange(asks, response).await;
    (read.failed, read.text())
}

fn block(index: u32, start: &Value, deltas: &[Value]) -> String {
    let begin =
        event("content_block_start", &format!(",\"index\":{index},\"content_block\":{start}"));
    let delta =
        |delta| event("content_block_delta", &format!(",\"index\":{index},\"delta\":{delta}"));
    let end = event("content_block_stop", &format!(",\"index\":{index}"));
    begin + &deltas.iter().map(delta).collect::<String>() + &end
}

fn text(index: u32, text: &str) -> String {
    let start = json!({"type": "text", "text": ""});
    block(index, &start, &[json!({"type": "text_delta", "text": text})])
}

// Break it: read a delta by its own type only.
#[tokio::test(start_paused = true)]
async fn a_block_that_begins_as_a_thought_holds_no_answer_whatever_its_deltas_are_called() {
    for kind in ["thinking", "reasoning", "thought"] {
        let start = json!({"type": kind});
        let halves = <[&str; 2]>::from(SECRET.split_at(9));
        let deltas = halves.map(|half| json!({"type": "text_delta", "text": half}));
        let body = block(0, &start, &deltas) + &text(1, ANSWER);
        let (_, out) = sent(NONE, MESSAGES, stream([data(body)])).await;
        assert!(!out.contains("weigh") && !out.contains("zebra"), "{kind}: {out}");
        assert!(out.contains(ANSWER), "{kind}: {out}");
    }
}

// Break it: let every block begin outside of reasoning.
#[tokio::test(start_paused = true)]
async fn reasoning_goes_on_in_the_next_text_block_of_a_message() {
    let (first, second) = SECRET.split_at(9);
    let (first, second) = (format!("<think>{first}"), format!("{second}</think>{ANSWER}"));
    let tool = json!({"type": "tool_use", "id": "t", "name": "f", "input": {"a": "kept zebr"}});
    for between in [true, false] {
        let tools = if between { block(1, &tool, &[]) } else { String::new() };
        let body = text(0, &first) + &tools + &text(2, &second);
        let (_, out) = sent(NONE, MESSAGES, stream([data(body)])).await;
        assert!(!out.contains("weigh") && !out.contains("zebra"), "{out}");
        assert!(out.contains(ANSWER), "{out}");

        let mut blocks = vec![json!({"type": "text", "text": first})];
        blocks.extend(between.then(|| tool.clone()));
        blocks.push(json!({"type": "text", "text": second}));
        let body = json!({"type": "message", "role": "assistant", "content": blocks,
                          "stop_reason": "end_turn"});
        let (_, out) = sent(NONE, MESSAGES, json(body.to_string())).await;
        assert!(!out.contains("weigh") && !out.contains("zebra"), "{out}");
        assert!(out.contains(ANSWER) && out.contains("kept zebr") == between, "{out}");
    }
    // An answer behind a marker that nothing closes is whole.
    let body = text(0, "Sure. <think> is a tag") + &text(1, "and It is 12.");
    let (_, out) = sent(NONE, MESSAGES, stream([data(body)])).await;
    assert!(out.contains("is a tag") && out.contains("and It is 12."), "{out}");
}

// Break it: let what tools carry pass in blocks of any type.
#[tokio::test(start_paused = true)]
async fn a_block_of_a_type_that_nobody_knows_says_nothing() {
    for member in ["content", "source", "title", "input", "text", "thinking", "data"] {
        for kind in ["reasoning", "thought", "vendor_block"] {
            let thought = json!({"type": kind, member: SECRET});
            let content = [thought, json!({"type": "text", "text": ANSWER})];
            let body = json!({"type": "message", "role": "assistant", "content": content,
                              "stop_reason": "end_turn"});
            let (_, out) = sent(NONE, MESSAGES, json(body.to_string())).await;
            assert!(!out.contains("zebra") && out.contains(ANSWER), "{kind} {member}: {out}");
        }
    }
}

/// Parsers differ in which of two members they take. Fails when only one of them is edited.
#[tokio::test(start_paused = true)]
async fn an_answer_that_says_a_text_under_one_name_twice_is_not_passed_on() {
    let both = format!("<think>{SECRET}</think>{ANSWER}");
    let choices = json!([{"index": 0, "message": {"content": both}, "finish_reason": "stop"}]);
    let message = json!({"content": both});
    for body in [
        format!(r#"{{"choices":[{{"message":{message},"message":{message}}}]}}"#),
        format!(r#"{{"choices":[{{"message":{{"content":"{both}","cont\u0065nt":"{both}"}}}}]}}"#),
    ] {
        let (failed, out) = sent(NONE, CHAT, json(&body)).await;
        assert!(!out.contains("zebra") && (failed || out.contains("error")), "{out}");
        let body = format!("data: {}\n\n", body.replace("message", "delta"));
        let (failed, out) = sent(NONE, CHAT, stream([data(body)])).await;
        assert!(!out.contains("zebra") && (failed || out.contains("error")), "{out}");
    }
    let content = json!([{"type": "text", "text": both}]);
    let body = format!(r#"{{"type":"message","content":{content},"content":{content}}}"#);
    let (failed, out) = sent(NONE, MESSAGES, json(&body)).await;
    assert!(!out.contains("zebra") && (failed || out.contains("error")), "{out}");
    // A list of choices that comes again says texts of its own.
    let body = format!(r#"{{"choices":{choices},"choices":{choices}}}"#);
    let (failed, out) = sent(NONE, CHAT, json(&body)).await;
    assert!(!failed && !out.contains("zebra") && out.matches(ANSWER).count() == 2, "{out}");
    // Where only side channels are closed each of them is.
    let open =
        json!([{"index": 0, "message": {"content": "4"}, "logprobs": {"content": ["zebra"]}}]);
    let body = format!(r#"{{"choices":{open},"choices":{open}}}"#);
    let (failed, out) = sent("side_channels = {}", CHAT, json(&body)).await;
    assert!(!failed && !out.contains("zebra") && out.matches("logprobs").count() == 2, "{out}");
}

// Break it: leave refusals and transcripts without an editor, or a part's flag unread.
#[tokio::test(start_paused = true)]
async fn what_a_model_says_beside_its_answer_holds_no_reasoning_either() {
    let both = format!("<think>{SECRET}</think>{ANSWER}");
    for message in [
        json!({"content": null, "refusal": both}),
        json!({"content": [{"type": "refusal", "refusal": both}]}),
        json!({"content": "", "audio": {"id": "a", "data": "AAAA", "transcript": both}}),
        json!({"content": [{"type": "text", "text": SECRET, "thought": true},
                           {"type": "text", "text": ANSWER}]}),
    ] {
        let body = json!({"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]});
        let (_, out) = sent(NONE, CHAT, json(body.to_string())).await;
        assert!(!out.contains("zebra") && out.contains(ANSWER), "{out}");
        let members = message.to_string();
        let chunk = delta(members.trim_start_matches('{').strip_suffix('}').unwrap());
        let (_, out) = sent(NONE, CHAT, stream([data(chunk + STOP)])).await;
        assert!(!out.contains("zebra") && out.contains(ANSWER), "{out}");
    }
    // In pieces.
    for name in ["refusal", "transcript"] {
        let piece = |text: &str| match name {
            "refusal" => delta(&format!("\"refusal\":\"{text}\"")),
            _ => delta(&format!("\"audio\":{{\"id\":\"a\",\"transcript\":\"{text}\"}}")),
        };
        let body: String =
            ["<th", "ink>First z", "ebra", "</thi", "nk>It is", " 12."].map(piece).concat();
        let (_, out) = sent(NONE, CHAT, stream([data(body + STOP)])).await;
        assert!(!out.contains("ebra") && out.contains(" 12."), "{name}: {out}");
    }
    let honest = json!({"choices": [{"index": 0, "message": {"content": null,
                        "refusal": "I will not do <b>that</b>."}, "finish_reason": "stop"}]});
    let (_, out) = sent(NONE, CHAT, json(honest.to_string())).await;
    assert_eq!(out, honest.to_string());
}

// Break it: let an entry of `images` pass whole where nothing in it has white space.
#[tokio::test(start_paused = true)]
async fn what_stands_beside_a_picture_in_its_entry_is_told_of_the_picture_only() {
    let url = "data:image/png;base64,iVBORw0KGgo=";
    for (leak, told) in [
        (json!({"reasoning": "zebra"}), json!({"reasoning": null})),
        (json!({"reasoning_content": "zebra"}), json!({"reasoning_content": null})),
        (json!({"thinking": "zebra"}), json!({"thinking": null})),
        (json!({"text": "<think>zebra</think>"}), json!({"text": null})),
        (json!({"logprobs": {"zebra": [-1.5]}}), json!({"logprobs": null})),
        (json!({"revised_prompt": "zebra"}), json!({"revised_prompt": null})),
        (
            json!({"source": {"data": "QQ==", "reasoning": ["zebra"]}}),
            json!({"source": {"data": "QQ==", "reasoning": null}}),
        ),
        (json!({"file": [[["zebra"]]]}), json!({"file": [null]})),
    ] {
        let with = |more: &Value| {
            let mut entry = json!({"type": "image_url", "image_url": {"url": url}});
            entry.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            entry
        };
        let part = |more: &Value| {
            let mut image = json!({"url": url});
            image.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            json!({"type": "image_url", "image_url": image})
        };
        for message in [
            |entry: Value, _: Value| json!({"content": ANSWER, "images": [entry]}),
            |_: Value, part: Value| json!({"content": [{"type": "text", "text": ANSWER}, part]}),
        ] {
            let answer = |more: &Value| message(with(more), part(more));
            let body = |message: Value| json!({"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]});
            for plan in [NONE, "side_channels = {}"] {
                let (_, out) = sent(plan, CHAT, json(body(answer(&leak)).to_string())).await;
                assert_eq!(out, body(answer(&told)).to_string());
                let members = |value: Value| {
                    delta(value.to_string().trim_start_matches('{').strip_suffix('}').unwrap())
                };
                let chunk = members(answer(&leak));
                let (_, out) = sent(plan, CHAT, stream([data(chunk + STOP)])).await;
                assert_eq!(out, members(answer(&told)) + STOP);
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_servers_tell_of_pictures_is_passed_on() {
    let url = "data:image/png;base64,iVBORw0KGgo=";
    for message in [
        json!({"content": "", "images": [{"type": "image_url", "image_url": {"url": url}, "index": 0}]}),
        json!({"content": "", "images": [url, "https://a.example/b.png"]}),
        json!({"content": "", "images": [{"url": url, "width": 64, "height": 64, "content_type": "image/png"}]}),
        json!({"content": "", "images": [{"b64_json": "iVBORw0KGgo=", "mime_type": "image/png", "size": "64x64"}]}),
        json!({"content": "", "images": [{"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}}]}),
        json!({"content": "", "images": null}),
        json!({"content": [{"type": "text", "text": ANSWER},
                           {"type": "image_url", "image_url": {"url": url, "detail": "high"}},
                           {"type": "image_url", "image_url": url},
                           {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}},
                           {"type": "file", "file": {"file_data": "QQ==\n", "filename": "a.pdf"}}]}),
    ] {
        let body = json!({"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]});
        let (_, out) = sent(NONE, CHAT, json(body.to_string())).await;
        assert_eq!(out, body.to_string());
    }
}

/// Typed clients fail on null. Azure begins every stream with zero.
#[tokio::test(start_paused = true)]
async fn a_time_that_is_none_stays_a_number() {
    for (created, shown) in [("0", "0"), ("-1", "0"), ("7919", "0"), ("1764420000", "1764420000")] {
        let chunk = |created: &str| {
            format!(
                "data: {{\"choices\":[],\"created\":{created},\"id\":\"\",\"object\":\"\"}}\n\n"
            )
        };
        let (_, out) = sent("side_channels = {}", CHAT, stream([data(chunk(created))])).await;
        assert_eq!(out, chunk(shown));
    }
}

/// Fails when the name is looked for in the members only that are known to say it.
#[tokio::test(start_paused = true)]
async fn a_hidden_models_name_stands_in_no_member_but_the_models_own_words() {
    let downgrade = "downgrade = { models = { \"m\" = \"org/tiny-7b\" }, disclose = false }";
    let closed = format!("{downgrade}\n{NONE}");
    let name = "org/tiny-7b";
    let chat = json!({
        "id": "chatcmpl-tiny-7b-1", "model": [name], "model_name": "ORG/TINY-7B", "Model": name,
        "choices": [{"index": 0, "model": name, "finish_reason": "stop",
                     "message": {"content": "I am.", "model": name}}],
        "usage": {"completion_tokens": 5, "model": name, "models": {name: {"n": 1}}},
        "timings": {"model": name}, "message": "model (tiny-7b) is", "detail": "`org/tiny-7b`",
    });
    let chat_escaped = chat.to_string().replace("7b", "\\u0037b");
    let messages = json!({
        "id": "msg_1", "type": "message", "role": "assistant", "model": name,
        "content": [{"type": "tool_use", "id": "t", "name": "f", "input": {"a": "it is 4"}}],
        "usage": {"output_tokens": 5, "model": name, "iterations": [{"model": name}]},
    });
    for plan in [downgrade, &closed] {
        for (path, body) in [
            (CHAT, chat.to_string()),
            (CHAT, chat_escaped.clone()),
            (MESSAGES, messages.to_string()),
        ] {
            let (_, out) = sent(plan, path, json(&body)).await;
            let told: Value = serde_json::from_str(&out).unwrap_or_else(|_| panic!("{out}"));
            assert!(!told.to_string().to_lowercase().contains("tiny-7b"), "{out}");
            assert!(out.contains("I am.") || out.contains("it is 4"), "{out}");
        }
        // Text that is held leaves in an event made of an earlier one.
        let piece = |text: &str| {
            delta(&format!("\"content\":\"{text}\"")).replace(
                "{\"id\":\"c\"",
                &format!("{{\"id\":\"tiny-7b\",\"usage_model\":\"{name}\""),
            )
        };
        let body = piece("It is <thi") + &piece("12. <thi") + STOP + DONE;
        let (_, out) = sent(plan, CHAT, stream([data(body)])).await;
        assert!(!out.contains("tiny-7b") && out.contains("12. <thi"), "{out}");
    }
    // Its own words, and what is the client's.
    let own = json!({"id": "1", "type": "message", "role": "assistant", "model": "m", "content": [
        {"type": "text", "text": "tiny-7b"},
        {"type": "tool_use", "id": "t", "name": "f", "input": {"a": "tiny-7b"}}]});
    let (_, out) = sent(downgrade, MESSAGES, json(own.to_string())).await;
    assert_eq!(out.matches("tiny-7b").count(), 2, "{out}");
}

/// Fails when a passage behind two sections is lost, or a place ahead of the text tells how long the
/// reasoning is that is yet to come.
#[tokio::test(start_paused = true)]
async fn what_points_behind_two_sections_or_into_the_future_does_not_tell_their_length() {
    let text = format!("<think>{SECRET}</think>One.\n\n<think>\n{SECRET}\n</think>\n\nThe canary.");
    let start = text.find("canary").unwrap();
    let annotation = format!(
        r#""annotations":[{{"type":"url_citation","start_index":{start},"end_index":{}}}]"#,
        start + 6
    );
    let body = format!(
        r#"{{"choices":[{{"index":0,"message":{{"content":{},{annotation}}},"finish_reason":"stop"}}]}}"#,
        json!(text)
    );
    let (_, out) = sent(NONE, CHAT, json(body)).await;
    let out: Value = serde_json::from_str(&out).unwrap();
    let message = &out["choices"][0]["message"];
    let from = message["annotations"][0]["start_index"].as_u64().unwrap() as usize;
    let left = message["content"].as_str().unwrap();
    assert_eq!(left.find("canary"), Some(from), "{left}");

    let early = delta(&format!("\"content\":\"<think>First\",{annotation}"));
    let (_, out) = sent(NONE, CHAT, stream([data(early + &says("</think>4") + STOP)])).await;
    assert!(!out.contains(&start.to_string()), "{out}");
}

/// What an answer says of where it ended, asked with `stops`: a document's, then a stream's.
async fn stopped(plan: &str, path: &str, stops: &str, said: &Value) -> Vec<Value> {
    let member = if path == MESSAGES { "stop_sequences" } else { "stop" };
    let mut all = Vec::new();
    for streams in [false, true] {
        let world = World::new(policy(plan));
        let body =
            format!(r#"{{"model":"m","messages":[],"stream":{streams},"{member}":{stops}}}"#);
        let asks = request(suspicious(), path, Script::whole(body));
        let message = json!({"type": "message", "content": [{"type": "text", "text": ANSWER}],
            "stop_reason": "stop_sequence", "stop_sequence": said});
        let choice = json!({"message": {"content": ANSWER}, "delta": {"content": ANSWER},
            "finish_reason": "stop", "stop_reason": said});
        let answer = match (path, streams) {
            (MESSAGES, false) => json(message.to_string()),
            (MESSAGES, true) => {
                let delta = json!({"stop_reason": "stop_sequence", "stop_sequence": said});
                let end = event("message_delta", &format!(",\"delta\":{delta}"));
                stream([data(text(0, ANSWER) + &end + &event("message_stop", ""))])
            }
            (_, false) => json(json!({"choices": [choice]}).to_string()),
            (_, true) => {
                stream([data(format!("data: {}\n\n{DONE}", json!({"choices": [choice]})))])
            }
        };
        let out = world.exchange(asks, answer).await.text();
        let values = out.lines().filter_map(|line| {
            serde_json::from_str::<Value>(line.strip_prefix("data: ").unwrap_or(line)).ok()
        });
        let places = ["/stop_sequence", "/delta/stop_sequence", "/choices/0/stop_reason"];
        let found = values.flat_map(|value| {
            places.iter().filter_map(|place| value.pointer(place).cloned()).collect::<Vec<_>>()
        });
        all.extend(found);
    }
    all
}

// Break it: let any text pass, or compare it as it is escaped.
#[tokio::test(start_paused = true)]
async fn an_answer_ends_at_a_text_that_the_client_asked_for_or_does_not_say_at_which() {
    for (stops, said, left) in [
        (r#"["\u0023 End","x"]"#, json!("# End"), json!("# End")),
        (r#"["x"]"#, json!(SECRET), Value::Null),
        ("null", json!("zebra"), Value::Null),
        (r#"["x"]"#, Value::Null, Value::Null),
    ] {
        for path in [MESSAGES, CHAT] {
            let told = stopped(NONE, path, stops, &said).await;
            assert_eq!(told, [left.clone(), left.clone()], "{path} {stops} {said}");
        }
    }
    assert_eq!(stopped(NONE, CHAT, r#""a b""#, &json!("a b")).await, [json!("a b"), json!("a b")]);
    // Where nothing is withheld, nothing has to be kept from being said.
    let closes = "side_channels = {}";
    assert_eq!(stopped(closes, CHAT, "null", &json!("a b")).await, [json!("a b"), json!("a b")]);
}
