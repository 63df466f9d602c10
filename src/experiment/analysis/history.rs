//! What was ordered while an experiment ran: by what weights units came into arms, and whether it was
//! rolled back. The proxies have written it down beside the units.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;

use crate::audit::ExperimentName;
use crate::experiment::Experiment;
use crate::experiment::register::{Event, Journal, JournalError};
use crate::experiment::running::{Stages, stem};

/// What was ordered while an experiment ran, by all of its proxies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    proxies: Vec<Proxy>,
    /// Lines that could not be read.
    pub unread: u64,
}

/// The weights of one proxy, from when on, in the order of the arms; 0 of a closed one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Proxy {
    weights: Vec<(Timestamp, Vec<u32>)>,
    rolled_back: Option<RolledBack>,
}

/// A rollback that lasts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct RolledBack {
    /// Since when every unit meets the control arm's policy, and nothing is counted.
    pub since: Timestamp,
    /// In the words of the proxy.
    pub why: String,
    /// The arm whose guardrail was broken, if it was for that and not by order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arm: Option<String>,
}

impl History {
    /// Reads the `state_dir` of each proxy.
    ///
    /// # Errors
    /// When a folder has nothing of the experiment, or it cannot be read.
    pub fn read(folders: &[PathBuf], experiment: &Experiment) -> Result<Self, JournalError> {
        let mut history = Self::default();
        folders.iter().try_for_each(|folder| history.add(folder, experiment))?;
        Ok(history)
    }

    fn add(&mut self, folder: &Path, experiment: &Experiment) -> Result<(), JournalError> {
        let name = ExperimentName { name: experiment.name.clone(), salt: experiment.salt.clone() };
        let arms: Vec<&Arc<str>> = experiment.arms.iter().map(|arm| &arm.name).collect();
        let mut proxy = Proxy::default();
        self.unread += Journal::events(folder, &stem(&name), |event| match event {
            Event::RolledBack { time, why, arm } => {
                proxy.rolled_back = Some(RolledBack { since: time, why, arm });
            }
            Event::Resumed { .. } => proxy.rolled_back = None,
            Event::Weights { time, arms: weights } => {
                let of = |arm: &&Arc<str>| weights.get(&***arm).copied().unwrap_or(0);
                proxy.weights.push((time, arms.iter().map(of).collect()));
            }
        })?;
        self.proxies.push(proxy);
        Ok(())
    }

    /// The rollbacks that last, one of each proxy at most.
    pub(super) fn rolled_back(&self) -> impl Iterator<Item = &RolledBack> {
        self.proxies.iter().filter_map(|proxy| proxy.rolled_back.as_ref())
    }

    /// The times between changes of the weights, with no unit yet. Where proxies disagree, as while
    /// one after the other is given new weights, none hold, and neither before the first.
    pub(super) fn stages(&self) -> Option<Stages> {
        let changes = self.proxies.iter().flat_map(|proxy| &proxy.weights);
        let mut times: Vec<Timestamp> = changes.map(|(time, _)| *time).collect();
        times.sort_unstable();
        let mut stages = Stages::default();
        stages.begin(Timestamp::MIN, Vec::new());
        for time in &times {
            let mut known = self.proxies.iter().filter_map(|proxy| proxy.at(*time));
            let weights = known.next().filter(|first| known.all(|other| other == *first));
            stages.begin(*time, weights.map(<[u32]>::to_vec).unwrap_or_default());
        }
        (!times.is_empty()).then_some(stages)
    }
}

impl Proxy {
    /// The weights that held at a moment; `None` before the first.
    fn at(&self, time: Timestamp) -> Option<&[u32]> {
        let held = self.weights.iter().rev().find(|(since, _)| *since <= time);
        held.map(|(_, weights)| weights.as_slice())
    }
}
