//! Reasoning that is withheld comes through in no event, no member and no copy of a text.

use serde_json::{Value, json};

use super::client::payloads;
use super::responses::{Done, edits};
use super::{document, sample, stream};
use crate::policy::plan::Keep;
use crate::wire::responses::Responses;

const SECRET: &str = "the zebra is striped";
/// The same in base64 and in hexadecimal digits.
const ENCODED: [&str; 2] =
    ["dGhlIHplYnJhIGlzIHN0cmlwZWQ=", "746865207a6562726120697320737472697065640a"];

fn withheld() -> Done {
    Done { keep: Some(Keep::None), ..Done::default() }
}

/// Whether a client can read the secret, however it is written.
fn tells(out: &[u8]) -> bool {
    let out = String::from_utf8_lossy(out);
    out.contains("zebra") || out.contains("\\u007a") || ENCODED.iter().any(|it| out.contains(it))
}

fn of(events: &[Value]) -> Vec<u8> {
    let created = json!({"type": "response.created", "sequence_number": 0,
        "response": {"id": "resp_1", "status": "in_progress", "output": []}});
    let events = std::iter::once(&created).chain(events);
    let named = |it: &Value| {
        let name = it["type"].as_str().map(|it| format!("event: {it}\n")).unwrap_or_default();
        format!("{name}data: {it}\n\n")
    };
    events.map(named).collect::<String>().into_bytes()
}

/// Items that hold the secret where reasoning may stand.
fn items() -> Vec<Value> {
    let part = |kind: &str| json!([{"type": kind, "text": SECRET}]);
    let mut items = vec![
        json!({"type": "reasoning", "summary": part("summary_text")}),
        json!({"type": "reasoning", "summary": part("output_text")}),
        json!({"type": "reasoning", "summary": SECRET}),
        json!({"type": "reasoning", "summary": [SECRET]}),
        json!({"type": "reasoning", "summary": [], "content": part("reasoning_text")}),
        json!({"type": "reasoning", "summary": [], "content": part("output_text")}),
        json!({"type": "reasoning", "summary": [], "content": [{"type": "refusal", "refusal": SECRET}]}),
        json!({"type": "reasoning", "summary": [], "content": SECRET}),
        json!({"type": "reasoning", "summary": [], "content": {"text": SECRET}}),
        json!({"type": "reasoning", "summary": [], "text": SECRET, "reasoning": SECRET}),
        json!({"type": "reasoning", "summary": [], "encrypted_content": SECRET}),
        json!({"type": "reasoning", "summary": [], "encrypted_content": {"text": SECRET}}),
        json!({"type": "Reasoning", "content": part("output_text")}),
        json!({"type": null, "content": part("output_text")}),
        json!({"content": part("output_text")}),
        json!({"type": "thinking", "content": part("text")}),
        json!({"type": "of_next_year", "content": part("output_text"), "words": SECRET}),
        json!({"type": "message", "role": "assistant", "content": part("reasoning_text")}),
        json!({"type": "message", "role": "assistant", "content": part("thinking")}),
        json!({"type": "message", "role": "assistant", "content": part("of_next_year")}),
        json!({"type": "message", "role": "assistant", "content": [{"text": SECRET}]}),
        json!({"type": "message", "role": "assistant", "content": [SECRET]}),
        json!({"type": "message", "role": "analysis", "content": part("output_text")}),
        json!({"type": "message", "phase": "commentary", "content": part("output_text")}),
        json!({"type": "message", "content": [{"type": "output_text", "text": SECRET, "thought": true}]}),
        json!({"type": "message", "content": [{"type": "output_text", "text": "", "logprobs": [{"token": SECRET}]}]}),
        json!({"type": "message", "content": [{"type": "output_text", "text": "", "reasoning": SECRET}]}),
        json!({"type": "message", "content": part("output_text"), "is_reasoning": true}),
        json!({"type": "message", "reasoning_content": SECRET, "content": []}),
        json!({"type": "message", "content": format!("<think>{SECRET}</think>a")}),
        json!({"type": "function_call", "name": "f", "call_id": "c", "arguments": "{}", "reasoning": SECRET}),
        json!({"type": "web_search_call", "summary": part("summary_text"), "thought": SECRET}),
    ];
    let sealed = |it: &&str| json!({"type": "reasoning", "summary": [], "encrypted_content": it});
    items.extend(ENCODED.iter().map(sealed));
    items
}

/// Members of a response that may hold it.
fn responses() -> Vec<Value> {
    vec![
        json!({"output": [], "output_text": SECRET}),
        json!({"output": [], "reasoning": {"effort": "low", "summary": SECRET}}),
        json!({"output": [], "reasoning": SECRET}),
        json!({"output": [], "Output": [{"type": "message", "content": SECRET}]}),
        json!({"output": SECRET}),
        json!({"output": {"0": SECRET}}),
        json!({"output": [SECRET, [SECRET]]}),
        json!({"output": [], "output_messages": [{"content": SECRET}]}),
        json!({"output": [], "usage": {"output_tokens": 1, "note": SECRET}}),
        json!({"output": [], "incomplete_details": {"reason": SECRET}}),
        json!({"output": [], "error": {"code": "server_error", "message": SECRET}}),
        json!({"output": [], "error": SECRET}),
        json!({"output": [], "status": SECRET, "model": SECRET, "id": SECRET, "truncation": SECRET}),
        json!({"output": [], "of_next_year": {"deep": [SECRET]}, (SECRET): 1}),
    ]
}

/// Events that hold it, besides those that show an item or a response.
fn events() -> Vec<Vec<Value>> {
    let begun = json!({"type": "response.output_item.added", "output_index": 0,
        "item": {"id": "rs_1", "type": "reasoning", "summary": []}});
    let commentary = json!({"type": "response.output_item.added", "output_index": 0,
        "item": {"id": "msg_1", "type": "message", "phase": "commentary", "content": []}});
    let mut events = Vec::new();
    for subject in ["reasoning_text", "reasoning_summary_text", "reasoning", "reasoning_summary"] {
        let event = |verb: &str, member: &str| json!({"type": format!("response.{subject}.{verb}"), "output_index": 0, (member): SECRET});
        events.push(vec![begun.clone(), event("delta", "delta"), event("done", "text")]);
        events.push(vec![event("done", "text"), event("done", "text")]);
        events.push(vec![event("delta", "text"), event("done", "delta")]);
    }
    for subject in ["reasoning_summary_part", "reasoning_part", "content_part"] {
        for kind in ["summary_text", "reasoning_text", "of_next_year"] {
            let event = |verb: &str| {
                json!({"type": format!("response.{subject}.{verb}"), "output_index": 0,
                    "part": {"type": kind, "text": SECRET}})
            };
            events.push(vec![begun.clone(), event("added"), event("done")]);
        }
    }
    let answer = json!({"type": "response.output_text.delta", "output_index": 0, "delta": SECRET});
    let whole = json!({"type": "response.output_text.done", "output_index": 0, "text": SECRET});
    let part = json!({"type": "response.content_part.added", "output_index": 0,
        "part": {"type": "output_text", "text": ""}});
    // What an item was said to be holds for all texts of it.
    events.push(vec![begun.clone(), answer.clone(), whole.clone()]);
    events.push(vec![begun.clone(), part, answer.clone(), whole.clone()]);
    events.push(vec![commentary, answer, whole]);
    events.extend(
        [
            json!({"type": "response.thinking.delta", "delta": SECRET}),
            json!({"type": "response.thinking.done", "text": SECRET}),
            json!({"type": "response.of_next_year", "delta": SECRET, "words": SECRET}),
            json!({"type": "response.of_next_year", "of_next_year": {"text": SECRET}}),
            json!({"delta": SECRET}),
            json!({"type": null, "text": SECRET}),
            json!({"type": "response.Output_text.delta", "delta": SECRET}),
            json!({"type": "response.output_text.delta", "Delta": SECRET, "delta": ""}),
            json!({"type": "response.output_text.delta", "delta": {"text": SECRET}}),
            json!({"type": "response.output_text.delta", "delta": "", "logprobs": [{"token": SECRET}]}),
            json!({"type": "response.output_text.delta", "delta": "a", "obfuscation": SECRET}),
            json!({"type": "response.output_text.delta", "delta": "a", "item_id": SECRET}),
            json!({"type": "response.output_text.delta", "delta": "a", "sequence_number": SECRET}),
            json!({"type": "response.output_text.delta", "delta": "a", "code": SECRET, "message": SECRET}),
            json!({"type": "response.output_text.delta", "delta": format!("<think>{SECRET}</think>a")}),
            json!({"type": "response.output_text.done", "text": format!("<think>{SECRET}</think>a")}),
            json!({"type": "response.audio.transcript.delta", "delta": format!("<think>{SECRET}</think>a")}),
            json!({"type": "response.audio.delta", "delta": SECRET}),
            json!({"type": "response.image_generation_call.partial_image", "partial_image_b64": SECRET}),
            json!({"type": "response.output_text.annotation.added", "annotation": {"reasoning": SECRET}}),
            json!({"type": "keepalive", "note": SECRET}),
            json!({"type": "error", "code": "server_error", "message": SECRET, "param": SECRET}),
            json!({"type": "error", "error": {"type": "server_error", "message": SECRET}}),
            json!({"error": {"message": SECRET}}),
        ]
        .map(|event| vec![event]),
    );
    for item in items() {
        let event = |verb: &str| json!({"type": format!("response.output_item.{verb}"), "output_index": 0, "item": item});
        events.push(vec![event("added"), event("done")]);
        events.push(vec![event("done"), event("done")]);
    }
    for response in
        responses().into_iter().chain(items().into_iter().map(|it| json!({"output": [it]})))
    {
        for verb in
            ["created", "queued", "in_progress", "completed", "incomplete", "failed", "cancelled"]
        {
            let kind = format!("response.{verb}");
            events.push(vec![json!({"type": kind, "response": response})]);
        }
    }
    events
}

// Break it: take an item's texts for the answer by the type of their part alone; pass a member that no list
// knows; write a copy of a text as it came.
#[test]
fn no_event_tells_reasoning_that_is_withheld() {
    for events in events() {
        let from = of(&events);
        assert!(tells(&from));
        for cut in [1, 7, from.len()] {
            let out = stream(&Responses, edits(withheld()), from.chunks(cut)).unwrap();
            assert!(!tells(&out), "{}", String::from_utf8_lossy(&out));
        }
        // What nobody withholds goes out, unless no list knows it.
        let open = stream(&Responses, edits(Done::default()), [&from[..]]).unwrap();
        assert_eq!(payloads(&open).len(), payloads(&from).len());
    }
}

#[test]
fn no_document_tells_reasoning_that_is_withheld() {
    let with = |mut response: Value| {
        let members = response.as_object_mut().unwrap();
        members.entry("id").or_insert("resp_1".into());
        members.entry("status").or_insert("completed".into());
        response.to_string()
    };
    let items = items().into_iter().map(|item| json!({"output": [item]}));
    for response in responses().into_iter().chain(items) {
        let from = with(response);
        let out = document(&Responses, edits(withheld()), from.as_bytes()).unwrap();
        assert!(!tells(&out), "{from}\n{}", String::from_utf8_lossy(&out));
        serde_json::from_slice::<Value>(&out).unwrap();
    }
}

// Break it: take the first of two members, or the last, without looking for the other.
#[test]
fn what_says_a_member_twice_is_read_by_nobody() {
    for event in [
        r#"{"type":"response.output_text.delta","type":"response.reasoning_text.delta","delta":"s"}"#,
        r#"{"type":"response.output_text.delta","delta":"a","delta":"s"}"#,
        r#"{"type":"response.output_text.delta","output_index":0,"delta":"a","output_index":1}"#,
        r#"{"type":"response.completed","response":{"output":[]},"response":{"output":[]}}"#,
        r#"{"type":"response.completed","response":{"output":[],"output":[]}}"#,
        r#"{"type":"response.output_item.done","item":{"type":"message","type":"reasoning","content":[]}}"#,
        r#"{"type":"response.content_part.done","part":{"type":"output_text","text":"a","text":"s"}}"#,
    ] {
        let from = format!("data: {event}\n\n");
        assert!(stream(&Responses, edits(withheld()), [from.as_bytes()]).is_err(), "{event}");
    }
}

// Break it: let an event of a call that has ended stand for the end of the response.
#[test]
fn a_reasoning_item_stays_in_its_place_and_nothing_stands_behind_the_end() {
    let from = sample("responses_stream.sse");
    let out = stream(&Responses, edits(withheld()), from.chunks(1)).unwrap();
    for cut in [2, 3, 64, 1000] {
        let again = stream(&Responses, edits(withheld()), from.chunks(cut)).unwrap();
        assert!(again == out, "the same however it is cut");
    }
    let events = payloads(&out);
    let last = events.last().unwrap();
    assert_eq!(last["type"], "response.completed");
    let output = last["response"]["output"].as_array().unwrap();
    assert_eq!(output.len(), 3);
    assert_eq!(output[0]["type"], "reasoning");
    assert_eq!(output[0]["summary"][0]["text"], "");
    assert_eq!(output[0]["encrypted_content"], "gAAAAABo_final_ciphertext");
    // A call of the server's own that has ended ends nothing.
    let called = json!({"type": "response.web_search_call.completed", "output_index": 0});
    let (begun, text) = (
        json!({"type": "response.output_item.added", "output_index": 1,
            "item": {"id": "msg_1", "type": "message", "role": "assistant", "content": []}}),
        |text: &str| {
            json!({"type": "response.output_text.delta", "output_index": 1, "content_index": 0,
                "delta": text})
        },
    );
    let from = of(&[begun, text("<thi"), called, text("nk>s</think>a")]);
    let out = stream(&Responses, edits(withheld()), [&from[..]]).unwrap();
    let said: String =
        payloads(&out).iter().filter_map(|it| it["delta"].as_str().map(str::to_owned)).collect();
    assert_eq!(said, "<think></think>a");
}

// Break it: end only those texts that the last event shows.
#[test]
fn an_end_that_shows_no_texts_ends_those_that_came() {
    let from = of(&[
        json!({"type": "response.output_item.added", "output_index": 0,
            "item": {"id": "msg_1", "type": "message", "role": "assistant", "content": []}}),
        json!({"type": "response.output_text.delta", "output_index": 0, "content_index": 0,
            "delta": "It is 9 <"}),
        json!({"type": "response.completed",
            "response": {"id": "resp_1", "status": "completed", "output": []}}),
    ]);
    let out = stream(&Responses, edits(withheld()), [&from[..]]).unwrap();
    let events = payloads(&out);
    let said: String = events.iter().filter_map(|it| it["delta"].as_str()).collect();
    assert_eq!(said, "It is 9 <");
    assert_eq!(events.last().unwrap()["type"], "response.completed");
}

// Break it: leave null where a typed client expects a list.
#[test]
fn log_probabilities_leave_an_empty_list() {
    let from = of(&[
        json!({"type": "response.output_text.delta", "delta": "a", "logprobs": [{"token": "a"}]}),
        json!({"type": "response.output_text.done", "text": "a", "logprobs": null}),
    ]);
    let out = stream(&Responses, edits(Done::default()), [&from[..]]).unwrap();
    let events = payloads(&out);
    assert_eq!(events[1]["logprobs"], json!([]));
    assert_eq!(events[2]["logprobs"], Value::Null);
}
