//! The mark in the words of a text.

use std::ops::Range;

use super::{Caller, MarkTerms};
use crate::countermeasure::originals::{Memory, Original, Recording};
use crate::mark::keys::{TextChoice, TextMarking};
use crate::mark::lexical::{OffsetMap, Rewriter, Unit};
use crate::mark::lexicon::Lexicon;
use crate::policy::plan::MultiTurn;
use crate::wire::{Channel, Kind, Slot};

/// How the texts of one response are marked.
#[derive(Clone, Debug)]
pub struct LexicalMark {
    marking: TextMarking,
    lexicon: &'static Lexicon,
    /// Also where the upstream may compare what comes back with what it wrote.
    although_signed: bool,
    /// Where it is remembered what the texts read like before.
    memory: Option<Memory>,
    /// What places of a text are counted in.
    unit: Unit,
}

impl LexicalMark {
    /// None if the strength is too little to mark anything.
    pub(in crate::countermeasure) fn new(
        caller: &Caller<'_>,
        terms: MarkTerms<'_>,
        multi_turn: MultiTurn,
    ) -> Option<Self> {
        let marking = caller.marks.marking(terms);
        (!marking.is_nothing()).then(|| Self {
            marking,
            lexicon: caller.marks.lexicon(),
            although_signed: marks_although_signed(multi_turn, caller),
            memory: caller.memory.filter(|_| multi_turn == MultiTurn::Restore).cloned(),
            unit: Unit::default(),
        })
    }

    /// The same for texts whose places are counted in this unit.
    pub(in crate::countermeasure) fn counting(self, unit: Unit) -> Self {
        Self { unit, ..self }
    }

    /// Remembers what a text read like before, when it is complete.
    pub(in crate::countermeasure) fn remember(&self, original: Original) {
        if let Some(memory) = &self.memory {
            memory.remember(original);
        }
    }

    /// The mark of a lane, by its first piece; `None` if its text is not to be marked. `signed` if
    /// a signed block stands before it.
    pub(in crate::countermeasure) fn mark(
        &self,
        channel: &Channel,
        signed: bool,
    ) -> Option<Box<Mark>> {
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
        // Of reasoning that is not signed nothing is compared.
        let memory = self.memory.as_ref().filter(|_| channel.kind == Kind::Answer);
        let recording = memory.map(Memory::recording);
        let mark = || Mark::new(self.lexicon, self.marking.begin(), recording, self.unit);
        sound.then(mark)
    }
}

/// Whether text is marked that an upstream which signs its reasoning may compare with what it
/// wrote, when it comes back in the next request.
pub(in crate::countermeasure) fn marks_although_signed(
    multi_turn: MultiTurn,
    caller: &Caller<'_>,
) -> bool {
    match multi_turn {
        MultiTurn::Skip => false,
        MultiTurn::Restore => caller.memory.is_some(),
        MultiTurn::Mark => true,
    }
}

/// Marks one text as it comes. Text is held back while a word is not whole, or may begin a phrase.
#[derive(Debug)]
pub struct Mark {
    rewriter: Rewriter<'static, TextChoice>,
    /// The length of the text so far, for citations; `None` once a piece could not be counted.
    seen: Option<usize>,
    /// In this unit.
    unit: Unit,
    /// What comes from now on passes as it is.
    stopped: bool,
    /// The text as it goes out, if it is to be remembered.
    recording: Option<Recording>,
}

impl Mark {
    fn new(
        lexicon: &'static Lexicon,
        choice: TextChoice,
        recording: Option<Recording>,
        unit: Unit,
    ) -> Box<Self> {
        let rewriter = Rewriter::new(lexicon, choice);
        let mut mark = Box::new(Self { rewriter, seen: Some(0), unit, stopped: false, recording });
        // Where it lies: a rewriter is large.
        mark.rewriter.record_offsets(unit);
        if mark.recording.is_some() {
            mark.rewriter.record_undo();
        }
        mark
    }

    /// What the text read like before, once, if it is to be remembered and has ended.
    pub fn original(&mut self) -> Option<Original> {
        self.recording.take()?.finish(self.rewriter.undo()?)
    }

    /// Records what was appended to `out` since it had `length` bytes.
    fn record(&mut self, out: &str, length: usize) {
        if let Some(recording) = &mut self.recording {
            recording.push(out.get(length..).unwrap_or_default());
        }
    }

    /// Takes the next piece and appends what may leave now.
    pub fn push(&mut self, text: &str, out: &mut String) {
        if let Some(seen) = &mut self.seen {
            *seen += self.unit.length(text);
        }
        let length = out.len();
        if self.stopped {
            out.push_str(text);
        } else if !text.is_empty() {
            self.rewriter.push(text, out);
        }
        self.record(out, length);
    }

    /// Takes markup, which is not marked and leaves at once.
    pub fn pass(&mut self, markup: &str, out: &mut String) {
        if !markup.is_empty() {
            self.push(markup, out);
            self.flush(out);
        }
    }

    /// A piece that cannot be decoded passes behind what is appended here.
    pub fn push_opaque(&mut self, out: &mut String) {
        self.seen = None;
        // Nobody knows how the client will read it, so the text will not be known again.
        self.recording = None;
        if !self.stopped {
            self.rewriter.push_opaque(out);
        }
    }

    /// The text ends, or something begins that clients expect behind it. `cut_short` if a limit
    /// ended it, so that its last words may be no words.
    pub fn end(&mut self, cut_short: bool, out: &mut String) {
        let length = out.len();
        self.rewriter.finish(cut_short, out);
        self.record(out, length);
    }

    /// Lets what is held leave as it is, because nothing has come for too long.
    pub fn flush(&mut self, out: &mut String) {
        let length = out.len();
        self.rewriter.flush(out);
        self.record(out, length);
    }

    /// Marks nothing of what is held or comes from now on.
    pub fn stop(&mut self, out: &mut String) {
        self.flush(out);
        self.stopped = true;
    }

    /// Memory that the text so far takes.
    #[must_use]
    pub fn allocated(&self) -> usize {
        self.rewriter.allocated()
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

    /// Where a range of the text, in its unit, lies in what goes out; `None` where nobody knows.
    /// What is held and in the range leaves at once; a range that is still to come will come
    /// unmarked.
    pub fn locate(&mut self, range: Range<u64>, out: &mut String) -> Option<Range<u64>> {
        let start = usize::try_from(range.start).ok()?;
        let end = usize::try_from(range.end).ok().filter(|end| *end >= start)?;
        let seen = self.seen?;
        if end > seen {
            self.stop(out);
        } else if end > seen - self.unit.length(self.rewriter.held()) {
            self.end(false, out);
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
