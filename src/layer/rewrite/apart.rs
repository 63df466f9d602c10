//! Summaries that stand apart from the reasoning, where a protocol has a place of its own for them.

use crate::layer::open_lane::OpenLane;
use crate::wire::framing::Framing;
use crate::wire::json::Edit;
use crate::wire::{Kind, Scan, Slot, SummaryAt, around};

use super::ResponseRewriter;

/// The summary of an item.
pub(super) struct Apart {
    group: u32,
    text: String,
    /// Events have said it.
    told: bool,
}

impl Apart {
    pub(super) fn new(group: u32, text: String) -> Self {
        Self { group, text, told: false }
    }

    pub(super) fn says(&self) -> bool {
        !self.text.is_empty()
    }

    pub(super) fn held(&self) -> usize {
        self.text.capacity()
    }
}

/// Whether what is left of a text where it ends goes elsewhere.
pub(super) fn stands_apart(open: &OpenLane, scan: &Scan) -> bool {
    let of_item = scan.summaries.iter().any(|it| it.group == open.lane.group);
    of_item && open.kind == Kind::Reasoning && open.lane.slot == Slot::Reasoning
}

impl ResponseRewriter {
    /// Puts summaries where the event or document has a place for them: into lists, and, where nobody
    /// has said them, into events of their own, in this framing.
    pub(super) fn apart_edits(
        &mut self,
        scan: &Scan,
        framing: Option<Framing>,
        before: &mut Vec<u8>,
    ) -> Vec<Edit> {
        let Self { apart, sequence, seen, .. } = self;
        let mut edits = Vec::new();
        for place in &scan.summaries {
            let Some(summary) = apart.iter_mut().find(|it| it.group == place.group) else {
                continue;
            };
            match &place.at {
                SummaryAt::List { at, before, after } => {
                    let with = around(before, &summary.text, after);
                    edits.push(Edit { span: *at..*at, with });
                }
                SummaryAt::Events(events) => {
                    let Some(framing) = framing.filter(|_| !summary.told) else { continue };
                    summary.told = true;
                    for event in events {
                        let number = scan.sequence().and_then(|_| sequence.put_in());
                        let event = event.saying(&summary.text, number);
                        before.extend_from_slice(&framing.frame(&event));
                    }
                    seen.delivered += summary.text.len() as u64;
                }
            }
        }
        edits
    }
}
