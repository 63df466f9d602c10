//! Sealed reasoning: what was withheld, carried by the client and readable by nobody but this layer.
//!
//! A model that uses tools thinks on where it left off, so its reasoning has to come back with the
//! next turn. The vendors sign or encrypt it and have the client carry it; their seals were found to
//! be interchangeable across sessions, users and sibling models (arXiv 2608.09867). Here a blob holds
//! the reasoning that was withheld together with what the upstream signed or encrypted of it, in the
//! protocol's own carrier. It is bound to the kind of carrier, the tenant, the account, the model and
//! a point in time, and where a policy says so to the conversation, but to nothing that agents
//! rewrite: not to the system prompt, the tools, or the messages before it. So it survives
//! compaction, resuming, forks and changed tools. When it cannot be opened it is left out of the
//! request, and the conversation goes on without it.
//!
//! Nothing is kept in this process: any replica that has the same secret opens what another sealed.
//! After a change of the secret the one before opens what was sealed with it.

mod blob;
mod keys;
mod opener;
mod sealer;
mod string;

pub use blob::{Opened, PREFIX};
pub use keys::SealKeys;
pub use opener::Opener;
pub use sealer::Sealer;

use std::sync::Arc;

use crate::risk::Principal;
use crate::secret::{Secret, opaque_debug};

opaque_debug!(SealHolder, Conversation, Opening);

/// What tells one conversation from others: a hash of the first message that is not the model's. It
/// is the same in a fork and after any other message was rewritten, and is never sent.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Conversation([u8; 32]);

/// Hashes the first message of a conversation.
#[derive(Default)]
pub struct Opening {
    hasher: blake3::Hasher,
    begun: bool,
    whole: bool,
}

impl Opening {
    /// A text that is not the model's.
    pub fn other(&mut self, text: &str) {
        if self.whole {
            return;
        }
        self.begun = true;
        // The length keeps one text from being taken for two.
        self.hasher.update(&(text.len() as u64).to_le_bytes());
        self.hasher.update(text.as_bytes());
    }

    /// A message ends.
    pub fn end(&mut self) {
        self.whole |= self.begun;
    }

    /// The conversation that begins so.
    #[must_use]
    pub fn conversation(&self) -> Conversation {
        Conversation(*self.hasher.finalize().as_bytes())
    }
}

/// Whose blobs are sealed and opened, and with what.
#[derive(Clone)]
pub struct SealHolder {
    keys: Arc<SealKeys>,
    /// The key of each epoch for this principal, that of sealing first.
    principal: Arc<[Secret]>,
}

impl SealHolder {
    /// The blobs of a principal: of a tenant's account. The cluster does not count, since it may become
    /// known in the middle of a conversation.
    #[must_use]
    pub fn new(keys: &Arc<SealKeys>, principal: &Principal) -> Self {
        let tenant = principal.tenant.as_ref().map(|tenant| tenant.as_str());
        let account = principal.account.as_str();
        Self { keys: Arc::clone(keys), principal: keys.of_principal(tenant, account) }
    }
}

#[cfg(test)]
mod tests;
