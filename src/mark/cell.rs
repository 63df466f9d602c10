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

mod key;

use std::fmt;

pub use key::{Bits, KEY_CONTEXT, KeyName, KeyStream, MarkKey, Purpose};

/// Buckets of the previous word, per class.
pub const BUCKETS: u32 = 16;

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
