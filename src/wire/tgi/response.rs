//! Where an answer, or one of its tokens, keeps its text.

use std::ops::Range;

use crate::wire::chat::response::Form;
use crate::wire::json::{Error, Kind as JsonKind, Reader, Text};
use crate::wire::listed::{Listed, Shape};
use crate::wire::scan::{
    Close, FieldKind, Kind, Lane, Mode, Scan, Slot, Turn, Twice, is_cut_short,
};
use crate::wire::thought::{Thought, members, think};
use crate::wire::{error, usage};

use super::sglang;

/// Members of an answer that carry none of the model's text.
const OWN: [Listed; 1] = [(b"error_type", Shape::Identifier)];

/// Members of a token besides its text. Typed clients expect a number under the first two.
const TOKEN: [Listed; 3] =
    [(b"id", Shape::Flag), (b"logprob", Shape::Flag), (b"special", Shape::Flag)];

/// Lists that repeat the text, or the prompt, token by token.
const LISTS: [&[u8]; 3] = [b"tokens", b"top_tokens", b"prefill"];

pub(super) fn scan(bytes: &[u8], form: Form, scan: &mut Scan) -> Result<(), Error> {
    Reader::new(bytes).document(|reader| match reader.kind()? {
        JsonKind::Array => reader.elements(|reader, place| one(reader, place, form, scan)),
        JsonKind::Object => one(reader, 0, form, scan),
        _ => Err(Error { at: reader.position(), expected: "an object" }),
    })
}

fn one(reader: &mut Reader<'_>, place: usize, form: Form, scan: &mut Scan) -> Result<(), Error> {
    let group = u32::try_from(place).unwrap_or(u32::MAX);
    if !scan.expects(JsonKind::Object, reader, b"generated_text")? {
        return Ok(());
    }
    if sglang::is_own(reader) {
        return sglang::scan(reader, group, form, scan);
    }
    answer(reader, group, form, scan)
}

/// What is found of one answer.
#[derive(Default)]
struct Answer {
    /// The text of the token, whether that is a special one, and which channel it is.
    token: Option<Token>,
    /// The whole text has come.
    whole: bool,
    cut_short: bool,
}

struct Token {
    text: Option<(Range<usize>, usize)>,
    special: bool,
}

fn answer(reader: &mut Reader<'_>, group: u32, form: Form, scan: &mut Scan) -> Result<(), Error> {
    let mut found = Answer::default();
    let first = scan.channels.len();
    let lane = Lane::new(group, Slot::Answer);
    scan.repeats |= form == Form::Chunk;
    let thought = members(reader, scan, |reader, name, thought, scan| match name {
        name @ b"token" => {
            let (token, said) = token(reader, name, lane, scan)?;
            found.token = token;
            thought.join(said);
            Ok(())
        }
        name @ b"generated_text" => {
            if reader.kind()? == JsonKind::Null {
                return reader.pass();
            }
            found.whole = true;
            text(reader, name, lane, scan)?;
            // The tokens have said it before.
            if let Some(said) = scan.channels.last_mut().filter(|_| form == Form::Chunk) {
                said.mode = Mode::Repeat;
            }
            Ok(())
        }
        name @ b"details" => details(reader, name, group, &mut found, scan),
        name @ b"index" => scan.number_of_event(reader, name),
        name if LISTS.contains(&name) => scan.list(reader, name),
        b"error" => {
            scan.error |= reader.kind()? != JsonKind::Null;
            error::text(reader, scan)
        }
        name => scan.listed(reader, &OWN, name),
    })?;
    let Answer { token, whole, cut_short } = found;
    if let Some(Token { text: Some((span, channel)), special: true }) = token.filter(|_| whole) {
        // What ends the text is no part of it.
        end_of_text(reader.bytes(), span, channel, scan);
    }
    if thought.says() {
        think(scan.channels.get_mut(first..).unwrap_or_default());
    }
    scan.turns.extend(thought.lasts().map(|thought| Turn { group, thought }));
    if whole || form == Form::Document {
        (scan.says_more, scan.unrepeatable) = (true, true);
        scan.closes.push(Close::of(group, false, cut_short));
    }
    let says = scan.channels.len() > first;
    scan.says_more |= !says;
    scan.unrepeatable |= !says;
    Ok(())
}

fn text(reader: &mut Reader<'_>, name: &[u8], lane: Lane, scan: &mut Scan) -> Result<(), Error> {
    if scan.expects(JsonKind::String, reader, name)? {
        if let Some(Text { span, .. }) = reader.text()? {
            scan.text(lane, Kind::Answer, span);
        }
    }
    Ok(())
}

/// One token of a stream. A special one may be a tag, or end the text.
fn token(
    reader: &mut Reader<'_>,
    name: &[u8],
    lane: Lane,
    scan: &mut Scan,
) -> Result<(Option<Token>, Thought), Error> {
    if !scan.expects(JsonKind::Object, reader, name)? {
        return Ok((None, Thought::default()));
    }
    let mut token = Token { text: None, special: false };
    let thought = members(reader, scan, |reader, name, _, scan| match name {
        name @ b"text" => {
            let before = scan.channels.len();
            let span = reader.spanned(|reader| text(reader, name, lane, scan))?;
            token.text = (scan.channels.len() > before).then_some((span, before));
            Ok(())
        }
        name => {
            let span = reader.spanned(|reader| scan.listed(reader, &TOKEN, name))?;
            token.special |= name == b"special" && reader.bytes().get(span) == Some(b"true");
            Ok(())
        }
    })?;
    Ok((Some(token), thought))
}

/// Takes the text of a special token for what ends a text, if it is worded like that.
fn end_of_text(bytes: &[u8], span: Range<usize>, channel: usize, scan: &mut Scan) {
    if channel >= scan.channels.len() {
        return;
    }
    scan.channels.remove(channel);
    if !Shape::Identifier.fits(bytes.get(span.clone()).unwrap_or_default()) {
        scan.field(FieldKind::Leak, span);
    }
}

/// What is told of an answer, and of others that were not as good.
fn details(
    reader: &mut Reader<'_>,
    name: &[u8],
    group: u32,
    found: &mut Answer,
    scan: &mut Scan,
) -> Result<(), Error> {
    if reader.kind()? == JsonKind::Null {
        return reader.pass();
    }
    if !scan.expects(JsonKind::Object, reader, name)? {
        return Ok(());
    }
    reader.members(|reader, key| match &*key.name() {
        name @ b"best_of_sequences" => {
            if !scan.expects(JsonKind::Array, reader, name)? {
                return Ok(());
            }
            reader.elements(|reader, place| {
                let place = u32::try_from(place).unwrap_or(u32::MAX);
                sequence(reader, group.saturating_add(place).saturating_add(1), scan)
            })
        }
        name => detail(reader, name, &mut found.cut_short, scan),
    })
}

fn detail(
    reader: &mut Reader<'_>,
    name: &[u8],
    cut_short: &mut bool,
    scan: &mut Scan,
) -> Result<(), Error> {
    match name {
        name @ b"finish_reason" => {
            let reason = scan.identifier(reader, name)?;
            let reason = reason.and_then(|span| reader.bytes().get(span));
            *cut_short |= reason.is_some_and(is_cut_short);
            Ok(())
        }
        name @ b"generated_tokens" => usage::output(reader, name, scan),
        name @ b"input_length" => usage::input(reader, name, scan),
        name if LISTS.contains(&name) => scan.list(reader, name),
        name => scan.listed(reader, &[(b"seed", Shape::Data)], name),
    }
}

/// An answer that was not as good.
fn sequence(reader: &mut Reader<'_>, group: u32, scan: &mut Scan) -> Result<(), Error> {
    if !scan.expects(JsonKind::Object, reader, b"best_of_sequences")? {
        return Ok(());
    }
    let (mut twice, mut cut_short, stated) = (Twice::default(), false, scan.usage);
    reader.members(|reader, key| match scan.once_only(&mut twice, &key.name()) {
        name @ b"generated_text" => text(reader, name, Lane::new(group, Slot::Answer), scan),
        name => detail(reader, name, &mut cut_short, scan),
    })?;
    scan.usage = stated;
    scan.closes.push(Close::of(group, false, cut_short));
    Ok(())
}
