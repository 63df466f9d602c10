//! One event of a stream with what changes from event to event taken out.

use std::ops::Range;

use memchr::memchr2;

use crate::secret::opaque_debug;
use crate::wire::listed::{Shape, is_identifier};
use crate::wire::scan::{Carrier, Channel, Field, FieldKind, Scan, Usage};

/// The longest event of which a template is kept, in bytes.
const LENGTH: usize = 4096;

/// An event with blanks.
pub(super) struct Template {
    /// What the framing calls it.
    kind: Option<Vec<u8>>,
    /// What stands before the first blank.
    first: Vec<u8>,
    /// The blanks, and what stands behind each.
    blanks: Vec<(Blank, Vec<u8>)>,
    scan: Scan,
}

opaque_debug!(Template);

/// A place that another event fills otherwise.
#[derive(Clone)]
struct Blank {
    span: Range<usize>,
    what: What,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum What {
    /// The contents of a string, which is a text.
    Text,
    /// Those of one that hides a length.
    Padding,
    /// The number of the event.
    Number,
    /// A value that changes and tells nothing.
    Varying(Shape),
}

impl Template {
    /// The template of an event, if it is one of a kind that recurs: text and nothing more.
    pub(super) fn new(kind: Option<&[u8]>, payload: &[u8], scan: &Scan) -> Option<Self> {
        let recurs = !scan.says_more && !scan.error && scan.usage == Usage::default();
        let apart = scan.quoted.is_empty() && scan.media.is_empty();
        if !recurs || !apart || scan.ambiguous || payload.len() > LENGTH {
            return None;
        }
        if !scan.carriers.iter().all(Carrier::stands_nowhere) {
            return None;
        }
        let in_order = scan.channels.is_sorted_by_key(|it| it.span.start)
            && scan.fields.is_sorted_by_key(|it| it.span.start);
        let blanks = blanks(scan);
        // An empty text may mean something else than a text.
        let filled = !scan.channels.is_empty() || blanks.iter().any(|it| it.what == What::Padding);
        let filled = filled && blanks.iter().all(|blank| !blank.span.is_empty());
        let ordered = |pair: &[Blank]| matches!(pair, [a, b] if a.span.end < b.span.start);
        if !filled || !in_order || !blanks.windows(2).all(ordered) {
            return None;
        }
        let first = payload.get(..blanks.first()?.span.start)?.to_vec();
        let next = blanks.iter().skip(1).map(|blank| blank.span.start).chain([payload.len()]);
        let behind = blanks.iter().zip(next).map(|(blank, next)| {
            let literal = payload.get(blank.span.end..next)?.to_vec();
            Some((blank.clone(), literal))
        });
        let blanks = behind.collect::<Option<_>>()?;
        Some(Self { kind: kind.map(<[u8]>::to_vec), first, blanks, scan: scan.clone() })
    }

    /// Finds in `payload` what the template knows, if it fits.
    pub(super) fn scan(&self, kind: Option<&[u8]>, payload: &[u8], scan: &mut Scan) -> bool {
        if !payload.starts_with(&self.first) || kind != self.kind.as_deref() {
            return false;
        }
        scan.clear();
        let Scan { channels, fields, closes, carriers, in_blocks, repeats, turns, .. } = &self.scan;
        scan.turns.extend_from_slice(turns);
        scan.carriers.extend_from_slice(carriers);
        (scan.in_blocks, scan.repeats) = (*in_blocks, *repeats);
        scan.closes.extend_from_slice(closes);
        let mut channels = channels.iter();
        let mut fields = fields.iter().peekable();
        let mut at = self.first.len();
        // How far this event's bytes stand behind the template's, modulo the word.
        let mut shift = 0_usize;
        for (blank, literal) in &self.blanks {
            let Some(end) = blank.what.end(payload, at) else { return false };
            let rest = payload.get(end..).unwrap_or_default();
            if end == at || !rest.starts_with(literal) {
                return false;
            }
            // Fields before this blank keep their place relative to the one before it.
            while let Some(field) = fields.next_if(|field| field.span.start < blank.span.start) {
                scan.fields.push(shifted(field, shift));
            }
            let value = payload.get(at..end).unwrap_or_default();
            match blank.what {
                What::Text => {
                    let Some(channel) = channels.next() else { return false };
                    scan.channels.push(Channel { span: at..end, ..channel.clone() });
                }
                // What is none of its kind is told by a full scan.
                What::Padding if is_identifier(value) => {
                    let Some(field) = fields.next() else { return false };
                    scan.fields.push(Field { span: at..end, ..field.clone() });
                }
                What::Number => {
                    let number = std::str::from_utf8(value).ok().and_then(|it| it.parse().ok());
                    let Some((number, field)) = number.zip(fields.next()) else { return false };
                    let kind = FieldKind::Sequence(number);
                    scan.fields.push(Field { kind, span: at..end, ..field.clone() });
                }
                What::Varying(shape) if shape.fits(value) => {}
                What::Padding | What::Varying(_) => return false,
            }
            shift = end.wrapping_sub(blank.span.end);
            at = end + literal.len();
        }
        scan.fields.extend(fields.map(|field| shifted(field, shift)));
        at == payload.len()
    }
}

impl What {
    /// Where what fills the blank ends.
    #[inline]
    fn end(self, payload: &[u8], at: usize) -> Option<usize> {
        match self {
            Self::Text | Self::Padding => end_of_text(payload, at),
            Self::Varying(_) if payload.get(at) == Some(&b'"') => {
                end_of_text(payload, at + 1).map(|end| end + 1)
            }
            Self::Number | Self::Varying(_) => {
                let digits = payload.get(at..)?.iter();
                Some(at + digits.take_while(|it| it.is_ascii_digit() || **it == b'.').count())
            }
        }
    }
}

/// The blanks of an event in the order of their places.
fn blanks(scan: &Scan) -> Vec<Blank> {
    let texts = scan.channels.iter().map(|it| (it.span.clone(), What::Text));
    let fields = scan.fields.iter().filter_map(|field| {
        let what = match field.kind {
            FieldKind::Padding => What::Padding,
            FieldKind::Sequence(_) => What::Number,
            _ => return None,
        };
        Some((field.span.clone(), what))
    });
    let varying = scan.varying.iter().filter(|_| scan.varies);
    let varying = varying.map(|it| (it.span.clone(), What::Varying(it.shape)));
    let all = texts.chain(fields).chain(varying);
    let mut blanks: Vec<Blank> = all.map(|(span, what)| Blank { span, what }).collect();
    blanks.sort_by_key(|blank| blank.span.start);
    blanks
}

fn shifted(field: &Field, shift: usize) -> Field {
    let Field { kind, span, name } = field;
    let moved = |at: usize| at.wrapping_add(shift);
    Field { kind: *kind, span: moved(span.start)..moved(span.end), name: name.clone() }
}

/// Where the string ends whose contents begin at `from`.
fn end_of_text(payload: &[u8], mut from: usize) -> Option<usize> {
    loop {
        let found = from + memchr2(b'"', b'\\', payload.get(from..)?)?;
        if payload.get(found) == Some(&b'"') {
            return Some(found);
        }
        from = found + 2;
    }
}
