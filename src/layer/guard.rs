//! The end of an exchange, whatever way it ends.
//!
//! A completed stream, a client that left, an upstream that failed: each must release leases,
//! settle reservations and leave one audit record, exactly once. All of that hangs on this guard,
//! which lives in the response body and, before there is one, in the future.

use std::sync::Arc;

use jiff::Timestamp;
use tokio::time::Instant;

use super::applied::{Tried, applied};
use super::arms::{Counted, Met, TurnedAway};
use super::estimate::estimated_tokens;
use super::hook::Watch;
use super::outcome::TextBytes;
use super::tokens::{self, left_out};
use super::trials::{Trials, Tries};
use crate::audit::{Counter, Outcome, Record, Sink};
use crate::countermeasure::Tally;
use crate::countermeasure::watermark::{self, Carrier, Marks};
use crate::limit::{Amounts, Dimension, Lease, Settlements};
use crate::mark::keys::ArmMark;
use crate::mark::law::AuthorCounts;
use crate::mark::ledger::Issue;
use crate::policy::Countermeasure;
use crate::policy::plan::{Mode, Plan};
use crate::risk::Principal;
use crate::wire::Usage;

/// Tokens after which a stream's use is charged, so that a long stream weighs on the next
/// admissions before it ends.
const CHARGE_EVERY: u64 = 64;

/// What is still to be done when the exchange ends.
#[derive(Debug)]
pub(super) struct Guard {
    sink: Arc<dyn Sink>,
    /// The record, but for what only the end can tell; `None` once it is written.
    record: Option<Box<Record>>,
    lease: Option<Box<dyn Lease>>,
    settlements: Settlements,
    /// What was reserved.
    estimate: Amounts,
    /// In which mode tokens are limited, if they are, so that the record tells what was settled.
    counts_tokens: Option<Mode>,
    /// What was done to the request, and by the layer itself.
    pub(super) tally: Tally,
    /// What was done to the response so far.
    response: Tally,
    usage: Usage,
    seen: TextBytes,
    /// Tokens charged in the middle of the stream: all, and of reasoning.
    charged: (u64, u64),
    pub(super) answer: Answer,
    /// Who is issued a mark, if the answer carries one.
    pub(super) marked_for: Option<MarkedFor>,
    /// Bytes of text that did not go out.
    withheld: u64,
    /// Bytes of text that a dry run has found to be reasoning, and that did.
    inside: u64,
    /// What dry runs have found.
    trials: Trials,
    started: Instant,
    /// Who else is told how it ends.
    pub(super) watch: Option<Watch>,
}

/// Whose mark an answer is to carry, and with what.
#[derive(Debug)]
pub(super) struct MarkedFor {
    pub(super) marks: Arc<Marks>,
    pub(super) principal: Principal,
    pub(super) arm: Option<Arc<ArmMark>>,
}

/// What is known of the tokens that an answer used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Answer {
    /// What was seen and stated of it.
    #[default]
    Read,
    /// It was passed on unread: as many as were reserved.
    Unread,
    /// The upstream gave none: no tokens.
    Missing,
}

impl Guard {
    pub(super) fn new(
        sink: Arc<dyn Sink>,
        settlements: Settlements,
        record: Record,
        started: Instant,
    ) -> Self {
        Self {
            sink,
            record: Some(Box::new(record)),
            lease: None,
            settlements,
            estimate: Amounts::default(),
            counts_tokens: None,
            tally: Tally::default(),
            response: Tally::default(),
            usage: Usage::default(),
            seen: TextBytes::default(),
            charged: (0, 0),
            answer: Answer::default(),
            marked_for: None,
            withheld: 0,
            inside: 0,
            trials: Trials::default(),
            started,
            watch: None,
        }
    }

    /// The record that will be written.
    pub(super) fn record(&mut self) -> Option<&mut Record> {
        self.record.as_deref_mut()
    }

    /// Holds an admission's charges and leases to the end.
    pub(super) fn hold(
        &mut self,
        lease: Box<dyn Lease>,
        estimate: Amounts,
        counts_tokens: Option<Mode>,
    ) {
        self.lease = Some(lease);
        (self.estimate, self.counts_tokens) = (estimate, counts_tokens);
    }

    /// So many bytes of the body go out; when the first do is noted.
    pub(super) fn sent(&mut self, bytes: usize) {
        if bytes == 0 {
            return;
        }
        if let Some(watch) = &mut self.watch {
            watch.sent(bytes);
        }
        let started = self.started;
        if let Some(record) = &mut self.record {
            record.durations.first_byte_ms.get_or_insert_with(|| milliseconds_since(started));
        }
    }

    /// Takes over what was done to the response.
    pub(super) fn report(&mut self, response: Tally, usage: Usage, seen: TextBytes) {
        (self.response, self.usage, self.seen) = (response, usage, seen);
        self.withheld = left_out(seen);
    }

    /// A dry run of this plan has come so far.
    pub(super) fn tries(&mut self, tries: &Tries, plan: &Arc<Plan>, tried: Tried) {
        self.trials.note(tries, plan, tried);
    }

    /// Takes over what a dry run has found in the answer; `used` once it knows what that used.
    pub(super) fn try_out(
        &mut self,
        tries: &Tries,
        found: Tried,
        used: Option<(Usage, TextBytes)>,
    ) {
        self.trials.update(tries, found);
        let Some((usage, seen)) = used else { return };
        self.inside = self.inside.max(left_out(seen));
        if self.answer == Answer::Unread {
            self.answer = Answer::Read;
            (self.usage, self.seen) = (usage, seen);
        }
    }

    /// Charges what the response has used, every so many tokens.
    pub(super) fn charge(&mut self, seen: TextBytes) {
        let Some(lease) = &mut self.lease else { return };
        let thought = seen.reasoning + seen.inline;
        let used = (estimated_tokens(seen.all), estimated_tokens(thought));
        if used.0 < self.charged.0 + CHARGE_EVERY {
            return;
        }
        let before = self.charged;
        for (dimension, units) in [
            (Dimension::OutputTokens, used.0 - before.0),
            (Dimension::ReasoningTokens, used.1 - before.1),
        ] {
            self.settlements.settle(lease.charge(dimension, units));
        }
        self.charged = used;
    }

    /// Nothing has come of the exchange that is to be told.
    pub(super) fn forget(&mut self) {
        self.record = None;
        if let Some(watch) = &mut self.watch {
            let _ = watch.take_counted(Outcome::Complete);
            watch.end(Outcome::Complete);
        }
    }

    /// Ends the exchange. Later calls do nothing.
    pub(super) fn end(&mut self, outcome: Outcome) {
        drop(self.ended(outcome));
    }

    /// Ends it, but for what of the record a dry run is still to find.
    pub(super) fn ended(&mut self, outcome: Outcome) -> Option<Ended> {
        let mut record = self.record.take()?;
        self.tally = self.tally.and(std::mem::take(&mut self.response));
        let unsettled = self.unsettled();
        let used = self.settle(outcome);
        let used_in = |mode| used.filter(|_| self.counts_tokens == Some(mode));
        let (enforced, observed) = (used_in(Mode::Enforce), used_in(Mode::Observe));
        self.issue(&record);
        record.durations.total_ms = milliseconds_since(self.started);
        record.outcome = outcome;
        if let Some(watch) = &mut self.watch {
            record.status.into_iter().for_each(|status| watch.answered(status));
        }
        record.applied.extend(applied(&self.tally, enforced));
        let counted = self.counted(&record, outcome);
        if let Some(watch) = &mut self.watch {
            watch.end(outcome);
        }
        let (sink, trials) = (Arc::clone(&self.sink), std::mem::take(&mut self.trials));
        Some(Ended { sink, record: Some(record), used: observed, trials, counted, unsettled })
    }

    /// What the experiment is to be told that counts it.
    fn counted(&mut self, record: &Record, outcome: Outcome) -> Option<(Counted, Met)> {
        let (counted, mut met) = self.watch.as_mut()?.take_counted(outcome)?;
        let refused = |it: &&crate::audit::Applied| it.counts.get(Counter::RequestsRefused) > 0;
        let by = record.applied.iter().find(refused).map(|it| it.countermeasure);
        met.turned_away = match by {
            Some(Countermeasure::Refuse) => Some(TurnedAway::ByGrade),
            Some(_) => Some(TurnedAway::AtLimit),
            // What the grade's plan cannot read is refused for its sake.
            None => (outcome == Outcome::Refused).then_some(TurnedAway::ByGrade),
        };
        met.words_withheld = self.tally.words_removed;
        met.sites_marked = self.tally.sites;
        if self.answer == Answer::Read {
            let used = self.tokens_used(outcome);
            met.tokens = Some(tokens::delivered(used, self.seen, self.withheld, self.inside));
        }
        Some((counted, met))
    }

    /// Has the ledger say whose mark went out.
    fn issue(&mut self, record: &Record) {
        let answered = record.status.is_some_and(|status| (200..300).contains(&status));
        let Tally { carrier, strength, sites, flips, .. } = &mut self.tally;
        // A server that was asked to mark has done so if it answered; here is known what was done.
        if carrier.is_some_and(|carrier| !answered || carrier == Carrier::Lexical && *sites == 0) {
            *carrier = None;
        }
        let Some((carrier, marked_for)) = carrier.zip(self.marked_for.take()) else { return };
        let MarkedFor { marks, principal, arm } = marked_for;
        let recipient = watermark::recipient(&principal, arm.as_deref());
        marks.issued(Issue {
            time: Timestamp::now(),
            epoch: marks.keys().current(),
            tenant: recipient.tenant.to_owned(),
            account: recipient.account.to_owned(),
            cluster: recipient.cluster.map(str::to_owned),
            arm: recipient.arm.cloned(),
            carrier: Some(carrier).filter(|it| *it != Carrier::Lexical).map(Carrier::name),
            strength: *strength,
            answers: 1,
            sites: *sites,
            flips: *flips,
            authors: AuthorCounts::default(),
        });
    }

    /// What is left of limits that are only observed, of an answer that a dry run has yet to read.
    fn unsettled(&mut self) -> Option<Unsettled> {
        if self.answer != Answer::Unread || self.counts_tokens != Some(Mode::Observe) {
            return None;
        }
        let (lease, settlements) = (self.lease.take()?, self.settlements.clone());
        Some(Unsettled { lease, settlements, estimate: self.estimate })
    }

    /// Replaces what was reserved by what was used.
    fn settle(&mut self, outcome: Outcome) -> Option<Amounts> {
        let lease = self.lease.take()?;
        let nothing_seen = self.seen == TextBytes::default() && self.usage == Usage::default();
        let failed = matches!(outcome, Outcome::Refused | Outcome::UpstreamError) && nothing_seen;
        let used = match self.answer {
            Answer::Unread => self.estimate,
            Answer::Read if !failed => self.tokens_used(outcome),
            Answer::Read | Answer::Missing => Amounts { requests: 1, ..Amounts::default() },
        };
        self.settlements.settle(lease.settle(used));
        Some(used)
    }

    /// The tokens of an answer that was read, as far as it came.
    fn tokens_used(&self, outcome: Outcome) -> Amounts {
        tokens::used(self.usage, self.seen, self.estimate.input_tokens, outcome)
    }
}

/// The record of an exchange that has ended; written when it is dropped.
pub(super) struct Ended {
    sink: Arc<dyn Sink>,
    record: Option<Box<Record>>,
    /// What was settled of limits that are only observed.
    used: Option<Amounts>,
    trials: Trials,
    /// What an experiment is told, once the tokens are known.
    counted: Option<(Counted, Met)>,
    unsettled: Option<Unsettled>,
}

/// What was reserved of limits that are only observed, until it is known what was used.
struct Unsettled {
    lease: Box<dyn Lease>,
    settlements: Settlements,
    estimate: Amounts,
}

impl Unsettled {
    /// As much as was reserved, unless it is known better.
    fn settle(self, used: Option<Amounts>) -> Amounts {
        let used = used.unwrap_or(self.estimate);
        self.settlements.settle(self.lease.settle(used));
        used
    }
}

impl Ended {
    /// A dry run has come so far; `used` once it knows what the answer used.
    pub(super) fn try_out(
        &mut self,
        tries: &Tries,
        found: Tried,
        used: Option<(Usage, TextBytes)>,
    ) {
        self.trials.update(tries, found);
        let Some((usage, seen)) = used else { return };
        let outcome = self.record.as_ref().map_or(Outcome::Complete, |record| record.outcome);
        if let Some(unsettled) = self.unsettled.take() {
            let used = tokens::used(usage, seen, unsettled.estimate.input_tokens, outcome);
            self.used = Some(unsettled.settle(Some(used)));
        }
        let Some((_, met)) = self.counted.as_mut() else { return };
        // What goes out unread goes out whole; of an answer that was read it is known already.
        if met.tokens.is_none() {
            let used = tokens::used(usage, seen, 0, met.outcome);
            met.tokens = Some(tokens::delivered(used, seen, 0, left_out(seen)));
        }
    }
}

impl Drop for Ended {
    fn drop(&mut self) {
        if let Some((counted, met)) = self.counted.take() {
            counted.ended(&met);
        }
        if let Some(unsettled) = self.unsettled.take() {
            self.used = Some(unsettled.settle(None));
        }
        let Some(mut record) = self.record.take() else { return };
        std::mem::take(&mut self.trials).tell(&mut record, self.used);
        self.sink.record(*record);
    }
}

fn milliseconds_since(start: Instant) -> u64 {
    u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX)
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.end(Outcome::Cancelled);
    }
}
