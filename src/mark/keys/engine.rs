//! The keys of one principal for marks that the inference server makes as it samples.
//!
//! Such a mark has one key for a whole answer, so there are no roles to share it out among: an
//! account's own key, or its cluster's from the moment it is linked. An arm of an experiment has no
//! part in it; which of these were in which arm, the ledger tells.

use std::fmt;

use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::{Keys, Recipient};
use crate::mark::cell::{KeyName, MarkKey, Purpose, Role};

/// A 64-bit key of an inference server's own mark: the first eight bytes of the derived key, in
/// the order in which hexadecimal digits are written. Zeroized on drop; `Debug` shows nothing.
///
/// ```
/// use guilloche::mark::keys::{Keys, Recipient};
///
/// let keys = Keys::from_master(&[7; 32], jiff::Timestamp::UNIX_EPOCH);
/// let recipient = Recipient { tenant: "", account: "acct-17", cluster: None, arm: None };
/// let key = keys.engine_key(keys.current(), recipient);
/// assert_eq!(key.hex().len(), 16); // the `watermark.key` of a request to SGLang
/// ```
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct EngineKey(u64);

impl EngineKey {
    /// The key that a derived key with [`Purpose::Engine`] stands for.
    #[must_use]
    pub fn new(key: &MarkKey) -> Self {
        let [a, b, c, d, e, f, g, h, ..] = *key.as_bytes();
        Self(u64::from_be_bytes([a, b, c, d, e, f, g, h]))
    }

    /// As a number. Secret.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.0
    }

    /// Its upper 53 bits, which every reader of JSON keeps: `hash_key` of vllm-sbw. Secret.
    #[must_use]
    pub fn hash_key(&self) -> u64 {
        self.0 >> 11
    }

    /// Sixteen lower-case hexadecimal digits, as SGLang's `watermark.key` has them. Secret.
    #[must_use]
    pub fn hex(&self) -> Zeroizing<String> {
        Zeroizing::new(format!("{:016x}", self.0))
    }
}

impl fmt::Debug for EngineKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("EngineKey").finish_non_exhaustive()
    }
}

impl Keys {
    /// The key of the inference server's own mark for the answers to `recipient`.
    #[must_use]
    pub fn engine_key(&self, epoch: u32, recipient: Recipient<'_>) -> EngineKey {
        EngineKey::new(&self.principal_key(Purpose::Engine, epoch, recipient))
    }

    /// The key by which the variants of paired `logit_bias` entries are chosen for `recipient`.
    #[must_use]
    pub fn logit_bias_key(&self, epoch: u32, recipient: Recipient<'_>) -> MarkKey {
        self.principal_key(Purpose::LogitBias, epoch, recipient)
    }

    /// The account's key, or its cluster's once it is linked.
    fn principal_key(&self, purpose: Purpose, epoch: u32, recipient: Recipient<'_>) -> MarkKey {
        let Recipient { tenant, account, cluster, arm: _ } = recipient;
        let (role, id) =
            cluster.map_or((Role::Account, account), |cluster| (Role::Cluster, cluster));
        self.derive(&KeyName { purpose, tenant, epoch, role, id })
    }
}
