//! Cases too large to be files.

use std::iter::{once, repeat_n};
use std::sync::Arc;

use bytes::Bytes;

use crate::upstream::{Answer, json_answer};

/// Bytes in one write of a large answer.
const PIECE: usize = 64 << 10;

/// More than any cap, and than any process may hold for one caller.
const LARGE: usize = 100_000_000;

const EVENTS: &str =
    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";
const DOCUMENT: &str =
    "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n";

const HIDDEN: &str = r#"{"choices":[{"index":0,"delta":{"reasoning_content":"hidden-thought"},"finish_reason":null}]}"#;
const SHOWN: &str =
    r#"{"choices":[{"index":0,"delta":{"content":"visible-answer"},"finish_reason":"stop"}]}"#;

/// The beginning of a chat event.
const CHUNK: &str = r#"{"choices":[{"index":0,"delta":{"#;

/// The beginning of a picture, which what follows may go on with.
const PICTURE: &str = r#""images":[{"type":"image_url","image_url":{"url":"data:image/png;base64,"#;

/// The beginning of a block with what a tool has fetched.
const FILE: &str = r#""type":"web_fetch_tool_result","tool_use_id":"t","content":{"type":"web_fetch_result","source":{"type":"base64","data":""#;

fn event(data: &str) -> String {
    format!("data: {data}\n\n")
}

fn whole_stream() -> String {
    format!("{EVENTS}{}{}{}", event(HIDDEN), event(SHOWN), event("[DONE]"))
}

pub(crate) fn request(name: &str) -> Vec<u8> {
    let post = "POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\nconnection: close\r\n";
    let chunked = format!("{post}transfer-encoding: chunked\r\n\r\n");
    match name {
        "endless-head" => format!("{post}x: {}", "a".repeat(1 << 20)),
        "ten-thousand-fields" => {
            let fields: String = (0..10_000).map(|at| format!("x-{at}: 1\r\n")).collect();
            format!("{post}{fields}\r\n")
        }
        "long-path" => format!("GET /{} HTTP/1.1\r\nhost: a\r\n\r\n", "a".repeat(70_000)),
        "endless-chunk-extension" => format!("{chunked}1;{}", "a".repeat(1 << 20)),
        "endless-trailers" => format!("{chunked}0\r\n{}", "x-a: 1\r\n".repeat(100_000)),
        "many-pipelined" => {
            let body = r#"{"model":"m","messages":[]}"#;
            let one = |close: &str| {
                let length = body.len();
                format!(
                    "POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\n{close}content-length: {length}\r\n\r\n{body}"
                )
            };
            one("").repeat(63) + &one("connection: close\r\n")
        }
        "body-above-the-cap" => {
            let chunk = format!("10000\r\n{}\r\n", "a".repeat(1 << 16));
            format!("{chunked}{}0\r\n\r\n", chunk.repeat(32))
        }
        other => panic!("no request {other}"),
    }
    .into_bytes()
}

pub(crate) fn body(name: &str) -> Bytes {
    let text = match name {
        "nested-10000-deep.json" => {
            let (open, close) = ("[".repeat(10_000), "]".repeat(10_000));
            format!(r#"{{"model":"m","metadata":{open}{close},"messages":[]}}"#)
        }
        "nested-unclosed.json" => {
            format!(r#"{{"model":"m","messages":{}"#, r#"{"a":["#.repeat(10_000))
        }
        "members-40000.json" => {
            let members: String = (0..40_000).map(|at| format!(r#","m{at}":{at}"#)).collect();
            format!(r#"{{"model":"m","messages":[]{members}}}"#)
        }
        "above-the-cap.json" => format!(r#"{{"model":"{}"}}"#, "m".repeat(2 << 20)),
        other => panic!("no body {other}"),
    };
    Bytes::from(text)
}

pub(crate) fn answer(name: &str) -> Answer {
    let many = |head: String, piece: String, count: usize, tail: String| -> Answer {
        let [head, piece, tail] = [head, piece, tail].map(Bytes::from);
        Arc::new(move || {
            let pieces = repeat_n(piece.clone(), count);
            Box::new(once(head.clone()).chain(pieces).chain(once(tail.clone())))
        })
    };
    let letters = "a".repeat(PIECE);
    let head = |start: &str| start.to_owned();
    let tail = format!("{}{}", event(SHOWN), event("[DONE]"));
    let fields = |count: usize| "x-a: 12345678901234567890\r\n".repeat(count);
    match name {
        "picture-of-100-mb" => many(
            format!("{EVENTS}data: {CHUNK}\"content\":\"\",{PICTURE}"),
            letters,
            LARGE / PIECE,
            format!("\"}}}}]}}}}]}}\n\n{tail}"),
        ),
        "picture-of-100-mb-in-a-document" => many(
            format!("{DOCUMENT}{{\"choices\":[{{\"index\":0,\"message\":{{{PICTURE}"),
            letters,
            LARGE / PIECE,
            head("\"}}]},\"finish_reason\":\"stop\"}]}"),
        ),
        "file-of-100-mb" => many(
            format!(
                "{EVENTS}event: content_block_start\ndata: {{\"type\":\"content_block_start\",\"index\":1,\"content_block\":{{{FILE}"
            ),
            letters,
            LARGE / PIECE,
            head("\"}}}}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"),
        ),
        "file-of-100-mb-in-a-document" => many(
            format!("{DOCUMENT}{{\"type\":\"message\",\"content\":[{{{FILE}"),
            letters,
            LARGE / PIECE,
            head(
                "\"}}},{\"type\":\"text\",\"text\":\"visible-answer\"}],\"stop_reason\":\"end_turn\"}",
            ),
        ),
        // No picture's member.
        "text-of-100-mb-in-base64" => many(
            format!("{EVENTS}data: {CHUNK}\"reasoning_content\":\""),
            letters,
            LARGE / PIECE,
            format!("\"}}}}]}}\n\n{tail}"),
        ),
        "event-of-100-mb" => many(
            format!(
                "{EVENTS}data: {{\"choices\":[{{\"index\":0,\"delta\":{{\"reasoning_content\":\""
            ),
            letters,
            LARGE / PIECE,
            head(""),
        ),
        "document-of-100-mb" => many(
            format!("{DOCUMENT}{{\"choices\":[{{\"message\":{{\"content\":\""),
            letters,
            LARGE / PIECE,
            head("\"}}]}"),
        ),
        "megabytes-of-white-space" => {
            let document = json_answer("").replace("content-length: 0", "connection: close");
            many(document, " ".repeat(PIECE), 100, head(r#"{"choices":[]}"#))
        }
        "million-empty-events" => many(head(EVENTS), "data: \n\n".repeat(10_000), 100, tail),
        "million-comments" => many(head(EVENTS), ":\n\n".repeat(10_000), 100, tail),
        "data-bomb" => many(head(EVENTS), "data:\n".repeat(10_000), 1, format!("\n{tail}")),
        "deltas-200000" => many(head(EVENTS), event(HIDDEN).repeat(1_000), 20, tail),
        "held-back-tag" => {
            // Text that may be the start of a tag until the next piece has come.
            let piece = r#"{"choices":[{"index":0,"delta":{"content":"<"},"finish_reason":null}]}"#;
            many(head(EVENTS), event(piece).repeat(100), 100, tail)
        }
        "hundred-thousand-choices" => {
            let choice = r#"{"message":{"reasoning_content":"hidden-thought"}},"#;
            many(
                format!("{DOCUMENT}{{\"choices\":["),
                choice.repeat(100),
                1_000,
                format!("{}]}}", choice.trim_end_matches(',')),
            )
        }
        "hundred-thousand-choices-in-events" => {
            let events = |from: usize| -> String {
                (from..from + 1_000)
                    .map(|index| {
                        event(&HIDDEN.replace("\"index\":0", &format!("\"index\":{index}")))
                    })
                    .collect()
            };
            Arc::new(move || {
                let pieces = (0..100).map(move |at| Bytes::from(events(at * 1_000)));
                Box::new(once(Bytes::from_static(EVENTS.as_bytes())).chain(pieces))
            })
        }
        "endless-fields" => many(head("HTTP/1.1 200 OK\r\n"), fields(1_000), 10_000, head("\r\n")),
        "long-head" => {
            many(format!("HTTP/1.1 200 OK\r\nx: {letters}"), letters, 4, head("\r\n\r\n"))
        }
        "nested-10000-deep" => {
            let (open, close) = ("[".repeat(10_000), "]".repeat(10_000));
            let body = format!(
                r#"{{"usage":{open}{close},"choices":[{{"message":{{"content":"visible-answer"}}}}]}}"#
            );
            many(head(DOCUMENT), body, 1, head(""))
        }
        "nested-10000-deep-event" => {
            let (open, close) = (r#"{"a":"#.repeat(10_000), "}".repeat(10_000));
            let piece =
                event(&format!(r#"{{"thoughts":{open}"hidden-thought"{close},"choices":[]}}"#));
            many(head(EVENTS), piece, 1, tail)
        }
        // Every byte in a chunk of its own.
        "byte-by-byte" => {
            let stream = whole_stream();
            let (_, body) = stream.split_once("\r\n\r\n").unwrap();
            let chunks: String = body.chars().map(|byte| format!("1\r\n{byte}\r\n")).collect();
            let start = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
            many(format!("{start}{chunks}0\r\n\r\n"), head(""), 0, head(""))
        }
        // Every byte in a write of its own, the head's too.
        "drip" => Arc::new(|| {
            Box::new(whole_stream().into_bytes().into_iter().map(|byte| Bytes::from(vec![byte])))
        }),
        other => panic!("no answer {other}"),
    }
}
