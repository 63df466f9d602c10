//! The mark in the words of a text.

use std::ops::Range;
use std::sync::Arc;

use super::{Caller, MarkedAs};
use crate::mark::keys::Marking;
use crate::mark::lexical::{Choice, OffsetMap, Rewriter, Site, Unit};
use crate::mark::lexicon::Lexicon;
use crate::policy::plan::MultiTurn;
use crate::wire::{Channel, Kind, Slot};

/// How the texts of one response are marked.
#[derive(Clone, Debug)]
pub struct Marked {
    marking: Arc<Marking>,
    lexicon: &'static Lexicon,
    /// Also where the upstream may compare what comes back with what it wrote.
    although_signed: bool,
}

impl Marked {
    pub(in crate::countermeasure) fn new(
        caller: &Caller<'_>,
        marked: MarkedAs<'_>,
        multi_turn: MultiTurn,
    ) -> Self {
        Self {
            marking: Arc::new(caller.marks.marking(marked)),
            lexicon: caller.marks.lexicon(),
            although_signed: marks_although_signed(multi_turn),
        }
    }

    /// The mark of a lane, by its first piece; `None` if its text is not to be marked. `signed` if
    /// a signed block stands before it.
    pub(in crate::countermeasure) fn mark(&self, channel: &Channel, signed: bool) -> Option<Mark> {
        let text = match channel.kind {
            Kind::Answer => true,
            // Other places of reasoning have room for a signature, which comes behind the text.
            Kind::Reasoning => {
                !channel.signed
                    && matches!(channel.lane.slot, Slot::Reasoning | Slot::ReasoningAlias)
            }
            Kind::ToolArguments | Kind::Refusal => false,
        };
        let sound = text && (!signed || self.although_signed);
        sound.then(|| Mark::new(self.lexicon, Arc::clone(&self.marking)))
    }
}

/// Whether text is marked that an upstream which signs its reasoning may compare with what it
/// wrote, when it comes back in the next request.
pub(in crate::countermeasure) fn marks_although_signed(multi_turn: MultiTurn) -> bool {
    match multi_turn {
        // What was marked is not remembered, so it cannot be restored.
        MultiTurn::Skip | MultiTurn::Restore => false,
        MultiTurn::Mark => true,
    }
}

/// Marks one text as it comes. Text is held back while a word is not whole, or may begin a phrase.
#[derive(Debug)]
pub struct Mark {
    rewriter: Rewriter<'static, Variants>,
    /// Characters of the text so far, for citations; `None` once a piece could not be counted.
    seen: Option<usize>,
    /// What comes from now on passes as it is.
    stopped: bool,
}

#[derive(Debug)]
struct Variants(Arc<Marking>);

impl Choice for Variants {
    fn choose(&mut self, site: &Site<'_>) -> Option<bool> {
        self.0.bit(site.cell)
    }
}

impl Mark {
    fn new(lexicon: &'static Lexicon, marking: Arc<Marking>) -> Self {
        let rewriter = Rewriter::new(lexicon, Variants(marking)).with_offsets(Unit::Characters);
        Self { rewriter, seen: Some(0), stopped: false }
    }

    /// Takes the next piece and appends what may leave now.
    pub fn push(&mut self, text: &str, out: &mut String) {
        if let Some(seen) = &mut self.seen {
            *seen += Unit::Characters.length(text);
        }
        if self.stopped {
            out.push_str(text);
        } else if !text.is_empty() {
            self.rewriter.push(text, out);
        }
    }

    /// A piece that cannot be decoded passes behind what is appended here.
    pub fn push_opaque(&mut self, out: &mut String) {
        self.seen = None;
        if !self.stopped {
            self.rewriter.push_opaque(out);
        }
    }

    /// The text ends, or something begins that clients expect behind it. `cut_short` if a limit
    /// ended it, so that its last words may be no words.
    pub fn end(&mut self, cut_short: bool, out: &mut String) {
        self.rewriter.finish(cut_short, out);
    }

    /// Lets what is held leave as it is, because nothing has come for too long.
    pub fn flush(&mut self, out: &mut String) {
        self.rewriter.flush(out);
    }

    /// Marks nothing of what is held or comes from now on.
    pub fn stop(&mut self, out: &mut String) {
        self.rewriter.flush(out);
        self.stopped = true;
    }

    /// Whether text is held back.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.rewriter.holds()
    }

    /// Sites that carry a bit so far, and those of them at which a word was exchanged.
    #[must_use]
    pub fn counts(&self) -> (u64, u64) {
        (self.rewriter.sites(), self.rewriter.flips())
    }

    /// Where a range of the text, in characters, lies in what goes out; `None` where nobody knows.
    /// What is held and in the range leaves at once; a range that is still to come will come
    /// unmarked.
    pub fn locate(&mut self, range: Range<u64>, out: &mut String) -> Option<Range<u64>> {
        let start = usize::try_from(range.start).ok()?;
        let end = usize::try_from(range.end).ok().filter(|end| *end >= start)?;
        let seen = self.seen?;
        if end > seen {
            self.stop(out);
        } else if end > seen - Unit::Characters.length(self.rewriter.held()) {
            self.rewriter.finish(false, out);
        }
        let offsets = self.rewriter.offsets()?;
        let start = offsets.map(start).or_else(|| Some(substitution(offsets, start)?.start))?;
        let end = offsets.map(end).or_else(|| Some(substitution(offsets, end)?.end))?;
        Some(u64::try_from(start).ok()?..u64::try_from(end).ok()?)
    }
}

/// The substitution in which `offset` of the original lies, as it stands in the edited text.
fn substitution(offsets: &OffsetMap, offset: usize) -> Option<Range<usize>> {
    let (_, _, to, inserted) = offsets
        .substitutions()
        .find(|(at, removed, ..)| (*at..*at + *removed).contains(&offset))?;
    Some(to..to + inserted)
}
