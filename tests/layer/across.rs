//! One reasoning in many places: blocks, parts, members and pieces that say it again.

use serde_json::{Value, json};

use super::rendered::*;
use super::support::*;

/// No letter of it is in anything else.
const SECRET: &str = "Zqz qqz. Then zqqz follows";

fn tells(out: &str) -> bool {
    out.contains(['z', 'Z', 'q', 'Q'])
}

fn events(values: &[Value]) -> String {
    let event =
        |value: &Value| format!("event: {}\ndata: {value}\n\n", value["type"].as_str().unwrap());
    values.iter().map(event).collect()
}

/// A message of these blocks, as a document and as streams of many cuts.
fn messages(blocks: &[Value], reason: &str) -> Vec<(String, bool)> {
    let whole = json!({"type": "message", "content": blocks, "stop_reason": reason});
    let mut bodies = vec![(whole.to_string(), false)];
    for cut in [1, 2, 3, 7, 1000] {
        let mut all =
            vec![json!({"type": "message_start", "message": {"content": [], "model": "m"}})];
        for (index, block) in blocks.iter().enumerate() {
            let mut start = block.clone();
            let text = block["text"].as_str().unwrap_or_default();
            if block["type"] == "text" {
                start["text"] = "".into();
            }
            all.push(
                json!({"type": "content_block_start", "index": index, "content_block": start}),
            );
            let characters: Vec<char> = text.chars().collect();
            for piece in characters.chunks(cut) {
                let piece: String = piece.iter().collect();
                all.push(json!({"type": "content_block_delta", "index": index, "delta": {"type": "text_delta", "text": piece}}));
            }
            if block["type"] == "tool_use" {
                all.push(json!({"type": "content_block_delta", "index": index, "delta": {"type": "input_json_delta", "partial_json": "{}"}}));
            }
            all.push(json!({"type": "content_block_stop", "index": index}));
        }
        all.push(json!({"type": "message_delta", "delta": {"stop_reason": reason}, "usage": {"output_tokens": 3}}));
        all.push(json!({"type": "message_stop"}));
        bodies.push((events(&all), true));
    }
    bodies
}

fn says_block(text: &str) -> Value {
    json!({"type": "text", "text": text})
}

fn calls_block() -> Value {
    json!({"type": "tool_use", "id": "t", "name": "f", "input": {}})
}

/// Fails unless no piece of the secret and all of the answer comes out of each.
async fn assert_withheld(
    member: Member,
    template: bool,
    bodies: Vec<(String, bool)>,
    answer: &str,
) {
    for (body, streams) in bodies {
        let response = if streams { stream([data(&body)]) } else { json(&body) };
        let out = answered("none", ask(member, template, streams), response).await;
        let (copies, all) = texts(member, &out);
        assert!(!tells(&all), "{body}\n\n{out}");
        assert!(copies.concat().ends_with(answer) && !copies.is_empty(), "{body}\n\n{out}");
    }
}

// Break it: take a block that closes no reasoning for an answer; let a block go on only in the one
// behind it.
#[tokio::test(start_paused = true)]
async fn reasoning_goes_on_over_any_number_of_blocks_and_parts() {
    let (first, more) = (format!("<think>{SECRET}"), format!("{SECRET}. "));
    let last = format!("{SECRET}</think>It is 12.");
    for between in [vec![], vec![calls_block()]] {
        for count in 0..4 {
            let mut blocks = vec![says_block(&first)];
            for _ in 0..count {
                blocks.extend(between.clone());
                blocks.push(says_block(&more));
            }
            blocks.extend(between.clone());
            blocks.push(says_block(&last));
            let bodies = messages(&blocks, "end_turn");
            let texts = |out: &str| -> String {
                let lines = out.lines().map(|line| line.strip_prefix("data: ").unwrap_or(line));
                let values = lines.filter_map(|line| serde_json::from_str::<Value>(line).ok());
                values
                    .flat_map(|it| {
                        let blocks = it["content"].as_array().cloned().unwrap_or_default();
                        let mut said: Vec<Value> =
                            blocks.iter().map(|it| it["text"].clone()).collect();
                        said.push(it["delta"]["text"].clone());
                        said
                    })
                    .filter_map(|it| it.as_str().map(str::to_owned))
                    .collect()
            };
            for (body, streams) in bodies {
                let response = if streams { stream([data(&body)]) } else { json(&body) };
                let out = answered("none", ask(Member::Block, false, streams), response).await;
                assert_eq!(texts(&out), "<think></think>It is 12.", "{body}");
            }
            // Parts of a chat message.
            let parts: Vec<&Value> = blocks.iter().filter(|it| it["type"] == "text").collect();
            let message = json!({"content": parts});
            let whole =
                json!({"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]});
            let chunk = |part: &&Value| {
                let choice =
                    json!({"index": 0, "delta": {"content": [part]}, "finish_reason": null});
                format!("data: {}\n\n", json!({"id": "c", "choices": [choice]}))
            };
            let streamed = parts.iter().map(chunk).collect::<String>() + STOP + DONE;
            for response in [json(whole.to_string()), stream([data(streamed)])] {
                let out = answered("none", chat(), response).await;
                assert!(!tells(&out.replace("requ", "")) && out.contains("It is 12."), "{out}");
            }
        }
    }
}

// Break it: in `Lanes::tell_calls`, tell no text; in `Provisional::fate`, let a block that begins tell
// nothing of the one before.
#[tokio::test(start_paused = true)]
async fn what_a_template_opened_and_a_call_ended_is_reasoning() {
    let calls = json!([{"index": 0, "id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}]);
    let function = json!({"name": "f", "arguments": "{}"});
    let delta = |delta: Value, reason: Value| {
        let choice = json!({"index": 0, "delta": delta, "finish_reason": reason});
        format!("data: {}\n\n", json!({"id": "c", "choices": [choice]}))
    };
    let says = |text: &str| delta(json!({"content": text}), Value::Null);
    let ends = |reason: &str| delta(json!({}), reason.into());
    let mut bodies = Vec::new();
    for (name, call) in [("tool_calls", &calls), ("function_call", &function)] {
        let call = delta(json!({name: call}), Value::Null);
        for reason in [name, "stop"] {
            bodies.push(says(SECRET) + &call + &ends(reason) + DONE);
            bodies.push(call.clone() + &says(SECRET) + &ends(reason) + DONE);
            bodies.push(
                delta(json!({"content": SECRET, "tool_calls": calls}), Value::Null)
                    + &ends(reason)
                    + DONE,
            );
        }
        bodies.push(says(SECRET) + &ends(name) + DONE);
    }
    let mut bodies: Vec<_> = bodies.into_iter().map(|body| (body, true)).collect();
    for message in [
        json!({"content": SECRET, "tool_calls": calls}),
        json!({"tool_calls": calls, "content": SECRET}),
        json!({"content": SECRET, "function_call": function}),
    ] {
        let choice = json!({"index": 0, "message": message, "finish_reason": "tool_calls"});
        bodies.push((json!({"choices": [choice]}).to_string(), false));
    }
    assert_withheld(Member::Delta, true, bodies, "").await;
    let bodies = messages(&[says_block(SECRET), calls_block()], "tool_use");
    assert_withheld(Member::Block, true, bodies, "").await;
    // What stands behind a closing is the answer, and so is a text that no call follows.
    let closed = format!("{SECRET}</think>It is 12.");
    for (text, reason) in [(closed.as_str(), "tool_calls"), ("It is 12.", "stop")] {
        let call = delta(json!({"tool_calls": calls}), Value::Null);
        let call = if reason == "stop" { String::new() } else { call };
        let body = says(text) + &call + &ends(reason) + DONE;
        assert_withheld(Member::Delta, true, vec![(body, true)], "It is 12.").await;
    }
    let blocks = [says_block(&closed), calls_block()];
    assert_withheld(Member::Block, true, messages(&blocks, "tool_use"), "It is 12.").await;
    let blocks = [says_block("It is 12.")];
    assert_withheld(Member::Block, true, messages(&blocks, "end_turn"), "It is 12.").await;
}

// Break it: have no closing tell of the reasoning before it beside a member of its own.
#[tokio::test(start_paused = true)]
async fn reasoning_that_a_document_tells_apart_by_half_is_withheld() {
    let rest = format!("{SECRET}.</think>It is 12.");
    let message = json!({"reasoning_content": "First.", "content": rest});
    let whole = json!({"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]});
    assert_withheld(Member::Delta, true, vec![(whole.to_string(), false)], "It is 12.").await;
}

// Break it: give each member what may be kept.
#[tokio::test(start_paused = true)]
async fn members_of_one_reasoning_share_what_is_kept_and_copies_agree() {
    let delta = |delta: Value| {
        let choice = json!({"index": 0, "delta": delta, "finish_reason": null});
        format!("data: {}\n\n", json!({"id": "c", "choices": [choice]}))
    };
    let alternating: String = (0..6)
        .map(|at| {
            let name = ["reasoning", "reasoning_content"][at % 2];
            delta(json!({name: format!("Entry {at} thinks. So it does. ")}))
        })
        .collect();
    let late = ["reasoning_content", "reasoning"]
        .map(|name| delta(json!({name: "One thinks. So it does. "})))
        .concat();
    let shifted = json!({"content": CANARY, "reasoning": "One thinks. So it does.", "reasoning_content": "Two thinks. So it does."});
    let shifted = json!({"choices": [{"index": 0, "message": shifted, "finish_reason": "stop"}]});
    for (name, body) in [("alternating", alternating), ("late", late)] {
        let body = body + &says(CANARY) + STOP + DONE;
        let out = answered("conclusion", chat(), stream([data(body)])).await;
        assert_eq!(out.matches("does").count(), 1, "{name}: {out}");
        assert!(!out.contains("thinks") && out.contains(CANARY), "{name}: {out}");
    }
    let out = answered("conclusion", chat(), json(shifted.to_string())).await;
    assert_eq!(out.matches("does").count(), 1, "{out}");
    // The same in both members of each event is one thought in two copies.
    let copies: String = ["One thinks. ", "So it does."]
        .map(|text| delta(json!({"reasoning": text, "reasoning_content": text})))
        .concat();
    let out =
        answered("conclusion", chat(), stream([data(copies + &says(CANARY) + STOP + DONE)])).await;
    assert_eq!(out.matches("So it does.").count(), 2, "{out}");
}

const CANARY: &str = "It is 12.";

// Break it: in `Course::take`, take two pieces for all of the text, or forget the other reading.
#[tokio::test(start_paused = true)]
async fn pieces_that_repeat_what_was_said_tell_nothing_however_they_are_read() {
    let whole = format!("<think>{SECRET}</think>{CANARY}");
    let opening = format!("<think>\n{SECRET}\n");
    // A text in one piece that comes again, as servers close a stream.
    for times in 2..4 {
        for member in [Member::Cumulative, Member::CumulativeBlock] {
            let pieces = vec![whole.clone(); times];
            let body = member.pieces(&pieces, if member.messages() { "end_turn" } else { "stop" });
            let out = answered("none", ask(member, false, true), stream([data(&body)])).await;
            let (copies, all) = texts(member, &out);
            assert!(!tells(&all), "{out}");
            assert_eq!(copies, ["<think></think>It is 12."], "{out}");
        }
    }
    // All of the text so far, in few pieces.
    for cut in [12, 20, 34, 40] {
        for member in [Member::Cumulative, Member::CumulativeBlock] {
            let reason = if member.messages() { "end_turn" } else { "stop" };
            let body = member.stream(&whole, Habit::AtTheEnd, cut, reason);
            let out = answered("none", ask(member, false, true), stream([data(&body)])).await;
            let (copies, all) = texts(member, &out);
            assert!(!tells(&all), "{cut}: {out}");
            assert!(copies.concat().ends_with(CANARY), "{cut}: {out}");
        }
    }
    // Deltas of a nested text that look like a text that comes again.
    for (pieces, of) in [
        (vec![opening.clone(), opening.clone()], 2),
        (vec![opening.clone(), format!("{opening}one </think>{SECRET}")], 1),
        (vec![opening.clone(), opening.clone(), opening.clone()], 3),
    ] {
        let mut pieces = pieces;
        pieces.extend((0..of).map(|_| format!("{SECRET}</think>")));
        pieces.push(CANARY.to_owned());
        for member in [Member::Delta, Member::Block] {
            let body = member.pieces(&pieces, if member.messages() { "end_turn" } else { "stop" });
            let out = answered("none", ask(member, false, true), stream([data(&body)])).await;
            let (copies, all) = texts(member, &out);
            assert!(!tells(&all), "{pieces:?}: {out}");
            assert!(copies.concat().ends_with(CANARY), "{pieces:?}: {out}");
        }
    }
}
