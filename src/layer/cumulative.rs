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
use crate::secret::opaque_debug;
use crate::wire::{Channel, Mode};

opaque_debug!(Course, State, Snapshots, Repeating, Fingerprint);

/// The bytes that a repeated beginning must have at least to be no chance, and how many of them
/// must differ.
const TELLING: (usize, usize) = (12, 8);

/// More than chance repeats, whatever they are.
const LONG: usize = 64;

/// How often a text must have come again before it is read as all of the text, if it has reasoning:
/// a section that nests in another begins like it, too.
const AGAIN: u32 = 2;

/// For how many more pieces the other reading is followed.
const DOUBTED: u32 = 4;

/// The bytes of its beginning by which a text is known again.
const HEAD: usize = 32;

/// How the pieces of a text follow each other.
#[derive(Default)]
pub(super) struct Course {
    state: State,
    fingerprint: Fingerprint,
}

#[derive(Default)]
enum State {
    /// Nothing has come.
    #[default]
    Empty,
    /// One piece has come.
    First(String),
    /// The pieces repeat each other, but little of it.
    Repeating(Box<Repeating>),
    Deltas,
    /// Deltas, of a text whose beginning is not known any more.
    Settled,
    Snapshots(Snapshots),
}

#[derive(Default)]
struct Snapshots {
    /// What went out last.
    shown: String,
    /// The editors of the text that the pieces are if they are deltas after all, for as many more.
    doubt: Option<(Box<LaneEditor>, u32)>,
}

struct Repeating {
    previous: String,
    /// The editors of the text that the pieces are if they are deltas.
    deltas: LaneEditor,
    /// What has not gone out of it.
    owed: String,
    /// What would have gone out of the last piece if it was all of the text.
    whole: String,
    /// The two differ, or have differed, so that nothing of either has gone out since.
    differs: bool,
    /// How often a piece has repeated the one before.
    again: u32,
    /// What they repeat is no more than chance repeats.
    chance: bool,
    /// Their member is meant to say all of the text: once is enough.
    meant: bool,
}

/// A text by its length, a sum of its bytes and its beginning.
#[derive(Clone, Copy, Default)]
struct Fingerprint {
    length: usize,
    sum: u64,
    head: [u8; HEAD],
}

impl Course {
    /// Bytes that are kept of the text.
    pub(super) fn held(&self) -> usize {
        match &self.state {
            State::Empty | State::Deltas | State::Settled => 0,
            State::First(text) => text.capacity(),
            State::Snapshots(snapshots) => snapshots.shown.capacity(),
            State::Repeating(repeating) => {
                let Repeating { previous, deltas: _, owed, whole, .. } = &**repeating;
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

impl Fingerprint {
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

    /// What `text`, which says all of the text, adds to what has come; `None` if that is not known, or
    /// it says something else.
    pub(super) fn added<'t>(&self, text: &'t str) -> Option<&'t str> {
        match self.state {
            State::Empty => Some(text),
            State::First(_) | State::Deltas => self.fingerprint.extended(text),
            State::Repeating(_) | State::Settled | State::Snapshots(_) => None,
        }
    }

    /// What went out of the last piece.
    pub(super) fn shown(&self) -> &str {
        match &self.state {
            State::Snapshots(snapshots) => &snapshots.shown,
            _ => "",
        }
    }

    /// Remembers what went out of a piece that was all of the text.
    pub(super) fn show(&mut self, text: &str) {
        if let State::Snapshots(snapshots) = &mut self.state {
            text.clone_into(&mut snapshots.shown);
        }
    }

    /// The editors of the other reading, if two are followed.
    fn other(&mut self) -> Option<&mut LaneEditor> {
        match &mut self.state {
            State::Repeating(repeating) => Some(&mut repeating.deltas),
            State::Snapshots(snapshots) => {
                snapshots.doubt.as_mut().map(|(deltas, _)| &mut **deltas)
            }
            _ => None,
        }
    }

    /// Whether text is held back until it is known how the pieces follow each other.
    pub(super) fn owes(&self) -> bool {
        matches!(&self.state, State::Repeating(repeating) if repeating.differs)
    }

    /// Leaves in `out`, which holds what goes out of a piece if it is all of the text, what goes
    /// out of it either way.
    pub(super) fn weigh(&mut self, text: &str, out: &mut String) {
        let State::Repeating(repeating) = &mut self.state else { return };
        let Repeating { deltas, owed, whole, differs, .. } = &mut **repeating;
        out.clone_into(whole);
        deltas.push(text, owed);
        if !*differs && owed == out {
            owed.clear();
        } else {
            *differs = true;
            out.clear();
        }
    }

    /// Whether the pieces are rather taken for all of the text than for deltas, as long as both are
    /// followed: if there is reasoning in it then.
    fn prefers_whole(editor: &LaneEditor) -> bool {
        editor.reasons() || !editor.dialects().is_empty()
    }

    /// The same at the end: a closing that nothing opened has its opening in another piece, and a text that
    /// waits for one that its template opened is the answer.
    fn was_whole(chance: bool, editor: &LaneEditor) -> bool {
        Self::prefers_whole(editor)
            && editor.unopened_reasoning() == 0
            && !(chance && editor.puts_off())
    }

    /// The editors of the text that the pieces are taken for.
    pub(super) fn current<'e>(&'e self, editor: &'e LaneEditor) -> &'e LaneEditor {
        match &self.state {
            State::Repeating(repeating) if !Self::was_whole(repeating.chance, editor) => {
                &repeating.deltas
            }
            _ => editor,
        }
    }

    /// Another text may begin here instead.
    pub(super) fn begin_again(&mut self, editor: &mut LaneEditor) {
        editor.begin_again();
        self.other().into_iter().for_each(LaneEditor::begin_again);
    }

    /// A tool is called behind the text.
    pub(super) fn call(&mut self, editor: &mut LaneEditor) {
        editor.call();
        self.other().into_iter().for_each(LaneEditor::call);
    }

    /// The response turns out to carry its reasoning in members of its own.
    pub(super) fn tell_apart(&mut self, editor: &mut LaneEditor) {
        editor.tell_apart();
        self.other().into_iter().for_each(LaneEditor::tell_apart);
    }

    /// The text ends: what was held goes out, and what is owed before it.
    pub(super) fn finish(&mut self, cut_short: bool, editor: &mut LaneEditor, out: &mut String) {
        let State::Repeating(repeating) = &mut self.state else {
            return editor.finish(cut_short, out);
        };
        let Repeating { deltas, owed, whole, differs, chance, .. } = &mut **repeating;
        let other = &mut String::new();
        if Self::was_whole(*chance, editor) {
            if *differs {
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
        *differs = false;
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
                let (differs, again, chance) = (false, 0, true);
                let meant = origin.channel.mode == Mode::Snapshot;
                let previous = first;
                let repeating =
                    Repeating { previous, deltas, owed, whole, differs, again, chance, meant };
                return self.repeat(repeating, text, editor);
            }
            State::Repeating(repeating) if repeats(text, &repeating.previous) => {
                return self.repeat(*repeating, text, editor);
            }
            State::Repeating(repeating) => {
                let Repeating { mut deltas, owed, .. } = *repeating;
                out.push_str(&owed);
                deltas.push(text, out);
                *editor = deltas;
                self.state = State::Settled;
                return Piece::Continued;
            }
            State::Snapshots(mut snapshots) => {
                if self.again(text, editor, origin, edits) {
                    snapshots.doubt = snapshots.doubt.filter(|(_, left)| *left > 0);
                    if let Some((deltas, left)) = &mut snapshots.doubt {
                        deltas.push(text, &mut String::new());
                        *left -= 1;
                    }
                    self.state = State::Snapshots(snapshots);
                    return Piece::Whole;
                }
                self.state = State::Deltas;
                if let Some((mut deltas, _)) = snapshots.doubt {
                    deltas.push(text, out);
                    *editor = *deltas;
                    self.state = State::Settled;
                    return Piece::Continued;
                }
            }
            State::Deltas
                if self.fingerprint.tells() && self.fingerprint.extended(text).is_some() =>
            {
                if Self::prefers_whole(editor) {
                    return self.doubt(text, editor, origin, edits);
                }
                self.again(text, editor, origin, edits);
                self.state = State::Snapshots(Snapshots::default());
                return Piece::Whole;
            }
            State::First(_) | State::Deltas => self.state = State::Deltas,
            State::Settled => {
                self.state = State::Settled;
                editor.push(text, out);
                return Piece::Continued;
            }
        }
        editor.push(text, out);
        self.fingerprint.push(text);
        Piece::Continued
    }

    /// A piece begins with all that deltas have said, as a section does that nests in another like it.
    fn doubt(
        &mut self,
        text: &str,
        editor: &mut LaneEditor,
        origin: &Origin,
        edits: &ResponseEdits,
    ) -> Piece {
        let deltas = std::mem::replace(editor, origin.editor(edits));
        editor.push(text, &mut String::new());
        self.fingerprint = Fingerprint::default();
        self.fingerprint.push(text);
        self.state = State::Repeating(Box::new(Repeating {
            previous: text.to_owned(),
            deltas,
            owed: String::new(),
            whole: String::new(),
            differs: false,
            again: 1,
            chance: false,
            meant: false,
        }));
        Piece::Perhaps
    }

    /// A piece repeats the one before.
    fn repeat(&mut self, mut repeating: Repeating, text: &str, editor: &mut LaneEditor) -> Piece {
        repeating.again += 1;
        repeating.chance &= !self.fingerprint.tells();
        let told = repeating.meant
            || self.fingerprint.tells()
                && (repeating.again > AGAIN || !Self::prefers_whole(editor));
        if let Some(added) = self.fingerprint.extended(text) {
            editor.push(added, &mut String::new());
            self.fingerprint.push(added);
        }
        if told {
            let Repeating { mut deltas, .. } = repeating;
            deltas.push(text, &mut String::new());
            let doubt = Some((Box::new(deltas), DOUBTED));
            self.state = State::Snapshots(Snapshots { shown: String::new(), doubt });
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
        if let Some(added) = self.fingerprint.extended(text) {
            editor.push(added, &mut String::new());
            self.fingerprint.push(added);
            return true;
        }
        if !self.fingerprint.is_revised_by(text) {
            return false;
        }
        *editor = origin.editor(edits);
        editor.push(text, &mut String::new());
        self.fingerprint = Fingerprint::default();
        self.fingerprint.push(text);
        true
    }
}

/// Whether a piece says the one before, and perhaps more: a token may have added no character.
fn repeats(text: &str, previous: &str) -> bool {
    text.starts_with(previous)
}
