//! CRC-32 as event streams and gzip have it (ISO 3309, reflected, polynomial 0x04C11DB7).
//!
//! Written here, since the crate that does it faster comes with an optional feature only. Eight bytes are taken at a
//! time, with a table for each place ("slicing-by-8": Kounavis and Berry, 2005).

const TABLES: [[u32; 256]; 8] = tables();

#[expect(clippy::indexing_slicing, reason = "computed by the compiler")]
const fn tables() -> [[u32; 256]; 8] {
    let mut tables = [[0; 256]; 8];
    let mut byte = 0;
    while byte < 256 {
        let mut rest = byte as u32;
        let mut bit = 0;
        while bit < 8 {
            rest = if rest & 1 == 1 { rest >> 1 ^ 0xEDB8_8320 } else { rest >> 1 };
            bit += 1;
        }
        tables[0][byte] = rest;
        byte += 1;
    }
    let mut place = 1;
    while place < 8 {
        let mut byte = 0;
        while byte < 256 {
            let before = tables[place - 1][byte];
            tables[place][byte] = before >> 8 ^ tables[0][(before & 0xFF) as usize];
            byte += 1;
        }
        place += 1;
    }
    tables
}

/// What a byte adds at a place.
fn entry(table: &[u32; 256], byte: u8) -> u32 {
    table.get(usize::from(byte)).copied().unwrap_or_default()
}

/// The checksum of `bytes`.
pub(super) fn crc32(bytes: &[u8]) -> u32 {
    let [last, sixth, fifth, fourth, third, second, first, zeroth] = &TABLES;
    let mut rest = u32::MAX;
    let mut words = bytes.chunks_exact(8);
    for word in &mut words {
        let word = <[u8; 8]>::try_from(word).map_or(0, u64::from_le_bytes) ^ u64::from(rest);
        let [a, b, c, d, e, f, g, h] = word.to_le_bytes();
        rest = entry(zeroth, a)
            ^ entry(first, b)
            ^ entry(second, c)
            ^ entry(third, d)
            ^ entry(fourth, e)
            ^ entry(fifth, f)
            ^ entry(sixth, g)
            ^ entry(last, h);
    }
    for byte in words.remainder() {
        rest = entry(last, rest.to_le_bytes()[0] ^ byte) ^ rest >> 8;
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

    /// Oracle: division of polynomials, bit by bit.
    // Break it: take two tables in each other's place.
    #[test]
    fn eight_bytes_at_a_time_are_as_one_bit_at_a_time() {
        let bytes: Vec<u8> = (0..700_u32).map(|at| (at * 167 + at / 3) as u8).collect();
        for length in (0..40).chain([255, 256, 699]) {
            let bytes = &bytes[..length];
            let mut rest = u32::MAX;
            for byte in bytes {
                rest ^= u32::from(*byte);
                for _ in 0..8 {
                    rest = if rest & 1 == 1 { rest >> 1 ^ 0xEDB8_8320 } else { rest >> 1 };
                }
            }
            assert_eq!(crc32(bytes), !rest, "{length}");
        }
    }
}
