//! Reads the configuration again and has it decide.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use blake3::Hash;
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;
use tokio::time::{Interval, MissedTickBehavior, interval};

use super::experiments::follow;
use super::state::short;
use super::{Order, ReloadError, ReloadState, Reloaded, Trigger};
use crate::audit::{JsonLines, Sink};
use crate::layer::DefenseHandle;
use crate::lines::LineWriter;
use crate::mark::keys::Keys;
use crate::mark::ledger::LedgerWriter;
use crate::proxy::Proxy;
use crate::proxy::config::Config;
use crate::proxy::stack::Live;
use crate::proxy::start_error::StartError;
use crate::proxy::tls::{self, Tls};

/// What a reload needs of what was made at the start.
#[derive(Clone, Debug)]
pub(in crate::proxy) struct Swap {
    /// What decides.
    pub(in crate::proxy) config: Arc<ArcSwap<Config>>,
    pub(in crate::proxy) defense: DefenseHandle,
    pub(in crate::proxy) sink: Arc<dyn Sink>,
    pub(in crate::proxy) ledger: Option<Arc<LedgerWriter>>,
    /// The key that the ledger belongs to.
    pub(in crate::proxy) ledger_key: Option<String>,
    /// The bound on a request's body, where each request looks.
    pub(in crate::proxy) max_request_body: Arc<AtomicUsize>,
    pub(in crate::proxy) tls: Option<Tls>,
    pub(in crate::proxy) audit: Option<Arc<JsonLines>>,
    pub(in crate::proxy) access_log: Option<Arc<LineWriter>>,
    pub(in crate::proxy) state: ReloadState,
}

impl Swap {
    /// Carries out orders, one after the other, and looks whether files have changed if the
    /// configuration says so.
    pub(in crate::proxy) async fn run(self, mut orders: mpsc::Receiver<Order>) {
        let mut polls = self.config.load().poll.map(polls);
        loop {
            let order = tokio::select! {
                order = orders.recv() => order,
                () = next(&mut polls) => {
                    if self.has_changed().await {
                        let _ = self.clone().reload(Trigger::Poll).await;
                    }
                    continue;
                }
            };
            let Some(Order { trigger, answer }) = order else { return };
            self.reopen_logs();
            // Whoever ordered it may have left.
            let _ = answer.send(self.clone().reload(trigger).await);
        }
    }

    /// Whoever has renamed them expects new ones, whatever becomes of the configuration.
    fn reopen_logs(&self) {
        let audit = self.audit.as_ref().map(|audit| audit.lines());
        audit.into_iter().chain(self.access_log.as_deref()).for_each(LineWriter::reopen);
    }

    /// Whether the files are others than those that decide. While what was read last is refused they
    /// are read each time: one may have been mended that only the refused ones name.
    async fn has_changed(&self) -> bool {
        if self.state.refused().is_some() {
            return true;
        }
        let (config, running) = (self.config.load_full(), self.state.running());
        let changed = spawn_blocking(move || config.fingerprint() != running);
        changed.await.unwrap_or(false)
    }

    async fn reload(self, trigger: Trigger) -> Result<Reloaded, ReloadError> {
        let state = self.state.clone();
        let ended = spawn_blocking(move || {
            let refused = self.config.load().fingerprint();
            let swapped = self.swap();
            (swapped.as_ref().map_or(refused, |(_, fingerprint)| *fingerprint), swapped)
        });
        let (read, ended) =
            ended.await.unwrap_or_else(|_| (state.running(), Err(ReloadError::Unchecked)));
        let ended = ended.map(|(reloaded, _)| reloaded);
        // What is wrong is told once, however often it is looked at.
        let again = ended.as_ref().is_err_and(|error| state.refused() == Some(error.lines()));
        if trigger != Trigger::Poll || !again {
            tell(trigger, &ended);
            state.note(trigger, read, &ended);
        }
        ended
    }

    /// Reads, checks and swaps; blocks.
    fn swap(&self) -> Result<(Reloaded, Hash), ReloadError> {
        let running = self.config.load_full();
        let mut config = running.read_again()?;
        let fingerprint = config.fingerprint_as_read();
        let bound = running.bound_fields_changed(&config);
        if !bound.is_empty() {
            return Err(ReloadError::Bound(bound));
        }
        // What trials have found of the carriers goes on to hold.
        config.carriers = running.carriers.clone();
        Proxy::notices(&config)?;
        if let Some((key, marks)) = self.ledger_key.as_ref().zip(config.marks.as_ref()) {
            if Keys::read(&marks.keys)?.fingerprint() != *key {
                return Err(ReloadError::OtherKeys);
            }
        }
        let certificates = config.listen.tls.as_ref().map(tls::load).transpose();
        let certificates = certificates.map_err(StartError::from)?;
        let before = self.defense.experiments();
        let experiments = follow(&config, before.as_deref())?;
        let (reports, ledger) = (self.defense.reports(), self.ledger.clone());
        let sink = Arc::clone(&self.sink);
        let Live { settings, notices } = Live::of(&config, experiments, sink, reports, ledger)?;
        let settings = settings.keys_of(&self.defense);
        self.defense.replace(settings).map_err(|error| ReloadError::Start(error.into()))?;
        if let Some((tls, certificates)) = self.tls.as_ref().zip(certificates) {
            tls.replace(certificates);
        }
        self.max_request_body.store(config.limits.max_request_body, Ordering::Relaxed);
        let (policy, policy_revision) = self.defense.policy();
        if let Some((history, file)) = config.history.as_ref().zip(config.policy.as_ref()) {
            history.keep_file(file, &policy_revision);
        }
        self.config.store(Arc::new(config));
        let revision = short(&fingerprint);
        Ok((Reloaded { revision, policy, policy_revision, notices }, fingerprint))
    }
}

fn polls(period: Duration) -> Interval {
    let mut polls = interval(period);
    polls.set_missed_tick_behavior(MissedTickBehavior::Delay);
    polls
}

async fn next(polls: &mut Option<Interval>) {
    match polls {
        Some(polls) => {
            polls.tick().await;
        }
        None => pending().await,
    }
}

fn tell(trigger: Trigger, ended: &Result<Reloaded, ReloadError>) {
    let trigger = trigger.name();
    match ended {
        Ok(Reloaded { revision, policy, policy_revision, notices }) => {
            tracing::info!(
                trigger,
                revision,
                policy,
                policy_revision,
                "another configuration decides"
            );
            for notice in notices {
                tracing::warn!("{notice}");
            }
        }
        Err(error) => {
            tracing::error!(
                trigger,
                "the configuration was read again and refused: what decided goes on"
            );
            for line in error.lines() {
                tracing::error!("{line}");
            }
        }
    }
}
