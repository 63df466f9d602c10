//! What it takes to count a text: a bucket key with its epoch, which gives no bit of the mark away.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use super::rates::{ENGLISH_RATES, Rates};
use super::{Answer, BucketKey, PassageKey, Place};
use crate::mark::cell::Cell;
use crate::mark::keys::{Keys, Scheme};
use crate::mark::lexical::{Site, each_site, lexicon_rules};
use crate::mark::lexicon::Lexicon;
use crate::new_file::{self, PRIVATE};
use crate::secret::opaque_debug;

const HEADER: &str = "guilloche-bucket-key 1";

/// The line of an epoch with canaries.
const CANARIES: &str = "scheme canaries";

/// A place of a text at which a key has chosen, if it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CountedPlace {
    /// The cell.
    pub cell: Cell,
    /// The log-odds of the second variant, in hundredths.
    pub log_odds: i16,
    /// The group of the passage, 0–63; none near its beginning, and in epochs without canaries.
    pub passage: Option<u8>,
}

/// By what the texts of one epoch are counted.
#[derive(Clone)]
pub struct CountingKey {
    /// The epoch.
    pub epoch: u32,
    /// By what words are put into buckets.
    pub buckets: BucketKey,
    /// By what passages are put into groups, where there are canaries.
    passages: Option<PassageKey>,
    rates: Arc<Rates>,
    /// The rates where they are the deployment's own.
    own: Option<String>,
}

opaque_debug!(CountingKey);

/// A file of a bucket key cannot be used. Holds nothing of its contents.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BucketFileError {
    /// It cannot be read or written.
    #[error(transparent)]
    File(#[from] std::io::Error),
    /// Not as such a file is.
    #[error("not a bucket key: `{HEADER}`, `epoch NUMBER`, `key` with 64 hexadecimal digits")]
    Form,
}

impl CountingKey {
    /// That of an epoch; none if its cells are public.
    #[must_use]
    pub fn of_epoch(keys: &Keys, epoch: u32) -> Option<Self> {
        let buckets = BucketKey::derive(keys.master(), epoch);
        let scheme = keys.scheme(epoch);
        let passages = (scheme == Scheme::Canaries).then(|| PassageKey::of(&buckets));
        let own = keys.own_rates(epoch).map(str::to_owned);
        let rates = || keys.rates(epoch);
        scheme.keeps_law().then(|| Self { epoch, buckets, passages, rates: rates(), own })
    }

    /// What counts depend on: lexicon and rates by their digests, the scanner, and the bucket key.
    #[must_use]
    pub fn rules(&self) -> String {
        let rules = law_rules(self.scheme(), self.own.as_deref());
        format!("{rules}, buckets {}", self.buckets.fingerprint())
    }

    fn scheme(&self) -> Scheme {
        if self.passages.is_some() { Scheme::Canaries } else { Scheme::Law }
    }

    /// Calls `each` at every site of a text at which a key has chosen, if it has.
    pub fn each_place(
        &self,
        answer: &mut Answer,
        site: &Site<'_>,
        each: impl FnOnce(CountedPlace),
    ) {
        let place = answer.reach(&self.rates, &self.buckets, site.class, site.previous);
        answer.note(&self.rates, site.class, site.variant);
        if let Place::Free { cell, log_odds } = place {
            let group = |passages: &PassageKey| site.opening.map(|it| passages.group(it));
            each(CountedPlace { cell, log_odds, passage: self.passages.as_ref().and_then(group) });
        }
    }

    /// The places of a whole text: cell, log-odds, and the variant that stands there.
    #[must_use]
    pub fn places(&self, text: &str) -> Vec<(Cell, i16, bool)> {
        let (mut answer, mut places) = (Answer::default(), Vec::new());
        each_site(Lexicon::english(), text, |site| {
            let variant = site.variant;
            self.each_place(&mut answer, site, |CountedPlace { cell, log_odds, .. }| {
                places.push((cell, log_odds, variant));
            });
        });
        places
    }

    /// Reads a file.
    ///
    /// # Errors
    ///
    /// If it cannot be read or is none.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, BucketFileError> {
        Self::parse(&std::fs::read_to_string(path)?).ok_or(BucketFileError::Form)
    }

    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        if lines.next() != Some(HEADER) {
            return None;
        }
        let epoch = lines.next()?.strip_prefix("epoch ")?.parse().ok()?;
        let key = blake3::Hash::from_hex(lines.next()?.strip_prefix("key ")?).ok()?;
        let buckets = BucketKey::from_bytes(*key.as_bytes());
        let mut line = lines.next();
        let canaries = line == Some(CANARIES);
        if canaries {
            line = lines.next();
        }
        let passages = canaries.then(|| PassageKey::of(&buckets));
        let own = match line {
            None => None,
            Some(line) => Some(line.strip_prefix("rates ")?.to_owned()),
        };
        let rates = match &own {
            None => Rates::english(),
            Some(own) => Arc::new(Rates::english().with(own)?),
        };
        lines.next().is_none().then_some(Self { epoch, buckets, passages, rates, own })
    }

    /// Writes a new file that only its owner can read.
    ///
    /// # Errors
    ///
    /// What the file system says; a file that is there already is left alone.
    pub fn create(&self, path: impl AsRef<Path>) -> Result<(), BucketFileError> {
        Ok(new_file::create(path.as_ref(), self.render().as_bytes(), PRIVATE)?)
    }

    /// The text of the file.
    #[must_use]
    pub fn render(&self) -> String {
        let mut text = format!("{HEADER}\nepoch {}\nkey ", self.epoch);
        for byte in self.buckets.as_bytes() {
            // Writing to a string does not fail.
            let _written = write!(text, "{byte:02x}");
        }
        text.push('\n');
        if self.passages.is_some() {
            text.extend([CANARIES, "\n"]);
        }
        if let Some(own) = &self.own {
            text.extend(["rates ", own, "\n"]);
        }
        text
    }
}

/// What a mark by the law of the writer depends on besides its keys, with the deployment's own rates.
#[must_use]
pub(crate) fn law_rules(scheme: Scheme, own: Option<&str>) -> String {
    let (whose, rates) = own.map_or(("", ENGLISH_RATES), |own| ("own ", own));
    let rates = blake3::hash(rates.as_bytes()).to_hex();
    let rates = rates.get(..16).unwrap_or_default();
    format!("{}, scheme {}, rates {whose}{rates}", lexicon_rules(), scheme.name())
}
