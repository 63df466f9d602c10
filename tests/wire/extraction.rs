//! Every sample says what its golden extraction says, found by the public scanner.

use std::path::PathBuf;

use guilloche::wire::chat::Chat;
use guilloche::wire::cohere::Cohere;
use guilloche::wire::completions::Completions;
use guilloche::wire::converse::Converse;
use guilloche::wire::framing::{Event, Framing, Splitter};
use guilloche::wire::gemini::Gemini;
use guilloche::wire::invoke::Invoke;
use guilloche::wire::json::unescape;
use guilloche::wire::llama_cpp::LlamaCpp;
use guilloche::wire::messages::Messages;
use guilloche::wire::ollama::Ollama;
use guilloche::wire::responses::Responses;
use guilloche::wire::tgi::Tgi;
use guilloche::wire::{Kind, Lane, Mode, Protocol, Scan, Scanner, Slot, Usage};
use serde_json::Value;

fn sample(name: &str) -> Vec<u8> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/wire");
    std::fs::read(folder.join(name)).unwrap()
}

/// Texts by lane, in the order in which the lanes began.
type Lanes = Vec<(Lane, Kind, String)>;

fn collect(payload: &[u8], scan: &Scan, lanes: &mut Lanes) {
    // What has been said before is said by the pieces.
    for channel in scan.channels.iter().filter(|it| it.mode != Mode::Repeat) {
        let text = unescape(&payload[channel.span.clone()]).unwrap();
        match lanes.iter_mut().find(|(lane, ..)| *lane == channel.lane) {
            Some((_, _, all)) => all.push_str(&text),
            None => lanes.push((channel.lane, channel.kind, text.into_owned())),
        }
    }
}

fn protocol(name: &str) -> &'static dyn Protocol {
    match name.split('_').next() {
        _ if name.starts_with("openai_completions") => &Completions,
        Some("anthropic" | "anthropic.json") => &Messages,
        Some("ollama") => &Ollama,
        Some("converse" | "converse.json") => &Converse,
        Some("gemini" | "gemini.json") => &Gemini,
        Some("cohere") => &Cohere,
        Some("invoke") => &Invoke,
        Some("llama") => &LlamaCpp,
        Some("tgi" | "tgi.json") => &Tgi,
        _ if name.starts_with("sglang_generate") => &Tgi,
        Some("responses" | "responses.json") => &Responses,
        _ => &Chat,
    }
}

fn extract(name: &str) -> (Lanes, Usage) {
    let protocol = protocol(name);
    let (bytes, mut lanes, mut usage) = (sample(name), Lanes::new(), Usage::default());
    let mut scan = Scan::default();
    if name.ends_with(".json") {
        protocol.scan_document(&bytes, &mut scan).unwrap();
        collect(&bytes, &scan, &mut lanes);
        return (lanes, scan.usage);
    }
    let mut scanner = Scanner::new(protocol);
    let framing = match name.rsplit('.').next() {
        Some("ndjson") => Framing::Ndjson,
        Some("bin") if name.starts_with("invoke") => Framing::AwsChunks,
        Some("bin") => Framing::AwsEventStream,
        _ => Framing::Sse,
    };
    let mut splitter = Splitter::new(framing, 1 << 20);
    splitter.push(bytes.into());
    while let Some(block) = splitter.next_event().unwrap() {
        let block = Event::parse(framing, &block);
        let Some(payload) = block.payload().filter(|payload| !protocol.is_terminator(payload))
        else {
            continue;
        };
        scanner.scan(block.stated(), &payload, &mut scan).unwrap();
        collect(&payload, &scan, &mut lanes);
        usage.update(scan.usage);
    }
    (lanes, usage)
}

fn joined(lanes: &Lanes, wanted: impl Fn(&Lane, Kind) -> bool) -> String {
    let mut lanes: Vec<_> = lanes.iter().filter(|(lane, kind, _)| wanted(lane, *kind)).collect();
    lanes.sort_by_key(|(lane, ..)| *lane);
    lanes.iter().map(|(.., text)| text.as_str()).collect()
}

// Break it: forget a name of the reasoning, or read a tool call's position for its index.
#[test]
fn every_sample_is_read_as_its_golden_extraction() {
    let golden: Value = serde_json::from_slice(&sample("expected.json")).unwrap();
    for (name, expected) in golden.as_object().unwrap() {
        let (lanes, _) = extract(name);
        let of = |wanted: Kind| joined(&lanes, move |_, kind| kind == wanted);
        assert_eq!(of(Kind::Answer), expected["text"].as_str().unwrap(), "{name}");
        assert_eq!(of(Kind::Refusal), expected["refusal"].as_str().unwrap_or_default(), "{name}");
        // The same reasoning stands under several names: each must say all of it.
        let slots = [
            Slot::Reasoning,
            Slot::ReasoningAlias,
            Slot::ThinkingPart,
            Slot::ReasoningPart,
            Slot::ReasoningDetail(0),
        ];
        let reasoning = slots
            .map(|slot| joined(&lanes, |lane, kind| kind == Kind::Reasoning && lane.slot == slot));
        let said: Vec<&String> = reasoning.iter().filter(|text| !text.is_empty()).collect();
        let thought = expected["reasoning"].as_str().unwrap();
        assert!(said.iter().all(|text| *text == thought), "{name}: {said:?}");
        assert_eq!(said.is_empty(), thought.is_empty(), "{name}");
        // Some hold tool input as an object, which is no text.
        let unwritten = ["anthropic", "converse"].into_iter().any(|it| name.starts_with(it))
            && name.ends_with(".json");
        if !unwritten && !name.starts_with("ollama") && !name.starts_with("gemini") {
            let tools: String = expected["tools"]
                .as_array()
                .unwrap()
                .iter()
                .map(|tool| tool.as_str().unwrap())
                .collect();
            assert_eq!(of(Kind::ToolArguments), tools, "{name}");
        }
    }
}

// Break it: read `total_tokens`, or let an early count win over a late one.
#[test]
fn a_stream_ends_with_the_usage_of_its_document() {
    for name in [
        "vllm_reasoning",
        "openrouter_chat",
        "openai_chat",
        "anthropic_interleaved",
        "responses",
        "gemini",
    ] {
        let document = extract(&format!("{name}.json")).1;
        assert!(document.output.is_some() && document.reasoning.is_some());
        assert_eq!(extract(&format!("{name}_stream.sse")).1, document, "{name}");
    }
}

// Break it: let a channel span a quote, or count it from the event instead of the payload.
#[test]
fn every_span_is_the_contents_of_a_json_string_of_the_sample() {
    let golden: Value = serde_json::from_slice(&sample("expected.json")).unwrap();
    for name in golden.as_object().unwrap().keys().filter(|name| name.ends_with(".json")) {
        let bytes = sample(name);
        let mut scan = Scan::default();
        protocol(name).scan_document(&bytes, &mut scan).unwrap();
        for channel in &scan.channels {
            let quoted = &bytes[channel.span.start - 1..=channel.span.end];
            let oracle: String = serde_json::from_slice(quoted).unwrap();
            assert_eq!(unescape(&bytes[channel.span.clone()]).unwrap(), oracle);
        }
    }
}
