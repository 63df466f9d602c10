//! Server-sent events as raw blocks ([WHATWG HTML §9.2][spec]).
//!
//! A line ends with LF, CRLF or CR. A CR that is the last byte received waits for the next one, so
//! that the blocks are the same for every chunking.
//!
//! [spec]: https://html.spec.whatwg.org/multipage/server-sent-events.html

use std::borrow::Cow;
use std::ops::Range;

use memchr::memchr2;

use crate::secret::opaque_debug;
use crate::wire::json::{Edit, splice};

/// How far the held bytes were searched, so that each is looked at once however they arrive.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Search {
    /// Where the unfinished line begins.
    line: usize,
    /// Up to where it holds no line end.
    clear: usize,
}

impl Search {
    /// Where the first event in `bytes` ends, if it is whole: its blank line included.
    pub(super) fn end(&mut self, bytes: &[u8]) -> Option<usize> {
        loop {
            let Some(offset) = memchr2(b'\n', b'\r', bytes.get(self.clear..)?) else {
                self.clear = bytes.len();
                return None;
            };
            let at = self.clear + offset;
            let next = match (bytes.get(at), bytes.get(at + 1)) {
                (Some(b'\r'), Some(b'\n')) => at + 2,
                (Some(b'\r'), None) => {
                    self.clear = at;
                    return None;
                }
                _ => at + 1,
            };
            if at == self.line {
                *self = Self::default();
                return Some(next);
            }
            *self = Self { line: next, clear: next };
        }
    }

    /// Only so many bytes of the unfinished line are left.
    pub(super) fn cut(&mut self, length: usize) {
        self.clear = self.clear.min(length);
        self.line = self.line.min(length);
    }
}

/// One event, looked into: where its data is.
pub(super) struct Block<'a> {
    raw: &'a [u8],
    data: Data,
    foreign: bool,
    /// It is one line of data and a blank one.
    usual: bool,
    /// Its data is a line that only lenient readers take for such.
    loose: bool,
}

opaque_debug!(Block<'_>);

#[derive(Debug)]
enum Data {
    /// A comment, an id, a lone blank line.
    Absent,
    /// One `data` line, as the inference servers send: where its value stands.
    Line(Range<usize>),
    /// Several.
    Lines(Vec<Line>),
}

#[derive(Clone, Debug)]
struct Line {
    /// The line with its end.
    whole: Range<usize>,
    value: Range<usize>,
}

impl<'a> Block<'a> {
    /// Finds the data of a raw block.
    #[inline]
    pub(super) fn parse(raw: &'a [u8]) -> Self {
        // Most servers send one line and a blank one.
        let line = raw.strip_prefix(b"data: ").and_then(|rest| rest.strip_suffix(b"\n\n"));
        if line.is_some_and(|line| memchr2(b'\n', b'\r', line).is_none()) {
            return Self {
                raw,
                data: Data::Line(6..raw.len() - 2),
                foreign: false,
                usual: true,
                loose: false,
            };
        }
        let mut data = Data::Absent;
        let mut first: Option<Line> = None;
        let mut foreign = false;
        // The lines that lenient readers take for data, and how many.
        let mut loose: Option<Range<usize>> = None;
        let mut loose_lines = 0;
        for (whole, line) in lines(raw) {
            let Some(value) = data_value(line) else {
                if let Some(value) = loose_data_value(line) {
                    loose = Some(whole.start + value..whole.start + line.len());
                    loose_lines += 1;
                } else {
                    foreign |= is_foreign(line);
                }
                continue;
            };
            let value = whole.start + value..whole.start + line.len();
            let line = Line { whole, value };
            data = match data {
                Data::Absent => {
                    first = Some(line.clone());
                    Data::Line(line.value)
                }
                Data::Line(_) => Data::Lines(first.take().into_iter().chain([line]).collect()),
                Data::Lines(mut lines) => {
                    lines.push(line);
                    Data::Lines(lines)
                }
            };
        }
        match loose {
            // Nobody reads anything else in it.
            Some(value) if matches!(data, Data::Absent) && loose_lines == 1 => {
                Self { raw, data: Data::Line(value), foreign, usual: false, loose: true }
            }
            // Readers do not agree on what it says.
            loose => {
                let foreign = foreign || loose.is_some();
                Self { raw, data, foreign, usual: false, loose: false }
            }
        }
    }

    /// The event's data, its lines joined by LF as the standard says; `None` if it has none.
    #[inline]
    pub(super) fn payload(&self) -> Option<Cow<'a, [u8]>> {
        let value = |span: &Range<usize>| self.raw.get(span.clone()).unwrap_or_default();
        match &self.data {
            Data::Absent => None,
            Data::Line(span) => Some(Cow::Borrowed(value(span))),
            Data::Lines(lines) => {
                let values: Vec<&[u8]> = lines.iter().map(|line| value(&line.value)).collect();
                Some(Cow::Owned(values.join(&b'\n')))
            }
        }
    }

    /// The name of the event; the last counts where there are several.
    pub(super) fn name(&self) -> Option<&'a [u8]> {
        let named = lines(self.raw).filter_map(|(_, line)| event_name(line));
        if self.usual { None } else { named.last() }
    }

    /// Whether lines stand in the block that are neither comments nor fields: client libraries do not
    /// read them, or not all of them alike; a reader of the bytes does.
    pub(super) fn is_foreign(&self) -> bool {
        self.foreign
    }

    /// The block with nothing but its data, and its name if `is_known`; `None` if it has nothing
    /// else. Comments, ids, names and fields that nobody knows may say anything.
    pub(super) fn bare(&self, is_known: impl Fn(&[u8]) -> bool) -> Option<Vec<u8>> {
        let is_data = |line: &[u8]| {
            data_value(line).is_some() || self.loose && loose_data_value(line).is_some()
        };
        let stays = |line: &[u8]| {
            line.is_empty() || is_data(line) || event_name(line).is_some_and(&is_known)
        };
        if self.usual || lines(self.raw).all(|(_, line)| stays(line)) {
            return None;
        }
        let kept = lines(self.raw).filter(|(_, line)| stays(line));
        Some(kept.filter_map(|(whole, _)| self.raw.get(whole)).collect::<Vec<_>>().concat())
    }

    /// Where the payload stands in the block, if it is on one line.
    pub(super) fn payload_span(&self) -> Option<Range<usize>> {
        match &self.data {
            Data::Line(span) => Some(span.clone()),
            Data::Absent | Data::Lines(_) => None,
        }
    }

    /// The block with another payload and all else as it was. A payload with line breaks (which
    /// JSON has only between tokens) goes on as many `data` lines.
    pub(super) fn with_payload(&self, payload: &[u8]) -> Vec<u8> {
        let (first, others) = match &self.data {
            Data::Absent => return self.raw.to_vec(),
            Data::Line(span) => (span.clone(), [].as_slice()),
            Data::Lines(lines) => match lines.split_first() {
                Some((first, others)) => (first.value.clone(), others),
                None => return self.raw.to_vec(),
            },
        };
        let line_break = [line_end(self.raw, first.end), b"data: "].concat();
        let parts: Vec<&[u8]> = payload.split(|&byte| byte == b'\n').collect();
        let mut edits = vec![Edit { span: first, with: parts.join(line_break.as_slice()) }];
        edits.extend(others.iter().map(|line| Edit { span: line.whole.clone(), with: Vec::new() }));
        splice(self.raw, &mut edits)
    }
}

/// The lines of a block: where each stands with its end, and what it says.
fn lines(raw: &[u8]) -> impl Iterator<Item = (Range<usize>, &[u8])> {
    let mut start = if raw.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
    std::iter::from_fn(move || {
        let rest = raw.get(start..).filter(|rest| !rest.is_empty())?;
        let length = memchr2(b'\n', b'\r', rest).unwrap_or(rest.len());
        let (from, end) = (start, start + length);
        start = (end + line_end(raw, end).len()).min(raw.len());
        Some((from..start, rest.get(..length)?))
    })
}

/// Whether a line is neither blank, nor a comment, nor a field that every reader knows or passes over:
/// one of the standard's, or one of a name of its own.
fn is_foreign(line: &[u8]) -> bool {
    let known: [&[u8]; 4] = [b"", b"event", b"id", b"retry"];
    !known.contains(&line.split(|&byte| byte == b':').next().unwrap_or_default())
        && !is_unknown_field(line)
}

/// Whether a line is a field that says no text: one under a name that no reader knows, or one of the
/// standard's that only lenient readers know, as it is spelt. Data that is spelt so is not passed over by
/// all of them, nor is an error.
fn is_unknown_field(line: &[u8]) -> bool {
    const READ: [&[u8]; 2] = [b"data", b"error"];
    const LONGEST: usize = 64;
    let line = line.trim_ascii_start();
    let Some(colon) = memchr::memchr(b':', line) else { return false };
    let name = line.get(..colon).unwrap_or_default();
    let usual = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    (1..=LONGEST).contains(&name.len())
        && name.iter().all(usual)
        && !READ.iter().any(|read| read.eq_ignore_ascii_case(name))
}

/// What a line names the event, if it does.
fn event_name(line: &[u8]) -> Option<&[u8]> {
    let name = line.strip_prefix(b"event:")?;
    Some(name.strip_prefix(b" ").unwrap_or(name))
}

/// Where the value begins if the line is a `data` field.
fn data_value(line: &[u8]) -> Option<usize> {
    match line.strip_prefix(b"data")? {
        [] => Some(4),
        [b':', b' ', ..] => Some(6),
        [b':', ..] => Some(5),
        _ => None,
    }
}

/// Where the value begins if a lenient reader takes the line for a `data` field: behind blanks, in another
/// case.
fn loose_data_value(line: &[u8]) -> Option<usize> {
    let blank = line.len() - line.trim_ascii_start().len();
    let (name, behind) = line.get(blank..)?.split_at_checked(4)?;
    let space = match behind {
        [b':', b' ', ..] => 2,
        [b':', ..] => 1,
        _ => return None,
    };
    name.eq_ignore_ascii_case(b"data").then_some(blank + 4 + space)
}

/// The line end that stands at `at`; LF where the block breaks off.
fn line_end(raw: &[u8], at: usize) -> &'static [u8] {
    match raw.get(at..).unwrap_or_default() {
        [b'\r', b'\n', ..] => b"\r\n",
        [b'\r', ..] => b"\r",
        _ => b"\n",
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::super::{EventError, Framing, Splitter};
    use super::*;

    fn blocks(chunks: impl IntoIterator<Item = Bytes>) -> Vec<Bytes> {
        let mut splitter = Splitter::new(Framing::Sse, 1 << 20);
        let mut blocks = Vec::new();
        for chunk in chunks {
            splitter.push(chunk);
            while let Some(block) = splitter.next_event().unwrap() {
                blocks.push(block);
            }
        }
        let rest = splitter.take_rest();
        blocks.extend((!rest.is_empty()).then_some(rest));
        blocks
    }

    const STREAM: &str = "\u{feff}: hi\n\ndata: {\"a\":\"é\"}\n\nevent: x\r\ndata:1\r\ndata: 2\r\nid: 7\r\n\r\n\
                          data: cr\r\rdata\n\nretry: 5\n\n\ndata: [DONE]\n\ndata: tail";

    #[test]
    fn every_split_of_a_stream_gives_the_same_blocks_and_all_of_its_bytes() {
        let whole = Bytes::from_static(STREAM.as_bytes());
        let expected = blocks([whole.clone()]);
        assert_eq!(expected.concat(), STREAM.as_bytes());
        assert_eq!(expected.len(), 9);
        for first in 0..=whole.len() {
            for second in first..=whole.len() {
                let chunks =
                    [whole.slice(..first), whole.slice(first..second), whole.slice(second..)];
                assert_eq!(blocks(chunks), expected, "cut at {first} and {second}");
            }
        }
        assert_eq!(blocks(whole.chunks(1).map(Bytes::copy_from_slice)), expected);
    }

    #[test]
    fn the_payload_is_what_the_standard_says_and_can_be_put_back() {
        let read = |raw: &str| {
            Block::parse(raw.as_bytes())
                .payload()
                .map(|data| String::from_utf8(data.into_owned()).unwrap())
        };
        assert_eq!(read(": c\n\n"), None);
        assert_eq!(read("data\n\n").as_deref(), Some(""));
        assert_eq!(read("data:x\r\n\r\n").as_deref(), Some("x"));
        assert_eq!(read("event: e\ndata: {\ndata: }\n\n").as_deref(), Some("{\n}"));
        let put = |raw: &str, payload: &str| {
            String::from_utf8(Block::parse(raw.as_bytes()).with_payload(payload.as_bytes()))
                .unwrap()
        };
        assert_eq!(put("id: 1\ndata: old\n: c\n\n", "new"), "id: 1\ndata: new\n: c\n\n");
        assert_eq!(
            put("data: a\r\n: c\r\ndata: b\r\n\r\n", "x\ny\nz"),
            "data: x\r\ndata: y\r\ndata: z\r\n: c\r\n\r\n"
        );
    }

    #[test]
    fn a_field_that_no_reader_knows_is_not_foreign_and_a_line_that_one_may_read_is() {
        for (line, foreign) in [
            ("foo: bar", false),
            ("x-trace_1:", false),
            ("data: 1", false),
            (": foo", false),
            ("error: {}", true),
            ("Data: 1", false),
            (" data: 1", false),
            ("Event: x", false),
            (" id: 7", false),
            ("Data: 1\ndata: 1", true),
            ("Data: 1\n data: 1", true),
            ("Data", true),
            ("foo", true),
            ("{\"a\": 1}", true),
            ("two words: 1", true),
            ("\u{feff}data: 1", true),
        ] {
            let block = format!("event: x\n{line}\n\n");
            assert_eq!(Block::parse(block.as_bytes()).is_foreign(), foreign, "{line}");
        }
        assert_eq!(Block::parse(b"\t Data:{}\n\n").payload().as_deref(), Some(&b"{}"[..]));
        let long = format!("{}: 1\n\n", "a".repeat(65));
        assert!(Block::parse(long.as_bytes()).is_foreign());
    }

    #[test]
    fn an_event_without_an_end_is_refused_at_the_limit_and_searched_once() {
        let mut splitter = Splitter::new(Framing::Sse, 100_000);
        let outcome = (0..200_000).find_map(|_| {
            splitter.push(Bytes::from_static(b"x"));
            splitter.next_event().err()
        });
        assert_eq!(outcome, Some(EventError::TooLong { limit: 100_000 }));
        assert_eq!(splitter.held(), 100_001);
    }

    proptest::proptest! {
        /// Oracle: the sse-stream crate, an independent decoder (it drops an unfinished tail).
        #[test]
        fn events_and_their_data_agree_with_an_independent_decoder(
            lines in proptest::collection::vec(("(data|data:|data: |event: |id: |: |x: )", "[a-z{}é ]{0,6}", "(\n|\r\n|\n\n|\r\n\r\n)"), 0..12),
        ) {
            use futures_util::{StreamExt, TryStreamExt};
            let text: String = lines.iter().map(|(field, value, end)| format!("{field}{value}{end}")).collect();
            let ours: Vec<String> = blocks([Bytes::from(text.clone())]).iter()
                .filter(|block| block.ends_with(b"\n\n") || block.ends_with(b"\n\r\n"))
                .filter_map(|block| Block::parse(block).payload().map(|data| String::from_utf8(data.into_owned()).unwrap()))
                .collect();
            let body = futures_util::stream::iter([Ok::<_, std::convert::Infallible>(Bytes::from(text))]);
            let events = sse_stream::SseStream::from_bytes_stream(body);
            let theirs: Vec<_> = futures_util::FutureExt::now_or_never(events.into_stream().collect::<Vec<_>>()).unwrap();
            let theirs: Vec<String> = theirs.into_iter().filter_map(|event| event.unwrap().data).collect();
            proptest::prop_assert_eq!(ours, theirs);
        }
    }
}
