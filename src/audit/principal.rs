//! Callers in the audit: keyed hashes, so that the file alone names no one.

use std::fmt;
use std::str::FromStr;

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::secret::{Secret, opaque_debug};

/// The key under which account, cluster and tenant names are hashed in audit records.
///
/// Whoever holds it can tell whether a known account is in the file; whoever does not can only
/// tell that two records are of the same account. It never appears in `Debug`.
#[derive(Clone)]
pub struct AuditKey(Secret);

opaque_debug!(AuditKey);

/// Why a key could not be read from text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an audit key is 64 hexadecimal digits")]
pub struct AuditKeyError;

/// A keyed BLAKE3 hash of one name: 128 bits, as 32 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyedHash([u8; 16]);

/// A principal as audit records show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrincipalHashes {
    /// The account.
    pub account: KeyedHash,
    /// The cluster of accounts that the detector has put it in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster: Option<KeyedHash>,
    /// The tenant whose upstream it calls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<KeyedHash>,
}

impl AuditKey {
    /// A key of 256 random bits.
    #[must_use]
    pub fn new(key: impl Into<Secret>) -> Self {
        Self(key.into())
    }

    /// The key of a deployment, by its secret.
    #[must_use]
    pub fn of_deployment(secret: &Secret) -> Self {
        Self(secret.derive("guilloche 2026 audit principals v1"))
    }

    /// Reads a key from 64 hexadecimal digits; white space around them is ignored.
    ///
    /// # Errors
    /// When the text is anything else.
    pub fn from_hex(text: &str) -> Result<Self, AuditKeyError> {
        // The decoder of BLAKE3's own hash type is strict: 64 digits, nothing else.
        let hash = blake3::Hash::from_hex(text.trim()).map_err(|_| AuditKeyError)?;
        Ok(Self(Secret::new(*hash.as_bytes())))
    }

    /// Hashes the names of a principal. The kinds are kept apart, so that an account and a cluster
    /// of the same name do not hash alike; so are tenants, who name their accounts as they like.
    #[must_use]
    pub fn principal(
        &self,
        account: &str,
        cluster: Option<&str>,
        tenant: Option<&str>,
    ) -> PrincipalHashes {
        let tenant = tenant.map(|name| self.tenant(name));
        PrincipalHashes {
            account: self.account(account, tenant),
            cluster: cluster.map(|name| self.cluster(name, tenant)),
            tenant,
        }
    }

    /// The hash of a tenant's name.
    pub(crate) fn tenant(&self, name: &str) -> KeyedHash {
        self.hash("tenant", None, name)
    }

    /// The hash of an account's name, as one of its tenant.
    pub(crate) fn account(&self, name: &str, tenant: Option<KeyedHash>) -> KeyedHash {
        self.hash("account", tenant, name)
    }

    /// The hash of a cluster's name, as one of its tenant.
    pub(crate) fn cluster(&self, name: &str, tenant: Option<KeyedHash>) -> KeyedHash {
        self.hash("cluster", tenant, name)
    }

    /// The 128-bit prefix of `BLAKE3(key, kind ‖ 0x00 ‖ name)`, or, of a tenant's,
    /// `BLAKE3(key, kind ‖ 0x01 ‖ tenant ‖ name)`; a kind holds no such byte.
    fn hash(&self, kind: &'static str, tenant: Option<KeyedHash>, name: &str) -> KeyedHash {
        let (tenanted, tenant) = match &tenant {
            None => (0, &[][..]),
            Some(KeyedHash(tenant)) => (1, &tenant[..]),
        };
        let parts = [kind.as_bytes(), &[tenanted], tenant, name.as_bytes()];
        // In one piece where it is short, as names are: that takes half the time.
        let mut short = [0; 256];
        let mut length = 0;
        for part in parts {
            let Some(place) = short.get_mut(length..).and_then(|rest| rest.get_mut(..part.len()))
            else {
                return self.hash_long(parts);
            };
            place.copy_from_slice(part);
            length += part.len();
        }
        let whole = short.get(..length).unwrap_or_default();
        KeyedHash::of(&blake3::keyed_hash(self.0.expose(), whole))
    }

    fn hash_long(&self, parts: [&[u8]; 4]) -> KeyedHash {
        let mut hasher = blake3::Hasher::new_keyed(self.0.expose());
        for part in parts {
            hasher.update(part);
        }
        KeyedHash::of(&hasher.finalize())
    }
}

impl KeyedHash {
    fn of(hash: &blake3::Hash) -> Self {
        Self(hash.as_bytes().first_chunk().copied().unwrap_or_default())
    }

    /// A number that is uniform over all hashes.
    #[cfg(feature = "decompress")]
    pub(crate) fn number(self) -> u64 {
        self.0.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes))
    }
}

impl fmt::Display for KeyedHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

impl fmt::Debug for KeyedHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl From<KeyedHash> for String {
    fn from(hash: KeyedHash) -> Self {
        hash.to_string()
    }
}

impl TryFrom<String> for KeyedHash {
    type Error = KeyedHashError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl FromStr for KeyedHash {
    type Err = KeyedHashError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits: &[u8; 32] = text.as_bytes().try_into().map_err(|_| KeyedHashError)?;
        let mut value = 0_u128;
        for digit in digits {
            let digit = char::from(*digit).to_digit(16).ok_or(KeyedHashError)?;
            value = value << 4 | u128::from(digit);
        }
        Ok(Self(value.to_be_bytes()))
    }
}

impl Serialize for KeyedHash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// From a text, without a copy of it: an audit is full of hashes.
impl<'de> Deserialize<'de> for KeyedHash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Digits;

        impl Visitor<'_> for Digits {
            type Value = KeyedHash;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&KeyedHashError, formatter)
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<KeyedHash, E> {
                text.parse().map_err(E::custom)
            }
        }

        deserializer.deserialize_str(Digits)
    }
}

/// A text was no keyed hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a keyed hash is 32 hexadecimal digits")]
pub struct KeyedHashError;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_hashes_as_blake3_itself_does() {
        let key = [3; 32];
        let oracle = blake3::keyed_hash(&key, b"account\0alice").to_hex();
        let hashes = AuditKey::new(key).principal("alice", None, None);
        assert!(oracle.starts_with(&hashes.account.to_string()));
    }

    #[test]
    fn the_same_name_in_another_role_or_under_another_key_hashes_otherwise() {
        let key = AuditKey::new([1; 32]);
        let all = key.principal("x", Some("x"), Some("x"));
        assert_ne!(Some(all.account), all.cluster);
        assert_ne!(all.cluster, all.tenant);
        assert_ne!(all.account, AuditKey::new([2; 32]).principal("x", None, None).account);
        assert_ne!(all.account, key.principal("x", None, Some("y")).account, "of another tenant");
        assert_ne!(all.account, key.principal("x", None, None).account);
    }

    #[test]
    fn a_key_is_read_from_hexadecimal_and_never_shown() {
        let text = "0f".repeat(32);
        let key = AuditKey::from_hex(&format!("{text}\n")).unwrap();
        assert_eq!(format!("{key:?}"), "AuditKey(..)");
        assert_eq!(key.0.expose(), &[0x0f; 32]);
        for wrong in ["", "0f", &"zz".repeat(32), &"0f".repeat(33)] {
            assert_eq!(AuditKey::from_hex(wrong).unwrap_err(), AuditKeyError);
        }
    }

    #[test]
    fn a_hash_survives_its_own_text() {
        let hash = AuditKey::new([9; 32]).principal("a", None, None).account;
        assert_eq!(KeyedHash::try_from(hash.to_string()).unwrap(), hash);
        KeyedHash::try_from(String::from("+f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f")).unwrap_err();
    }
}
