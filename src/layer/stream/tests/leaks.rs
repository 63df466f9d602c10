//! Withheld reasoning must not come through anywhere.

use std::collections::BTreeMap;

use serde_json::Value;

use super::client::accumulate;
use super::{
    COMPLETIONS, document, model, protocol, sample, stream, streams, withhold, worked_out,
};
use crate::policy::plan::Keep;

/// Every string of a response by its place, the pieces of a stream joined.
fn strings(response: &str) -> BTreeMap<String, String> {
    fn walk(value: &Value, place: &str, found: &mut BTreeMap<String, String>) {
        match value {
            Value::String(text) => found.entry(place.to_owned()).or_default().push_str(text),
            Value::Array(items) => items
                .iter()
                .enumerate()
                .for_each(|(at, item)| walk(item, &format!("{place}/{at}"), found)),
            Value::Object(members) => members
                .iter()
                .for_each(|(name, item)| walk(item, &format!("{place}/{name}"), found)),
            _ => {}
        }
    }
    let mut found = BTreeMap::new();
    found.insert("the bytes".to_owned(), response.to_owned());
    for line in response.lines() {
        let line = line.strip_prefix("data:").unwrap_or(line);
        if let Ok(value) = serde_json::from_str::<Value>(line) {
            let choice =
                value["choices"][0]["index"].as_u64().or(value["index"].as_u64()).unwrap_or(0);
            walk(&value, &format!("{choice}"), &mut found);
        }
    }
    found
}

/// Fails if any place says four words of the reasoning in a row that the answer does not say.
fn assert_silent(name: &str, reasoning: &str, response: &str) {
    let words: Vec<&str> = reasoning.split_whitespace().collect();
    for (place, text) in strings(response) {
        for run in words.windows(4).map(|run| run.join(" ")) {
            assert!(!text.contains(&run), "{name}: {run:?} at {place}");
        }
    }
}

// Break it: put `logprobs` or `token_ids` on an allow-list of the response; skip the second name
// of reasoning in `chat::response::message`.
#[test]
fn no_sample_says_its_reasoning_in_any_member_or_any_token_of_it() {
    let documents = COMPLETIONS.iter().map(|name| format!("{name}.json"));
    for name in streams().into_iter().chain(documents) {
        let (messages, streamed) = (name.starts_with("anthropic"), name.ends_with(".sse"));
        let bytes = sample(&name);
        let texts = accumulate(messages, &bytes, streamed);
        let edits = withhold(Keep::None, protocol(&name), model(&name));
        let out = if streamed {
            stream(protocol(&name), edits, [&*bytes]).unwrap()
        } else {
            document(protocol(&name), edits, &bytes).unwrap()
        };
        let out = String::from_utf8(out).unwrap();
        for (key, text) in &texts {
            let key = key.rsplit('/').next().unwrap();
            if key.starts_with("reasoning") || key == "thinking" {
                assert_silent(&name, text, &out);
            }
            if let Some((thought, _)) = text.split_once("</think>") {
                assert_silent(&name, thought, &out);
            }
        }
        assert!(!out.contains("[90000") && !out.contains(",90000"), "{name}: token ids");
        assert!(!out.contains("\"token\""), "{name}: log-probabilities");
    }
}

const SECRET: &str = "alpha bravo charlie delta echo";

/// Chat chunks (which serve as documents, too) that say the secret where no well-meant server would.
const CHAT: [&str; 38] = [
    r#"{"choices":[{"index":0,"delta":{"reasoning":"","reasoning":"SECRET"}}]}"#,
    r#"{"choices":[{"index":0,"delta":{"reasoning":"SECRET","reasoning":""}}]}"#,
    r#"{"choices":[],"choices":[{"index":0,"delta":{"reasoning":"SECRET"}}]}"#,
    r#"{"choices":[{"index":0,"delta":{"reason\u0069ng":"SECRET"}}]}"#,
    r#"{"choices":[{"index":0,"delta":{"r\u0065asoning_content":"SECRET"}}]}"#,
    r#"{"ch\u006fices":[{"index":0,"delta":{"reasoning":"SECRET"}}]}"#,
    r#"{"choices":[{"index":0,"delta":{"thoughts":"SECRET"}}]}"#,
    r#"{"choices":[{"index":0,"delta":{"Reasoning":"SECRET"}}]}"#,
    r#"{"choices":[{"index":0,"delta":{},"reasoning":"SECRET"}]}"#,
    r#"{"choices":[{"index":0,"delta":{}}],"reasoning":{"text":["SECRET"]}}"#,
    r#"{"choices":[{"index":0,"delta":{"reasoning":["SECRET"]}}]}"#,
    r#"{"choices":[{"index":0,"delta":{"reasoning":{"text":"SECRET"}}}]}"#,
    r#"{"choices":[{"index":0,"delta":{"reasoning_content":["SECRET"]}}]}"#,
    r#"{"choices":[{"index":0,"delta":{"reasoning_content":{"text":"SECRET"}}}]}"#,
    r#"{"choices":[{"index":0,"delta":{"reasoning_details":"SECRET"}}]}"#,
    r#"{"choices":[{"index":0,"delta":{"reasoning_details":["SECRET"]}}]}"#,
    r#"{"choices":[{"index":0,"delta":{"reasoning_details":{"text":"SECRET"}}}]}"#,
    r#"{"choices":[{"index":0,"delta":{"reasoning_details":[{"type":"reasoning.text","text":["SECRET"]}]}}]}"#,
    r#"{"choices":[{"index":0,"delta":{"reasoning_details":[{"type":"reasoning.summary","summary":[{"text":"SECRET"}]}]}}]}"#,
    r#"{"choices":[{"index":0,"delta":{"content":"x"},"message":{"reasoning":"SECRET"}}]}"#,
    r#"{"choices":[{"index":0,"delta":{"delta":{"reasoning":"SECRET"}}}]}"#,
    r#"{"choices":[[{"index":0,"delta":{"reasoning":"SECRET"}}]]}"#,
    r#"{"choices":{"index":0,"delta":{"reasoning":"SECRET"}}}"#,
    r#"{"choices":[{"delta":{"reasoning":"SECRET"}}]}"#,
    r#"{"choices":[{"index":99999999999999999999999,"delta":{"reasoning":"SECRET"}}]}"#,
    r#"{"choices":[{"index":-1,"delta":{"reasoning":"SECRET"}}]}"#,
    r#"{"choices":[{"index":0,"delta":{"content":[{"type":"reasoning","text":"SECRET"}]}}]}"#,
    r#"{"choices":[{"index":0,"delta":{"content":[{"type":"reasoning","reasoning":"SECRET"}]}}]}"#,
    r#"{"choices":[{"index":0,"delta":{"content":[{"text":"SECRET","type":"thought"}]}}]}"#,
    r#"{"choices":[{"index":0,"delta":{"content":[{"type":"thinking","thinking":["SECRET"]}]}}]}"#,
    r#"{"choices":[{"index":0,"delta":{"content":[{"type":"thinking","thinking":{"text":"SECRET"}}]}}]}"#,
    r#"{"choices":[{"index":0,"delta":{"reasoning":"\ud83d SECRET"}}]}"#,
    r#"{"choices":[{"index":0,"delta":{"content":[{"type":"thinking","thinking":[{"type":"reference","reference_ids":["the SECRET"],"text":"SECRET"}]}]}}]}"#,
    r#"{"choices":[{"index":0,"delta":{"content":[{"type":"tool_reference","text":"SECRET","title":"SECRET"}]}}]}"#,
    r#"{"choices":[{"index":0,"messages":[{"role":"assistant","content":[{"type":"thinking","thinking":[{"type":"text","text":"SECRET"}]}]}]}]}"#,
    r#"{"choices":[{"index":0,"messages":[{"role":"assistant","reasoning_content":"SECRET"}],"message":{"content":"a"}}]}"#,
    r#"{"choices":[{"index":0,"delta":{"content":"a"}}],"p":"the SECRET"}"#,
    r#"{"type":"message","content":[{"type":"thinking","thinking":"SECRET"}]}"#,
];

/// Chat answers that hold the secret between tags.
const TAGGED: [&str; 8] = [
    r#"{"choices":[{"index":0,"delta":{"content":"\u003cthink\u003eSECRET\u003c/think\u003e4"}}]}"#,
    r#"{"choices":[{"index":0,"delta":{"content":"<think>SECRET \ud83d</think>4"}}]}"#,
    r#"{"choices":[{"index":0,"delta":{"content":"\ud83d\n<think>SECRET</think>4"}}]}"#,
    r#"{"choices":[{"index":0,"delta":{"content":["<think>SECRET</think>4"]}}]}"#,
    r#"{"choices":[{"index":0,"delta":{"content":{"text":"<think>SECRET</think>4"}}}]}"#,
    r#"{"choices":[{"index":0,"delta":{"content":"<think>SECRET","annotations":[]}}]}"#,
    r#"{"choices":[{"index":0,"delta":{"content":"<think>SECRET","tool_calls":[]}}]}"#,
    r#"{"choices":[{"index":0,"delta":{"content":[{"type":"text","text":"<think>SECRET</think>4"}]}}]}"#,
];

/// Messages events, and documents.
const MESSAGES: [&str; 16] = [
    r#"{"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"SECRET"}}"#,
    r#"{"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":["SECRET"]}}"#,
    r#"{"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","text":"SECRET"}}"#,
    r#"{"type":"content_block_start","index":0,"content_block":{"type":"reasoning","text":"SECRET"}}"#,
    r#"{"type":"content_block_start","index":0,"content_block":{"type":"thinking","summary":"SECRET"}}"#,
    r#"{"type":"message_start","message":{"content":[{"type":"thinking","thinking":"SECRET"}]}}"#,
    r#"{"type":"message_start","message":{"reasoning":"SECRET","content":[]}}"#,
    r#"{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"SECRET"}}"#,
    r#"{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":{"text":"SECRET"}}}"#,
    r#"{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"","reasoning":"SECRET"}}"#,
    r#"{"type":"content_block_delta","index":0,"delta":{"type":"summary_delta","text":"SECRET"}}"#,
    r#"{"type":"content_block_delta","index":0,"delta":{"thinking":"SECRET","type":"text_delta"}}"#,
    r#"{"type":"message","content":[{"type":"thinking","thinking":"SECRET"}]}"#,
    r#"{"type":"message","role":"assistant","content":[{"thinking":"SECRET","type":"thinking"}]}"#,
    r#"{"type":"message","content":[{"type":"thinking","thinking":"\udc00 SECRET"}]}"#,
    r#"{"choices":[{"index":0,"message":{"reasoning":"SECRET"}}]}"#,
];

/// The same event in framings that decoders read alike.
fn framings(payload: &str) -> Vec<String> {
    let (head, tail) = payload.split_at(payload.find(',').unwrap_or(payload.len()));
    vec![
        format!("data: {payload}\n\n"),
        format!("data:{payload}\n\n"),
        format!("data: {payload}\r\n\r\n"),
        format!("data: {payload}\r\r"),
        format!("\u{feff}data: {payload}\n\n"),
        format!("data: {head}\ndata: {tail}\n\n"),
        format!("event: message\n: a comment\nid: 7\ndata: {payload}\nretry: 5\n\n"),
        format!("data: \u{feff}{payload}\n\n"),
        format!("data: {payload}\n"),
        format!("data: {payload}"),
        format!("{payload}\n\n"),
        payload.to_owned(),
    ]
}

fn assert_withheld(name: &str, payload: &str, again: bool) {
    let payload = payload.replace("SECRET", SECRET);
    // The same lane once more: what it was at first must not be forgotten.
    let behind = format!("data: {payload}\n\n");
    for framed in framings(&payload) {
        let twice = again.then(|| behind.clone() + &framed);
        for text in [framed].into_iter().chain(twice) {
            let edits = withhold(Keep::None, protocol(name), "m");
            // A stream that is refused says nothing.
            if let Ok(out) = stream(protocol(name), edits, [text.as_bytes()]) {
                assert_silent(&text, SECRET, &String::from_utf8_lossy(&out));
            }
        }
    }
    let edits = withhold(Keep::None, protocol(name), "m");
    if let Ok(out) = document(protocol(name), edits, payload.as_bytes()) {
        assert_silent(&payload, SECRET, &String::from_utf8_lossy(&out));
    }
}

// Break it: read duplicate names once only, compare raw names, pass what is no string.
#[test]
fn no_shape_of_a_chat_response_brings_reasoning_through() {
    CHAT.iter().for_each(|payload| assert_withheld("chat", payload, true));
}

// Break it: look for tags in the raw bytes, or end a section where its event cannot be repeated.
#[test]
fn no_shape_of_an_answer_brings_tagged_reasoning_through() {
    // Not twice: in the middle of a line a tag is a word.
    TAGGED.iter().for_each(|payload| assert_withheld("chat", payload, false));
}

// Break it: pass unknown members of a content block.
#[test]
fn no_shape_of_a_message_brings_reasoning_through() {
    MESSAGES.iter().for_each(|payload| assert_withheld("anthropic", payload, true));
}

// Break it: finish the lane's editor where an event says more than its texts.
#[test]
fn a_section_that_an_event_with_more_to_say_opens_stays_closed_to_the_client() {
    let openings = [
        r#"data: {"choices":[{"index":0,"delta":{"content":"<think>","annotations":[]}}]}"#
            .to_owned(),
        r#"data: {"choices":[{"index":0,"delta":{"content":"<think>","tool_calls":[]}}]}"#
            .to_owned(),
        "data: {\"choices\":[{\"index\":0,\ndata: \"delta\":{\"content\":\"<think>\"}}]}"
            .to_owned(),
        r#"data: {"choices":[{"index":0,"delta":{"content":"<th","annotations":[]}}]}

data: {"choices":[{"index":0,"delta":{"content":"ink>","annotations":[]}}]}"#
            .to_owned(),
    ];
    for opening in openings {
        let thought = format!(r#"{{"choices":[{{"index":0,"delta":{{"content":"{SECRET}"}}}}]}}"#);
        let text = format!("{opening}\n\ndata: {thought}\n\n");
        let edits = withhold(Keep::None, protocol("chat"), "m");
        let out = stream(protocol("chat"), edits, [text.as_bytes()]).unwrap();
        assert_silent(&text, SECRET, &String::from_utf8_lossy(&out));
    }
}

// Break it: take an empty list of tool calls, or an empty finish reason, for an end.
#[test]
fn a_conclusion_is_not_drawn_from_every_event_that_lists_no_tool_calls() {
    let mut text = String::new();
    for word in SECRET.split(' ') {
        text += &format!(
            "data: {{\"choices\":[{{\"index\":0,\"delta\":{{\"reasoning\":\" {word}.\",\"tool_calls\":[]}},\"finish_reason\":\"\"}}]}}\n\n"
        );
    }
    let edits = withhold(Keep::Conclusion, protocol("chat"), "m");
    let out = stream(protocol("chat"), edits, [text.as_bytes()]).unwrap();
    let out = accumulate(false, &out, true);
    assert!(out.values().all(|text| !text.contains("alpha")), "{out:?}");
}

// Break it: take a document with too many parts for one that cannot be read.
#[test]
fn a_response_with_too_many_parts_is_refused_even_where_unreadable_ones_pass() {
    use crate::layer::document::Document;
    use crate::policy::Unhandled;

    let filled = format!(r#"{{"message":{{"reasoning":"{SECRET}"}}}}"#);
    // Empty choices cost nothing to say and much to close.
    for choice in [filled, "{}".to_owned()] {
        let body = format!(r#"{{"choices":[{}]}}"#, vec![choice; 3000].join(","));
        let edits = withhold(Keep::None, protocol("chat"), "m");
        let mut document = Document::new(protocol("chat"), edits, Unhandled::Pass, 1 << 24);
        document.push(body.into()).unwrap();
        assert!(worked_out(&mut document).is_err());
    }
}

// Break it: take what a template opened and nothing closed for the answer, whatever was asked.
#[test]
fn a_client_cannot_pass_reasoning_off_as_an_answer_by_keeping_the_model_from_closing_it() {
    let answer = format!(
        r#"{{"choices":[{{"index":0,"message":{{"content":"{SECRET}"}},"finish_reason":"stop"}}]}}"#
    );
    let said = |request: &str| {
        let edits = super::edits_for(Some(Keep::None), &[], protocol("chat"), request);
        let out = document(protocol("chat"), edits, answer.as_bytes()).unwrap();
        String::from_utf8(out).unwrap().contains("alpha")
    };
    assert!(said(r#"{"model":"qwq-32b","stop":null,"logit_bias":{}}"#), "a model may not reason");
    for steered in [
        r#""stop":"</think>""#,
        r#""stop":["x"]"#,
        r#""st\u006fp":"x""#,
        r#""logit_bias":{"9":-100}"#,
        r#""guided_regex":"[^<]*""#,
    ] {
        assert!(!said(&format!(r#"{{"model":"qwq-32b",{steered}}}"#)), "{steered}");
    }
}
