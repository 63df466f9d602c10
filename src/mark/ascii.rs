//! ASCII text, eight bytes at a time.

const EACH: u64 = u64::from_le_bytes([1; 8]);

/// The highest bit of each byte.
pub(crate) const HIGH: u64 = EACH << 7;

/// The highest bit of each of eight bytes that is no ASCII letter and no digit.
#[inline]
pub(crate) fn others_among(eight: u64) -> u64 {
    // Of seven bits, so that no sum runs over into the next byte.
    let seven = eight & !HIGH;
    let from = |bytes: u64, least: u8| bytes + EACH * u64::from(0x80 - least);
    let small = seven | EACH << 5;
    let digit = from(seven, b'0') & !from(seven, b'9' + 1);
    let letter = from(small, b'a') & !from(small, b'z' + 1);
    (!(digit | letter) | eight) & HIGH
}

/// The highest bit of each of eight bytes of ASCII that is white space.
#[cfg(feature = "forensics")]
#[inline]
fn white_among(eight: u64) -> u64 {
    let from = |least: u8| eight + EACH * u64::from(0x80 - least);
    (from(b'\t') & !from(b'\r' + 1) & HIGH) | those_that_are(b' ', eight)
}

/// How many words of anything stand between white space, as [`str::split_whitespace`] divides.
#[cfg(feature = "forensics")]
pub(crate) fn words_between_white(text: &str) -> u64 {
    if !text.is_ascii() {
        return text.split_whitespace().count() as u64;
    }
    let (mut words, mut inside) = (0, 0);
    let mut pass = |eight: [u8; 8]| {
        let others = !white_among(u64::from_le_bytes(eight)) & HIGH;
        words += count(others & !(others << 8 | inside));
        inside = others >> 56;
    };
    let mut rest = text.as_bytes();
    while let Some((eight, behind)) = rest.split_first_chunk() {
        pass(*eight);
        rest = behind;
    }
    let mut last = [b' '; 8];
    last.iter_mut().zip(rest).for_each(|(to, byte)| *to = *byte);
    pass(last);
    words
}

/// Tells where bytes stand that are no ASCII letter and no digit, in order.
#[cfg(feature = "forensics")]
#[inline]
pub(crate) fn each_other(bytes: &[u8], mut each: impl FnMut(usize)) {
    let mut at = 0;
    while let Some(eight) = bytes.get(at..).and_then(<[u8]>::first_chunk) {
        let mut others = others_among(u64::from_le_bytes(*eight));
        while others != 0 {
            each(at + others.trailing_zeros() as usize / 8);
            others &= others - 1;
        }
        at += 8;
    }
    let last = bytes.iter().enumerate().skip(at);
    last.filter(|(_, byte)| !byte.is_ascii_alphanumeric()).for_each(|(at, _)| each(at));
}

/// The highest bit of each of eight bytes of ASCII that is `byte`.
#[inline]
pub(crate) fn those_that_are(byte: u8, eight: u64) -> u64 {
    let differ = eight ^ (EACH * u64::from(byte));
    !(differ + (HIGH - EACH)) & HIGH
}

/// How many of eight highest bits are set.
#[inline]
pub(crate) fn count(bits: u64) -> u64 {
    (bits >> 7).wrapping_mul(EACH) >> 56
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(feature = "forensics")]
    #[test]
    fn words_are_those_between_white_space() {
        let texts = [
            "",
            " ",
            "one",
            " one\r\n two\tthree ",
            "a\u{b}b\u{c}c\u{1c}d\u{7f}e",
            "naïve\u{a0}one",
        ];
        for text in texts {
            for before in ["", " ", "seventh", "eighth: "] {
                let text = format!("{before}{text}");
                let usual = text.split_whitespace().count() as u64;
                assert_eq!(words_between_white(&text), usual, "{text:?}");
            }
        }
    }

    #[cfg(feature = "forensics")]
    #[test]
    fn others_are_found_where_they_stand() {
        let text = "It's 9 o’clock, a_b\u{a0}and all is well";
        for start in (0..text.len()).filter(|at| text.is_char_boundary(*at)) {
            let bytes = &text.as_bytes()[start..];
            let is_other = |at: &usize| !bytes[*at].is_ascii_alphanumeric();
            let mut others = Vec::new();
            each_other(bytes, |at| others.push(at));
            assert!(others.into_iter().eq((0..bytes.len()).filter(is_other)), "from {start}");
        }
    }

    #[test]
    fn each_byte_is_told_at_each_place() {
        for place in 0..8 {
            for byte in 0..=u8::MAX {
                let mut bytes = *b"aZ09zA5m";
                bytes[place] = byte;
                let eight = u64::from_le_bytes(bytes);
                let here = 0x80 << (8 * place);
                let other = if byte.is_ascii_alphanumeric() { 0 } else { here };
                assert_eq!(others_among(eight), other, "{byte} at {place}");
                if byte.is_ascii() {
                    let equal: usize = bytes
                        .iter()
                        .enumerate()
                        .filter(|(_, it)| **it == byte)
                        .map(|(at, _)| 1 << at)
                        .sum();
                    let bits = those_that_are(byte, eight);
                    let found: usize =
                        (0..8).filter(|at| bits >> (8 * at + 7) & 1 == 1).map(|at| 1 << at).sum();
                    assert_eq!(found, equal, "{byte} at {place}");
                    assert_eq!(count(bits), u64::from(equal.count_ones()));
                }
            }
        }
    }
}
