//! Where a request repeats what was said: every text of the model's, and nothing else.

use guilloche::wire::chat::Chat;
use guilloche::wire::json::unescape;
use guilloche::wire::messages::Messages;
use guilloche::wire::{Protocol, Said};
use proptest::prelude::*;
use serde_json::{Value, json};

const PROTOCOLS: [&dyn Protocol; 2] = [&Chat, &Messages];

/// What is found, decoded: `true` for the model's, `None` for the end of a message.
fn said(protocol: &dyn Protocol, body: &[u8]) -> Vec<Option<(bool, String)>> {
    let mut found = Vec::new();
    let decoded = |text: guilloche::wire::json::Text| {
        let raw = body.get(text.span.clone()).unwrap();
        assert_eq!(body.get(text.span.start - 1), Some(&b'"'));
        assert_eq!(body.get(text.span.end), Some(&b'"'));
        unescape(raw).unwrap().into_owned()
    };
    protocol
        .scan_history(body, &mut |said| {
            found.push(match said {
                Said::Answer(text) => Some((true, decoded(text))),
                Said::Other(text) => Some((false, decoded(text))),
                Said::End => None,
            });
        })
        .unwrap();
    found
}

fn answers(protocol: &dyn Protocol, body: &Value) -> Vec<String> {
    let found = said(protocol, body.to_string().as_bytes());
    found.into_iter().flatten().filter(|(by_model, _)| *by_model).map(|(_, text)| text).collect()
}

#[test]
fn every_text_of_the_model_is_found_and_nothing_of_its_thinking_or_its_calls() {
    let body = json!({"model": "m", "system": "text", "messages": [
        {"role": "user", "content": "one"},
        {"role": "assistant", "content": [
            {"type": "thinking", "thinking": "no", "signature": "no", "text": "no"},
            {"type": "redacted_thinking", "data": "no"},
            {"type": "text", "text": "first", "citations": [{"type": "text", "text": "no"}]},
            {"type": "tool_use", "id": "no", "name": "no", "input": {"type": "text", "text": "no"}},
            {"type": "text", "text": "second"}]},
        {"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": "call-1", "content": [{"type": "text", "text": "no"}]},
            {"type": "text", "text": "two"}]},
        {"content": "third", "role": "assistant"},
        {"role": "user", "content": [{"type": "text", "text": "three"}]}]});
    let body = body.to_string();
    let text = |by_model, text: &str| Some((by_model, text.to_owned()));
    assert_eq!(
        said(&Messages, body.as_bytes()),
        [
            text(false, "one"),
            None,
            text(true, "first"),
            text(true, "second"),
            None,
            text(false, "call-1"),
            text(false, "two"),
            None,
            text(true, "third"),
            None,
            text(false, "three"),
            None,
        ]
    );
}

#[test]
fn a_chat_keeps_its_answers_in_strings_or_parts_and_its_results_in_messages() {
    let body = json!({"messages": [
        {"role": "assistant", "content": null, "reasoning_content": "no", "refusal": "no",
         "tool_calls": [{"id": "no", "function": {"arguments": "no"}}]},
        {"role": "tool", "tool_call_id": "call-1", "content": "result"},
        {"role": "assistant", "content": [{"type": "text", "text": "first"}, {"type": "refusal", "refusal": "no"}]},
        {"role": "assistant", "content": "second"}]});
    assert_eq!(answers(&Chat, &body), ["first", "second"]);
    let found = said(&Chat, body.to_string().as_bytes());
    assert!(found.contains(&Some((false, "call-1".to_owned()))));
}

#[test]
fn what_stands_twice_or_in_another_order_is_found_each_time() {
    let body = br#"{"messages":[{"content":"a","role":"user","content":"b","r\u006fle":"assistant",
        "content":[{"text":"c","type":"text","text":"d\u00e9\/"}]}],
        "messages" : [ {"role":"assistant","content": "e" } ]}"#;
    for protocol in PROTOCOLS {
        let found = said(protocol, body);
        let texts: Vec<String> = found.into_iter().flatten().map(|(_, text)| text).collect();
        assert_eq!(texts, ["a", "b", "c", "dé/", "e"]);
    }
}

#[test]
fn a_conversation_of_another_shape_has_no_texts() {
    for body in [
        json!({"messages": "assistant"}),
        json!({"messages": {"role": "assistant", "content": "a"}}),
        json!({"messages": [["assistant"], "a", 1, null, {"role": "assistant", "content": {"type": "text", "text": "a"}}]}),
        json!({"messages": [{"role": "assistant", "content": ["a", 3, {"text": "a"}, {"type": ["text"], "text": "a"}, {"type": "text", "text": {"text": "a"}}]}]}),
        json!({"input": [{"role": "assistant", "content": "a"}]}),
        json!({"messages": [{"role": {"role": "assistant"}, "content": "a"}]}),
    ] {
        for protocol in PROTOCOLS {
            assert_eq!(answers(protocol, &body), [""; 0], "{body}");
        }
    }
    for broken in [&b"[]"[..], b"", br#"{"messages":[{"role":"assistant","content":"a"}"#] {
        for protocol in PROTOCOLS {
            assert!(protocol.scan_history(broken, &mut |_| {}).is_err());
        }
    }
}

#[test]
fn depth_costs_no_stack() {
    let deep = "[".repeat(100_000) + &"]".repeat(100_000);
    let body =
        format!(r#"{{"messages":[{{"role":"assistant","content":[{deep}]}},{{"x":{deep}}}]}}"#);
    for protocol in PROTOCOLS {
        assert_eq!(said(protocol, body.as_bytes()), [None, None]);
    }
}

/// The texts of the model's in a conversation that `serde_json` has read.
fn oracle(body: &Value) -> Vec<String> {
    let mut texts = Vec::new();
    let messages = body.get("messages").and_then(Value::as_array);
    for message in messages.into_iter().flatten() {
        if message.get("role") != Some(&json!("assistant")) {
            continue;
        }
        let parts = match message.get("content") {
            Some(Value::String(text)) => vec![text.clone()],
            Some(Value::Array(parts)) => parts
                .iter()
                .filter(|part| part.get("type") == Some(&json!("text")))
                .filter_map(|part| Some(part.get("text")?.as_str()?.to_owned()))
                .collect(),
            _ => Vec::new(),
        };
        texts.extend(parts);
    }
    texts
}

fn text() -> impl Strategy<Value = Value> {
    prop_oneof![".{0,8}", "[\"\\\\\\n\u{2028}é😀]{0,6}"].prop_map(Value::String)
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![text(), Just(Value::Null), any::<i32>().prop_map(Value::from)];
    let names = prop_oneof![Just("role"), Just("content"), Just("text"), Just("type"), Just("x")];
    let known = prop_oneof![Just(json!("assistant")), Just(json!("text")), Just(json!("user"))];
    prop_oneof![leaf, known].prop_recursive(4, 24, 4, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map(names.clone().prop_map(str::to_owned), inner, 0..5)
                .prop_map(|members| members.into_iter().collect::<serde_json::Map<_, _>>().into()),
        ]
    })
}

fn conversation() -> impl Strategy<Value = Value> {
    let part = (prop_oneof![Just("text"), Just("thinking")], text())
        .prop_map(|(kind, text)| json!({"type": kind, "text": text}));
    let content = prop_oneof![
        text(),
        proptest::collection::vec(prop_oneof![part, value()], 0..4).prop_map(Value::from),
        value()
    ];
    let role = prop_oneof![Just("assistant"), Just("user")];
    let message =
        (role, content).prop_map(|(role, content)| json!({"role": role, "content": content}));
    proptest::collection::vec(prop_oneof![4 => message, 1 => value()], 0..6)
        .prop_map(|messages| json!({"model": "m", "messages": messages}))
}

proptest! {
    /// Oracle: `serde_json`, for bodies in which nothing stands twice.
    #[test]
    fn the_texts_found_are_those_that_another_parser_finds(body in conversation()) {
        let compact = serde_json::to_vec(&body).unwrap();
        let pretty = serde_json::to_vec_pretty(&body).unwrap();
        for protocol in PROTOCOLS {
            for bytes in [&compact, &pretty] {
                let found = said(protocol, bytes).into_iter().flatten();
                let texts: Vec<String> = found.filter(|(by_model, _)| *by_model).map(|(_, text)| text).collect();
                prop_assert_eq!(&texts, &oracle(&body));
            }
        }
    }

    #[test]
    fn no_bytes_make_it_panic_and_every_span_lies_within_them(
        body in conversation(), at in any::<proptest::sample::Index>(), byte in any::<u8>(), cut in any::<bool>(),
    ) {
        let mut bytes = serde_json::to_vec(&body).unwrap();
        let at = at.index(bytes.len());
        if cut { bytes.truncate(at) } else { bytes[at] = byte }
        for protocol in PROTOCOLS {
            let _ = protocol.scan_history(&bytes, &mut |said| {
                if let Said::Answer(text) | Said::Other(text) = said {
                    assert!(bytes.get(text.span).is_some());
                }
            });
        }
    }
}
