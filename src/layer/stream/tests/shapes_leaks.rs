//! Answers that say their reasoning where no well-meant server would.

use serde_json::Value;

use super::document;
use super::responses::Done;
use super::shapes::{Shape, withheld};

const SECRET: &str = "alpha bravo charlie delta echo";

/// Completions, as documents and as chunks.
const COMPLETIONS: [&str; 22] = [
    r#"{"choices":[{"index":0,"text":"<think>SECRET</think>a"}]}"#,
    r#"{"choices":[{"index":0,"text":"<think>","text":"SECRET"}]}"#,
    r#"{"choices":[{"index":0,"text":["SECRET"]}]}"#,
    r#"{"choices":[{"index":0,"te\u0078t":"<think>SECRET"}]}"#,
    r#"{"choices":[{"index":0,"text":"a","reasoning":"SECRET"}]}"#,
    r#"{"choices":[{"index":0,"text":"a","reasoning_content":"SECRET"}]}"#,
    r#"{"choices":[{"index":0,"text":"a","content":"SECRET"}]}"#,
    r#"{"choices":[{"index":0,"text":"a","logprobs":{"tokens":["SECRET"]}}]}"#,
    r#"{"choices":[{"index":0,"text":"a","logprobs":{"top_logprobs":[{"SECRET":-1}]}}]}"#,
    r#"{"choices":[{"index":0,"text":"a","prompt_logprobs":[{"1":{"decoded_token":"SECRET"}}]}]}"#,
    r#"{"choices":[{"index":0,"text":"a","stop_reason":"SECRET"}]}"#,
    r#"{"choices":[{"index":0,"text":"a","message":{"reasoning":"SECRET"}}]}"#,
    r#"{"choices":[{"index":0,"message":{"content":"<think>SECRET</think>"}}]}"#,
    r#"{"choices":[{"index":0,"text":"a","thought":true},{"index":0,"text":"SECRET","thought":true}]}"#,
    r#"{"choices":[{"index":0,"text":"a"}],"content":"SECRET"}"#,
    r#"{"content":"<think>SECRET</think>a","stop":true}"#,
    r#"{"content":"a","reasoning_content":"SECRET","stop":true}"#,
    r#"{"content":"a","tokens":["SECRET"],"completion_probabilities":[{"content":"SECRET"}],"stop":true}"#,
    r#"{"content":"a","stop":"SECRET"}"#,
    r#"{"content":"a","stop":true,"stopping_word":"SECRET"}"#,
    r#"{"content":"a","generation_settings":{"prompt":"SECRET"},"prompt":"SECRET","stop":true}"#,
    r#"{"choices":[],"text":"SECRET","output":"SECRET"}"#,
];

fn events(shape: Shape) -> &'static [&'static str] {
    match shape {
        Shape::Completions => &COMPLETIONS,
    }
}

fn tells(out: &[u8]) -> bool {
    let text = String::from_utf8_lossy(out).replace("\\u0020", " ");
    SECRET.split(' ').any(|word| text.contains(word))
}

// Break it: pass a member that no list knows, or read a text as the answer whatever says that it is none.
#[test]
fn no_event_and_no_document_tells_reasoning_that_is_withheld() {
    for shape in super::shapes::SHAPES {
        for event in events(shape) {
            let from = event.replace("SECRET", SECRET);
            let parsed: Result<Value, _> = serde_json::from_str(&from);
            assert!(parsed.is_ok(), "{from}");
            // Two members of one name are read by nobody.
            if let Ok(out) = document(shape.protocol(), shape.edits(withheld()), from.as_bytes()) {
                assert!(!tells(&out), "{shape:?} {from}\n{}", String::from_utf8_lossy(&out));
                serde_json::from_slice::<Value>(&out).unwrap();
            }
            let from = shape.framed_texts(&[from.clone(), from]);
            for cut in [1, 7, from.len()] {
                let edits = shape.edits(withheld());
                let chunks = from.chunks(cut);
                let out = super::framed_stream(shape.protocol(), shape.framing(), edits, chunks);
                let out = out.unwrap_or_default();
                assert!(!tells(&out), "{shape:?} {event}\n{}", String::from_utf8_lossy(&out));
            }
        }
    }
}

// Break it: close what is nothing.
#[test]
fn what_says_nothing_is_left_as_it_came() {
    for shape in super::shapes::SHAPES {
        let events: &[&str] = match shape {
            Shape::Completions => &[
                r#"{"id":"c","choices":[{"index":0,"text":"a","logprobs":null,"finish_reason":null,"stop_reason":null,"prompt_logprobs":null}],"usage":null}"#,
                r#"{"index":0,"content":"a","tokens":null,"stop":false,"id_slot":-1}"#,
            ],
        };
        for event in events {
            let from = shape.framed_texts(&[(*event).to_owned()]);
            assert_eq!(shape.streamed(withheld(), &from, 9), from, "{shape:?} {event}");
            assert_eq!(shape.streamed(Done::default(), &from, 9), from, "{shape:?} {event}");
        }
    }
}
