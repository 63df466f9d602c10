//! What the client libraries rely on must hold behind every edit.

use std::collections::BTreeMap;

use serde_json::Value;

use super::client::{accumulate, decode, payloads};
use super::{keeps, model, protocol, sample, stream, streams, withhold};

/// Compares an edited stream with the one it was made from. Every rule is one that some SDK
/// breaks over.
pub(super) fn assert_invariants(messages: bool, from: &[u8], to: &[u8]) {
    let ends = |stream: &[u8]| stream.ends_with(b"\n\n");
    assert_eq!(ends(to), ends(from), "the last event keeps its blank line");
    if messages {
        assert_messages(from, to);
    } else {
        assert_chat(from, to);
    }
}

fn assert_chat(from: &[u8], to: &[u8]) {
    let (events, chunks) = (decode(to), payloads(to));
    let done = |stream: &[u8]| {
        decode(stream).iter().filter(|event| event.data.as_deref() == Some("[DONE]")).count()
    };
    assert_eq!(done(to), done(from));
    let data: Vec<&str> = events.iter().filter_map(|event| event.data.as_deref()).collect();
    let after = data.iter().skip_while(|data| **data != "[DONE]").count();
    assert!(after <= 1, "nothing follows [DONE]");

    let sent = payloads(from);
    for chunk in chunks.iter().filter(|chunk| chunk["error"].is_null()) {
        assert!(chunk["choices"].is_array(), "choices is always an array: {chunk}");
        for constant in ["id", "object", "model", "created"] {
            assert_eq!(chunk[constant], sent[0][constant]);
        }
    }
    let errors = |chunks: &[Value]| chunks.iter().filter(|chunk| !chunk["error"].is_null()).count();
    assert_eq!(errors(&chunks), errors(&sent));
    let usages = |chunks: &[Value]| {
        chunks.iter().rfind(|chunk| !chunk["usage"].is_null()).map(|chunk| chunk["usage"].clone())
    };
    assert_eq!(usages(&chunks), usages(&sent), "the last usage is the upstream's");
    let all_usages = |chunks: &[Value]| -> Vec<Value> {
        chunks.iter().map(|chunk| chunk["usage"].clone()).filter(|usage| !usage.is_null()).collect()
    };
    let mut stated = all_usages(&sent).into_iter();
    for usage in all_usages(&chunks) {
        assert!(stated.any(|other| other == usage), "no count goes back or comes twice");
    }
    let usage_chunk = |chunks: &[Value]| {
        chunks.iter().position(|chunk| chunk["choices"].as_array().is_some_and(Vec::is_empty))
    };
    if let Some(at) = usage_chunk(&sent) {
        assert_eq!(at + 1, sent.len());
        assert_eq!(usage_chunk(&chunks), Some(chunks.len() - 1), "usage comes last");
    }
    let (before, behind) = (choices(&sent), choices(&chunks));
    assert_eq!(before.keys().collect::<Vec<_>>(), behind.keys().collect::<Vec<_>>());
    for (index, now) in &behind {
        let then = &before[index];
        assert_eq!(now.finish, then.finish, "finish reasons stay");
        assert_eq!(now.calls, then.calls, "a tool call begins once");
        assert!(
            now.roles <= then.roles && (now.roles > 0) == (then.roles > 0),
            "no role is repeated, none lost"
        );
        if then.text_ended {
            assert!(now.text_ended, "no text behind the finish of choice {index}");
        }
        if then.in_order {
            assert!(now.in_order, "reasoning stays before answer and tool calls in choice {index}");
        }
    }
    assert_eq!(first_seen(&sent), first_seen(&chunks), "choices appear in the same order");
}

/// One choice, as its chunks tell it.
#[derive(Debug)]
struct Choice {
    roles: usize,
    finish: Vec<String>,
    calls: Vec<String>,
    /// No text stands behind the finish.
    text_ended: bool,
    /// No reasoning stands behind answer or tool call.
    in_order: bool,
    answered: bool,
}

fn choices(chunks: &[Value]) -> BTreeMap<u64, Choice> {
    let mut found = BTreeMap::new();
    for choice in chunks.iter().filter_map(|chunk| chunk["choices"].as_array()).flatten() {
        let index = choice["index"].as_u64().unwrap();
        let known = found.entry(index).or_insert_with(|| Choice {
            roles: 0,
            finish: Vec::new(),
            calls: Vec::new(),
            text_ended: true,
            in_order: true,
            answered: false,
        });
        let delta = &choice["delta"];
        let filled = |key: &str| delta[key].as_str().is_some_and(|text| !text.is_empty());
        let thinks = filled("reasoning")
            || filled("reasoning_content")
            || delta["content"][0]["type"] == "thinking";
        let calls = delta["tool_calls"].as_array().is_some_and(|calls| !calls.is_empty());
        known.text_ended &= known.finish.is_empty() || !(thinks || filled("content"));
        known.in_order &= !(known.answered && thinks);
        known.answered |= filled("content") || calls;
        known.roles += usize::from(delta["role"].is_string());
        known.finish.extend(choice["finish_reason"].as_str().map(str::to_owned));
        let ids = delta["tool_calls"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|call| call["id"].as_str());
        known.calls.extend(ids.map(str::to_owned));
    }
    found
}

fn first_seen(chunks: &[Value]) -> Vec<u64> {
    let mut seen = Vec::new();
    for choice in chunks.iter().filter_map(|chunk| chunk["choices"].as_array()).flatten() {
        let index = choice["index"].as_u64().unwrap();
        if !seen.contains(&index) {
            seen.push(index);
        }
    }
    seen
}

fn assert_messages(from: &[u8], to: &[u8]) {
    for event in decode(to).iter().filter(|event| event.data.is_some()) {
        let data: Value = serde_json::from_str(event.data.as_deref().unwrap()).unwrap();
        assert_eq!(event.name.as_deref(), data["type"].as_str(), "the event's name is its type");
    }
    let (sent, events) = (payloads(from), payloads(to));
    let frame = |events: &[Value]| -> Vec<Value> {
        let bare = |event: &&Value| {
            event["delta"]["type"] != "thinking_delta" && event["delta"]["type"] != "text_delta"
        };
        let mut events: Vec<Value> = events.iter().filter(bare).cloned().collect();
        // What an error says in words is the layer's.
        let errors = events.iter_mut().filter_map(|event| event.pointer_mut("/error/message"));
        errors.for_each(|message| *message = "".into());
        events
    };
    assert_eq!(frame(&events), frame(&sent), "all that is no text stays, in order");
    let mut open: Option<u64> = None;
    let mut next = 0;
    for (position, event) in events.iter().enumerate() {
        let index = event["index"].as_u64();
        match event["type"].as_str().unwrap() {
            "content_block_start" => {
                assert_eq!((open, index), (None, Some(next)), "blocks come one by one");
                (open, next) = (index, next + 1);
            }
            "content_block_delta" => assert_eq!(open, index, "a delta belongs to the open block"),
            "content_block_stop" => {
                assert_eq!(open.take(), index);
            }
            _ => {}
        }
        if event["delta"]["type"] == "signature_delta" {
            assert_eq!(events[position + 1]["type"], "content_block_stop", "the signature is last");
        }
    }
}

// Break it: in `nothing_left`, drop events in spite of their role or of `says_more`; in
// `ResponseRewriter::close`, leave `before` empty; in `carrier`, do not take out role or usage.
#[test]
fn every_sample_keeps_what_clients_rely_on_whatever_is_kept_of_its_reasoning() {
    for name in streams() {
        let from = sample(&name);
        let messages = name.starts_with("anthropic");
        for keep in keeps() {
            let edits = withhold(keep, protocol(&name), model(&name));
            let to = stream(protocol(&name), edits, [&*from]).unwrap();
            assert_invariants(messages, &from, &to);
        }
    }
}

// Break it: in `carrier`, refuse events with `FieldKind::Once`, or leave those fields in.
#[test]
fn text_held_from_an_event_with_more_to_say_comes_out_before_the_finish_and_alone() {
    let calls =
        r#"[{"index":0,"id":"call_1","type":"function","function":{"name":"f","arguments":"{}"}}]"#;
    for (more, finish) in [
        (format!(r#""tool_calls":{calls}"#), "tool_calls"),
        (r#""annotations":[{"type":"url"}]"#.to_owned(), "stop"),
    ] {
        let head = r#""id":"1","object":"chat.completion.chunk""#;
        let from = format!(
            "data: {{{head},\"choices\":[{{\"index\":0,\"delta\":{{\"role\":\"assistant\",\"content\":\"Let me check.\",{more}}},\"finish_reason\":null}}]}}\n\n\
             data: {{{head},\"choices\":[{{\"index\":0,\"delta\":{{}},\"finish_reason\":\"{finish}\"}}]}}\n\n"
        );
        // The template opens a section, so that the answer is held until nothing can close it.
        let edits = withhold(crate::policy::plan::Keep::None, protocol("chat"), "qwq-32b");
        let to = stream(protocol("chat"), edits, [from.as_bytes()]).unwrap();
        assert_invariants(false, from.as_bytes(), &to);
        let mut all = accumulate(false, from.as_bytes(), true);
        // A model that calls a tool within its thoughts does not close them first.
        if finish == "tool_calls" {
            all.remove("0/content");
        }
        assert_eq!(accumulate(false, &to, true), all);
    }
}

// Break it: in `EventStream::rewrite`, close no lanes where the scan is an error or the terminator,
// or none in `finish`.
#[test]
fn held_text_is_out_before_an_error_a_terminator_and_the_end() {
    let chunk = |text: &str| {
        let head = r#""id":"1","object":"chat.completion.chunk""#;
        format!(
            "data: {{{head},\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{text}\"}}}}]}}\n\n"
        )
    };
    // What may begin a tag is held.
    let text = chunk("4 ") + &chunk("is\\n<th");
    for end in ["", "data: [DONE]\n\n", "data: {\"error\":{\"code\":500}}\n\n"] {
        let from = text.clone() + end;
        let edits = withhold(crate::policy::plan::Keep::None, protocol("chat"), "m");
        let to = stream(protocol("chat"), edits, [from.as_bytes()]).unwrap();
        assert_eq!(accumulate(false, &to, true)["0/content"], "4 is\n<th", "{end}");
        assert!(to.ends_with(end.as_bytes()), "{}", String::from_utf8_lossy(&to));
    }
}
