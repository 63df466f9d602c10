//! An experiment while requests are served: who is in which arm, what they met, and whether it may
//! go on.

mod choice;
mod counted;
mod guard;
mod guards;
mod kept;
mod ratio;
mod status;

use std::io;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use jiff::Timestamp;

pub(super) use choice::Names;
pub(crate) use choice::{Choice, Chosen};
pub(crate) use counted::{Counted, Met, TurnedAway};
pub use status::{ArmStatus, GuardrailStatus, State, Status};

use super::assignment::Assignment;
use super::register::{Entry, Event, Journal, JournalError, Key, Register};
use super::settings::{Experiment, OnMismatch};
use crate::audit::{ExperimentName, Sink, UnitJoined, UnitName, UnitSummary, UnitSums};
use crate::secret::{Secret, opaque_debug};
use guards::Guards;
pub(super) use ratio::{Stage, Stages};

/// How an experiment is run, beside what its file says.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RunSettings {
    /// Where what must outlive the process is written; without a folder it does not.
    pub state: Option<PathBuf>,
    /// How long after it was first seen a unit's values are watched by the guardrails.
    pub window: Duration,
    /// The most accounts and clusters that are known, of each experiment. Past it units that are new
    /// are outside of it.
    pub most_units: usize,
}

impl Default for RunSettings {
    fn default() -> Self {
        Self {
            state: None,
            window: Duration::from_secs(600),
            most_units: super::register::MOST_MEMBERS,
        }
    }
}

/// One experiment that is run.
pub struct Running {
    experiment: Experiment,
    name: ExperimentName,
    /// Of its layer's units.
    part: Range<f64>,
    assignment: Assignment,
    register: Register,
    journal: Option<Journal>,
    state: AtomicU8,
    stopped: Mutex<Stopped>,
    guards: Mutex<Guards>,
    /// Held by whoever writes to the disk, and by nobody who serves a request.
    writing: Mutex<()>,
    /// Units that came when there was no room for them.
    without_room: AtomicU64,
    /// Units that have come together from several arms.
    contaminated: AtomicU64,
    sink: RwLock<Option<Arc<dyn Sink>>>,
}

opaque_debug!(Running);

/// How an experiment came to another state than that of running.
#[derive(Default)]
struct Stopped {
    /// Since when, and why.
    since: Option<Stop>,
    /// The disk does not have it yet.
    unwritten: bool,
    /// When it was resumed last.
    resumed: Option<Timestamp>,
}

/// When it was stopped, and why.
#[derive(Clone)]
struct Stop {
    time: Timestamp,
    why: String,
    /// The arm whose guardrail was broken, if it was for that.
    arm: Option<String>,
}

/// What units come to.
const RUNS: u8 = 0;
const HELD: u8 = 1;
const ROLLED_BACK: u8 = 2;

impl Running {
    /// Takes up an experiment where the state that was written of it leaves off.
    pub(super) fn begin(
        experiment: Experiment,
        part: Range<f64>,
        secret: &Secret,
        settings: &RunSettings,
        now: Timestamp,
    ) -> Result<Self, JournalError> {
        let assignment = Assignment::new(secret, &experiment, part.clone());
        let name = ExperimentName { name: experiment.name.clone(), salt: experiment.salt.clone() };
        let arms: Vec<_> = experiment.arms.iter().map(|arm| Arc::clone(&arm.name)).collect();
        let weights: Vec<u32> =
            experiment.arms.iter().map(|arm| if arm.closed { 0 } else { arm.weight }).collect();
        let (mut stages, mut stopped) = (Stages::default(), Stopped::default());
        let opened = settings.state.as_ref().map(|folder| {
            Journal::open(folder, &stem(&name), arms.clone(), |event| match event {
                Event::RolledBack { time, why, arm } => {
                    stopped.since = Some(Stop { time, why, arm });
                }
                Event::Resumed { time } => {
                    (stopped.since, stopped.resumed) = (None, Some(time));
                    stages.begin_anew(time);
                }
                Event::Weights { time, arms: weights } => {
                    let of = |arm: &Arc<str>| weights.get(&**arm).copied().unwrap_or(0);
                    stages.begin(time, arms.iter().map(of).collect());
                }
            })
        });
        let opened = opened.transpose()?;
        let register = Register::new(settings.most_units, stages);
        let journal = opened.map(|opened| opened.units(|entry| register.replay(entry)));
        let journal = journal.transpose()?;
        let mut guards = Guards::new(&experiment, settings.window, now);
        let kept = journal.as_ref().and_then(Journal::kept);
        if kept.is_some_and(|kept| !guards.take_up(&kept, stopped.resumed)) {
            let experiment = name.name.as_str();
            tracing::warn!(experiment, "guardrails begin anew: others were watched before");
        }
        let running = Self {
            state: AtomicU8::new(if stopped.since.is_some() { ROLLED_BACK } else { RUNS }),
            stopped: Mutex::new(stopped),
            experiment,
            name,
            part,
            assignment,
            register,
            journal,
            guards: Mutex::new(guards),
            writing: Mutex::new(()),
            without_room: AtomicU64::new(0),
            contaminated: AtomicU64::new(0),
            sink: RwLock::new(None),
        };
        if running.register.changing().begin(now, weights.clone()) {
            let arms = arms.iter().map(|arm| arm.to_string()).zip(weights).collect();
            running.order(&Event::Weights { time: now, arms });
        }
        // What was held for a mismatch is so again.
        running.look_at_ratio(now);
        Ok(running)
    }

    /// Its name and salt.
    #[must_use]
    pub fn name(&self) -> &ExperimentName {
        &self.name
    }

    /// What is run.
    #[must_use]
    pub fn experiment(&self) -> &Experiment {
        &self.experiment
    }

    /// Whether it is this experiment that is run, with this part of its layer's units: as its file and
    /// those of its arms' policies have it, to the letter.
    pub(super) fn is_run(&self, experiment: &Experiment, part: &Range<f64>) -> bool {
        let Experiment { name, revision, .. } = &self.experiment;
        *name == experiment.name && *revision == experiment.revision && self.part == *part
    }

    /// Sends every unit to the control arm, at once; `why` is told to whoever asks. It stays so, over
    /// restarts too, until it is [resumed](Self::resume). Whether it was not so before.
    ///
    /// # Errors
    /// When it cannot be written. It holds all the same, and is written as soon as that can be.
    pub fn roll_back(&self, why: &str, now: Timestamp) -> io::Result<bool> {
        self.roll_back_for(None, why, now)
    }

    /// The same for the harm that an arm does, if it is for that.
    fn roll_back_for(&self, arm: Option<&str>, why: &str, now: Timestamp) -> io::Result<bool> {
        let mut stopped = self.stopped();
        let is_new = self.state.swap(ROLLED_BACK, Ordering::SeqCst) != ROLLED_BACK;
        if is_new {
            let arm = arm.map(str::to_owned);
            stopped.since = Some(Stop { time: now, why: why.to_owned(), arm });
            stopped.unwritten = true;
            let experiment = self.name.name.as_str();
            tracing::error!(
                experiment,
                why,
                "rolled back: every unit meets the control arm's policy"
            );
        }
        drop(stopped);
        self.write_rollback().map(|()| is_new)
    }

    /// Writes a rollback that the disk does not have yet.
    fn write_rollback(&self) -> io::Result<()> {
        let _writing = self.writing();
        let stopped = self.stopped();
        let since = stopped.since.clone().filter(|_| stopped.unwritten);
        drop(stopped);
        if let Some(Stop { time, why, arm }) = since {
            self.write(&Event::RolledBack { time, why, arm })?;
            self.stopped().unwritten = false;
        }
        Ok(())
    }

    /// Has the experiment go on, each unit in the arm that it was in; its guardrails and the comparison
    /// of the arms' sizes begin anew. Whether it had been rolled back or held.
    ///
    /// # Errors
    /// When it cannot be written; it is not resumed then.
    pub fn resume(&self, now: Timestamp) -> io::Result<bool> {
        let _writing = self.writing();
        if self.state.load(Ordering::SeqCst) == RUNS {
            return Ok(false);
        }
        self.write(&Event::Resumed { time: now })?;
        self.guards().begin_anew(now);
        self.register.changing().begin_anew(now);
        let mut stopped = self.stopped();
        *stopped = Stopped { resumed: Some(now), ..Stopped::default() };
        self.state.store(RUNS, Ordering::SeqCst);
        drop(stopped);
        tracing::warn!(experiment = self.name.name.as_str(), "resumed");
        Ok(true)
    }

    /// Writes what units of one part met since the last time to where the audit goes.
    pub(super) fn settle_part(&self, part: usize) {
        for (key, sums) in self.register.take(part) {
            self.write_unit(key, sums);
        }
    }

    /// Looks whether a guardrail is broken or the arms are not filled as they were to be. What follows
    /// holds before it is written.
    pub(super) fn look(&self, now: Timestamp) {
        self.look_at_ratio(now);
        let mut guards = self.guards();
        let closed = guards.close(now);
        let broken = guards.broken();
        drop(guards);
        if let Some(broken) = broken.filter(|_| self.state.load(Ordering::SeqCst) != ROLLED_BACK) {
            let why = format!("guardrail {} of arm {}", broken.metric, broken.arm);
            self.roll_back_or_tell(Some(&broken.arm), &why, now);
        }
        self.tell_of_disk(self.write_rollback(), "the rollback is lost at a restart");
        if let Some(journal) = self.journal.as_ref().filter(|_| closed) {
            let _writing = self.writing();
            let resumed = self.stopped().resumed;
            let kept = self.guards().kept(resumed);
            let lost = "what guardrails found is lost at a restart";
            self.tell_of_disk(journal.keep(&kept), lost);
        }
    }

    fn look_at_ratio(&self, now: Timestamp) {
        if self.state.load(Ordering::SeqCst) != RUNS {
            return;
        }
        let Some(ratio) = self.register.changing().mismatch() else { return };
        let experiment = self.name.name.as_str();
        let why = format!("sample-ratio mismatch, p = {:.1e}", ratio.anytime_p);
        match self.experiment.on_mismatch {
            OnMismatch::Rollback => self.roll_back_or_tell(None, &why, now),
            OnMismatch::Hold => {
                let mut stopped = self.stopped();
                if self.state.load(Ordering::SeqCst) == RUNS {
                    tracing::error!(experiment, why, "held: no new unit is assigned");
                    stopped.since = Some(Stop { time: now, why, arm: None });
                    self.state.store(HELD, Ordering::SeqCst);
                }
            }
            _ => tracing::warn!(experiment, why, "the arms are not filled as they were to be"),
        }
    }

    fn roll_back_or_tell(&self, arm: Option<&str>, why: &str, now: Timestamp) {
        // What cannot be written is told by whoever tries again.
        let _written = self.roll_back_for(arm, why, now);
    }

    /// Where the sums of units are written.
    pub(super) fn write_to(&self, sink: &Arc<dyn Sink>) {
        *self.sink.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(sink));
    }

    /// Writes the sums of one unit.
    fn write_unit(&self, (at, population): Key, met: UnitSums) {
        let Some(known) = self.register.known(at) else { return };
        let arms = &self.experiment.arms;
        let arm = known.arm.and_then(|arm| arms.get(arm));
        self.guards().add((known.at, population), &known, &met);
        let summary = UnitSummary {
            time: Timestamp::now(),
            experiment: self.name.clone(),
            unit: known.name,
            arm: arm.map(|arm| arm.name.to_string()),
            population,
            first_seen: known.first_seen,
            contaminated: known.arms.are_several(),
            met,
        };
        let sink = self.sink.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(sink) = &*sink {
            sink.unit(summary);
        }
    }

    /// Has the audit say that a unit has become a part of another.
    fn tell_joined(&self, part: UnitName, unit: UnitName) {
        let sink = self.sink.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(sink) = &*sink {
            let (time, experiment) = (Timestamp::now(), self.name.clone());
            sink.joined(UnitJoined { time, experiment, part, unit });
        }
    }

    /// Waits until what is remembered is written.
    pub(super) fn flush(&self, patience: Duration) -> bool {
        self.journal.as_ref().is_none_or(|journal| journal.flush(patience))
    }

    fn tell_of_disk(&self, written: io::Result<()>, lost: &str) {
        if let Err(error) = written {
            let experiment = self.name.name.as_str();
            tracing::error!(experiment, %error, "{lost}");
        }
    }

    fn note(&self, entry: Entry) {
        if let Some(journal) = &self.journal {
            journal.note(entry);
        }
    }

    fn write(&self, event: &Event) -> io::Result<()> {
        self.journal.as_ref().map_or(Ok(()), |journal| journal.order(event))
    }

    fn order(&self, event: &Event) {
        self.tell_of_disk(self.write(event), "the experiment's state cannot be written");
    }

    fn writing(&self) -> MutexGuard<'_, ()> {
        self.writing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn stopped(&self) -> MutexGuard<'_, Stopped> {
        self.stopped.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn guards(&self) -> MutexGuard<'_, Guards> {
        self.guards.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the state files of an experiment are named by: another salt is another experiment.
pub(super) fn stem(ExperimentName { name, salt }: &ExperimentName) -> String {
    let salt = blake3::hash(salt.as_bytes()).to_hex();
    format!("{name}-{}", salt.get(..12).unwrap_or_default())
}
