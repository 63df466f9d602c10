//! Numbers that mean something else than they are for: indexes that count chunks, or that all blocks share.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::rendered::*;
use super::support::*;
use super::withheld::{CANARY, DIALECTS, worded};

/// No letter of it is in anything else.
const SECRET: &str = "Zqz qqz. Then zqqz follows";

fn tells(text: &str) -> bool {
    text.contains(['z', 'Z', 'q', 'Q'])
}

fn chunk(index: usize, text: &str, reason: Value) -> String {
    let choice = json!({"index": index, "delta": {"content": text}, "finish_reason": reason});
    format!("data: {}\n\n", json!({"id": "c", "choices": [choice]}))
}

fn pieces(text: &str, cut: usize) -> Vec<String> {
    let characters: Vec<char> = text.chars().collect();
    characters.chunks(cut).map(|it| it.iter().collect()).collect()
}

/// What a request of so many choices says of them.
fn asks(choices: &Value, template: bool) -> http::Request<Script> {
    let model = if template { "qwq-32b" } else { "m" };
    let mut asks = json!({"model": model, "messages": [], "stream": true});
    if !choices.is_null() {
        asks["n"] = choices.clone();
    }
    request(suspicious(), CHAT, Script::whole(asks.to_string()))
}

/// The texts of each choice, by its index, and all together.
fn said(out: &str) -> (BTreeMap<u64, String>, String) {
    let (mut by_index, mut all) = (BTreeMap::<u64, String>::new(), String::new());
    for line in out.lines().filter_map(|line| line.strip_prefix("data: ")) {
        let Ok(value) = serde_json::from_str::<Value>(line) else { continue };
        for choice in value["choices"].as_array().into_iter().flatten() {
            let text = choice["delta"]["content"].as_str().unwrap_or_default();
            all += text;
            *by_index.entry(choice["index"].as_u64().unwrap_or_default()).or_default() += text;
        }
    }
    (by_index, all)
}

/// How a stream whose indexes count its chunks ends.
#[derive(Clone, Copy, Debug)]
enum Ends {
    WithTheLastText,
    BehindIt,
    AtIndexZero,
    InEveryChunk,
}

fn counted(text: &str, cut: usize, ends: Ends, from: usize) -> String {
    let pieces = pieces(text, cut);
    let mut out = String::new();
    for (at, piece) in pieces.iter().enumerate() {
        let last = at + 1 == pieces.len() && matches!(ends, Ends::WithTheLastText);
        let stated = last || matches!(ends, Ends::InEveryChunk);
        let reason = if stated { "stop".into() } else { Value::Null };
        out += &chunk(from + at, piece, reason);
    }
    match ends {
        Ends::BehindIt => out += &chunk(from + pieces.len(), "", "stop".into()),
        Ends::AtIndexZero => out += &chunk(0, "", "stop".into()),
        Ends::WithTheLastText | Ends::InEveryChunk => {}
    }
    out + DONE
}

// Break it: take every index for a choice of its own; in `Numbering::note`, take no index for too high.
#[tokio::test(start_paused = true)]
async fn an_answer_whose_indexes_count_its_chunks_is_one_text_whatever_was_asked_for() {
    let (mut fallen, mut of) = (Vec::new(), 0);
    let all = [Ends::WithTheLastText, Ends::BehindIt, Ends::AtIndexZero, Ends::InEveryChunk];
    for (nth, dialect) in DIALECTS.into_iter().enumerate() {
        let (text, template) = worded(dialect, SECRET);
        for ends in [all[nth % 4]] {
            for (cut, choices) in [
                (1, json!(null)),
                (4, json!(1)),
                (7, json!(2)),
                (3, json!(8)),
                (9, json!("2")),
                (16, json!(128)),
            ] {
                of += 1;
                let body = counted(&text, cut, ends, nth % 2);
                let asks = asks(&choices, template);
                let out = answered("none", asks, stream([data(&body)])).await;
                let (_, all) = said(&out);
                if tells(&all) || all.matches(CANARY).count() != 1 {
                    fallen.push(format!("{dialect:?} {ends:?} {cut} n={choices}: {all}"));
                }
            }
        }
    }
    assert_none(&fallen, of);
}

// Break it: open a lane for every index.
#[tokio::test(start_paused = true)]
async fn an_answer_may_have_any_number_of_counted_chunks() {
    let long = format!("<think>{}</think>{CANARY}", "zqz qqz. ".repeat(400));
    let body = counted(&long, 1, Ends::BehindIt, 0);
    let world = World::new(keeping("none"));
    let read = world.exchange(chat(), stream([data(&body)])).await;
    assert!(!read.failed);
    assert_eq!(said(&read.text()).1, format!("<think></think>{CANARY}"));
}

/// The same answer three times, in the orders in which servers send choices.
fn choices(texts: &[String], cut: usize, order: &str) -> String {
    let pieces: Vec<Vec<String>> = texts.iter().map(|text| pieces(text, cut)).collect();
    let most = pieces.iter().map(Vec::len).max().unwrap_or_default();
    let roles = (0..texts.len()).map(|index| {
        let choice = json!({"index": index, "delta": {"role": "assistant", "content": ""}});
        format!("data: {}\n\n", json!({"id": "c", "choices": [choice]}))
    });
    let mut out: String = roles.collect();
    let one = |index: usize, at: usize| {
        pieces[index].get(at).map(|piece| chunk(index, piece, Value::Null)).unwrap_or_default()
    };
    let ends = |index: usize| chunk(index, "", "stop".into());
    match order {
        "interleaved" => {
            for at in 0..most {
                (0..texts.len()).for_each(|index| out += &one(index, at));
            }
            (0..texts.len()).for_each(|index| out += &ends(index));
        }
        "backwards" => {
            for at in 0..most {
                (0..texts.len()).rev().for_each(|index| out += &one(index, at));
            }
            (0..texts.len()).for_each(|index| out += &ends(index));
        }
        "together" => {
            for at in 0..most {
                let all = pieces.iter().enumerate().filter_map(|(index, pieces)| {
                    let piece = pieces.get(at)?;
                    Some(json!({"index": index, "delta": {"content": piece}}))
                });
                let all: Vec<Value> = all.collect();
                out += &format!("data: {}\n\n", json!({"id": "c", "choices": all}));
            }
            (0..texts.len()).for_each(|index| out += &ends(index));
        }
        _ => {
            for index in 0..texts.len() {
                (0..most).for_each(|at| out += &one(index, at));
                out += &ends(index);
            }
        }
    }
    out + DONE
}

// Break it: take choices that follow each other for chunks of one; let what waits for the meaning of an
// index go out behind what comes next.
#[tokio::test(start_paused = true)]
async fn choices_that_were_asked_for_stay_apart_in_every_order() {
    let answers = ["It is 12.", "So 13, then.", "A <tag> and 14."];
    let thought = |answer: &str| format!("<think>{SECRET}</think>{answer}");
    let opened = |answer: &str| format!("{SECRET}</think>{answer}");
    for order in ["interleaved", "backwards", "together", "one behind the other"] {
        for cut in [1, 2, 5, 1000] {
            for (form, left) in [(0, ""), (1, "<think></think>"), (2, "</think>")] {
                let texts = answers.map(|answer| match form {
                    0 => answer.to_owned(),
                    1 => thought(answer),
                    _ => opened(answer),
                });
                let body = choices(&texts, cut, order);
                // Servers have ways to ask for several that nobody knows.
                let unasked = asks(&Value::Null, form == 2);
                let out = answered("none", unasked, stream([data(&body)])).await;
                let (_, all) = said(&out);
                assert!(!tells(&all), "{order} {cut} {form}: {out}");
                let asks = asks(&json!(3), form == 2);
                let out = answered("none", asks, stream([data(&body)])).await;
                let (by_index, all) = said(&out);
                assert!(!tells(&all), "{order} {cut} {form}: {out}");
                for (index, answer) in answers.iter().enumerate() {
                    let told = &by_index[&(index as u64)];
                    assert_eq!(*told, format!("{left}{answer}"), "{order} {cut} {form}: {out}");
                }
                if form == 0 && order != "one behind the other" {
                    assert_eq!(out.matches("data: ").count(), body.matches("data: ").count());
                }
            }
        }
    }
}

// Break it: in `Numbering::decide`, take what is not known for chunks, or for texts.
#[tokio::test(start_paused = true)]
async fn what_may_be_chunks_or_choices_tells_what_neither_withholds() {
    let answer = "It is 12.";
    let thought = format!("<think>{SECRET}</think>{answer}");
    let opened = format!("{SECRET}</think>{answer}");
    let halves = |text: &str| {
        let (first, second) = text.split_at(text.len() / 2);
        vec![first.to_owned(), second.to_owned()]
    };
    for ends in [true, false] {
        for (texts, template, answers) in [
            (vec![thought.clone(), thought.clone()], false, 2),
            (vec![answer.to_owned(), thought.clone()], false, 2),
            (vec![opened.clone(), opened.clone()], true, 2),
            (halves(&thought), false, 1),
            (halves(&opened), true, 1),
            (vec!["<th".to_owned(), thought.get(3..).unwrap().to_owned()], false, 1),
        ] {
            let reason = |ends: bool| if ends { "stop".into() } else { Value::Null };
            let chunks = texts.iter().enumerate();
            let body: String = chunks.map(|(at, text)| chunk(at, text, reason(ends))).collect();
            let body = body + &chunk(texts.len() - 1, "", "stop".into()) + DONE;
            let out = answered("none", asks(&json!(4), template), stream([data(&body)])).await;
            let (_, all) = said(&out);
            assert!(!tells(&all), "{body}\n\n{out}");
            assert_eq!(all.matches(answer).count(), answers, "{body}\n\n{out}");
        }
    }
}

fn events(values: &[Value]) -> String {
    let event =
        |value: &Value| format!("event: {}\ndata: {value}\n\n", value["type"].as_str().unwrap());
    values.iter().map(event).collect()
}

/// The events of a block, all under one number.
fn block(index: u32, kind: &str, text: &str, cut: usize, stops: bool) -> Vec<Value> {
    let (member, delta) = match kind {
        "thinking" => ("thinking", "thinking_delta"),
        _ => ("text", "text_delta"),
    };
    let start = json!({"type": kind, member: ""});
    let mut all =
        vec![json!({"type": "content_block_start", "index": index, "content_block": start})];
    for piece in pieces(text, cut) {
        let delta = json!({"type": delta, member: piece});
        all.push(json!({"type": "content_block_delta", "index": index, "delta": delta}));
    }
    all.extend(stops.then(|| json!({"type": "content_block_stop", "index": index})));
    all
}

fn message(blocks: &[Vec<Value>]) -> Vec<Value> {
    let mut all = vec![json!({"type": "message_start", "message": {"content": [], "model": "m"}})];
    all.extend(blocks.concat());
    all.push(json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"}}));
    all.push(json!({"type": "message_stop"}));
    all
}

fn told(out: &str) -> String {
    let values = out.lines().filter_map(|line| line.strip_prefix("data: "));
    let values = values.filter_map(|it| serde_json::from_str::<Value>(it).ok());
    values.filter_map(|it| it["delta"]["text"].as_str().map(str::to_owned)).collect()
}

// Break it: in `Numbering::tell_blocks`, keep the number's group when another block begins.
#[tokio::test(start_paused = true)]
async fn every_block_that_begins_is_another_although_all_have_one_number() {
    let thought = format!("<think>{SECRET}</think>");
    let closing = format!("{SECRET}</think>{CANARY}");
    for stops in [true, false] {
        for cut in [1, 3, 1000] {
            let block = |kind, text: &str| block(0, kind, text, cut, stops);
            for (blocks, template, answer) in [
                (vec![block("thinking", SECRET), block("text", CANARY)], false, CANARY),
                (
                    vec![
                        block("thinking", SECRET),
                        block("text", "It is 11. "),
                        block("thinking", SECRET),
                        block("text", CANARY),
                    ],
                    false,
                    "It is 11. It is 12.",
                ),
                (
                    vec![block("text", &(thought.clone() + "It is 11. ")), block("text", CANARY)],
                    false,
                    "<think></think>It is 11. It is 12.",
                ),
                (
                    vec![block("text", &format!("<think>{SECRET}")), block("text", &closing)],
                    false,
                    "<think></think>It is 12.",
                ),
                (vec![block("text", SECRET), block("text", &closing)], true, "</think>It is 12."),
            ] {
                let body = events(&message(&blocks));
                let asks = ask(Member::Block, template, true);
                let out = answered("none", asks, stream([data(&body)])).await;
                assert!(!tells(&out), "{body}\n\n{out}");
                assert_eq!(told(&out), answer, "{body}\n\n{out}");
            }
        }
    }
}

// Break it: let the blocks of a second message be those of the first.
#[tokio::test(start_paused = true)]
async fn a_second_message_in_a_stream_has_blocks_of_its_own() {
    let text = format!("<think>{SECRET}</think>{CANARY}");
    for cut in [1, 3, 1000] {
        for blocks in [
            vec![block(0, "text", &text, cut, true)],
            vec![block(0, "thinking", SECRET, cut, true), block(1, "text", CANARY, cut, true)],
        ] {
            let body = events(&message(&blocks)) + &events(&message(&blocks));
            let asks = ask(Member::Block, false, true);
            let out = answered("none", asks, stream([data(&body)])).await;
            assert!(!tells(&out), "{out}");
            assert_eq!(told(&out).matches(CANARY).count(), 2, "{out}");
        }
    }
}

// Break it: take the block of a stop for one that begins, or its text for a delta.
#[tokio::test(start_paused = true)]
async fn a_block_that_is_said_again_where_it_stops_tells_nothing_more() {
    let text = format!("<think>{SECRET}</think>{CANARY}");
    for (kind, text, answer) in [
        ("text", text.as_str(), Some(CANARY)),
        ("thinking", SECRET, None),
        ("text", CANARY, Some(CANARY)),
    ] {
        for cut in [1, 3, 1000] {
            for said in [true, false] {
                let member = if kind == "text" { "text" } else { "thinking" };
                let mut events_of = block(0, kind, if said { text } else { "" }, cut, true);
                let stop = events_of.last_mut().unwrap();
                stop["content_block"] = json!({"type": kind, member: text});
                let body = events(&message(&[events_of, block(1, "text", "And 13.", cut, true)]));
                let asks = ask(Member::Block, false, true);
                let out = answered("none", asks, stream([data(&body)])).await;
                assert!(!tells(&out), "{out}");
                // As deltas, and once more in the stop.
                let whole = out.matches(&format!("{CANARY}\"")).count();
                let told = told(&out);
                let answer = answer.unwrap_or_default();
                let deltas = if said { answer } else { "" };
                assert!(told.contains(deltas) && told.ends_with("And 13."), "{out}");
                assert!(whole >= usize::from(!answer.is_empty()), "{out}");
            }
        }
    }
}
