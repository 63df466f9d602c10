//! Where a completion keeps its text.
//!
//! In choices, as the standard has it. llama.cpp's server answers a part of these paths in a form of its own,
//! with the text at the top level.

use crate::wire::chat::response::{Form, Texts, scan as scan_choices};
use crate::wire::json::{Error, Kind as JsonKind, Reader, Text};
use crate::wire::listed::{Listed, Shape};
use crate::wire::scan::{Close, FieldKind, Kind, Lane, Scan, Slot, Twice, is_cut_short};
use crate::wire::usage;

/// Members of llama.cpp's form that carry none of the model's text.
const OWN: [Listed; 5] = [
    (b"id_slot", Shape::Data),
    (b"has_new_line", Shape::Flag),
    (b"stop_type", Shape::Identifier),
    (b"truncated", Shape::Flag),
    (b"object", Shape::Identifier),
];

pub(super) fn scan(bytes: &[u8], form: Form, scan: &mut Scan) -> Result<(), Error> {
    if is_own(bytes) {
        return scan_own(bytes, form, scan);
    }
    scan_choices(bytes, (form, Texts::Choices), scan)
}

/// Whether a response has its text at the top level, and no choices.
fn is_own(bytes: &[u8]) -> bool {
    let mut own = false;
    // What is wrong is told when it is read.
    let _ = Reader::new(bytes).object(|reader, key| match &*key.name() {
        b"choices" => {
            own = false;
            Err(Error { at: key.start, expected: "nothing further" })
        }
        b"content" => {
            own = true;
            reader.pass()
        }
        _ => reader.pass(),
    });
    own
}

fn scan_own(bytes: &[u8], form: Form, scan: &mut Scan) -> Result<(), Error> {
    let (mut group, mut ended, mut cut_short) = (0, form == Form::Document, false);
    let first = scan.channels.len();
    let mut twice = Twice::default();
    Reader::new(bytes).document(|reader| {
        reader.object(|reader, key| match scan.once_only(&mut twice, &key.name()) {
            name @ b"content" => {
                if scan.expects(JsonKind::String, reader, name)? {
                    if let Some(Text { span, .. }) = reader.text()? {
                        scan.text(Lane::new(0, Slot::Answer), Kind::Answer, span);
                    }
                }
                Ok(())
            }
            name @ b"index" => {
                let index = scan.whole_number(reader, name)?.map_or(0, |(_, index)| index);
                group = u32::try_from(index).unwrap_or(u32::MAX);
                Ok(())
            }
            b"stop" => {
                let span = reader.skip()?;
                let value = reader.bytes().get(span.clone()).unwrap_or_default();
                if value == b"true" {
                    (ended, scan.says_more) = (true, true);
                } else if !Shape::Flag.fits(value) {
                    scan.field(FieldKind::Leak, span);
                }
                Ok(())
            }
            name @ b"stop_type" => {
                let reason = scan.identifier(reader, name)?;
                let reason = reason.and_then(|span| reader.bytes().get(span));
                cut_short =
                    reason.is_some_and(|it| !matches!(it, b"none" | b"word") && is_cut_short(it));
                Ok(())
            }
            name @ b"stopping_word" => scan.stop(reader, name),
            b"model" => scan.model(reader),
            name @ (b"timings" | b"tokens_predicted" | b"tokens_cached") => {
                usage::telling(reader, name, scan)
            }
            name @ b"tokens_evaluated" => scan.whole_number(reader, name).map(|_| ()),
            name => scan.listed(reader, &OWN, name),
        })
    })?;
    for channel in scan.channels.iter_mut().skip(first) {
        channel.lane.group = group;
    }
    if ended {
        scan.unrepeatable = true;
        scan.closes.push(Close::of(group, false, cut_short));
    }
    Ok(())
}
