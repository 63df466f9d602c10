//! A protocol whose events are numbered, whose texts stand in parts of items, and that says every text
//! up to five times.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::LazyLock;

use bytes::Bytes;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::client::{decode, payloads};
use super::{EventStream, document, sample, stream, words};
use crate::countermeasure::watermark::{Caller, Marks};
use crate::countermeasure::{RequestEdits, ResponseEdits, Tally};
use crate::mark::keys::Keys;
use crate::policy::Unhandled;
use crate::policy::plan::{
    Downgrade, Keep, Measure, Mode, MultiTurn, Plan, Reasoning, SideChannels, Strength, Watermark,
};
use crate::risk::{AccountId, Principal};
use crate::wire::framing::Framing;
use crate::wire::responses::Responses;
use crate::wire::{Protocol, Refusal, RefusalKind, Target};

/// Made once: it takes longer than an answer.
static MARKS: LazyLock<Marks> =
    LazyLock::new(|| Marks::new(Keys::from_master(&[7; 32], jiff::Timestamp::UNIX_EPOCH)));

/// What is done to the answers.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Done {
    pub(super) keep: Option<Keep>,
    pub(super) marks: bool,
    pub(super) downgrades: bool,
    /// `echo` is let through.
    pub(super) echoes: bool,
    /// Side channels stay open.
    pub(super) open: bool,
}

pub(super) fn edits(done: Done) -> ResponseEdits {
    let body = r#"{"model":"big","input":"x","stream":true,"max_output_tokens":900}"#;
    let (sent, edits) = edits_of(done, &Responses, "/v1/responses", body).unwrap();
    let lowered =
        br#"{"model":"gpt-5.5-mini-2026-08-01","input":"x","stream":true,"max_output_tokens":100}"#;
    assert_eq!(sent, if done.downgrades { &lowered[..] } else { body.as_bytes() });
    edits
}

/// What reaches the upstream of a request, and what is done to its answer.
pub(super) fn edits_of(
    done: Done,
    protocol: &dyn Protocol,
    target: &str,
    body: &str,
) -> Result<(Bytes, ResponseEdits), Refusal> {
    fn enforced<T>(settings: T) -> Measure<T> {
        Measure { mode: Mode::Enforce, settings }
    }
    let reasoning = |keep| Reasoning {
        keep,
        opened_by_template: Vec::new(),
        ask_upstream: false,
        round_usage: None,
        seal: None,
    };
    let strength = Strength { min: 1.0, max: 1.0, at: 0.5 };
    let watermark = || Watermark { strength, multi_turn: MultiTurn::Mark };
    let downgrade = || Downgrade {
        models: Vec::new(),
        other_models: Some("gpt-5.5-mini-2026-08-01".to_owned()),
        max_output_tokens: NonZeroU32::new(100),
        max_effort: None,
        max_thinking_tokens: None,
        disclose: false,
    };
    let side_channels = SideChannels {
        max_choices: NonZeroU32::MAX,
        allow: done.echoes.then(|| "echo".to_owned()).into_iter().collect(),
    };
    let plan = Plan {
        side_channels: (!done.open).then(|| enforced(side_channels)),
        reasoning: done.keep.map(|keep| enforced(reasoning(keep))),
        watermark: done.marks.then(|| enforced(watermark())),
        downgrade: done.downgrades.then(|| enforced(downgrade())),
        ..Plan::default()
    };
    let request = protocol.scan_request(Target::of(target), body.as_bytes()).unwrap();
    let principal = Principal::of(AccountId::new("a").unwrap());
    let caller =
        Caller { marks: &MARKS, principal: &principal, arm: None, score: 0.9, memory: None };
    let counts = &mut Tally::default();
    let edits = RequestEdits::of(&plan, protocol, &request, Some(caller), counts)?;
    let sent = edits.edits.apply(&request.target, Bytes::copy_from_slice(body.as_bytes())).body;
    Ok((sent, edits.response))
}

/// An item of an answer, by its texts.
#[derive(Clone, Debug)]
enum Item {
    Reasoning(Vec<String>),
    Message(Vec<String>),
    Call(String),
}

impl Item {
    fn value(&self, index: usize, status: &str) -> Value {
        let parts = |kind: &str, texts: &[String]| -> Vec<Value> {
            texts.iter().map(|text| part(kind, text)).collect()
        };
        match self {
            Self::Reasoning(texts) => json!({
                "id": format!("rs_{index}"), "type": "reasoning", "summary": parts("summary_text", texts),
            }),
            Self::Message(texts) => json!({
                "id": format!("msg_{index}"), "type": "message", "status": status,
                "content": parts("output_text", texts), "role": "assistant",
            }),
            Self::Call(arguments) => json!({
                "id": format!("fc_{index}"), "type": "function_call", "status": status,
                "arguments": arguments, "call_id": "call_a1", "name": "get_weather",
            }),
        }
    }
}

fn part(kind: &str, text: &str) -> Value {
    match kind {
        "output_text" => json!({"type": kind, "annotations": [], "logprobs": [], "text": text}),
        _ => json!({"type": kind, "text": text}),
    }
}

fn response(items: &[Item], status: &str) -> Value {
    let output = items.iter().enumerate();
    let output: Vec<_> = output.map(|(at, it)| it.value(at, ended(items, at, status))).collect();
    json!({
        "id": "resp_0", "object": "response", "created_at": 1_790_000_000, "status": status,
        "error": null, "model": "gpt-5.5-mini-2026-08-01", "output": output, "usage": null,
    })
}

/// The status of an item: only the last one can have been cut short.
fn ended<'s>(items: &[Item], at: usize, status: &'s str) -> &'s str {
    if at + 1 == items.len() { status } else { "completed" }
}

/// The stream of an answer whose texts come `cut` characters at a time.
fn told(items: &[Item], status: &str, cut: usize) -> Vec<u8> {
    let mut out = Vec::new();
    let mut number = 0;
    let mut say = |kind: &str, mut event: Value| {
        event["type"] = kind.into();
        event["sequence_number"] = number.into();
        number += 1;
        out.extend(format!("event: {kind}\ndata: {event}\n\n").into_bytes());
    };
    say("response.created", json!({"response": response(&[], "in_progress")}));
    for (index, item) in items.iter().enumerate() {
        let empty = match item {
            Item::Reasoning(_) => Item::Reasoning(Vec::new()),
            Item::Message(_) => Item::Message(Vec::new()),
            Item::Call(_) => Item::Call(String::new()),
        };
        let added = empty.value(index, "in_progress");
        say("response.output_item.added", json!({"output_index": index, "item": added}));
        let (texts, subject, kind, of, at) = match item {
            Item::Reasoning(texts) => {
                let of = "response.reasoning_summary_part";
                (texts, "response.reasoning_summary_text", "summary_text", of, "summary_index")
            }
            Item::Message(texts) => {
                let of = "response.content_part";
                (texts, "response.output_text", "output_text", of, "content_index")
            }
            Item::Call(arguments) => {
                let subject = "response.function_call_arguments";
                for piece in pieces(arguments, cut) {
                    let event = json!({"output_index": index, "delta": piece});
                    say(&format!("{subject}.delta"), event);
                }
                let event = json!({"output_index": index, "arguments": arguments});
                say(&format!("{subject}.done"), event);
                (&Vec::new(), "", "", "", "")
            }
        };
        for (position, text) in texts.iter().enumerate() {
            let event = |mut more: Value| {
                more["output_index"] = index.into();
                more[at] = position.into();
                more
            };
            say(&format!("{of}.added"), event(json!({"part": part(kind, "")})));
            for piece in pieces(text, cut) {
                let delta = event(json!({"delta": piece, "obfuscation": "x".repeat(piece.len())}));
                say(&format!("{subject}.delta"), delta);
            }
            say(&format!("{subject}.done"), event(json!({"text": text})));
            say(&format!("{of}.done"), event(json!({"part": part(kind, text)})));
        }
        let item = item.value(index, ended(items, index, status));
        say("response.output_item.done", json!({"output_index": index, "item": item}));
    }
    let response = response(items, status);
    say(&format!("response.{status}"), json!({"response": response}));
    out
}

fn pieces(text: &str, cut: usize) -> Vec<String> {
    let characters: Vec<char> = text.chars().collect();
    characters.chunks(cut.max(1)).map(|piece| piece.iter().collect()).collect()
}

/// Texts by item and part.
type Texts = BTreeMap<(u64, u64), String>;

fn add(texts: &mut Texts, (item, part): (u64, u64), text: &Value) {
    texts.entry((item, part)).or_default().push_str(text.as_str().unwrap());
}

/// The texts of an item.
fn of_item(texts: &mut Texts, index: u64, item: &Value) {
    for list in ["content", "summary"] {
        for (position, part) in item[list].as_array().into_iter().flatten().enumerate() {
            add(texts, (index, position as u64), &part["text"]);
        }
    }
    if item["arguments"].is_string() {
        add(texts, (index, 0), &item["arguments"]);
    }
}

fn of_response(response: &Value) -> Texts {
    let mut texts = Texts::new();
    for (index, item) in response["output"].as_array().unwrap().iter().enumerate() {
        of_item(&mut texts, index as u64, item);
    }
    texts
}

/// What a client has, whichever copy of a text it reads; all are the same, and no number is missing.
fn read(stream: &[u8]) -> Texts {
    let (mut deltas, mut done) = (Texts::new(), Texts::new());
    let (mut parts, mut items, mut last) = (Texts::new(), Texts::new(), None);
    for (at, (event, payload)) in decode(stream).iter().zip(payloads(stream)).enumerate() {
        assert_eq!(payload["sequence_number"], at, "numbers run without gap or repeat");
        let kind = payload["type"].as_str().unwrap();
        assert_eq!(event.name.as_deref(), Some(kind));
        let item = payload["output_index"].as_u64().unwrap_or_default();
        let part = ["content_index", "summary_index"].map(|it| payload[it].as_u64());
        let place = (item, part.into_iter().flatten().next().unwrap_or_default());
        match kind.rsplit_once('.').unwrap() {
            (_, "delta") => {
                assert!(!done.contains_key(&place), "no text behind its end");
                add(&mut deltas, place, &payload["delta"]);
            }
            ("response.output_item", "done") => of_item(&mut items, item, &payload["item"]),
            (_, "done") if payload["part"].is_object() => {
                add(&mut parts, place, &payload["part"]["text"]);
            }
            ("response.function_call_arguments", "done") => {
                add(&mut done, place, &payload["arguments"]);
                add(&mut parts, place, &payload["arguments"]);
            }
            (_, "done") => add(&mut done, place, &payload["text"]),
            (_, "completed" | "incomplete") => last = Some(of_response(&payload["response"])),
            _ => {}
        }
    }
    let last = last.expect("the response ends");
    for (name, copies) in [("text", &done), ("part", &parts), ("item", &items)] {
        assert_eq!(copies, &last, "the copies of each {name} are those of the end");
    }
    deltas.extend(
        last.keys()
            .filter(|it| !deltas.contains_key(it))
            .map(|it| (*it, String::new()))
            .collect::<Vec<_>>(),
    );
    assert_eq!(deltas, last, "the deltas are the whole texts");
    last
}

fn all() -> Vec<Done> {
    let keeps =
        [None, Some(Keep::None), Some(words(3)), Some(Keep::Share(0.5)), Some(Keep::Conclusion)];
    let done = keeps.into_iter().flat_map(|keep| {
        [(false, false), (true, false), (false, true), (true, true)]
            .map(|(marks, downgrades)| Done { keep, marks, downgrades, ..Done::default() })
    });
    done.collect()
}

/// Prose, behind a section of reasoning or not, which may lack its closing. What a text quotes or
/// mentions of one is another test's. None is empty: whether one that says nothing follows is told in a
/// stream only.
fn text() -> impl Strategy<Value = String> {
    let prose = "(It's one of the tools that you can use|For example|for instance|it is a|do not|cannot|\
        However|In addition|you|that|use|is|é|🤔|\"|\\\\|\n|, |\\. | | ){1,12}";
    let thought = "(For example, it is a tool\\. |However, that is big\\. |é|\n|, ){0,6}";
    (prose, thought, 0..4_u32).prop_map(|(prose, thought, form)| match form {
        0 => format!("<think>\n{thought}\n</think>\n\n{prose}"),
        1 => format!("<think>\n{thought}"),
        _ => prose,
    })
}

/// Items of which no text but the last leaves a section open: how one goes on in the next is another
/// test's, too.
fn items() -> impl Strategy<Value = Vec<Item>> {
    proptest::collection::vec(item(), 1..4).prop_map(|mut items| {
        let texts = items.iter_mut().flat_map(|item| match item {
            Item::Reasoning(texts) | Item::Message(texts) => texts.as_mut_slice(),
            Item::Call(_) => &mut [],
        });
        let mut open: Vec<_> = texts.collect();
        open.pop();
        for text in open.into_iter().filter(|it| it.contains("<think>") && !it.contains("</")) {
            text.push_str("\n</think>\n\n");
        }
        items
    })
}

fn item() -> impl Strategy<Value = Item> {
    prop_oneof![
        proptest::collection::vec(text(), 0..3).prop_map(Item::Reasoning),
        proptest::collection::vec(text(), 1..3).prop_map(Item::Message),
        Just(Item::Call("{\"city\":\"Genève\",\"n\":2}".to_owned())),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 120, failure_persistence: None, ..ProptestConfig::default() })]

    /// Oracle: the copies for each other, and the document for the stream.
    // Break it: write what repeats a text as it came, or from fresh editors; leave a number as it came
    // where an event was left out or put in; take the end of a part for that of its item.
    #[test]
    fn every_copy_of_a_text_is_what_its_lane_let_out_and_numbers_run_on(
        items in items(),
        cut in 1..12_usize,
        whole in any::<bool>(),
        done in proptest::sample::select(all()),
    ) {
        let status = if whole { "completed" } else { "incomplete" };
        let from = told(&items, status, cut);
        let to = stream(&Responses, edits(done), from.chunks(1000)).unwrap();
        let told = read(&to);
        let from = response(&items, status).to_string();
        let alone = document(&Responses, edits(done), from.as_bytes()).unwrap();
        let alone: Value = serde_json::from_slice(&alone).unwrap();
        prop_assert_eq!(told, of_response(&alone));
    }
}

// Break it: do not wait with the event that ends a part for why its item does.
#[test]
fn the_samples_are_edited_alike_in_both_forms() {
    let (from, alone) = (sample("responses_stream.sse"), sample("responses.json"));
    let before = read(&from);
    for done in all() {
        let to = stream(&Responses, edits(done), from.chunks(7)).unwrap();
        let edited = document(&Responses, edits(done), &alone).unwrap();
        let edited: Value = serde_json::from_slice(&edited).unwrap();
        let told = read(&to);
        assert_eq!(told, of_response(&edited), "{done:?}");
        let thought = &told[&(0, 0)];
        assert!(done.keep != Some(Keep::None) || thought.is_empty(), "{done:?}: {thought}");
        assert!(
            done.keep.is_some() || done.marks || *thought == before[&(0, 0)],
            "{done:?}: {thought}"
        );
        assert_eq!(told[&(2, 0)], before[&(2, 0)], "arguments stay");
        let named = |name: &str| String::from_utf8_lossy(&to).matches(name).count();
        let (shown, hidden) = (named("\"big\""), named("gpt-5.5-mini"));
        assert_eq!((shown == 3, hidden == 3), (done.downgrades, !done.downgrades));
    }
    let untouched = stream(&Responses, edits(Done::default()), from.chunks(7)).unwrap();
    assert_eq!(untouched, from, "what nobody edits is what came");
}

// Break it: let a server that says its texts only when they have ended go round the editors.
#[test]
fn a_text_that_is_said_only_at_its_end_is_edited_there() {
    let items = [
        Item::Reasoning(vec!["secret".into()]),
        Item::Message(vec!["<think>secret</think>a".into()]),
    ];
    let from = told(&items, "completed", 5);
    let only_ends: Vec<u8> = decode(&from)
        .into_iter()
        .filter(|event| !event.name.as_deref().unwrap().ends_with(".delta"))
        .flat_map(|event| format!("data: {}\n\n", event.data.unwrap()).into_bytes())
        .collect();
    let done = Done { keep: Some(Keep::None), ..Done::default() };
    let to = stream(&Responses, edits(done), only_ends.chunks(9)).unwrap();
    let to = String::from_utf8(to).unwrap();
    assert!(!to.contains("secret"), "{to}");
    assert_eq!(to.matches("\"text\":\"<think></think>a\"").count(), 4, "{to}");
}

#[test]
fn the_layers_own_error_has_the_next_number() {
    let items = [Item::Message(vec!["For example, it is a tool.".into()])];
    let from = told(&items, "completed", 4);
    let half = from.len() / 2;
    let done = Done { marks: true, ..Done::default() };
    let framing = Framing::Sse;
    let mut events = EventStream::new(&Responses, framing, edits(done), Unhandled::Refuse, 1 << 20);
    events.push(Bytes::copy_from_slice(&from[..half]));
    let mut out = Vec::new();
    while let Some(bytes) = events.next_event().unwrap() {
        out.extend_from_slice(&bytes);
    }
    let message = "it broke".to_owned();
    out.extend_from_slice(&events.fail(&Refusal { kind: RefusalKind::UpstreamFailed, message }));
    for (at, payload) in payloads(&out).iter().enumerate() {
        assert_eq!(payload["sequence_number"], at, "{payload}");
    }
    assert_eq!(payloads(&out).last().unwrap()["type"], "error");
}
