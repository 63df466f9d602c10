//! Items that their events tell apart by name alone.
//!
//! Some servers (llama.cpp) do not say in an event which item of the answer it is about, only what that
//! item is called. In the response that shows them all, items count by their position.

use std::collections::BTreeMap;
use std::ops::Range;

use super::Scan;

/// Stands for the item until its position is known.
pub(in crate::wire) const UNPLACED: u32 = u32::MAX - 3;

/// The most items of one answer that are known by name.
const ITEMS: usize = 4096;

/// The longest name, in bytes.
const NAME: usize = 256;

/// An item that an event is about, without saying which one it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unplaced {
    /// Where its name stands.
    pub name: Option<Range<usize>>,
    /// It begins with this event.
    pub begins: bool,
}

/// The items of one stream that have begun.
#[derive(Default)]
pub(in crate::wire) struct Items {
    places: BTreeMap<Box<[u8]>, u32>,
    begun: u32,
}

impl Items {
    /// Puts what was found of an item in its place: the one that it began in, or else that of the item
    /// that began last.
    pub(in crate::wire) fn place(&mut self, payload: &[u8], scan: &mut Scan) {
        let Some(Unplaced { name, begins }) = scan.unplaced.take() else { return };
        let name = name.and_then(|span| payload.get(span)).unwrap_or_default();
        let place = match self.places.get(name).filter(|_| !begins) {
            Some(place) => *place,
            None => {
                self.begun = self.begun.saturating_add(u32::from(begins));
                self.begun.saturating_sub(1).min(UNPLACED - 1)
            }
        };
        if begins && !name.is_empty() && name.len() <= NAME && self.places.len() < ITEMS {
            self.places.insert(name.into(), place);
        }
        let groups = scan.channels.iter_mut().map(|it| &mut it.lane.group);
        let groups = groups.chain(scan.carriers.iter_mut().map(|it| &mut it.group));
        let groups = groups.chain(scan.summaries.iter_mut().map(|it| &mut it.group));
        let groups = groups.chain(scan.citations.iter_mut().map(|it| &mut it.lane.group));
        let groups = groups.chain(scan.closes.iter_mut().map(|it| &mut it.group));
        let groups = groups.chain(scan.begins.iter_mut().map(|it| &mut it.group));
        groups.filter(|group| **group == UNPLACED).for_each(|group| *group = place);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::framing::Stated;
    use crate::wire::responses::Responses;
    use crate::wire::{Kind, Scanner};

    // Break it: take every item for the first, or count those that end.
    #[test]
    fn texts_of_items_that_are_only_named_stand_where_their_items_began() {
        // In the order of llama.cpp: what was said is told whole at the end.
        let events = [
            (
                r#"{"type":"response.output_item.added","item":{"id":"rs","type":"reasoning","summary":[],"content":[],"encrypted_content":"","status":"in_progress"}}"#,
                None,
            ),
            (
                r#"{"type":"response.reasoning_text.delta","delta":"think","item_id":"rs"}"#,
                Some((0, Kind::Reasoning)),
            ),
            (
                r#"{"type":"response.output_item.added","item":{"id":"msg","type":"message","content":[],"role":"assistant","status":"in_progress"}}"#,
                None,
            ),
            (
                r#"{"type":"response.output_text.delta","item_id":"msg","delta":"say"}"#,
                Some((1, Kind::Answer)),
            ),
            (
                r#"{"type":"response.output_text.delta","item_id":"msg","delta":"ing"}"#,
                Some((1, Kind::Answer)),
            ),
            (
                r#"{"type":"response.output_item.added","item":{"type":"function_call","call_id":"fc","name":"f","arguments":"","status":"in_progress"}}"#,
                Some((2, Kind::ToolArguments)),
            ),
            (
                r#"{"type":"response.function_call_arguments.delta","delta":"{}","item_id":"fc"}"#,
                Some((2, Kind::ToolArguments)),
            ),
            (
                r#"{"type":"response.output_item.done","item":{"id":"rs","type":"reasoning","summary":[],"content":[{"text":"think","type":"reasoning_text"}],"encrypted_content":""}}"#,
                Some((0, Kind::Reasoning)),
            ),
            (
                r#"{"type":"response.output_text.done","item_id":"msg","text":"saying"}"#,
                Some((1, Kind::Answer)),
            ),
            // In a call there is no answer.
            (
                r#"{"type":"response.output_text.delta","item_id":"unheard of","delta":"x"}"#,
                Some((2, Kind::Reasoning)),
            ),
            (r#"{"type":"response.output_text.delta","delta":"x"}"#, Some((2, Kind::Reasoning))),
            (
                r#"{"type":"response.output_text.delta","output_index":7,"item_id":"msg","delta":"x"}"#,
                Some((7, Kind::Answer)),
            ),
        ];
        let mut scanner = Scanner::new(&Responses);
        for (event, expected) in events {
            let mut scan = Scan::default();
            scanner.scan(Stated::default(), event.as_bytes(), &mut scan).unwrap();
            let found = scan.channels.first().map(|it| (it.lane.group, it.kind));
            assert_eq!(found, expected, "{event}");
            assert_eq!(scan.unplaced, None);
            let groups = scan.carriers.iter().map(|it| it.group);
            assert!(
                groups.chain(scan.closes.iter().map(|it| it.group)).all(|it| it < 8),
                "{scan:?}"
            );
        }
    }
}
