//! Streams and documents through the rewriter, against what a client would make of them.

mod alike;
mod cited;
mod client;
mod every_split;
mod exact;
mod invariants;
mod invoked;
mod kinds;
mod leaks;
mod long;
mod marked;
mod parity;
mod prompted;
mod responses;
mod responses_leaks;
mod shapes;
mod shapes_client;
mod shapes_invariants;
mod shapes_invoked;
mod shapes_leaks;
mod shapes_tokens;
mod summed_up;

use std::num::NonZeroU32;
use std::path::PathBuf;

use bytes::Bytes;

use crate::countermeasure::{RequestEdits, ResponseEdits, Tally};
use crate::layer::document::{Document, DocumentError};
use crate::policy::Unhandled;
use crate::policy::plan::{Keep, Measure, Mode, Plan, Reasoning, SideChannels};
use crate::wire::chat::Chat;
use crate::wire::framing::Framing;
use crate::wire::messages::Messages;
use crate::wire::{Protocol, Target};

use super::{EventStream, StreamError};

/// Completions of which there is a document, `NAME.json`, and a stream, `NAME_stream.sse`.
const COMPLETIONS: [&str; 11] = [
    "openai_chat",
    "openai_chat_tools",
    "deepseek_chat",
    "vllm_reasoning",
    "openrouter_chat",
    "think_inline",
    "think_unopened",
    "mistral_thinking",
    "sglang_n2",
    "reasoning_tools",
    "anthropic_interleaved",
];

/// Streams that have no document beside them.
const LONE_STREAMS: [&str; 5] = [
    "openai_chat_refusal_stream.sse",
    "reasoning_error_stream.sse",
    "anthropic_thinking_stream.sse",
    "anthropic_sealed_stream.sse",
    "anthropic_error_stream.sse",
];

/// Members that the samples have and no allow-list knows.
const LEAKS: [&str; 9] = [
    "logprobs",
    "token_ids",
    "prompt_token_ids",
    "prompt_logprobs",
    "kv_transfer_params",
    "matched_stop",
    "p",
    "stop_details",
    "weight_version",
];

fn sample(name: &str) -> Vec<u8> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/wire");
    std::fs::read(folder.join(name)).unwrap()
}

fn streams() -> Vec<String> {
    let paired = COMPLETIONS.iter().map(|name| format!("{name}_stream.sse"));
    paired.chain(LONE_STREAMS.map(str::to_owned)).collect()
}

fn protocol(name: &str) -> &'static dyn Protocol {
    if name.starts_with("anthropic") { &Messages } else { &Chat }
}

fn words(limit: u32) -> Keep {
    Keep::Words(NonZeroU32::new(limit).unwrap())
}

fn keeps() -> [Keep; 8] {
    let shares = [0.2, 0.5, 0.9].map(Keep::Share);
    [
        Keep::None,
        words(5),
        words(25),
        words(1_000_000),
        shares[0],
        shares[1],
        shares[2],
        Keep::Conclusion,
    ]
}

/// What is to be done to a response of which reasoning is withheld and side channels are closed.
fn withhold(keep: Keep, protocol: &dyn Protocol, model: &str) -> ResponseEdits {
    edits(Some(keep), &[], protocol, model)
}

fn edits(
    keep: Option<Keep>,
    allow: &[&str],
    protocol: &dyn Protocol,
    model: &str,
) -> ResponseEdits {
    let request = format!(r#"{{"model":"{model}","messages":[],"stream":true}}"#);
    edits_for(keep, allow, protocol, &request)
}

fn edits_for(
    keep: Option<Keep>,
    allow: &[&str],
    protocol: &dyn Protocol,
    request: &str,
) -> ResponseEdits {
    let reasoning = keep.map(|keep| Reasoning {
        keep,
        opened_by_template: vec!["qwq*".parse().unwrap()],
        ask_upstream: false,
        round_usage: None,
        seal: None,
    });
    let side_channels = SideChannels {
        max_choices: NonZeroU32::MAX,
        allow: allow.iter().map(|&name| name.to_owned()).collect(),
    };
    let plan = Plan {
        reasoning: reasoning.map(|settings| Measure { mode: Mode::Enforce, settings }),
        side_channels: Some(Measure { mode: Mode::Enforce, settings: side_channels }),
        ..Plan::default()
    };
    let counts = &mut Tally::default();
    let scanned = protocol.scan_request(Target::default(), request.as_bytes()).unwrap();
    RequestEdits::of(&plan, protocol, &scanned, None, counts).unwrap().response
}

/// The model whose answer a sample is, as far as a policy distinguishes it.
fn model(name: &str) -> &'static str {
    if name.starts_with("think_unopened") { "qwq-32b" } else { "some-model" }
}

fn stream<'c>(
    protocol: &'static dyn Protocol,
    edits: ResponseEdits,
    chunks: impl IntoIterator<Item = &'c [u8]>,
) -> Result<Vec<u8>, StreamError> {
    framed_stream(protocol, Framing::Sse, edits, chunks)
}

/// A stream cut at every byte: in pieces of [`FAR`] bytes behind a first one of each shorter length.
fn cut_everywhere(bytes: &[u8]) -> impl Iterator<Item = Vec<&[u8]>> {
    (0..FAR.min(bytes.len())).map(|first| {
        let (first, rest) = bytes.split_at(first);
        std::iter::once(first).chain(rest.chunks(FAR)).collect()
    })
}

/// Bytes between two cuts of one stream, further apart than any marker is long.
const FAR: usize = 257;

fn framed_stream<'c>(
    protocol: &'static dyn Protocol,
    framing: Framing,
    edits: ResponseEdits,
    chunks: impl IntoIterator<Item = &'c [u8]>,
) -> Result<Vec<u8>, StreamError> {
    let mut events = EventStream::new(protocol, framing, edits, Unhandled::Refuse, 1 << 20);
    let mut out = Vec::new();
    for chunk in chunks {
        events.push(Bytes::copy_from_slice(chunk));
        while let Some(bytes) = events.next_event()? {
            out.extend_from_slice(&bytes);
        }
    }
    out.extend_from_slice(&events.finish()?);
    Ok(out)
}

fn document(
    protocol: &'static dyn Protocol,
    edits: ResponseEdits,
    bytes: &[u8],
) -> Result<Vec<u8>, DocumentError> {
    let mut document = Document::new(protocol, edits, Unhandled::Refuse, 1 << 24);
    let early = document.push(Bytes::copy_from_slice(bytes))?.unwrap_or_default();
    Ok([early, worked_out(&mut document)?].concat())
}

/// The document as it goes out, all of its turns taken at once.
fn worked_out(document: &mut Document) -> Result<Bytes, DocumentError> {
    let mut last = document.finish()?;
    while last.is_none() && document.has_work() {
        last = document.work()?;
    }
    Ok(last.unwrap_or_default())
}
