//! Where a place of a text lies in what an editor left of it.
//!
//! An editor that takes reasoning out leaves a part of the text in its order. So what it left is
//! found again in the text, piece by piece, and nobody else has to keep account of it. It is exact
//! for places outside of what was taken out, as those that annotations point to are.

use crate::mark::lexical::Unit;
use crate::secret::opaque_debug;
use memchr::memmem;

/// The most bytes that are kept of text which nothing came of yet. What comes of it later begins
/// with a closing tag, which is shorter.
const PENDING: usize = 256;

/// By how many bytes a text is found again, if what was left goes on for so long.
const NEEDLE: usize = 24;

/// By how many at least: between two sections stand two markers.
const SHORTEST: usize = 4;

/// The most runs that are kept.
const RUNS: usize = 4096;

/// The runs of a text that were left, by characters or in what else places are counted.
#[derive(Default)]
pub(super) struct Alignment {
    unit: Unit,
    runs: Vec<Run>,
    /// Characters of the text that are aligned, and of what was left of it.
    read: u64,
    left: u64,
    /// The end of the text that nothing came of yet.
    pending: String,
    /// What was left could not be found in the text.
    lost: bool,
}

opaque_debug!(Alignment);

/// `length` characters at `at` of the text came to stand at `to`.
#[derive(Clone, Copy, Debug)]
struct Run {
    at: u64,
    to: u64,
    length: u64,
}

impl Alignment {
    /// One that counts in this unit.
    pub(super) fn new(unit: Unit) -> Self {
        Self { unit, ..Self::default() }
    }

    fn length(&self, text: &str) -> u64 {
        self.unit.length(text) as u64
    }

    /// Memory that is taken.
    pub(super) fn allocated(&self) -> usize {
        self.runs.capacity() * size_of::<Run>() + self.pending.capacity()
    }

    /// Takes the next piece of the text and what was left of it, with what had been held before.
    pub(super) fn push(&mut self, piece: &str, left: &str) {
        if self.lost {
            return;
        }
        if self.pending.is_empty() && piece == left {
            self.run(self.length(piece));
            return;
        }
        let mut text = std::mem::take(&mut self.pending);
        text.push_str(piece);
        let (mut text_rest, mut left_rest) = (text.as_str(), left);
        loop {
            let same = common_prefix(text_rest, left_rest);
            let (kept, behind) = text_rest.split_at_checked(same).unwrap_or((text_rest, ""));
            self.run(self.length(kept));
            (text_rest, left_rest) = (behind, left_rest.get(same..).unwrap_or_default());
            if left_rest.is_empty() {
                break;
            }
            let Some(found) = find(text_rest.as_bytes(), left_rest.as_bytes()) else {
                self.lost = true;
                return;
            };
            let (removed, behind) = text_rest.split_at_checked(found).unwrap_or((text_rest, ""));
            self.read += self.length(removed);
            text_rest = behind;
        }
        let forgotten = text_rest.len().saturating_sub(PENDING);
        let from = (forgotten..=text_rest.len()).find(|at| text_rest.is_char_boundary(*at));
        let (gone, kept) = text_rest.split_at_checked(from.unwrap_or_default()).unwrap_or_default();
        self.read += self.length(gone);
        self.pending = kept.to_owned();
    }

    /// A piece went by that cannot be counted.
    pub(super) fn lose(&mut self) {
        self.lost = true;
    }

    /// The same, but a place of which nothing has come yet is taken to be the end of what is left.
    pub(super) fn map_so_far(&self, place: u64) -> Option<u64> {
        let come = self.runs.last().is_some_and(|last| last.at + last.length >= place);
        if come { self.map(place) } else { (!self.lost).then_some(self.left) }
    }

    /// Where a place of the text lies in what is left: in what was taken out, behind it; `None`
    /// where nobody knows. Of what is still to come it is supposed that nothing is taken out.
    pub(super) fn map(&self, place: u64) -> Option<u64> {
        if self.lost {
            return None;
        }
        let next = self.runs.partition_point(|run| run.at + run.length < place);
        match self.runs.get(next) {
            Some(run) => Some(run.to + place.saturating_sub(run.at)),
            None if self.pending.is_empty() => Some(self.left + (place - self.read.min(place))),
            None => None,
        }
    }

    /// So many characters stay.
    fn run(&mut self, length: u64) {
        if length == 0 {
            return;
        }
        let (at, to) = (self.read, self.left);
        (self.read, self.left) = (at + length, to + length);
        let continues = |last: &Run| last.at + last.length == at && last.to + last.length == to;
        if let Some(last) = self.runs.last_mut().filter(|last| continues(last)) {
            last.length += length;
        } else if self.runs.len() < RUNS {
            self.runs.push(Run { at, to, length });
        } else {
            self.lost = true;
        }
    }
}

/// Where the beginning of `left`, or as much of it as stands there, is found in `text`. What comes
/// behind it may have been left of another place.
fn find(text: &[u8], left: &[u8]) -> Option<usize> {
    let most = left.len().min(NEEDLE);
    let (mut found, mut length, mut over) = (None, SHORTEST.min(most), most + 1);
    // Where a longer one stands, so does a shorter one.
    while length < over {
        let middle = if found.is_none() { length } else { length + (over - length) / 2 };
        match memmem::find(text, left.get(..middle)?) {
            Some(place) if middle == length && found.is_some() => return Some(place),
            Some(place) => (found, length) = (Some(place), middle),
            None if middle == length => return None,
            None => over = middle,
        }
        if over - length <= 1 {
            break;
        }
    }
    found
}

/// How many bytes both begin with, in whole characters.
fn common_prefix(a: &str, b: &str) -> usize {
    let same = a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count();
    (0..=same).rev().find(|at| a.is_char_boundary(*at)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::countermeasure::Editor;
    use crate::countermeasure::inline::{Inline, Setting, Unclosed};
    use crate::policy::plan::Keep;

    const TEXT: &str = "<think>é zebra. </th zebra</think>\n\nIt is in Paris 🤔.\n\n\
                        <think>More of the zebra.</think>\nAnd it is 12.";

    /// What is left of the text in pieces of so many characters, and the alignment.
    fn aligned(keep: Keep, size: usize) -> (String, Alignment) {
        let setting = Setting {
            keep: keep.into(),
            opened: false,
            continued: false,
            reasoned: false,
            unclosed: Unclosed::Answer,
        };
        let mut editor = Inline::new(setting);
        let (mut alignment, mut all) = (Alignment::default(), String::new());
        let characters: Vec<char> = TEXT.chars().collect();
        for piece in characters.chunks(size) {
            let piece: String = piece.iter().collect();
            let mut left = String::new();
            editor.push(&piece, &mut left);
            alignment.push(&piece, &left);
            all.push_str(&left);
        }
        let mut left = String::new();
        editor.finish(false, &mut left);
        alignment.push("", &left);
        (all + &left, alignment)
    }

    #[test]
    fn words_of_the_answer_are_found_whatever_the_pieces() {
        for keep in [Keep::None, Keep::Conclusion] {
            for size in (1..40).chain([1000]) {
                let (left, alignment) = aligned(keep, size);
                for word in ["It is", "Paris 🤔", "And it is 12."] {
                    let start = alignment.length(TEXT.split_once(word).unwrap().0);
                    let found = alignment.map(start).unwrap();
                    let end = alignment.map(start + alignment.length(word)).unwrap();
                    let shown: String =
                        left.chars().skip(found as usize).take((end - found) as usize).collect();
                    assert_eq!(shown, word, "{keep:?} {size} {left}");
                }
            }
        }
    }
}
