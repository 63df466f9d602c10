//! What is not edited stays as it came, to the byte.

use super::client::accumulate;
use super::{
    COMPLETIONS, LEAKS, cut_everywhere, document, edits, keeps, model, protocol, sample, stream,
    streams, withhold, words,
};
use crate::policy::plan::Keep;

/// The events of a stream without the comments between them, which may say anything.
fn without_comments(stream: &[u8]) -> Vec<u8> {
    let text = String::from_utf8(stream.to_vec()).unwrap();
    text.split_inclusive("\n\n").filter(|block| !block.starts_with(':')).collect::<String>().into()
}

/// The three ways to end a line.
fn line_ends(stream: &[u8]) -> [Vec<u8>; 3] {
    let text = String::from_utf8(stream.to_vec()).unwrap();
    ["\n", "\r\n", "\r"].map(|end| text.replace('\n', end).into_bytes())
}

// Break it: let `EventStream::rewrite` answer `with_payload` where nothing changed and join the
// data lines with LF, or let the splitter eat a comment.
#[test]
fn a_stream_in_which_nothing_changes_passes_byte_for_byte_however_it_is_cut_and_ended() {
    for name in streams() {
        for bytes in line_ends(&without_comments(&sample(&name))) {
            let pass = || edits(None, &LEAKS, protocol(&name), "some-model");
            for size in [1, 2, 3, 7, 61, 1024, bytes.len()] {
                let out = stream(protocol(&name), pass(), bytes.chunks(size)).unwrap();
                assert!(out == bytes, "{name} in chunks of {size}");
            }
        }
    }
}

// Break it: off by one in `Search::end_of_block`, or forget `clear` there.
#[test]
fn a_stream_cut_at_any_byte_is_rewritten_as_if_it_came_whole() {
    for name in
        ["reasoning_error_stream.sse", "deepseek_chat_stream.sse", "anthropic_thinking_stream.sse"]
    {
        for bytes in line_ends(&sample(name)) {
            let kept = || withhold(words(6), protocol(name), "some-model");
            let whole = stream(protocol(name), kept(), [&*bytes]).unwrap();
            for pieces in cut_everywhere(&bytes) {
                let first = pieces[0].len();
                let out = stream(protocol(name), kept(), pieces).unwrap();
                assert!(out == whole, "{name} cut at {first} and evenly behind");
            }
        }
    }
}

// Break it: re-escape text that did not change, or cut reasoning on signed blocks.
#[test]
fn a_document_of_which_all_is_kept_passes_byte_for_byte() {
    for name in COMPLETIONS.map(|name| format!("{name}.json")) {
        let bytes = sample(&name);
        let pass = edits(None, &LEAKS, protocol(&name), "some-model");
        assert_eq!(document(protocol(&name), pass, &bytes).unwrap(), bytes, "{name}");
        // Signed reasoning cannot be kept in part, so it is never kept.
        if !name.starts_with("anthropic") {
            let keep_all = edits(Some(words(1_000_000)), &LEAKS, protocol(&name), model(&name));
            let out = document(protocol(&name), keep_all, &bytes).unwrap();
            assert!(out == bytes, "{name}: {}", String::from_utf8_lossy(&out));
        }
    }
}

/// Oracle: search and replace of the reasoning as the document spells it.
// Break it: edit one byte beside a span, for example a quote, in `ResponseRewriter::rewrite`.
#[test]
fn a_document_without_its_reasoning_is_what_search_and_replace_makes_of_it() {
    for name in COMPLETIONS.map(|name| format!("{name}.json")) {
        let text = String::from_utf8(sample(&name)).unwrap();
        let texts = accumulate(name.starts_with("anthropic"), text.as_bytes(), false);
        let mut expected = text.clone();
        let thought = texts.iter().filter(|(key, _)| {
            let key = key.rsplit('/').next().unwrap();
            key.starts_with("reasoning") || key == "thinking"
        });
        for (_, reasoning) in thought {
            let spelled = serde_json::to_string(reasoning).unwrap();
            expected = expected.replace(&spelled, "\"\"");
        }
        if name.starts_with("think_") {
            let opened = text.find("<think>").map_or_else(
                || text.find("\"content\":\"").unwrap() + "\"content\":\"".len(),
                |at| at + "<think>".len(),
            );
            expected.replace_range(opened..text.find("</think>").unwrap(), "");
        }
        let edits = edits(Some(Keep::None), &LEAKS, protocol(&name), model(&name));
        let out = document(protocol(&name), edits, text.as_bytes()).unwrap();
        if name.starts_with("think_inline") {
            // Edited text is spelled anew: compare what it says.
            let read = |bytes: &[u8]| serde_json::from_slice::<serde_json::Value>(bytes).unwrap();
            assert_eq!(read(&out), read(expected.as_bytes()));
            continue;
        }
        assert_eq!(String::from_utf8(out).unwrap(), expected, "{name}");
    }
}

/// An event with every reasoning string emptied, by search.
fn blanked(event: &str) -> String {
    let mut event = event.to_owned();
    for key in [
        "\"reasoning\":\"",
        "\"reasoning_content\":\"",
        "\"thinking\":\"",
        "\"type\":\"text\",\"text\":\"",
        "\"reasoning.text\",\"text\":\"",
        "\"message\":\"",
    ] {
        let part = key.starts_with("\"type\":\"text\"") && !event.contains("\"thinking\":[{");
        let Some(at) = event.find(key).filter(|_| !part) else { continue };
        let from = at + key.len();
        let bytes = event.as_bytes();
        let mut end = from;
        while bytes[end] != b'"' {
            end += if bytes[end] == b'\\' { 2 } else { 1 };
        }
        event.replace_range(from..end, "");
    }
    event
}

// Break it: rewrite a chunk's `choices` instead of splicing, or reorder members.
#[test]
fn every_event_of_an_edited_stream_is_the_upstreams_but_for_its_reasoning() {
    for name in streams().into_iter().filter(|name| !name.starts_with("think_")) {
        let from = String::from_utf8(sample(&name)).unwrap();
        let edits = edits(Some(Keep::None), &LEAKS, protocol(&name), "some-model");
        let to =
            String::from_utf8(stream(protocol(&name), edits, [from.as_bytes()]).unwrap()).unwrap();
        let mut sent = from.split_inclusive("\n\n");
        for event in to.split_inclusive("\n\n") {
            // What an error says in words is the layer's.
            let error = event.contains("\"error\":{");
            let event = if error { &blanked(event) } else { event };
            let found = sent.any(|original| event == original || event == blanked(original));
            assert!(found, "{name}: not the upstream's, or out of order: {event}");
        }
    }
}

// Break it: let the keeps differ between pieces, or lose a piece in `ResponseRewriter::close`.
#[test]
fn the_chunks_that_a_stream_comes_in_never_change_a_byte_of_it() {
    for name in streams() {
        let bytes = sample(&name);
        for keep in keeps() {
            let edited = || withhold(keep, protocol(&name), model(&name));
            let whole = stream(protocol(&name), edited(), [&*bytes]).unwrap();
            for size in [1, 13, 97] {
                let out = stream(protocol(&name), edited(), bytes.chunks(size)).unwrap();
                assert!(out == whole, "{name}, {keep:?}, chunks of {size}");
            }
        }
    }
}
