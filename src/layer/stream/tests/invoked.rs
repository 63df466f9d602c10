//! Vendors' own events in the messages of Amazon's: what becomes of them is what would have without.

use super::client::accumulate;
use super::{document, framed_stream, keeps, model, protocol, sample, stream, withhold};
use crate::wire::framing::{Event, Framing, Splitter, Unframed};
use crate::wire::invoke::Invoke;

const STREAMS: [&str; 5] = [
    "anthropic_interleaved_stream.sse",
    "anthropic_thinking_stream.sse",
    "openai_chat_tools_stream.sse",
    "think_inline_stream.sse",
    "vllm_reasoning_stream.sse",
];

/// The payloads of a stream but for its terminator.
fn payloads(framing: Framing, stream: &[u8]) -> Vec<Vec<u8>> {
    let mut splitter = Splitter::new(framing, 1 << 20);
    splitter.push(stream.to_vec().into());
    let mut found = Vec::new();
    while let Some(raw) = splitter.next_event().unwrap() {
        let payload = Event::parse(framing, &raw).payload().map(|it| it.into_owned());
        found.extend(payload.filter(|payload| payload != b"[DONE]"));
    }
    assert!(splitter.take_rest().is_empty());
    found
}

fn wrapped(name: &str) -> Vec<u8> {
    let events = payloads(Framing::Sse, &sample(name)).into_iter();
    let framed = events.map(|payload| {
        Framing::AwsChunks.frame(&Unframed { kind: None, payload, is_error: false })
    });
    framed.collect::<Vec<_>>().concat()
}

// Break it: encode the event without its edits, or fill a blank without encoding it.
#[test]
fn an_event_in_a_message_is_rewritten_as_it_is_without() {
    for name in STREAMS {
        let (own, model) = (protocol(name), model(name));
        for keep in keeps() {
            let plain = stream(own, withhold(keep, own, model), [&sample(name)[..]]).unwrap();
            for size in [1, 7, 1 << 20] {
                let from = wrapped(name);
                let edits = withhold(keep, own, model);
                let pieces = from.chunks(size);
                let out = framed_stream(&Invoke, Framing::AwsChunks, edits, pieces).unwrap();
                assert_eq!(
                    payloads(Framing::AwsChunks, &out),
                    payloads(Framing::Sse, &plain),
                    "{name} {keep:?} {size}"
                );
            }
        }
    }
}

// Break it: take an answer in the form of chats for one of a prompt's.
#[test]
fn an_answer_in_the_form_of_chats_reads_the_same_in_both_forms() {
    let own = protocol("chat");
    let from = sample("invoke_jamba_stream.bin");
    for keep in keeps() {
        let edits = || withhold(keep, own, "m");
        let whole = document(&Invoke, edits(), &sample("invoke_jamba.json")).unwrap();
        let out = framed_stream(&Invoke, Framing::AwsChunks, edits(), from.chunks(9)).unwrap();
        let events = payloads(Framing::AwsChunks, &out).into_iter();
        let event = |payload: Vec<u8>| [b"data: ", &payload[..], b"\n\n"].concat();
        let streamed = events.flat_map(event).collect::<Vec<u8>>();
        let whole = accumulate(false, &whole, false);
        assert_eq!(accumulate(false, &streamed, true), whole, "{keep:?}");
        assert!(whole["0/content"].ends_with("The larger number is 9.8 — 好的 🚆."), "{whole:?}");
    }
}

// Break it: write every message anew.
#[test]
fn a_message_that_nobody_edits_is_what_came() {
    for name in STREAMS {
        let from = wrapped(name);
        let none = crate::countermeasure::ResponseEdits::default();
        let out = framed_stream(&Invoke, Framing::AwsChunks, none, from.chunks(11)).unwrap();
        assert_eq!(out, from, "{name}");
    }
}

// Break it: take a message that holds no event, or two, for one that says nothing.
#[test]
fn what_stands_beside_an_event_or_in_its_place_tells_nothing() {
    let own = protocol("anthropic");
    let told = |kind: &'static str, payload: &str| {
        let payload = payload.as_bytes().to_vec();
        let message =
            Framing::AwsEventStream.frame(&Unframed { kind: Some(kind), payload, is_error: false });
        let edits = withhold(crate::policy::plan::Keep::None, own, "m");
        let out = framed_stream(&Invoke, Framing::AwsChunks, edits, message.chunks(9));
        String::from_utf8_lossy(&out.unwrap_or_default()).into_owned()
    };
    // {"type":"ping"}
    let ping = "eyJ0eXBlIjoicGluZyJ9";
    for payload in [
        format!(r#"{{"bytes":"{ping}","p":"the secret"}}"#),
        format!(r#"{{"bytes":"{ping}","thinking":"secret"}}"#),
        format!(r#"{{"bytes":"{ping}","bytes":"secret"}}"#),
        r#"{"bytes":"secret!"}"#.to_owned(),
        r#"{"secret":1}"#.to_owned(),
    ] {
        assert!(!told("chunk", &payload).contains("secret"), "{payload}");
    }
    let thought = r#"{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"secret"}}"#;
    for kind in ["thought", "contentBlockDelta"] {
        assert!(!told(kind, thought).contains("secret"));
    }
}
