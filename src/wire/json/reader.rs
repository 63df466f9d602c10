//! A pull scanner over JSON bytes that yields spans.

use std::borrow::Cow;
use std::ops::Range;

use crate::secret::opaque_debug;
use memchr::memchr2;

/// The document is not JSON as far as it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not JSON: {expected} expected at byte {at}")]
pub struct Error {
    /// Where, in bytes from the start.
    pub at: usize,
    /// What would have been well-formed there.
    pub expected: &'static str,
}

/// What kind of value stands next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `{`
    Object,
    /// `[`
    Array,
    /// `"`
    String,
    /// `null`
    Null,
    /// A number, `true`, `false`, or a bare word such as `NaN` that some writers emit.
    Scalar,
}

/// A member's name, as it stands in the document.
#[derive(Clone, Copy)]
pub struct Key<'a> {
    raw: &'a [u8],
    escaped: bool,
    /// Where the member begins: the opening quote of its name.
    pub start: usize,
}

opaque_debug!(Key<'_>);

/// A string value: where its contents stand, between the quotes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// The bytes between the quotes.
    pub span: Range<usize>,
    /// Whether they hold escapes.
    pub escaped: bool,
}

/// The members of an object, by where they begin and end; see [`removals`](super::removals).
#[derive(Clone, Debug, Default)]
pub struct Members {
    /// From the opening quote of each name to the end of its value, in document order.
    pub spans: Vec<Range<usize>>,
}

/// Walks a document once, front to back.
///
/// It is lenient where leniency cannot mislead: what a strict parser accepts is read the same way
/// here, and what only this reader accepts is refused by the client's own parser. Depth costs no
/// stack, since values that nobody asked for are skipped by counting brackets.
pub struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

opaque_debug!(Reader<'_>);

impl<'a> Key<'a> {
    /// The name with its escapes resolved; one that cannot be resolved is given as it stands.
    #[must_use]
    pub fn name(&self) -> Cow<'a, [u8]> {
        if !self.escaped {
            return Cow::Borrowed(self.raw);
        }
        match super::unescape(self.raw) {
            Ok(name) => Cow::Owned(name.into_owned().into_bytes()),
            Err(_) => Cow::Borrowed(self.raw),
        }
    }

    /// Whether this is the name of a field.
    #[must_use]
    pub fn is(&self, name: &str) -> bool {
        if self.escaped { *self.name() == *name.as_bytes() } else { self.raw == name.as_bytes() }
    }
}

impl<'a> Reader<'a> {
    /// A reader at the start of `bytes`; a byte order mark is passed over.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        let at = if bytes.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
        Self { bytes, at }
    }

    /// A reader of the same bytes that stands at the beginning of a value that was passed over.
    pub(in crate::wire) fn at(bytes: &'a [u8], at: usize) -> Self {
        Self { bytes, at }
    }

    /// The bytes being read.
    #[must_use]
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Where the reader stands; after [`Self::kind`], at the first byte of the next value.
    #[must_use]
    pub fn position(&self) -> usize {
        self.at
    }

    /// The next value if it is a string that can be decoded: its contents' span, and the text.
    ///
    /// # Errors
    /// No well-formed value stands here.
    pub fn name(&mut self) -> Result<Option<(Range<usize>, String)>, Error> {
        let text = self.text()?;
        Ok(text.and_then(|Text { span, .. }| {
            let raw = self.bytes.get(span.clone())?;
            let name = super::unescape(raw).ok()?.into_owned();
            Some((span, name))
        }))
    }

    /// Reads one value with `value` and makes sure that nothing but white space follows.
    ///
    /// # Errors
    /// What `value` returns, or that more follows.
    pub fn document(
        mut self,
        value: impl FnOnce(&mut Self) -> Result<(), Error>,
    ) -> Result<(), Error> {
        value(&mut self)?;
        match self.peek_byte() {
            None => Ok(()),
            Some(_) => Err(self.expected("the end")),
        }
    }

    /// The kind of the next value.
    ///
    /// # Errors
    /// No value stands here.
    pub fn kind(&mut self) -> Result<Kind, Error> {
        match self.peek_byte() {
            Some(b'{') => Ok(Kind::Object),
            Some(b'[') => Ok(Kind::Array),
            Some(b'"') => Ok(Kind::String),
            Some(b'n') => Ok(Kind::Null),
            Some(byte) if is_scalar(byte) => Ok(Kind::Scalar),
            _ => Err(self.expected("a value")),
        }
    }

    /// Visits each member of an object; `member` must read exactly its value. A value that is not
    /// an object is skipped.
    ///
    /// # Errors
    /// The object is malformed, or what `member` returns.
    pub fn members(
        &mut self,
        mut member: impl FnMut(&mut Self, Key<'a>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        if self.peek_byte() != Some(b'{') {
            return self.pass();
        }
        self.at += 1;
        if self.take(b'}') {
            return Ok(());
        }
        loop {
            if self.peek_byte() != Some(b'"') {
                return Err(self.expected("a member name"));
            }
            let start = self.at;
            let Text { span, escaped } = self.string()?;
            if !self.take(b':') {
                return Err(self.expected("`:`"));
            }
            let raw = self.bytes.get(span).unwrap_or_default();
            member(self, Key { raw, escaped, start })?;
            if self.take(b',') {
                continue;
            }
            return if self.take(b'}') { Ok(()) } else { Err(self.expected("`,` or `}`")) };
        }
    }

    /// Visits each member of an object, as [`members`](Self::members) does, and takes nothing else.
    ///
    /// # Errors
    /// Not an object stands here, it is malformed, or what `member` returns.
    pub fn object(
        &mut self,
        member: impl FnMut(&mut Self, Key<'a>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        match self.kind()? {
            Kind::Object => self.members(member),
            _ => Err(self.expected("an object")),
        }
    }

    /// Visits each element of an array; `element` must read exactly one value. A value that is not
    /// an array is skipped.
    ///
    /// # Errors
    /// The array is malformed, or what `element` returns.
    pub fn elements(
        &mut self,
        mut element: impl FnMut(&mut Self, usize) -> Result<(), Error>,
    ) -> Result<(), Error> {
        if self.peek_byte() != Some(b'[') {
            return self.pass();
        }
        self.at += 1;
        if self.take(b']') {
            return Ok(());
        }
        let mut index = 0;
        loop {
            element(self, index)?;
            index += 1;
            if self.take(b',') {
                continue;
            }
            return if self.take(b']') { Ok(()) } else { Err(self.expected("`,` or `]`")) };
        }
    }

    /// The next value if it is a string; any other value is skipped.
    ///
    /// # Errors
    /// No well-formed value stands here.
    pub fn text(&mut self) -> Result<Option<Text>, Error> {
        if self.peek_byte() == Some(b'"') {
            self.string().map(Some)
        } else {
            self.skip().map(|_| None)
        }
    }

    /// The next value as a whole number, and where it stands; any other value is skipped.
    ///
    /// # Errors
    /// No well-formed value stands here.
    pub fn whole_number(&mut self) -> Result<Option<(Range<usize>, u64)>, Error> {
        let span = self.skip()?;
        let number = std::str::from_utf8(self.bytes.get(span.clone()).unwrap_or_default())
            .ok()
            .and_then(|digits| digits.parse().ok());
        Ok(number.map(|number| (span, number)))
    }

    /// The next value as a number that is to be capped, and where it stands; `None` if it is null.
    /// What is no whole number counts as the greatest: servers that convert `"64"` or `7.0` differ.
    ///
    /// # Errors
    /// No well-formed value stands here.
    pub fn capped_number(&mut self) -> Result<Option<(Range<usize>, u64)>, Error> {
        if self.kind()? == Kind::Null {
            return self.skip().map(|_| None);
        }
        let start = self.at;
        let number = self.whole_number()?;
        Ok(Some(number.unwrap_or((start..self.at, u64::MAX))))
    }

    /// Where the value stands that `value` reads.
    ///
    /// # Errors
    /// What `value` returns.
    pub fn spanned(
        &mut self,
        value: impl FnOnce(&mut Self) -> Result<(), Error>,
    ) -> Result<Range<usize>, Error> {
        self.peek_byte();
        let start = self.at;
        value(self)?;
        Ok(start..self.at)
    }

    /// Passes over the next value and returns where it stands, without white space around it.
    ///
    /// # Errors
    /// No well-formed value stands here.
    pub fn skip(&mut self) -> Result<Range<usize>, Error> {
        let kind = self.kind()?;
        let start = self.at;
        match kind {
            Kind::String => {
                self.string()?;
            }
            Kind::Null | Kind::Scalar => self.scalar(),
            Kind::Object | Kind::Array => self.nested()?,
        }
        Ok(start..self.at)
    }

    /// Passes over the next value.
    ///
    /// # Errors
    /// No well-formed value stands here.
    pub fn pass(&mut self) -> Result<(), Error> {
        self.skip().map(|_| ())
    }

    fn nested(&mut self) -> Result<(), Error> {
        let mut depth = 0_usize;
        loop {
            match self.peek_byte() {
                Some(b'{' | b'[') => {
                    depth += 1;
                    self.at += 1;
                }
                Some(b'}' | b']') => {
                    depth -= 1;
                    self.at += 1;
                    if depth == 0 {
                        return Ok(());
                    }
                }
                Some(b'"') => {
                    self.string()?;
                }
                Some(b',' | b':') => self.at += 1,
                Some(byte) if is_scalar(byte) => self.scalar(),
                _ => return Err(self.expected("`}` or `]`")),
            }
        }
    }

    fn scalar(&mut self) {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        self.at += rest.iter().position(|&byte| !is_scalar(byte)).unwrap_or(rest.len());
    }

    /// Reads a string whose opening quote is next.
    fn string(&mut self) -> Result<Text, Error> {
        let start = self.at + 1;
        let mut escaped = false;
        let mut from = start;
        loop {
            let rest = self.bytes.get(from..).unwrap_or_default();
            let Some(offset) = quote_or_backslash(rest) else {
                self.at = self.bytes.len();
                return Err(self.expected("a closing quote"));
            };
            let found = from + offset;
            if self.bytes.get(found) == Some(&b'"') {
                self.at = found + 1;
                return Ok(Text { span: start..found, escaped });
            }
            escaped = true;
            from = found + 2;
        }
    }

    fn peek_byte(&mut self) -> Option<u8> {
        loop {
            match self.bytes.get(self.at) {
                Some(b' ' | b'\n' | b'\r' | b'\t') => self.at += 1,
                other => return other.copied(),
            }
        }
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek_byte() == Some(byte);
        self.at += usize::from(found);
        found
    }

    pub(in crate::wire) fn expected(&self, expected: &'static str) -> Error {
        Error { at: self.at, expected }
    }
}

/// Where the first of them stands. Nearly always it is near, and looking there costs less than beginning a search.
#[inline]
fn quote_or_backslash(bytes: &[u8]) -> Option<usize> {
    const EACH: u64 = u64::from_le_bytes([1; 8]);
    let mut at = 0;
    for eight in bytes.chunks_exact(8).take(2) {
        let eight = u64::from_le_bytes(eight.try_into().unwrap_or_default());
        // The lowest bit that is set is that of the first byte that is `byte`.
        let those = |byte: u8| {
            let differ = eight ^ (EACH * u64::from(byte));
            differ.wrapping_sub(EACH) & !differ & EACH << 7
        };
        let found = those(b'"') | those(b'\\');
        if found != 0 {
            return Some(at + found.trailing_zeros() as usize / 8);
        }
        at += 8;
    }
    Some(at + memchr2(b'"', b'\\', bytes.get(at..)?)?)
}

fn is_scalar(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.' | b'_')
}

#[cfg(test)]
mod tests;
