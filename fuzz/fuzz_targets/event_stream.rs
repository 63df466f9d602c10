//! Amazon's event streams: the same messages however a stream is cut, each with every byte that it came with; what is
//! written again reads as it did; what Converse and InvokeModel find in a payload stands in it.
#![no_main]

use bytes::Bytes;
use guilloche::wire::converse::Converse;
use guilloche::wire::framing::{Event, Framing, Splitter, Unframed};
use guilloche::wire::invoke::Invoke;
use guilloche::wire::{Protocol, Scan, Scanner, Target};
use libfuzzer_sys::fuzz_target;

const KINDS: [&str; 4] = ["contentBlockDelta", "contentBlockStop", "messageStop", "chunk"];

fn messages(framing: Framing, data: &[u8], size: usize) -> Option<(Vec<Vec<u8>>, Vec<u8>)> {
    let mut splitter = Splitter::new(framing, 4096);
    let mut messages = Vec::new();
    for piece in data.chunks(size) {
        splitter.push(Bytes::copy_from_slice(piece));
        while let Some(message) = splitter.next_event().ok()? {
            messages.push(message.to_vec());
        }
    }
    Some((messages, splitter.take_rest().to_vec()))
}

fn read(framing: Framing, protocol: &'static dyn Protocol, stream: &[u8], size: usize) {
    let whole = messages(framing, stream, stream.len().max(1));
    assert_eq!(whole.is_some(), messages(framing, stream, size).is_some());
    let Some((whole, rest)) = whole else { return };
    if let Some(cut) = messages(framing, stream, size) {
        assert_eq!((&whole, &rest), (&cut.0, &cut.1));
    }
    assert_eq!([whole.concat(), rest].concat(), stream);
    let (mut scanner, mut scan) = (Scanner::new(protocol), Scan::default());
    for raw in whole {
        let event = Event::parse(framing, &raw);
        let Some(payload) = event.payload() else { continue };
        let mut again = Vec::new();
        event.write(&payload, &mut [], &mut again);
        assert_eq!(Event::parse(framing, &again).payload().as_deref(), Some(&*payload));
        if let Some(bare) = event.bare(|kind| kind == b"chunk") {
            let bare = Event::parse(framing, &bare);
            assert!(bare.is_foreign() || bare.payload().as_deref() == Some(&*payload));
        }
        if scanner.scan(event.stated(), &payload, &mut scan).is_ok() {
            for channel in &scan.channels {
                assert!(payload.get(channel.span.clone()).is_some());
            }
            for field in &scan.fields {
                assert!(payload.get(field.span.clone()).is_some());
            }
        }
    }
}

fuzz_target!(|data: &[u8]| {
    let Some((first, data)) = data.split_first() else { return };
    let size = usize::from(first % 16) + 1;
    for (framing, protocol) in [
        (Framing::AwsEventStream, &Converse as &'static dyn Protocol),
        (Framing::AwsChunks, &Invoke),
    ] {
        read(framing, protocol, data, size);
        // Chance finds no checksum: payloads in whole messages.
        let mut stream = Vec::new();
        for (at, payload) in data.split(|byte| *byte == 0).take(8).enumerate() {
            let kind = Some(KINDS[(usize::from(*first) + at) % KINDS.len()]);
            let message = Unframed { kind, payload: payload.to_vec(), is_error: first & 0x80 != 0 };
            stream.extend(framing.frame(&message));
            stream.extend(Framing::AwsEventStream.frame(&message));
        }
        read(framing, protocol, &stream, size);
        let mut scan = Scan::default();
        let _ = protocol.scan_document(data, &mut scan);
        if let Ok(request) = protocol.scan_request(Target::of("/model/m/converse"), data) {
            for span in request.members.spans {
                assert!(data.get(span).is_some());
            }
        }
        let _ = protocol.scan_history(data, &mut |_| {});
    }
});
