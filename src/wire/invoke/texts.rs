//! Answers that are texts and no messages: Llama's, Mistral's, those of Cohere's Command, of Anthropic before Messages,
//! and Titan's. Each says one text or several, whole or a piece of each, why it ended, and what was counted.

use crate::wire::json::{Error, Kind as JsonKind, Reader, Text};
use crate::wire::listed::{Listed, Shape};
use crate::wire::scan::{Close, FieldKind, Kind, Lane, Scan, Slot, is_cut_short};
use crate::wire::thought::{members, think};
use crate::wire::usage;

/// Members of an answer or of one of its texts that carry none.
const BESIDE: [Listed; 3] =
    [(b"id", Shape::EventId), (b"type", Shape::Identifier), (b"index", Shape::Findings)];

/// Whether a member of an answer says that it is one of these.
pub(super) fn is_text(name: &[u8]) -> bool {
    is_whole(name) || is_list(name)
}

/// Whether a member holds the one text there is.
fn is_whole(name: &[u8]) -> bool {
    matches!(name, b"completion" | b"generation" | b"outputText")
}

/// Whether a member holds several.
fn is_list(name: &[u8]) -> bool {
    matches!(name, b"generations" | b"outputs" | b"results")
}

/// What is found of a text.
#[derive(Default)]
struct Found {
    said: bool,
    ended: bool,
    cut_short: bool,
}

/// Finds what an answer has, which is `whole` or a piece of a stream.
pub(super) fn scan(bytes: &[u8], whole: bool, scan: &mut Scan) -> Result<(), Error> {
    let mut said = false;
    Reader::new(bytes).document(|reader| {
        let first = scan.channels.len();
        let mut found = Found { ended: whole, ..Found::default() };
        let mut texts = 0;
        if reader.kind()? != JsonKind::Object {
            return Err(reader.expected("an object"));
        }
        let thought = members(reader, scan, |reader, name, _, scan| match name {
            name if is_list(name) => {
                if !scan.expects(JsonKind::Array, reader, name)? {
                    return Ok(());
                }
                reader.elements(|reader, place| {
                    texts += 1;
                    said |= entry(reader, name, place, whole, scan)?;
                    Ok(())
                })
            }
            name => member(reader, name, 0, &mut found, scan),
        })?;
        if thought.says() {
            think(scan.channels.get_mut(first..).unwrap_or_default());
        }
        said |= found.said;
        if texts == 0 || found.said {
            close(&found, 0, scan);
        }
        Ok(())
    })?;
    // Such as what was counted.
    scan.says_more |= !said;
    scan.unrepeatable |= !said;
    Ok(())
}

/// One of several texts; whether it says anything.
fn entry(
    reader: &mut Reader<'_>,
    name: &[u8],
    place: usize,
    whole: bool,
    scan: &mut Scan,
) -> Result<bool, Error> {
    if !scan.expects(JsonKind::Object, reader, name)? {
        return Ok(false);
    }
    let group = u32::try_from(place).unwrap_or(u32::MAX);
    let first = scan.channels.len();
    let mut found = Found { ended: whole, ..Found::default() };
    let thought = members(reader, scan, |reader, name, _, scan| {
        member(reader, name, group, &mut found, scan)
    })?;
    if thought.says() {
        think(scan.channels.get_mut(first..).unwrap_or_default());
    }
    close(&found, group, scan);
    Ok(found.said)
}

/// A member of an answer, or of one of its texts.
fn member(
    reader: &mut Reader<'_>,
    name: &[u8],
    group: u32,
    found: &mut Found,
    scan: &mut Scan,
) -> Result<(), Error> {
    match name {
        name if is_whole(name) || name == b"text" => {
            if scan.expects(JsonKind::String, reader, name)? {
                if let Some(Text { span, .. }) = reader.text()? {
                    found.said = true;
                    scan.text(Lane::new(group, Slot::Answer), Kind::Answer, span);
                }
            }
            Ok(())
        }
        name @ (b"completionReason" | b"finish_reason" | b"stop_reason") => {
            let reason = scan.identifier(reader, name)?;
            if let Some(reason) = reason.and_then(|span| reader.bytes().get(span)) {
                (found.ended, scan.says_more) = (true, true);
                found.cut_short = is_cut_short(reason);
            }
            Ok(())
        }
        b"is_finished" => {
            let span = reader.skip()?;
            match reader.bytes().get(span.clone()).unwrap_or_default() {
                b"true" => (found.ended, scan.says_more) = (true, true),
                value if Shape::Flag.fits(value) => {}
                _ => scan.field(FieldKind::Leak, span),
            }
            Ok(())
        }
        name @ b"stop" => scan.stop(reader, name),
        name @ (b"inputTextTokenCount" | b"prompt_token_count") => usage::input(reader, name, scan),
        name @ (b"generation_token_count" | b"tokenCount" | b"totalOutputTextTokenCount") => {
            usage::output(reader, name, scan)
        }
        // The text once more, token by token.
        name @ b"token_likelihoods" => scan.list(reader, name),
        name => scan.listed(reader, &BESIDE, name),
    }
}

fn close(found: &Found, group: u32, scan: &mut Scan) {
    if found.ended {
        scan.unrepeatable = true;
        scan.closes.push(Close::of(group, false, found.cut_short));
    }
}
