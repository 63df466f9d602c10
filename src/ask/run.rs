//! The run: prompts out, answers in, within the cap.

use std::collections::{BTreeMap, VecDeque};
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::backoff::wait;
use super::endpoint::{Answer, Endpoint, Failure, Then, Trouble};
use super::journal::Journal;
use super::prompt::Prompt;
use super::spending::Tokens;
use super::{AskError, Settings};

/// Prompts that are given up before the first answer, after which no further one is sent.
const HOPELESS: u64 = 8;

/// How far a run has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Prompts that are answered, now or before.
    pub answered: u64,
    /// Prompts that were given up.
    pub given_up: u64,
    /// All prompts.
    pub prompts: u64,
    /// What was spent, and what is set aside for requests under way.
    pub spent: Tokens,
}

/// Why a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ended {
    /// Every prompt was answered or given up.
    Done,
    /// The cap has no room for the next request.
    Cap,
    /// It was told to stop.
    Stopped,
}

/// What a run did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Why it ended.
    pub ended: Ended,
    /// All prompts.
    pub prompts: u64,
    /// Prompts that earlier runs had answered.
    pub answered_before: u64,
    /// Prompts that this run answered.
    pub answered: u64,
    /// Prompts that were given up, by the reason; another run asks them again.
    pub given_up: BTreeMap<String, u64>,
    /// Requests that this run sent.
    pub requests: u64,
    /// What was spent, by this run and those before; where an endpoint does not say, the most that
    /// it can have been.
    pub spent: Tokens,
}

/// A prompt that waits to be sent.
#[derive(Clone)]
struct Waiting {
    prompt: Arc<Prompt>,
    id: String,
    attempts: u32,
    delay: Duration,
}

/// What came of one attempt.
struct Attempted {
    waiting: Waiting,
    request: u64,
    most: Tokens,
    /// None if the run was stopped before it was sent.
    outcome: Option<Result<Answer, Trouble>>,
}

struct Run<'a> {
    settings: &'a Settings,
    endpoint: Endpoint,
    journal: Journal,
    waiting: VecDeque<Waiting>,
    report: Report,
    last: Option<Failure>,
    /// True from the moment at which nothing further is sent.
    stopping: watch::Sender<bool>,
}

/// Asks every prompt that the file of answers has no answer to, until all are answered, the cap is
/// reached, or `stop` resolves; what is under way then is waited for, since it is paid for. A task
/// that is dropped loses it. `progress` is called after each attempt.
///
/// # Errors
///
/// See [`AskError`]; what was answered before stays in the file.
pub async fn ask(
    settings: &Settings,
    prompts: Vec<Prompt>,
    stop: impl Future<Output = ()>,
    mut progress: impl FnMut(Progress),
) -> Result<Report, AskError> {
    let journal = Journal::open(&settings.answers)?;
    let endpoint = Endpoint::new(settings)?;
    let mut run = Run::new(settings, endpoint, journal, prompts);
    let mut under_way = JoinSet::new();
    let mut stop = pin!(stop);
    loop {
        if run.report.ended != Ended::Stopped {
            run.report.ended = run.send(&mut under_way)?;
        }
        tokio::select! {
            // What has come in is written down before anything else.
            biased;
            Some(attempted) = under_way.join_next() => {
                let settled = attempted.map_or(Ok(()), |attempted| run.settle(attempted));
                if let Err(error) = settled {
                    run.stopping.send_replace(true);
                    run.drain(&mut under_way).await;
                    return Err(error);
                }
                progress(run.progress());
            }
            () = &mut stop, if run.report.ended != Ended::Stopped && !under_way.is_empty() => {
                run.report.ended = Ended::Stopped;
                run.stopping.send_replace(true);
            }
            else => break,
        }
    }
    run.report.spent = run.journal.spent();
    Ok(run.report)
}

impl<'a> Run<'a> {
    fn new(
        settings: &'a Settings,
        endpoint: Endpoint,
        journal: Journal,
        prompts: Vec<Prompt>,
    ) -> Self {
        let all = prompts.len();
        let waiting: VecDeque<Waiting> = prompts
            .into_iter()
            .map(|prompt| Waiting {
                id: prompt.id(&settings.model),
                prompt: Arc::new(prompt),
                attempts: 0,
                delay: Duration::ZERO,
            })
            .filter(|waiting| !journal.is_answered(&waiting.id))
            .collect();
        let report = Report {
            ended: Ended::Done,
            prompts: all as u64,
            answered_before: (all - waiting.len()) as u64,
            answered: 0,
            given_up: BTreeMap::new(),
            requests: 0,
            spent: journal.spent(),
        };
        let stopping = watch::Sender::new(false);
        Self { settings, endpoint, journal, waiting, report, last: None, stopping }
    }

    /// Sends as many requests as may be under way at one time and as the cap has room for.
    fn send(&mut self, under_way: &mut JoinSet<Attempted>) -> Result<Ended, AskError> {
        while under_way.len() < self.settings.concurrency.max(1) {
            let Some(waiting) = self.waiting.front() else { return Ok(Ended::Done) };
            let most = Tokens {
                input: waiting.prompt.most_tokens(),
                output: self.settings.max_tokens.into(),
            };
            let Some(request) = self.journal.reserve(&self.settings.cap, most)? else {
                return Ok(Ended::Cap);
            };
            let Some(waiting) = self.waiting.pop_front() else { return Ok(Ended::Done) };
            let endpoint = self.endpoint.clone();
            let mut stopping = self.stopping.subscribe();
            under_way.spawn(async move {
                let stopped = tokio::select! {
                    () = sleep(waiting.delay) => false,
                    _ = stopping.wait_for(|stopping| *stopping) => true,
                };
                let outcome =
                    if stopped { None } else { Some(endpoint.ask(&waiting.prompt).await) };
                Attempted { waiting, request, most, outcome }
            });
        }
        Ok(Ended::Done)
    }

    /// Writes down what came of a request.
    fn settle(&mut self, attempted: Attempted) -> Result<(), AskError> {
        let Attempted { waiting: mut of, request, most, outcome } = attempted;
        let Some(outcome) = outcome else {
            self.waiting.push_front(of);
            return self.journal.settle(request, Tokens::default());
        };
        self.report.requests += 1;
        let Trouble { failure, charged, then } = match outcome {
            Ok(answer) => {
                self.journal.answer(of.id, &self.settings.model, &of.prompt, &answer)?;
                self.report.answered += 1;
                return self.journal.settle(request, answer.usage.unwrap_or(most));
            }
            Err(trouble) => trouble,
        };
        if !charged {
            self.journal.settle(request, Tokens::default())?;
        }
        of.attempts += 1;
        match then {
            Then::Stop => return Err(AskError::Refused(failure)),
            Then::Retry(after) if of.attempts < self.settings.attempts => {
                let share = of.id.bytes().fold(0_u8, |share, byte| share.wrapping_mul(31) ^ byte);
                of.delay = wait(self.settings.backoff, of.attempts, share, after);
                self.waiting.push_front(of);
                return Ok(());
            }
            Then::Retry(_) | Then::GiveUp => {}
        }
        *self.report.given_up.entry(failure.to_string()).or_default() += 1;
        self.last = Some(failure);
        self.check_hope()
    }

    /// Stops before all prompts are sent to an endpoint that answers none.
    fn check_hope(&mut self) -> Result<(), AskError> {
        let prompts = self.report.given_up.values().sum();
        let hopeless = self.report.answered == 0 && prompts >= HOPELESS;
        match self.last.take() {
            Some(last) if hopeless => Err(AskError::NoAnswers { prompts, last }),
            _ => Ok(()),
        }
    }

    /// Waits for what is under way before an error ends the run: it is paid for.
    async fn drain(&mut self, under_way: &mut JoinSet<Attempted>) {
        while let Some(attempted) = under_way.join_next().await {
            // The first error is the one that is told.
            let _ = attempted.map(|attempted| self.settle(attempted));
        }
    }

    fn progress(&self) -> Progress {
        Progress {
            answered: self.report.answered_before + self.report.answered,
            given_up: self.report.given_up.values().sum(),
            prompts: self.report.prompts,
            spent: self.journal.spent(),
        }
    }
}
