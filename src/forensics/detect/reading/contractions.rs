//! Apostrophes of a text that has lost them all.
//!
//! Only words that are no others: `dont`, but not `were`, and `its` only before an article or `not`. `cant` and `wont` are words too,
//! and so rare that they are taken for contractions.

use super::Changed;
use super::lines::{Kind, Lines, is_structured};
use crate::mark::ascii;

/// Contractions without their apostrophe, and where it stood. In the order of bytes.
pub(super) const LOST: [(&str, usize); 43] = [
    ("aint", 3),
    ("arent", 4),
    ("cant", 3),
    ("couldnt", 6),
    ("couldve", 5),
    ("didnt", 4),
    ("doesnt", 5),
    ("dont", 3),
    ("hadnt", 4),
    ("hasnt", 4),
    ("havent", 5),
    ("heres", 4),
    ("hes", 2),
    ("hows", 3),
    ("im", 1),
    ("isnt", 3),
    ("itll", 2),
    ("ive", 1),
    ("mustnt", 5),
    ("neednt", 5),
    ("shes", 3),
    ("shouldnt", 7),
    ("shouldve", 6),
    ("thatll", 4),
    ("thats", 4),
    ("theres", 5),
    ("theyd", 4),
    ("theyll", 4),
    ("theyre", 4),
    ("theyve", 4),
    ("wasnt", 4),
    ("werent", 5),
    ("weve", 2),
    ("whats", 4),
    ("wheres", 5),
    ("wont", 3),
    ("wouldnt", 6),
    ("wouldve", 5),
    ("yall", 1),
    ("youd", 3),
    ("youll", 3),
    ("youre", 3),
    ("youve", 3),
];

/// Of the longest of them.
pub(super) const LONGEST: usize = 8;

/// What stands behind `it's` and never behind `its`.
const NEVER_OWNED: [&str; 4] = [" a ", " an ", " the ", " not "];

/// The text with its apostrophes; `None` if it has one, or lacks none.
pub(super) fn restored(text: &str) -> Option<String> {
    if has_apostrophe(text) || is_structured(text) {
        return None;
    }
    let mut changed = Changed::new(text);
    for line in Lines::new(text).filter(|line| line.kind == Kind::Prose) {
        let bytes = line.text.as_bytes();
        let mut look_before = |end: usize| {
            let (before, behind) = bytes.split_at_checked(end).unwrap_or_default();
            if behind.first().is_some_and(|byte| is_letter(*byte)) {
                return;
            }
            let letters = before.iter().rev().take(LONGEST + 1);
            let length = letters.take_while(|byte| is_letter(**byte)).count();
            let word = before.get(end - length..).unwrap_or_default();
            if let Some(at) = lost(word).or_else(|| lost_of_it(word, behind)) {
                let place = line.start + end - length;
                if word.first() == Some(&b'i') && at == 1 {
                    changed.replace(place, place + 1, "I");
                }
                changed.replace(place + at, place + at, "'");
            }
        };
        let may_be = |end: usize| bytes.get(end.wrapping_sub(2)..end).is_some_and(ends_like_one);
        ascii::each_other(bytes, |end| {
            if may_be(end) {
                look_before(end);
            }
        });
        if may_be(bytes.len()) {
            look_before(bytes.len());
        }
    }
    changed.finish()
}

/// Of a word: a letter or digit, what joins words to names (`i_m`), or a part of another letter.
fn is_letter(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

/// Whether a word may end as one of those that lose an apostrophe: few do, and the others need not be looked up.
#[inline]
fn ends_like_one(word: &[u8]) -> bool {
    /// A bit for each of these letters; what is no letter may share it.
    const fn any(letters: [u8; 3]) -> u32 {
        let [one, two, three] = letters;
        1 << (one % 32) | 1 << (two % 32) | 1 << (three % 32)
    }
    let &[.., before, last] = word else { return false };
    let known = match last | 0x20 {
        b't' => const { any(*b"nnn") },
        b'e' => const { any(*b"rvv") },
        b's' => const { any(*b"tew") },
        b'l' => const { any(*b"lll") },
        b'd' => const { any(*b"yuu") },
        b'm' => const { any(*b"iii") },
        _ => 0,
    };
    known >> (before % 32) & 1 == 1
}

/// Where the apostrophe of a word was lost.
fn lost(word: &[u8]) -> Option<usize> {
    if word.len() > LONGEST {
        return None;
    }
    let mut lower = [0; LONGEST];
    let lower = lower.get_mut(..word.len())?;
    lower.copy_from_slice(word);
    lower.make_ascii_lowercase();
    let found = LOST.binary_search_by(|(lost, _)| lost.as_bytes().cmp(lower)).ok()?;
    // Instant messages, a grade in Roman numerals.
    let acronym = lower.first() == Some(&b'i') && word.get(1).is_some_and(u8::is_ascii_uppercase);
    LOST.get(found).map(|(_, at)| *at).filter(|_| !acronym)
}

/// Where the apostrophe of `its` was lost: before a word that nobody has.
fn lost_of_it(word: &[u8], behind: &[u8]) -> Option<usize> {
    let is_it = word.eq_ignore_ascii_case(b"its");
    let verb = || NEVER_OWNED.iter().any(|next| behind.starts_with(next.as_bytes()));
    (is_it && verb()).then_some(2)
}

/// Whether a letter stands on both sides of an apostrophe.
fn has_apostrophe(text: &str) -> bool {
    let bytes = text.as_bytes();
    let between = |before: usize, behind: usize| {
        let letter = |at: Option<usize>| {
            at.and_then(|at| bytes.get(at)).is_some_and(|byte| byte.is_ascii_alphabetic())
        };
        letter(before.checked_sub(1)) && letter(Some(behind))
    };
    memchr::memchr_iter(b'\'', bytes).any(|at| between(at, at + 1))
        || memchr::memmem::find_iter(bytes, "’").any(|at| between(at, at + "’".len()))
}
