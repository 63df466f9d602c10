//! Reading values by what their members are known to hold.

use std::ops::Range;

use super::{Field, FieldKind, Scan, Varying};
use crate::wire::json::{self, Error, Reader};
use crate::wire::listed::{Listed, Shape, is_worded_id, long_strings, number, shape};

/// The longest text of a client's at which an answer ends, in bytes.
const LONGEST_STOP: usize = 256;

impl Scan {
    /// Reads the next value as one that its event says once, unless it says nothing.
    pub(in crate::wire) fn once(
        &mut self,
        reader: &mut Reader<'_>,
        value: impl FnOnce(&mut Self, &mut Reader<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let span = reader.spanned(|reader| value(self, reader))?;
        let nothing: [&[u8]; 4] = [b"null", b"[]", b"{}", b"\"\""];
        if !nothing.contains(&reader.bytes().get(span.clone()).unwrap_or_default()) {
            self.says_more = true;
            self.field(FieldKind::Once, span);
        }
        Ok(())
    }

    /// Whether a value of the kind that the member `name` is known to have stands next. Another is
    /// read as a leak: what it says is known to nobody.
    pub(in crate::wire) fn expects(
        &mut self,
        kind: json::Kind,
        reader: &mut Reader<'_>,
        name: &[u8],
    ) -> Result<bool, Error> {
        if reader.kind()? == kind {
            return Ok(true);
        }
        self.leak(reader, name).map(|()| false)
    }

    /// Reads the next value as a leak, unless it is null.
    pub(in crate::wire) fn leak(
        &mut self,
        reader: &mut Reader<'_>,
        name: &[u8],
    ) -> Result<(), Error> {
        self.unlisted(reader, FieldKind::Leak, name)
    }

    /// Reads the next value as a leak where typed clients expect a list, unless it is an empty one.
    pub(in crate::wire) fn list(
        &mut self,
        reader: &mut Reader<'_>,
        name: &[u8],
    ) -> Result<(), Error> {
        if reader.kind()? != json::Kind::Array {
            return self.leak(reader, name);
        }
        let (start, mut empty) = (reader.position(), true);
        reader.elements(|reader, _| {
            empty = false;
            reader.pass()
        })?;
        if !empty {
            *reader = Reader::at(reader.bytes(), start);
            self.unlisted(reader, FieldKind::List, name)?;
        }
        Ok(())
    }

    /// Passes over the next value if `list` has its name and it is of the shape that goes with it;
    /// otherwise it is read as a leak.
    pub(in crate::wire) fn listed(
        &mut self,
        reader: &mut Reader<'_>,
        list: &[Listed],
        name: &[u8],
    ) -> Result<(), Error> {
        match shape(list, name) {
            Some(shape) => self.shaped(reader, shape, FieldKind::Leak, name),
            None => self.leak(reader, name),
        }
    }

    /// Passes over the next value if it has a shape; otherwise it is read as a field of this kind.
    pub(in crate::wire) fn shaped(
        &mut self,
        reader: &mut Reader<'_>,
        shape: Shape,
        kind: FieldKind,
        name: &[u8],
    ) -> Result<(), Error> {
        let span = reader.skip()?;
        let value = reader.bytes().get(span.clone()).unwrap_or_default();
        if !shape.fits(value) {
            let counts =
                kind == FieldKind::Leak && !value.starts_with(b"\"") && number(value).is_some();
            self.named_field(if counts { FieldKind::Number } else { kind }, span, name);
        } else {
            if shape.is_data() {
                self.encoded(reader.bytes(), span.clone());
            }
            if shape.is_quoted() {
                self.quoted.push(span);
            } else if shape.varies() && value != b"null" {
                self.varying.push(Varying { span, shape });
            }
        }
        Ok(())
    }

    /// Notes the data that stands in a value which may hold any.
    pub(in crate::wire) fn encoded(&mut self, bytes: &[u8], span: Range<usize>) {
        let value = bytes.get(span.clone()).unwrap_or_default();
        let long = long_strings(value);
        self.media.extend(long.map(|it| it.start + span.start..it.end + span.start));
    }

    /// Reads the next value as the text at which the answer ended.
    pub(in crate::wire) fn stop(
        &mut self,
        reader: &mut Reader<'_>,
        name: &[u8],
    ) -> Result<(), Error> {
        let text = reader.kind()? == json::Kind::String;
        let known = self.fields.len();
        let span = reader.spanned(|reader| {
            self.shaped(reader, Shape::Text(LONGEST_STOP), FieldKind::Leak, name)
        })?;
        if text && self.fields.len() == known {
            let raw = reader.bytes().get(span.start + 1..span.end - 1).unwrap_or_default();
            if raw.is_empty() {
                return Ok(());
            }
            self.named_field(FieldKind::Stop, span, json::unescape_lossy(raw).as_bytes());
        }
        Ok(())
    }

    /// Reads the next value as the name of a tool.
    pub(in crate::wire) fn tool(
        &mut self,
        reader: &mut Reader<'_>,
        name: &[u8],
    ) -> Result<(), Error> {
        if reader.kind()? != json::Kind::String {
            return self.shaped(reader, Shape::Identifier, FieldKind::Leak, name);
        }
        let span = reader.skip()?;
        let value = reader.bytes().get(span.clone()).unwrap_or_default();
        if !Shape::Identifier.fits(value) {
            let raw = value.get(1..value.len() - 1).unwrap_or_default();
            self.named_field(FieldKind::Tool, span, json::unescape_lossy(raw).as_bytes());
        }
        Ok(())
    }

    /// Reads the next value as the id of a call.
    pub(in crate::wire) fn call_id(
        &mut self,
        reader: &mut Reader<'_>,
        name: &[u8],
    ) -> Result<(), Error> {
        reader.kind()?;
        let start = reader.position();
        let span = reader.skip()?;
        let value = reader.bytes().get(span.clone()).unwrap_or_default();
        if !Shape::CallId.fits(value) && is_worded_id(value) {
            self.named_field(FieldKind::WordedId, span, name);
            return Ok(());
        }
        *reader = Reader::at(reader.bytes(), start);
        self.shaped(reader, Shape::CallId, FieldKind::Leak, name)
    }

    /// The contents of the next value if it is an identifier; any other but null is read as a leak.
    pub(in crate::wire) fn identifier(
        &mut self,
        reader: &mut Reader<'_>,
        name: &[u8],
    ) -> Result<Option<Range<usize>>, Error> {
        let text = reader.kind()? == json::Kind::String;
        let start = reader.position();
        let known = self.fields.len();
        self.shaped(reader, Shape::Identifier, FieldKind::Leak, name)?;
        let contents = start + 1..reader.position() - 1;
        Ok((text && self.fields.len() == known).then_some(contents))
    }

    /// Reads the next value as the number of its event.
    pub(in crate::wire) fn number_of_event(
        &mut self,
        reader: &mut Reader<'_>,
        name: &[u8],
    ) -> Result<(), Error> {
        if let Some((span, number)) = self.whole_number(reader, name)? {
            self.field(FieldKind::Sequence(number), span);
        }
        Ok(())
    }

    /// The next value if it is a whole number; any other but null is read as a leak.
    pub(in crate::wire) fn whole_number(
        &mut self,
        reader: &mut Reader<'_>,
        name: &[u8],
    ) -> Result<Option<(Range<usize>, u64)>, Error> {
        reader.kind()?;
        let start = reader.position();
        let number = reader.whole_number()?;
        if number.is_none() {
            *reader = Reader::at(reader.bytes(), start);
            self.leak(reader, name)?;
        }
        Ok(number)
    }

    /// Reads the next value as the name of the model that answers.
    pub(in crate::wire) fn model(&mut self, reader: &mut Reader<'_>) -> Result<(), Error> {
        let model = self.identifier(reader, b"model")?;
        model.into_iter().for_each(|span| self.field(FieldKind::Model, span));
        Ok(())
    }

    /// Reads the next value as a field of this kind, unless it is null.
    pub(in crate::wire) fn unlisted(
        &mut self,
        reader: &mut Reader<'_>,
        kind: FieldKind,
        name: &[u8],
    ) -> Result<(), Error> {
        let null = reader.kind()? == json::Kind::Null;
        if !is_name(name) {
            let written = name_before(reader.bytes(), reader.position());
            written.into_iter().for_each(|span| self.named_field(FieldKind::Name, span, name));
        }
        let span = reader.skip()?;
        if !null {
            self.named_field(kind, span, name);
        }
        Ok(())
    }

    fn named_field(&mut self, kind: FieldKind, span: Range<usize>, name: &[u8]) {
        let name = String::from_utf8_lossy(name).into_owned();
        self.fields.push(Field { kind, span, name });
    }
}

/// Whether a member's name is worded as names are: short, and without white space.
fn is_name(name: &[u8]) -> bool {
    const LONGEST: usize = 64;
    let usual = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-.:@$/".contains(byte);
    name.len() <= LONGEST && name.iter().all(usual)
}

/// Where the name of the member is written whose value begins at `value`.
fn name_before(bytes: &[u8], value: usize) -> Option<Range<usize>> {
    let before = bytes.get(..value)?.trim_ascii_end().strip_suffix(b":")?;
    let name = before.trim_ascii_end().strip_suffix(b"\"")?;
    let opens = |at: &usize| {
        let before = name.get(..*at).unwrap_or_default().iter().rev();
        before.take_while(|byte| **byte == b'\\').count() % 2 == 0
    };
    let quote = memchr::memrchr_iter(b'"', name).find(opens)?;
    Some(quote + 1..name.len())
}
