//! Randomness of the process, for secrets that nobody configured.

use std::hash::{BuildHasher, RandomState};

/// 32 random bytes of the operating system's. Where it has none to give, they are derived from the
/// 128 bits with which the standard library seeds its hashers: still different from process to
/// process, and enough to key a hash with.
pub(crate) fn secret() -> [u8; 32] {
    let mut secret = [0; 32];
    if getrandom::fill(&mut secret).is_ok() {
        return secret;
    }
    let mut seed = blake3::Hasher::new_derive_key("guilloche 2026 process randomness v1");
    for word in 0..4_u64 {
        seed.update(&RandomState::new().hash_one(word).to_le_bytes());
    }
    *seed.finalize().as_bytes()
}
