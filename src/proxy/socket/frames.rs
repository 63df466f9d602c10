//! A client's frames, the long ones divided.
//!
//! What reads frames makes room for all of one when its head has come (RFC 6455, section 5.2), so that fourteen
//! bytes would take as much memory as the longest message. A frame may come in fragments (section 5.4): so a
//! long one goes on as several, and memory grows with what its client has really sent.

use crate::secret::opaque_debug;

/// Bytes of a fragment: a multiple of four, after which the mask begins again.
const FRAGMENT: u64 = 64 << 10;

/// The end of a message, in the first byte of a head; the other bits that a fragment behind the first has not.
const LAST: u8 = 0x80;
const OF_THE_FIRST: u8 = 0x7f;

/// Set in the second byte where a mask follows.
const MASKED: u8 = 0x80;

/// Divides frames as they come.
pub(super) struct Frames {
    /// The longest frame that is divided: a longer one is refused by who reads it.
    longest: u64,
    /// What has come of a head.
    head: Vec<u8>,
    /// What has not come of the payload of this fragment, and of those behind it.
    left: u64,
    behind: u64,
    /// What the next fragment's head has in its first byte if it is the last, and its mask.
    last: u8,
    mask: Option<[u8; 4]>,
}

opaque_debug!(Frames);

impl Frames {
    pub(super) fn new(longest: usize) -> Self {
        let longest = longest as u64;
        Self { longest, head: Vec::new(), left: 0, behind: 0, last: 0, mask: None }
    }

    /// Takes what has come, and adds to `out` what is to be read of it.
    pub(super) fn take(&mut self, mut bytes: &[u8], out: &mut Vec<u8>) {
        while let Some((first, rest)) = bytes.split_first() {
            if self.left == 0 && self.behind == 0 {
                self.head.push(*first);
                bytes = rest;
                self.read_head(out);
                continue;
            }
            if self.left == 0 {
                self.next_fragment(self.last & LAST, out);
            }
            let most = usize::try_from(self.left).unwrap_or(usize::MAX);
            let (payload, rest) = bytes.split_at_checked(most).unwrap_or((bytes, &[]));
            out.extend_from_slice(payload);
            self.left -= payload.len() as u64;
            bytes = rest;
        }
    }

    /// Reads the head if it is whole.
    fn read_head(&mut self, out: &mut Vec<u8>) {
        let (Some(first), Some(second)) = (self.head.first(), self.head.get(1)) else { return };
        let (first, masked) = (*first, second & MASKED != 0);
        let extended = match second & !MASKED {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        let mask = if masked { 4 } else { 0 };
        if self.head.len() < 2 + extended + mask {
            return;
        }
        let length = match extended {
            0 => u64::from(second & !MASKED),
            _ => {
                let bytes = self.head.iter().skip(2).take(extended);
                bytes.fold(0, |length, byte| (length << 8) | u64::from(*byte))
            }
        };
        self.mask = self.head.last_chunk().filter(|_| masked).copied();
        if length <= FRAGMENT || length > self.longest {
            out.extend_from_slice(&self.head);
            (self.left, self.behind) = (length, 0);
        } else {
            (self.behind, self.last) = (length, first & LAST);
            self.next_fragment(first, out);
        }
        self.head.clear();
    }

    /// Begins a fragment of what is behind, whose head would begin so if it were the last.
    fn next_fragment(&mut self, first: u8, out: &mut Vec<u8>) {
        self.left = self.behind.min(FRAGMENT);
        self.behind -= self.left;
        let first = if self.behind == 0 { first } else { first & OF_THE_FIRST };
        out.push(first);
        let masked = if self.mask.is_some() { MASKED } else { 0 };
        out.push(127 | masked);
        out.extend_from_slice(&self.left.to_be_bytes());
        out.extend(self.mask.iter().flatten());
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LONGEST: usize = 1 << 20;

    /// The longest head of a frame.
    const HEAD: usize = 14;

    /// A frame as a client sends it: its first byte, its mask, how long it says it is.
    fn frame(first: u8, mask: Option<[u8; 4]>, length: usize) -> Vec<u8> {
        let masked = if mask.is_some() { MASKED } else { 0 };
        let mut frame = vec![first];
        match length {
            0..126 => frame.push(masked | length as u8),
            126..65_536 => {
                frame.push(masked | 126);
                frame.extend((length as u16).to_be_bytes());
            }
            _ => {
                frame.push(masked | 127);
                frame.extend((length as u64).to_be_bytes());
            }
        }
        frame.extend(mask.iter().flatten());
        let keyed = |at: usize| mask.map_or(0, |mask| mask[at % 4]);
        frame.extend((0..length).map(|at| at as u8 ^ keyed(at)));
        frame
    }

    /// Frames, with what they say unmasked: first byte, whether they are masked, payload.
    fn read(mut bytes: &[u8]) -> Vec<(u8, bool, Vec<u8>)> {
        let mut frames = Vec::new();
        while let [first, second, rest @ ..] = bytes {
            let (length, rest) = match second & !MASKED {
                126 => (u64::from(u16::from_be_bytes([rest[0], rest[1]])), &rest[2..]),
                127 => (u64::from_be_bytes(*rest.first_chunk().unwrap()), &rest[8..]),
                length => (u64::from(length), rest),
            };
            let masked = second & MASKED != 0;
            let (mask, rest) = if masked { rest.split_at(4) } else { (&[0; 4][..], rest) };
            let (payload, rest) = rest.split_at(length as usize);
            let said = payload.iter().enumerate().map(|(at, byte)| byte ^ mask[at % 4]);
            frames.push((*first, masked, said.collect()));
            bytes = rest;
        }
        frames
    }

    /// Messages as they are put together again.
    fn joined(frames: Vec<(u8, bool, Vec<u8>)>) -> Vec<(u8, Vec<u8>)> {
        let (mut whole, mut open) = (Vec::new(), None::<(u8, Vec<u8>)>);
        for (first, _, said) in frames {
            if first & 0x0f >= 8 {
                whole.push((first, said));
                continue;
            }
            let (kind, mut text) = open.take().unwrap_or((first & OF_THE_FIRST, Vec::new()));
            text.extend(said);
            if first & LAST == 0 {
                open = Some((kind, text));
            } else {
                whole.push((kind, text));
            }
        }
        whole
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        // Break it: begin the mask anew at a fragment that is no multiple of four, or end a message with each.
        #[test]
        fn messages_are_the_same_in_short_fragments_wherever_they_are_cut(
            lengths in proptest::collection::vec(
                prop_oneof![0..200_usize, 65_500..65_600_usize, 131_000..131_200_usize, Just(300_001)],
                1..5,
            ),
            masked in any::<bool>(),
            sizes in proptest::collection::vec(1..90_000_usize, 1..8),
        ) {
            let mask = masked.then_some([1, 20, 33, 254]);
            let mut sent = Vec::new();
            for length in &lengths {
                // A message in two frames, with a ping between them.
                sent.extend(frame(0x01, mask, *length));
                sent.extend(frame(0x89, mask, 3));
                sent.extend(frame(0x80, mask, length / 2));
            }
            let (mut frames, mut out, mut at, mut sizes) = (Frames::new(LONGEST), Vec::new(), 0, sizes.iter().cycle());
            while at < sent.len() {
                let end = sent.len().min(at + sizes.next().unwrap());
                let before = out.len();
                frames.take(&sent[at..end], &mut out);
                let heads = (end - at) / FRAGMENT as usize + 2 + (end - at) / 2;
                prop_assert!(out.len() - before <= end - at + HEAD * heads);
                at = end;
            }
            let divided = read(&out);
            prop_assert!(divided.iter().all(|(_, masks, said)| *masks == masked && said.len() as u64 <= FRAGMENT));
            prop_assert_eq!(joined(divided), joined(read(&sent)));
        }
    }

    #[test]
    fn a_frame_that_is_too_long_goes_on_as_it_came_so_that_it_is_refused() {
        let head = [&[0x81, MASKED | 127][..], &u64::MAX.to_be_bytes(), &[1, 2, 3, 4]].concat();
        let (mut frames, mut out) = (Frames::new(LONGEST), Vec::new());
        frames.take(&head, &mut out);
        frames.take(b"more", &mut out);
        assert_eq!(out, [&head[..], b"more"].concat());
    }
}
