//! An answer that is told once more, token by token, is marked only where that is closed.

use serde_json::{Value, json};

use super::responses::Done;
use super::shapes::{Answer, PROSE, SHAPES, Shape};

/// Stands in every token.
const TOKEN: &str = "900001";

impl Shape {
    /// Adds the tokens of what an event or a document says, as servers of this shape do when they are asked;
    /// whether they have a member for them.
    fn tell_tokens(self, value: &mut Value) -> bool {
        let (place, told) = match self {
            Self::Completions => (
                "/choices/0",
                json!({"logprobs": {"tokens": [TOKEN], "token_logprobs": [-0.1], "text_offset": [0]}}),
            ),
            Self::OllamaChat | Self::OllamaGenerate | Self::OllamaInline => {
                ("", json!({"logprobs": [{"token": TOKEN, "logprob": -0.1}]}))
            }
            Self::Gemini | Self::GeminiArray | Self::GeminiInline => (
                "/candidates/0",
                json!({"logprobsResult": {"chosenCandidates": [{"token": TOKEN}]}}),
            ),
            Self::LlamaCpp => (
                "",
                json!({"completion_probabilities": [{"id": 7, "token": TOKEN, "logprob": -0.1}]}),
            ),
            Self::Sglang => ("/meta_info", json!({"output_token_logprobs": [[-0.1, 7, TOKEN]]})),
            Self::Cohere | Self::CohereInline => {
                let told = json!({"text": TOKEN, "token_ids": [7], "logprobs": [-0.1]});
                (
                    "",
                    json!({"logprobs": if value["type"].is_null() { json!([told]) } else { told }}),
                )
            }
            Self::Tgi if value["token"].is_null() => {
                ("/details", json!({"tokens": [{"id": 7, "text": TOKEN}]}))
            }
            Self::Tgi => ("/token", json!({"id": 900_001})),
            // Amazon's protocols tell none.
            Self::Converse | Self::ConverseInline | Self::Nova | Self::Invoked(_) => {
                return false;
            }
        };
        let (Some(place), Value::Object(told)) = (value.pointer_mut(place), told) else {
            return false;
        };
        place.as_object_mut().unwrap().extend(told);
        true
    }
}

// Break it: leave a name out of what repeats a text (`Scan::repeats`), or mark all the same.
#[test]
fn what_is_told_again_token_by_token_is_closed_or_not_marked_in_any_shape() {
    let mut tried = 0;
    for shape in SHAPES {
        let finish = shape.finishes()[0];
        let answer =
            Answer { text: PROSE.to_owned(), finish: finish.to_owned(), ..Answer::default() };
        let mut whole: Value = serde_json::from_str(&shape.document(&answer)).unwrap();
        let mut events = shape.payloads(&shape.stream(&answer, &[5, 9]));
        if !shape.tell_tokens(&mut whole) {
            continue;
        }
        tried += 1;
        assert!(events.iter_mut().filter_map(|it| shape.tell_tokens(it).then_some(())).count() > 9);
        let from = shape.framed(&events);
        for open in [false, true] {
            let done = Done { marks: true, open, ..Done::default() };
            let streamed = shape.payloads(&shape.streamed(done, &from, 11));
            for told in [vec![shape.whole(done, &whole.to_string())], streamed] {
                let same = shape.read(&told).text == PROSE;
                let tells = Value::from(told).to_string().contains(TOKEN);
                assert_eq!((same, tells), (open, open), "{shape:?}");
            }
        }
    }
    assert!(tried > 9);
}

// Break it: let out what comes when the text is out, or leave every text for its sake.
#[test]
fn what_repeats_a_conversation_behind_its_text_is_closed_where_that_is_marked() {
    let shape = Shape::OllamaGenerate;
    let finish = shape.finishes()[0];
    let answer = Answer { text: PROSE.to_owned(), finish: finish.to_owned(), ..Answer::default() };
    let mut whole: Value = serde_json::from_str(&shape.document(&answer)).unwrap();
    let mut events = shape.payloads(&shape.stream(&answer, &[5, 9]));
    for value in [&mut whole, events.last_mut().unwrap()] {
        value["context"] = json!([7, 900_001]);
    }
    for (marks, open) in [(true, true), (true, false), (false, true)] {
        let done = Done { marks, open, ..Done::default() };
        let streamed = shape.payloads(&shape.streamed(done, &shape.framed(&events), 11));
        for told in [vec![shape.whole(done, &whole.to_string())], streamed] {
            assert_eq!(shape.read(&told).text != PROSE, marks);
            assert_eq!(Value::from(told).to_string().contains(TOKEN), !marks);
        }
    }
}
