//! Cells, roles, and the bits that a key gives them: what embedding and detection share.
//!
//! Everything here is specified to the bit, so that a detector in another language, or a later
//! version of this one, reads what this one wrote.
//!
//! - **Word.** A maximal run of letters and digits (Unicode `Alphabetic` or `Numeric`) and of
//!   apostrophes (`'`, `’`) and hyphens (`-`) that stand between two of these. Words are compared
//!   by [`normalize`]d form.
//! - **Bucket** of a word, 0–15: the low four bits of the first byte of the BLAKE3 hash of its
//!   normalized form in UTF-8; the empty string at the start of a text. It is public. Punctuation
//!   and line breaks between two words do not matter.
//! - **Cell** number: `class * 16 + bucket`, where the bucket is that of the word that stands
//!   before the site *in the emitted text*.
//! - **Key.** `BLAKE3-derive_key(KEY_CONTEXT, material)`, where the material is the 32 bytes of the
//!   master, then `field(purpose)`, `field(tenant)`, the epoch as 32 bits little-endian, the role's
//!   byte, `field(id)`; `field(x)` is the length of `x` in bytes as 32 bits little-endian, then `x`.
//! - **Key stream** of a key: ChaCha20 with that key, a nonce of zero and a block counter that
//!   begins at zero, read as 32-bit little-endian words (`ChaCha20Rng::from_seed`, `next_u32`).
//! - **Bit** of cell `n` under a key: bit `n % 32`, from the low end, of word `n / 32` of the key
//!   stream.
//! - **Role** of cell `n`: `word n * 10 >> 32` of the key stream of the deployment's role key
//!   ([`Purpose::Role`], no tenant, epoch 0, [`Role::Global`], no id): 0–3 global, 4–6 cluster,
//!   7–9 account. Roles do not change with the epoch or the tenant.
//! - **Cells of an arm.** While an experiment runs, the cells for which that is 2 or 3, half of the
//!   global ones, carry the bits of the arm that the recipient is in ([`Role::Arm`]; the id is the
//!   experiment's name, its salt and the arm's, with a line feed between). Recipients in no arm have
//!   the global bits there.
//! - **Coin** of cell `n`: byte `n % 4`, from the low end, of word `n / 4` of the key stream of the
//!   key with [`Purpose::Coin`] and otherwise the name of the cell's own key. At strength ρ a
//!   cell carries its bit if the coin is less than ρ · 256. The cells of a weaker mark are thus a
//!   subset of those of a stronger one, and the same principal at the same strength is always
//!   marked in the same cells.
//!
//! A principal without a cluster carries bits of its own account key in the cells whose role is
//! cluster; from the moment it is linked these cells carry the cluster's. A test of an account
//! therefore reads its account cells, and its cluster cells for the time before it was linked.

use std::fmt;
use std::sync::LazyLock;

use blake3::hazmat::{ContextKey, HasherExt, hash_derive_key_context};

use crate::secret::opaque_debug;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// Buckets of the previous word, per class.
pub const BUCKETS: u32 = 16;

/// The context of BLAKE3's key derivation. Another value is another mark.
pub const KEY_CONTEXT: &str = "guilloche 2026-11-23 mark keys v1";

/// Number of a lexeme class: its column in the lexicon file; never given to another class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ClassId(pub u16);

/// Whom a cell's bit tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Role {
    /// The deployment: the same bit for every principal of a tenant. 40 % of the cells.
    Global = 0,
    /// A cluster of linked accounts. 30 % of the cells.
    Cluster = 1,
    /// One account. 30 % of the cells.
    Account = 2,
    /// An arm of an experiment: half of the cells that are otherwise global, for those in it.
    Arm = 3,
}

/// A lexeme class with the bucket of the word before it: the unit that carries one bit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Cell(u32);

impl Cell {
    /// The cell of `class` behind the word whose normalized form is `previous` (empty at the start
    /// of a text).
    #[must_use]
    pub fn new(class: ClassId, previous: &str) -> Self {
        Self::from_bucket(class, bucket(previous))
    }

    /// The cell of `class` and a bucket, of which the low four bits count.
    #[must_use]
    pub fn from_bucket(class: ClassId, bucket: u8) -> Self {
        Self(u32::from(class.0) * BUCKETS + u32::from(bucket) % BUCKETS)
    }

    /// The cell with this number, for marks whose cells are numbered otherwise.
    #[must_use]
    pub fn from_number(number: u32) -> Self {
        Self(number)
    }

    /// Its number, below `classes * 16`.
    #[must_use]
    pub fn index(self) -> u32 {
        self.0
    }

    /// The class.
    #[must_use]
    pub fn class(self) -> ClassId {
        ClassId(u16::try_from(self.0 / BUCKETS).unwrap_or(u16::MAX))
    }

    /// The bucket, 0–15.
    #[must_use]
    pub fn bucket(self) -> u8 {
        u8::try_from(self.0 % BUCKETS).unwrap_or(0)
    }
}

/// The bucket, 0–15, of a word in [`normalize`]d form.
#[must_use]
pub fn bucket(normalized: &str) -> u8 {
    let [first, ..] = *blake3::hash(normalized.as_bytes()).as_bytes();
    first & 15
}

/// Appends the form in which words are compared: each character's lower case (Unicode, without
/// locale), and `'` for `’`.
pub fn normalize(word: &str, out: &mut String) {
    if word.is_ascii() {
        let start = out.len();
        out.push_str(word);
        if let Some(appended) = out.get_mut(start..) {
            appended.make_ascii_lowercase();
        }
        return;
    }
    for character in word.chars() {
        match character {
            '’' => out.push('\''),
            _ => out.extend(character.to_lowercase()),
        }
    }
}

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

/// Which role each cell of a deployment has.
#[derive(Clone)]
pub struct Roles {
    roles: Vec<Role>,
    arms: Vec<bool>,
}

impl Roles {
    /// The roles of `cells` cells in the deployment of this master.
    #[must_use]
    pub fn new(master: &[u8; 32], cells: u32) -> Self {
        let name =
            KeyName { purpose: Purpose::Role, tenant: "", epoch: 0, role: Role::Global, id: "" };
        let mut stream = MarkKey::derive(master, &name).stream();
        let drawn = (0..cells).map(|_| role_from_word(stream.next_word()));
        let (roles, arms) = drawn.unzip();
        Self { roles, arms }
    }

    /// The role of a cell, [`Role::Arm`] being told by [`carries_arms`](Self::carries_arms) alone;
    /// [`Role::Global`] beyond the cells there are.
    #[must_use]
    pub fn of(&self, cell: Cell) -> Role {
        let role = usize::try_from(cell.index()).ok().and_then(|index| self.roles.get(index));
        role.copied().unwrap_or(Role::Global)
    }

    /// Whether a cell, by its number, carries the bit of an arm for those who are in one.
    #[must_use]
    pub fn carries_arms(&self, cell: usize) -> bool {
        self.arms.get(cell).copied().unwrap_or_default()
    }

    /// The roles by cell number.
    #[must_use]
    pub fn as_slice(&self) -> &[Role] {
        &self.roles
    }
}

impl fmt::Debug for Roles {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Roles").finish_non_exhaustive()
    }
}

/// The role, and whether arms have the cell.
fn role_from_word(word: u32) -> (Role, bool) {
    match (u64::from(word) * 10) >> 32 {
        0..=1 => (Role::Global, false),
        2..=3 => (Role::Global, true),
        4..=6 => (Role::Cluster, false),
        _ => (Role::Account, false),
    }
}
