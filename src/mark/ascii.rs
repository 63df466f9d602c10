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
