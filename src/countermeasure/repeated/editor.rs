//! Taking repeated runs out of a text as it comes.

use std::collections::VecDeque;
use std::ops::Range;

use super::index::Shingles;
use super::json::Structure;
use super::words::{Word, Words};
use super::{GAP, RepeatGuard, SHINGLE};
use crate::countermeasure::Editor;
use crate::countermeasure::inline::Dialects;
use crate::countermeasure::reasoning::HOLD_LIMIT;
use crate::secret::opaque_debug;
use crate::wire::Kind;

opaque_debug!(Guarded, Repeats);

/// Takes repeated runs out of one text. It holds back the last words that may yet turn out to belong
/// to one.
pub(super) struct Repeats {
    guard: RepeatGuard,
    /// What of a text that is JSON has to stay.
    structure: Option<Structure>,
    /// A text that calls a tool is JSON if it begins so.
    may_be_json: bool,
    words: Words,
    shingles: Shingles,
    /// What has not gone out, and where it begins.
    held: String,
    from: usize,
    /// The words in it, and how many came before.
    pending: VecDeque<Pending>,
    count: u64,
    run: Option<Run>,
    withheld: u64,
}

struct Pending {
    number: u64,
    word: Word,
    covered: bool,
}

/// Words that were opened, in a row.
struct Run {
    /// From where on it is withheld.
    start: usize,
    /// Its words so far that were opened.
    covered: u32,
    /// The last of them: its number.
    last: u64,
    withheld: bool,
}

impl Repeats {
    pub(super) fn new(guard: RepeatGuard, may_be_json: bool) -> Self {
        Self {
            guard,
            structure: None,
            may_be_json,
            words: Words::default(),
            shingles: Shingles::default(),
            held: String::new(),
            from: 0,
            pending: VecDeque::new(),
            count: 0,
            run: None,
            withheld: 0,
        }
    }

    /// For a value of JSON.
    pub(super) fn of_json(guard: RepeatGuard) -> Self {
        Self { structure: Some(Structure::default()), ..Self::new(guard, false) }
    }

    /// Words that were withheld.
    pub(super) fn words(&self) -> u64 {
        self.withheld
    }

    pub(super) fn push(&mut self, text: &str, out: &mut String) {
        for character in text.chars() {
            if self.may_be_json && !character.is_whitespace() {
                self.may_be_json = false;
                let json = matches!(character, '{' | '[' | '"');
                self.structure = json.then(Structure::default);
            }
            let at = self.from + self.held.len();
            self.held.push(character);
            let mut words = std::mem::take(&mut self.words);
            words.push(character, at, &mut |word| self.word(word, out));
            self.words = words;
            if let Some(structure) = &mut self.structure {
                structure.push(character, at);
            }
            if self.held.len() > HOLD_LIMIT {
                self.flush(out);
            }
        }
    }

    /// The text ends.
    pub(super) fn finish(&mut self, out: &mut String) {
        let mut words = std::mem::take(&mut self.words);
        words.finish(&mut |word| self.word(word, out));
        self.flush(out);
    }

    /// Lets all go that is held; what comes next begins anew.
    pub(super) fn flush(&mut self, out: &mut String) {
        self.end_run();
        self.release(self.from + self.held.len(), out);
        self.shingles = Shingles::default();
    }

    fn word(&mut self, word: Word, out: &mut String) {
        if let Some(structure) = &mut self.structure {
            let text = self.held.get(word.start.saturating_sub(self.from)..).unwrap_or_default();
            structure.word(word, text);
        }
        let number = self.count;
        self.count += 1;
        self.pending.push_back(Pending { number, word, covered: false });
        let shingle = self.shingles.push(word.hash);
        if shingle.is_some_and(|shingle| self.guard.index.contains(shingle)) {
            self.cover(number, word.end, out);
        } else if self.run.as_ref().is_some_and(|run| number >= run.last + GAP + SHINGLE as u64) {
            self.end_run();
        }
        // What may still be a part of a run waits.
        let waits = self.pending.len().saturating_sub(SHINGLE - 1);
        let safe = match &self.run {
            Some(run) => Some(run.start),
            None => self.pending.get(waits).map(|it| it.word.start).filter(|_| waits > 0),
        };
        safe.into_iter().for_each(|safe| self.release(safe, out));
    }

    /// The word of this number ends six in a row that were opened.
    fn cover(&mut self, number: u64, end: usize, out: &mut String) {
        let first = (number + 1).saturating_sub(SHINGLE as u64);
        let (mut start, mut new) = (end, 0);
        for it in self.pending.iter_mut().filter(|it| it.number >= first) {
            start = start.min(it.word.start);
            new += u32::from(!std::mem::replace(&mut it.covered, true));
        }
        let limit = self.guard.limit();
        let run = self.run.get_or_insert(Run { start, covered: 0, last: number, withheld: false });
        (run.covered, run.last) = (run.covered + new, number);
        run.withheld |= run.covered >= limit;
        if run.withheld {
            let dropped = run.start..end;
            run.start = end;
            self.drop(&dropped, out);
        }
    }

    fn end_run(&mut self) {
        if let Some(run) = self.run.take().filter(|run| !run.withheld) {
            self.guard.spend(run.covered);
        }
    }

    /// What stands before `to` goes out.
    fn release(&mut self, to: usize, out: &mut String) {
        let length = to.saturating_sub(self.from).min(self.held.len());
        out.extend(self.held.drain(..length));
        self.gone(self.from + length);
    }

    /// A range is withheld, but for what has to stay of JSON.
    fn drop(&mut self, range: &Range<usize>, out: &mut String) {
        self.release(range.start, out);
        let range = &(range.start.max(self.from)..range.end);
        for stays in self.structure.iter().flat_map(|structure| structure.within(range)) {
            let place = stays.start - self.from..stays.end - self.from;
            out.push_str(self.held.get(place).unwrap_or_default());
        }
        let length = range.end.saturating_sub(self.from).min(self.held.len());
        self.held.drain(..length);
        let before = self.pending.len();
        self.gone(self.from + length);
        self.withheld += (before - self.pending.len()) as u64;
    }

    fn gone(&mut self, to: usize) {
        self.from = to;
        while self.pending.front().is_some_and(|it| it.word.end <= to) {
            self.pending.pop_front();
        }
        self.structure.iter_mut().for_each(|structure| structure.forget(to));
    }
}

/// An editor whose text is guarded, or none.
pub(in crate::countermeasure) struct Guarded {
    inner: Option<Box<dyn Editor>>,
    repeats: Repeats,
    /// What the inner one leaves of a piece; kept for its memory.
    left: String,
}

impl Guarded {
    /// Guards what `inner` leaves of a text of this kind.
    pub(in crate::countermeasure) fn new(
        inner: Option<Box<dyn Editor>>,
        guard: RepeatGuard,
        kind: Kind,
    ) -> Self {
        let repeats = Repeats::new(guard, kind == Kind::ToolArguments);
        Self { inner, repeats, left: String::new() }
    }

    fn inner(&self) -> Option<&dyn Editor> {
        self.inner.as_deref()
    }
}

impl Editor for Guarded {
    fn push(&mut self, text: &str, out: &mut String) {
        let Self { inner, repeats, left } = self;
        let Some(inner) = inner else { return repeats.push(text, out) };
        left.clear();
        inner.push(text, left);
        repeats.push(left, out);
    }

    fn push_opaque(&mut self, text: &str, out: &mut String) -> bool {
        let Self { inner, repeats, left } = self;
        left.clear();
        let passes = inner.as_mut().is_none_or(|inner| inner.push_opaque(text, left));
        repeats.push(left, out);
        // It goes out as it came, behind all before it.
        repeats.flush(out);
        passes
    }

    fn finish(&mut self, cut_short: bool, out: &mut String) {
        let Self { inner, repeats, left } = self;
        left.clear();
        inner.iter_mut().for_each(|inner| inner.finish(cut_short, left));
        repeats.push(left, out);
        repeats.finish(out);
    }

    fn holds(&self) -> bool {
        true
    }

    fn let_go(&mut self, out: &mut String) {
        let Self { inner, repeats, left } = self;
        left.clear();
        inner.iter_mut().for_each(|inner| inner.let_go(left));
        repeats.push(left, out);
        repeats.finish(out);
    }

    fn withholds(&self) -> bool {
        self.inner().is_some_and(Editor::withholds)
    }

    fn words_removed(&self) -> u64 {
        self.inner().map_or(0, Editor::words_removed)
    }

    fn words_repeated(&self) -> u64 {
        self.repeats.words()
    }

    fn blocks_sealed(&self) -> u64 {
        self.inner().map_or(0, Editor::blocks_sealed)
    }

    fn unopened_reasoning(&self) -> u64 {
        self.inner().map_or(0, Editor::unopened_reasoning)
    }

    fn unknown_markup(&self) -> u64 {
        self.inner().map_or(0, Editor::unknown_markup)
    }

    fn dialects(&self) -> Dialects {
        self.inner().map_or_else(Dialects::default, Editor::dialects)
    }

    fn reasons(&self) -> bool {
        self.inner().is_some_and(Editor::reasons)
    }

    fn leaves_open(&self) -> bool {
        self.inner().is_some_and(Editor::leaves_open)
    }

    fn puts_off(&self) -> bool {
        self.inner().is_some_and(Editor::puts_off)
    }

    fn begin_again(&mut self) {
        self.inner.iter_mut().for_each(|inner| inner.begin_again());
    }

    fn call(&mut self) {
        self.inner.iter_mut().for_each(|inner| inner.call());
    }

    fn has_begun(&self) -> bool {
        self.inner().is_some_and(Editor::has_begun)
    }

    fn tell_apart(&mut self) {
        self.inner.iter_mut().for_each(|inner| inner.tell_apart());
    }
}
