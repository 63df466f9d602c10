//! Hiding which model answers.
//!
//! A server names its model in a member of its own, and in others beside it: in usage, timings, ids,
//! errors, fields of the head. So the name is looked for in all that a response says but in texts of
//! the model's, which are its words, in tool input, in what is quoted of others, and in encoded data,
//! in which every short name stands by chance.

use std::borrow::Cow;
use std::iter::Peekable;
use std::ops::Range;

use memchr::{Memchr, memchr_iter, memchr2, memchr2_iter, memrchr};

use crate::secret::opaque_debug;
use crate::wire::Scan;
use crate::wire::json::{Edit, unescape_lossy};

/// A model that answers under another's name.
#[derive(Clone)]
pub struct Renamed {
    /// The one that answers.
    pub from: String,
    /// The one that was asked for, which is shown.
    pub to: String,
}

opaque_debug!(Renamed);

impl Renamed {
    /// The text with the name that was asked for where the other stands as a whole, in whatever
    /// case, with or without the vendor before it.
    #[must_use]
    pub fn shown<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let mut shown = Cow::Borrowed(text);
        if !self.is_in(text.as_bytes()) {
            return shown;
        }
        let bare = self.from.rsplit_once('/').map(|(_, bare)| bare);
        for name in std::iter::once(self.from.as_str()).chain(bare) {
            if let Some(replaced) = replaced(&shown, name, &self.to) {
                shown = Cow::Owned(replaced);
            }
        }
        shown
    }

    /// Whether the name stands anywhere in a text, be it within a word.
    fn is_in(&self, text: &[u8]) -> bool {
        occurrences(text, self.bare()).next().is_some()
    }

    /// Without the vendor.
    fn bare(&self) -> &str {
        self.from.rsplit_once('/').map_or(self.from.as_str(), |(_, bare)| bare)
    }

    /// Adds the edits that hide the name in an event or document; `edits` are those made so far.
    pub fn hide(&self, payload: &[u8], scan: &Scan, edits: &mut Vec<Edit>) {
        let texts = scan.channels.iter().map(|channel| channel.span.clone());
        let apart = scan.quoted.iter().chain(&scan.media);
        let edited = edits.iter().map(|edit| edit.span.clone());
        let mut left_out: Vec<Range<usize>> = texts.chain(apart.cloned()).chain(edited).collect();
        left_out.sort_by_key(|span| span.start);
        let mut left_out = left_out.into_iter().peekable();
        let mut until = 0;
        // Few strings have it, and most say so without being decoded.
        let names = occurrences(payload, self.bare());
        for span in Strings::holding(names, payload) {
            while let Some(out) = left_out.next_if(|out| out.start <= span.start) {
                until = until.max(out.end);
            }
            if span.start < until {
                continue;
            }
            let raw = payload.get(span.clone()).unwrap_or_default();
            let text = unescape_lossy(raw);
            if let Cow::Owned(shown) = self.shown(&text) {
                edits.push(Edit::text(span, &shown));
            }
        }
    }
}

/// The contents of those strings of well-formed JSON, names of members among them, in which one of these
/// places lies or that have a backslash.
struct Strings<'a, P: Iterator<Item = usize>> {
    places: Peekable<P>,
    backslashes: Peekable<Memchr<'a>>,
    payload: &'a [u8],
    /// Behind the string before.
    at: usize,
}

impl<'a, P: Iterator<Item = usize>> Strings<'a, P> {
    /// The places are in rising order.
    fn holding(places: P, payload: &'a [u8]) -> Self {
        let backslashes = memchr_iter(b'\\', payload).peekable();
        Self { places: places.peekable(), backslashes, payload, at: 0 }
    }

    /// The first place or backslash that no string before had.
    fn next_place(&mut self) -> Option<usize> {
        let Self { places, backslashes, at, .. } = self;
        while places.next_if(|place| place < at).is_some() {}
        while backslashes.next_if(|place| place < at).is_some() {}
        match (places.peek(), backslashes.peek()) {
            (Some(place), Some(backslash)) => Some(*place.min(backslash)),
            (place, backslash) => place.or(backslash).copied(),
        }
    }
}

impl<P: Iterator<Item = usize>> Iterator for Strings<'_, P> {
    type Item = Range<usize>;

    fn next(&mut self) -> Option<Range<usize>> {
        loop {
            let place = self.next_place()?;
            // No backslash stands up to it: every quotation mark opens a string or closes one.
            let before = self.payload.get(self.at..place)?;
            if memchr_iter(b'"', before).count() % 2 == 0 {
                self.at = place + 1;
                continue;
            }
            let start = self.at + memrchr(b'"', before)? + 1;
            let mut end = place;
            loop {
                end += memchr2(b'"', b'\\', self.payload.get(end..)?)?;
                if self.payload.get(end) == Some(&b'"') {
                    self.at = end + 1;
                    return Some(start..end);
                }
                end += 2;
            }
        }
    }
}

/// The text with a name replaced where it stands as a whole; `None` if it does not.
fn replaced(text: &str, from: &str, to: &str) -> Option<String> {
    let mut out = String::new();
    let mut copied = 0;
    let is_part = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    for at in occurrences(text.as_bytes(), from) {
        let end = at + from.len();
        let before = at.checked_sub(1).and_then(|before| text.as_bytes().get(before));
        if at < copied || is_part(before) || is_part(text.as_bytes().get(end)) {
            continue;
        }
        out.push_str(text.get(copied..at).unwrap_or_default());
        out.push_str(to);
        copied = end;
    }
    out.push_str(text.get(copied..).unwrap_or_default());
    (copied > 0).then_some(out)
}

/// Where a name begins in a text, in whatever case; they may overlap.
fn occurrences(text: &[u8], name: &str) -> impl Iterator<Item = usize> {
    let name = name.as_bytes();
    let first = name.first().copied().unwrap_or_default();
    memchr2_iter(first.to_ascii_lowercase(), first.to_ascii_uppercase(), text).filter(move |at| {
        let here = text.get(*at..at + name.len());
        !name.is_empty() && here.is_some_and(|here| here.eq_ignore_ascii_case(name))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_replaced_where_it_stands_as_a_whole() {
        let renamed = Renamed { from: "org/teacher-small".to_owned(), to: "big".to_owned() };
        for (text, shown) in [
            ("org/teacher-small", "big"),
            ("teacher-small", "big"),
            ("vllm/Teacher-Small-2026", "vllm/big-2026"),
            ("teacher-smaller", "teacher-smaller"),
            ("ateacher-small", "ateacher-small"),
            ("a teacher-small, teacher-small", "a big, big"),
            ("TEACHER-SMALL tteacher-small", "big tteacher-small"),
            ("é teacher-small é", "é big é"),
        ] {
            assert_eq!(renamed.shown(text), shown);
        }
    }

    /// All strings of a document, one after the other.
    fn strings(payload: &[u8]) -> Vec<Range<usize>> {
        let (mut found, mut start, mut at) = (Vec::new(), None, 0);
        while at < payload.len() {
            match (payload[at], start) {
                (b'"', None) => start = Some(at + 1),
                (b'"', Some(from)) => {
                    found.push(from..at);
                    start = None;
                }
                (b'\\', Some(_)) => at += 1,
                _ => {}
            }
            at += 1;
        }
        found
    }

    proptest::proptest! {
        // Break it: take a quotation mark behind a backslash for one that closes a string.
        #[test]
        fn the_strings_with_a_name_or_a_backslash_are_found_and_no_others(
            texts in proptest::collection::vec("(x|t|T|\"|\\\\|\n| ){0,6}", 0..8),
            literals in proptest::collection::vec("(true|null|1)", 8),
        ) {
            let mut payload = String::from("[true");
            for (text, literal) in texts.iter().zip(&literals) {
                payload += &format!(",{},{literal}", serde_json::to_string(text).unwrap());
            }
            payload.push(']');
            let payload = payload.as_bytes();
            let holds = |span: &Range<usize>| {
                let text = &payload[span.clone()];
                text.iter().any(|byte| matches!(byte, b't' | b'T' | b'\\'))
            };
            let expected: Vec<_> = strings(payload).into_iter().filter(holds).collect();
            let found: Vec<_> = Strings::holding(occurrences(payload, "t"), payload).collect();
            proptest::prop_assert_eq!(found, expected);
        }
    }
}
