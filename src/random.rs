//! Randomness of the process, for secrets that nobody configured.

use std::hash::{BuildHasher, RandomState};

/// 32 bytes that differ from call to call and from process to process. They hold the 128 bits with
/// which the standard library seeds its hashers from the operating system: enough to key a hash
/// with, not a substitute for a configured key.
pub(crate) fn secret() -> [u8; 32] {
    let mut seed = blake3::Hasher::new_derive_key("guilloche 2026 process randomness v1");
    for word in 0..4_u64 {
        seed.update(&RandomState::new().hash_one(word).to_le_bytes());
    }
    *seed.finalize().as_bytes()
}
