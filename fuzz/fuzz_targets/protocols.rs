//! Whatever comes, the readers of every protocol either refuse it or find places that are there: texts are the
//! contents of strings, and what is left when all that is found is taken out is JSON. A scanner of a stream,
//! which compares events with those before, finds what is found in each of them alone.
#![no_main]

use guilloche::wire::framing::Stated;
use guilloche::wire::json::{Edit, Reader, splice};
use guilloche::wire::{CountedPlace, FieldKind, Protocol, ProtocolId, Scan, Scanner, Target};
use libfuzzer_sys::fuzz_target;

fn is_json(bytes: &[u8]) -> bool {
    Reader::new(bytes).document(|reader| reader.skip().map(|_| ())).is_ok()
}

/// The same of any value.
fn is_value(bytes: &[u8]) -> bool {
    let mut reader = Reader::new(bytes);
    reader.skip().is_ok_and(|span| span == (0..bytes.len()))
}

/// Checks the places that were found, and takes out what stands there.
fn check(payload: &[u8], scan: &Scan) {
    let mut edits = Vec::new();
    for channel in &scan.channels {
        let span = channel.span.clone();
        assert_eq!((payload[span.start - 1], payload[span.end]), (b'"', b'"'));
        edits.push(Edit::text(span, "x"));
    }
    for field in &scan.fields {
        assert!(payload.get(field.span.clone()).is_some());
        if field.kind == FieldKind::Leak {
            edits.push(Edit::literal(field.span.clone(), "null"));
        }
    }
    let spans = scan.quoted.iter().chain(&scan.media).chain(&scan.ids);
    assert!(spans.into_iter().all(|span| payload.get(span.clone()).is_some()));
    edits.sort_by_key(|edit| edit.span.start);
    assert!(edits.windows(2).all(|pair| pair[0].span.end <= pair[1].span.start));
    assert!(is_json(&splice(payload, &mut edits)));
}

/// Whether it is a request there.
fn requests(protocol: &dyn Protocol, target: &str, body: &[u8]) -> bool {
    let Ok(request) = protocol.scan_request(Target::of(target), body) else { return false };
    assert!(is_json(body));
    let closed = request.unlisted_but(&[]);
    let mut edits = request.removals(&closed);
    assert!(is_json(&splice(body, &mut edits)));
    let mut inside: Vec<Edit> =
        request.unlisted_settings.iter().map(|(_, edit)| edit.clone()).collect();
    assert!(is_json(&splice(body, &mut inside)));
    let mut said = 0;
    let read = protocol.scan_history(body, &mut |_| said += 1);
    assert!(read.is_ok() && said <= 2 * body.len());
    true
}

/// Checks the places where what was sealed comes back, and where other requests stand in this one.
fn sealed(protocol: &dyn Protocol, body: &[u8], is_request: bool) {
    let mut blocks = 0;
    let read = protocol.scan_carried(body, &mut |carried| {
        blocks += 1;
        let texts = carried.texts.iter().map(|(_, span)| span);
        for span in texts.chain([&carried.value]) {
            assert!(body.get(span.clone()).is_some_and(is_value));
        }
    });
    assert!(blocks <= body.len());
    let counted = protocol.scan_counted(body, &mut |counted| match counted.place {
        CountedPlace::Value(span) => assert!(body.get(span).is_some_and(is_value)),
        CountedPlace::Base64(span) => {
            assert_eq!((body[span.start - 1], body[span.end]), (b'"', b'"'));
        }
    });
    let opening = protocol.scan_opening(body, &mut |_| ());
    if is_request {
        assert!(read.is_ok() && counted.is_ok() && opening.is_ok());
    }
}

fuzz_target!(|data: &[u8]| {
    let Some((which, data)) = data.split_first() else { return };
    let which = usize::from(*which) % ProtocolId::ALL.len();
    let protocol = ProtocolId::ALL[which].codec();
    let endpoints = protocol.features().endpoints.iter().map(|endpoint| endpoint.path);
    let mut scan = Scan::default();
    if protocol.scan_document(data, &mut scan).is_ok() {
        assert!(is_json(data));
        check(data, &scan);
    }
    let mut scanner = Scanner::new(protocol);
    for event in data.split(|byte| *byte == b'\n') {
        let (mut alone, mut found) = (Scan::default(), Scan::default());
        let read = protocol.scan_event(None, event, &mut alone).is_ok();
        assert_eq!(scanner.scan(Stated::default(), event, &mut found).is_ok(), read);
        if read {
            check(event, &found);
            let spans =
                |scan: &Scan| scan.channels.iter().map(|it| it.span.clone()).collect::<Vec<_>>();
            assert_eq!(spans(&found), spans(&alone));
            assert_eq!(found.fields, alone.fields);
        }
    }
    let is_request = endpoints.fold(false, |found, path| requests(protocol, path, data) | found);
    sealed(protocol, data, is_request);
});
