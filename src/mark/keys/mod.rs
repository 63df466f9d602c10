//! The deployment's master key, its epochs, and what is derived from them for one principal.
//!
//! There is one master of 256 bits. Every key is derived from it by purpose, tenant, epoch, role
//! and identifier, as [`cell`](super::cell) specifies. Rotation begins a new epoch; the one before
//! stays in use for an overlap, in which servers that have not read the new file yet still mark
//! with it, so a detector looks for both.

mod engine;
mod file;
mod marking;
mod texts;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use zeroize::Zeroizing;

pub use engine::EngineKey;
#[cfg(all(feature = "forensics", feature = "tokenizers"))]
pub(crate) use file::check_permissions;
pub use file::{KeyFileError, KeyFileProblem};
pub(crate) use marking::carrying;
pub use marking::{ArmMark, Marking, Recipient};
pub use texts::{TextChoice, TextKeys, TextMarking};

use super::cell::{KeyName, MarkKey, Purpose, Role};
use super::law::{AuthorCounts, Rates, law_rules};
use super::lexical::lexicon_rules;

/// How a text carries a mark in its words. An epoch has one, since keys of two schemes would share
/// their streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Scheme {
    /// A fair coin for each of 16 public buckets: the first scheme, which is read and not begun any more.
    Coins,
    /// Choices that keep the [law](crate::mark::law) of the writer, in 64 keyed buckets.
    Law,
    /// The same with [canary cells](crate::mark::law#canary-cells), which tell copied answers from text that
    /// only follows the key.
    Canaries,
}

impl Scheme {
    /// The name in key files and ledgers.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Coins => "coins",
            Self::Law => "law",
            Self::Canaries => "canaries",
        }
    }

    /// Whether choices keep the law of the writer, in keyed buckets.
    #[must_use]
    pub fn keeps_law(self) -> bool {
        matches!(self, Self::Law | Self::Canaries)
    }

    fn of_name(name: &str) -> Option<Self> {
        [Self::Coins, Self::Law, Self::Canaries].into_iter().find(|scheme| scheme.name() == name)
    }
}

/// A period in which one set of keys marks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Epoch {
    /// Its number: 1, then one more with each rotation.
    pub number: u32,
    /// Since when it marks.
    pub from: Timestamp,
    /// When the last server has stopped marking with it; `None` for the newest.
    pub until: Option<Timestamp>,
    /// How words carry its marks.
    pub scheme: Scheme,
}

/// A master cannot be made or rotated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeysError {
    /// The operating system gave no random bytes.
    #[error("the operating system gave no random bytes")]
    Random,
    /// The new epoch would not begin after the newest.
    #[error("the newest epoch began at {0}, later than now")]
    Clock(Timestamp),
    /// The overlap is negative or does not fit the calendar.
    #[error("the overlap does not fit")]
    Overlap,
}

/// The master key of a deployment with its epochs. Zeroized on drop; `Debug` shows no key.
#[derive(Clone)]
pub struct Keys {
    master: Zeroizing<[u8; 32]>,
    /// By number, from 1; never empty.
    epochs: Vec<Epoch>,
    /// The deployment's own rates, of the epochs that have some.
    own: BTreeMap<u32, String>,
}

impl Keys {
    /// A new master, in its first epoch.
    ///
    /// # Errors
    ///
    /// [`KeysError::Random`].
    pub fn generate(now: Timestamp) -> Result<Self, KeysError> {
        let mut master = Zeroizing::new([0; 32]);
        getrandom::fill(&mut *master).map_err(|_| KeysError::Random)?;
        Ok(Self::from_master(&master, now))
    }

    /// A given master, in its first epoch; for tests and known answers.
    #[must_use]
    pub fn from_master(master: &[u8; 32], from: Timestamp) -> Self {
        let first = Epoch { number: 1, from, until: None, scheme: Scheme::Law };
        Self { master: Zeroizing::new(*master), epochs: vec![first], own: BTreeMap::new() }
    }

    /// The same keys with another scheme in all epochs that there are; to read, or to write again, what
    /// was marked before.
    #[must_use]
    pub fn with_scheme(mut self, scheme: Scheme) -> Self {
        for epoch in &mut self.epochs {
            epoch.scheme = scheme;
        }
        self
    }

    /// How words are marked in an epoch; by fair coins if there is none of this number.
    #[must_use]
    pub fn scheme(&self, epoch: u32) -> Scheme {
        let known = self.epochs.iter().find(|known| known.number == epoch);
        known.map_or(Scheme::Coins, |epoch| epoch.scheme)
    }

    /// Has the newest epoch follow the author that was counted, and not only the table of many authors; false
    /// if too little was counted for that.
    pub fn learn(&mut self, counts: &AuthorCounts) -> bool {
        let own = counts.rates(&Rates::english());
        let learned = own.is_some();
        self.own.extend(own.map(|own| (self.current(), own)));
        learned
    }

    /// The rates that an epoch's marks follow.
    #[must_use]
    pub fn rates(&self, epoch: u32) -> Arc<Rates> {
        let own = self.own_rates(epoch).and_then(|own| Rates::english().with(own));
        own.map_or_else(Rates::english, Arc::new)
    }

    /// The deployment's own rates of an epoch, as the key file has them; none if it follows the table.
    #[must_use]
    pub fn own_rates(&self, epoch: u32) -> Option<&str> {
        self.own.get(&epoch).map(String::as_str)
    }

    /// What the marks of an epoch in words depend on besides the keys: the lexicon and the rates by
    /// their digests, the scanner, the scheme.
    #[must_use]
    pub fn rules(&self, epoch: u32) -> String {
        match self.scheme(epoch) {
            Scheme::Coins => format!("{}, scheme coins", lexicon_rules()),
            scheme => law_rules(scheme, self.own_rates(epoch)),
        }
    }

    /// Begins a new epoch now; the one before stays in use for `overlap`. It has canaries if the newest
    /// has, else it keeps the law without them.
    ///
    /// # Errors
    ///
    /// [`KeysError::Clock`] and [`KeysError::Overlap`].
    pub fn rotate(&mut self, now: Timestamp, overlap: SignedDuration) -> Result<Epoch, KeysError> {
        let canaries = self.scheme(self.current()) == Scheme::Canaries;
        self.rotate_to(if canaries { Scheme::Canaries } else { Scheme::Law }, now, overlap)
    }

    /// The same with a new epoch of this scheme.
    ///
    /// # Errors
    ///
    /// [`KeysError::Clock`] and [`KeysError::Overlap`].
    pub fn rotate_to(
        &mut self,
        scheme: Scheme,
        now: Timestamp,
        overlap: SignedDuration,
    ) -> Result<Epoch, KeysError> {
        let until = now.checked_add(overlap).map_err(|_| KeysError::Overlap)?;
        if overlap.is_negative() {
            return Err(KeysError::Overlap);
        }
        let mut number = 1;
        if let Some(newest) = self.epochs.last_mut() {
            if newest.from >= now {
                return Err(KeysError::Clock(newest.from));
            }
            newest.until = Some(until);
            number = newest.number.saturating_add(1);
        }
        let epoch = Epoch { number, from: now, until: None, scheme };
        self.epochs.push(epoch);
        Ok(epoch)
    }

    /// All epochs, oldest first.
    #[must_use]
    pub fn epochs(&self) -> &[Epoch] {
        &self.epochs
    }

    /// The epoch that marks are made with: the newest.
    #[must_use]
    pub fn current(&self) -> u32 {
        self.epochs.last().map_or(1, |epoch| epoch.number)
    }

    /// The epochs that texts of this time may be marked with: two in an overlap.
    pub fn epochs_at(&self, time: Timestamp) -> impl Iterator<Item = Epoch> + '_ {
        let in_use =
            move |epoch: &&Epoch| epoch.from <= time && epoch.until.is_none_or(|end| time < end);
        self.epochs.iter().filter(in_use).copied()
    }

    /// The master. Secret; [`MarkKey::derive`] and [`Roles::new`](super::cell::Roles::new) take it.
    #[must_use]
    pub fn master(&self) -> &[u8; 32] {
        &self.master
    }

    /// The derived key of a name.
    #[must_use]
    pub fn derive(&self, name: &KeyName<'_>) -> MarkKey {
        MarkKey::derive(&self.master, name)
    }

    /// Sixteen hexadecimal digits by which people tell key files apart. They tell nothing of the
    /// key.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let name = KeyName {
            purpose: Purpose::Fingerprint,
            tenant: "",
            epoch: 0,
            role: Role::Global,
            id: "",
        };
        let digits = blake3::Hash::from_bytes(*self.derive(&name).as_bytes()).to_hex();
        digits.chars().take(16).collect()
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Keys").field("epochs", &self.epochs).finish_non_exhaustive()
    }
}
