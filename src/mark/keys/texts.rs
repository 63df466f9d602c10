//! By which scheme the texts of one principal are marked.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Epoch, Keys, Marking, Recipient};
use crate::mark::cell::Roles;
use crate::mark::law::{self, AuthorCounts, BucketKey, Law, LawMarking, Learned, MarkedAnswer};
use crate::mark::lexical::{Choice, Chosen, Site};
use crate::mark::lexicon::Lexicon;

/// What a deployment marks texts with. Shows no key in `Debug`.
///
/// ```
/// use guilloche::mark::keys::{Keys, Recipient, TextKeys};
/// use guilloche::mark::lexical::Rewriter;
/// use guilloche::mark::lexicon::Lexicon;
///
/// let texts = TextKeys::new(Keys::from_master(&[7; 32], jiff::Timestamp::UNIX_EPOCH));
/// let recipient = Recipient { tenant: "", account: "acct-17", cluster: None, arm: None };
/// let marking = texts.marking(texts.keys().current(), recipient, 1.0);
/// let mut rewriter = Rewriter::new(Lexicon::english(), marking.begin());
/// let mut out = String::new();
/// rewriter.push("These are the tools that you need. In addition, they are free.", &mut out);
/// rewriter.finish(false, &mut out);
/// ```
#[derive(Debug)]
pub struct TextKeys {
    keys: Keys,
    /// Of the cells where words are marked by coins.
    coins: Arc<Roles>,
    /// By epoch, where they are marked otherwise.
    laws: BTreeMap<u32, Arc<Law>>,
    learned: Arc<Learned>,
}

impl TextKeys {
    /// Of these keys, with the built-in lexicon and rates.
    #[must_use]
    pub fn new(keys: Keys) -> Self {
        let lexicon = Lexicon::english();
        let coins = Arc::new(Roles::new(keys.master(), lexicon.cells()));
        let law = Arc::new(Roles::new(keys.master(), lexicon.numbers() * law::BUCKETS));
        let law = |epoch: &Epoch| {
            let epoch = epoch.number;
            let buckets = BucketKey::derive(keys.master(), epoch);
            let law = Law { epoch, roles: Arc::clone(&law), rates: keys.rates(epoch), buckets };
            (epoch, Arc::new(law))
        };
        let kept = |epoch: &&Epoch| epoch.scheme.keeps_law();
        let laws = keys.epochs().iter().filter(kept).map(law).collect();
        Self { keys, coins, laws, learned: Arc::default() }
    }

    /// The keys.
    #[must_use]
    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    /// How to mark the texts of `recipient` at a strength from 0 (not at all) to 1 (every cell), by
    /// the scheme of the epoch.
    #[must_use]
    pub fn marking(&self, epoch: u32, recipient: Recipient<'_>, strength: f64) -> TextMarking {
        match self.laws.get(&epoch) {
            None => {
                let marking = self.keys.marking(&self.coins, epoch, recipient, strength);
                TextMarking(Marks::Coins(Arc::new(marking)))
            }
            Some(law) => {
                let marking = LawMarking::new(&self.keys, Arc::clone(law), recipient, strength);
                TextMarking(Marks::Law(Arc::new(marking), Arc::clone(&self.learned)))
            }
        }
    }

    /// What was learned of the author, from texts that were marked and have ended, since this was
    /// asked last.
    #[must_use]
    pub fn take_learned(&self) -> AuthorCounts {
        self.learned.take()
    }
}

/// How the texts of one principal are marked.
#[derive(Clone, Debug)]
pub struct TextMarking(Marks);

#[derive(Clone, Debug)]
enum Marks {
    Coins(Arc<Marking>),
    /// With what learns of their author.
    Law(Arc<LawMarking>, Arc<Learned>),
}

impl TextMarking {
    /// Whether nothing is marked, since the strength is too little.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        match &self.0 {
            Marks::Coins(marking) => marking.is_nothing(),
            Marks::Law(marking, _) => marking.is_nothing(),
        }
    }

    /// The choices for one text, for a [`Rewriter`](crate::mark::lexical::Rewriter).
    #[must_use]
    pub fn begin(&self) -> TextChoice {
        TextChoice(match &self.0 {
            Marks::Coins(marking) => Text::Coins(Arc::clone(marking)),
            Marks::Law(marking, learned) => {
                Text::Law(Box::new(MarkedAnswer::new(Arc::clone(marking)).observed_by(learned)))
            }
        })
    }
}

/// The choices for one text.
#[derive(Debug)]
pub struct TextChoice(Text);

#[derive(Debug)]
enum Text {
    Coins(Arc<Marking>),
    Law(Box<MarkedAnswer<Arc<LawMarking>>>),
}

impl Choice for TextChoice {
    fn choose(&mut self, site: &Site<'_>) -> Chosen {
        match &mut self.0 {
            Text::Coins(marking) => (&**marking).choose(site),
            Text::Law(answer) => answer.choose(site),
        }
    }

    fn allocated(&self) -> usize {
        match &self.0 {
            Text::Coins(_) => 0,
            Text::Law(answer) => answer.allocated(),
        }
    }
}
