//! The usual characters for those that look the same, and none for those that do not show.
//!
//! Not all of NFKC, which makes `11⁄2` of `1½`: only characters of words, and what joins them.

use unicode_normalization::UnicodeNormalization;

use super::lines::has_rare_characters;
use crate::leading::leading;

/// The text in usual letters; `None` if it is.
pub(super) fn usual(text: &str) -> Option<String> {
    if text.is_ascii() || !has_rare_characters(text) {
        return None;
    }
    let (mut other, mut marks) = (false, false);
    for (_, character) in beyond_ascii(text) {
        marks |= is_mark(character);
        other |= plain(character) != Plain::Same;
    }
    let plain = other.then(|| spelled(text));
    if !marks {
        return plain;
    }
    // Marks that no letter of NFC takes up are ornaments, and a run of them is bounded.
    let composed = plain.as_deref().unwrap_or(text).stream_safe().nfc();
    Some(composed.filter(|character| !is_mark(*character)).collect())
}

fn spelled(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut copied = 0;
    for (at, character) in beyond_ascii(text) {
        let plain = plain(character);
        if plain == Plain::Same {
            continue;
        }
        out.push_str(text.get(copied..at).unwrap_or_default());
        match plain {
            Plain::Same => {}
            Plain::Letter(letter) => out.push(letter),
            Plain::Letters(letters) => out.push_str(letters),
        }
        copied = at + character.len_utf8();
    }
    out.push_str(text.get(copied..).unwrap_or_default());
    out
}

/// The characters beyond ASCII, which are few, and where they stand.
fn beyond_ascii(text: &str) -> impl Iterator<Item = (usize, char)> + '_ {
    let mut at = 0;
    std::iter::from_fn(move || {
        at += leading::<16>(text.as_bytes().get(at..)?, |byte| byte.is_ascii());
        let found = (at, text.get(at..)?.chars().next()?);
        at += found.1.len_utf8();
        Some(found)
    })
}

/// A combining mark.
fn is_mark(character: char) -> bool {
    ('\u{300}'..='\u{36f}').contains(&character)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Plain {
    Same,
    Letter(char),
    Letters(&'static str),
}

fn plain(character: char) -> Plain {
    match character {
        ..='\u{ac}' => Plain::Same,
        // Soft hyphen, zero-width characters, byte order mark.
        '\u{ad}' | '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}' => Plain::Letters(""),
        // Letter and modifier apostrophes, prime, acute accent; fullwidth apostrophe.
        '\u{b4}' | '\u{2b9}' | '\u{2bc}' | '\u{2032}' | '\u{ff07}' => Plain::Letter('\''),
        '\u{2010}' | '\u{2011}' => Plain::Letter('-'),
        'ﬀ' => Plain::Letters("ff"),
        'ﬁ' => Plain::Letters("fi"),
        'ﬂ' => Plain::Letters("fl"),
        'ﬃ' => Plain::Letters("ffi"),
        'ﬄ' => Plain::Letters("ffl"),
        'ﬅ' | 'ﬆ' => Plain::Letters("st"),
        // Fullwidth letters, digits and punctuation of sentences; none that opens a mask.
        '０'..='９'
        | 'Ａ'..='Ｚ'
        | 'ａ'..='ｚ'
        | '！'
        | '（'
        | '）'
        | '，'
        | '－'
        | '．'
        | '：'
        | '；'
        | '？' => shifted(character, 0xff01, u32::from('!'), u32::MAX),
        // Mathematical alphabets: bold, italic, script, double-struck, sans-serif, monospace.
        '\u{1d400}'..='\u{1d6a3}' => match (u32::from(character) - 0x1d400) % 52 {
            place @ 26.. => {
                shifted(character, u32::from(character) - (place - 26), u32::from('a'), 26)
            }
            place => shifted(character, u32::from(character) - place, u32::from('A'), 26),
        },
        '\u{1d7ce}'..='\u{1d7ff}' => {
            let place = (u32::from(character) - 0x1d7ce) % 10;
            shifted(character, u32::from(character) - place, u32::from('0'), 10)
        }
        _ => Plain::Same,
    }
}

/// The character as far behind `to` as this one is behind `from`.
fn shifted(character: char, from: u32, to: u32, length: u32) -> Plain {
    let place = u32::from(character).wrapping_sub(from);
    let letter = char::from_u32(to + place).filter(|_| place < length);
    letter.map_or(Plain::Same, Plain::Letter)
}
