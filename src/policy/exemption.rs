//! Who is spared which countermeasures, and until when.

use std::fmt;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::countermeasure::{Countermeasure, Countermeasures};
use super::problem::Notice;
use crate::risk::Principal;

/// A principal that countermeasures spare, until a date.
#[derive(Clone)]
#[non_exhaustive]
pub struct Exemption {
    /// The account, if one is named.
    pub account: Option<String>,
    /// The cluster, if one is named.
    pub cluster: Option<String>,
    /// The tenant, if one is named.
    pub tenant: Option<String>,
    /// Who answers for it.
    pub owner: String,
    /// Why it was granted.
    pub reason: String,
    /// The last day on which it holds, in UTC.
    pub expires: Date,
    pub(super) covers: Countermeasures,
    pub(super) notice: Notice,
}

impl Exemption {
    /// Spares whom it names all countermeasures. It names nobody yet: set `account`, `cluster` or
    /// `tenant`.
    #[must_use]
    pub fn new(owner: &str, reason: &str, expires: Date) -> Self {
        Self {
            account: None,
            cluster: None,
            tenant: None,
            owner: owner.to_owned(),
            reason: reason.to_owned(),
            expires,
            covers: Countermeasures::ALL,
            notice: Notice::default(),
        }
    }

    /// The same, of these countermeasures alone.
    #[must_use]
    pub fn covering(self, covered: impl IntoIterator<Item = Countermeasure>) -> Self {
        Self { covers: covered.into_iter().collect(), ..self }
    }

    /// Whether it spares its principal this countermeasure.
    #[must_use]
    pub fn covers(&self, countermeasure: Countermeasure) -> bool {
        self.covers.contains(countermeasure)
    }

    /// Whether `principal` is what it names: account, cluster and tenant, as far as it names them.
    #[must_use]
    pub fn names(&self, principal: &Principal) -> bool {
        fn agrees(named: Option<&String>, actual: Option<&str>) -> bool {
            named.is_none_or(|named| actual == Some(named.as_str()))
        }
        agrees(self.account.as_ref(), Some(principal.account.as_str()))
            && agrees(self.cluster.as_ref(), principal.cluster.as_ref().map(|id| id.as_str()))
            && agrees(self.tenant.as_ref(), principal.tenant.as_ref().map(|id| id.as_str()))
    }

    /// Whether it no longer holds at `now`.
    #[must_use]
    pub fn has_expired(&self, now: Timestamp) -> bool {
        TimeZone::UTC.to_datetime(now).date() > self.expires
    }
}

impl fmt::Debug for Exemption {
    /// Names no principal: an account can be an e-mail address.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Exemption")
            .field("owner", &self.owner)
            .field("expires", &self.expires)
            .field("covers", &self.covers)
            .finish_non_exhaustive()
    }
}
