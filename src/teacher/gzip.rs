//! Gzip (RFC 1952) with stored blocks: what a client meets when an upstream compresses unasked.

use bytes::{BufMut, Bytes, BytesMut};

/// Frames bytes as one gzip member.
#[derive(Clone, Debug)]
pub(crate) struct Gzip {
    checksum: u32,
    length: u32,
    started: bool,
}

impl Gzip {
    pub(crate) fn new() -> Self {
        Self { checksum: u32::MAX, length: 0, started: false }
    }

    /// The next bytes of the member.
    pub(crate) fn frame(&mut self, data: &[u8]) -> Bytes {
        let mut out = BytesMut::with_capacity(data.len() + 32);
        self.start(&mut out);
        for chunk in data.chunks(usize::from(u16::MAX)) {
            let length = u16::try_from(chunk.len()).unwrap_or(u16::MAX);
            out.put_u8(0);
            out.put_u16_le(length);
            out.put_u16_le(!length);
            out.put_slice(chunk);
            for byte in chunk {
                self.checksum = table(self.checksum ^ u32::from(*byte)) ^ (self.checksum >> 8);
            }
            self.length = self.length.wrapping_add(u32::from(length));
        }
        out.freeze()
    }

    /// The end of the member.
    pub(crate) fn finish(&mut self) -> Bytes {
        let mut out = BytesMut::with_capacity(32);
        self.start(&mut out);
        out.put_slice(&[1, 0, 0, 0xff, 0xff]);
        out.put_u32_le(!self.checksum);
        out.put_u32_le(self.length);
        out.freeze()
    }

    fn start(&mut self, out: &mut BytesMut) {
        if !self.started {
            self.started = true;
            out.put_slice(&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff]);
        }
    }
}

/// One byte's entry of the CRC-32 table.
fn table(byte: u32) -> u32 {
    (0..8).fold(
        byte & 0xff,
        |value, _| if value & 1 == 1 { 0xedb8_8320 ^ (value >> 1) } else { value >> 1 },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_member_is_what_the_rfc_says() {
        // `123456789` has the CRC-32 check value CBF43926 (RFC 1952 section 8, catalogue of CRCs).
        let mut gzip = Gzip::new();
        let body = gzip.frame(b"123456789");
        assert_eq!(&body[10..], b"\x00\x09\x00\xf6\xff123456789");
        assert_eq!(&gzip.finish()[..], b"\x01\x00\x00\xff\xff\x26\x39\xf4\xcb\x09\x00\x00\x00");
    }
}
