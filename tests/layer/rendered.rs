//! One answer as upstreams render it: in which members, in how many pieces, ending in which way.

use guilloche::policy::Policy;
use http::{Request, Response};
use serde_json::{Value, json};

use super::support::*;

/// Which member says the text, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Member {
    Delta,
    Cumulative,
    Message,
    DeltaAndMessage,
    Parts,
    /// Messages.
    Block,
    CumulativeBlock,
}

pub(super) const MEMBERS: [Member; 7] = [
    Member::Delta,
    Member::Cumulative,
    Member::Message,
    Member::DeltaAndMessage,
    Member::Parts,
    Member::Block,
    Member::CumulativeBlock,
];

/// When a finish reason is stated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Habit {
    AtTheEnd,
    WithTheLastText,
    InEveryChunk,
    NullAsAString,
    BetweenTexts,
    BesideEmptyReasoning,
}

pub(super) const HABITS: [Habit; 6] = [
    Habit::AtTheEnd,
    Habit::WithTheLastText,
    Habit::InEveryChunk,
    Habit::NullAsAString,
    Habit::BetweenTexts,
    Habit::BesideEmptyReasoning,
];

impl Member {
    pub(super) fn messages(self) -> bool {
        matches!(self, Self::Block | Self::CumulativeBlock)
    }

    fn chunk(self, piece: &str, so_far: &str, reason: Value, habit: Habit) -> String {
        let mut choice = json!({"index": 0, "finish_reason": reason, "delta": {}});
        match self {
            Self::Delta => choice["delta"] = json!({"content": piece}),
            Self::Cumulative => choice["delta"] = json!({"content": so_far}),
            Self::Message => choice["message"] = json!({"role": "assistant", "content": so_far}),
            Self::DeltaAndMessage => {
                choice["delta"] = json!({"content": piece});
                choice["message"] = json!({"role": "assistant", "content": so_far});
            }
            _ => choice["delta"] = json!({"content": [{"type": "text", "text": piece}]}),
        }
        if habit == Habit::BesideEmptyReasoning {
            choice["delta"]["reasoning_content"] = "".into();
        }
        format!("data: {}\n\n", json!({"id": "c", "choices": [choice]}))
    }

    /// A stream of these pieces, each as it is.
    pub(super) fn pieces(self, pieces: &[String], reason: &str) -> String {
        let mut out = String::new();
        if !self.messages() {
            for piece in pieces {
                out += &self.chunk(piece, piece, Value::Null, Habit::AtTheEnd);
            }
            return out + &delta_with(reason) + DONE;
        }
        let mut event = |value: Value| {
            out += &format!("event: {}\ndata: {value}\n\n", value["type"].as_str().unwrap());
        };
        event(json!({"type": "message_start", "message": {"content": [], "model": "m"}}));
        event(
            json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
        );
        for piece in pieces {
            event(
                json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": piece}}),
            );
        }
        event(json!({"type": "content_block_stop", "index": 0}));
        event(json!({"type": "message_delta", "delta": {"stop_reason": reason}}));
        event(json!({"type": "message_stop"}));
        out
    }

    pub(super) fn stream(self, text: &str, habit: Habit, cut: usize, reason: &str) -> String {
        let characters: Vec<char> = text.chars().collect();
        let pieces: Vec<String> = characters.chunks(cut).map(|it| it.iter().collect()).collect();
        let (mut out, mut so_far) = (String::new(), String::new());
        if self.messages() {
            let mut event = |value: Value| {
                out += &format!("event: {}\ndata: {value}\n\n", value["type"].as_str().unwrap());
            };
            event(json!({"type": "message_start", "message": {"content": [], "model": "m"}}));
            event(
                json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
            );
            for piece in &pieces {
                so_far += piece;
                let said = if self == Self::Block { piece } else { &so_far };
                event(
                    json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": said}}),
                );
            }
            event(json!({"type": "content_block_stop", "index": 0}));
            event(json!({"type": "ping"}));
            event(
                json!({"type": "message_delta", "delta": {"stop_reason": reason}, "usage": {"output_tokens": 3}}),
            );
            event(json!({"type": "message_stop"}));
            return out;
        }
        for (place, piece) in pieces.iter().enumerate() {
            so_far += piece;
            let last = place + 1 == pieces.len();
            let stated = match habit {
                Habit::InEveryChunk => reason.into(),
                Habit::WithTheLastText if last => reason.into(),
                Habit::NullAsAString => "null".into(),
                _ => Value::Null,
            };
            out += &self.chunk(piece, &so_far, stated, habit);
            if habit == Habit::BetweenTexts {
                out += &delta_with(reason);
            }
        }
        if !matches!(habit, Habit::WithTheLastText | Habit::InEveryChunk) {
            out += &delta_with(reason);
        }
        out + DONE
    }

    pub(super) fn document(self, text: &str, reason: &str) -> String {
        let content = match self {
            Self::Parts => json!([{"type": "text", "text": text}]),
            _ => text.into(),
        };
        if self.messages() {
            let block = json!([{"type": "text", "text": text}]);
            return json!({"type": "message", "content": block, "stop_reason": reason}).to_string();
        }
        json!({"choices": [{"index": 0, "message": {"content": content}, "finish_reason": reason}]})
            .to_string()
    }
}

pub(super) fn delta_with(reason: &str) -> String {
    let choice = json!({"index": 0, "delta": {}, "finish_reason": reason});
    format!("data: {}\n\n", json!({"id": "c", "choices": [choice]}))
}

pub(super) fn ask(member: Member, template: bool, stream: bool) -> Request<Script> {
    let model = if template { "qwq-32b" } else { "m" };
    let asks = json!({"model": model, "messages": [], "stream": stream}).to_string();
    let path = if member.messages() { MESSAGES } else { CHAT };
    request(suspicious(), path, Script::whole(asks))
}

pub(super) fn keeping(keep: &str) -> Policy {
    policy(&format!(
        "reasoning = {{ keep = \"{keep}\", opened_by_template = [\"qwq*\"], signed = \"seal\" }}"
    ))
}

/// Every copy of the text that a client has in the end, and every text that came.
pub(super) fn texts(member: Member, body: &str) -> (Vec<String>, String) {
    let (mut deltas, mut whole, mut all) = (String::new(), None, String::new());
    for line in body.lines() {
        let payload = line.strip_prefix("data: ").unwrap_or(line);
        let Ok(value) = serde_json::from_str::<Value>(payload) else { continue };
        let choice = &value["choices"][0];
        let (delta, message) = (&choice["delta"]["content"], &choice["message"]["content"]);
        let said =
            [delta, &delta[0]["text"], &value["delta"]["text"], &value["content"][0]["text"]];
        for text in said.into_iter().filter_map(Value::as_str) {
            all += text;
            if matches!(member, Member::Cumulative | Member::CumulativeBlock) && !text.is_empty() {
                deltas.clear();
            }
            deltas += text;
        }
        if let Some(text) = message.as_str().or(message[0]["text"].as_str()) {
            all += text;
            whole = Some(text.to_owned());
        }
    }
    let streams = body.starts_with("data:") || body.starts_with("event:");
    let copies = match member {
        Member::Message => vec![whole.unwrap_or_default()],
        Member::DeltaAndMessage if streams => vec![deltas, whole.unwrap_or_default()],
        _ if whole.is_some() => vec![whole.unwrap_or_default()],
        _ => vec![deltas],
    };
    (copies, all)
}

pub(super) async fn answered(
    keep: &str,
    ask: Request<Script>,
    response: Response<Script>,
) -> String {
    World::new(keeping(keep)).exchange(ask, response).await.text()
}

/// Everything that an answer comes in.
pub(super) fn forms(
    member: Member,
    text: &str,
    reason: &str,
    mut each: impl FnMut(String, String, bool),
) {
    let habits = if member.messages() { &HABITS[..1] } else { &HABITS[..] };
    for &habit in habits {
        // One piece is no more all of the text than a delta.
        let deltas = !matches!(member, Member::Cumulative | Member::CumulativeBlock);
        for cut in [1, 2, 3, 7, 16, 1000].into_iter().filter(|cut| deltas || *cut < 16) {
            each(format!("{habit:?}, cut {cut}"), member.stream(text, habit, cut, reason), true);
        }
    }
    each("document".to_owned(), member.document(text, reason), false);
}

/// Fails with the number of answers that fall short.
pub(super) fn assert_none(fallen: &[String], of: usize) {
    let some: Vec<&String> = fallen.iter().take(12).collect();
    assert!(fallen.is_empty(), "{} of {of} answers: {some:#?}", fallen.len());
}
