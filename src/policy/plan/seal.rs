//! How reasoning that is withheld is handed out sealed, and what becomes of it when it comes back.

use std::num::NonZeroU32;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Sealed reasoning: how long it can be sent back, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Seal {
    /// How long it can be sent back.
    pub lifetime: Duration,
    /// Where it opens.
    pub bind: Bind,
    /// What becomes of a request with a blob that does not open.
    pub unopened: Unopened,
    /// A blob is filled up to a multiple of so many bytes, so that its size tells no more.
    pub bucket: NonZeroU32,
    /// Over protocols whose clients send strings of reasoning back (Chat Completions), the blob takes the
    /// string's place. Clients that show the reasoning show the blob.
    pub in_strings: bool,
}

/// The least bytes that blobs are filled up to a multiple of, and the most.
pub(crate) const BUCKETS: (u32, u32) = (256, 1 << 20);

/// The longest that sealed reasoning can be sent back: a year.
pub(crate) const LONGEST_LIFETIME: Duration = Duration::from_secs(366 * 24 * 3600);

/// The bytes of a token, as texts have them on average: by it a bucket of tokens is as coarse as one
/// of bytes.
const BYTES_PER_TOKEN: u32 = 4;

impl Default for Seal {
    /// For a week, for its principal wherever it is sent back, in steps of 4 KiB.
    fn default() -> Self {
        Self {
            lifetime: Duration::from_secs(7 * 24 * 3600),
            bind: Bind::default(),
            unopened: Unopened::default(),
            bucket: NonZeroU32::MIN.saturating_add(4095),
            in_strings: false,
        }
    }
}

impl Seal {
    /// Whether it opens in the conversation only in which it was sealed.
    #[must_use]
    pub fn by_conversation(&self) -> bool {
        self.bind == Bind::Conversation
    }

    /// The step to which token counts are rounded so that they tell no more than the size of a blob.
    #[must_use]
    pub fn tokens(&self) -> NonZeroU32 {
        NonZeroU32::new(self.bucket.get() / BYTES_PER_TOKEN).unwrap_or(NonZeroU32::MIN)
    }
}

/// Where sealed reasoning opens, for the principal and the model that it was sealed for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Bind {
    /// In every conversation.
    #[default]
    Principal,
    /// In conversations that begin with the same message of the client's: after compaction it no
    /// longer opens.
    Conversation,
}

/// What becomes of a request with a blob that does not open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Unopened {
    /// The block is left out, and the conversation goes on: agents compact, fork and change models.
    #[default]
    Drop,
    /// It is refused with status 400, as the vendors do.
    Refuse,
}
