//! What must not be shown: keys, and what people wrote.
//!
//! Whoever debugs a service prints values without looking into them. So a key is a [`Secret`] and a
//! text of a client's, a model's or a caller's name is [`Redacted`]: each prints as nothing but its
//! kind, wherever it stands, and a secret leaves no copy in memory behind.
//!
//! ```
//! use guilloche::secret::{Redacted, Secret};
//!
//! let text = Redacted::new("What they asked".to_owned());
//! assert_eq!(format!("{text:?}"), "[redacted]");
//! assert_eq!(text.len(), 15);
//! assert_eq!(format!("{:?}", Secret::new([7; 32])), "Secret(..)");
//! ```

mod file;

use std::fmt;
use std::ops::{Deref, DerefMut};

use zeroize::Zeroizing;

pub(crate) use file::OpenMode;
#[cfg(feature = "signatures")]
pub(crate) use file::open_to_others;

/// A key of 256 bits. It is never shown, and is zeroed when it is dropped.
#[derive(Clone)]
pub struct Secret(Zeroizing<[u8; 32]>);

/// The operating system gave no random bytes; nothing else is fit to make a key of.
#[derive(Debug, thiserror::Error)]
#[error("the operating system gives no random bytes")]
pub struct NoRandomness(#[source] getrandom::Error);

impl Secret {
    /// A key of these bytes.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// A random key, for what need not outlive the process.
    ///
    /// # Errors
    /// When the operating system gives no randomness.
    pub fn random() -> Result<Self, NoRandomness> {
        let mut bytes = Zeroizing::new([0; 32]);
        getrandom::fill(bytes.as_mut_slice()).map_err(NoRandomness)?;
        Ok(Self(bytes))
    }

    /// A key for one purpose, from which this one and those for other purposes cannot be computed:
    /// BLAKE3's key derivation, with `purpose` as its context.
    #[must_use]
    pub fn derive(&self, purpose: &str) -> Self {
        Self(Zeroizing::new(blake3::derive_key(purpose, self.0.as_slice())))
    }

    /// Its bytes, for whoever computes with them.
    #[must_use]
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}

impl From<[u8; 32]> for Secret {
    fn from(bytes: [u8; 32]) -> Self {
        Self::new(bytes)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret(..)")
    }
}

/// A value that is used as any other of its type, and not shown.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Redacted<T>(T);

impl<T> Redacted<T> {
    /// Hides a value.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// The value itself.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> From<T> for Redacted<T> {
    fn from(value: T) -> Self {
        Self(value)
    }
}

impl<T> Deref for Redacted<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> DerefMut for Redacted<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

impl<T> fmt::Debug for Redacted<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("[redacted]")
    }
}

/// `Debug` of types that hold or borrow what people wrote: their name alone.
macro_rules! opaque_debug {
    ($($name:ident $(<$lifetime:lifetime>)?),+ $(,)?) => {$(
        impl std::fmt::Debug for $name $(<$lifetime>)? {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str(concat!(stringify!($name), "(..)"))
            }
        }
    )+};
}

pub(crate) use opaque_debug;
