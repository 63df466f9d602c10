//! The experiments that are run at one time.

use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use super::register::{JournalError, PARTS};
use super::running::{Choice, Counted, Names, RunSettings, Running};
use super::settings::{Experiment, UnitKind};
use crate::audit::{AuditKey, Sink};
use crate::policy::Policy;
use crate::risk::Assessment;
use crate::secret::Secret;

/// How long what is known of units may take to be written before an experiment is followed.
const FLUSH: Duration = Duration::from_secs(5);

/// Experiments, and the state of each. A caller is in one of them at most: each arm is a whole
/// policy.
///
/// What units met is written when somebody says so: `guilloche serve` does; who embeds the layer
/// calls [`settle`](Self::settle) every minute and at the end.
#[derive(Debug)]
pub struct Experiments {
    running: Vec<Arc<Running>>,
    key: AuditKey,
    secret: Secret,
    settings: RunSettings,
    /// Those that others have followed, while requests are under way that began with them.
    followed: Mutex<Vec<Arc<Running>>>,
}

/// Experiments cannot be run together, or their state cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BeginError {
    /// Everything that is wrong with them.
    #[error("{}", .0.join("\n"))]
    Together(Vec<String>),
    /// A file of their state.
    #[error(transparent)]
    State(#[from] JournalError),
}

impl Experiments {
    /// Takes up experiments where their state leaves off. `secret` is the deployment's: the layer must
    /// have the same, so that units are called alike wherever they are written.
    ///
    /// # Errors
    /// When they cannot be run together, or a file of their state cannot be read.
    pub fn begin(
        experiments: Vec<Experiment>,
        secret: &Secret,
        settings: &RunSettings,
    ) -> Result<Self, BeginError> {
        Self::follow(None, experiments, secret, settings)
    }

    /// Takes up experiments in place of those `before`. One that is as it was goes on with all that it
    /// knows; one that has changed is taken up where its state leaves off, as after a restart, and
    /// what requests meet that are under way in the one before is still written. Blocks while the state
    /// is.
    ///
    /// # Errors
    /// As [`begin`](Self::begin); those before go on then.
    pub fn follow(
        before: Option<&Self>,
        experiments: Vec<Experiment>,
        secret: &Secret,
        settings: &RunSettings,
    ) -> Result<Self, BeginError> {
        let problems = Self::problems(&experiments);
        if !problems.is_empty() {
            return Err(BeginError::Together(problems));
        }
        let alike =
            before.filter(|it| it.secret.expose() == secret.expose() && it.settings == *settings);
        let now = Timestamp::now();
        let mut taken: Vec<(String, f64)> = Vec::new();
        let mut running = Vec::new();
        for experiment in experiments {
            let part = part(&experiment, &mut taken);
            let same = alike.and_then(|before| {
                before.running.iter().find(|running| running.is_run(&experiment, &part))
            });
            if let Some(same) = same {
                running.push(Arc::clone(same));
                continue;
            }
            let changed = before.and_then(|before| before.named(&experiment.name));
            if changed.is_some_and(|changed| !changed.flush(FLUSH)) {
                let experiment = experiment.name.as_str();
                tracing::warn!(experiment, "some units of the experiment before are not written");
            }
            running.push(Arc::new(Running::begin(experiment, part, secret, settings, now)?));
        }
        let followed = before.map(|before| before.followed_by(&running)).unwrap_or_default();
        Ok(Self {
            running,
            key: AuditKey::of_deployment(secret),
            secret: secret.clone(),
            settings: settings.clone(),
            followed: Mutex::new(followed),
        })
    }

    /// What is not among those that follow, and those that it had followed itself.
    fn followed_by(&self, running: &[Arc<Running>]) -> Vec<Arc<Running>> {
        let ends = |it: &&Arc<Running>| !running.iter().any(|other| Arc::ptr_eq(it, other));
        let ended = self.running.iter().filter(ends).cloned();
        ended.chain(self.followed().iter().cloned()).collect()
    }

    fn followed(&self) -> MutexGuard<'_, Vec<Arc<Running>>> {
        // Nothing panics while it is held.
        self.followed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Why experiments cannot be run together, if they cannot.
    #[must_use]
    pub fn problems(experiments: &[Experiment]) -> Vec<String> {
        let mut problems = Vec::new();
        for (index, one) in experiments.iter().enumerate() {
            for other in experiments.iter().skip(index + 1) {
                let (first, second) = (&one.name, &other.name);
                if first == second {
                    problems.push(format!("two experiments are named {first:?}"));
                    continue;
                }
                if one.start >= other.end || other.start >= one.end {
                    continue;
                }
                if one.layer.is_none() || one.layer != other.layer {
                    problems.push(format!(
                        "{first:?} and {second:?} are run at the same time, and a caller can meet one \
                         policy only: give both the same `layer`, and each a `share` of it"
                    ));
                } else if kind(one) != kind(other) {
                    problems.push(format!(
                        "{first:?} and {second:?} share a layer and not the kind of unit, so that one \
                         caller could be in both"
                    ));
                }
            }
        }
        let layers = experiments.iter().filter_map(|it| it.layer.as_ref());
        let mut layers: Vec<&String> = layers.collect();
        layers.sort();
        layers.dedup();
        for layer in layers {
            let of = experiments.iter().filter(|it| it.layer.as_ref() == Some(layer));
            let sum: f64 = of.map(|it| it.share).sum();
            if sum > 1.0 + 1e-9 {
                problems.push(format!("the shares of layer {layer:?} come to {sum}, more than 1"));
            }
        }
        problems
    }

    /// Each of them, in the order in which they were given.
    #[must_use]
    pub fn each(&self) -> &[Arc<Running>] {
        &self.running
    }

    /// The one of this name.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<&Arc<Running>> {
        self.running.iter().find(|running| running.name().name == name)
    }

    /// The policies of all arms.
    pub fn policies(&self) -> impl Iterator<Item = &Policy> {
        let arms = self.running.iter().flat_map(|running| &running.experiment().arms);
        arms.map(|arm| &*arm.policy)
    }

    /// Writes what units met since the last time, and looks whether each experiment may go on.
    pub fn settle(&self, now: Timestamp) {
        (0..self.parts()).for_each(|part| self.settle_part(part));
        self.look(now);
    }

    /// Writes what the units of one of the [parts](Self::parts) met, so that not all is written at one
    /// time.
    pub fn settle_part(&self, part: usize) {
        self.running.iter().for_each(|running| running.settle_part(part));
        self.followed().iter().for_each(|followed| followed.settle_part(part));
    }

    /// Lets go of those before that no request is under way in, once all that they met is written.
    fn let_go(&self) {
        // Nobody can take one up anew: whoever has one has had it since before it was followed.
        let (ended, used): (Vec<_>, Vec<_>) = std::mem::take(&mut *self.followed())
            .into_iter()
            .partition(|it| Arc::strong_count(it) == 1);
        *self.followed() = used;
        for part in 0..self.parts() {
            ended.iter().for_each(|ended| ended.settle_part(part));
        }
    }

    /// In how many parts units are kept.
    #[must_use]
    pub fn parts(&self) -> usize {
        PARTS
    }

    /// Looks whether a guardrail is broken and whether the arms are filled as they were to be, and does
    /// what follows. Blocks while that is written.
    pub fn look(&self, now: Timestamp) {
        self.running.iter().for_each(|running| running.look(now));
        self.let_go();
    }

    /// Waits until what is remembered of units is written, at most for `patience` each. Blocks the
    /// thread. Whether all was.
    #[must_use]
    pub fn flush(&self, patience: Duration) -> bool {
        self.running.iter().all(|running| running.flush(patience))
    }

    /// Where the sums of units are written from now on.
    pub(crate) fn write_to(&self, sink: &Arc<dyn Sink>) {
        self.running.iter().for_each(|running| running.write_to(sink));
    }

    /// Whether a caller reaches no grade of any arm, and whether the request counts for a unit. `None`
    /// where a decision has to be taken.
    pub(crate) fn unreached(
        &self,
        assessment: &Assessment,
        now: Timestamp,
    ) -> Option<Option<Counted>> {
        if !self.policies().all(|policy| policy.reaches_none(&assessment.risk)) {
            return None;
        }
        self.choose(assessment, now).map_or(Some(None), Choice::unreached)
    }

    /// The experiment that a request is part of, if there is one.
    pub(crate) fn choose(&self, assessment: &Assessment, now: Timestamp) -> Option<Choice<'_>> {
        let names = Names::new(&self.key, &assessment.principal);
        let mut running = self.running.iter().filter(|it| it.experiment().runs(now));
        let first = running.next()?;
        let Some(second) = running.next() else { return first.choose(assessment, &names, now) };
        // Who is known to one of a layer stays there, whatever the detector has linked since.
        let all = || [first, second].into_iter().chain(running.clone());
        let knows = |it: &&Arc<Running>| it.knows(&assessment.principal, &names, now);
        let by_account = all().find(|it| knows(it).0);
        match by_account.or_else(|| all().find(|it| knows(it).1)) {
            Some(known) => known.choose(assessment, &names, now),
            None => all().find_map(|running| running.choose(assessment, &names, now)),
        }
    }
}

/// The part of its layer's units that an experiment takes, behind what is `taken` already.
fn part(experiment: &Experiment, taken: &mut Vec<(String, f64)>) -> Range<f64> {
    let Some(layer) = &experiment.layer else { return 0.0..experiment.share };
    let before = taken.iter_mut().find(|(name, _)| name == layer);
    let start = before.as_ref().map_or(0.0, |(_, end)| *end);
    let end = (start + experiment.share).min(1.0);
    match before {
        Some((_, taken)) => *taken = end,
        None => taken.push((layer.clone(), end)),
    }
    start..end
}

fn kind(experiment: &Experiment) -> u8 {
    match experiment.unit {
        UnitKind::Cluster => 0,
        UnitKind::Account => 1,
        UnitKind::Slot(_) => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::risk::{AccountId, ClusterId, Principal, Risk, UnknownReason};

    fn experiments(state: Option<std::path::PathBuf>, names: &[&str]) -> Experiments {
        follow(None, state, names, "0.5").unwrap()
    }

    /// The same in place of others, with a policy that begins at this score.
    fn follow(
        before: Option<&Experiments>,
        state: Option<std::path::PathBuf>,
        names: &[&str],
        at: &str,
    ) -> Result<Experiments, BeginError> {
        let policy = format!(
            "version = 1\nname = \"p\"\nmode = \"enforce\"\n[[grade]]\nname = \"g\"\nat = {at}\n"
        );
        let parse = |name: &&str| {
            let share = 1.0 / names.len() as f64;
            let text = format!(
                "version = 1\nname = \"{name}\"\nsalt = \"s\"\nstart = 2026-01-01\nend = 2100-01-01\n\
                 layer = \"l\"\nshare = {share:?}\n\
                 [[arm]]\nname = \"a\"\npolicy = \"a\"\ncontrol = true\n[[arm]]\nname = \"b\"\npolicy = \"b\"\n\
                 [[metric]]\nname = \"requests\"\nrole = \"success\"\nbetter = \"lower\"\nscale = \"log\"\n"
            );
            Experiment::parse("e.toml", &text, |name| Policy::parse(name, &policy)).unwrap()
        };
        let settings = RunSettings { state, ..RunSettings::default() };
        let parsed = names.iter().map(parse).collect();
        Experiments::follow(before, parsed, &Secret::new([7; 32]), &settings)
    }

    fn caller(account: usize, cluster: Option<usize>) -> Assessment {
        let cluster = cluster.map(|it| ClusterId::new(&format!("c-{it}")).unwrap());
        let account = AccountId::new(&format!("a-{account}")).unwrap();
        let principal = Principal { cluster, ..Principal::of(account) };
        Assessment { principal, risk: Risk::Unknown(UnknownReason::Absent) }
    }

    // Break it: ask the experiments in their order, whoever is known to them.
    #[test]
    fn who_is_in_one_experiment_of_a_layer_stays_there_whatever_is_linked() {
        let experiments = experiments(None, &["one", "other"]);
        let now = Timestamp::now();
        let units = || -> Vec<u64> {
            let each = experiments.each().iter().map(|running| running.status(now));
            each.map(|status| status.arms.iter().map(|arm| arm.units).sum()).collect()
        };
        for account in 0..200 {
            assert!(experiments.choose(&caller(account, None), now).is_some());
        }
        let before = units();
        assert!(before.iter().all(|units| *units > 50) && before.iter().sum::<u64>() == 200);
        for account in 0..200 {
            assert!(experiments.choose(&caller(account, Some(account)), now).is_some());
        }
        assert_eq!(units(), before);
    }

    // Break it: begin all anew, or let go of what has changed before its requests have ended.
    #[test]
    fn what_is_as_it_was_goes_on_and_what_has_changed_is_taken_up_where_its_state_leaves_off() {
        let folder = std::env::temp_dir().join(format!("guilloche-follow-{}", std::process::id()));
        let state = || Some(folder.clone());
        let now = Timestamp::now();
        let units = |of: &Experiments| -> u64 {
            let each = of.each().iter().map(|running| running.status(now));
            each.flat_map(|status| status.arms).map(|arm| arm.units).sum()
        };
        let first = experiments(state(), &["one"]);
        for account in 0..50 {
            assert!(first.choose(&caller(account, None), now).is_some());
        }
        let same = follow(Some(&first), state(), &["one"], "0.5").unwrap();
        assert!(Arc::ptr_eq(&first.each()[0], &same.each()[0]));
        drop(first);

        let changed = follow(Some(&same), state(), &["one"], "0.6").unwrap();
        assert!(!Arc::ptr_eq(&same.each()[0], &changed.each()[0]));
        assert_eq!((units(&changed), changed.followed().len()), (50, 1));
        changed.look(now);
        assert_eq!(changed.followed().len(), 1, "a request may be under way in it");
        drop(same);
        changed.look(now);
        assert_eq!(changed.followed().len(), 0);

        let none = follow(Some(&changed), state(), &[], "0.6").unwrap();
        assert!(none.choose(&caller(0, None), now).is_none());
        assert_eq!(none.followed().len(), 1);
        std::fs::remove_dir_all(folder).unwrap();
    }

    // Break it: take what was rolled back once for written.
    #[test]
    fn a_rollback_that_cannot_be_written_holds_and_is_written_when_it_can_be() {
        let folder = std::env::temp_dir().join(format!("guilloche-begun-{}", std::process::id()));
        let now = Timestamp::now();
        let begin = || experiments(Some(folder.clone()), &["e"]);
        let begun = begin();
        let running = begun.named("e").unwrap();
        let mut files = std::fs::read_dir(&folder).unwrap().map(|file| file.unwrap().path());
        let events = files.find(|path| path.to_string_lossy().ends_with(".events.jsonl")).unwrap();
        let aside = folder.join("aside");
        std::fs::rename(&events, &aside).unwrap();
        std::fs::create_dir(&events).unwrap();
        for _ in 0..2 {
            assert!(running.roll_back("harm", now).is_err());
            let status = running.status(now);
            assert!(status.unwritten && status.state == super::super::running::State::RolledBack);
        }
        std::fs::remove_dir(&events).unwrap();
        std::fs::rename(&aside, &events).unwrap();
        begun.look(now);
        assert!(!running.status(now).unwritten);
        drop(begun);
        let again = begin();
        assert_eq!(again.named("e").unwrap().status(now).why.as_deref(), Some("harm"));
        std::fs::remove_dir_all(folder).unwrap();
    }
}
