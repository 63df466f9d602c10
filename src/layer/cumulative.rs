//! Texts whose pieces say again what was said before.
//!
//! Some servers send everything so far in every event, in a member of its own or as if it were a
//! delta. The lane stays one text, which its editors get once and in order; what goes out in such a
//! piece is made by fresh editors from the piece itself, so that all copies agree, nothing has to be
//! kept of what went out, and the cost is that of the bytes that came.
//!
//! Whether deltas are whole texts is told by the pieces: each begins with all before it. One that
//! does not shows that they are deltas, and as long as too little has been repeated to tell, both are
//! followed; where no text is changed, what goes out is the same either way.

use crate::countermeasure::{Beside, LaneEditor, ResponseEdits};
use crate::wire::Channel;

/// The bytes that a repeated beginning must have at least to be no chance, and how many of them
/// must differ.
const TELLING: (usize, usize) = (12, 8);

/// More than chance repeats, whatever they are.
const LONG: usize = 64;

/// The bytes of its beginning by which a text is known again.
const HEAD: usize = 32;

/// How the pieces of a text follow each other.
#[derive(Debug, Default)]
pub(super) struct Course {
    state: State,
    said: Said,
}

#[derive(Debug, Default)]
enum State {
    /// Nothing has come.
    #[default]
    Empty,
    /// One piece has come.
    First(String),
    /// The pieces repeat each other, but little of it.
    Repeating(Box<Repeating>),
    Deltas,
    /// What went out last.
    Snapshots(String),
}

#[derive(Debug)]
struct Repeating {
    previous: String,
    /// The editors of the text that the pieces are if they are deltas.
    deltas: LaneEditor,
    /// What has not gone out of it.
    owed: String,
    /// What would have gone out of the last piece if it was all of the text.
    whole: String,
}

/// A text by its length, a sum of its bytes and its beginning.
#[derive(Clone, Copy, Debug, Default)]
struct Said {
    length: usize,
    sum: u64,
    head: [u8; HEAD],
}

impl Course {
    /// Bytes that are kept of the text.
    pub(super) fn held(&self) -> usize {
        match &self.state {
            State::Empty | State::Deltas => 0,
            State::First(text) | State::Snapshots(text) => text.capacity(),
            State::Repeating(repeating) => {
                let Repeating { previous, deltas: _, owed, whole } = &**repeating;
                previous.capacity() + owed.capacity() + whole.capacity()
            }
        }
    }
}

/// What is to go out of one piece.
#[derive(Clone, Copy, Debug)]
pub(super) enum Piece {
    /// What the lane's editors let out of it.
    Continued,
    /// What fresh ones let out of all of it.
    Whole,
    /// One or the other.
    Perhaps,
}

/// How fresh editors of a lane are made.
#[derive(Clone, Debug)]
pub(super) struct Origin {
    pub(super) channel: Channel,
    pub(super) beside: Beside,
    /// The response turned out later to say its reasoning in members of its own.
    pub(super) told_apart: bool,
}

impl Origin {
    pub(super) fn editor(&self, edits: &ResponseEdits) -> LaneEditor {
        let mut editor = edits.editor(&self.channel, self.beside);
        if self.told_apart {
            editor.tell_apart();
        }
        editor
    }
}

impl Said {
    fn push(&mut self, text: &str) {
        for (place, byte) in self.head.iter_mut().skip(self.length).zip(text.bytes()) {
            *place = byte;
        }
        for byte in text.bytes() {
            self.sum =
                self.sum.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(u64::from(byte) + 1);
        }
        self.length += text.len();
    }

    /// What `text` adds to this one, if it begins with it.
    fn extended<'t>(&self, text: &'t str) -> Option<&'t str> {
        let (before, added) = text.split_at_checked(self.length)?;
        let mut again = Self::default();
        again.push(before);
        (again.sum == self.sum && again.head == self.head).then_some(added)
    }

    fn head(&self) -> &[u8] {
        self.head.get(..self.length.min(HEAD)).unwrap_or_default()
    }

    /// Whether a text that begins like this one does so by more than chance.
    fn tells(&self) -> bool {
        let (length, distinct) = TELLING;
        self.length >= LONG
            || self.length >= length && {
                let mut bytes = self.head().to_vec();
                bytes.sort_unstable();
                bytes.dedup();
                bytes.len() >= distinct
            }
    }

    /// Whether `text` is another version of this one.
    fn is_revised_by(&self, text: &str) -> bool {
        let head = self.head();
        let shared = head.len().min(text.len());
        self.tells() && shared > 0 && text.as_bytes().get(..shared) == head.get(..shared)
    }
}

impl Course {
    /// Whether every piece is all of the text.
    pub(super) fn repeats(&self) -> bool {
        matches!(self.state, State::Snapshots(_))
    }

    /// What went out of the last piece.
    pub(super) fn shown(&self) -> &str {
        match &self.state {
            State::Snapshots(shown) => shown,
            _ => "",
        }
    }

    /// Remembers what went out of a piece that was all of the text.
    pub(super) fn show(&mut self, text: &str) {
        if let State::Snapshots(shown) = &mut self.state {
            text.clone_into(shown);
        }
    }

    /// Whether text is held back until it is known how the pieces follow each other.
    pub(super) fn owes(&self) -> bool {
        matches!(&self.state, State::Repeating(repeating) if !repeating.owed.is_empty())
    }

    /// Leaves in `out`, which holds what goes out of a piece if it is all of the text, what goes
    /// out of it either way.
    pub(super) fn weigh(&mut self, text: &str, out: &mut String) {
        let State::Repeating(repeating) = &mut self.state else { return };
        let Repeating { deltas, owed, whole, .. } = &mut **repeating;
        out.clone_into(whole);
        let before = owed.len();
        deltas.push(text, owed);
        if before == 0 && owed == out {
            owed.clear();
        } else {
            out.clear();
        }
    }

    /// Whether the pieces are rather taken for all of the text than for deltas, as long as both are
    /// followed: if there is reasoning in it then.
    fn prefers_whole(editor: &LaneEditor) -> bool {
        editor.reasons() || !editor.dialects().is_empty()
    }

    /// The editors of the text that the pieces are taken for.
    pub(super) fn current<'e>(&'e self, editor: &'e LaneEditor) -> &'e LaneEditor {
        match &self.state {
            State::Repeating(repeating) if !Self::prefers_whole(editor) => &repeating.deltas,
            _ => editor,
        }
    }

    /// The text ends: what was held goes out, and what is owed before it.
    pub(super) fn finish(&mut self, cut_short: bool, editor: &mut LaneEditor, out: &mut String) {
        let State::Repeating(repeating) = &mut self.state else {
            return editor.finish(cut_short, out);
        };
        let Repeating { deltas, owed, whole, .. } = &mut **repeating;
        let other = &mut String::new();
        if Self::prefers_whole(editor) {
            if !owed.is_empty() {
                out.push_str(whole);
            }
            editor.finish(cut_short, out);
            deltas.finish(cut_short, other);
        } else {
            out.push_str(owed);
            deltas.finish(cut_short, out);
            editor.finish(cut_short, other);
        }
        owed.clear();
    }

    /// Takes a text that its member says to be all so far.
    pub(super) fn whole(&mut self, text: &str, editor: &mut LaneEditor, ignored: &mut String) {
        if let Some(added) = self.said.extended(text) {
            editor.push(added, ignored);
            self.said.push(added);
        }
        // Where no delta has come, none is waited for.
        if matches!(self.state, State::Empty) {
            self.state = State::Snapshots(String::new());
        }
    }

    /// Takes a piece of a stream, whose text goes to the editor once.
    pub(super) fn take(
        &mut self,
        text: &str,
        editor: &mut LaneEditor,
        origin: &Origin,
        edits: &ResponseEdits,
        out: &mut String,
    ) -> Piece {
        match std::mem::take(&mut self.state) {
            State::Empty => self.state = State::First(text.to_owned()),
            State::First(first) if repeats(text, &first) => {
                let mut deltas = origin.editor(edits);
                deltas.push(&first, &mut String::new());
                let (owed, whole) = (String::new(), String::new());
                let previous = first;
                return self.repeat(Repeating { previous, deltas, owed, whole }, text, editor);
            }
            State::Repeating(repeating) if repeats(text, &repeating.previous) => {
                return self.repeat(*repeating, text, editor);
            }
            State::Repeating(repeating) => {
                let Repeating { mut deltas, owed, .. } = *repeating;
                out.push_str(&owed);
                deltas.push(text, out);
                *editor = deltas;
                // What was said is not known any more, and no longer asked.
                (self.said, self.state) = (Said::default(), State::Deltas);
                return Piece::Continued;
            }
            State::Snapshots(shown) => {
                if self.again(text, editor, origin, edits) {
                    self.state = State::Snapshots(shown);
                    return Piece::Whole;
                }
                self.state = State::Deltas;
            }
            State::Deltas if self.said.tells() && self.said.extended(text).is_some() => {
                self.again(text, editor, origin, edits);
                self.state = State::Snapshots(String::new());
                return Piece::Whole;
            }
            State::First(_) | State::Deltas => self.state = State::Deltas,
        }
        editor.push(text, out);
        self.said.push(text);
        Piece::Continued
    }

    /// A piece repeats the one before.
    fn repeat(&mut self, mut repeating: Repeating, text: &str, editor: &mut LaneEditor) -> Piece {
        let told = self.said.tells();
        if let Some(added) = self.said.extended(text) {
            editor.push(added, &mut String::new());
            self.said.push(added);
        }
        if told {
            self.state = State::Snapshots(String::new());
            return Piece::Whole;
        }
        text.clone_into(&mut repeating.previous);
        self.state = State::Repeating(Box::new(repeating));
        Piece::Perhaps
    }

    /// Whether a piece says all of the text again.
    fn again(
        &mut self,
        text: &str,
        editor: &mut LaneEditor,
        origin: &Origin,
        edits: &ResponseEdits,
    ) -> bool {
        if let Some(added) = self.said.extended(text) {
            editor.push(added, &mut String::new());
            self.said.push(added);
            return true;
        }
        if !self.said.is_revised_by(text) {
            return false;
        }
        *editor = origin.editor(edits);
        editor.push(text, &mut String::new());
        self.said = Said::default();
        self.said.push(text);
        true
    }
}

/// Whether a piece says the one before, and perhaps more: a token may have added no character.
fn repeats(text: &str, previous: &str) -> bool {
    text.starts_with(previous)
}
