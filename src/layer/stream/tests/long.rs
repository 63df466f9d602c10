//! Events that are longer than the limit and begin to go out before they are whole.

use bytes::Bytes;

use super::{protocol, withhold};
use crate::layer::stream::EventStream;
use crate::policy::Unhandled;
use crate::policy::plan::Keep;
use crate::wire::Protocol;
use crate::wire::framing::Framing;

const LIMIT: usize = 8 << 10;

/// What goes out, and whether some of it does before the last chunk.
fn run(protocol: &'static dyn Protocol, limit: usize, chunks: &[&[u8]]) -> (Vec<u8>, bool) {
    let edits = withhold(Keep::None, protocol, "some-model");
    let refuse = Unhandled::Refuse;
    let mut events = EventStream::new(protocol, Framing::Sse, edits, refuse, limit);
    let (mut out, mut early) = (Vec::new(), false);
    for chunk in chunks {
        early = !out.is_empty();
        events.push(Bytes::copy_from_slice(chunk));
        while let Some(bytes) = events.next_event().unwrap() {
            out.extend_from_slice(&bytes);
        }
    }
    out.extend_from_slice(&events.finish().unwrap());
    assert!(!events.is_within_event());
    (out, early)
}

/// Oracle: the same where the event is held. Fails when a byte is lost or said twice where data begins,
/// ends or is cut within an escape.
#[test]
fn an_event_that_begins_early_gives_the_same_as_one_that_is_held_wherever_it_is_split() {
    let long = "QUJD\\/+A=".repeat(9 << 10);
    let chat = format!(
        ": x\r\nid: 7\r\ndata: {{\"choices\":[{{\"delta\":{{\"content\":\"\",\"p\":1,\"images\":[{{\"image_url\":{{\"url\":\"data:image/png;base64,{long}\"}}}},{{\"image_url\":{{\"url\":\"{long}\"}}}}],\"reasoning\":\"so\"}},\"index\":0}}],\"q\":\"r\"}}\r\n\r\ndata: [DONE]\n\n"
    );
    let messages = format!(
        "event: content_block_start\ndata: {{\"type\":\"content_block_start\",\"index\":0,\"content_block\":{{\"type\":\"mcp_tool_result\",\"content\":[{{\"type\":\"image\",\"source\":{{\"data\":\"{long}\"}}}}],\"x\":[1]}}}}\n\n"
    );
    for (name, text) in [("chat", chat), ("anthropic", messages)] {
        let (protocol, text) = (protocol(name), text.as_bytes());
        let (expected, _) = run(protocol, 1 << 20, &[text]);
        let ends = (0..text.len()).filter(|at| text.get(*at) == Some(&b'"'));
        let near: std::collections::BTreeSet<usize> = ends
            .flat_map(|at| at.saturating_sub(3)..at + 4)
            .filter(|at| *at < text.len())
            .collect();
        let middle = text.len() / 3..text.len() / 3 + 12;
        for cut in near.into_iter().chain(middle) {
            let (first, second) = text.split_at(cut);
            // The end of the data decides whether it flowed; what comes must not.
            let (out, _) = run(protocol, LIMIT, &[first, second]);
            assert!(out == expected, "{name} cut at {cut}");
        }
        for length in [1, 7, 333, 70_001] {
            let chunks: Vec<&[u8]> = text.chunks(length).collect();
            let (out, early) = run(protocol, LIMIT, &chunks);
            assert!(out == expected && early, "{name} in pieces of {length}");
        }
    }
}

/// Whether the event can be read, and what it says; `None` if it counts for too long.
fn outcome(limit: usize, chunks: [&[u8]; 2]) -> Option<Vec<u8>> {
    let edits = withhold(Keep::None, protocol("anthropic"), "some-model");
    let refuse = Unhandled::Refuse;
    let framing = Framing::Sse;
    let mut events = EventStream::new(protocol("anthropic"), framing, edits, refuse, limit);
    let mut out = Vec::new();
    for chunk in chunks {
        events.push(Bytes::copy_from_slice(chunk));
        while let Some(bytes) = events.next_event().ok()? {
            out.extend_from_slice(&bytes);
        }
    }
    out.extend_from_slice(&events.finish().ok()?);
    Some(out)
}

/// What tools give back is in members of its own, or in some that have text elsewhere. Fails when whether a string counts depends
/// on where the bytes are cut, or when one of the members counts.
#[test]
fn what_tools_give_back_as_base64_counts_for_no_limit_wherever_it_is_cut() {
    const LIMIT: usize = 6 << 10;
    let text = "It is told. ".repeat(LIMIT / 12 - 60);
    let long = "QUJD/+A9".repeat(2 << 10);
    for (kind, item) in [
        (
            "mcp_tool_result",
            format!(r#"[{{"type":"resource","resource":{{"uri":"a","blob":"{long}"}}}}]"#),
        ),
        (
            "web_search_tool_result",
            format!(r#"[{{"title":"{text}","encrypted_content":"{long}"}}]"#),
        ),
        // Where text stands, all is text.
        ("mcp_tool_result", format!(r#"[{{"type":"text","text":"{long}"}}]"#)),
        // Too short to be told from an identifier.
        (
            "mcp_tool_result",
            format!(r#"[{{"text":"{text}"}},{{"data":"{}"}}]"#, long.get(..4000).unwrap()),
        ),
        // No data after all.
        ("mcp_tool_result", format!(r#"[{{"text":"{long} zebra"}}]"#)),
    ] {
        let event = format!(
            "data: {{\"type\":\"content_block_start\",\"index\":0,\"content_block\":{{\"type\":\"{kind}\",\"content\":{item}}}}}\n\n"
        );
        let whole = outcome(LIMIT, [event.as_bytes(), b""]);
        let counts = !item.contains("\"blob\"") && !item.contains("encrypted_content");
        assert_eq!(whole.is_none(), counts, "{kind}");
        assert!(whole.as_ref().is_none_or(|whole| whole == event.as_bytes()), "{kind}");
        let quotes = (1..event.len()).filter(|at| event.as_bytes().get(*at) == Some(&b'"'));
        // Behind a quotation mark a string has just begun, and so many bytes on it is seen to be data.
        let near = quotes.flat_map(|at| [at, at + 1, at + 4095, at + 4097]);
        for cut in near.chain((1..event.len()).step_by(797)).filter(|cut| *cut < event.len()) {
            let (first, second) = event.as_bytes().split_at(cut);
            assert!(outcome(LIMIT, [first, second]) == whole, "{kind} cut at {cut}");
        }
    }
}
