//! The law of a writer, kept: a keyed choice that follows the rates at which the author would have
//! chosen, so that no count of words tells marked text from unmarked without the key.
//!
//! Where a fair coin would write every rare form as often as its usual one, here a site gets its
//! second variant with the probability that the author's own habits give it: how often the author
//! chooses it in this class, after this word, and what the answer has done so far. Only *which* of
//! the answers get it is the key's.
//!
//! Everything here is specified to the bit; [`cell`](super::cell) has words, keys and key streams.
//!
//! - **Bucket** of a word, 0–63: the low six bits of the first byte of the BLAKE3 hash, keyed with
//!   the epoch's [`BucketKey`], of its normalized form. Who has that key can count a text and learns no bit
//!   of the mark; who has not cannot count cells, and so cannot learn them from answers.
//! - **Cell** number: `class * 64 + bucket`.
//! - **Uniform** of cell `n`: word `n` of the key stream of the cell's role.
//! - **Role** of a cell and **cells of an arm**: as [`cell`](super::cell) has them, by this number.
//! - **Coin** of cell `n`: byte `n % 4`, from the low end, of word `2²⁴ + n / 4` of the same key stream. At
//!   strength ρ a cell carries the mark if the coin is less than ρ · 256; else the author's word stays.
//! - **Log-odds** of the second variant at a site, in hundredths, rounded half away from zero:
//!
//!   ```text
//!   100 · (c0 + c1·l(k) + c2·(l(k, w) − l(k)) + c3·R(k) / (N(k) + 2) + c4·R(kind) / (N(kind) + 5))
//!   ```
//!
//!   where `l(k)` are the log-odds of class `k` and `l(k, w)` those behind the word `w`, or `l(k)` where the
//!   [`Rates`] have none; `N` counts the sites so far in this text of the class, or of its kind, and `R`
//!   sums what stood there (1 for the second variant) less the class's rate `σ(l(k))`.
//! - **Choice.** The second variant where the uniform is below [`threshold`], which is `σ(0.8 x) · 2³²` for
//!   log-odds `x`. The exponent below one makes the usual form a little less usual, and the evidence denser.
//! - **No choice** is made, and the author's word stays, where the log-odds are beyond ±[`NEARLY_FORCED`],
//!   where the cell has occurred before in this text, and in classes of which no rate is known. Pronouns
//!   follow the first of their class; spellings do so in every scheme.
//!
//! The [`Rates`] are those of many authors, or the deployment's own, which it learns from what stood at its
//! sites before they were marked: [`AuthorCounts`]. A key file has those of each epoch.
//!
//! Sites at which no choice is made are habits all the same: `N` and `R` count them.
//!
//! # Canary cells
//!
//! Whoever learns from marked answers, or collects them to forge, learns what cells prefer. What he does not
//! learn is in which passages a cell prefers something else. Epochs of the scheme
//! [`Canaries`](super::keys::Scheme::Canaries) are as above, but for this:
//!
//! - **Opening** of a passage: the first eight words of the paragraph *in the emitted text*, normalized, with
//!   single spaces between them. A paragraph begins with the text and behind each blank line; every word counts, whatever it
//!   stands in.
//! - **Group** of a passage, 0–63: the low six bits of the first byte of the BLAKE3 hash of the opening, keyed
//!   with the [`PassageKey`]: `BLAKE3-derive_key("guilloche 2026-12-01 passage key v1", bucket key)`. Sites
//!   within the opening, or of shorter paragraphs, have none.
//! - **Canary key**: that with [`Purpose::Canary`], the tenant, the epoch, [`Role::Global`] and no id.
//! - **Active groups**: the 13 with the least of words 0–63 of its key stream, the lower number first.
//! - **Canary cells**: those of the global role that no arm of an experiment ever has: half of them.
//! - **Choice** of canary cell `n` in a passage of an active group: as above, with word `2²⁴ + n` of the canary
//!   key's stream for a uniform. Whether the cell carries anything at a strength below one its usual coin says.
//!
//! A single choice has the law that it would have had, in whatever passage. Text that was copied follows the canary
//! in active passages and nowhere else; text that was learned or forged follows whatever it follows
//! in all passages alike.

mod answer;
mod canary;
mod counting;
mod learned;
mod marking;
mod rates;

use std::fmt;

use zeroize::{Zeroize, ZeroizeOnDrop};

pub use answer::{Answer, Place};
#[cfg(feature = "forensics")]
pub(crate) use canary::canary_uniforms;
pub use canary::{ACTIVE_GROUPS, Canaries, PASSAGE_GROUPS, PassageKey, canary_uniform, is_canary};
pub(crate) use counting::law_rules;
pub use counting::{BucketFileError, CountedPlace, CountingKey};
pub(crate) use learned::Learned;
pub use learned::{AuthorCounts, LEAST_SITES};
pub(crate) use marking::Law;
pub use marking::{LawMarking, MarkedAnswer};
pub use rates::{Rates, RatesError};

use super::cell::{Cell, ClassId, KeyName, KeyStream, MarkKey, Purpose, Role};

/// Buckets of the word before, per class.
pub const BUCKETS: u32 = 64;

/// Beyond these log-odds, in hundredths, a choice is nearly forced: 0.98 to 0.02.
pub const NEARLY_FORCED: i16 = 389;

/// What log-odds are multiplied by before a choice is drawn.
const SHARPNESS: f64 = 0.8;

/// A uniform below this gets the second variant, for log-odds in hundredths.
#[must_use]
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "of a share of 2^32")]
pub fn threshold(log_odds: i16) -> u32 {
    (sigmoid(SHARPNESS * f64::from(log_odds) / 100.0) * 4_294_967_296.0) as u32
}

/// Where the coins begin in a key stream, behind the uniforms of any lexicon.
const COINS: u32 = 1 << 24;

/// The uniform of a cell, from the key stream of its role's key.
#[must_use]
pub fn uniform(stream: &mut KeyStream, cell: Cell) -> u32 {
    stream.word(cell.index())
}

/// The coin of a cell, 0–255, from the same stream.
#[must_use]
pub fn coin(stream: &mut KeyStream, cell: Cell) -> u8 {
    let word = stream.word(COINS + cell.index() / 4);
    let [coin, ..] = (word >> (cell.index() % 4 * 8)).to_le_bytes();
    coin
}

pub(crate) fn sigmoid(log_odds: f64) -> f64 {
    1.0 / (1.0 + (-log_odds).exp())
}

/// By what the words before a site are put into buckets, in one epoch. It gives no bit of the mark.
/// Zeroized on drop; `Debug` shows nothing of it.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct BucketKey([u8; 32]);

impl BucketKey {
    /// The key of an epoch, under the deployment's master. It is the same for all tenants, so that a
    /// text is counted once.
    #[must_use]
    pub fn derive(master: &[u8; 32], epoch: u32) -> Self {
        let name =
            KeyName { purpose: Purpose::Bucket, tenant: "", epoch, role: Role::Global, id: "" };
        Self(*MarkKey::derive(master, &name).as_bytes())
    }

    /// A key of raw bytes, as a file has it.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The raw bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The cell of a class behind a normalized word.
    #[must_use]
    pub fn cell(&self, class: ClassId, previous: &str) -> Cell {
        let [first, ..] = *blake3::keyed_hash(&self.0, previous.as_bytes()).as_bytes();
        Cell::from_number(u32::from(class.0) * BUCKETS + u32::from(first) % BUCKETS)
    }

    /// Sixteen hexadecimal digits by which counts are told apart. They tell nothing of the key.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let digest = blake3::derive_key("guilloche 2026-11-30 bucket key fingerprint v1", &self.0);
        blake3::Hash::from_bytes(digest).to_hex().chars().take(16).collect()
    }
}

impl fmt::Debug for BucketKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("BucketKey").finish_non_exhaustive()
    }
}
