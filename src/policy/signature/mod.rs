//! Detached signatures of policy files, so that whoever can write a policy cannot change the defense.
//!
//! A signature is Ed25519 ([RFC 8032](https://www.rfc-editor.org/rfc/rfc8032), without a prehash or a
//! context) over the bytes of the file, in Base64 in a file of the same name with `.sig` behind it. Keys are PEM,
//! as OpenSSL writes them: `PRIVATE KEY` (PKCS #8, RFC 8410) and `PUBLIC KEY`. So a signature may be made
//! where the private key is, by other tools:
//!
//! ```text
//! openssl pkeyutl -sign -rawin -inkey policy-key.pem -in policy.toml | base64 > policy.toml.sig
//! ```
//!
//! It says that somebody with the key approved this text, and not that it is the newest one that they
//! approved: whoever can write the file can put an older one back, until the key is replaced.
//!
//! ```
//! use guilloche::policy::signature::{PolicyKey, Signers};
//!
//! let key = PolicyKey::generate()?;
//! let signers = Signers::of([key.public()]);
//! let signature = key.sign(b"version = 1\n");
//! assert!(signers.verify(b"version = 1\n", &signature).is_ok());
//! assert!(signers.verify(b"version = 2\n", &signature).is_err());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod key;
mod pem;

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

pub use key::{KeyFileError, KeyFileProblem, PolicyKey, PublicKey};

use super::{LoadError, Policy, source};

/// Bytes of a signature.
const SIGNATURE_BYTES: usize = 64;

/// Bytes of a file with a signature or a key.
const MAX_FILE_BYTES: u64 = 4096;

/// A policy file has not been approved as it is.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SignatureError {
    /// There is no signature beside it, or it cannot be read.
    #[error("{}: {source}", path.display())]
    Unread {
        /// The file of the signature.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// What is beside it is no signature.
    #[error("{}: no Ed25519 signature: 64 bytes in Base64", path.display())]
    Malformed {
        /// The file of the signature.
        path: PathBuf,
    },
    /// It is one of another text, or by nobody whose signature is asked for.
    #[error("its signature is not one of {who} over this text")]
    Invalid {
        /// Whose it would have to be.
        who: String,
    },
}

/// Who may approve policies: the signature of any of them will do. The default asks for nobody's.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Signers {
    keys: Vec<PublicKey>,
}

impl fmt::Debug for Signers {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_list().entries(self.keys.iter().map(PublicKey::fingerprint)).finish()
    }
}

impl Signers {
    /// Those of these keys.
    #[must_use]
    pub fn of(keys: impl IntoIterator<Item = PublicKey>) -> Self {
        Self { keys: keys.into_iter().collect() }
    }

    /// Whether anybody's signature is asked for.
    #[must_use]
    pub fn are_asked(&self) -> bool {
        !self.keys.is_empty()
    }

    /// Verifies a signature of a text. Without keys there is none to verify, and this fails.
    ///
    /// # Errors
    /// [`SignatureError::Invalid`].
    pub fn verify(&self, text: &[u8], signature: &[u8]) -> Result<(), SignatureError> {
        if self.keys.iter().any(|key| key.verify(text, signature)) {
            return Ok(());
        }
        let names: Vec<String> = self.keys.iter().map(PublicKey::fingerprint).collect();
        Err(SignatureError::Invalid { who: names.join(", ") })
    }

    /// The text of a file, if its signature is good or nobody's is asked for.
    ///
    /// # Errors
    /// [`LoadError::Read`] and [`LoadError::Unsigned`].
    pub fn read(&self, path: &Path) -> Result<String, LoadError> {
        let text = source::text(path)?;
        if self.are_asked() {
            let approved = read_signature(&signature_path(path))
                .and_then(|signature| self.verify(text.as_bytes(), &signature));
            approved.map_err(|source| LoadError::Unsigned {
                file: path.display().to_string(),
                source,
            })?;
        }
        Ok(text)
    }
}

impl Policy {
    /// Reads a policy file that any of `signers` has signed.
    ///
    /// # Errors
    /// As [`load`](Self::load), and [`LoadError::Unsigned`].
    pub fn load_signed(path: impl AsRef<Path>, signers: &Signers) -> Result<Self, LoadError> {
        let path = path.as_ref();
        Self::parse(&path.display().to_string(), &signers.read(path)?)
    }
}

/// Where the signature of a file is: beside it.
#[must_use]
pub fn signature_path(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".sig");
    name.into()
}

/// A signature as its file has it.
#[must_use]
pub fn signature_text(signature: &[u8]) -> String {
    STANDARD.encode(signature) + "\n"
}

/// Reads the file of a signature: in Base64, or as it is.
///
/// # Errors
/// [`SignatureError::Unread`] and [`SignatureError::Malformed`].
pub fn read_signature(path: &Path) -> Result<Vec<u8>, SignatureError> {
    let bytes =
        read(path).map_err(|source| SignatureError::Unread { path: path.to_owned(), source })?;
    if bytes.len() == SIGNATURE_BYTES {
        return Ok(bytes);
    }
    let text: Vec<u8> = bytes.into_iter().filter(|byte| !byte.is_ascii_whitespace()).collect();
    STANDARD
        .decode(text)
        .ok()
        .filter(|signature| signature.len() == SIGNATURE_BYTES)
        .ok_or_else(|| SignatureError::Malformed { path: path.to_owned() })
}

/// A small file.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_FILE_BYTES).read_to_end(&mut bytes)?;
    Ok(bytes)
}
