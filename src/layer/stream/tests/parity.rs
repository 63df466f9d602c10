//! One completion, as a document and as a stream, must come out the same.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::client::accumulate;
use super::invariants::assert_invariants;
use super::{COMPLETIONS, document, keeps, model, protocol, sample, stream, withhold, words};
use crate::policy::plan::Keep;

/// Names that stand in a document and under another name in a stream.
fn comparable(key: &str) -> bool {
    // Whole in a document, in pieces in a stream, and no text of the model's.
    !key.ends_with("/input")
}

// Break it: give `close_all` or a close in either form another `cut_short`; let a lane's editor
// see an empty piece as an end.
#[test]
fn a_sample_reads_the_same_as_a_document_and_as_a_stream_whatever_is_kept() {
    for name in COMPLETIONS {
        let messages = name.starts_with("anthropic");
        for keep in keeps() {
            let edits = || withhold(keep, protocol(name), model(name));
            let whole =
                document(protocol(name), edits(), &sample(&format!("{name}.json"))).unwrap();
            let streamed = sample(&format!("{name}_stream.sse"));
            let streamed = stream(protocol(name), edits(), [&*streamed]).unwrap();
            let whole = accumulate(messages, &whole, false);
            let streamed = accumulate(messages, &streamed, true);
            for (key, text) in streamed.iter().filter(|(key, _)| comparable(key)) {
                assert_eq!(whole.get(key), Some(text), "{name} {keep:?} {key}");
            }
            // The document has vLLM's reasoning under both of its names.
            for (key, text) in whole.iter().filter(|(key, _)| comparable(key)) {
                let key = if streamed.contains_key("0/reasoning") && key == "0/reasoning_content" {
                    "0/reasoning"
                } else {
                    key
                };
                assert_eq!(streamed.get(key), Some(text), "{name} {keep:?} {key}");
            }
        }
    }
}

/// How a server words reasoning and answer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Dialect {
    ReasoningContent,
    Reasoning,
    Details,
    Parts,
    Tagged,
    Template,
    Thinking,
    TaggedBlock,
}

pub(super) const DIALECTS: [Dialect; 8] = [
    Dialect::ReasoningContent,
    Dialect::Reasoning,
    Dialect::Details,
    Dialect::Parts,
    Dialect::Tagged,
    Dialect::Template,
    Dialect::Thinking,
    Dialect::TaggedBlock,
];

impl Dialect {
    pub(super) fn messages(self) -> bool {
        matches!(self, Self::Thinking | Self::TaggedBlock)
    }

    fn inline(self, reasoning: &str, answer: &str) -> Option<String> {
        match self {
            Self::Tagged | Self::TaggedBlock => Some(format!("<think>{reasoning}</think>{answer}")),
            Self::Template => Some(format!("{reasoning}</think>{answer}")),
            _ => None,
        }
    }

    /// What a message or delta holds.
    fn said(self, reasoning: &str, answer: &str) -> Value {
        match self {
            Self::ReasoningContent => json!({"reasoning_content": reasoning, "content": answer}),
            Self::Reasoning => json!({"content": answer, "reasoning": reasoning}),
            Self::Details => json!({"content": answer, "reasoning": reasoning,
                "reasoning_details": [{"type": "reasoning.text", "text": reasoning, "index": 0}]}),
            Self::Parts => json!({"content": [
                {"type": "thinking", "thinking": [{"type": "text", "text": reasoning}]},
                {"type": "text", "text": answer},
            ]}),
            _ => json!({"content": self.inline(reasoning, answer)}),
        }
    }

    pub(super) fn document(self, reasoning: &str, answer: &str, finish: &str) -> String {
        let mut said = self.said(reasoning, answer);
        said["role"] = "assistant".into();
        match (self, self.inline(reasoning, answer)) {
            (Self::Thinking, _) => {
                json!({"type": "message", "role": "assistant", "model": "m", "content": [
                {"type": "thinking", "thinking": reasoning, "signature": "s"},
                {"type": "text", "text": answer},
            ], "stop_reason": if finish == "length" { "max_tokens" } else { "end_turn" }})
            }
            (Self::TaggedBlock, Some(text)) => {
                json!({"type": "message", "role": "assistant", "model": "m",
                "content": [{"type": "text", "text": text}],
                "stop_reason": if finish == "length" { "max_tokens" } else { "end_turn" }})
            }
            _ => json!({"id": "1", "object": "chat.completion", "model": "m",
                "choices": [{"index": 0, "message": said, "finish_reason": finish}]}),
        }
        .to_string()
    }

    /// The stream, its texts cut behind so many characters each.
    pub(super) fn stream(
        self,
        reasoning: &str,
        answer: &str,
        finish: &str,
        cuts: &[usize],
    ) -> String {
        let mut cuts = cuts.iter().copied().cycle();
        let mut pieces = |text: &str| -> Vec<String> {
            let mut characters = text.chars().peekable();
            let mut pieces = Vec::new();
            while characters.peek().is_some() {
                pieces.push(characters.by_ref().take(cuts.next().unwrap()).collect());
            }
            pieces
        };
        if self.messages() {
            return self.events(&mut pieces, reasoning, answer, finish);
        }
        let chunk = |delta: Value, finish: Value| {
            let choice = json!({"index": 0, "delta": delta, "finish_reason": finish});
            let chunk = json!({"id": "1", "object": "chat.completion.chunk", "model": "m", "choices": [choice]});
            format!("data: {chunk}\n\n")
        };
        let mut out = chunk(json!({"role": "assistant", "content": ""}), Value::Null);
        if let Some(text) = self.inline(reasoning, answer) {
            pieces(&text)
                .iter()
                .for_each(|piece| out += &chunk(json!({"content": piece}), Value::Null));
        } else {
            for piece in pieces(reasoning) {
                let mut delta = self.said(&piece, "");
                if let Some(parts) = delta["content"].as_array_mut() {
                    parts.pop();
                }
                out += &chunk(delta, Value::Null);
            }
            pieces(answer)
                .iter()
                .for_each(|piece| out += &chunk(json!({"content": piece}), Value::Null));
        }
        out + &chunk(json!({}), finish.into()) + "data: [DONE]\n\n"
    }

    fn events(
        self,
        pieces: &mut dyn FnMut(&str) -> Vec<String>,
        reasoning: &str,
        answer: &str,
        finish: &str,
    ) -> String {
        let mut out = String::new();
        let mut event = |value: Value| {
            out += &format!("event: {}\ndata: {value}\n\n", value["type"].as_str().unwrap())
        };
        event(json!({"type": "message_start", "message": {"content": [], "model": "m"}}));
        let mut index = 0;
        let mut text = answer.to_owned();
        if let Some(inline) = self.inline(reasoning, answer) {
            text = inline;
        } else {
            event(
                json!({"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": ""}}),
            );
            for piece in pieces(reasoning) {
                event(
                    json!({"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": piece}}),
                );
            }
            event(
                json!({"type": "content_block_delta", "index": 0, "delta": {"type": "signature_delta", "signature": "s"}}),
            );
            event(json!({"type": "content_block_stop", "index": 0}));
            index = 1;
        }
        event(
            json!({"type": "content_block_start", "index": index, "content_block": {"type": "text", "text": ""}}),
        );
        for piece in pieces(&text) {
            event(
                json!({"type": "content_block_delta", "index": index, "delta": {"type": "text_delta", "text": piece}}),
            );
        }
        event(json!({"type": "content_block_stop", "index": index}));
        let reason = if finish == "length" { "max_tokens" } else { "end_turn" };
        event(json!({"type": "message_delta", "delta": {"stop_reason": reason}}));
        event(json!({"type": "message_stop"}));
        out
    }
}

fn prose() -> impl Strategy<Value = String> {
    "(So|wait|9\\.8| |, |\\. |\\? |\\n|é|思考。|🤔|\"|\\\\|<|</th|think>|<think>){0,14}"
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    /// The document is the oracle of the stream, and the client reads both.
    // Break it: in `Inline::answer`, forget text that may begin a tag at the end of a piece.
    #[test]
    fn any_completion_reads_the_same_in_both_forms_in_every_dialect_however_it_is_cut(
        reasoning in prose(),
        answer in prose(),
        cuts in proptest::collection::vec(1..7_usize, 1..5),
        dialect in proptest::sample::select(DIALECTS.to_vec()),
        keep in proptest::sample::select(vec![
            Keep::None, words(2), words(9), words(1000), Keep::Share(0.3), Keep::Share(0.9), Keep::Conclusion,
        ]),
        finish in proptest::sample::select(vec!["stop", "length"]),
    ) {
        // A closing that nothing opened is seen ahead in a whole text, and in pieces when what stands
        // before it has gone out: `tests/layer/unopened.rs` says what becomes of each.
        let said = reasoning.clone() + &answer;
        let unopened = said.split_once("</th").is_some_and(|(_, rest)| rest.contains("think>"));
        prop_assume!(!unopened);
        // What may be kept of a section that begins at once behind the template's empty one goes out in pieces,
        // and is withheld in a whole text.
        let again = reasoning.trim().is_empty() && answer.trim_start().starts_with("<think>");
        prop_assume!(!(again && dialect == Dialect::Template && matches!(keep, Keep::Words(_))));
        let name = if dialect.messages() { "anthropic" } else { "chat" };
        let model = if dialect == Dialect::Template { "qwq-32b" } else { "m" };
        let edits = || withhold(keep, protocol(name), model);
        let from = dialect.document(&reasoning, &answer, finish);
        let whole = document(protocol(name), edits(), from.as_bytes()).unwrap();
        let whole = accumulate(dialect.messages(), &whole, false);
        let from = dialect.stream(&reasoning, &answer, finish, &cuts);
        let to = stream(protocol(name), edits(), [from.as_bytes()]).unwrap();
        assert_invariants(dialect.messages(), from.as_bytes(), &to);
        prop_assert_eq!(accumulate(dialect.messages(), &to, true), whole);
    }
}
