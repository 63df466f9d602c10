//! Putting the layer together, and replacing what it decides by.

use std::num::NonZeroU32;
use std::sync::Arc;

use tower_layer::Layer;

use super::arms::Experiments;
use super::hook::Hook;
use super::service::Defense;
use super::shared::{Caps, Keys, Live, Shared};
use super::summarizer::{Condenser, Summarizer, SummaryLimits};
use crate::audit::{NoAudit, Sink};
use crate::countermeasure::watermark::Marks;
use crate::limit::Store;
use crate::policy::{Policy, Reach};
use crate::risk::{Context, FromExtension, Reports, RiskSource};
use crate::secret::{NoRandomness, Secret};
use crate::wire::ServerKind;

/// Adds graded countermeasures to an HTTP service; see the [module](super).
#[derive(Clone, Debug)]
pub struct DefenseLayer {
    shared: Arc<Shared>,
}

/// Replaces what a layer in use decides by, and tells of its state. Clones of the layer and the
/// services made from it all follow; a request that is under way keeps what it began with.
#[derive(Clone, Debug)]
pub struct DefenseHandle {
    pub(super) shared: Arc<Shared>,
}

/// Everything that a [`DefenseLayer`] can be given.
#[derive(Debug)]
pub struct DefenseBuilder {
    policy: Policy,
    experiments: Option<Arc<Experiments>>,
    source: Option<Arc<dyn RiskSource>>,
    reports: Arc<Reports>,
    sink: Arc<dyn Sink>,
    hook: Option<Arc<dyn Hook>>,
    caps: Caps,
    server: ServerKind,
    signs_anew: bool,
    secret: Option<Secret>,
    /// The secrets before it.
    previous: Vec<Secret>,
    /// Those of before, where there is no secret.
    keys: Option<Arc<Keys>>,
    marks: Option<Arc<Marks>>,
    condenser: Option<Arc<Condenser>>,
    store: Option<Arc<dyn Store>>,
    /// Somebody else says what the layer would say of itself.
    silent: bool,
}

impl DefenseLayer {
    /// A layer that follows `policy`, takes assessments from the request's extensions
    /// ([`FromExtension`]), and keeps no audit.
    ///
    /// # Errors
    /// When the operating system gives no randomness.
    pub fn new(policy: Policy) -> Result<Self, NoRandomness> {
        Self::builder(policy).build()
    }

    /// A layer to be configured further.
    #[must_use]
    pub fn builder(policy: Policy) -> DefenseBuilder {
        DefenseBuilder {
            policy,
            experiments: None,
            source: None,
            reports: Arc::default(),
            sink: Arc::new(NoAudit),
            hook: None,
            caps: Caps::default(),
            server: ServerKind::default(),
            signs_anew: false,
            secret: None,
            previous: Vec::new(),
            keys: None,
            marks: None,
            condenser: None,
            store: None,
            silent: false,
        }
    }

    /// A handle that can replace what the layer decides by.
    #[must_use]
    pub fn handle(&self) -> DefenseHandle {
        DefenseHandle { shared: Arc::clone(&self.shared) }
    }
}

impl DefenseBuilder {
    /// Where assessments come from.
    #[must_use]
    pub fn risk(self, source: impl RiskSource + 'static) -> Self {
        let reports = source.reports().map_or(self.reports, Arc::clone);
        Self { source: Some(Arc::new(source)), reports, ..self }
    }

    /// Experiments, whose arms' policies decide about the callers that are in them; all others meet
    /// the layer's own. Give both the same [`secret`](Self::secret), and call
    /// [`Experiments::settle`] every minute.
    #[cfg(feature = "experiments")]
    #[must_use]
    pub fn experiments(self, experiments: Arc<Experiments>) -> Self {
        Self { experiments: Some(experiments), ..self }
    }

    /// Where audit records go.
    #[must_use]
    pub fn audit(self, sink: Arc<dyn Sink>) -> Self {
        Self { sink, ..self }
    }

    /// What is told of every decision, also about those to whom nothing is done.
    #[must_use]
    pub fn hook(self, hook: Arc<dyn Hook>) -> Self {
        Self { hook: Some(hook), ..self }
    }

    /// Bounds other than the default ones.
    #[must_use]
    pub fn caps(self, caps: Caps) -> Self {
        Self { caps, ..self }
    }

    /// Which inference server is behind: what may be added to a request depends on it.
    #[must_use]
    pub fn server(self, server: ServerKind) -> Self {
        Self { server, ..self }
    }

    /// The service behind signs what it gets anew, as [`Upstream`](crate::upstream::Upstream) does with a
    /// [`Signer`](crate::upstream::Signer). Where none does, a request that its client has signed as AWS asks for
    /// (`AWS4-…`) goes on as it came, and one that a plan would have to change is refused.
    #[must_use]
    pub fn signs_anew(self, signs_anew: bool) -> Self {
        Self { signs_anew, ..self }
    }

    /// The deployment's secret, of 32 random bytes. Hashes of principals in the audit, and
    /// first-token delays, are the same over restarts and replicas that have the same secret.
    /// Without one they last as long as the process.
    #[must_use]
    pub fn secret(self, secret: impl Into<Secret>) -> Self {
        Self { secret: Some(secret.into()), ..self }
    }

    /// Secrets that the deployment had before its [`secret`](Self::secret), which has to be given beside
    /// them: reasoning that was sealed with one of them still opens. One is left out when the last
    /// blob of its time has expired.
    #[must_use]
    pub fn previous_secrets(self, previous: impl IntoIterator<Item = Secret>) -> Self {
        Self { previous: previous.into_iter().collect(), ..self }
    }

    /// What answers are marked with. Without them a policy's `watermark` does nothing, and the audit
    /// does not say that it did.
    #[must_use]
    pub fn marks(self, marks: Marks) -> Self {
        Self { marks: Some(Arc::new(marks)), ..self }
    }

    /// What condenses reasoning where a policy says `keep = "summary"`, and within which bounds. Without
    /// it such a policy withholds all of it.
    #[must_use]
    pub fn summarizer(self, summarizer: Arc<dyn Summarizer>, limits: SummaryLimits) -> Self {
        Self { condenser: Some(Arc::new(Condenser::new(summarizer, limits))), ..self }
    }

    /// Where rates and leases are kept: in this process, if nothing is said. It is bound when the layer
    /// is built, and stays over replacements.
    #[must_use]
    pub fn store(self, store: Arc<dyn Store>) -> Self {
        Self { store: Some(store), ..self }
    }

    /// Keeps the keys that decide now, if no secret is given: nothing that they have sealed or hashed
    /// would be known again by others.
    #[cfg(feature = "proxy")]
    pub(crate) fn keys_of(self, handle: &DefenseHandle) -> Self {
        Self { keys: Some(Arc::clone(&handle.shared.live().keys)), ..self }
    }

    /// Leaves it to the caller to tell when nothing can be graded.
    #[cfg(feature = "proxy")]
    pub(crate) fn silent(self) -> Self {
        Self { silent: true, ..self }
    }

    /// The layer. That it will do nothing, or that nobody will see what it observes, is logged.
    ///
    /// # Errors
    /// When there is no secret and the operating system gives no randomness to make one of.
    pub fn build(self) -> Result<DefenseLayer, NoRandomness> {
        if !self.silent && self.source.is_none() {
            tracing::info!(
                "no risk source was given: only requests whose extensions hold an `Assessment` are \
                 graded"
            );
        }
        let secret = self.secret.clone().map_or_else(Secret::random, Ok)?;
        let store = self.store.clone();
        let live = self.secret(secret.clone()).live()?;
        Ok(DefenseLayer { shared: Arc::new(Shared::new(live, &secret, store)) })
    }

    fn live(self) -> Result<Live, NoRandomness> {
        let Self { policy, experiments, source, reports, sink, hook, caps, server, .. } = self;
        let Self { signs_anew, secret, previous, keys, marks, condenser, .. } = self;
        if !self.silent {
            warn_if_idle(&policy, sink.keeps());
            if policy.sums_up_at().is_some() && condenser.is_none() {
                tracing::warn!(
                    policy = policy.name.as_str(),
                    "reasoning is to be condensed, and nobody does it: all of it is withheld"
                );
            }
        }
        #[cfg(feature = "experiments")]
        if let Some(experiments) = &experiments {
            experiments.write_to(&sink);
        }
        let source = match source {
            Some(source) => source,
            None => Arc::new(FromExtension::new(Context::new(Arc::clone(&reports))?)),
        };
        let keys = match (secret, keys) {
            (None, Some(keys)) => keys,
            (secret, _) => {
                Arc::new(Keys::derive(&secret.map_or_else(Secret::random, Ok)?, &previous)?)
            }
        };
        let arms = experiments.as_deref().and_then(seal_step);
        let seal_step = policy.seal_step().max(arms);
        Ok(Live {
            policy,
            experiments,
            source,
            reports,
            marks,
            condenser,
            sink,
            hook,
            caps,
            server,
            signs_anew,
            keys,
            seal_step,
        })
    }
}

impl DefenseHandle {
    /// All that is decided by now, with another policy: to be changed further, and to
    /// [replace](Self::replace) it.
    #[must_use]
    pub fn settings(&self, policy: Policy) -> DefenseBuilder {
        let live = self.shared.live();
        let Live { policy: _, experiments, source, reports, marks, condenser, .. } = &*live;
        let Live { sink, hook, caps, server, signs_anew, keys, .. } = &*live;
        DefenseBuilder {
            policy,
            experiments: experiments.clone(),
            source: Some(Arc::clone(source)),
            reports: Arc::clone(reports),
            sink: Arc::clone(sink),
            hook: hook.clone(),
            caps: *caps,
            server: *server,
            signs_anew: *signs_anew,
            secret: None,
            previous: Vec::new(),
            keys: Some(Arc::clone(keys)),
            marks: marks.clone(),
            condenser: condenser.clone(),
            store: None,
            silent: false,
        }
    }

    /// Has all requests to come be decided by these settings, together or not at all; begin with
    /// [`settings`](Self::settings) to keep what is not to change. Rates already used stay used, what
    /// is held stays counted, and marks of answers that were given can still be undone.
    ///
    /// # Errors
    /// As [`build`](DefenseBuilder::build); nothing is replaced then.
    pub fn replace(&self, settings: DefenseBuilder) -> Result<(), NoRandomness> {
        self.shared.replace(settings.live()?);
        Ok(())
    }
}

/// The coarsest step of the arms of experiments that seal reasoning.
#[cfg(feature = "experiments")]
fn seal_step(experiments: &Experiments) -> Option<NonZeroU32> {
    experiments.policies().filter_map(Policy::seal_step).max()
}

#[cfg(not(feature = "experiments"))]
fn seal_step(experiments: &Experiments) -> Option<NonZeroU32> {
    match *experiments {}
}

/// Says, when a policy is loaded, that nothing will come of it.
fn warn_if_idle(policy: &Policy, is_recorded: bool) {
    let policy_name = policy.name.as_str();
    match policy.reach() {
        Reach::Nothing => tracing::warn!(
            policy = policy_name,
            "NOTHING IS GRADED: no grade of the policy names a countermeasure"
        ),
        Reach::Records if !is_recorded => tracing::warn!(
            policy = policy_name,
            "the policy only observes, and no audit keeps what it would do"
        ),
        Reach::Records | Reach::Acts => {}
    }
}

impl<S> Layer<S> for DefenseLayer {
    type Service = Defense<S>;

    fn layer(&self, inner: S) -> Defense<S> {
        Defense::new(inner, Arc::clone(&self.shared))
    }
}
