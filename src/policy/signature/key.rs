//! Keys that policies are signed with, and those that signatures are checked by.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use zeroize::Zeroizing;

use super::pem;
use crate::secret::{NoRandomness, OpenMode, Secret, open_to_others};

const PRIVATE: &str = "PRIVATE KEY";
const PUBLIC: &str = "PUBLIC KEY";

/// What stands before the 32 bytes of a private key (RFC 8410 §7, version 1 of PKCS #8).
const PRIVATE_PREFIX: [u8; 16] =
    [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];

/// What stands before the 32 bytes of a public key (RFC 8410 §4).
const PUBLIC_PREFIX: [u8; 12] = [0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 3, 0x21, 0];

/// A key cannot be used. No variant holds any of it.
#[derive(Debug, thiserror::Error)]
#[error("{}: {problem}", path.display())]
pub struct KeyFileError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong.
    #[source]
    pub problem: KeyFileProblem,
}

/// What is wrong with a key.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyFileProblem {
    /// The file cannot be read.
    #[error(transparent)]
    File(#[from] io::Error),
    /// Others than its owner have a right on a private key.
    #[error("the file mode is {0:o}; no one but its owner should have access (chmod 600)")]
    Mode(u32),
    /// Not an Ed25519 key in the form that this version reads.
    #[error(
        "no Ed25519 {0} in PEM, as `guilloche policy keygen` and `openssl genpkey -algorithm ed25519` \
         write them"
    )]
    Form(&'static str),
}

/// A private key. Zeroized on drop, and not shown.
#[derive(Clone)]
pub struct PolicyKey(Secret);

/// A public key.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey([u8; 32]);

impl fmt::Debug for PolicyKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("PolicyKey(..)")
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "PublicKey({})", self.fingerprint())
    }
}

impl PolicyKey {
    /// A new key.
    ///
    /// # Errors
    /// When the operating system gives no randomness.
    pub fn generate() -> Result<Self, NoRandomness> {
        Ok(Self(Secret::random()?))
    }

    /// The key of these 32 bytes (RFC 8032 §5.1.5).
    #[must_use]
    pub fn new(seed: Secret) -> Self {
        Self(seed)
    }

    /// Reads a file that its owner alone can read.
    ///
    /// # Errors
    /// When it cannot be read, others can read it, or it is no such key.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, KeyFileError> {
        let path = path.as_ref();
        let read = || {
            if let Some(mode) = open_to_others(path).map(OpenMode::bits) {
                return Err(KeyFileProblem::Mode(mode));
            }
            let text = Zeroizing::new(super::read(path)?);
            let seed = body(&text, PRIVATE, &PRIVATE_PREFIX);
            seed.map(|seed| Self(Secret::new(*seed))).ok_or(KeyFileProblem::Form("private key"))
        };
        read().map_err(|problem| KeyFileError { path: path.to_owned(), problem })
    }

    /// As a file holds it.
    #[must_use]
    pub fn to_pem(&self) -> Zeroizing<String> {
        let der = Zeroizing::new([PRIVATE_PREFIX.as_slice(), self.0.expose()].concat());
        pem::encode(PRIVATE, &der)
    }

    /// Signs a text: 64 bytes. The same text gives the same signature.
    #[must_use]
    pub fn sign(&self, text: &[u8]) -> Vec<u8> {
        self.pair().map_or_else(Vec::new, |pair| pair.sign(text).as_ref().to_vec())
    }

    /// Its public half.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        let pair = self.pair();
        let public = pair.and_then(|it| it.public_key().as_ref().try_into().ok());
        PublicKey(public.unwrap_or_default())
    }

    /// Never `None`: every 32 bytes are a key.
    fn pair(&self) -> Option<Ed25519KeyPair> {
        Ed25519KeyPair::from_seed_unchecked(self.0.expose()).ok()
    }
}

impl PublicKey {
    /// The key of these 32 bytes.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Reads a file.
    ///
    /// # Errors
    /// When it cannot be read, or is no such key.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, KeyFileError> {
        let path = path.as_ref();
        let read = || {
            let text = super::read(path)?;
            let key = body(&text, PUBLIC, &PUBLIC_PREFIX);
            key.map(|key| Self(*key)).ok_or(KeyFileProblem::Form("public key"))
        };
        read().map_err(|problem| KeyFileError { path: path.to_owned(), problem })
    }

    /// As a file holds it.
    #[must_use]
    pub fn to_pem(&self) -> String {
        pem::encode(PUBLIC, &[PUBLIC_PREFIX.as_slice(), &self.0].concat()).to_string()
    }

    /// A name for it: the first 48 bits of its BLAKE3, as policies' revisions are those of theirs.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        super::super::Revision::of(&self.0).to_string()
    }

    /// Whether this key's owner signed the text (RFC 8032 §5.1.7, without the cofactor).
    #[must_use]
    pub fn verify(&self, text: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, self.0).verify(text, signature).is_ok()
    }
}

/// The 32 bytes behind a prefix, in PEM.
fn body(text: &[u8], label: &str, prefix: &[u8]) -> Option<Zeroizing<[u8; 32]>> {
    let der = pem::decode(label, std::str::from_utf8(text).ok()?)?;
    let bytes = der.strip_prefix(prefix)?;
    bytes.try_into().ok().map(Zeroizing::new)
}
