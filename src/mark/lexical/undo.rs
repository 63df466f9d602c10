//! What it takes to write a marked text back as it was.
//!
//! The forms that were exchanged and where they stand, and nothing of the text around them: about
//! a dozen bytes each.

/// The substitutions of one text, to be undone in it.
///
/// Places count from the first character that is not white space, so that a client may trim the
/// text at both ends.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Undo {
    /// For each substitution three numbers, then the form that stood there: how far behind the one
    /// before, how long what stands there now, how long what stood there.
    steps: Vec<u8>,
    /// How far the text has come, in bytes; `None` before its first character.
    position: Option<usize>,
    /// The end of the last substitution.
    end: usize,
}

impl Undo {
    /// The substitutions as bytes, to be kept.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.steps
    }

    /// Memory that is taken.
    pub(super) fn allocated(&self) -> usize {
        self.steps.capacity()
    }

    /// `original` gives way to `other`, which comes next.
    pub(super) fn substitute(&mut self, original: &str, other: &str) {
        let at = self.position.unwrap_or_default();
        for number in [at - self.end, other.len(), original.len()] {
            write_number(number, &mut self.steps);
        }
        self.steps.extend_from_slice(original.as_bytes());
        self.end = at + other.len();
    }

    /// A piece of the text leaves.
    pub(super) fn advance(&mut self, text: &str) {
        match &mut self.position {
            Some(position) => *position += text.len(),
            None => {
                let begun = text.trim_start();
                self.position = (!begun.is_empty()).then_some(begun.len());
            }
        }
    }
}

/// The text as it was before the substitutions that `steps` hold ([`Undo::as_bytes`]), white space
/// at its ends left as it is; `None` if they cannot be of this text.
#[must_use]
pub fn undo(steps: &[u8], text: &str) -> Option<String> {
    undo_across(steps, &[text])?.pop()
}

/// The same of a text that is there in pieces: each of them as it was. What stood where one that was
/// exchanged goes over from a piece to the next is divided among them, so that none is left without any.
#[must_use]
pub fn undo_across(steps: &[u8], pieces: &[&str]) -> Option<Vec<String>> {
    let originals = vec![String::new(); pieces.len()];
    let mut undoing = Undoing { pieces, at: 0, rest: pieces.first().copied()?, originals };
    undoing.keep_blank();
    let mut steps = steps;
    while !steps.is_empty() {
        let [gap, inserted, length] = [(); 3].map(|()| read_number(&mut steps));
        let (form, left) = steps.split_at_checked(length?)?;
        undoing.keep(gap?)?;
        undoing.exchange(inserted?, std::str::from_utf8(form).ok()?)?;
        steps = left;
    }
    Some(undoing.finish())
}

/// Pieces of a text, written back from their beginning on.
struct Undoing<'p> {
    pieces: &'p [&'p str],
    /// The piece that is written, and what is left of it.
    at: usize,
    rest: &'p str,
    originals: Vec<String>,
}

impl<'p> Undoing<'p> {
    /// Goes on to the next piece, if there is one.
    fn next_piece(&mut self) -> Option<()> {
        self.rest = self.pieces.get(self.at + 1)?;
        self.at += 1;
        Some(())
    }

    /// Takes up to so many bytes of what is left of the piece, or of the next one that has any.
    fn take(&mut self, bytes: usize) -> Option<&'p str> {
        while self.rest.is_empty() {
            self.next_piece()?;
        }
        let (taken, rest) = self.rest.split_at_checked(bytes.min(self.rest.len()))?;
        self.rest = rest;
        Some(taken)
    }

    fn write(&mut self, text: &str) {
        if let Some(original) = self.originals.get_mut(self.at) {
            original.push_str(text);
        }
    }

    /// White space at the beginning stays.
    fn keep_blank(&mut self) {
        loop {
            let text = self.rest.trim_start();
            let (blank, _) = self.rest.split_at(self.rest.len() - text.len());
            self.write(blank);
            self.rest = text;
            if !text.is_empty() || self.next_piece().is_none() {
                return;
            }
        }
    }

    /// So many bytes stay.
    fn keep(&mut self, mut bytes: usize) -> Option<()> {
        while bytes > 0 {
            let kept = self.take(bytes)?;
            self.write(kept);
            bytes -= kept.len();
        }
        Some(())
    }

    /// So many bytes stand where `form` stood.
    fn exchange(&mut self, mut bytes: usize, form: &str) -> Option<()> {
        let mut form = form;
        while bytes > 0 {
            let taken = self.take(bytes)?.len();
            bytes -= taken;
            if bytes > 0 {
                // More of it stood in the next piece.
                let last = form.char_indices().next_back().map_or(0, |(at, _)| at);
                let fits = |at: &usize| form.is_char_boundary(*at);
                let share = (0..=taken.min(last)).rev().find(fits)?;
                let (here, behind) = form.split_at_checked(share)?;
                self.write(here);
                form = behind;
            }
        }
        self.write(form);
        Some(())
    }

    fn finish(mut self) -> Vec<String> {
        loop {
            self.write(self.rest);
            if self.next_piece().is_none() {
                return self.originals;
            }
        }
    }
}

/// Seven bits a byte, the lowest first; the highest bit says that more follow.
fn write_number(mut number: usize, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push((number & 0x7F) as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn read_number(bytes: &mut &[u8]) -> Option<usize> {
    let mut number = 0;
    for shift in (0..usize::BITS).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= usize::from(byte & 0x7F).checked_shl(shift)?;
        if byte < 0x80 {
            return Some(number);
        }
    }
    None
}

/// Prints no text.
impl std::fmt::Debug for Undo {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Undo").field("bytes", &self.steps.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn numbers_read_back(number in any::<usize>(), behind in any::<u8>()) {
            let mut bytes = Vec::new();
            write_number(number, &mut bytes);
            bytes.push(behind);
            let mut rest = bytes.as_slice();
            prop_assert_eq!(read_number(&mut rest), Some(number));
            prop_assert_eq!(rest, [behind]);
        }

        #[test]
        fn steps_of_another_text_or_of_none_do_no_harm(
            steps in proptest::collection::vec(any::<u8>(), 0..40),
            text in ".{0,40}",
        ) {
            if let Some(undone) = undo(&steps, &text) {
                prop_assert!(undone.len() <= text.len() + steps.len());
            }
        }
    }
}
