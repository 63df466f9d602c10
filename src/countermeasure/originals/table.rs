//! What is remembered, in bounded memory.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use tokio::time::Instant;

use super::{Original, Owner, Place};

/// Originals of one marked text; the oldest go first.
const MAX_VARIANTS: usize = 8;

/// Texts too old that one call looks for, so that none has to pause for all of them.
const SWEPT: usize = 8;

/// What a text takes beside the bytes that undo it: its entries in three maps, at the worst of
/// their load, and its vector.
const ENTRY_BYTES: usize = 320;

/// What one of its originals takes beside them.
const VARIANT_BYTES: usize = 48;

/// How full the table is, and what its bounds have cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Occupancy {
    /// Texts remembered.
    pub texts: usize,
    /// Bytes that they take, at most.
    pub bytes: usize,
    /// Texts forgotten because there was no room.
    pub evicted: u64,
    /// Texts forgotten because of their age.
    pub expired: u64,
    /// Times that a text came from an unknown place and was taken for its newest original.
    pub guessed: u64,
    /// Texts written back as they were.
    pub restored: u64,
}

#[derive(Debug)]
pub(super) struct Table {
    texts: HashMap<u128, Entry>,
    /// By when they were last asked for.
    order: BTreeMap<u64, u128>,
    /// How many texts each owner has.
    owners: HashMap<Owner, usize>,
    /// The next number in the order.
    next: u64,
    max_bytes: usize,
    max_age: Duration,
    occupancy: Occupancy,
}

#[derive(Debug)]
struct Entry {
    owner: Owner,
    number: u64,
    asked: Instant,
    /// Newest last; never empty.
    variants: Vec<Variant>,
}

#[derive(Debug)]
struct Variant {
    place: Place,
    steps: Box<[u8]>,
}

impl Entry {
    fn bytes(&self) -> usize {
        let variants = self.variants.iter().map(|variant| VARIANT_BYTES + variant.steps.len());
        ENTRY_BYTES + variants.sum::<usize>()
    }
}

impl Table {
    pub(super) fn new(max_bytes: usize, max_age: Duration) -> Self {
        Self {
            texts: HashMap::new(),
            order: BTreeMap::new(),
            owners: HashMap::new(),
            next: 0,
            max_bytes,
            max_age,
            occupancy: Occupancy::default(),
        }
    }

    pub(super) fn bound(&mut self, max_bytes: usize) {
        self.max_bytes = max_bytes;
    }

    pub(super) fn occupancy(&self) -> Occupancy {
        Occupancy { texts: self.texts.len(), ..self.occupancy }
    }

    pub(super) fn knows(&mut self, owner: Owner, now: Instant) -> bool {
        self.sweep(now);
        self.owners.contains_key(&owner)
    }

    pub(super) fn remember(&mut self, original: Original, now: Instant) {
        let Original { owner, text, place, steps } = original;
        self.sweep(now);
        let mut entry = self.take(text).unwrap_or_else(|| Entry {
            owner,
            number: 0,
            asked: now,
            variants: Vec::with_capacity(1),
        });
        entry.variants.retain(|variant| variant.place != place);
        if entry.variants.len() == MAX_VARIANTS {
            entry.variants.remove(0);
        }
        entry.variants.push(Variant { place, steps });
        self.put(text, entry, now);
        while self.occupancy.bytes > self.max_bytes && self.forget_oldest() {
            self.occupancy.evicted += 1;
        }
    }

    /// What undoes the marks of a text in a place, which counts as asked for. `anywhere` if the
    /// place need not be known.
    pub(super) fn steps(
        &mut self,
        text: u128,
        place: Place,
        anywhere: bool,
        now: Instant,
    ) -> Option<Box<[u8]>> {
        self.sweep(now);
        let entry = self.take(text)?;
        if self.is_old(entry.asked, now) {
            self.occupancy.expired += 1;
            return None;
        }
        let known = entry.variants.iter().find(|variant| variant.place == place);
        let guessed = entry.variants.last().filter(|_| anywhere && known.is_none());
        self.occupancy.guessed += u64::from(guessed.is_some());
        let chosen = known.or(guessed).map(|variant| variant.steps.clone());
        self.put(text, entry, now);
        chosen
    }

    pub(super) fn count_restored(&mut self) {
        self.occupancy.restored += 1;
    }

    fn is_old(&self, asked: Instant, now: Instant) -> bool {
        now.saturating_duration_since(asked) >= self.max_age
    }

    /// Forgets a few of those that are too old.
    fn sweep(&mut self, now: Instant) {
        for _ in 0..SWEPT {
            let oldest = self.order.first_key_value().and_then(|(_, text)| self.texts.get(text));
            if !oldest.is_some_and(|entry| self.is_old(entry.asked, now)) || !self.forget_oldest() {
                return;
            }
            self.occupancy.expired += 1;
        }
    }

    fn forget_oldest(&mut self) -> bool {
        let oldest = self.order.first_key_value().map(|(_, text)| *text);
        oldest.and_then(|text| self.take(text)).is_some()
    }

    /// Puts a text where it has been asked for last.
    fn put(&mut self, text: u128, entry: Entry, now: Instant) {
        let number = self.next;
        self.next += 1;
        self.occupancy.bytes += entry.bytes();
        self.order.insert(number, text);
        *self.owners.entry(entry.owner).or_default() += 1;
        self.texts.insert(text, Entry { number, asked: now, ..entry });
    }

    fn take(&mut self, text: u128) -> Option<Entry> {
        let entry = self.texts.remove(&text)?;
        self.occupancy.bytes -= entry.bytes();
        self.order.remove(&entry.number);
        if let Some(count) = self.owners.get_mut(&entry.owner) {
            *count -= 1;
            if *count == 0 {
                self.owners.remove(&entry.owner);
            }
        }
        Some(entry)
    }
}
