//! Scanning a stream's events without reading each of them.
//!
//! The events of one stream differ in their text and hardly anywhere else. So what was found in one
//! event is kept as a template: the bytes between its texts, and what they mean. An event that has
//! the same bytes around other string contents has the same structure, because the structure of
//! JSON does not depend on what its strings say; then two comparisons and a search for the closing
//! quote replace the walk.

use std::collections::BTreeSet;
use std::ops::Range;

use memchr::memchr2;

use super::listed::is_identifier;
use super::scan::{Block, Channel, Field, FieldKind, Kind, Slot};
use super::{Protocol, Scan, json};
use crate::secret::opaque_debug;

/// Templates kept per stream: choices and reasoning and answer alternate.
const TEMPLATES: usize = 4;

/// The longest event of which a template is kept, in bytes.
const TEMPLATE_LENGTH: usize = 4096;

/// The most blocks that are remembered to hold no answer. No message has more.
const BLOCKS: usize = 4096;

/// Scans the events of one stream. The result is that of [`Protocol::scan_event`], but that what a
/// block says of itself when it begins holds for every text of it.
#[derive(Debug)]
pub struct Scanner {
    protocol: &'static dyn Protocol,
    templates: Vec<Template>,
    oldest: usize,
    /// Blocks whose texts are not the answer's.
    thoughts: BTreeSet<u32>,
}

/// One event with its texts taken out.
struct Template {
    /// What stands before, between and behind the texts: one more than there are texts.
    literals: Vec<Vec<u8>>,
    scan: Scan,
}

opaque_debug!(Template);

impl Scanner {
    /// A scanner for one stream of `protocol`.
    #[must_use]
    pub fn new(protocol: &'static dyn Protocol) -> Self {
        Self { protocol, templates: Vec::new(), oldest: 0, thoughts: BTreeSet::new() }
    }

    /// Finds what [`Protocol::scan_event`] finds in a payload.
    ///
    /// # Errors
    /// The payload is not JSON.
    pub fn scan(&mut self, payload: &[u8], scan: &mut Scan) -> Result<(), json::Error> {
        self.find(payload, scan)?;
        if let Some(Block { group, answers, .. }) = scan.begins {
            if answers {
                self.thoughts.remove(&group);
            } else if self.thoughts.len() < BLOCKS {
                self.thoughts.insert(group);
            }
        }
        let full = self.thoughts.len() == BLOCKS;
        for channel in scan.channels.iter_mut().filter(|it| it.kind == Kind::Answer) {
            if full || self.thoughts.contains(&channel.lane.group) {
                (channel.kind, channel.lane.slot) = (Kind::Reasoning, Slot::Reasoning);
                channel.signed = true;
            }
        }
        Ok(())
    }

    fn find(&mut self, payload: &[u8], scan: &mut Scan) -> Result<(), json::Error> {
        if self.templates.iter().any(|template| template.scan(payload, scan)) {
            return Ok(());
        }
        scan.clear();
        self.protocol.scan_event(payload, scan)?;
        if let Some(template) = Template::new(payload, scan) {
            if self.templates.len() < TEMPLATES {
                self.templates.push(template);
            } else if let Some(place) = self.templates.get_mut(self.oldest) {
                *place = template;
                self.oldest = (self.oldest + 1) % TEMPLATES;
            }
        }
        Ok(())
    }
}

impl Template {
    /// The template of an event, if it is one of a kind that recurs: text and nothing more.
    fn new(payload: &[u8], scan: &Scan) -> Option<Self> {
        let recurs = !scan.says_more && !scan.error && scan.usage == super::Usage::default();
        let apart = scan.quoted.is_empty() && scan.media.is_empty();
        let recurs = recurs && apart && !scan.ambiguous;
        let texts: Vec<Range<usize>> = texts(scan).collect();
        // An empty text may mean something else than a text.
        let filled = !texts.is_empty() && texts.iter().all(|span| !span.is_empty());
        let ordered = texts.windows(2).all(|pair| matches!(pair, [a, b] if a.end < b.start));
        if !recurs || !filled || !ordered || payload.len() > TEMPLATE_LENGTH {
            return None;
        }
        let starts = std::iter::once(0).chain(texts.iter().map(|span| span.end));
        let ends = texts.iter().map(|span| span.start).chain([payload.len()]);
        let literals =
            starts.zip(ends).map(|(start, end)| payload.get(start..end).map(<[u8]>::to_vec));
        Some(Self { literals: literals.collect::<Option<_>>()?, scan: scan.clone() })
    }

    /// Finds in `payload` what the template knows, if it fits.
    fn scan(&self, payload: &[u8], scan: &mut Scan) -> bool {
        let mut literals = self.literals.iter();
        let first = literals.next().map_or(&[][..], Vec::as_slice);
        if !payload.starts_with(first) {
            return false;
        }
        scan.clear();
        let Scan { channels, fields, closes, in_blocks, .. } = &self.scan;
        scan.in_blocks = *in_blocks;
        scan.closes.extend_from_slice(closes);
        let mut channels = channels.iter().peekable();
        let mut fields = fields.iter().peekable();
        let mut at = first.len();
        // How far this event's bytes stand behind the template's, modulo the word.
        let mut shift = 0_usize;
        for literal in literals {
            let Some(end) = end_of_text(payload, at) else { return false };
            let rest = payload.get(end..).unwrap_or_default();
            if end == at || !rest.starts_with(literal) {
                return false;
            }
            // Fields before this text keep their place relative to the text before it.
            let text_start = at.wrapping_sub(shift);
            while let Some(field) = fields.next_if(|field| field.span.start < text_start) {
                scan.fields.push(shifted(field, shift));
            }
            let known_end = if let Some(channel) =
                channels.next_if(|channel| channel.span.start == text_start)
            {
                scan.channels.push(Channel { span: at..end, ..channel.clone() });
                channel.span.end
            } else if let Some(field) = fields.next() {
                // Padding that is none is told by a full scan.
                if !is_identifier(payload.get(at..end).unwrap_or_default()) {
                    return false;
                }
                scan.fields.push(Field { span: at..end, ..field.clone() });
                field.span.end
            } else {
                return false;
            };
            shift = end.wrapping_sub(known_end);
            at = end + literal.len();
        }
        scan.fields.extend(fields.map(|field| shifted(field, shift)));
        at == payload.len()
    }
}

/// The texts of an event in the order of their places: its channels, and padding, which changes
/// with every event.
fn texts(scan: &Scan) -> impl Iterator<Item = Range<usize>> {
    let padding = scan.fields.iter().filter(|field| field.kind == FieldKind::Padding);
    let mut spans: Vec<Range<usize>> =
        scan.channels.iter().map(|channel| channel.span.clone()).collect();
    spans.extend(padding.map(|field| field.span.clone()));
    spans.sort_by_key(|span| span.start);
    spans.into_iter()
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::chat::Chat;
    use super::super::messages::Messages;
    use super::*;

    fn chunk() -> impl Strategy<Value = String> {
        let text = r#"([a-z é]|\\n|\\"|\\\\|\\u00e9){0,6}"#;
        (0..2_u32, text, text, text, 0..8_u32).prop_map(|(index, first, second, padding, form)| {
            let delta = match form {
                0 => format!(r#""content":"{first}""#),
                1 => format!(r#""reasoning_content":"{first}","content":null"#),
                2 => format!(r#""reasoning":"{first}","reasoning_details":[{{"type":"reasoning.text","text":"{second}","index":0}}]"#),
                3 => format!(r#""role":"assistant","content":"{first}""#),
                4 => format!(r#""tool_calls":[{{"index":0,"function":{{"arguments":"{first}"}}}}]"#),
                _ => format!(r#""content":"{first}","token_ids":[1]"#),
            };
            let finish = if form == 6 { r#""stop""# } else { "null" };
            let model = if form == 7 { "other" } else { "model" };
            format!(r#"{{"id":"1","choices":[{{"delta":{{{delta}}},"index":{index},"logprobs":null,"finish_reason":{finish}}}],"obfuscation":"{padding}","model":"{model}"}}"#)
        })
    }

    fn event() -> impl Strategy<Value = String> {
        (0..3_u32, r#"([a-z é]|\\n|\\"){0,6}"#, 0..3_u32).prop_map(|(index, text, form)| {
            let delta = match form {
                0 => format!(r#"{{"type":"text_delta","text":"{text}"}}"#),
                1 => format!(r#"{{"type":"thinking_delta","thinking":"{text}"}}"#),
                _ => format!(r#"{{"type":"signature_delta","signature":"{text}"}}"#),
            };
            format!(r#"{{"type":"content_block_delta","index":{index},"delta":{delta}}}"#)
        })
    }

    fn agrees(protocol: &'static dyn Protocol, payloads: &[String]) -> Result<(), TestCaseError> {
        let mut scanner = Scanner::new(protocol);
        let mut found = Scan::default();
        for payload in payloads {
            let mut expected = Scan::default();
            protocol.scan_event(payload.as_bytes(), &mut expected).unwrap();
            scanner.scan(payload.as_bytes(), &mut found).unwrap();
            prop_assert_eq!(&found, &expected, "{}", payload);
        }
        Ok(())
    }

    proptest! {
        /// Oracle: the scan without templates. Fails when a template ignores a literal's end, an
        /// escape, or the shift of the fields behind a text.
        #[test]
        fn templates_find_what_a_full_scan_finds(
            chunks in proptest::collection::vec(chunk(), 1..30),
            events in proptest::collection::vec(event(), 1..30),
        ) {
            agrees(&Chat, &chunks)?;
            agrees(&Messages, &events)?;
        }
    }
}
