//! What the client libraries rely on must hold behind every edit, whatever the shape.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::shapes::Shape;
use crate::wire::ProtocolId;

/// Members that hold a text of the model's.
const TEXTS: [&str; 9] = [
    "completion",
    "content",
    "generated_text",
    "generation",
    "outputText",
    "response",
    "text",
    "thinking",
    "tool_plan",
];

/// Members that tell a text in other words, and are closed together with it.
const CLOSED: [&str; 10] = [
    "completion_probabilities",
    "context",
    "logprob",
    "logprobs",
    "output_ids",
    "p",
    "prefill",
    "token_ids",
    "tokens",
    "top_tokens",
];

/// Members that say how an answer ends, or more than a text.
const MORE: [&str; 13] = [
    "citations",
    "completionReason",
    "done_reason",
    "finishReason",
    "finish_reason",
    "functionCall",
    "generated_text",
    "signature",
    "stopReason",
    "stop_reason",
    "stop_type",
    "thoughtSignature",
    "tool_calls",
];

/// One event of a stream.
struct Told {
    /// What it says beside its texts.
    bare: Value,
    /// Nothing else is in it.
    only_text: bool,
    /// It says how the answer ends.
    ends: bool,
    /// The block that it begins, ends or says something of.
    block: Option<(u64, Block)>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Block {
    Says,
    Ends,
}

/// Takes the texts out, and says whether there were any.
fn blank(value: &mut Value) -> bool {
    let mut texts = false;
    match value {
        Value::Object(members) => {
            members.retain(|name, _| !CLOSED.contains(&name.as_str()));
            for (name, value) in members.iter_mut() {
                if TEXTS.contains(&name.as_str()) && value.is_string() {
                    (*value, texts) = (json!(""), true);
                } else {
                    texts |= blank(value);
                }
            }
            // Clients know the absence of these from an empty one only where it is the only text.
            members.remove("thinking");
        }
        Value::Array(items) => {
            items.iter_mut().for_each(|item| texts |= blank(item));
            // A part of nothing but a text goes with it.
            items.retain(|item| !says_only_text(item));
        }
        _ => {}
    }
    texts
}

fn says_only_text(part: &Value) -> bool {
    part.as_object().is_some_and(|part| {
        part.contains_key("text") && part.keys().all(|name| matches!(&**name, "text" | "thought"))
    })
}

/// Whether such a member says anything, anywhere.
fn says(value: &Value, names: &[&str]) -> bool {
    match value {
        Value::Object(members) => members.iter().any(|(name, value)| {
            let filled = !value.is_null() && *value != json!([]);
            filled && names.contains(&name.as_str()) || says(value, names)
        }),
        Value::Array(items) => items.iter().any(|item| says(item, names)),
        _ => false,
    }
}

/// Members that stay in every event that says more than a text.
const KEPT: [&str; 5] = ["eval_count", "meta_info", "metrics", "usage", "usageMetadata"];

/// Members of those all the same that may tell a text or the id of a token, as SGLang's do.
const MAY_TELL: [&str; 2] = ["matched", "weight_version"];

/// Whether this is what came, but for members that were closed; `all` if it says more than a text.
fn is_of(now: &Value, then: &Value, all: bool) -> bool {
    within(now, then, all, false)
}

fn within(now: &Value, then: &Value, all: bool, kept: bool) -> bool {
    match (now, then) {
        (Value::Null, then) => then.is_null() || !kept,
        (Value::Object(now), Value::Object(then)) => {
            now.keys().eq(then.keys())
                && now.iter().zip(then.values()).all(|((name, now), then)| {
                    let kept = kept || all && KEPT.contains(&name.as_str());
                    let kept = kept && !MAY_TELL.contains(&name.as_str());
                    within(now, then, all, kept)
                })
        }
        (Value::Array(now), Value::Array(then)) => {
            now.len() == then.len()
                && now.iter().zip(then).all(|(now, then)| within(now, then, all, kept))
        }
        _ => now == then,
    }
}

impl Shape {
    fn told(self, event: &Value) -> Told {
        let mut bare = event.clone();
        let texts = blank(&mut bare);
        if self.protocol().id() == ProtocolId::Tgi {
            // Tokens are numbered anew, and their ids tell what they were.
            let both = bare.as_object_mut().and_then(|bare| {
                bare.remove("index");
                bare.get_mut("token")?.as_object_mut()?.remove("id")
            });
            drop(both);
        }
        let cohere = self.protocol().id() == ProtocolId::Cohere;
        let kind = event["type"].as_str().filter(|_| cohere);
        let index = if cohere { &event["index"] } else { &event["contentBlockIndex"] };
        let delta = kind.is_none_or(|it| matches!(it, "content-delta" | "tool-plan-delta"));
        let only_text = texts && delta && !says(event, &MORE);
        let ends = event["delta"].is_null() && kind.is_none_or(|it| it == "content-end");
        let block = match (only_text, ends && event["start"].is_null()) {
            (true, _) => Some(Block::Says),
            (false, true) => Some(Block::Ends),
            (false, false) => None,
        };
        let is_reason = |name: &&str| name.to_lowercase().contains("reason");
        let finish: Vec<&str> = MORE.into_iter().filter(is_reason).collect();
        let block = index.as_u64().zip(block);
        Told { ends: says(event, &finish), bare, only_text, block }
    }

    /// Compares an edited stream with the one it was made from. Every rule is one that some SDK
    /// breaks over.
    pub(super) fn assert_invariants(self, from: &[u8], to: &[u8]) {
        let end = |stream: &[u8]| stream[stream.len().saturating_sub(2)..].to_vec();
        if !self.protocol().features().streams.iter().any(|it| format!("{it:?}").contains("Aws")) {
            assert_eq!(end(to), end(from), "{self:?}: the last event keeps its blank line");
        }
        let done = |stream: &[u8]| String::from_utf8_lossy(stream).matches("[DONE]").count();
        assert_eq!(done(to), done(from), "{self:?}");
        let told = |stream: &[u8]| -> Vec<Told> {
            self.payloads(stream).iter().map(|event| self.told(event)).collect()
        };
        let (sent, events) = (told(from), told(to));
        let frame = |events: &[Told]| -> Vec<Value> {
            let kept = events.iter().filter(|event| !event.only_text);
            kept.map(|event| event.bare.clone()).collect()
        };
        let (now, then) = (frame(&events), frame(&sent));
        let same = now.len() == then.len()
            && now.iter().zip(&then).all(|(now, then)| is_of(now, then, true));
        assert!(same, "{self:?}: all that is no text stays, in order:\n{now:#?}\n{then:#?}");
        let (mut ended, mut over) = (BTreeSet::new(), false);
        for event in &events {
            let known = sent.iter().any(|it| is_of(&event.bare, &it.bare, !event.only_text));
            assert!(known, "{self:?}: no event of the upstream's: {}", event.bare);
            assert!(!(over && event.only_text), "{self:?}: no text behind the end");
            over |= event.ends;
            match event.block {
                Some((block, Block::Ends)) => {
                    assert!(ended.insert(block), "{self:?}: a block ends once")
                }
                Some((block, Block::Says)) => {
                    assert!(
                        !ended.contains(&block),
                        "{self:?}: no text behind the end of its block"
                    );
                }
                None => {}
            }
        }
    }
}
