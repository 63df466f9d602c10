//! The keys that reasoning is sealed with.
//!
//! From each secret of the deployment a key is derived for this purpose, and from that one for each
//! tenant and account, so that no blob of one principal is sealed with the key of another. The
//! newest secret seals; those before it open until the last blob has expired.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::secret::{NoRandomness, Secret};

/// By what a key is told from others, in a blob's head.
pub(super) type KeyId = [u8; 4];

/// The bytes of a nonce.
pub(super) const NONCE: usize = 24;

/// The keys of a deployment's secrets. `Debug` shows no key.
#[derive(Debug)]
pub struct SealKeys {
    /// That of sealing first; never empty.
    epochs: Vec<EpochKey>,
    /// From which nonces are drawn, with how many have been.
    nonces: Secret,
    drawn: AtomicU64,
    /// Something was, or may have been, sealed.
    used: AtomicBool,
}

#[derive(Debug)]
struct EpochKey {
    id: KeyId,
    key: Secret,
}

impl EpochKey {
    fn of(secret: &Secret) -> Self {
        let key = secret.derive("guilloche 2026 sealed reasoning v1");
        let id = key.derive("guilloche 2026 sealed reasoning key id v1");
        let [a, b, c, d, ..] = *id.expose();
        Self { id: [a, b, c, d], key }
    }
}

impl SealKeys {
    /// Seals with `secret`, and opens what was sealed with it or one of those before it.
    ///
    /// # Errors
    /// When the operating system gives no randomness for the nonces.
    pub fn new(secret: &Secret, previous: &[Secret]) -> Result<Self, NoRandomness> {
        Ok(Self::with_nonces(secret, previous, Secret::random()?))
    }

    /// The same, with nonces drawn from a given key, which no two processes may have in common.
    #[must_use]
    pub fn with_nonces(secret: &Secret, previous: &[Secret], nonces: Secret) -> Self {
        let epochs = std::iter::once(secret).chain(previous).map(EpochKey::of).collect();
        Self { epochs, nonces, drawn: AtomicU64::new(0), used: AtomicBool::new(false) }
    }

    /// Whether anything was ever sealed with them in this process.
    #[must_use]
    pub fn is_used(&self) -> bool {
        self.used.load(Ordering::Acquire)
    }

    pub(super) fn use_it(&self) {
        self.used.store(true, Ordering::Release);
    }

    /// The keys of one principal, in their order.
    pub(super) fn of_principal(&self, tenant: Option<&str>, account: &str) -> Arc<[Secret]> {
        let key = |epoch: &EpochKey| {
            let mut hasher = blake3::Hasher::new_keyed(epoch.key.expose());
            // The length keeps ("ab", "c") and ("a", "bc") apart, and none from an empty one.
            let length = tenant.map_or(u64::MAX, |tenant| tenant.len() as u64);
            hasher.update(&length.to_le_bytes());
            hasher.update(tenant.unwrap_or_default().as_bytes());
            hasher.update(account.as_bytes());
            Secret::new(*hasher.finalize().as_bytes())
        };
        self.epochs.iter().map(key).collect()
    }

    /// The key that seals.
    pub(super) fn newest(&self) -> KeyId {
        self.epochs.first().map_or_else(KeyId::default, |epoch| epoch.id)
    }

    /// Where a key stands. One that is not known is looked for in vain with the newest, so that it takes
    /// as long as any other that does not open.
    pub(super) fn place(&self, id: KeyId) -> usize {
        self.epochs.iter().position(|epoch| epoch.id == id).unwrap_or_default()
    }

    /// A nonce that is never drawn again.
    pub(super) fn nonce(&self) -> [u8; NONCE] {
        let number = self.drawn.fetch_add(1, Ordering::Relaxed);
        let mut nonce = [0; NONCE];
        let mut hasher = blake3::Hasher::new_keyed(self.nonces.expose());
        hasher.update(&number.to_le_bytes()).finalize_xof().fill(&mut nonce);
        nonce
    }
}
