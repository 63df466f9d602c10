//! What marked answers read like before, so that they can be written back.
//!
//! An upstream may bind its signed reasoning to all text before it, and refuse a conversation whose
//! earlier answers read otherwise than it wrote them. So what undoes a mark is remembered for as
//! long as the client may send the answer again. Of the text itself nothing is kept but a keyed
//! hash: of the principal and the marked text, white space at its ends aside. Any other change
//! makes it another text, which stays as it is.
//!
//! Two originals can have the same marked text: "for example" and "for instance" may both have
//! become the same. So each is kept with its *place*, a hash of the message that it answered, and
//! texts in which nothing was exchanged are kept as well. An upstream that compares what it wrote
//! compares that message too, so a client cannot have changed it. From a place that is not known,
//! a long text is taken for the newest original, since nobody says two that differ in nothing but
//! our words; a short one stays as it is.
//!
//! The tables are bounded in bytes, whoever their principals are: each principal is in one of them, in
//! which what was not asked for the longest goes first. They are this process's own: after a restart, or on another replica, texts go
//! to the upstream as the client sent them.

mod conversation;
mod identity;
mod memory;
mod recording;
mod table;
mod trimmed;

use std::sync::MutexGuard;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::time::Instant;

pub use conversation::Conversation;
use identity::short;
pub use identity::{Owner, Place};
pub use memory::Memory;
pub use recording::{Original, Recording};
pub use table::Occupancy;

use self::table::Table;
use crate::secret::Secret;
use crate::shards::Shards;

/// Texts of this many bytes are taken for what they seem, wherever they stand.
const LONG: usize = 256;

/// Bytes for which another table is worth its lock.
const BYTES_PER_SHARD: usize = 4 << 20;
const MAX_SHARDS: usize = 16;

/// How long an answer is remembered after it was last sent or repeated.
pub const MAX_AGE: Duration = Duration::from_secs(24 * 60 * 60);

/// What undoes the marks of the answers of late.
#[derive(Debug)]
pub struct Originals {
    keys: Keys,
    tables: Shards<Table>,
    /// Where nothing was ever remembered, nobody waits for the table.
    used: AtomicBool,
}

/// Keys of the three hashes.
#[derive(Debug)]
struct Keys {
    owner: Secret,
    text: Secret,
    place: Secret,
}

impl Originals {
    /// A table of at most `max_bytes`, whose hashes are keyed with keys derived from `secret`.
    #[must_use]
    pub fn new(secret: &Secret, max_bytes: usize, max_age: Duration) -> Self {
        let keys = Keys {
            owner: secret.derive("guilloche 2026 originals owner v1"),
            text: secret.derive("guilloche 2026 originals text v1"),
            place: secret.derive("guilloche 2026 originals place v1"),
        };
        let shards = (max_bytes / BYTES_PER_SHARD).clamp(1, MAX_SHARDS);
        let tables = Shards::new(shards, || Table::new(max_bytes / shards, max_age));
        Self { keys, tables, used: AtomicBool::new(false) }
    }

    /// Takes at most so many bytes from now on. What is past them is forgotten at the next answer.
    pub fn bound(&self, max_bytes: usize) {
        let each = max_bytes / self.tables.count();
        self.tables.each().for_each(|mut table| table.bound(each));
    }

    /// Whose answers those of an account are. Its cluster does not count: it may become known, or
    /// change, in the middle of a conversation.
    #[must_use]
    pub fn owner(&self, tenant: Option<&str>, account: &str) -> Owner {
        let mut hasher = blake3::Hasher::new_keyed(self.keys.owner.expose());
        // The length keeps ("ab", "c") and ("a", "bc") apart, and none from an empty one.
        let length = tenant.map_or(u64::MAX, |tenant| tenant.len() as u64);
        hasher.update(&length.to_le_bytes());
        hasher.update(tenant.unwrap_or_default().as_bytes());
        hasher.update(account.as_bytes());
        Owner(short(&hasher))
    }

    /// Whether anything was ever remembered.
    #[must_use]
    pub fn is_used(&self) -> bool {
        self.used.load(Ordering::Acquire)
    }

    /// Whether any answer of this owner is remembered. Cheap, so that the requests of all others
    /// need not be read.
    #[must_use]
    pub fn knows(&self, owner: Owner, now: Instant) -> bool {
        self.is_used() && self.table(owner).knows(owner, now)
    }

    /// Records one text of an answer, given in `place`, as it goes to the client.
    #[must_use]
    pub fn recording(&self, owner: Owner, place: Place) -> Recording {
        Recording::new(self.hasher(owner), owner, place)
    }

    /// A conversation as a client sends it, from its start.
    #[must_use]
    pub fn conversation(&self, owner: Owner) -> Conversation<'_> {
        Conversation::new(self, owner)
    }

    /// Remembers an answer that the client has got.
    pub fn remember(&self, original: Original, now: Instant) {
        self.table(original.owner).remember(original, now);
        self.used.store(true, Ordering::Release);
    }

    /// What undoes the marks of a text, by its hash and its length, if it is known; nothing undoes one in
    /// which nothing was exchanged. It counts as asked for.
    fn steps(
        &self,
        owner: Owner,
        place: Place,
        (text, length): (u128, usize),
        now: Instant,
    ) -> Option<Box<[u8]>> {
        self.table(owner).steps(text, place, length >= LONG, now)
    }

    fn count_restored(&self, owner: Owner) {
        self.table(owner).count_restored();
    }

    /// How full the table is, and what it did.
    #[must_use]
    pub fn occupancy(&self) -> Occupancy {
        let mut sum = Occupancy::default();
        for table in self.tables.each() {
            let Occupancy { texts, bytes, evicted, expired, guessed, restored } = table.occupancy();
            sum.texts += texts;
            sum.bytes += bytes;
            sum.evicted += evicted;
            sum.expired += expired;
            sum.guessed += guessed;
            sum.restored += restored;
        }
        sum
    }

    fn hasher(&self, owner: Owner) -> blake3::Hasher {
        let mut hasher = blake3::Hasher::new_keyed(self.keys.text.expose());
        hasher.update(&owner.0.to_le_bytes());
        hasher
    }

    /// All of an owner is in one table.
    fn table(&self, owner: Owner) -> MutexGuard<'_, Table> {
        self.tables.lock(self.tables.place(owner.0 as u64))
    }
}
