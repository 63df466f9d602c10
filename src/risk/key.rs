//! Keys that detectors sign with.

use std::fmt;
use std::sync::Arc;

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use hmac::digest::KeyInit;
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::principal::{IdentifierError, check_printable};

/// The fewest bytes of a key. 32 are recommended: as many as the hash gives.
pub const MIN_KEY_BYTES: usize = 16;

/// The block of SHA-256, to which HMAC brings every key (RFC 2104 §2).
const BLOCK_BYTES: usize = 64;

/// A key cannot be used. No variant holds any of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The key id is not one.
    #[error("the key id does not fit: {0}")]
    Id(#[source] IdentifierError),
    /// Shorter than [`MIN_KEY_BYTES`].
    #[error(
        "a key has at least {MIN_KEY_BYTES} bytes (32 are recommended, as \
         `openssl rand -hex 32` makes them), this one has {0}"
    )]
    TooShort(usize),
    /// Neither hexadecimal digits nor Base64.
    #[error("a key is written in hexadecimal digits or in Base64")]
    Encoding,
}

/// A shared key with the id that signatures name it by. Zeroized on drop; `Debug` shows neither.
#[derive(Clone)]
pub struct SigningKey {
    id: Arc<str>,
    block: Zeroizing<[u8; BLOCK_BYTES]>,
}

impl SigningKey {
    /// A key of raw bytes.
    ///
    /// # Errors
    ///
    /// [`KeyError::Id`] and [`KeyError::TooShort`].
    pub fn new(id: &str, bytes: &[u8]) -> Result<Self, KeyError> {
        check_printable(id).map_err(KeyError::Id)?;
        if bytes.len() < MIN_KEY_BYTES {
            return Err(KeyError::TooShort(bytes.len()));
        }
        let mut block = Zeroizing::new([0; BLOCK_BYTES]);
        let digest: Zeroizing<[u8; 32]>;
        let short = if bytes.len() > BLOCK_BYTES {
            digest = Zeroizing::new(Sha256::digest(bytes).into());
            digest.as_slice()
        } else {
            bytes
        };
        block.iter_mut().zip(short).for_each(|(to, from)| *to = *from);
        Ok(Self { id: id.into(), block })
    }

    /// A key as files and environment variables hold it: see [`decode_secret`].
    ///
    /// # Errors
    ///
    /// See [`KeyError`].
    pub fn from_text(id: &str, text: &str) -> Result<Self, KeyError> {
        Self::new(id, &decode_secret(text)?)
    }

    /// The id that signatures name it by.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// HMAC-SHA256 of `message` (RFC 9421 §3.3.3).
    pub(super) fn sign(&self, message: &[u8]) -> [u8; 32] {
        self.mac(message).finalize().into_bytes().into()
    }

    /// Whether `signature` is that of `message`; in constant time.
    pub(super) fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        self.mac(message).verify_slice(signature).is_ok()
    }

    fn mac(&self, message: &[u8]) -> Hmac<Sha256> {
        <Hmac<Sha256> as KeyInit>::new((&*self.block).into()).chain_update(message)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("SigningKey").finish_non_exhaustive()
    }
}

/// The bytes of a secret of at least [`MIN_KEY_BYTES`]: an even number of hexadecimal digits, or
/// Base64 of either alphabet with or without padding. Whitespace around it does not count.
///
/// # Errors
///
/// [`KeyError::Encoding`] and [`KeyError::TooShort`].
pub fn decode_secret(text: &str) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let text = text.trim_ascii();
    let bytes = match decode_hex(text) {
        Some(bytes) => bytes,
        None => decode_base64(text).ok_or(KeyError::Encoding)?,
    };
    let bytes = Zeroizing::new(bytes);
    if bytes.len() < MIN_KEY_BYTES { Err(KeyError::TooShort(bytes.len())) } else { Ok(bytes) }
}

fn decode_hex(text: &str) -> Option<Vec<u8>> {
    let digit =
        |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    text.as_bytes()
        .chunks(2)
        .map(|pair| match pair {
            [high, low] => Some(digit(high)? << 4 | digit(low)?),
            _ => None,
        })
        .collect()
}

fn decode_base64(text: &str) -> Option<Vec<u8>> {
    let config =
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    [alphabet::STANDARD, alphabet::URL_SAFE]
        .iter()
        .find_map(|alphabet| GeneralPurpose::new(alphabet, config).decode(text).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEX: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1dfeff";
    const BASE64: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwd/v8=";

    #[test]
    fn a_key_reads_the_same_in_hexadecimal_and_base64() {
        let expected = decode_secret(HEX).unwrap();
        assert_eq!(expected.len(), 32);
        let url_safe = BASE64.replace('/', "_");
        let spellings = [
            &HEX.to_uppercase(),
            &format!(" {HEX}\n"),
            BASE64,
            BASE64.trim_end_matches('='),
            &url_safe,
        ];
        for text in spellings {
            assert_eq!(decode_secret(text), Ok(expected.clone()), "{text}");
        }
    }

    #[test]
    fn a_key_that_is_short_or_unreadable_is_refused() {
        assert_eq!(decode_secret("00".repeat(15).as_str()), Err(KeyError::TooShort(15)));
        assert_eq!(decode_secret(""), Err(KeyError::TooShort(0)));
        assert_eq!(decode_secret("correct horse battery staple"), Err(KeyError::Encoding));
        assert!(matches!(SigningKey::from_text("", HEX), Err(KeyError::Id(_))));
    }

    /// RFC 4231 §4.7, test case 6: a key of 131 bytes.
    #[test]
    fn a_key_longer_than_a_block_is_hashed_first() {
        let key = SigningKey::new("k", &[0xaa; 131]).unwrap();
        let signature = key.sign(b"Test Using Larger Than Block-Size Key - Hash Key First");
        let expected =
            decode_hex("60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54").unwrap();
        assert_eq!(signature.as_slice(), expected);
    }

    #[test]
    fn debug_shows_no_key() {
        let key = SigningKey::from_text("2026-11", HEX).unwrap();
        assert_eq!(format!("{key:?}"), "SigningKey { .. }");
    }
}
