//! The splitter of streams of every framing of text gives the same blocks however a stream is cut, and loses no byte;
//! the JSON reader refuses or passes a document, and an edit of nothing changes nothing.
#![no_main]

use bytes::Bytes;
use guilloche::wire::framing::{Event, Framing, Splitter};
use guilloche::wire::json::{Reader, splice, unescape, unescape_lossy};
use libfuzzer_sys::fuzz_target;

fn blocks(framing: Framing, data: &[u8], size: usize) -> Option<(Vec<Vec<u8>>, Vec<u8>)> {
    let mut splitter = Splitter::new(framing, 4096);
    let mut blocks = Vec::new();
    for piece in data.chunks(size) {
        splitter.push(Bytes::copy_from_slice(piece));
        while let Some(block) = splitter.next_event().ok()? {
            blocks.push(block.to_vec());
        }
    }
    let rest = splitter.take_rest().to_vec();
    Some((blocks, rest))
}

fuzz_target!(|data: &[u8]| {
    let Some((size, data)) = data.split_first() else { return };
    let framing = [Framing::Sse, Framing::Ndjson, Framing::JsonArray][usize::from(*size) / 16 % 3];
    let whole = blocks(framing, data, data.len().max(1));
    let cut = blocks(framing, data, usize::from(*size % 16) + 1);
    if let (Some((whole, rest)), Some(cut)) = (&whole, &cut) {
        assert_eq!((whole, rest), (&cut.0, &cut.1));
        let together: Vec<u8> = whole.concat().into_iter().chain(rest.clone()).collect();
        assert_eq!(together, data);
    }
    for block in whole.into_iter().flat_map(|(blocks, _)| blocks) {
        let parsed = Event::parse(framing, &block);
        if let Some(payload) = parsed.payload() {
            let mut again = Vec::new();
            parsed.write(&payload, &mut [], &mut again);
            let again = Event::parse(framing, &again);
            if !parsed.is_foreign() && !payload.contains(&b'\r') {
                assert_eq!(again.payload().as_deref(), Some(&*payload));
            }
        }
    }
    let mut reader = Reader::new(data);
    if let Ok(span) = reader.skip() {
        assert!(data.get(span.clone()).is_some());
        let mut reader = Reader::new(data);
        if let Ok(Some(text)) = reader.text() {
            let raw = &data[text.span];
            if let Ok(decoded) = unescape(raw) {
                assert_eq!(decoded, unescape_lossy(raw));
            }
        }
    }
    assert_eq!(splice(data, &mut []), data);
});
