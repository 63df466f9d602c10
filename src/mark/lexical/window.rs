//! Words, and the few of them that are looked at to decide on one.

use super::MAX_WORD_BYTES;
use super::casing::is_capitalized;
use super::line::is_reserved;
use crate::mark::ascii::others_among;
use crate::mark::cell::normalize;
use crate::mark::lexicon::{Form, MAX_FORM_WORDS, Right};
use crate::secret::opaque_debug;

/// Whether a character belongs to a word.
#[inline]
pub(super) fn is_word(character: char) -> bool {
    character.is_ascii_alphanumeric() || !character.is_ascii() && character.is_alphanumeric()
}

fn joins(character: char) -> bool {
    matches!(character, '\'' | '’' | '-')
}

/// A word as it is written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Word<'t> {
    pub(super) text: &'t str,
    /// Whether it is of ASCII letters and digits alone, as nearly all are.
    pub(super) plain: bool,
}

opaque_debug!(Word<'_>);

impl<'t> Word<'t> {
    /// Any word.
    pub(super) fn of(text: &'t str) -> Self {
        Self { text, plain: plain_length(text.as_bytes()) == text.len() }
    }
}

/// How many ASCII letters and digits stand at the start.
#[inline]
fn plain_length(bytes: &[u8]) -> usize {
    let mut rest = bytes;
    while let Some((eight, behind)) = rest.split_first_chunk::<8>() {
        let others = others_among(u64::from_le_bytes(*eight));
        if others != 0 {
            return bytes.len() - rest.len() + others.trailing_zeros() as usize / 8;
        }
        rest = behind;
    }
    let last = rest.iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
    bytes.len() - rest.len() + last
}

/// How far the word at the start of a text goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extent<'t> {
    /// So far.
    Word(Word<'t>),
    /// More text is needed to know.
    Partial,
    /// Beyond [`MAX_WORD_BYTES`]; this is where to cut it.
    Long(usize),
}

/// The extent of the word that `text` begins with; `end` if no more text follows it.
#[inline]
pub(super) fn extent(text: &str, end: bool) -> Extent<'_> {
    plain_word(text).map_or_else(|| extent_of_any(text, end), Extent::Word)
}

/// The word that `text` begins with if it is plain and ends before a space or punctuation, as nearly every one does. A
/// call of its own would cost every word a sixth of this.
#[inline(always)]
pub(super) fn plain_word(text: &str) -> Option<Word<'_>> {
    let bytes = text.as_bytes();
    let at = plain_length(bytes.get(..MAX_WORD_BYTES).unwrap_or(bytes));
    let ends = |byte: &u8| byte.is_ascii() && !matches!(byte, b'\'' | b'-');
    let whole = 0 < at && at < MAX_WORD_BYTES && bytes.get(at).is_some_and(ends);
    whole.then(|| Word { text: text.get(..at).unwrap_or_default(), plain: true })
}

/// The same of words with other characters.
pub(super) fn extent_of_any(text: &str, end: bool) -> Extent<'_> {
    let word = |length: usize| Extent::Word(Word::of(text.get(..length).unwrap_or_default()));
    let mut characters = text.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        if at >= MAX_WORD_BYTES {
            return Extent::Long(at);
        }
        if is_word(character) {
            continue;
        }
        match characters.peek() {
            Some((_, next)) if joins(character) && is_word(*next) => {}
            None if joins(character) && !end => return Extent::Partial,
            _ => return word(at),
        }
    }
    if end { word(text.len()) } else { Extent::Partial }
}

/// Why the right side of a form is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Undecided {
    /// More text is needed.
    More,
    /// The form is part of something larger, such as an address.
    Bound,
}

/// So many bytes from the word that may begin a form no more text is needed to see those behind it.
pub(super) const FARTHEST: usize = (MAX_FORM_WORDS + 1) * (MAX_WORD_BYTES + 8);

/// A word and those behind it that single spaces separate.
#[derive(Clone, Copy)]
pub(super) struct Window<'t> {
    text: &'t str,
    /// Where the words end.
    ends: [usize; MAX_FORM_WORDS + 1],
    words: usize,
    /// Whether they are of ASCII letters and digits alone.
    plain: bool,
    end: bool,
}

opaque_debug!(Window<'_>);

impl<'t> Window<'t> {
    /// The word that `text` begins with and up to `ahead` (at most three) behind it; `None` if more text
    /// is needed.
    pub(super) fn new(text: &'t str, word: Word<'_>, ahead: usize, end: bool) -> Option<Self> {
        let (length, plain) = (word.text.len(), word.plain);
        let mut window = Self { text, ends: [length; MAX_FORM_WORDS + 1], words: 1, plain, end };
        let mut last = length;
        let [_, slots @ ..] = &mut window.ends;
        for slot in slots.iter_mut().take(ahead) {
            let rest = text.get(last..).unwrap_or_default();
            if rest.as_bytes().first() != Some(&b' ') {
                if rest.is_empty() && !end {
                    return None;
                }
                break;
            }
            let behind = rest.get(1..).unwrap_or_default();
            match behind.chars().next() {
                Some(character) if is_word(character) => match extent(behind, end) {
                    Extent::Word(word) => {
                        last += 1 + word.text.len();
                        window.plain &= word.plain;
                    }
                    Extent::Partial => return None,
                    Extent::Long(_) => break,
                },
                None if !end => return None,
                _ => break,
            }
            *slot = last;
            window.words += 1;
        }
        Some(window)
    }

    /// How many bytes a form of so many words takes here; `None` if it does not stand here.
    pub(super) fn matches(&self, form: &str, words: usize) -> Option<usize> {
        let last = *self.ends.get(words.checked_sub(1)?)?;
        if words > self.words || self.plain && last != form.len() {
            return None;
        }
        // The first word is the form's.
        if self.plain && words == 1 {
            return Some(last);
        }
        let written = self.text.get(..last)?;
        if self.plain || written.is_ascii() {
            return written.eq_ignore_ascii_case(form).then_some(last);
        }
        let same = |one: char, other: char| {
            one == other
                || one == '’' && other == '\''
                || one.to_lowercase().eq(other.to_lowercase())
        };
        let alike = written.chars().count() == form.chars().count()
            && written.chars().zip(form.chars()).all(|(one, other)| same(one, other));
        alike.then_some(last)
    }

    /// What stands behind a form of so many bytes and words. The word is normalized into `buffer`.
    pub(super) fn right<'b>(
        &self,
        length: usize,
        words: usize,
        buffer: &'b mut String,
    ) -> Result<Right<'b>, Undecided> {
        let rest = self.text.get(length..).unwrap_or_default();
        let mut characters = rest.chars();
        let (first, next) = (characters.next(), characters.next());
        let missing = next.is_none() && !self.end;
        match first {
            None if !self.end => Err(Undecided::More),
            None | Some('\n' | '\r' | '—') => Ok(Right::Stop),
            Some(' ' | ',' | '…' | '.' | ';' | ':' | '!' | '?' | ')' | '*' | '_') if missing => {
                Err(Undecided::More)
            }
            Some(' ') if next.is_some_and(is_operator) => Err(Undecided::Bound),
            Some(' ') if next.is_some_and(is_word) => {
                let word = self.ends.get(words).filter(|_| words < self.words);
                let word = word.and_then(|end| self.text.get(length + 1..*end));
                buffer.clear();
                normalize(word.unwrap_or_default(), buffer);
                Ok(Right::Word(buffer))
            }
            Some(' ') => Ok(Right::Other),
            Some(',') if next.is_none_or(char::is_whitespace) => Ok(Right::Comma),
            Some('.' | ';' | ':' | '!' | '?' | '…' | ')') => self.stop(rest),
            _ => Err(Undecided::Bound),
        }
    }

    /// Punctuation: it is a stop if white space follows soon, and part of an address if not.
    fn stop(&self, rest: &str) -> Result<Right<'static>, Undecided> {
        let punctuation = |character: &char| {
            matches!(
                character,
                '.' | ';' | ':' | '!' | '?' | '…' | ')' | ',' | '"' | '”' | '’' | '*'
            )
        };
        match rest.chars().take(MAX_STOP).find(|character| !punctuation(character)) {
            Some(character) if character.is_whitespace() => Ok(Right::Stop),
            Some(_) => Err(Undecided::Bound),
            None if rest.chars().nth(MAX_STOP - 1).is_some() => Err(Undecided::Bound),
            None if self.end => Ok(Right::Stop),
            None => Err(Undecided::More),
        }
    }

    /// Whether a line of prose may begin with a form of so many bytes, in any variant: not with a
    /// word and a colon, as keys do, and not in small letters with a word as code begins with.
    pub(super) fn may_begin_line(&self, length: usize, form: &Form) -> bool {
        let head = |form: &str| is_reserved(form.split(' ').next().unwrap_or_default());
        let key =
            form.words == 1 && self.text.get(length..).is_some_and(|rest| rest.starts_with(':'));
        !key && !form.variants.iter().any(|form| head(form))
    }

    /// Whether the word behind a form of so many bytes has a capital.
    pub(super) fn right_is_name(&self, length: usize) -> bool {
        let rest = self.text.get(length..).unwrap_or_default();
        rest.starts_with(' ') && rest.get(1..).is_some_and(is_capitalized)
    }
}

/// Whether a character behind a space stands between the parts of an expression, a command or a
/// row of a table, and not between the words of a sentence.
fn is_operator(character: char) -> bool {
    matches!(
        character,
        '=' | '|' | '{' | '}' | '<' | '>' | '&' | '^' | '~' | '\\' | '+' | '@' | '#' | ':'
    )
}

/// The most punctuation marks that are looked at behind a form.
const MAX_STOP: usize = 6;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_plain_is_told_of_every_byte_at_every_place() {
        for place in 0..20 {
            for byte in 0..=u8::MAX {
                let mut bytes = *b"aZ09zA5mQaZ09zA5mQxy";
                bytes[place] = byte;
                let length = if byte.is_ascii_alphanumeric() { bytes.len() } else { place };
                assert_eq!(plain_length(&bytes), length, "{byte} at {place}");
            }
        }
    }
}
