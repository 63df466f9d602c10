//! Experiments while clients are served: taken up at the start, settled meanwhile, told of and
//! ordered by the admin listener.

use std::fmt::Error;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use jiff::Timestamp;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use serde_json::Value;
use tokio::task::spawn_blocking;
use tokio::time::sleep;

use super::config::Config;
use super::start_error::StartError;
use crate::audit::JsonLines;
use crate::experiment::{Experiment, Experiments, RunSettings, Running, State, Status};
use crate::layer::DefenseHandle;
use crate::policy::Policy;
use crate::secret::Secret;

/// How often is looked whether there are experiments, where there are none.
const WITHOUT: Duration = Duration::from_secs(60);

/// How long the lines of one part of the units may take to be written.
const FLUSH: Duration = Duration::from_secs(5);

/// The experiments of a configuration; where nothing may be written, without their state.
pub(super) fn begin(config: &Config, writes: bool) -> Result<Option<Arc<Experiments>>, StartError> {
    let Some(settings) = &config.experiments else { return Ok(None) };
    let experiments: Result<Vec<_>, _> =
        settings.files.iter().map(|file| Experiment::load_signed(file, &config.signers)).collect();
    // Without a secret the configuration has not been read without an error.
    let secret = config.secret.clone().map_or_else(Secret::random, Ok)?;
    let run = settings.settings();
    let run = if writes { run } else { RunSettings { state: None, ..run } };
    Ok(Some(Arc::new(Experiments::begin(experiments?, &secret, &run)?)))
}

/// The first policy of an arm that marks answers, and where it says so.
pub(super) fn marks_at(experiments: &Experiments) -> Option<String> {
    first_arm(experiments, Policy::marks_at)
}

/// The first that has reasoning condensed.
pub(super) fn sums_up_at(experiments: &Experiments) -> Option<String> {
    first_arm(experiments, Policy::sums_up_at)
}

fn first_arm(experiments: &Experiments, at: fn(&Policy) -> Option<usize>) -> Option<String> {
    experiments.each().iter().find_map(|running| {
        let Experiment { name, arms, .. } = running.experiment();
        arms.iter().find_map(|arm| {
            let line = at(&arm.policy)?;
            Some(format!("experiment {name}, arm {}: {}:{line}", arm.name, arm.policy.name))
        })
    })
}

/// The policies that may decide: the configured one, and those of all arms.
pub(super) fn policies<'p>(
    policy: &'p Policy,
    experiments: Option<&'p Experiments>,
) -> Vec<&'p Policy> {
    let arms = experiments.into_iter().flat_map(Experiments::policies);
    std::iter::once(policy).chain(arms).collect()
}

/// Writes what units met, a part of them at a time, and looks once in each interval whether the
/// experiments may go on. Which there are, and the interval, may change meanwhile.
pub(super) async fn settle(defense: DefenseHandle, config: Arc<ArcSwap<Config>>) {
    loop {
        let interval = config.load().experiments.as_ref().map_or(WITHOUT, |it| it.interval);
        let Some(experiments) = defense.experiments() else {
            sleep(interval).await;
            continue;
        };
        let parts = experiments.parts();
        // Not to be kept longer than it decides.
        drop(experiments);
        for part in 0..parts {
            sleep(interval / u32::try_from(parts).unwrap_or(u32::MAX).max(1)).await;
            if let Some(experiments) = defense.experiments() {
                experiments.settle_part(part);
            }
        }
        let Some(looked) = defense.experiments() else { continue };
        // What follows is written to the disk.
        if let Err(error) = spawn_blocking(move || looked.look(Timestamp::now())).await {
            tracing::error!(%error, "the experiments are not watched");
        }
    }
}

/// Writes what is left at the end; blocks. Whether all was written.
pub(super) fn finish(experiments: &Experiments, audit: Option<&JsonLines>) -> bool {
    let mut all = true;
    for part in 0..experiments.parts() {
        experiments.settle_part(part);
        all &= audit.is_none_or(|audit| audit.lines().flush(FLUSH));
    }
    experiments.look(Timestamp::now());
    experiments.flush(FLUSH) && all
}

/// What a person orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    RollBack,
    Resume,
}

impl Order {
    /// The experiment and the order that a path names.
    pub(super) fn of(path: &str) -> Option<(&str, Self)> {
        let (name, order) = path.strip_prefix("/experiments/")?.split_once('/')?;
        match order {
            "rollback" => Some((name, Self::RollBack)),
            "resume" => Some((name, Self::Resume)),
            _ => None,
        }
    }

    /// Does it; blocks. What its state is then, or why it could not be written.
    pub(super) fn give(self, running: &Running) -> Result<Status, std::io::Error> {
        let now = Timestamp::now();
        match self {
            Self::RollBack => running.roll_back("by order of a person", now)?,
            Self::Resume => running.resume(now)?,
        };
        Ok(running.status(now))
    }
}

/// What is told of the experiments.
#[derive(Clone, Debug)]
pub(super) struct ExperimentState(pub(super) DefenseHandle);

impl ExperimentState {
    fn each(&self) -> Vec<Status> {
        let now = Timestamp::now();
        let Some(experiments) = self.0.experiments() else { return Vec::new() };
        experiments.each().iter().map(|running| running.status(now)).collect()
    }

    /// As the status has it; nothing where there are none.
    pub(super) fn status(&self) -> Option<Value> {
        self.0.experiments()?;
        let each = self.each().into_iter().map(serde_json::to_value);
        Some(each.filter_map(Result::ok).collect())
    }

    /// The one of this name.
    pub(super) fn named(&self, name: &str) -> Option<Arc<Running>> {
        self.0.experiments()?.named(name).cloned()
    }
}

impl Collector for ExperimentState {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), Error> {
        let each = self.each();
        if each.is_empty() {
            return Ok(());
        }
        let gauge = ConstGauge::new(0_i64).metric_type();
        let (name, help) = ("experiment_state", "1 for the state of each experiment");
        let mut family = encoder.encode_descriptor(name, help, None, gauge)?;
        for status in &each {
            for state in State::ALL {
                let labels = [("experiment", status.name.name.as_str()), ("state", state.name())];
                let is = ConstGauge::new(i64::from(state == status.state));
                is.encode(family.encode_family(&labels)?)?;
            }
        }
        let (name, help) = ("experiment_units", "Units that came into each arm");
        let mut family = encoder.encode_descriptor(name, help, None, gauge)?;
        for status in &each {
            for arm in &status.arms {
                let labels =
                    [("experiment", status.name.name.as_str()), ("arm", arm.name.as_str())];
                let units = ConstGauge::new(i64::try_from(arm.units).unwrap_or(i64::MAX));
                units.encode(family.encode_family(&labels)?)?;
            }
        }
        let counter = ConstCounter::new(0_u64).metric_type();
        type Count = fn(&Status) -> u64;
        let counts: [(&str, &str, Count); 3] = [
            ("experiment_contaminated", "Units of several arms that were linked", |it| {
                it.contaminated
            }),
            (
                "experiment_without_room",
                "Requests of new units for which there was no room",
                |it| it.without_room,
            ),
            ("experiment_state_lost", "Lines of the state that were lost", |it| it.lost),
        ];
        for (name, help, count) in counts {
            let mut family = encoder.encode_descriptor(name, help, None, counter)?;
            for status in &each {
                let labels = [("experiment", status.name.name.as_str())];
                ConstCounter::new(count(status)).encode(family.encode_family(&labels)?)?;
            }
        }
        Ok(())
    }
}
