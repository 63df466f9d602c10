//! Signatures of thinking blocks, and sealed blocks, as Messages hands them out and takes them back.
//!
//! A signature is `base64(text hash ‖ mac)`; the mac covers the text hash and the conversation before
//! it. So a block is accepted back unchanged or with its text left out (`display: "omitted"`), and
//! refused when its text was altered or it stands in another conversation.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use subtle::ConstantTimeEq;

/// Signs and checks.
#[derive(Clone)]
pub(crate) struct Signer {
    key: [u8; 32],
    bind_prefix: bool,
}

/// Why a block that came back is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rejected {
    /// Not a signature of this server.
    Signature,
    /// The text is not what was signed.
    Modified,
    /// Signed after other messages.
    OtherConversation,
}

const HASH: usize = 16;

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Signer").field("bind_prefix", &self.bind_prefix).finish_non_exhaustive()
    }
}

impl Signer {
    pub(crate) fn new(secret: &[u8], bind_prefix: bool) -> Self {
        Self {
            key: blake3::derive_key("guilloche 2026-11 teacher thinking signatures", secret),
            bind_prefix,
        }
    }

    fn keyed(&self, purpose: &[u8], parts: &[&[u8]]) -> blake3::Hasher {
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        hasher.update(purpose);
        for part in parts {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
        hasher
    }

    fn short(&self, purpose: &[u8], parts: &[&[u8]]) -> [u8; HASH] {
        let mut bytes = [0; HASH];
        self.keyed(purpose, parts).finalize_xof().fill(&mut bytes);
        bytes
    }

    /// Signs a thinking text that follows `prefix`.
    pub(crate) fn sign(&self, prefix: &[u8], thinking: &str) -> String {
        let text = self.short(b"text", &[thinking.as_bytes()]);
        let place = self.short(b"place", &[prefix]);
        let mac = self.short(b"mac", &[&text, &place]);
        STANDARD.encode([text, place, mac].concat())
    }

    /// Checks a thinking block that came back.
    pub(crate) fn check(
        &self,
        prefix: &[u8],
        thinking: &str,
        signature: &str,
    ) -> Result<(), Rejected> {
        let bytes = STANDARD.decode(signature).map_err(|_| Rejected::Signature)?;
        let (text, rest) = bytes.split_at_checked(HASH).ok_or(Rejected::Signature)?;
        let (place, mac) = rest.split_at_checked(HASH).ok_or(Rejected::Signature)?;
        if !bool::from(self.short(b"mac", &[text, place]).ct_eq(mac)) {
            return Err(Rejected::Signature);
        }
        if !thinking.is_empty()
            && !bool::from(self.short(b"text", &[thinking.as_bytes()]).ct_eq(text))
        {
            return Err(Rejected::Modified);
        }
        if self.bind_prefix && !bool::from(self.short(b"place", &[prefix]).ct_eq(place)) {
            return Err(Rejected::OtherConversation);
        }
        Ok(())
    }

    /// An opaque stand-in for a thinking text, as long as the text, with a mac.
    pub(crate) fn seal(&self, thinking: &str) -> String {
        let mut blob = vec![0; thinking.len().next_multiple_of(64)];
        self.keyed(b"sealed", &[thinking.as_bytes()]).finalize_xof().fill(&mut blob);
        let mac = self.short(b"seal", &[&blob]);
        blob.extend_from_slice(&mac);
        STANDARD.encode(blob)
    }

    /// Whether a sealed block came from here, unaltered.
    pub(crate) fn is_sealed(&self, data: &str) -> bool {
        let Ok(bytes) = STANDARD.decode(data) else { return false };
        let Some((blob, mac)) = bytes.split_at_checked(bytes.len().saturating_sub(HASH)) else {
            return false;
        };
        bool::from(self.short(b"seal", &[blob]).ct_eq(mac))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_binds_the_text_and_the_conversation() {
        let signer = Signer::new(b"key", true);
        let signature = signer.sign(b"before", "I think");
        assert_eq!(signer.check(b"before", "I think", &signature), Ok(()));
        assert_eq!(signer.check(b"before", "", &signature), Ok(()));
        assert_eq!(signer.check(b"before", "I thought", &signature), Err(Rejected::Modified));
        assert_eq!(
            signer.check(b"elsewhere", "I think", &signature),
            Err(Rejected::OtherConversation)
        );
        assert_eq!(Signer::new(b"key", false).check(b"elsewhere", "I think", &signature), Ok(()));
        assert_eq!(
            Signer::new(b"other", true).check(b"before", "I think", &signature),
            Err(Rejected::Signature)
        );
        assert_eq!(signer.check(b"before", "I think", "!"), Err(Rejected::Signature));
    }

    #[test]
    fn a_sealed_block_is_recognised_only_unaltered() {
        let signer = Signer::new(b"key", true);
        let mut data = signer.seal("secret reasoning");
        assert!(signer.is_sealed(&data));
        data.replace_range(0..1, if data.starts_with('A') { "B" } else { "A" });
        assert!(!signer.is_sealed(&data));
        assert!(!signer.is_sealed(""));
    }
}
