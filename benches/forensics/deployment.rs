//! Deployments that mark, and the lexical sites of what they have marked, in either scheme.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use guilloche::forensics::detect::{CellCounts, GROUPS, LawCounts, LexicalSites};
use guilloche::forensics::evidence::{LawWeights, NullLaw, Strengths, Weights};
use guilloche::mark::cell::{Bits, Cell, ClassId, KeyName, MarkKey, Purpose, Role, Roles};
use guilloche::mark::keys::{Keys, Recipient, Scheme, TextKeys, TextMarking};
use guilloche::mark::law::{self, Answer, CountingKey, Place, Rates};
use guilloche::mark::lexical::{Rewriter, each_site};
use guilloche::mark::lexicon::Lexicon;

use crate::corpus::Document;
use crate::source::Source;

/// The only account of a deployment whose accounts do not matter.
pub(crate) const ACCOUNT: &str = "account";

/// The present scheme, and the one before.
pub(crate) const SCHEMES: [Scheme; 2] = [Scheme::Law, Scheme::Coins];

/// A deployment with keys of its own.
pub(crate) struct Deployment {
    texts: TextKeys,
    pub(crate) roles: Roles,
    reader: LexicalSites,
    rates: Arc<Rates>,
}

/// What is counted in texts, in the cells of a deployment.
pub(crate) enum Counts {
    Coins(CellCounts),
    Law(LawCounts),
}

impl Counts {
    pub(crate) fn sites(&self) -> u64 {
        match self {
            Self::Coins(counts) => counts.sites(),
            Self::Law(counts) => counts.sites(),
        }
    }
}

/// What a text says of any key of a deployment.
pub(crate) enum Said {
    Coins(Weights),
    Law(Box<LawWeights>),
}

/// What a key has in each cell.
pub(crate) enum Codeword {
    Coins(Bits),
    Law(Vec<u32>),
}

impl Codeword {
    /// The variant that it chooses; log-odds have no part in fair coins.
    pub(crate) fn variant(&self, cell: Cell, log_odds: i16) -> bool {
        match self {
            Self::Coins(bits) => bits.get(cell),
            Self::Law(uniforms) => uniforms[cell.index() as usize] < law::threshold(log_odds),
        }
    }
}

impl Deployment {
    /// One of many, by number.
    pub(crate) fn new(scheme: Scheme, number: u32) -> Self {
        let keys = Keys::from_master(&master(number), jiff::Timestamp::UNIX_EPOCH);
        let keys = keys.with_scheme(scheme);
        let epochs: Vec<_> = CountingKey::of_epoch(&keys, 1).into_iter().collect();
        let cells = if epochs.is_empty() { cells() } else { law_cells() };
        let roles = Roles::new(keys.master(), cells);
        let reader = LexicalSites::english().counting(epochs);
        Self { roles, reader, texts: TextKeys::new(keys), rates: Rates::english() }
    }

    pub(crate) fn keys(&self) -> &Keys {
        self.texts.keys()
    }

    pub(crate) fn key(&self, role: Role, id: &str) -> MarkKey {
        self.derived(Purpose::Lexical, role, id)
    }

    fn derived(&self, purpose: Purpose, role: Role, id: &str) -> MarkKey {
        self.keys().derive(&KeyName { purpose, tenant: "", epoch: 1, role, id })
    }

    /// Whether a cell carries a mark of this strength by this key.
    pub(crate) fn carries(&self, (role, id): (Role, &str), cell: Cell, strength: f64) -> bool {
        let coin = || match self.reader.epochs() {
            [] => self.derived(Purpose::Coin, role, id).coin(cell),
            _ => law::coin(&mut self.key(role, id).stream(), cell),
        };
        strength >= 1.0 || f64::from(coin()) < (strength * 256.0).round()
    }

    pub(crate) fn marking(&self, account: &str, strength: f64) -> TextMarking {
        let recipient = Recipient { tenant: "", account, cluster: None, arm: None };
        self.texts.marking(1, recipient, strength)
    }

    pub(crate) fn codeword(&self, key: &MarkKey) -> Codeword {
        if self.reader.epochs().is_empty() {
            return Codeword::Coins(Bits::new(key, cells()));
        }
        let mut uniforms = vec![0; law_cells() as usize];
        key.stream().fill(&mut uniforms);
        Codeword::Law(uniforms)
    }

    pub(crate) fn no_counts(&self) -> Counts {
        match self.reader.epochs() {
            [] => Counts::Coins(self.reader.counts()),
            [key, ..] => Counts::Law(LawCounts::new(key)),
        }
    }

    /// Counts of texts as they are.
    pub(crate) fn counts_of(&self, texts: impl Iterator<Item = impl AsRef<str>>) -> Counts {
        let mut counts = self.no_counts();
        for (number, text) in texts.enumerate() {
            let document = self.reader.read(text.as_ref(), []);
            match &mut counts {
                Counts::Coins(counts) => _ = counts.add(&document.cells),
                Counts::Law(counts) => {
                    let places = document.law.first().unwrap();
                    counts.add((number % usize::from(GROUPS)) as u8, places);
                }
            }
        }
        counts
    }

    /// Counts a text with these sites. `choose` says what stands at a site; where a key chooses, it is told
    /// the cell and its log-odds.
    pub(crate) fn count(
        &self,
        counts: &mut Counts,
        number: usize,
        sites: &[Found],
        mut choose: impl FnMut(&Found, Option<(Cell, i16)>) -> bool,
    ) {
        match (counts, self.reader.epochs()) {
            (Counts::Law(counts), [key, ..]) => {
                let (mut answer, mut places) = (Answer::default(), Vec::new());
                for site in sites {
                    let Found { class, previous, .. } = site;
                    let place = answer.reach(&self.rates, &key.buckets, *class, previous);
                    let variant = match place {
                        Place::Follows(variant) => variant,
                        Place::Author => choose(site, None),
                        Place::Free { cell, log_odds } => {
                            let variant = choose(site, Some((cell, log_odds)));
                            places.push((cell.index(), log_odds, variant, None));
                            variant
                        }
                    };
                    answer.note(&self.rates, *class, variant);
                }
                counts.add((number % usize::from(GROUPS)) as u8, &places);
            }
            (Counts::Coins(counts), _) => {
                let Some(mut document) = counts.document(&number.to_string(), &[]) else { return };
                for site in sites {
                    let variant = choose(site, Some((site.cell, 0)));
                    document.observe(site.context, site.cell.index(), variant);
                }
            }
            (Counts::Law(_), []) => {}
        }
    }

    /// What counts say of keys if marks were issued at this strength. Fair coins have the control for a
    /// baseline and are tested as if the strength was not known, as `guilloche verify` does.
    pub(crate) fn said(&self, counts: &Counts, control: &CellCounts, strength: f64) -> Said {
        match counts {
            Counts::Coins(counts) => Said::Coins(Weights::from_counts(counts, &[control])),
            Counts::Law(counts) => {
                Said::Law(Box::new(LawWeights::new(counts, &Strengths::new([(strength, 1.0)]))))
            }
        }
    }

    /// `ln p` of a key in the cells of these roles, by the bound that reports give.
    pub(crate) fn ln_p(&self, said: &Said, roles: &[Role], key: &MarkKey) -> f64 {
        let keep = |cell: usize| roles.contains(&self.roles.as_slice()[cell]);
        match said {
            Said::Law(weights) => weights.only(keep).score(key).ln_p(),
            Said::Coins(weights) => {
                let bits = Bits::new(key, cells());
                let weights = weights.only(keep);
                let kept = (0_u32..).zip(weights.units()).filter(|(_, unit)| **unit != 0);
                let (mut total, mut weights) = (0.0, Vec::new());
                for (number, unit) in kept {
                    total += f64::from(if bits.get(cell(number)) { *unit } else { -*unit });
                    weights.push(*unit);
                }
                NullLaw::Signs { weights }.ln_tail(total)
            }
        }
    }
}

/// The master of deployment `number`.
pub(crate) fn master(number: u32) -> [u8; 32] {
    *blake3::keyed_hash(&[17; 32], &number.to_le_bytes()).as_bytes()
}

/// Public cells of the lexicon.
pub(crate) fn cells() -> u32 {
    Lexicon::english().cells()
}

/// Its keyed cells.
fn law_cells() -> u32 {
    Lexicon::english().numbers() * law::BUCKETS
}

pub(crate) fn cell(number: u32) -> Cell {
    Cell::from_number(number)
}

/// A place where a document could have been written otherwise.
pub(crate) struct Found {
    class: ClassId,
    previous: Box<str>,
    /// Where buckets are public.
    pub(crate) cell: Cell,
    context: u64,
    pub(crate) variant: bool,
}

/// The sites of a text, in order.
pub(crate) fn sites(text: &str) -> Vec<Found> {
    let mut found = Vec::new();
    each_site(Lexicon::english(), text, |site| {
        let mut hasher = DefaultHasher::new();
        (site.class.0, site.previous).hash(&mut hasher);
        found.push(Found {
            class: site.class,
            previous: site.previous.into(),
            cell: site.cell(),
            context: hasher.finish(),
            variant: site.variant,
        });
    });
    found
}

/// The text as a deployment would have issued it.
pub(crate) fn marked(text: &str, marking: &TextMarking) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    let mut rewriter = Rewriter::new(Lexicon::english(), marking.begin());
    rewriter.push(text, &mut out);
    rewriter.finish(false, &mut out);
    out
}

/// Counts of texts as they are, in public cells.
pub(crate) fn counts_of(texts: impl Iterator<Item = impl AsRef<str>>) -> CellCounts {
    let lexical = LexicalSites::english();
    let mut counts = lexical.counts();
    for text in texts {
        let (document, _) = lexical.document(text.as_ref(), []);
        counts.add(&document);
    }
    counts
}

/// Places of documents in a random order, each once, until there are so many words.
pub(crate) fn drawn(documents: &[Document], words: usize, source: &mut Source) -> Vec<usize> {
    let mut order: Vec<usize> = (0..documents.len()).collect();
    let (mut drawn, mut so_far) = (Vec::new(), 0);
    while so_far < words && !order.is_empty() {
        let place = order.swap_remove(source.below(order.len() as u32) as usize);
        so_far += documents[place].words;
        drawn.push(place);
    }
    drawn
}

/// These documents.
pub(crate) fn draw<'a>(
    documents: &'a [Document],
    words: usize,
    source: &mut Source,
) -> Vec<&'a Document> {
    drawn(documents, words, source).into_iter().map(|place| &documents[place]).collect()
}

/// The seed of draw `number` of a study.
pub(crate) fn seed(study: &str, number: u32) -> [u8; 32] {
    *blake3::Hasher::new()
        .update(study.as_bytes())
        .update(&number.to_le_bytes())
        .finalize()
        .as_bytes()
}
