//! The one place where the defense is put in front of the upstream.

use std::collections::BTreeMap;
use std::sync::Arc;

use tower_layer::Layer;

use super::config::Config;
use super::decided::Decided;
use super::experiments::policies;
use super::marks::marks;
use super::notices::notices;
use super::start_error::StartError;
use super::summarizer::summarizer;
use super::traces::{Traced, traced};
use crate::audit::Sink;
use crate::countermeasure::originals;
use crate::experiment::Experiments;
use crate::layer::{Caps, Defense, DefenseBuilder, DefenseHandle, DefenseLayer};
use crate::limit::Dimension;
use crate::mark::ledger::LedgerWriter;
use crate::policy::Policy;
use crate::risk::{Context, FromExtension, Reports, RiskSource};
use crate::upstream::Upstream;

/// What decides when no policy is configured: nothing is done to anyone, but risk headers are
/// stripped all the same.
const NO_POLICY: &str = "version = 1\nname = \"none\"\nmode = \"observe\"\n\
                         [[grade]]\nname = \"untouched\"\nat = 1.0\n";

/// The defended upstream.
pub(super) type Service = Defense<Decided<Traced<Upstream>>>;

/// It, and what tells of its state.
#[derive(Debug)]
pub(super) struct Stack {
    pub(super) service: Service,
    /// What makes others of it, for upstreams with other connections.
    pub(super) layer: DefenseLayer,
    pub(super) defense: DefenseHandle,
    /// What the operator may not have meant.
    pub(super) notices: Vec<String>,
}

/// Builds what every request goes through. Unknown risks are counted in `reports`, issued marks
/// recorded in `ledger`; the arms of `experiments` decide about those who are in them.
pub(super) fn stack(
    upstream: Upstream,
    config: &Config,
    experiments: Option<Arc<Experiments>>,
    audit: Arc<dyn Sink>,
    reports: Arc<Reports>,
    ledger: Option<Arc<LedgerWriter>>,
) -> Result<Stack, StartError> {
    let Live { settings, notices } = Live::of(config, experiments, audit, reports, ledger)?;
    let layer = settings.build()?;
    let service = service(&layer, upstream, config);
    Ok(Stack { defense: layer.handle(), service, layer, notices })
}

/// The defense in front of an upstream.
pub(super) fn service(layer: &DefenseLayer, upstream: Upstream, config: &Config) -> Service {
    layer.layer(Decided(traced(upstream, &config.upstream.url)))
}

/// What of a configuration decides about requests. It can be replaced while others are served; all
/// else (addresses, the upstream, files that are written) is bound at the start.
#[derive(Debug)]
pub(super) struct Live {
    pub(super) settings: DefenseBuilder,
    pub(super) notices: Vec<String>,
}

impl Live {
    pub(super) fn of(
        config: &Config,
        experiments: Option<Arc<Experiments>>,
        audit: Arc<dyn Sink>,
        reports: Arc<Reports>,
        ledger: Option<Arc<LedgerWriter>>,
    ) -> Result<Self, StartError> {
        let policy = match &config.policy {
            Some(file) => Policy::load_signed(file, &config.signers),
            None => Policy::parse("no policy", NO_POLICY),
        };
        let source: Result<Box<dyn RiskSource>, _> = match &config.risk {
            Some(settings) => settings.clone().build(Arc::clone(&reports)),
            None => Ok(Box::new(FromExtension::new(Context::new(Arc::clone(&reports))?))),
        };
        // Both were looked at when the configuration was read, and all that was wrong told together.
        let (policy, source) = (policy?, source.map_err(StartError::Risk)?);
        let notices = notices(config, &policies(&policy, experiments.as_deref()));
        let marks = marks(config, &policy, experiments.as_deref(), ledger)?;
        let summarizer = summarizer(config, &policy, experiments.as_deref())?;
        let caps = Caps {
            request_body: config.limits.max_request_body,
            // As long as a request may take that is passed on as it comes.
            request_body_time: config
                .upstream
                .first_byte_timeout
                .min(config.upstream.total_timeout),
            held: config.limits.max_held,
            held_by_principal: config.limits.max_held_per_caller,
            document: config.limits.max_document,
            event: config.limits.max_event,
            originals: config.limits.max_originals,
            ..Caps::default()
        };
        let mut builder = DefenseLayer::builder(policy)
            .risk(source)
            .audit(audit)
            .caps(caps)
            .server(config.upstream.kind)
            .signs_anew(config.signer.is_some())
            // The notices say it, once.
            .silent();
        if let Some(secret) = &config.secret {
            let previous = config.previous_secrets.iter().cloned();
            builder = builder.secret(secret.clone()).previous_secrets(previous);
        }
        if let Some(experiments) = experiments {
            builder = builder.experiments(experiments);
        }
        if let Some(marks) = marks {
            builder = builder.marks(marks);
        }
        if let Some((summarizer, settings)) = summarizer.zip(config.summarizer.as_ref()) {
            builder = builder.summarizer(summarizer, settings.limits);
        }
        Ok(Self { settings: builder, notices })
    }
}

/// The counters that the admin listener shows, by name.
pub(super) fn counters(defense: &DefenseHandle) -> BTreeMap<String, u64> {
    let limiter = defense.limiter();
    let occupancy = limiter.occupancy();
    let mut counters = BTreeMap::from([
        ("limit_subjects".to_owned(), occupancy.subjects as u64),
        ("limit_evicted".to_owned(), occupancy.evicted),
        ("limit_overflowed".to_owned(), occupancy.overflowed),
        ("held_bytes".to_owned(), defense.held() as u64),
        ("held_without_room".to_owned(), defense.without_room()),
        ("settlements_waited".to_owned(), defense.settlements().waited()),
        ("settlements_lost".to_owned(), defense.settlements().lost()),
        ("summaries_waiting".to_owned(), defense.summaries_waiting() as u64),
    ]);
    let originals::Occupancy { texts, bytes, evicted, expired, guessed, restored } =
        defense.originals().occupancy();
    counters.extend(
        [
            ("originals_texts", texts as u64),
            ("originals_bytes", bytes as u64),
            ("originals_evicted", evicted),
            ("originals_expired", expired),
            ("originals_guessed", guessed),
            ("originals_restored", restored),
        ]
        .map(|(name, count)| (name.to_owned(), count)),
    );
    for dimension in Dimension::ALL {
        let name = format!("limit_denied_{}", dimension.name().replace('-', "_"));
        counters.insert(name, limiter.denied(dimension));
    }
    for (reason, count) in defense.reports().counts() {
        counters.insert(format!("risk_{}", reason.name()), count);
    }
    counters
}
