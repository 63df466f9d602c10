//! The choices that mark the texts of one principal by the law of their writer.

use std::fmt;
use std::sync::Arc;

use super::answer::{Answer, Place};
use super::learned::{Learned, Observed};
use super::rates::Rates;
use super::{BucketKey, Canaries, PassageKey, canary_uniform, coin, is_canary, threshold, uniform};
use crate::mark::cell::{Cell, KeyName, MarkKey, Purpose, Role, Roles};
use crate::mark::keys::{ArmMark, Keys, Recipient, Scheme, carrying};
use crate::mark::lexical::{Choice, Chosen, Site};

/// What a deployment marks with in one epoch.
#[derive(Clone, Debug)]
pub(crate) struct Law {
    pub(crate) epoch: u32,
    pub(crate) roles: Arc<Roles>,
    pub(crate) rates: Arc<Rates>,
    pub(crate) buckets: BucketKey,
}

/// Which variant each place of a text has for one principal in one epoch.
#[derive(Clone, Debug)]
pub struct LawMarking {
    law: Arc<Law>,
    global: MarkKey,
    cluster: MarkKey,
    account: MarkKey,
    arm: Option<MarkKey>,
    canaries: Option<(PassageKey, Canaries)>,
    /// Cells with a coin below this carry the mark; 256 for all.
    carrying: u16,
}

impl LawMarking {
    pub(crate) fn new(keys: &Keys, law: Arc<Law>, recipient: Recipient<'_>, strength: f64) -> Self {
        let epoch = law.epoch;
        let part = |role, id: &str| {
            let purpose = Purpose::Lexical;
            keys.derive(&KeyName { purpose, tenant: recipient.tenant, epoch, role, id })
        };
        let account = part(Role::Account, recipient.account);
        let cluster = recipient
            .cluster
            .map_or_else(|| account.clone(), |cluster| part(Role::Cluster, cluster));
        let carrying = carrying(strength);
        let arm = recipient.arm.map(ArmMark::id);
        let arm = arm.as_deref().map(|id| part(Role::Arm, id));
        let canaries = (keys.scheme(epoch) == Scheme::Canaries).then(|| {
            let canaries = Canaries::derive(keys.master(), recipient.tenant, epoch);
            (PassageKey::of(&law.buckets), canaries)
        });
        Self { global: part(Role::Global, ""), cluster, account, arm, canaries, carrying, law }
    }

    /// Whether no cell carries anything: at a strength of less than half a 256th.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        self.carrying == 0
    }

    fn variant(&self, cell: Cell, log_odds: i16, opening: Option<&str>) -> Option<bool> {
        let part = match self.law.roles.of(cell) {
            Role::Global | Role::Arm => {
                let is_arms = || self.law.roles.carries_arms(cell.index() as usize);
                self.arm.as_ref().filter(|_| is_arms()).unwrap_or(&self.global)
            }
            Role::Cluster => &self.cluster,
            Role::Account => &self.account,
        };
        let carries = self.carrying == 256
            || self.carrying > 0 && u16::from(coin(&mut part.stream(), cell)) < self.carrying;
        let usual = || uniform(&mut part.stream(), cell);
        carries.then(|| self.canary(cell, opening).unwrap_or_else(usual) < threshold(log_odds))
    }

    /// What chooses in the place of the cell's uniform, if it is a canary in an active passage.
    fn canary(&self, cell: Cell, opening: Option<&str>) -> Option<u32> {
        let (passages, canaries) = self.canaries.as_ref()?;
        let active =
            is_canary(&self.law.roles, cell) && canaries.is_active(passages.group(opening?));
        active.then(|| canary_uniform(&mut canaries.stream(), cell))
    }
}

/// The choices for one text.
pub struct MarkedAnswer<M> {
    marking: M,
    answer: Answer,
    observed: Option<Observed>,
}

impl<M: AsRef<LawMarking>> MarkedAnswer<M> {
    /// A text that begins.
    pub fn new(marking: M) -> Self {
        Self { marking, answer: Answer::default(), observed: None }
    }

    /// Has it be learned, once the text has ended, what its author wrote.
    pub(crate) fn observed_by(self, learned: &Arc<Learned>) -> Self {
        let rates = Arc::clone(&self.marking.as_ref().law.rates);
        Self { observed: Some(Observed::new(Arc::clone(learned), rates)), ..self }
    }
}

impl AsRef<Self> for LawMarking {
    fn as_ref(&self) -> &Self {
        self
    }
}

impl<M> fmt::Debug for MarkedAnswer<M> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("MarkedAnswer").finish_non_exhaustive()
    }
}

impl<M: AsRef<LawMarking>> Choice for MarkedAnswer<M> {
    fn choose(&mut self, site: &Site<'_>) -> Chosen {
        let marking = self.marking.as_ref();
        let Law { rates, buckets, .. } = &*marking.law;
        let class = site.class;
        if let Some(observed) = self.observed.as_mut().filter(|_| site.written) {
            observed.note(class, site.previous, site.variant);
        }
        let chosen = match self.answer.reach(rates, buckets, class, site.previous) {
            Place::Free { cell, log_odds } => {
                marking.variant(cell, log_odds, site.opening).map_or(Chosen::Author, Chosen::Marked)
            }
            Place::Follows(variant) => Chosen::Follows(variant),
            Place::Author => Chosen::Author,
        };
        let stands = chosen.variant().unwrap_or(site.variant);
        self.answer.note(rates, class, stands);
        chosen
    }

    fn allocated(&self) -> usize {
        self.answer.allocated() + self.observed.as_ref().map_or(0, Observed::allocated)
    }
}
