//! Inside of a section, and of what may be one.

use super::dialect::Dialect;
use super::fence::Fences;
use super::marker::{self, Match, Of, Opening, Sure};
use super::{Editor, HOLD_LIMIT, Inline, State, Step, mention};
use crate::countermeasure::sentences::WordCount;
use crate::secret::opaque_debug;

opaque_debug!(Section, Open);

/// Text that is reasoning.
pub(super) struct Section {
    /// What opened it.
    of: Of,
    pub(super) editor: Box<dyn Editor>,
    /// Nothing of an answer stands before it.
    pub(super) leading: bool,
    /// Openings inside of it that nothing has closed.
    depth: usize,
    /// Blocks of code in it, in which a model shows markers.
    fences: Fences,
    /// The last character.
    previous: Option<char>,
    /// It said something.
    pub(super) said: bool,
}

/// Text that is reasoning if it is closed.
pub(super) struct Open {
    pub(super) section: Section,
    /// Its marker, if it has not gone out.
    pub(super) marker: String,
    /// All of it.
    pub(super) text: String,
    /// It is white space so far.
    blank: bool,
    /// Where in it openings end that nothing has closed.
    openings: Vec<usize>,
    /// A closing stands before it that an opening inside of the section may have been meant by, or
    /// that the section only shows, in a block of code.
    nested: bool,
    /// Its marker may be one that prose speaks of.
    mentionable: bool,
    /// One word of any kind stands before its marker, which may be the subject of a sentence.
    word: bool,
}

impl Section {
    pub(super) fn new(of: Of, editor: Box<dyn Editor>, leading: bool) -> Self {
        Self {
            of,
            editor,
            leading,
            depth: 0,
            fences: Fences::default(),
            previous: None,
            said: false,
        }
    }

    fn push(&mut self, text: &str, out: &mut String) {
        self.fences.see(text);
        self.feed(text, out);
    }

    /// Takes text whose fences have been seen.
    fn feed(&mut self, text: &str, out: &mut String) {
        self.previous = text.chars().next_back().or(self.previous);
        self.said |= text.contains(char::is_alphanumeric);
        self.editor.push(text, out);
    }

    pub(super) fn is_templates(&self) -> bool {
        matches!(self.of, Of::Template(_))
    }

    /// What stands where `here` begins.
    fn find(&self, here: &str, before: Option<char>, last: bool) -> Found {
        let quoted = |length| mention::quoted(before, here.get(length..).unwrap_or_default(), last);
        match marker::closing(here, &self.of) {
            (Match::Perhaps, _) if !last => return Found::Perhaps,
            (Match::Yes(length), Some(dialect)) => {
                let behind = here.get(length..).unwrap_or_default();
                let marker = here.get(..length).unwrap_or_default();
                let worded = marker.chars().all(|it| it.is_alphabetic() || it == ' ');
                let spoken_of = match (worded, before) {
                    (true, Some(' ')) => mention::goes_on(behind, last),
                    _ => Match::No,
                };
                return match (quoted(length), spoken_of) {
                    (None, _) | (_, Match::Perhaps) => Found::Perhaps,
                    (Some(true), _) | (_, Match::Yes(_)) => Found::Text(length),
                    (Some(false), Match::No) => Found::Closing(dialect, length),
                };
            }
            _ => {}
        }
        if !self.of.nests() && !self.is_templates() {
            return Found::Text(0);
        }
        match marker::inner_opening(here, &self.of) {
            Opening::Perhaps { .. } if !last => Found::Perhaps,
            Opening::Yes { of, length, .. } => match quoted(length) {
                None => Found::Perhaps,
                Some(true) => Found::Text(length),
                Some(false) => Found::Opening(of, length),
            },
            Opening::No | Opening::Perhaps { .. } => Found::Text(0),
        }
    }
}

enum Found {
    /// No marker, or one that is quoted, of so many bytes.
    Text(usize),
    Perhaps,
    Opening(Of, usize),
    Closing(&'static Dialect, usize),
}

impl Open {
    pub(super) fn new(section: Section) -> Self {
        Self {
            section,
            marker: String::new(),
            text: String::new(),
            blank: true,
            openings: Vec::new(),
            nested: false,
            mentionable: false,
            word: false,
        }
    }

    /// Behind a marker, which prose may speak of if it is `mentionable`, behind one `word`.
    pub(super) fn marked(section: Section, mentionable: bool, word: bool) -> Self {
        Self { mentionable, word, ..Self::new(section) }
    }

    /// It counts as reasoning, closed or not.
    pub(super) fn give_up(self, out: &mut String) -> Section {
        let Self { mut section, text, openings, .. } = self;
        section.feed(&text, out);
        section.depth += openings.len();
        section
    }

    fn add(&mut self, text: &str) {
        self.section.fences.see(text);
        self.blank = self.blank && text.trim().is_empty();
        self.text.push_str(text);
    }
}

impl Inline {
    /// Takes text of a section, up to its end.
    pub(super) fn section(
        &mut self,
        text: &str,
        from: usize,
        last: bool,
        out: &mut String,
    ) -> Step {
        let State::Section(section) = &mut self.state else { return Step::To(from) };
        let mut at = from;
        while let Some(next) = candidate(text, at, &section.of) {
            self.work.add(next - at + marker::LONGEST);
            at = next;
            let here = marker::within_reach(text.get(at..).unwrap_or_default());
            let said = text.get(from..at).unwrap_or_default();
            let before = said.chars().next_back().or(section.previous);
            match section.find(here, before, last) {
                Found::Text(length) => at += length.max(first_length(here)),
                Found::Perhaps => {
                    section.push(said, out);
                    return Step::Wait(at);
                }
                Found::Opening(_, length) => {
                    section.depth += 1;
                    at += length;
                }
                Found::Closing(dialect, length) => {
                    section.push(said, out);
                    let marker = here.get(..length).unwrap_or_default();
                    let leading = section.leading;
                    self.enter(dialect, leading);
                    self.end_section(marker, out);
                    return Step::To(at + length);
                }
            }
        }
        section.push(text.get(from..).unwrap_or_default(), out);
        self.work.add(text.len() - at);
        Step::To(text.len())
    }

    /// A closing ends the section, or what nests in it.
    fn end_section(&mut self, marker: &str, out: &mut String) {
        // What another header ends is over wherever that stands.
        let shown = |section: &Section| section.fences.inside() && !marker.is_empty();
        match std::mem::replace(&mut self.state, State::Answer) {
            State::Section(section) if section.depth == 0 && !shown(&section) => {
                self.close(section, marker, out);
            }
            State::Section(mut section) => {
                section.depth = section.depth.saturating_sub(1);
                let mut open = Open { nested: true, ..Open::new(section) };
                open.add(marker);
                self.state = State::Open(open);
            }
            other => self.state = other,
        }
    }

    /// Takes text of what may be a section.
    pub(super) fn open(&mut self, text: &str, from: usize, last: bool, out: &mut String) -> Step {
        let State::Open(open) = &mut self.state else { return Step::To(from) };
        let mut at = from;
        loop {
            let next = candidate(text, at, &open.section.of);
            let reach = next.map_or(0, |_| marker::LONGEST);
            self.work.add(next.unwrap_or(text.len()) - at + reach);
            open.add(text.get(at..next.unwrap_or(text.len())).unwrap_or_default());
            if open.text.len() > HOLD_LIMIT {
                return self.overlong(next.unwrap_or(text.len()), out);
            }
            let Some(next) = next else {
                return Step::To(text.len());
            };
            at = next;
            let here = marker::within_reach(text.get(at..).unwrap_or_default());
            if open.blank && open.section.is_templates() {
                match marker::words(here) {
                    (Match::Perhaps, _) if !last => return Step::Wait(at),
                    (Match::Yes(length), begun) => {
                        open.section.of = Of::Template(begun);
                        open.add(here.get(..length).unwrap_or_default());
                        at += length;
                        continue;
                    }
                    _ => {}
                }
            }
            let before = open.text.chars().next_back();
            match open.section.find(here, before, last) {
                Found::Text(length) => {
                    let length = length.max(first_length(here));
                    open.add(here.get(..length).unwrap_or_default());
                    at += length;
                }
                Found::Perhaps => return Step::Wait(at),
                Found::Opening(of, length) => {
                    let marker = here.get(..length).unwrap_or_default();
                    if open.section.is_templates() && open.blank {
                        // The model opened what its template was said to open.
                        return self.opened_after_all(of, marker, at + length, out);
                    }
                    if open.section.is_templates() {
                        let behind = here.get(length..).unwrap_or_default();
                        match mention::will_speak_of_opening(behind, last) {
                            Match::Perhaps => return Step::Wait(at),
                            Match::Yes(_) => {
                                open.add(marker);
                                at += length;
                                continue;
                            }
                            Match::No => {}
                        }
                    }
                    open.add(marker);
                    open.openings.push(open.text.len());
                    at += length;
                }
                Found::Closing(dialect, length) => {
                    let marker = here.get(..length).unwrap_or_default();
                    if let Some(inner) = open.openings.pop() {
                        let within = open.text.get(inner..).unwrap_or_default();
                        // A pair of its own: withheld, whatever becomes of the text around it.
                        if within.contains(char::is_alphanumeric) {
                            self.removed += WordCount::of(within);
                            open.text.truncate(inner);
                        }
                        open.add(marker);
                        at += length;
                        continue;
                    }
                    let behind = here.get(length..).unwrap_or_default();
                    match open.is_spoken_of(behind, last) {
                        Match::Perhaps => return Step::Wait(at),
                        Match::Yes(_) => {
                            open.text.push_str(marker);
                            return self.literal(at + length, out);
                        }
                        Match::No => {}
                    }
                    let marker = marker.to_owned();
                    self.settle(dialect, &marker, out);
                    return Step::To(at + length);
                }
            }
        }
    }

    /// What was held is a section, and this closes it.
    fn settle(&mut self, dialect: &'static Dialect, marker: &str, out: &mut String) {
        let State::Open(open) = std::mem::replace(&mut self.state, State::Answer) else { return };
        let Open { mut section, text, marker: opening, .. } = open;
        self.show_marker(&opening, out);
        section.feed(&text, out);
        self.enter(dialect, section.leading);
        self.state = State::Section(section);
        self.end_section(marker, out);
    }

    /// What was held was the answer's.
    fn literal(&mut self, at: usize, out: &mut String) -> Step {
        if let State::Open(open) = std::mem::replace(&mut self.state, State::Answer) {
            self.release(open, "", out);
        }
        Step::To(at)
    }

    /// Lets all of it out, as the answer's, and `more` behind it.
    pub(super) fn release(&mut self, open: Open, more: &str, out: &mut String) {
        let Open { mut section, marker, text, nested, .. } = open;
        self.show_marker(&marker, out);
        if nested {
            section.editor.finish(false, out);
            self.kept |= section.said;
            self.lines.restart(false);
        }
        self.removed += section.editor.words_removed();
        if matches!(section.of, Of::Derived(_)) {
            self.lines.unknown += 1;
        }
        // Closings in it have been judged.
        let unopened = self.lines.unopened;
        for text in [text.as_str(), more] {
            self.show(text, out);
            self.lines.see_all(text);
        }
        self.lines.unopened = unopened;
        self.state = State::Answer;
    }

    /// Too long to be held: reasoning.
    fn overlong(&mut self, at: usize, out: &mut String) -> Step {
        if let State::Open(open) = std::mem::replace(&mut self.state, State::Answer) {
            if let Some(dialect) = open.section.of.dialect() {
                self.enter(dialect, open.section.leading);
            }
            self.show_marker(&open.marker, out);
            self.state = State::Section(open.give_up(out));
        }
        Step::To(at)
    }

    fn opened_after_all(&mut self, of: Of, marker: &str, at: usize, out: &mut String) -> Step {
        if let State::Open(open) = std::mem::replace(&mut self.state, State::Answer) {
            self.show(&open.text, out);
        }
        self.lines.restart(true);
        self.begin(of, Sure::Certain, marker, out);
        Step::To(at)
    }
}

impl Open {
    /// Whether the answer speaks of the markers around it, or shows them with nothing between.
    fn is_spoken_of(&self, behind: &str, last: bool) -> Match {
        if self.nested || self.section.is_templates() {
            return Match::No;
        }
        if !self.text.contains(char::is_alphanumeric) {
            return Match::Yes(0);
        }
        if self.word && mention::continues(&self.text) {
            return Match::Yes(0);
        }
        if !self.mentionable || !mention::speaks_of_opening(&self.text) {
            return Match::No;
        }
        mention::speaks_of_closing(behind, last)
    }
}

/// The next place from `at` at which something other than text may stand.
fn candidate(text: &str, at: usize, of: &Of) -> Option<usize> {
    Some(at + text.get(at..)?.find(|it| marker::may_begin(it, of))?)
}

fn first_length(text: &str) -> usize {
    text.chars().next().map_or(1, char::len_utf8)
}
