//! The one place where the defense is put in front of the upstream.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use tower_layer::{Identity, Layer};

use super::config::Config;
use super::run::StartError;
use super::upstream::Upstream;
use crate::audit::{PolicyIdentity, Sink};

/// What the admin listener can tell of the defense.
pub trait DefenseStatus: Send + Sync + fmt::Debug {
    /// The policy that decides now.
    fn policy(&self) -> PolicyIdentity;

    /// Counters of limits and risk sources, by name.
    fn counters(&self) -> BTreeMap<&'static str, u64>;
}

/// The layer around the upstream.
type Defense = Identity;

/// What every request goes through.
type Defended = <Defense as Layer<Upstream>>::Service;

/// The defended upstream, and what the defense tells of itself.
#[derive(Debug)]
pub(super) struct Stack {
    pub(super) service: Defended,
    pub(super) status: Option<Arc<dyn DefenseStatus>>,
}

/// Builds the stack that every request goes through.
pub(super) fn stack(
    upstream: Upstream,
    config: &Config,
    _audit: Arc<dyn Sink>,
) -> Result<Stack, StartError> {
    // Better not to start than to look like a defense and be none.
    if config.policy.is_some() || !config.risk.is_empty() {
        return Err(StartError::NoDefense);
    }
    Ok(Stack { service: Defense::new().layer(upstream), status: None })
}
