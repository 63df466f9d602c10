//! Deployments that mark, and the lexical sites of what they have marked.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use guilloche::forensics::detect::{CellCounts, LexicalSites};
use guilloche::forensics::evidence::{NullLaw, Weights};
use guilloche::mark::cell::{Bits, Cell, ClassId, KeyName, MarkKey, Purpose, Role, Roles};
use guilloche::mark::keys::{Keys, Marking, Recipient};
use guilloche::mark::lexical::{Rewriter, each_site};
use guilloche::mark::lexicon::Lexicon;

use crate::corpus::Document;
use crate::source::Source;

/// The only account of a deployment whose accounts do not matter.
pub(crate) const ACCOUNT: &str = "account";

/// A deployment with keys of its own.
pub(crate) struct Deployment {
    keys: Keys,
    pub(crate) roles: Arc<Roles>,
}

impl Deployment {
    /// One of many, by number.
    pub(crate) fn new(number: u32) -> Self {
        let master = master(number);
        let roles = Arc::new(Roles::new(&master, cells()));
        Self { keys: Keys::from_master(&master, jiff::Timestamp::UNIX_EPOCH), roles }
    }

    pub(crate) fn key(&self, purpose: Purpose, role: Role, id: &str) -> MarkKey {
        self.keys.derive(&KeyName { purpose, tenant: "", epoch: 1, role, id })
    }

    pub(crate) fn marking(&self, account: &str, strength: f64) -> Marking {
        self.keys.marking(
            &self.roles,
            1,
            Recipient { tenant: "", account, cluster: None, arm: None },
            strength,
        )
    }

    /// Which cells have one of these roles.
    pub(crate) fn only(&self, weights: &Weights, roles: &[Role]) -> Weights {
        weights
            .only(|cell| self.roles.as_slice().get(cell).is_some_and(|role| roles.contains(role)))
    }
}

/// The master of deployment `number`.
pub(crate) fn master(number: u32) -> [u8; 32] {
    *blake3::keyed_hash(&[17; 32], &number.to_le_bytes()).as_bytes()
}

/// Cells of the lexicon.
pub(crate) fn cells() -> u32 {
    Lexicon::english().cells()
}

pub(crate) fn cell(number: u32) -> Cell {
    Cell::from_bucket(
        ClassId(u16::try_from(number / 16).unwrap()),
        u8::try_from(number % 16).unwrap(),
    )
}

/// A place where a document could have been written otherwise.
#[derive(Clone, Copy)]
pub(crate) struct Found {
    pub(crate) cell: u32,
    pub(crate) context: u64,
    pub(crate) variant: bool,
}

/// The sites of a text, in order.
pub(crate) fn sites(text: &str) -> Vec<Found> {
    let mut found = Vec::new();
    each_site(Lexicon::english(), text, |site| {
        let mut hasher = DefaultHasher::new();
        (site.class.0, site.previous).hash(&mut hasher);
        let (cell, variant) = (site.cell().index(), site.variant);
        found.push(Found { cell, context: hasher.finish(), variant });
    });
    found
}

/// The text as a deployment would have issued it.
pub(crate) fn marked(text: &str, marking: &Marking) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    let mut rewriter = Rewriter::new(Lexicon::english(), marking);
    rewriter.push(text, &mut out);
    rewriter.finish(false, &mut out);
    out
}

/// No counts yet.
pub(crate) fn no_counts() -> CellCounts {
    LexicalSites::english().counts()
}

/// Counts the sites of one document. `name` tells documents apart.
pub(crate) fn count(counts: &mut CellCounts, name: &str, sites: impl Iterator<Item = Found>) {
    if let Some(mut document) = counts.document(name, &[]) {
        for Found { cell, context, variant } in sites {
            document.observe(context, cell, variant);
        }
    }
}

/// Counts of texts as they are.
pub(crate) fn counts_of(texts: impl Iterator<Item = impl AsRef<str>>) -> CellCounts {
    let lexical = LexicalSites::english();
    let mut counts = no_counts();
    for text in texts {
        let (document, _) = lexical.document(text.as_ref(), []);
        counts.add(&document);
    }
    counts
}

/// `ln p` of a key, by the bound that reports give.
pub(crate) fn ln_p(weights: &Weights, key: &MarkKey) -> f64 {
    let bits = Bits::new(key, cells());
    let mut total = 0.0;
    let mut kept = Vec::new();
    for (number, unit) in (0_u32..).zip(weights.units()).filter(|(_, unit)| **unit != 0) {
        total += f64::from(if bits.get(cell(number)) { *unit } else { -*unit });
        kept.push(*unit);
    }
    NullLaw::Signs { weights: kept }.ln_tail(total)
}

/// Documents in a random order, each once, until there are so many words.
pub(crate) fn draw<'a>(
    documents: &'a [Document],
    words: usize,
    source: &mut Source,
) -> Vec<&'a Document> {
    let mut order: Vec<usize> = (0..documents.len()).collect();
    let (mut drawn, mut so_far) = (Vec::new(), 0);
    while so_far < words && !order.is_empty() {
        let place = order.swap_remove(source.below(order.len() as u32) as usize);
        so_far += documents[place].words;
        drawn.push(&documents[place]);
    }
    drawn
}

/// The seed of draw `number` of a study.
pub(crate) fn seed(study: &str, number: u32) -> [u8; 32] {
    *blake3::Hasher::new()
        .update(study.as_bytes())
        .update(&number.to_le_bytes())
        .finalize()
        .as_bytes()
}
