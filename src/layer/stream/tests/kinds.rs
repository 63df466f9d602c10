//! A protocol whose payloads do not say what they are: the framing does, as Amazon's event streams do.

use bytes::Bytes;

use super::{EventStream, withhold};
use crate::policy::Unhandled;
use crate::policy::plan::Keep;
use crate::wire::chat::Chat;
use crate::wire::framing::{Event, Framing, Heartbeat, Splitter, Unframed};
use crate::wire::json::{Error, Reader};
use crate::wire::{
    CarriesSealed, Channel, Close, Features, Kind, Lane, Mode, Protocol, ProtocolId, Refusal,
    Request, Said, Scan, Slot, Target,
};

static FEATURES: Features = Features {
    name: "kinds",
    endpoints: &[],
    count_endpoints: &[],
    request_id: http::HeaderName::from_static("x-request-id"),
    streams: &[Framing::AwsEventStream],
    event_names: &["reasoningDelta", "textDelta", "stop", "throttlingException"],
    ends_texts_alone: false,
    stores: false,
    signs_reasoning: false,
    parameters: None,
    cites_bytes: false,
    carries_sealed: CarriesSealed::Nowhere,
};

/// One answer whose events are told apart by their kinds alone.
#[derive(Debug)]
struct Kinds;

impl Protocol for Kinds {
    fn id(&self) -> ProtocolId {
        ProtocolId::Chat
    }

    fn features(&self) -> &'static Features {
        &FEATURES
    }

    fn scan_event(
        &self,
        kind: Option<&[u8]>,
        payload: &[u8],
        scan: &mut Scan,
    ) -> Result<(), Error> {
        let (kind, slot) = match kind {
            Some(b"reasoningDelta") => (Kind::Reasoning, Slot::Reasoning),
            Some(b"textDelta") => (Kind::Answer, Slot::Answer),
            _ => {
                (scan.says_more, scan.unrepeatable) = (true, true);
                scan.closes.push(Close {
                    group: 0,
                    part: None,
                    reasoning_only: false,
                    cut_short: false,
                });
                return Reader::new(payload).document(Reader::pass);
            }
        };
        Reader::new(payload).document(|reader| {
            reader.object(|reader, key| {
                if !key.is("text") {
                    return reader.pass();
                }
                let text = reader.text()?;
                scan.channels.extend(text.map(|text| Channel {
                    lane: Lane { group: 0, part: 0, slot },
                    kind,
                    mode: Mode::Delta,
                    span: text.span,
                    signed: false,
                }));
                Ok(())
            })
        })
    }

    fn scan_document(&self, document: &[u8], scan: &mut Scan) -> Result<(), Error> {
        Chat.scan_document(document, scan)
    }

    fn scan_request(&self, target: Target, body: &[u8]) -> Result<Request, Error> {
        Chat.scan_request(target, body)
    }

    fn scan_history(&self, body: &[u8], each: &mut dyn FnMut(Said)) -> Result<(), Error> {
        Chat.scan_history(body, each)
    }

    fn is_terminator(&self, _: &[u8]) -> bool {
        false
    }

    fn error_body(&self, refusal: &Refusal) -> Vec<u8> {
        Chat.error_body(refusal)
    }

    fn error_event(&self, refusal: &Refusal, number: Option<u64>) -> Unframed {
        Chat.error_event(refusal, number)
    }

    fn heartbeat(&self) -> Option<Heartbeat> {
        None
    }
}

fn message(kind: &'static str, payload: &str, is_error: bool) -> Vec<u8> {
    let payload = payload.as_bytes().to_vec();
    Framing::AwsEventStream.frame(&Unframed { kind: Some(kind), payload, is_error })
}

/// What goes out, by kind and payload.
fn rewritten(stream: &[u8]) -> Vec<(String, String)> {
    let edits = withhold(Keep::None, &Kinds, "m");
    let (framing, refuse) = (Framing::AwsEventStream, Unhandled::Refuse);
    let mut events = EventStream::new(&Kinds, framing, edits, refuse, 1 << 20);
    let mut out = Splitter::new(framing, 1 << 20);
    for chunk in stream.chunks(11) {
        events.push(Bytes::copy_from_slice(chunk));
        while let Some(bytes) = events.next_event().unwrap() {
            out.push(bytes);
        }
    }
    out.push(events.finish().unwrap());
    let mut found = Vec::new();
    while let Some(raw) = out.next_event().unwrap() {
        let event = Event::parse(framing, &raw);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        found.push((text(event.kind().unwrap_or_default()), text(&event.payload().unwrap())));
    }
    found
}

// Break it: scan the payload alone; use the template of another kind; or read an exception as an event.
#[test]
fn what_a_framing_calls_an_event_is_what_it_is() {
    let said = r#"{"text":"same"}"#;
    let stream = [
        message("reasoningDelta", said, false),
        message("textDelta", said, false),
        message("reasoningDelta", said, false),
        message("textDelta", said, false),
        message("stop", "{}", false),
    ];
    let kept = [("textDelta", said), ("textDelta", said), ("stop", "{}")];
    let kept = kept.map(|(kind, said)| (kind.to_owned(), said.to_owned()));
    assert_eq!(rewritten(&stream.concat()), kept);

    let failed = [
        message("textDelta", said, false),
        message("throttlingException", r#"{"message":"secret","original":"secret"}"#, true),
    ];
    let out = rewritten(&failed.concat());
    let [(kind, told), (exception, message)] = &out[..] else { panic!("{out:?}") };
    assert_eq!((kind.as_str(), told.as_str()), ("textDelta", said));
    assert_eq!(exception, "throttlingException");
    assert!(!message.contains("secret") && message.contains("message"), "{message}");
}
