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

/// The text of all blocks of a message.
fn said(out: &str) -> String {
    let lines = out.lines().map(|line| line.strip_prefix("data: ").unwrap_or(line));
    let values = lines.filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let texts = values.flat_map(|it| {
        let blocks = it["content"].as_array().cloned().unwrap_or_default();
        let mut said: Vec<Value> = blocks.iter().map(|it| it["text"].clone()).collect();
        said.push(it["delta"]["text"].clone());
        said
    });
    texts.filter_map(|it| it.as_str().map(str::to_owned)).collect()
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
            for (body, streams) in bodies {
                let response = if streams { stream([data(&body)]) } else { json(&body) };
                let out = answered("none", ask(Member::Block, false, streams), response).await;
                assert_eq!(said(&out), "<think></think>It is 12.", "{body}");
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
        (vec!["<".to_owned(), opening.get(1..).unwrap().to_owned(), opening.clone()], 2),
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

/// The text of a whole message, in the events that some servers say it in once more: in its blocks, in
/// one of all, or in the last one alone.
fn repeated(blocks: &[Value], text: &str) -> Vec<String> {
    let one = [says_block(text)];
    let last = blocks.last().cloned();
    let last = last.as_slice();
    let mut bodies = Vec::new();
    for whole in [blocks, &one, last] {
        bodies.extend(repeated_in(blocks, whole));
    }
    bodies.extend(repeated_choice(text));
    bodies
}

fn repeated_in(blocks: &[Value], whole: &[Value]) -> Vec<String> {
    let said = json!({"content": whole, "stop_reason": "end_turn", "model": "m"});
    let bare = json!({"content": whole, "model": "m"});
    let mut bodies = Vec::new();
    for (stream, _) in messages(blocks, "end_turn").into_iter().filter(|(_, streams)| *streams) {
        let stop = "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";
        for message in [&said, &bare] {
            let all = json!({"type": "message_stop", "message": message});
            bodies.push(stream.replace(stop, &events(std::slice::from_ref(&all))));
            bodies.push(stream.replace(stop, &(events(&[all]) + stop)));
        }
    }
    bodies
}

fn repeated_choice(text: &str) -> Vec<String> {
    let mut bodies = Vec::new();
    for cut in [1, 3, 1000] {
        let stream = Member::Delta.stream(text, Habit::AtTheEnd, cut, "stop");
        for message in
            [json!({"content": text}), json!({"content": [{"type": "text", "text": text}]})]
        {
            let choice =
                json!({"index": 0, "message": message, "delta": {}, "finish_reason": null});
            let ends = json!({"index": 0, "message": message, "finish_reason": "stop"});
            for choice in [choice, ends] {
                let all = format!("data: {}\n\n", json!({"id": "c", "choices": [choice]}));
                bodies.push(stream.replace(DONE, &(all.clone() + DONE)));
                bodies.push(stream.replace(&delta_with("stop"), &all));
            }
        }
    }
    bodies
}

// Break it: in `repeat` of the Messages events, leave the texts deltas; feed both members of a chunk
// to one lane.
#[tokio::test(start_paused = true)]
async fn a_message_that_comes_whole_at_the_end_tells_nothing_more() {
    for (before, opening, closing) in
        [("", "<think>", "</think>"), ("It is 12. ", "◁think▷", "◁/think▷"), ("", "", "</think>")]
    {
        let template = opening.is_empty();
        let thought = format!("{opening}{SECRET}{closing}{CANARY}");
        let text = format!("{before}{thought}");
        let mut bodies = repeated(&[says_block(&text)], &text);
        let blocks = [says_block("It is 11. "), says_block(&thought)];
        if !template {
            let all = repeated(&blocks, &format!("It is 11. {thought}"));
            bodies.extend(all.into_iter().filter(|body| body.starts_with("event")));
        }
        for body in bodies {
            let member = if body.starts_with("event") { Member::Block } else { Member::Delta };
            let out = answered("none", ask(member, template, true), stream([data(&body)])).await;
            assert!(!tells(&out), "{body}\n\n{out}");
            // Once as deltas, and once in the whole message.
            let copies = out.matches(&format!("{closing}{CANARY}\"")).count();
            assert!(copies >= 1 && texts(member, &out).0.concat().ends_with(CANARY), "{out}");
        }
    }
    // An answer without any comes out in the message as it came.
    for answer in [CANARY, "The tag <think> opens the trace, and </think> closes it."] {
        for body in repeated(&[says_block(answer)], answer) {
            let member = if body.starts_with("event") { Member::Block } else { Member::Delta };
            let out = answered("none", ask(member, false, true), stream([data(&body)])).await;
            let whole = body.lines().filter(|line| {
                line.contains("\"message\":{\"content\":\"") || line.contains("\"message_stop\"")
            });
            for line in
                whole.filter(|line| line.contains("stop_reason") || line.contains("choices"))
            {
                assert!(out.contains(line), "{line}\n\n{out}");
            }
        }
    }
}

// Break it: take a piece of `message` for all of the text although it says what comes next.
#[tokio::test(start_paused = true)]
async fn a_message_that_says_what_comes_next_tells_nothing() {
    let text = format!("<think>{SECRET}. {SECRET}</think>{CANARY}");
    let cut = |range: std::ops::Range<usize>| text.get(range).unwrap().to_owned();
    let so_far = |to: usize| cut(0..to);
    let of: usize = text.len();
    let pieces: Vec<String> = (0..of).step_by(9).map(|at| cut(at..of.min(at + 9))).collect();
    let mut late = pieces.clone();
    late.push(text.clone());
    let broken_off = vec![so_far(20), so_far(40), cut(40..60), cut(60..of)];
    let mut long = (3..30).map(so_far).collect::<Vec<_>>();
    long.extend([cut(29..50), cut(50..of)]);
    for messages in [pieces, late, broken_off, long] {
        for beside in [false, true] {
            let chunk = |piece: &String| {
                let mut choice =
                    json!({"index": 0, "message": {"content": piece}, "finish_reason": null});
                if beside {
                    choice["delta"] = json!({"content": piece});
                }
                format!("data: {}\n\n", json!({"id": "c", "choices": [choice]}))
            };
            let body = messages.iter().map(chunk).collect::<String>() + &delta_with("stop") + DONE;
            let out = answered("none", chat(), stream([data(&body)])).await;
            for member in ["delta", "message"].into_iter().skip(usize::from(!beside)) {
                let values = out.lines().filter_map(|line| line.strip_prefix("data: "));
                let values = values.filter_map(|it| serde_json::from_str::<Value>(it).ok());
                let all: String = values
                    .filter_map(|it| {
                        it["choices"][0][member]["content"].as_str().map(str::to_owned)
                    })
                    .collect();
                assert!(!tells(&all) && all.ends_with(CANARY), "{member} {body}\n\n{out}");
            }
        }
    }
}

// Break it: know only closings with a slash.
#[tokio::test(start_paused = true)]
async fn what_a_template_opened_is_closed_by_whatever_is_worded_like_a_closing() {
    for closing in [
        "<|end_of_thinking|>",
        "<|end_think|>",
        "<|thinking_end|>",
        "<｜end▁of▁reasoning｜>",
        "</antThinking>",
        "<think_end>",
        "[/THINK]",
        "[END_THINKING]",
        "◁/think▷",
    ] {
        let text = format!("{SECRET}{closing}{CANARY}");
        for member in MEMBERS {
            let reason = if member.messages() { "end_turn" } else { "stop" };
            let mut bodies = Vec::new();
            forms(member, &text, reason, |_, body, streams| bodies.push((body, streams)));
            for (body, streams) in bodies {
                let response = if streams { stream([data(&body)]) } else { json(&body) };
                let out = answered("none", ask(member, true, streams), response).await;
                let (copies, all) = texts(member, &out);
                assert!(!tells(&all), "{body}\n\n{out}");
                assert!(copies.iter().all(|copy| copy.ends_with(CANARY)), "{body}\n\n{out}");
            }
        }
    }
}

// Break it: let go of a block's text when another one begins.
#[tokio::test(start_paused = true)]
async fn what_a_template_opened_is_closed_in_a_block_behind_it() {
    for count in 1..4 {
        let mut blocks = vec![says_block(&format!("{SECRET}. ")); count];
        blocks.push(says_block(&format!("{SECRET}</think>It is 12.")));
        let bodies = messages(&blocks, "end_turn").into_iter().map(|it| (it, true));
        // A text that is there as a whole tells without the policy's help.
        let alone = messages(&blocks, "end_turn").into_iter().take(1).map(|it| (it, false));
        for ((body, streams), template) in bodies.chain(alone) {
            let response = if streams { stream([data(&body)]) } else { json(&body) };
            let out = answered("none", ask(Member::Block, template, streams), response).await;
            assert_eq!(said(&out), "</think>It is 12.", "{body}");
        }
        // What nothing closes is the answer.
        let answers = vec![says_block("It is 11. "); count];
        let blocks = [answers, vec![says_block("It is 12.")]].concat();
        for (body, streams) in messages(&blocks, "end_turn") {
            let response = if streams { stream([data(&body)]) } else { json(&body) };
            let out = answered("none", ask(Member::Block, true, streams), response).await;
            assert_eq!(said(&out), "It is 11. ".repeat(count) + "It is 12.", "{out}");
        }
    }
}

// Break it: let a marker that the reasoning speaks of open a section in what the template opened.
#[tokio::test(start_paused = true)]
async fn what_a_template_opened_may_speak_of_markers() {
    for mention in ["I use <think> tags", "Not <think>", "A <think>, perhaps"] {
        let text = format!("{mention}. {SECRET}</think>{CANARY}");
        let text = text.replace("think>. ", "think>.\n");
        for member in [Member::Delta, Member::Block] {
            let reason = if member.messages() { "end_turn" } else { "stop" };
            let mut bodies = Vec::new();
            forms(member, &text, reason, |_, body, streams| bodies.push((body, streams)));
            assert_withheld(member, true, bodies, CANARY).await;
        }
    }
}
