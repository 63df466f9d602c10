//! What one answer, or several of the same principal, were marked with.

use jiff::Timestamp;

use super::{Entry, Event};
use crate::mark::keys::ArmMark;
use crate::mark::law::AuthorCounts;
use crate::secret::opaque_debug;

/// One marked answer, or several of the same principal.
#[derive(Clone, PartialEq, Eq)]
pub struct Issue {
    /// When it ended.
    pub time: Timestamp,
    /// The epoch of its keys.
    pub epoch: u32,
    /// The tenant; empty if there is none.
    pub tenant: String,
    /// The account.
    pub account: String,
    /// The cluster whose keys it carries, if any.
    pub cluster: Option<String>,
    /// The arm of an experiment whose keys it carries, if any.
    pub arm: Option<ArmMark>,
    /// By what it carries the mark; none for the words themselves.
    pub carrier: Option<&'static str>,
    /// At which strength, in 256ths.
    pub strength: u16,
    /// How many answers.
    pub answers: u64,
    /// Sites in them.
    pub sites: u64,
    /// Sites among them at which the other variant had stood.
    pub flips: u64,
    /// What stood at sites before.
    pub authors: AuthorCounts,
}

opaque_debug!(Issue);

impl Issue {
    pub(super) fn add(&mut self, later: &Self) {
        self.time = self.time.max(later.time);
        self.answers = self.answers.saturating_add(later.answers);
        self.sites = self.sites.saturating_add(later.sites);
        self.flips = self.flips.saturating_add(later.flips);
    }
}

impl From<Issue> for Entry {
    fn from(issue: Issue) -> Self {
        let Issue {
            time,
            epoch,
            tenant,
            account,
            cluster,
            arm,
            carrier,
            strength,
            answers,
            sites,
            flips,
            authors: _,
        } = issue;
        let carrier = carrier.map(Into::into);
        let event = Event::Issued {
            epoch,
            tenant,
            account,
            cluster,
            arm,
            carrier,
            strength,
            answers,
            sites,
            flips,
        };
        Self::new(time, event)
    }
}
