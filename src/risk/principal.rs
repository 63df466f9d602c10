//! Who is calling: an account, and the cluster and tenant that the detector has put it in.

use std::fmt;
use std::sync::Arc;

/// An identifier has at most this many bytes.
pub const MAX_IDENTIFIER_BYTES: usize = 128;

/// Accounts that this crate names itself begin with this; identifiers from outside must not.
pub(super) const RESERVED_PREFIX: char = '~';

/// A text is no identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IdentifierError {
    /// Nothing in it.
    #[error("an identifier must not be empty")]
    Empty,
    /// Longer than [`MAX_IDENTIFIER_BYTES`].
    #[error("an identifier has at most {MAX_IDENTIFIER_BYTES} bytes")]
    TooLong,
    /// A control character or one outside ASCII, which a structured field string cannot carry.
    #[error("an identifier has printable ASCII characters only")]
    NotPrintable,
    /// Begins with `~`, which marks the accounts that this crate names itself.
    #[error("an identifier must not begin with `{RESERVED_PREFIX}`")]
    Reserved,
}

/// What every identifier and key id obeys: 1 to 128 printable ASCII characters.
pub(super) fn check_printable(text: &str) -> Result<(), IdentifierError> {
    if text.is_empty() {
        Err(IdentifierError::Empty)
    } else if text.len() > MAX_IDENTIFIER_BYTES {
        Err(IdentifierError::TooLong)
    } else if !text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        Err(IdentifierError::NotPrintable)
    } else {
        Ok(())
    }
}

macro_rules! identifier {
    ($(#[$documentation:meta])* $name:ident) => {
        $(#[$documentation])*
        ///
        /// 1 to 128 printable ASCII characters that do not begin with `~`. Cheap to clone. `Debug`
        /// shows the length only, because an identifier can be an e-mail address.
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Checks and takes an identifier.
            ///
            /// # Errors
            ///
            /// See [`IdentifierError`].
            pub fn new(text: &str) -> Result<Self, IdentifierError> {
                check_printable(text)?;
                if text.starts_with(RESERVED_PREFIX) {
                    return Err(IdentifierError::Reserved);
                }
                Ok(Self(text.into()))
            }

            /// The identifier itself. It may be personal data: keep it out of logs and metrics.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(formatter, concat!(stringify!($name), "({} bytes)"), self.0.len())
            }
        }
    };
}

identifier! {
    /// One customer of the service, as the detector names it; or, without a detector's word, a
    /// keyed hash of the API key (`~key:…`), or `~anonymous`.
    AccountId
}
identifier! {
    /// Accounts that the detector has linked.
    ClusterId
}
identifier! {
    /// The organization that a request belongs to, where one deployment serves several.
    TenantId
}

impl AccountId {
    const ANONYMOUS: &'static str = "~anonymous";

    /// The account of all callers that nobody has named and that carry no API key.
    #[must_use]
    pub fn anonymous() -> Self {
        Self(Self::ANONYMOUS.into())
    }

    /// The account that an exemption names, which may be one of this crate's own.
    #[cfg(feature = "experiments")]
    pub(crate) fn exempted(name: &str) -> Self {
        Self(name.into())
    }

    /// Whether this is [`AccountId::anonymous`].
    #[must_use]
    pub fn is_anonymous(&self) -> bool {
        &*self.0 == Self::ANONYMOUS
    }

    /// The account of everyone with one API key, from the key's keyed hash.
    pub(super) fn from_hash(hash: &blake3::Hash) -> Self {
        let hex = hash.to_hex();
        // 128 bits: no collisions among any number of customers.
        Self(format!("~key:{}", hex.get(..32).unwrap_or(&hex)).into())
    }
}

/// Who is calling.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Principal {
    /// The account.
    pub account: AccountId,
    /// The accounts it has been linked with, if any.
    pub cluster: Option<ClusterId>,
    /// The tenant it belongs to, if any.
    pub tenant: Option<TenantId>,
}

impl Principal {
    /// An account without cluster or tenant.
    #[must_use]
    pub fn of(account: AccountId) -> Self {
        Self { account, cluster: None, tenant: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identifier_is_bounded_and_printable() {
        let longest = "x".repeat(MAX_IDENTIFIER_BYTES);
        assert!(AccountId::new(&longest).is_ok());
        assert_eq!(AccountId::new(&(longest + "x")), Err(IdentifierError::TooLong));
        assert_eq!(ClusterId::new(""), Err(IdentifierError::Empty));
        assert_eq!(TenantId::new("a\nb"), Err(IdentifierError::NotPrintable));
        assert_eq!(TenantId::new("zoë"), Err(IdentifierError::NotPrintable));
    }

    #[test]
    fn nobody_outside_can_take_an_account_that_the_crate_names() {
        let hashed = AccountId::from_hash(&blake3::hash(b"key"));
        for account in [hashed, AccountId::anonymous()] {
            assert_eq!(AccountId::new(account.as_str()), Err(IdentifierError::Reserved));
        }
    }

    #[test]
    fn debug_shows_no_identifier() {
        let principal = Principal {
            account: AccountId::new("ada@example.com").unwrap(),
            cluster: Some(ClusterId::new("hydra-7").unwrap()),
            tenant: Some(TenantId::new("acme").unwrap()),
        };
        let shown = format!("{principal:?}");
        assert_eq!(
            shown,
            "Principal { account: AccountId(15 bytes), cluster: Some(ClusterId(7 bytes)), \
             tenant: Some(TenantId(4 bytes)) }"
        );
    }
}
