//! Opening the sealed reasoning that a request carries.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::countermeasure::OpenedIndex;
use crate::countermeasure::seal::{Conversation, Opened, Opener, Opening};
use crate::secret::opaque_debug;
use crate::wire::json::{Edit, Style, unescape, unescape_lossy};
use crate::wire::{Carried, Element, Nothing, Protocol, Said, TextList, without_elements};

/// The most blobs of one request that are opened; the rest are left out.
const MOST: u64 = 4096;

/// What becomes of the blobs of a body.
#[derive(Default)]
pub(super) struct Unsealed {
    pub(super) edits: Vec<Edit>,
    /// Blocks that were opened.
    pub(super) opened: u64,
    /// Blocks that did not open, and are left out.
    pub(super) dropped: u64,
    /// What was opened and is not known to the client.
    pub(super) index: OpenedIndex,
}

opaque_debug!(Unsealed);

/// Puts back what was sealed, and leaves out what does not open. A body that cannot be read stays as
/// it is.
pub(super) fn unseal(protocol: &dyn Protocol, body: &[u8], opener: &Opener) -> Unsealed {
    let Ok(conversation) = conversation(protocol, body) else { return Unsealed::default() };
    let mut unsealed = Unsealed::default();
    // Blocks by the list that they are in, and with them the message that would be empty.
    let mut dropped: BTreeMap<usize, Dropped> = BTreeMap::new();
    let mut style = None;
    let scanned = protocol.scan_carried(body, &mut |carried| {
        let raw = body.get(carried.value.clone()).unwrap_or_default();
        let contents = raw.get(1..raw.len().saturating_sub(1)).unwrap_or_default();
        let Ok(text) = unescape(contents) else { return };
        if !Opener::is_sealed(&text) {
            return;
        }
        let may = unsealed.opened < MOST;
        let opened = may.then(|| opener.open(carried.carrier, &text, conversation)).flatten();
        // What cannot be guarded is not opened.
        let opened = opened.filter(|opened| unsealed.index.has_room(length(opened)));
        let put_back = opened.and_then(|opened| {
            let style = style.get_or_insert_with(|| Style::of(body));
            let edits = put_back(&carried, &opened, style)?;
            opened.texts.iter().for_each(|(_, raw)| unsealed.index.add(&text_of(raw)));
            Some(edits)
        });
        match put_back {
            Some(edits) => {
                unsealed.opened += 1;
                unsealed.edits.extend(edits);
            }
            None => {
                unsealed.dropped += 1;
                let Carried { block, message, value, unopened, .. } = carried;
                let Some(block) = block else {
                    unsealed.edits.push(unopened.edit(&value));
                    return;
                };
                let list = dropped.entry(block.list);
                list.or_insert(Dropped { message, starts: Vec::new() }).starts.push(block.start);
            }
        }
    });
    let left_out = scanned.and_then(|()| leave_out(body, dropped));
    match left_out {
        Ok(edits) => unsealed.edits.extend(edits),
        Err(_) => return Unsealed::default(),
    }
    unsealed.index.forget_what_is_known(body);
    unsealed
}

/// Which conversation it is, by its first message that is not the model's.
fn conversation(
    protocol: &dyn Protocol,
    body: &[u8],
) -> Result<Conversation, crate::wire::json::Error> {
    let mut opening = Opening::default();
    protocol.scan_opening(body, &mut |said| match said {
        Said::Other(text) => {
            let raw = body.get(text.span).unwrap_or_default();
            opening.other(&unescape(raw).unwrap_or_default());
        }
        Said::Answer(_) => {}
        Said::End => opening.end(),
    })?;
    Ok(opening.conversation())
}

/// What puts back a block as its client would have sent it had it got what the upstream wrote; `None` if
/// something of it has no place.
fn put_back(carried: &Carried, opened: &Opened, style: &Style) -> Option<Vec<Edit>> {
    let Opened { texts, value } = opened;
    let texts: &Vec<_> =
        &texts.iter().map(|(number, raw)| (*number, style.contents(raw))).collect();
    let mut edits = Vec::with_capacity(texts.len() + 1);
    let place = |number: u32| carried.texts.iter().find(|(known, _)| *known == number);
    let has_places = |list: &TextList| {
        let mut of_list = texts.iter().filter(|(number, _)| list.numbers.contains(number));
        of_list.all(|(number, _)| place(*number).is_some())
    };
    let lost: Vec<&TextList> = carried.lists.iter().filter(|list| !has_places(list)).collect();
    for list in &lost {
        edits.push(list.filled(texts)?);
    }
    // What the model has not said is a summary that was only shown.
    let shown = |list: &&TextList| {
        let of_list = |number: &u32| list.numbers.contains(number);
        carried.texts.iter().any(|(number, _)| of_list(number))
            && !texts.iter().any(|(number, _)| of_list(number))
    };
    for list in carried.lists.iter().filter(shown) {
        edits.push(list.filled(&[])?);
    }
    for (number, raw) in texts {
        if lost.iter().any(|list| list.numbers.contains(number)) {
            continue;
        }
        let text = [b"\"", raw.as_slice(), b"\""].concat();
        match (place(*number), carried.member) {
            // The text stands in the carrier's own place.
            (Some((_, place)), _) if *place == carried.value => {
                return Some(vec![Edit { span: place.clone(), with: text }]);
            }
            (Some((_, place)), _) => edits.push(Edit { span: place.clone(), with: text }),
            (None, Some(member)) if *number == 0 => match (&carried.nothing, value) {
                (Nothing::Absent { start, .. }, None) => {
                    let with = [style.name(member).as_bytes(), &text].concat();
                    return Some(vec![Edit { span: *start..carried.value.end, with }]);
                }
                _ => {
                    let name = style.comma() + &style.name(member);
                    let with = [name.as_bytes(), &text].concat();
                    edits.push(Edit { span: carried.value.end..carried.value.end, with });
                }
            },
            (None, _) => return None,
        }
    }
    edits.push(match value {
        Some(value) => Edit { span: carried.value.clone(), with: style.value(value) },
        None => carried.nothing.edit(&carried.value),
    });
    Some(edits)
}

/// Bytes of the texts of a block.
fn length(opened: &Opened) -> usize {
    opened.texts.iter().map(|(_, raw)| raw.len()).sum()
}

/// The text that the contents of a string of JSON stand for.
fn text_of(raw: &[u8]) -> Cow<'_, str> {
    unescape(raw).unwrap_or_else(|_| unescape_lossy(raw).into())
}

/// The blocks of one list that are left out.
struct Dropped {
    message: Option<Element>,
    starts: Vec<usize>,
}

/// Takes blocks out of their lists, and messages that would be left without any out of theirs.
fn leave_out(
    body: &[u8],
    dropped: BTreeMap<usize, Dropped>,
) -> Result<Vec<Edit>, crate::wire::json::Error> {
    let mut edits = Vec::new();
    let mut emptied: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (list, Dropped { message, starts }) in dropped {
        let (cut, left) = without_elements(body, list, &starts)?;
        match message.filter(|_| left == 0) {
            Some(Element { list, start }) => emptied.entry(list).or_default().push(start),
            None => edits.extend(cut),
        }
    }
    for (list, starts) in emptied {
        edits.extend(without_elements(body, list, &starts)?.0);
    }
    Ok(edits)
}

/// The conversation that a body goes on with, for what is sealed of its answer.
pub(super) fn conversation_of(protocol: &dyn Protocol, body: &[u8]) -> Conversation {
    conversation(protocol, body).unwrap_or_else(|_| Opening::default().conversation())
}
