//! How whoever wrote a document escapes what may stand as it is.
//!
//! Writers of JSON differ there, and each does it the same way everywhere: Python's own escapes all that
//! is not ASCII and puts a space behind each colon, Go's escapes `<` and U+2028, .NET's the quotation
//! mark, with capital digits, PHP's the slash, and JavaScript's nothing but what has to be. What is put
//! into such a document reads as if its writer had written it.

use memchr::memchr;
use memchr::memmem;

use super::unescape;

/// What a document shows of its writer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Style {
    /// Characters of ASCII that stand as `\u…`, a bit each.
    ascii: u128,
    /// Whether `/` stands as `\/`.
    slash: bool,
    /// Whether what is not ASCII is escaped.
    beyond: bool,
    /// Whether U+2028 and U+2029 are, which some writers escape alone.
    separators: bool,
    /// Whether the digits of escapes are capital.
    capital: bool,
    /// Whether a space stands behind colons and commas.
    spaced: bool,
}

impl Style {
    /// The style of a document. Where it has nothing beyond ASCII, its spaces tell whether that would be
    /// escaped, as they do for Python's writer.
    pub(crate) fn of(document: &[u8]) -> Self {
        let colon = memmem::find(document, b"\":");
        let spaced = colon.is_some_and(|at| document.get(at + 2) == Some(&b' '));
        let mut style = Self { spaced, ..Self::default() };
        let mut rest = document;
        while let Some(at) = memchr(b'\\', rest) {
            let escape = rest.get(at + 1..).unwrap_or_default();
            let length = match code_unit(escape) {
                Some(unit) => {
                    style.see(unit, escape);
                    5
                }
                None => {
                    style.slash |= escape.first() == Some(&b'/');
                    1
                }
            };
            rest = escape.get(length..).unwrap_or_default();
        }
        style.beyond = document.is_ascii() && (style.beyond || spaced);
        style
    }

    /// Notes an escape, `escape` being what stands behind its backslash.
    fn see(&mut self, unit: u16, escape: &[u8]) {
        let digits = escape.get(1..5).unwrap_or_default();
        self.capital |= digits.iter().any(u8::is_ascii_uppercase);
        match unit {
            0..0x80 => self.ascii |= 1 << unit,
            0x2028 | 0x2029 => self.separators = true,
            // Half of a character alone has to be escaped.
            0xD800..0xDC00 => {
                let low = escape.get(5..).and_then(|rest| rest.strip_prefix(b"\\"));
                self.beyond |= low.and_then(code_unit).is_some_and(|it| it & 0xFC00 == 0xDC00);
            }
            0xDC00..0xE000 => {}
            _ => self.beyond = true,
        }
    }

    /// The contents of a string as this writer would have them. What cannot be read stays as it is.
    pub(crate) fn contents(&self, raw: &[u8]) -> Vec<u8> {
        let Ok(text) = unescape(raw) else { return raw.to_vec() };
        let mut out = Vec::with_capacity(raw.len());
        for character in text.chars() {
            self.write(character, &mut out);
        }
        out
    }

    /// The same for a value, of which only a string is written anew.
    pub(crate) fn value(&self, raw: &[u8]) -> Vec<u8> {
        match raw {
            [b'"', contents @ .., b'"'] => [b"\"", &*self.contents(contents), b"\""].concat(),
            _ => raw.to_vec(),
        }
    }

    /// The name of a member and what stands between it and its value.
    pub(crate) fn name(&self, name: &str) -> String {
        format!("\"{name}\":{}", self.space())
    }

    /// What stands between two members.
    pub(crate) fn comma(&self) -> String {
        format!(",{}", self.space())
    }

    fn space(&self) -> &'static str {
        if self.spaced { " " } else { "" }
    }

    fn write(&self, character: char, out: &mut Vec<u8>) {
        let short = match character {
            '"' => Some(b'"'),
            '\\' => Some(b'\\'),
            '\u{8}' => Some(b'b'),
            '\u{c}' => Some(b'f'),
            '\n' => Some(b'n'),
            '\r' => Some(b'r'),
            '\t' => Some(b't'),
            '/' => self.slash.then_some(b'/'),
            _ => None,
        };
        let code = u32::from(character);
        let escaped = match code {
            0..0x80 if self.ascii >> code & 1 == 1 => true,
            0..0x20 => short.is_none(),
            0x20..0x7F => false,
            0x2028 | 0x2029 => self.beyond || self.separators,
            _ => self.beyond,
        };
        if escaped {
            for unit in character.encode_utf16(&mut [0; 2]) {
                let escape =
                    if self.capital { format!("\\u{unit:04X}") } else { format!("\\u{unit:04x}") };
                out.extend_from_slice(escape.as_bytes());
            }
        } else if let Some(short) = short {
            out.extend_from_slice(&[b'\\', short]);
        } else {
            out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        }
    }
}

/// The code unit of an escape, from the `u` behind its backslash.
fn code_unit(escape: &[u8]) -> Option<u16> {
    let digits = escape.strip_prefix(b"u")?.get(..4)?;
    let digits = std::str::from_utf8(digits).ok().filter(|it| !it.starts_with('+'))?;
    u16::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A text with all that writers treat in ways of their own.
    const TEXT: &str = "a/b <i>\"q\"</i> it's \\ 1+1\u{8}\n\u{1}\u{85} ü € 😀 \u{2028}";

    /// As `JSON.stringify` of Node 20 and `json.dumps` of Python 3.11 write it, and as the documents of `json.Marshal`
    /// of Go 1.23, `JsonSerializer` of .NET 9 and `json_encode` of PHP 8 say that they do.
    const WRITTEN: [&str; 5] = [
        "a/b <i>\\\"q\\\"</i> it's \\\\ 1+1\\b\\n\\u0001\u{85} ü € 😀 \u{2028}",
        r#"a/b <i>\"q\"</i> it's \\ 1+1\b\n\u0001\u0085 \u00fc \u20ac \ud83d\ude00 \u2028"#,
        "a/b \\u003ci\\u003e\\\"q\\\"\\u003c/i\\u003e it's \\\\ 1+1\\b\\n\\u0001\u{85} ü € 😀 \\u2028",
        r"a/b \u003Ci\u003E\u0022q\u0022\u003C/i\u003E it\u0027s \\ 1\u002B1\b\n\u0001\u0085 \u00FC \u20AC \uD83D\uDE00 \u2028",
        r#"a\/b <i>\"q\"<\/i> it's \\ 1+1\b\n\u0001\u0085 \u00fc \u20ac \ud83d\ude00 \u2028"#,
    ];

    #[test]
    fn a_text_is_written_as_the_documents_writer_writes_it_whoever_wrote_it_first() {
        for written in WRITTEN {
            assert_eq!(unescape(written.as_bytes()).unwrap(), TEXT);
            let style = Style::of(format!(r#"{{"model":"m","said":"{written}"}}"#).as_bytes());
            for other in WRITTEN {
                let rewritten = style.contents(other.as_bytes());
                assert_eq!(String::from_utf8(rewritten).unwrap(), written);
            }
        }
    }

    #[test]
    fn spaces_tell_pythons_writer_where_nothing_else_does() {
        let of = |document: &str| Style::of(document.as_bytes());
        assert_eq!(of(r#"{"model": "m"}"#).contents("ü".as_bytes()), br"\u00fc");
        assert_eq!(of(r#"{"model": "m"}"#).contents(b"\x7f"), br"\u007f");
        assert_eq!(of(r#"{"model":"m"}"#).contents(br"\u00fc\u007f"), "ü\x7f".as_bytes());
        assert_eq!(of(r#"{"model": "é"}"#).contents(br"\u00fc"), "ü".as_bytes());
        assert_eq!((of("{}").name("a"), of("{}").comma()), ("\"a\":".into(), ",".into()));
        let spaced = of(r#"{"a": 1}"#);
        assert_eq!((spaced.name("a"), spaced.comma()), ("\"a\": ".into(), ", ".into()));
    }

    #[test]
    fn escapes_within_escapes_and_halves_of_characters_tell_nothing() {
        for document in [r#"{"a":"\\u00fc"}"#, r#"{"a":"\ud83d"}"#, r#"{"a":"\ude00\ud83d"}"#] {
            assert_eq!(Style::of(document.as_bytes()).contents(br"\u00fc"), "ü".as_bytes());
        }
        let half = br#"\ud83d \u00fc"#;
        assert_eq!(Style::default().contents(half), half);
        assert_eq!(Style::default().value(b"null"), b"null");
    }

    proptest::proptest! {
        #[test]
        fn what_is_rewritten_reads_the_same(text in ".*", document in proptest::collection::vec(0u8.., 0..64)) {
            let mut raw = Vec::new();
            super::super::escape(&text, &mut raw);
            let rewritten = Style::of(&document).contents(&raw);
            proptest::prop_assert_eq!(unescape(&rewritten).unwrap(), text);
        }
    }
}
