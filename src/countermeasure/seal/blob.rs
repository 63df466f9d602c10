//! The blob: its head, what is bound to it, and its padding.
//!
//! ```text
//! head        9 bytes that read PREFIX in base64, the id of the key (4), when it expires in seconds
//!             since 1970 (4, big-endian), 1 if it is bound to its conversation, else 0 (1)
//! nonce       24 bytes
//! ciphertext  XChaCha20 of: how many parts there are, each part's tag, length and bytes, zeros
//!             (numbers are 4 bytes, little-endian)
//! tag         16 bytes of Poly1305 over the head, what is bound, and the ciphertext
//! ```
//!
//! All of it in the alphabet of base64 that the vendors' own signatures have, since typed clients read
//! them as bytes; its length is a multiple of three bytes, so that it needs no `=`. What is bound is not sent: the kind of carrier, the model and
//! the conversation if that counts, each behind its length of 8 bytes, little-endian. Tenant and
//! account are in the key (`keys`).
//!
//! The cipher is XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha-03); the known answers in
//! `tests/kat/seal.json` were made with libsodium.

use base64::Engine;
use base64::alphabet;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use chacha20poly1305::aead::{AeadInOut, KeyInit};
use chacha20poly1305::{Tag, XChaCha20Poly1305, XNonce};

use super::Conversation;
use super::keys::{KeyId, NONCE};
use crate::secret::{Secret, opaque_debug};

/// How every blob begins. Letters and digits only, so that it reads the same in every alphabet of
/// base64, and drawn at random: it names nothing to a client that looks at it. It is the same for every
/// deployment, since a blob whose secret is gone must be known for one, and be left out.
pub const PREFIX: &str = "hy3dlEhdpl31";

/// Bytes that the prefix stands for.
const MAGIC: usize = 9;

/// Bytes of the head.
const HEAD: usize = MAGIC + 4 + 4 + 1;

/// Bytes of Poly1305's tag.
const TAG: usize = 16;

/// The tag of the part that holds what the upstream had put into the carrier.
const VALUE: u32 = u32::MAX;

opaque_debug!(Opened, Bound<'_>, Contents<'_>);

/// What a blob is bound to, besides its principal.
pub(super) struct Bound<'b> {
    /// The kind of carrier.
    pub(super) carrier: &'b str,
    /// The model that is asked.
    pub(super) model: &'b str,
    /// The conversation, if it counts.
    pub(super) conversation: Option<Conversation>,
}

/// What can be read of a blob by anybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) key: KeyId,
    /// In seconds since 1970.
    pub(super) expires: u32,
    /// Whether its conversation counts.
    pub(super) by_conversation: bool,
}

/// What is sealed: JSON as the upstream wrote it.
pub(super) struct Contents<'c> {
    /// The contents of strings, each with the number by which its carrier's protocol knows it.
    pub(super) texts: &'c [(u32, &'c [u8])],
    /// The value of the carrier, if it had any.
    pub(super) value: Option<&'c [u8]>,
}

/// What was sealed.
#[derive(Clone, PartialEq, Eq)]
pub struct Opened {
    /// The contents of strings, each with the number by which its carrier's protocol knows it.
    pub texts: Vec<(u32, Vec<u8>)>,
    /// The value of the carrier, if the upstream had put any there.
    pub value: Option<Vec<u8>>,
}

impl Head {
    fn bytes(self) -> Option<[u8; HEAD]> {
        let Self { key, expires, by_conversation } = self;
        let magic = STANDARD_NO_PAD.decode(PREFIX).ok()?;
        let flag = [u8::from(by_conversation)];
        [&*magic, &key, &expires.to_be_bytes(), &flag].concat().try_into().ok()
    }

    fn read(head: &[u8]) -> Option<Self> {
        let [_, _, _, _, _, _, _, _, _, a, b, c, d, expires @ .., flag] =
            <[u8; HEAD]>::try_from(head).ok()?;
        let head = Self {
            key: [a, b, c, d],
            expires: u32::from_be_bytes(expires),
            by_conversation: flag == 1,
        };
        (flag < 2).then_some(head)
    }
}

impl Bound<'_> {
    /// The head and all that is bound, as it is authenticated.
    fn authenticated(&self, head: &[u8]) -> Vec<u8> {
        let Self { carrier, model, conversation } = self;
        let conversation = conversation.as_ref().map_or(&[][..], |it| &it.0);
        let mut out = head.to_vec();
        for bound in [carrier.as_bytes(), model.as_bytes(), conversation] {
            out.extend_from_slice(&(bound.len() as u64).to_le_bytes());
            out.extend_from_slice(bound);
        }
        out
    }
}

/// How many bytes a plaintext is filled up to: to a multiple of `bucket`, and a little more so that
/// the blob needs no padding of base64.
fn filled(bytes: usize, bucket: usize) -> usize {
    let bytes = bytes.next_multiple_of(bucket.max(1));
    let blob = HEAD + NONCE + bytes + TAG;
    bytes + blob.next_multiple_of(3) - blob
}

/// A blob, filled up to a multiple of `bucket` bytes; `None` if it would hold more than 4 GiB.
pub(super) fn seal(
    key: &Secret,
    nonce: [u8; NONCE],
    head: Head,
    bound: &Bound<'_>,
    contents: &Contents<'_>,
    bucket: usize,
) -> Option<String> {
    let head = head.bytes()?;
    let Contents { texts, value } = contents;
    let parts = texts.iter().copied().chain(value.map(|value| (VALUE, value)));
    let count = u32::try_from(texts.len() + usize::from(value.is_some())).ok()?;
    let begin = HEAD + NONCE;
    let length: usize = 4 + parts.clone().map(|(_, part)| 8 + part.len()).sum::<usize>();
    let end = begin + filled(length, bucket);
    let mut blob = Vec::with_capacity(end + TAG);
    blob.extend_from_slice(&head);
    blob.extend_from_slice(&nonce);
    blob.extend_from_slice(&count.to_le_bytes());
    for (tag, part) in parts {
        blob.extend_from_slice(&tag.to_le_bytes());
        blob.extend_from_slice(&u32::try_from(part.len()).ok()?.to_le_bytes());
        blob.extend_from_slice(part);
    }
    blob.resize(end, 0);
    let authenticated = bound.authenticated(&head);
    let plain = blob.get_mut(begin..)?;
    let cipher = XChaCha20Poly1305::new(key.expose().into());
    let tag =
        cipher.encrypt_inout_detached(&XNonce::from(nonce), &authenticated, plain.into()).ok()?;
    blob.extend_from_slice(&tag);
    Some(STANDARD_NO_PAD.encode(blob))
}

/// The bytes of a blob. A client may have decoded it and written it in the other alphabet.
pub(super) fn decode(blob: &[u8]) -> Option<Vec<u8>> {
    const CONFIG: GeneralPurposeConfig =
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    const URLS: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, CONFIG);
    const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, CONFIG);
    let for_urls = memchr::memchr2(b'-', b'_', blob).is_some();
    if for_urls { URLS.decode(blob).ok() } else { STANDARD.decode(blob).ok() }
}

/// What can be read of the bytes of a blob by anybody.
pub(super) fn head(blob: &[u8]) -> Option<Head> {
    Head::read(blob.get(..HEAD)?)
}

/// What was sealed; `None` if anything is not as it was.
pub(super) fn open(key: &Secret, bound: &Bound<'_>, mut blob: Vec<u8>) -> Option<Opened> {
    let end = blob.len().checked_sub(TAG)?;
    let authenticated = bound.authenticated(blob.get(..HEAD)?);
    let nonce = <[u8; NONCE]>::try_from(blob.get(HEAD..HEAD + NONCE)?).ok()?;
    let tag = <[u8; TAG]>::try_from(blob.get(end..)?).ok()?;
    let sealed = blob.get_mut(HEAD + NONCE..end)?;
    let cipher = XChaCha20Poly1305::new(key.expose().into());
    cipher
        .decrypt_inout_detached(
            &XNonce::from(nonce),
            &authenticated,
            (&mut *sealed).into(),
            &Tag::from(tag),
        )
        .ok()?;
    parts(sealed)
}

fn parts(plain: &[u8]) -> Option<Opened> {
    let mut rest = plain;
    let mut opened = Opened { texts: Vec::new(), value: None };
    for _ in 0..number(&mut rest)? {
        let tag = number(&mut rest)?;
        let length = usize::try_from(number(&mut rest)?).ok()?;
        let (part, behind) = rest.split_at_checked(length)?;
        rest = behind;
        match tag {
            VALUE => opened.value = Some(part.to_vec()),
            tag => opened.texts.push((tag, part.to_vec())),
        }
    }
    Some(opened)
}

fn number(rest: &mut &[u8]) -> Option<u32> {
    let (number, behind) = rest.split_first_chunk::<4>()?;
    *rest = behind;
    Some(u32::from_le_bytes(*number))
}

#[cfg(test)]
mod tests;
