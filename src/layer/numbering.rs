//! Which text an event of a stream goes on with, by the number that it says.
//!
//! The index of a choice tells several answers apart, and that of a block the parts of a message. Some
//! servers count their chunks by the first (TGI, Foundry Local): every event then has a choice of its own,
//! and all of them are one text. Some proxies write one and the same number for every block: then each that
//! begins is another. What is told here is which of that is the case; from here on a group is one answer or
//! one block.
//!
//! An index that none of the choices has that were asked for shows that chunks are counted, and one that comes
//! again that they are not. What comes before that is known waits for it: no more than one event for each
//! choice. Where nothing more comes, it is read as one text which may begin again with every choice, so that
//! nothing is said that either reading withholds.

use std::collections::{BTreeMap, BTreeSet};

use crate::countermeasure::reasoning::HOLD_LIMIT;
use crate::secret::opaque_debug;
use crate::wire::{Block, Close, Kind, Scan};

opaque_debug!(Numbering);

/// The most choices that servers make of a request.
const MOST: u64 = 128;

/// As many as are looked for whatever was asked: some members that ask for them are not known.
const LEAST: u64 = 4;

/// The most blocks of a message whose numbers are remembered.
const BLOCKS: usize = 4096;

/// By how much the group of a block is told from that of an earlier one of its number.
const AGAIN: u32 = 1 << 16;

/// The numbers of one stream.
pub(super) struct Numbering {
    /// How many choices the request asks for.
    asked: u64,
    /// How many there may be.
    most: u64,
    choices: Choices,
    /// Those that have ended while that was open.
    ended: BTreeSet<u32>,
    /// The blocks that began last, by their number.
    blocks: BTreeMap<u32, Begun>,
}

/// A block.
#[derive(Clone, Copy)]
struct Begun {
    group: u32,
    ended: bool,
}

/// What the numbers of choices mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Choices {
    /// No text has come.
    Unknown,
    /// One choice has said something, more than `once` or not.
    One { index: u32, once: bool },
    /// Each event that said something had a choice of its own, with a higher number.
    Rising { first: u32, last: u32 },
    /// They count chunks of one text, which is this group's.
    Chunks(u32),
    /// Nobody knows: they are read as one text, which may begin again behind the last one.
    Either { text: u32, last: u32 },
    /// Each is a text.
    Texts,
}

/// Whose texts an event says.
enum Said {
    Nothing,
    One(u32),
    Several,
}

impl Numbering {
    pub(super) fn new(asked: u64) -> Self {
        let (ended, blocks) = (BTreeSet::new(), BTreeMap::new());
        let asked = asked.min(MOST);
        Self { asked, most: asked.max(LEAST), choices: Choices::Unknown, ended, blocks }
    }

    /// Whether it may depend on what follows which text the next event belongs to.
    pub(super) fn is_open(&self) -> bool {
        matches!(self.choices, Choices::One { once: true, .. } | Choices::Rising { .. })
    }

    /// Takes note of the next event while that is open; whether it still is, of this event, too.
    pub(super) fn weigh(&mut self, scan: &Scan) -> bool {
        self.note(scan);
        matches!(self.choices, Choices::Rising { .. })
    }

    /// Nothing more is waited for.
    pub(super) fn decide(&mut self) {
        if let Choices::Rising { first, last } = self.choices {
            // All that were asked for have come, and have ended.
            let all = self.asked > 1
                && self.ended.len() as u64 == self.asked
                && u64::from(last) < self.asked;
            let either = Choices::Either { text: first, last: first };
            self.choices = if all { Choices::Texts } else { either };
        }
    }

    /// Puts what an event says under the choice or block that it belongs to.
    pub(super) fn tell(&mut self, scan: &mut Scan) {
        if scan.in_blocks {
            // What says its texts again numbers them for good.
            if !scan.repeats {
                self.tell_blocks(scan);
            }
            return;
        }
        if self.goes_on(scan) {
            return;
        }
        self.note(scan);
        match &mut self.choices {
            Choices::Chunks(text) => {
                let text = *text;
                regroup(scan, |_| text);
            }
            Choices::Either { text, last } => {
                let group = *text;
                if let Said::One(index) = said(scan) {
                    let begins = std::mem::replace(last, index) != index;
                    let within = false;
                    scan.begins =
                        begins.then_some(Block { group, answers: true, calls: false, within });
                }
                regroup(scan, |_| group);
            }
            _ => {}
        }
    }

    /// Whether an event only goes on with the text that all so far belongs to, as most do.
    fn goes_on(&self, scan: &Scan) -> bool {
        let Choices::One { index, once: false } = self.choices else { return false };
        scan.channels.iter().all(|it| it.lane.group == index)
            && scan.closes.iter().all(|it| it.group == index && it.reasoning_only)
            && scan.calls.is_empty()
    }

    fn note(&mut self, scan: &Scan) {
        if !matches!(self.choices, Choices::Chunks(_) | Choices::Texts) {
            self.ended
                .extend(scan.closes.iter().filter(|it| !it.reasoning_only).map(|it| it.group));
        }
        let index = match said(scan) {
            Said::Several => {
                self.choices = Choices::Texts;
                return;
            }
            Said::One(index) => index,
            // Its role, or why it ended.
            Said::Nothing => return,
        };
        self.choices = match self.choices {
            Choices::Unknown => Choices::One { index, once: true },
            Choices::One { index: same, .. } if same == index => {
                Choices::One { index, once: false }
            }
            Choices::One { index: first, .. } | Choices::Rising { first, .. }
                if u64::from(index) > self.most =>
            {
                Choices::Chunks(first)
            }
            Choices::One { index: first, once: true } if index > first => {
                Choices::Rising { first, last: index }
            }
            Choices::Rising { first, last } if index > last => {
                Choices::Rising { first, last: index }
            }
            // Of one that was asked for nobody knows what the next one is.
            Choices::One { index: first, .. } if self.asked <= 1 && index > first => {
                Choices::Either { text: first, last: first }
            }
            Choices::One { .. } | Choices::Rising { .. } => Choices::Texts,
            told @ (Choices::Chunks(_) | Choices::Either { .. } | Choices::Texts) => told,
        };
    }

    fn tell_blocks(&mut self, scan: &mut Scan) {
        let before = scan.begins.and_then(|it| self.blocks.get(&it.group).copied());
        if let Some(begins) = scan.begins {
            let group = before.map_or(begins.group, |it| it.group.wrapping_add(AGAIN));
            self.note_block(begins.group, Begun { group, ended: false });
        }
        let mut begins = None;
        for channel in scan.channels.iter().filter(|it| !it.span.is_empty()) {
            let group = channel.lane.group;
            if !self.blocks.contains_key(&group) {
                self.note_block(group, Begun { group, ended: false });
                let (answers, calls) =
                    (channel.kind == Kind::Answer, channel.kind == Kind::ToolArguments);
                begins = begins.or(Some(Block { group, answers, calls, within: false }));
            }
        }
        // Some begin with their first piece.
        scan.begins = scan.begins.or(begins);
        for close in scan.closes.iter().filter(|it| !it.reasoning_only) {
            self.blocks.entry(close.group).and_modify(|it| it.ended = true);
        }
        regroup(scan, |index| self.blocks.get(&index).map_or(index, |it| it.group));
        // One that has not been said to end does so where another takes its number.
        let unended = before.filter(|it| !it.ended).map(|it| it.group);
        scan.closes.extend(unended.map(|group| Close {
            group,
            part: None,
            reasoning_only: false,
            cut_short: false,
        }));
    }

    fn note_block(&mut self, index: u32, begun: Begun) {
        if self.blocks.len() < BLOCKS || self.blocks.contains_key(&index) {
            self.blocks.insert(index, begun);
        }
    }
}

/// The most bytes of events that wait to be told.
pub(super) const WAITING: usize = HOLD_LIMIT;

fn groups(scan: &Scan) -> impl Iterator<Item = u32> {
    let texts = scan.channels.iter().map(|it| it.lane.group);
    texts.chain(scan.closes.iter().map(|it| it.group)).chain(scan.calls.iter().copied())
}

fn said(scan: &Scan) -> Said {
    let mut texts = scan.channels.iter().filter(|it| !it.span.is_empty()).map(|it| it.lane.group);
    let Some(first) = texts.next() else { return Said::Nothing };
    if texts.all(|group| group == first) && groups(scan).all(|group| group == first) {
        Said::One(first)
    } else {
        Said::Several
    }
}

fn regroup(scan: &mut Scan, group: impl Fn(u32) -> u32) {
    let Scan { channels, closes, calls, citations, signed, carriers, begins, .. } = scan;
    channels.iter_mut().for_each(|it| it.lane.group = group(it.lane.group));
    closes.iter_mut().for_each(|it| it.group = group(it.group));
    calls.iter_mut().for_each(|it| *it = group(*it));
    citations.iter_mut().for_each(|it| it.lane.group = group(it.lane.group));
    signed.iter_mut().for_each(|it| it.group = it.group.map(&group));
    carriers.iter_mut().for_each(|it| it.group = group(it.group));
    begins.iter_mut().for_each(|it| it.group = group(it.group));
}
