//! What holds of every framing.

use bytes::Bytes;

use super::{
    Blank, Commas, Event, EventError, Framing, Heartbeat, Splitter, Unframed, event_stream,
};
use crate::wire::json::Edit;

const LIMIT: usize = 1 << 16;

/// A payload with text of several bytes a letter, and with what could be taken for an end.
fn payload(index: usize) -> String {
    format!(r#"{{"n":{index}, "text":"é [{{,]}} \"\\ \u000a data: x","more":[{{}},[1]]}}"#)
}

/// A message of an event stream, with headers of every type beside those that are known.
fn message(payload: &str) -> Vec<u8> {
    let mut headers = event_stream::headers("contentBlockDelta", false);
    for value in [
        &[0_u8][..],
        &[2, 9],
        &[3, 0, 1],
        &[4, 0, 0, 0, 1],
        &[5, 0, 0, 0, 0, 0, 0, 0, 1],
        &[6, 0, 2, 1, 2],
        &[8, 0, 0, 0, 0, 0, 0, 0, 1],
        &[9, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16],
    ] {
        headers.extend_from_slice(b"\x01h");
        headers.extend_from_slice(value);
    }
    let mut out = Vec::new();
    event_stream::write(&headers, &mut out, |out| out.extend_from_slice(payload.as_bytes()));
    out
}

/// A stream of each framing, its events apart.
fn streams() -> Vec<(Framing, Vec<Vec<u8>>)> {
    let events = |each: &dyn Fn(&str) -> Vec<u8>| (0..3).map(|at| each(&payload(at))).collect();
    let array = |at: usize, space: &str| format!("{space}{}", payload(at)).into_bytes();
    vec![
        (Framing::Document, vec![payload(0).into_bytes()]),
        (Framing::Sse, events(&|json| format!("event: e\r\ndata: {json}\r\n\r\n").into_bytes())),
        (Framing::Ndjson, events(&|json| format!("{json}\r\n").into_bytes())),
        (Framing::AwsEventStream, events(&|json| message(json))),
        (
            Framing::JsonArray,
            vec![
                b" [".to_vec(),
                array(0, "\n "),
                array(1, "\n,\r\n"),
                array(2, ","),
                b"\n]".to_vec(),
                b"\n".to_vec(),
            ],
        ),
    ]
}

fn split<'c>(
    framing: Framing,
    chunks: impl IntoIterator<Item = &'c [u8]>,
) -> Result<Vec<Vec<u8>>, EventError> {
    let mut splitter = Splitter::new(framing, LIMIT);
    let mut events = Vec::new();
    for chunk in chunks {
        splitter.push(Bytes::copy_from_slice(chunk));
        while let Some(event) = splitter.next_event()? {
            events.push(event.to_vec());
        }
    }
    events.extend(Some(splitter.take_rest().to_vec()).filter(|rest| !rest.is_empty()));
    Ok(events)
}

/// An event on its own, as it would stand in a stream.
fn split_alone(framing: Framing, event: &[u8]) -> Vec<Vec<u8>> {
    let opening: &[u8] = if framing == Framing::JsonArray { b"[" } else { b"" };
    let mut events = split(framing, [opening, event]).unwrap();
    events.drain(..opening.len());
    events
}

fn payloads(framing: Framing, events: &[Vec<u8>]) -> Vec<String> {
    let payload = |raw: &Vec<u8>| {
        let payload = Event::parse(framing, raw).payload()?.into_owned();
        Some(String::from_utf8(payload).unwrap())
    };
    events.iter().filter_map(payload).collect()
}

// Break it: have a search of one framing begin anew with every chunk, or one byte too far on.
#[test]
fn every_split_of_every_framing_gives_the_same_events_and_all_of_their_bytes() {
    for (framing, events) in streams() {
        let whole = events.concat();
        assert_eq!(split(framing, [&*whole]).unwrap(), events, "{framing:?}");
        assert_eq!(split(framing, whole.chunks(1)).unwrap(), events, "{framing:?} by bytes");
        for cut in 0..=whole.len() {
            let (front, back) = whole.split_at(cut);
            assert_eq!(split(framing, [front, back]).unwrap(), events, "{framing:?} at {cut}");
        }
        let expected: Vec<_> =
            if framing == Framing::Document { 0..1 } else { 0..3 }.map(payload).collect();
        assert_eq!(payloads(framing, &events), expected, "{framing:?}");
    }
}

// Break it: write a checksum of the old payload, or the length without the headers.
#[test]
fn an_edit_changes_its_span_and_what_counts_it_and_nothing_else() {
    for (framing, events) in streams() {
        for raw in &events {
            let event = Event::parse(framing, raw);
            let Some(payload) = event.payload() else { continue };
            assert!(!event.is_foreign(), "{framing:?}");
            let mut same = Vec::new();
            event.write(&payload, &mut [], &mut same);
            assert_eq!(same, *raw, "{framing:?}");
            let place = memchr::memmem::find(&payload, b"data: x").unwrap();
            let place = place..place + 7;
            let mut edited = b"before".to_vec();
            let edit = Edit::text(place.clone(), "longer \u{2028} than it was");
            event.write(&payload, &mut [edit], &mut edited);
            let edited = edited.strip_prefix(b"before").unwrap();
            let said = Event::parse(framing, edited).payload().unwrap().into_owned();
            let with = br"longer \u2028 than it was";
            assert_eq!(said, [&payload[..place.start], with, &payload[place.end..]].concat());
            let blank =
                event.blank(&payload, vec![(Blank::Text, place.clone())], Vec::new()).unwrap();
            let mut filled = Vec::new();
            blank.fill("longer \u{2028} than it was", 0, &mut filled);
            assert_eq!(payloads(framing, &[filled.clone()]), [String::from_utf8(said).unwrap()]);
            if framing != Framing::JsonArray {
                assert_eq!(filled, edited, "{framing:?}");
            }
            // What was written is read as what it is.
            assert_eq!(split_alone(framing, edited), [edited], "{framing:?}");
        }
    }
}

#[test]
fn an_event_is_called_what_its_framing_calls_it() {
    let kind = |framing, raw: &[u8]| {
        Event::parse(framing, raw).kind().map(|kind| String::from_utf8(kind.to_vec()).unwrap())
    };
    assert_eq!(kind(Framing::Sse, b"event: a\nevent:b\ndata: 1\n\n").as_deref(), Some("b"));
    assert_eq!(kind(Framing::Sse, b"data: 1\n\n"), None);
    assert_eq!(kind(Framing::AwsEventStream, &message("{}")).as_deref(), Some("contentBlockDelta"));
    assert_eq!(kind(Framing::Ndjson, b"{}\n"), None);
}

#[test]
fn what_stands_beside_a_message_is_taken_out_with_its_checksums_right() {
    let raw = message("{}");
    let event = Event::parse(Framing::AwsEventStream, &raw);
    let bare = event.bare(|kind| kind == b"contentBlockDelta").unwrap();
    assert_eq!(split(Framing::AwsEventStream, [&*bare]).unwrap().concat(), bare);
    let again = Event::parse(Framing::AwsEventStream, &bare);
    assert_eq!(again.kind(), Some(&b"contentBlockDelta"[..]));
    assert_eq!(again.payload().as_deref(), Some(&b"{}"[..]));
    assert!(again.bare(|kind| kind == b"contentBlockDelta").is_none());
    let nameless = again.bare(|_| false).unwrap();
    assert_eq!(Event::parse(Framing::AwsEventStream, &nameless).kind(), None);
}

// Break it: leave a checksum unread, or believe a length before its checksum.
#[test]
fn no_byte_of_a_message_can_be_changed_unnoticed_and_no_length_is_waited_for() {
    let whole = message(&payload(0));
    for at in 0..whole.len() {
        let mut changed = whole.clone();
        changed[at] ^= 1;
        assert!(split(Framing::AwsEventStream, [&*changed]).is_err(), "byte {at}");
    }
    // Lengths that lie, under a checksum that is right.
    for (length, headers) in [(u32::MAX, 0), (0, 0), (15, 0), (40, 25), (40, u32::MAX)] {
        let lengths = [length.to_be_bytes(), headers.to_be_bytes()].concat();
        let prelude = [&*lengths, &super::crc32::crc32(&lengths).to_be_bytes()].concat();
        assert!(split(Framing::AwsEventStream, [&*prelude]).is_err(), "{length} {headers}");
    }
    // One that breaks off is none, whatever its headers say.
    for end in 0..whole.len() {
        let broken = split(Framing::AwsEventStream, [&whole[..end]]).unwrap();
        let is_foreign = |raw: &Vec<u8>| Event::parse(Framing::AwsEventStream, raw).is_foreign();
        assert!(broken.len() <= 1 && broken.iter().all(is_foreign), "cut at {end}");
    }
    // Headers that end nowhere.
    for headers in [&[9][..], b"\x01h\x07\xff\xff", b"\x01h\x0a", b"\xffh\x07\x00\x00"] {
        let mut raw = Vec::new();
        event_stream::write(headers, &mut raw, |_| {});
        let raw = split(Framing::AwsEventStream, [&*raw]).unwrap().remove(0);
        assert!(Event::parse(Framing::AwsEventStream, &raw).is_foreign());
    }
}

#[test]
fn an_event_that_does_not_end_is_refused_at_the_limit() {
    let endless: [(Framing, &[u8], &[u8]); 5] = [
        (Framing::Sse, b"data: ", b"x"),
        (Framing::Ndjson, b"", b"x"),
        (Framing::JsonArray, b"[", b" "),
        (Framing::JsonArray, b"[", b"["),
        (Framing::JsonArray, b"[\"", b"\\\""),
    ];
    for (framing, start, more) in endless {
        let chunks = std::iter::once(start).chain(std::iter::repeat_n(more, LIMIT + 2));
        let limit = EventError::TooLong { limit: LIMIT };
        assert_eq!(split(framing, chunks), Err(limit), "{framing:?}");
    }
}

/// The array as it goes out: what is put before each event, and whether that stays.
fn array_of(events: &[Vec<u8>], goes: impl Fn(usize) -> (bool, bool)) -> Vec<u8> {
    let mut commas = Commas::new(Framing::JsonArray);
    let mut out = Vec::new();
    let element = Event::parse(Framing::JsonArray, &events[1]);
    let blank =
        element.blank(&element.payload().unwrap(), vec![(Blank::Text, 0..0)], Vec::new()).unwrap();
    for (at, raw) in events.iter().enumerate() {
        let (put_in, stays) = goes(at);
        let mut piece = Vec::new();
        if put_in {
            blank.fill("", 0, &mut piece);
        }
        let is_element = Event::parse(Framing::JsonArray, raw).payload().is_some();
        if stays || !is_element {
            piece.extend_from_slice(raw);
        }
        out.extend_from_slice(&commas.placed(piece.into()));
    }
    out
}

// Break it: count an element as gone out that was left out.
#[test]
fn an_array_stays_one_whatever_is_left_out_of_it_and_put_in() {
    let (_, events) = streams().pop().unwrap();
    assert_eq!(array_of(&events, |_| (false, true)), events.concat());
    for plan in 0..1_u32 << 6 {
        // What is put in was held back: an event has come before it.
        let put_in = |at: usize| at >= 2 && plan & 8 << (at - 2) != 0 && at <= 4;
        let stays = |at: usize| at == 0 || plan & 1 << (at - 1).min(2) != 0;
        let out = array_of(&events, |at| (put_in(at), stays(at)));
        let value: Vec<serde_json::Value> = serde_json::from_slice(&out).unwrap();
        let count =
            (1..=3).filter(|at| stays(*at)).count() + (2..=4).filter(|at| put_in(*at)).count();
        assert_eq!(value.len(), count, "{plan:b} {}", String::from_utf8_lossy(&out));
    }
}

#[test]
fn what_the_layer_says_itself_is_an_event_of_the_framing() {
    let event = Unframed { kind: Some("error"), payload: b"{}".to_vec(), is_error: true };
    for (framing, _) in streams() {
        let raw = framing.frame(&event);
        let events = split_alone(framing, &raw);
        assert_eq!((events.len(), events.concat()), (1, raw), "{framing:?}");
        assert_eq!(payloads(framing, &events), ["{}"], "{framing:?}");
        let comment = framing.heartbeat(Heartbeat::Comment("c"));
        assert_eq!(comment.is_some(), framing == Framing::Sse);
        let beat = framing.heartbeat(Heartbeat::Event { kind: "ping", payload: "{}" });
        assert_eq!(beat.is_some(), framing == Framing::Sse);
    }
    let raw = Framing::AwsEventStream.frame(&event);
    let read = Event::parse(Framing::AwsEventStream, &raw);
    assert!(read.stated().is_error && read.kind() == Some(b"error"));
    assert!(Event::parse(Framing::JsonArray, b",\n]").is_end());
}

#[test]
fn the_media_type_and_what_a_protocol_streams_choose_the_framing() {
    let sse = [Framing::Sse];
    let gemini = [Framing::Sse, Framing::JsonArray];
    let of = Framing::of_answer;
    assert_eq!(of(b"text/event-stream", &sse, false), Some(Framing::Sse));
    assert_eq!(of(b"application/json", &sse, true), Some(Framing::Document));
    assert_eq!(of(b"application/json", &gemini, true), Some(Framing::JsonArray));
    assert_eq!(of(b"application/json", &gemini, false), Some(Framing::Document));
    assert_eq!(of(b"application/problem+json", &sse, false), Some(Framing::Document));
    assert_eq!(of(b"application/x-ndjson", &sse, true), None);
    assert_eq!(of(b"application/x-ndjson", &[Framing::Ndjson], true), Some(Framing::Ndjson));
    assert_eq!(
        of(b"application/vnd.amazon.eventstream", &[Framing::AwsEventStream], true),
        Some(Framing::AwsEventStream)
    );
    assert_eq!(of(b"text/plain", &gemini, true), None);
}

proptest::proptest! {
    /// Whatever comes, every byte of it leaves, in the same events for every chunking.
    #[test]
    fn no_byte_is_lost_of_what_is_no_stream_at_all(
        text in "([\\[\\]{},\" \\\\a\n\r:1]|data: |é){0,40}",
        size in 1_usize..7,
    ) {
        for framing in [Framing::Sse, Framing::Ndjson, Framing::JsonArray, Framing::Document] {
            let whole = split(framing, [text.as_bytes()]).unwrap();
            proptest::prop_assert_eq!(whole.concat(), text.as_bytes());
            proptest::prop_assert_eq!(&split(framing, text.as_bytes().chunks(size)).unwrap(), &whole);
            for raw in &whole {
                let event = Event::parse(framing, raw);
                let Some(payload) = event.payload() else { continue };
                let mut same = Vec::new();
                event.write(&payload, &mut [], &mut same);
                if framing != Framing::Sse {
                    proptest::prop_assert_eq!(&same, raw);
                }
            }
        }
    }
}
