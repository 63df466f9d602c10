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
    let mut rest = text.trim_start();
    let mut original = String::with_capacity(text.len() + steps.len());
    original.push_str(text.get(..text.len() - rest.len())?);
    let mut steps = steps;
    while !steps.is_empty() {
        let [gap, inserted, length] = [(); 3].map(|()| read_number(&mut steps));
        let (kept, behind) = rest.split_at_checked(gap?)?;
        let (form, left) = steps.split_at_checked(length?)?;
        original.push_str(kept);
        original.push_str(std::str::from_utf8(form).ok()?);
        rest = behind.get(inserted?..)?;
        steps = left;
    }
    original.push_str(rest);
    Some(original)
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
