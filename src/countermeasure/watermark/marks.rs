//! What a deployment marks with.

use std::sync::Arc;

use super::{Carriers, MarkTerms};
use crate::countermeasure::originals::Memory;
use crate::mark::keys::{self, ArmMark, Keys, TextKeys, TextMarking};
use crate::mark::ledger::{Issue, LedgerWriter};
use crate::mark::lexicon::Lexicon;
use crate::risk::{Assessment, Principal, Risk};

/// The keys, carriers and ledger of a deployment. Shows no key in `Debug`.
///
/// ```
/// use guilloche::countermeasure::watermark::Marks;
/// use guilloche::mark::keys::Keys;
///
/// let marks = Marks::new(Keys::from_master(&[7; 32], jiff::Timestamp::UNIX_EPOCH));
/// assert_eq!(marks.keys().current(), 1);
/// ```
#[derive(Debug)]
pub struct Marks {
    texts: TextKeys,
    lexicon: &'static Lexicon,
    carriers: Carriers,
    ledger: Option<Arc<LedgerWriter>>,
}

/// Whose answer may be marked, and with what.
#[derive(Clone, Copy, Debug)]
pub struct Caller<'a> {
    /// What the deployment marks with.
    pub marks: &'a Marks,
    /// The caller.
    pub principal: &'a Principal,
    /// The arm of an experiment that the caller is in, if any.
    pub arm: Option<&'a ArmMark>,
    /// The caller's risk score, 0 to 1.
    pub score: f64,
    /// Where it is remembered what the answer read like before, if that is wanted.
    pub memory: Option<&'a Memory>,
}

impl Marks {
    /// Marks of these keys, by [`Carriers::default`], recorded nowhere.
    #[must_use]
    pub fn new(keys: Keys) -> Self {
        let (texts, lexicon) = (TextKeys::new(keys), Lexicon::english());
        Self { texts, lexicon, carriers: Carriers::default(), ledger: None }
    }

    /// By what responses carry the mark.
    #[must_use]
    pub fn carriers(self, carriers: Carriers) -> Self {
        Self { carriers, ..self }
    }

    /// Records who was issued marks. Without a ledger, evidence can only ask about accounts that
    /// somebody names.
    #[must_use]
    pub fn ledger(self, ledger: Arc<LedgerWriter>) -> Self {
        Self { ledger: Some(ledger), ..self }
    }

    /// The keys.
    #[must_use]
    pub fn keys(&self) -> &Keys {
        self.texts.keys()
    }

    pub(in crate::countermeasure) fn by(&self) -> &Carriers {
        &self.carriers
    }

    pub(super) fn lexicon(&self) -> &'static Lexicon {
        self.lexicon
    }

    /// The choice of words that marks texts of this caller.
    pub(super) fn marking(&self, terms: MarkTerms<'_>) -> TextMarking {
        let MarkTerms { recipient, epoch, strength } = terms;
        self.texts.marking(epoch, recipient, strength)
    }

    /// Records that an answer was marked, if a ledger is kept, and what was learned of the author.
    pub fn issued(&self, issue: Issue) {
        if let Some(ledger) = &self.ledger {
            ledger.issue(Issue { authors: self.texts.take_learned(), ..issue });
        }
    }
}

impl<'a> Caller<'a> {
    /// A caller whose risk is known. Unknown risk is never marked.
    #[must_use]
    pub fn of(marks: &'a Marks, assessment: &'a Assessment) -> Option<Self> {
        let Assessment { principal, risk } = assessment;
        match risk {
            Risk::Known(score) => {
                Some(Self { marks, principal, arm: None, score: score.value(), memory: None })
            }
            Risk::Contested { .. } | Risk::Unknown(_) => None,
        }
    }
}

/// Whose keys an answer to a principal carries: the account's own, the cluster's from when it is
/// linked, and those of the arm that it is in.
#[must_use]
pub fn recipient<'a>(principal: &'a Principal, arm: Option<&'a ArmMark>) -> keys::Recipient<'a> {
    let Principal { account, cluster, tenant } = principal;
    keys::Recipient {
        tenant: tenant.as_ref().map_or("", |tenant| tenant.as_str()),
        account: account.as_str(),
        cluster: cluster.as_ref().map(|cluster| cluster.as_str()),
        arm,
    }
}
