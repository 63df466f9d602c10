//! Keys, by the name of what they are for, and what their streams say of cells.

use std::fmt;
use std::sync::LazyLock;

use blake3::hazmat::{ContextKey, HasherExt, hash_derive_key_context};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use zeroize::{Zeroize, ZeroizeOnDrop};

use super::{Cell, Role};
use crate::secret::opaque_debug;

/// The context of BLAKE3's key derivation. Another value is another mark.
pub const KEY_CONTEXT: &str = "guilloche 2026-11-23 mark keys v1";

/// What a key is for, so that no two uses share one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Purpose {
    /// Bits of the lexical mark: `lexical`.
    Lexical,
    /// Which cells carry a bit at less than full strength: `coin`.
    Coin,
    /// The split of the cells into roles: `role`.
    Role,
    /// Which bucket a word falls into, where buckets are keyed: `bucket`.
    Bucket,
    /// Which passages canary cells are told apart in, and their choices there: `canary`.
    Canary,
    /// A per-request key of the inference server's own mark: `engine`.
    Engine,
    /// Signs of paired `logit_bias` entries: `logit-bias`.
    LogitBias,
    /// The fingerprint by which people tell key files apart: `fingerprint`.
    Fingerprint,
    /// Keys of identifiers that were never issued, for the null distribution: `decoy`.
    Decoy,
}

impl Purpose {
    /// The name that goes into the derivation.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Lexical => "lexical",
            Self::Coin => "coin",
            Self::Role => "role",
            Self::Bucket => "bucket",
            Self::Canary => "canary",
            Self::Engine => "engine",
            Self::LogitBias => "logit-bias",
            Self::Fingerprint => "fingerprint",
            Self::Decoy => "decoy",
        }
    }
}

/// All that tells one derived key from another under the same master.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyName<'a> {
    /// What it is for.
    pub purpose: Purpose,
    /// The tenant; empty in a deployment of one.
    pub tenant: &'a str,
    /// The epoch: rises with every rotation.
    pub epoch: u32,
    /// Whom it marks.
    pub role: Role,
    /// The account or cluster; empty for [`Role::Global`].
    pub id: &'a str,
}

opaque_debug!(KeyName<'_>);

/// A 256-bit key that bits are drawn from. Zeroized on drop; `Debug` shows nothing of it.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct MarkKey([u8; 32]);

impl MarkKey {
    /// Derives the key of this name from the deployment's master.
    #[must_use]
    pub fn derive(master: &[u8; 32], name: &KeyName<'_>) -> Self {
        let KeyName { purpose, tenant, epoch, role, id } = *name;
        // What the context makes of it is the same for all keys.
        static CONTEXT: LazyLock<ContextKey> =
            LazyLock::new(|| hash_derive_key_context(KEY_CONTEXT));
        let mut hasher = blake3::Hasher::new_from_context_key(&CONTEXT);
        hasher.update(master);
        field(&mut hasher, purpose.as_str());
        field(&mut hasher, tenant);
        hasher.update(&epoch.to_le_bytes());
        hasher.update(&[role as u8]);
        field(&mut hasher, id);
        Self(*hasher.finalize().as_bytes())
    }

    /// A key of raw bytes, as known-answer tests give them.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The raw bytes, for schemes with a key format of their own. Secret.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The key's stream of 32-bit words, from the first.
    #[must_use]
    pub fn stream(&self) -> KeyStream {
        KeyStream { words: ChaCha20Rng::from_seed(self.0), next: 0, last: 0 }
    }

    /// The bit of one cell. For many cells of one key, [`Bits`] is faster.
    #[must_use]
    pub fn bit(&self, cell: Cell) -> bool {
        self.stream().word(cell.index() / 32) >> (cell.index() % 32) & 1 == 1
    }

    /// The coin of one cell, 0–255; of a key with [`Purpose::Coin`].
    #[must_use]
    pub fn coin(&self, cell: Cell) -> u8 {
        let [coin, ..] =
            (self.stream().word(cell.index() / 4) >> (cell.index() % 4 * 8)).to_le_bytes();
        coin
    }
}

impl fmt::Debug for MarkKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("MarkKey").finish_non_exhaustive()
    }
}

fn field(hasher: &mut blake3::Hasher, text: &str) {
    // Identifiers have at most 128 bytes; a longer text than 4 GiB does not exist here.
    hasher.update(&u32::try_from(text.len()).unwrap_or(u32::MAX).to_le_bytes());
    hasher.update(text.as_bytes());
}

/// The ChaCha20 key stream of one key, as 32-bit words.
pub struct KeyStream {
    words: ChaCha20Rng,
    /// The number of the word that comes next.
    next: u64,
    /// The word before it.
    last: u32,
}

/// Words that are made at once: as far ahead it is faster to go on than to begin anew.
const AT_ONCE: u64 = 64;

impl KeyStream {
    /// The word with this number. In rising order words cost least.
    pub fn word(&mut self, number: u32) -> u32 {
        let number = u64::from(number);
        match number.checked_sub(self.next) {
            Some(between) if between < AT_ONCE => {
                for _ in 0..between {
                    self.words.next_u32();
                }
            }
            None if number + 1 == self.next => return self.last,
            _ => self.words.set_word_pos(number.into()),
        }
        self.next = number;
        self.next_word()
    }

    /// The next word.
    pub fn next_word(&mut self) -> u32 {
        self.next += 1;
        self.last = self.words.next_u32();
        self.last
    }

    /// The words from this number on, as many as there is room for.
    pub fn fill_from(&mut self, number: u32, words: &mut [u32]) {
        self.next = number.into();
        self.words.set_word_pos(number.into());
        self.fill(words);
    }

    /// The next words, as many as there is room for.
    pub fn fill(&mut self, words: &mut [u32]) {
        words.fill_with(|| self.next_word());
    }
}

impl fmt::Debug for KeyStream {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("KeyStream").finish_non_exhaustive()
    }
}

/// The bits of all cells of a lexicon under one key: the key's codeword.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Bits(Vec<u32>);

impl Bits {
    /// The bits of `cells` cells.
    #[must_use]
    pub fn new(key: &MarkKey, cells: u32) -> Self {
        let mut words = vec![0; usize::try_from(cells.div_ceil(32)).unwrap_or(0)];
        key.stream().fill(&mut words);
        Self(words)
    }

    /// The bit of a cell; false beyond the cells there are.
    #[must_use]
    pub fn get(&self, cell: Cell) -> bool {
        let word = usize::try_from(cell.index() / 32).ok().and_then(|word| self.0.get(word));
        word.is_some_and(|word| word >> (cell.index() % 32) & 1 == 1)
    }

    /// The words of the key stream: cell `n` is bit `n % 32` of word `n / 32`.
    #[must_use]
    pub fn words(&self) -> &[u32] {
        &self.0
    }
}

impl fmt::Debug for Bits {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Bits").finish_non_exhaustive()
    }
}
