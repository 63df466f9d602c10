//! CRC-32 as event streams and gzip have it (ISO 3309, reflected, polynomial 0x04C11DB7).
//!
//! Written here, since the crate that does it faster comes with an optional feature only, and what
//! needs a checksum is one stream of small messages.

const TABLE: [u32; 256] = table();

const fn table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut rest = byte as u32;
        let mut bit = 0;
        while bit < 8 {
            rest = if rest & 1 == 1 { rest >> 1 ^ 0xEDB8_8320 } else { rest >> 1 };
            bit += 1;
        }
        #[expect(clippy::indexing_slicing, reason = "computed by the compiler")]
        {
            table[byte] = rest;
        }
        byte += 1;
    }
    table
}

/// The checksum of `bytes`.
pub(super) fn crc32(bytes: &[u8]) -> u32 {
    let mut rest = u32::MAX;
    for byte in bytes {
        let place = usize::from(rest.to_le_bytes()[0] ^ byte);
        rest = TABLE.get(place).copied().unwrap_or_default() ^ rest >> 8;
    }
    !rest
}

#[cfg(test)]
mod tests {
    use super::crc32;

    /// Oracle: the check value of CRC-32 in the RevEng catalogue, and that of nothing.
    #[test]
    fn the_check_value_is_right() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
        assert_eq!(crc32(b""), 0);
    }
}
