//! Reasoning that stands in the answer's own text.
//!
//! Servers that run a model without a reasoning parser send `<think>…</think>`, or what else the
//! model's makers chose (the table in `dialect`), in the content, split over events at any character. The
//! markers stay, since clients look for them; what stands between them goes through an editor of
//! its own. So reasoning is a state of the text, whatever member of whatever event carries it.
//!
//! A marker is also a word that an answer can speak of, and the text alone does not always tell.
//! A model's own reasoning **opens its answer**: it is trained to, or its template has begun it. What
//! is a section:
//!
//! 1. What a marker opens at the **beginning** of a text, before any word of an answer. It is
//!    reasoning whether or not it is closed. So is what the chat template opened, once something
//!    closes it: where the policy says that of the model, or a text that is there as a whole has a
//!    closing that nothing opened ([`unopened`]).
//! 2. What a marker opens **and its counterpart closes**, behind words that only lead up to it
//!    (`lead`); behind anything, once the text has shown that its model reasons in it: it began with
//!    a section, with its template's, or with a token that only models write. If the text ends where
//!    its model meant to and nothing has closed it, it was a word of the answer, and all of it goes
//!    out; until then it is held. If a limit ended the text, or the client may have kept the model
//!    from closing it, it counts as reasoning. Special tokens are never words once the same text
//!    began with a section in their dialect.
//! 3. Behind **an answer that began without reasoning**, only what special tokens open and close,
//!    where the table says so. What else stands there is what the answer shows: a prompt, a
//!    document, a file that an agent writes.
//! 4. Nothing in **code** (a fenced block; a code span that ends on its line), nothing that stands
//!    in quotes or brackets by itself, no pair with nothing to read between its two markers, and no
//!    pair that prose speaks of: "`<think>` opens the trace, `</think>` closes it".
//! 5. Where the response carries its reasoning **in members of its own**, only what stands at the
//!    beginning, and that too only if it is closed: some servers repeat there what the member says.
//!
//! Markers that are in no row of the table but are worded like those (`derived`) open what their
//! counterpart closes, at the same places. Sections nest where the dialect says so. Behind a closing
//! that leaves an opening unmatched, or that stands in a block of code, the text may be either, and is
//! held like 2.
//!
//! What this cannot tell apart: an answer that begins with a marker is cut there, and so is one
//! that shows how a section is written, as plain text and outside of code, behind reasoning in the
//! same text. A client that has its model answer first, in more than one word, and only then write
//! what it calls its thoughts gets those as part of the answer: it could as well have asked for
//! them without the markers. Reasoning that ends without having begun, where neither the text nor
//! the policy says so, has gone out already; it is counted, like markup that looks like a dialect
//! and is none of the table's. Text is held up to [`HOLD_LIMIT`]; beyond it counts as reasoning.
//!
//! Each byte is looked at once, and from one place no further than a marker can reach.

mod any;
mod derived;
mod dialect;
mod editor;
mod fence;
mod header;
mod lead;
mod lead_in;
mod led;
mod lines;
mod marker;
mod mention;
mod orphan;
mod rows;
mod section;

use std::ops::Range;

use super::Editor;
use super::reasoning::{HOLD_LIMIT, Remains};
use crate::secret::opaque_debug;

pub use any::has_marker;
pub use dialect::Dialects;
use dialect::{Dialect, NEUTRAL, Place};
use lead::Leads;
pub use lead_in::{LeadIn, lead_in};
pub use led::Led;
use lines::Lines;
use marker::{Match, Of, Opening, Sure};
pub use orphan::{Orphans, unopened};
use section::{Open, Section};

opaque_debug!(Inline, State);

/// What a section is taken for that may be an answer, if nothing closes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unclosed {
    /// An answer: the model did not reason, or spoke of the marker.
    Answer,
    /// Reasoning: the client may have kept the model from closing it.
    Reasoning,
}

/// What is known of a text before it begins.
#[derive(Clone, Debug)]
pub struct Setting {
    /// What is left of the reasoning.
    pub keep: Remains,
    /// The model's chat template opens the first section.
    pub opened: bool,
    /// The text goes on within reasoning that another one left open.
    pub continued: bool,
    /// Another text of the response has shown that its model reasons in them.
    pub reasoned: bool,
    /// What becomes of a section that may be an answer and is not closed.
    pub unclosed: Unclosed,
}

/// Edits the reasoning sections of an answer lane and leaves the rest alone.
pub struct Inline {
    setting: Setting,
    told_apart: bool,
    state: State,
    lines: Lines,
    /// Text that may turn out to be the beginning of a marker.
    undecided: String,
    /// How much of it has left already.
    left: usize,
    /// The dialect of the section at the beginning.
    spoken: Option<&'static Dialect>,
    /// The text has shown that its model reasons in it, or may be made to.
    reasoned: bool,
    /// It may be several texts, so that nobody knows what of it is code.
    unsure: bool,
    /// A tool is called behind the text.
    called: bool,
    /// Something of a section may have been kept: the next ones leave nothing.
    kept: bool,
    /// Where markers stand in what the last piece let out.
    markers: Vec<Range<usize>>,
    /// Answer text other than white space has gone out.
    answered: bool,
    /// Anything else than a marker has gone out, if only white space.
    begun: bool,
    /// A prompt has begun a header before it whose channel is not the answer's.
    within_header: bool,
    removed: u64,
    seen: Dialects,
    work: Work,
}

enum State {
    Answer,
    /// Reasoning.
    Section(Section),
    /// Reasoning, if it is closed.
    Open(Open),
}

/// Bytes looked at, each as often as it was, which tests hold to be linear in the text.
#[derive(Debug, Default)]
struct Work(#[cfg(test)] u64);

impl Work {
    #[cfg_attr(not(test), expect(clippy::unused_self, reason = "only tests count"))]
    fn add(&mut self, _bytes: usize) {
        #[cfg(test)]
        {
            self.0 += _bytes as u64;
        }
    }
}

/// How far a text was taken.
enum Step {
    To(usize),
    /// From here on it depends on what follows.
    Wait(usize),
}

impl Inline {
    /// An editor for an answer lane.
    #[must_use]
    pub fn new(setting: Setting) -> Self {
        let section = |keep: &Remains| Section::new(Of::Template(None), keep.editor(), true);
        let state = match &setting {
            // What may be kept of it, the other one has kept.
            Setting { continued: true, .. } => State::Section(section(&Remains::NOTHING)),
            Setting { opened: false, .. } => State::Answer,
            Setting { keep, unclosed: Unclosed::Reasoning, .. } => State::Section(section(keep)),
            Setting { keep, .. } => State::Open(Open::new(section(keep))),
        };
        let reasoned = setting.opened
            || setting.continued
            || setting.reasoned
            || setting.unclosed == Unclosed::Reasoning;
        Self {
            setting,
            told_apart: false,
            state,
            lines: Lines::default(),
            undecided: String::new(),
            left: 0,
            spoken: None,
            reasoned,
            unsure: false,
            called: false,
            kept: false,
            markers: Vec::new(),
            answered: false,
            begun: false,
            within_header: false,
            removed: 0,
            seen: Dialects::default(),
            work: Work::default(),
        }
    }

    /// The editor of what is left of the next section.
    fn editor(&self) -> Box<dyn Editor> {
        // What a member of its own keeps is kept there.
        let nothing = self.told_apart || self.kept;
        if nothing { Remains::NOTHING.editor() } else { self.setting.keep.editor() }
    }

    fn show(&mut self, text: &str, out: &mut String) {
        let skipped = self.left.min(text.len());
        self.left -= skipped;
        let rest = text.get(skipped..).unwrap_or_default();
        // The tokens that models put before their first word are none of it, wherever they are cut.
        self.answered |= !self.lines.beginning && !rest.trim().is_empty();
        self.begun |= !rest.is_empty();
        out.push_str(rest);
    }

    fn show_marker(&mut self, marker: &str, out: &mut String) {
        if marker.is_empty() {
            return;
        }
        let skipped = self.left.min(marker.len());
        self.left -= skipped;
        let from = out.len();
        out.push_str(marker.get(skipped..).unwrap_or_default());
        self.markers.push(from..out.len());
    }

    fn take(&mut self, text: &str, last: bool, out: &mut String) {
        let joined;
        let mut text = text;
        if !self.undecided.is_empty() {
            joined = std::mem::take(&mut self.undecided) + text;
            text = &joined;
        }
        let mut at = 0;
        while at < text.len() {
            let step = match self.state {
                State::Answer => self.answer(text, at, last, out),
                State::Section(_) => self.section(text, at, last, out),
                State::Open(_) => self.open(text, at, last, out),
            };
            match step {
                Step::To(next) => at = next,
                Step::Wait(from) => {
                    self.undecided.push_str(text.get(from..).unwrap_or_default());
                    return;
                }
            }
        }
    }

    /// Takes text of the answer, up to an opening.
    fn answer(&mut self, text: &str, from: usize, last: bool, out: &mut String) -> Step {
        let mut at = from;
        loop {
            // Where a dialect is spoken, a letter may begin its marker.
            if self.spoken.is_none() {
                let passed = self.lines.pass(text.get(at..).unwrap_or_default());
                self.work.add(passed);
                at += passed;
            }
            let rest = text.get(at..).unwrap_or_default();
            let Some(character) = rest.chars().next() else { break };
            self.work.add(1);
            if !self.may_open(character) {
                self.lines.see(character);
                at += character.len_utf8();
                continue;
            }
            let here = marker::within_reach(rest);
            self.work.add(marker::LONGEST);
            let ahead = marker::ahead(rest);
            match self.opening(here, ahead, last) {
                Opening::No => {
                    self.lines.see(character);
                    at += character.len_utf8();
                }
                Opening::Perhaps { sure } => {
                    self.show(text.get(from..at).unwrap_or_default(), out);
                    if sure > self.left && !self.told_apart {
                        out.push_str(here.get(self.left..sure).unwrap_or_default());
                        self.left = sure;
                    }
                    return Step::Wait(at);
                }
                Opening::Yes { of, length, sure } => {
                    self.show(text.get(from..at).unwrap_or_default(), out);
                    let marker = here.get(..length).unwrap_or_default();
                    self.begin(of, sure, marker, out);
                    return Step::To(at + length);
                }
            }
        }
        self.show(text.get(from..).unwrap_or_default(), out);
        Step::To(text.len())
    }

    fn may_open(&mut self, character: char) -> bool {
        let Lines { beginning, .. } = self.lines;
        let plain = || character.is_alphabetic() || matches!(character, '\u{feff}' | '*' | '/');
        let candidate = matches!(character, '<' | '[' | '◁')
            || beginning && !self.told_apart && plain()
            || character == 'a' && self.spoken.is_some();
        let code = !self.unsure && self.lines.in_block();
        candidate && (beginning || !self.told_apart && !code)
    }

    fn place(&self) -> Place {
        if self.lines.beginning {
            Place::Beginning
        } else if self.reasoned || self.lines.leads() != Leads::No {
            Place::Reasoned
        } else {
            Place::Answered
        }
    }

    /// What opens a section where `here` begins.
    fn opening(&mut self, here: &str, ahead: &str, last: bool) -> Opening {
        let beginning = self.lines.beginning;
        let found = marker::opening(here, self.place(), self.spoken);
        match found {
            Opening::Yes { length, .. } => {
                let behind = here.get(length..).unwrap_or_default();
                let quoted = mention::quoted(self.lines.previous, behind, last);
                let span = self.lines.in_span().filter(|_| !self.unsure);
                self.work.add(span.map_or(0, |_| marker::SPAN));
                let spanned = span.map_or(Some(false), |ticks| mention::ends(ticks, ahead, last));
                match (quoted, spanned) {
                    (Some(true), _) | (_, Some(true)) => Opening::No,
                    (None, _) | (_, None) => Opening::Perhaps { sure: length },
                    (Some(false), Some(false)) => found,
                }
            }
            Opening::Perhaps { .. } if last => Opening::No,
            Opening::Perhaps { .. } => found,
            // What is no word of an answer leaves its beginning where it is.
            Opening::No if beginning => self.neutral(here, last),
            Opening::No => found,
        }
    }

    /// Whether a token stands here, or may be beginning, that models put before their first word.
    fn neutral(&mut self, here: &str, last: bool) -> Opening {
        let mut found = Opening::No;
        for token in NEUTRAL {
            if here.starts_with(token) {
                self.lines.skip(token);
                self.reasoned |= token.contains('|');
                return Opening::No;
            }
            if !last && token.starts_with(here) {
                found = Opening::Perhaps { sure: here.len() };
            }
        }
        match marker::special(here) {
            Match::Yes(_) => self.reasoned = true,
            Match::Perhaps if !last => found = Opening::Perhaps { sure: here.len() },
            _ => {}
        }
        found
    }

    /// A section begins, or may begin, with this marker.
    fn begin(&mut self, of: Of, sure: Sure, marker: &str, out: &mut String) {
        self.within_header = false;
        let leading = self.lines.beginning;
        let dialect = of.dialect();
        let special = dialect.filter(|dialect| dialect.special);
        let spoken =
            special.zip(self.spoken).is_some_and(|(dialect, spoken)| std::ptr::eq(spoken, dialect));
        let certain = !self.told_apart && (leading && sure == Sure::Certain || spoken);
        let word = !self.reasoned && self.lines.leads() == Leads::Word;
        let derived = matches!(of, Of::Derived(_));
        let section = Section::new(of, self.editor(), leading);
        let mut open = Open::marked(section, sure != Sure::Words, word);
        // Beside reasoning in a member of its own nothing of a section goes ahead of it.
        if self.told_apart {
            marker.clone_into(&mut open.marker);
        } else {
            self.show_marker(marker, out);
        }
        self.state = if certain {
            dialect.into_iter().for_each(|dialect| self.enter(dialect, leading));
            State::Section(open.section)
        } else {
            State::Open(open)
        };
        let unknown = self.lines.unknown;
        self.lines.see_all(marker);
        if derived {
            self.lines.unknown = unknown;
        }
    }

    /// A section of this dialect is one for certain.
    fn enter(&mut self, dialect: &'static Dialect, leading: bool) {
        self.seen.insert(dialect);
        self.reasoned = true;
        if leading {
            self.spoken.get_or_insert(dialect);
        }
    }

    /// Ends a section with its closing marker.
    fn close(&mut self, mut section: Section, marker: &str, out: &mut String) {
        section.editor.finish(false, out);
        self.removed += section.editor.words_removed();
        self.kept |= section.said;
        self.show_marker(marker, out);
        self.lines.restart(section.leading && !self.answered);
        self.state = State::Answer;
    }
}

#[cfg(test)]
mod tests;
