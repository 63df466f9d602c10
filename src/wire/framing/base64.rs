//! Base64 as it stands in a string of JSON: escapes of its characters and, as mail has it, ends of lines.

use crate::secret::opaque_debug;

/// The least characters of a line that another follows: writers break lines at 60, 64 or 76. What is
/// shorter is a word, and base64 in one piece may not be told from one.
const LINE: u8 = 60;

/// The most white space behind base64.
const LONGEST_END: u8 = 100;

/// What may stand before base64: `data:application/pdf;base64,`.
pub(super) const LONGEST_PREFIX: usize = 128;

/// Reads base64, byte by byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Base64 {
    escape: Escape,
    /// Characters of the line reached, as far as they matter.
    line: u8,
    /// A line was too long for a word.
    long: bool,
    /// The last character was a carriage return.
    returned: bool,
    /// White space behind a short line, or at the end of one: nothing else follows.
    over: u8,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Escape {
    None,
    Open,
    /// Behind `\u` and so many digits.
    Unicode {
        digits: u8,
        value: u16,
    },
}

opaque_debug!(Escape);

impl Base64 {
    /// At the beginning of the string.
    pub(super) fn at_start() -> Self {
        Self { escape: Escape::None, line: 0, long: false, returned: false, over: 0 }
    }

    /// Somewhere in it, behind a whole character.
    pub(super) fn resumed() -> Self {
        Self { line: LINE, long: true, ..Self::at_start() }
    }

    /// Whether no escape is open.
    pub(super) fn is_whole(self) -> bool {
        self.escape == Escape::None
    }

    /// Whether it may be cut here: within an escape it could not be ended, and what follows the end of a
    /// short line tells whether that was one of base64.
    pub(super) fn may_be_cut(self) -> bool {
        self.is_whole() && self.over == 0
    }

    /// Takes the next byte; whether what has come may be base64.
    pub(super) fn step(&mut self, byte: u8) -> bool {
        let character = match (self.escape, byte) {
            (Escape::None, b'\\') => {
                self.escape = Escape::Open;
                return true;
            }
            (Escape::None, byte) => byte,
            (Escape::Open, b'u') => {
                self.escape = Escape::Unicode { digits: 0, value: 0 };
                return true;
            }
            (Escape::Open, b'/') => b'/',
            (Escape::Open, b'n') => b'\n',
            (Escape::Open, b'r') => b'\r',
            (Escape::Open, b't') => b'\t',
            (Escape::Open, _) => return false,
            (Escape::Unicode { digits, value }, byte) => {
                let Some(digit) = char::from(byte).to_digit(16) else { return false };
                let value = value << 4 | digit as u16;
                if digits < 3 {
                    self.escape = Escape::Unicode { digits: digits + 1, value };
                    return true;
                }
                let Ok(character) = u8::try_from(value) else { return false };
                character
            }
        };
        self.escape = Escape::None;
        self.character(character)
    }

    fn character(&mut self, character: u8) -> bool {
        let returned = std::mem::replace(&mut self.returned, character == b'\r');
        match character {
            b'\n' if returned => true,
            b'\n' | b'\r' if self.line >= LINE && self.over == 0 => {
                self.line = 0;
                true
            }
            b'\n' | b'\r' if !self.long => {
                let second = self.over > 0;
                (self.over, self.line) = (1, 0);
                !second
            }
            // One word could stand before a blank.
            b'\n' | b'\r' | b' ' | b'\t' => {
                self.over = self.over.saturating_add(1);
                self.long && self.over <= LONGEST_END
            }
            character => {
                self.line = self.line.saturating_add(1);
                self.long |= self.line >= LINE;
                is_base64(character) && self.over == 0
            }
        }
    }
}

/// Whether a byte stands in base64, of either alphabet.
fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b'-' | b'_')
}

/// How many bytes of a string of base64 stand before its first whole character at `at` or behind: a
/// string that is cut within an escape cannot be ended.
pub(super) fn behind_escape(bytes: &[u8], at: usize) -> usize {
    /// `\u002B`.
    const LONGEST: usize = 6;
    let near = at.saturating_sub(LONGEST - 1)..at;
    let open = near.rev().find(|from| bytes.get(*from) == Some(&b'\\'));
    let end = open.map(|from| from + if bytes.get(from + 1) == Some(&b'u') { LONGEST } else { 2 });
    end.map_or(at, |end| end.max(at))
}

/// Whether the contents of a string are base64 in lines, behind what says so or not.
pub(in crate::wire) fn is_in_lines(raw: &[u8]) -> bool {
    const MARK: &[u8] = b";base64,";
    let near = raw.get(..raw.len().min(LONGEST_PREFIX)).unwrap_or_default();
    let (prefix, data) = match memchr::memmem::find(near, MARK) {
        Some(at) => raw.split_at(at + MARK.len()),
        None => raw.split_at(0),
    };
    let mut text = Base64::at_start();
    prefix.iter().all(|byte| byte.is_ascii_graphic() && *byte != b'\\' || *byte == b'/')
        && data.iter().all(|byte| text.step(*byte))
        && text.is_whole()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_told_by_its_characters_however_they_are_written() {
        let line = "QUJD".repeat(15);
        for data in [
            r"QU\/+\u002B\u002f\u003D\u003d".to_owned(),
            format!(r"{line}\r\n{line}\nQQ==\n"),
            format!(r"data:image/png;base64,{line}\u000D\u000a{line}\r\n\r\n"),
            format!(r"{line}\r\n{line}\r{line}\nQ"),
            r"QUJD\n".to_owned(),
            format!(r"{line}QQ \t \r\n \u0020"),
            format!(r"{line}\nQQ== "),
            format!(r"{line}\n\n\n"),
            format!("{line}{}", " ".repeat(100)),
        ] {
            assert!(is_in_lines(data.as_bytes()), "{data}");
        }
        for text in [
            r"the\nzebra".to_owned(),
            r"the zebra".to_owned(),
            r"QU\u0020JD".to_owned(),
            r"QU\u012bJD".to_owned(),
            r"QU\tJD".to_owned(),
            r"QU\bJD".to_owned(),
            r"QU\\JD".to_owned(),
            r"QU\u00".to_owned(),
            format!(r"{line}\nzebra\nzebra"),
            format!(r"{line}\n\nzebra"),
            format!(r"{line} {line}"),
            "zebra ".to_owned(),
            r"zebra\n\n".to_owned(),
            format!("{line}{}", " ".repeat(101)),
            r"data:the\nzebra;base64,QQ==".to_owned(),
        ] {
            assert!(!is_in_lines(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn nothing_is_cut_within_an_escape() {
        for (text, whole) in [(r"AAAAAA\u002BAA", 6..12), (r"AAAAAA\/AAAAAA", 6..8)] {
            for at in 0..text.len() {
                let within = whole.start < at && at < whole.end;
                let expected = if within { whole.end } else { at };
                assert_eq!(behind_escape(text.as_bytes(), at), expected, "{text} at {at}");
            }
        }
    }
}
