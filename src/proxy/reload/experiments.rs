//! The experiments of another configuration, in place of those that are run.

use std::sync::Arc;

use crate::experiment::{Experiment, Experiments, RunSettings};
use crate::proxy::config::Config;
use crate::proxy::start_error::StartError;
use crate::secret::Secret;

/// Those of `config`, which follow the ones `before`. Blocks while their state is read.
pub(super) fn follow(
    config: &Config,
    before: Option<&Experiments>,
) -> Result<Option<Arc<Experiments>>, StartError> {
    let (files, settings) = match &config.experiments {
        Some(experiments) => (experiments.files.as_slice(), experiments.settings()),
        // What units have met in those that end is still to be written.
        None if before.is_some() => ([].as_slice(), RunSettings::default()),
        None => return Ok(None),
    };
    let load = |file| Experiment::load_signed(file, &config.signers);
    let experiments: Result<Vec<_>, _> = files.iter().map(load).collect();
    // A configuration with experiments has a secret.
    let secret = config.secret.clone().map_or_else(Secret::random, Ok)?;
    Ok(Some(Arc::new(Experiments::follow(before, experiments?, &secret, &settings)?)))
}
