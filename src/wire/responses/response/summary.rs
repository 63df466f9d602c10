//! Where a summary goes that the server has not written: into the item's `summary`, and into events
//! that say it.

use std::ops::Range;

use crate::wire::scan::{Scan, SummaryAt, SummaryEvent, SummaryPlace};

const PART: (&str, &str) = ("{\"type\":\"summary_text\",\"text\":", "}");

/// The place in an item's list, if that is one and is empty.
pub(super) fn in_list(bytes: &[u8], list: &Range<usize>, group: u32) -> Option<SummaryPlace> {
    let inner = bytes.get(list.clone())?.strip_prefix(b"[")?.strip_suffix(b"]")?;
    let (before, after) = PART;
    let at = SummaryAt::List { at: list.start + 1, before, after };
    inner.trim_ascii().is_empty().then_some(SummaryPlace { group, at })
}

/// The events that say a summary of an item, whose id stands here.
pub(super) fn in_events(
    payload: &[u8],
    id: &Range<usize>,
    (group, index): (u32, Option<u32>),
    scan: &Scan,
) -> Option<SummaryPlace> {
    // What is closed where it stands is not said elsewhere.
    let closed = scan.fields.iter().any(|it| it.span.start <= id.start && id.end <= it.span.end);
    let id = std::str::from_utf8(payload.get(id.clone())?).ok().filter(|_| !closed)?;
    let id = id.strip_prefix('"').and_then(|id| id.strip_suffix('"')).unwrap_or(id);
    // As the server's own events say it, or do not.
    let index = index.map(|it| format!(",\"output_index\":{it}")).unwrap_or_default();
    let place = format!(",\"item_id\":\"{id}\"{index},\"summary_index\":0");
    let part = format!("{place},\"part\":{}", PART.0);
    let event = |kind, before: String, after, says| SummaryEvent { kind, before, after, says };
    let events = vec![
        event("response.reasoning_summary_part.added", part.clone(), "}}", false),
        event("response.reasoning_summary_text.delta", format!("{place},\"delta\":"), "}", true),
        event("response.reasoning_summary_text.done", format!("{place},\"text\":"), "}", true),
        event("response.reasoning_summary_part.done", part, "}}", true),
    ];
    Some(SummaryPlace { group, at: SummaryAt::Events(events) })
}
