//! What all parts of the layer share: what decides about a request, and what is kept over requests.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::time::Instant;

use super::arms::Experiments;
use super::budget::Budget;
use super::hook::Hook;
use super::summarizer::Condenser;
use crate::audit::{AuditKey, Sink};
use crate::countermeasure::originals::{self, Originals};
use crate::countermeasure::seal::SealKeys;
use crate::countermeasure::stored::StoredAnswers;
use crate::countermeasure::watermark::Marks;
use crate::limit::{Limiter, Pacer, Settlements, Store};
use crate::policy::Policy;
use crate::policy::plan::Seal;
use crate::risk::{Reports, RiskSource};
use crate::secret::{NoRandomness, Secret};
use crate::wire::ServerKind;

/// What a paced stream may send at once, in time at its rate.
const PACE_BURST: Duration = Duration::from_millis(250);

/// Bounds on what exchanges may make the layer hold, each and all together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caps {
    /// The largest request body that is read, in bytes. A larger one of a graded caller is refused
    /// with status 413.
    pub request_body: usize,
    /// How long a request body that is read may take. A slower one is refused with status 408.
    pub request_body_time: Duration,
    /// The largest response document that is rewritten, in bytes. A larger one is broken off.
    pub document: usize,
    /// The largest stream event that is rewritten, in bytes. A larger one is broken off.
    pub event: usize,
    /// The most principals whose rates are kept. Past it, new ones share what is left.
    pub principals: usize,
    /// The most bytes in which is kept what undoes the marks of answers, for a policy that says
    /// `multi_turn = "restore"`. Past it, what was not asked for the longest is forgotten.
    pub originals: usize,
    /// The most bytes of request bodies, documents and events that are held at one time. Past it a
    /// request is refused with status 503, and an answer that has begun is broken off.
    pub held: usize,
    /// The most of them that one principal has.
    pub held_by_principal: usize,
}

impl Default for Caps {
    fn default() -> Self {
        Self {
            request_body: 32 << 20,
            request_body_time: Duration::from_secs(600),
            document: 32 << 20,
            event: 1 << 20,
            principals: 100_000,
            originals: 64 << 20,
            held: 1 << 30,
            held_by_principal: 256 << 20,
        }
    }
}

/// What all requests of a layer share. What stands here is bound at the start, and stays over every
/// replacement: rates that are used, bytes that are held, what undoes the marks of answers.
#[derive(Debug)]
pub(super) struct Shared {
    live: ArcSwap<Live>,
    pub(super) budget: Arc<Budget>,
    pub(super) rates: Arc<dyn Store>,
    /// What is under way to it.
    pub(super) settlements: Settlements,
    pub(super) pacer: Pacer,
    /// What observed paces would owe, apart from what is owed.
    pub(super) observed_pacer: Pacer,
    pub(super) originals: Arc<Originals>,
    /// What was decided about answers that the upstream keeps.
    pub(super) stored: Arc<StoredAnswers>,
}

/// What decides about a request and carries it out: pinned when the request arrives, replaced whole.
#[derive(Debug)]
pub(super) struct Live {
    pub(super) policy: Policy,
    /// Whose arms' policies decide about those who are in them.
    pub(super) experiments: Option<Arc<Experiments>>,
    pub(super) source: Arc<dyn RiskSource>,
    pub(super) reports: Arc<Reports>,
    pub(super) marks: Option<Arc<Marks>>,
    pub(super) condenser: Option<Arc<Condenser>>,
    pub(super) sink: Arc<dyn Sink>,
    pub(super) hook: Option<Arc<dyn Hook>>,
    pub(super) caps: Caps,
    pub(super) server: ServerKind,
    /// The service behind signs requests anew.
    pub(super) signs_anew: bool,
    pub(super) keys: Arc<Keys>,
    /// A policy seals reasoning, be it only observed, so that blobs may come; the coarsest step in which
    /// token counts tell no more of it than they do.
    pub(super) seal_step: Option<NonZeroU32>,
}

/// Keys derived from the deployment's secret, one per purpose.
#[derive(Debug)]
pub(super) struct Keys {
    /// Hashes principals in audit records.
    pub(super) audit: AuditKey,
    /// Hashes principals into the subjects of limits.
    pub(super) subject: Secret,
    /// Draws first-token delays.
    pub(super) delay: Secret,
    /// Seals reasoning and opens it.
    pub(super) seal: Arc<SealKeys>,
}

impl Live {
    /// The keys of sealed reasoning, if any may come.
    pub(super) fn seals(&self) -> Option<&Arc<SealKeys>> {
        let keys = &self.keys.seal;
        (self.seal_step.is_some() || keys.is_used()).then_some(keys)
    }

    /// What the counts of a request are rounded to in which something was opened.
    pub(super) fn input_step(&self) -> NonZeroU32 {
        self.seal_step.unwrap_or_else(|| Seal::default().tokens())
    }
}

impl Shared {
    /// Rates are kept in `store`, or here. `secret` keys what is remembered of answers.
    pub(super) fn new(live: Live, secret: &Secret, store: Option<Arc<dyn Store>>) -> Self {
        let (caps, now) = (live.caps, Instant::now());
        let originals = Originals::new(secret, caps.originals, originals::MAX_AGE);
        Self {
            live: ArcSwap::from_pointee(live),
            budget: Arc::new(Budget::new(caps.held, caps.held_by_principal)),
            rates: store.unwrap_or_else(|| Arc::new(Limiter::new(caps.principals, now))),
            settlements: Settlements::default(),
            pacer: Pacer::new(caps.principals, PACE_BURST, now),
            observed_pacer: Pacer::new(caps.principals, PACE_BURST, now),
            originals: Arc::new(originals),
            stored: Arc::default(),
        }
    }

    /// What decides now.
    pub(super) fn live(&self) -> Arc<Live> {
        self.live.load_full()
    }

    /// Has all that follows be decided by this.
    pub(super) fn replace(&self, live: Live) {
        let Self { budget, rates, pacer, observed_pacer, originals, .. } = self;
        let caps = live.caps;
        budget.bound(caps.held, caps.held_by_principal);
        rates.bound(caps.principals);
        pacer.bound(caps.principals);
        observed_pacer.bound(caps.principals);
        originals.bound(caps.originals);
        self.live.store(Arc::new(live));
    }
}

impl Keys {
    /// Those of a secret; what was sealed with one of those before it is opened as well.
    pub(super) fn derive(secret: &Secret, previous: &[Secret]) -> Result<Self, NoRandomness> {
        Ok(Self {
            audit: AuditKey::of_deployment(secret),
            subject: secret.derive("guilloche 2026 limit subjects v1"),
            delay: secret.derive("guilloche 2026 first-token delay v1"),
            seal: Arc::new(SealKeys::new(secret, previous)?),
        })
    }
}
