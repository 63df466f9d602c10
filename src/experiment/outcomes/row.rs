//! One row: who, when, which metric, how much.

use std::borrow::Cow;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::Deserialize;

use super::HeaderProblem;
use super::csv::fields;
use crate::audit::{AuditKey, KeyedHash, UnitName};
use crate::experiment::analysis::{Outcome, Value, ValueError};
use crate::secret::opaque_debug;

/// A row is none. What stands in it is not told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum RowError {
    #[error("is longer than any row")]
    TooLong,
    #[error("is not UTF-8")]
    NotText,
    #[error("is no row of CSV: a quote is not closed, or text stands behind one")]
    Quote,
    #[error("has {found} fields, and the header {expected}")]
    Fields { found: usize, expected: usize },
    #[error("is no JSON object with `time`, `metric` and `value`, or was cut: see column {column}")]
    Json { column: usize },
    #[error("names nobody, or more than one of `unit`, `account` and `cluster`")]
    Who,
    #[error("`{0}` is no hash of an audit (32 hexadecimal digits); names need the secret")]
    Hash(&'static str),
    #[error("`unit` is not `account:`, `cluster:` or `slot:` with a hash or number")]
    Unit,
    #[error("`time` is neither a date nor a time with its offset, as in 2027-01-31T08:00:00Z")]
    Time,
    #[error("`value`: {0}")]
    Value(#[from] ValueError),
}

/// A row as it is written.
#[derive(Default)]
pub(super) struct Row<'a> {
    unit: Option<UnitName>,
    account: Cow<'a, str>,
    cluster: Cow<'a, str>,
    tenant: Cow<'a, str>,
    time: Cow<'a, str>,
    metric: Cow<'a, str>,
    value: f64,
}

opaque_debug!(Row<'_>);

/// Columns that mean something; what others hold is nobody's business here.
const NAMES: [&str; 7] = ["unit", "account", "cluster", "tenant", "time", "metric", "value"];

/// Where the columns of a file stand.
pub(super) struct Columns {
    count: usize,
    /// By the order of [`NAMES`].
    places: [Option<usize>; NAMES.len()],
}

#[derive(Deserialize)]
struct Json<'a> {
    unit: Option<UnitName>,
    #[serde(borrow, default)]
    account: Cow<'a, str>,
    #[serde(borrow, default)]
    cluster: Cow<'a, str>,
    #[serde(borrow, default)]
    tenant: Cow<'a, str>,
    #[serde(borrow)]
    time: Cow<'a, str>,
    #[serde(borrow)]
    metric: Cow<'a, str>,
    value: NumberOrFlag,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum NumberOrFlag {
    Number(f64),
    Flag(bool),
}

impl Columns {
    pub(super) fn of(line: &[u8]) -> Result<Self, HeaderProblem> {
        let text = String::from_utf8_lossy(line);
        let header = fields(&text).unwrap_or_default();
        let mut places = [None; NAMES.len()];
        for (name, place) in NAMES.into_iter().zip(&mut places) {
            let mut found = header.iter().enumerate().filter(|(_, it)| it.trim() == name);
            *place = found.next().map(|(place, _)| place);
            if found.next().is_some() {
                return Err(HeaderProblem::Twice(name));
            }
        }
        let [unit, account, cluster, _, time, metric, value] = places;
        for (place, name) in [(time, "time"), (metric, "metric"), (value, "value")] {
            if place.is_none() {
                return Err(HeaderProblem::Missing(name));
            }
        }
        if unit.or(account).or(cluster).is_none() {
            return Err(HeaderProblem::OfNobody);
        }
        Ok(Self { count: header.len(), places })
    }

    pub(super) fn row<'a>(&self, line: &'a [u8]) -> Result<Row<'a>, RowError> {
        let text = std::str::from_utf8(line).map_err(|_| RowError::NotText)?;
        let fields = fields(text).ok_or(RowError::Quote)?;
        if fields.len() != self.count {
            return Err(RowError::Fields { found: fields.len(), expected: self.count });
        }
        let mut found = self
            .places
            .map(|place| place.and_then(|place| fields.get(place)).cloned().unwrap_or_default());
        let [unit, account, cluster, tenant, time, metric, value] = &mut found;
        let unit = match unit.trim() {
            "" => None,
            unit => Some(unit_name(unit).ok_or(RowError::Unit)?),
        };
        let value = match value.trim() {
            "true" => 1.0,
            "false" => 0.0,
            value => value.parse().map_err(|_| ValueError)?,
        };
        let [account, cluster, tenant, time, metric] =
            [account, cluster, tenant, time, metric].map(std::mem::take);
        Ok(Row { unit, account, cluster, tenant, time, metric, value })
    }
}

impl<'a> Row<'a> {
    pub(super) fn of_json(line: &'a [u8]) -> Result<Self, RowError> {
        let Json { unit, account, cluster, tenant, time, metric, value } =
            serde_json::from_slice(line)
                .map_err(|error| RowError::Json { column: error.column() })?;
        let value = match value {
            NumberOrFlag::Number(number) => number,
            NumberOrFlag::Flag(flag) => f64::from(flag),
        };
        Ok(Self { unit, account, cluster, tenant, time, metric, value })
    }

    /// The outcome that it tells.
    pub(super) fn outcome(self, key: Option<&AuditKey>) -> Result<Outcome, RowError> {
        let tenant = key.filter(|_| !self.tenant.is_empty()).map(|key| key.tenant(&self.tenant));
        let hash = |name: &str,
                    kind: &'static str,
                    of: fn(&AuditKey, &str, Option<KeyedHash>) -> KeyedHash| {
            match key {
                Some(key) => Ok(of(key, name, tenant)),
                None => {
                    KeyedHash::try_from(name.trim().to_owned()).map_err(|_| RowError::Hash(kind))
                }
            }
        };
        let unit = match (self.unit, &*self.account, &*self.cluster) {
            (Some(unit), "", "") => unit,
            (None, account, "") if !account.is_empty() => {
                UnitName::Account(hash(account, "account", AuditKey::account)?)
            }
            (None, "", cluster) if !cluster.is_empty() => {
                UnitName::Cluster(hash(cluster, "cluster", AuditKey::cluster)?)
            }
            _ => return Err(RowError::Who),
        };
        let time = moment(self.time.trim()).ok_or(RowError::Time)?;
        let metric = self.metric.trim().to_owned();
        Ok(Outcome { unit, time, metric, value: Value::new(self.value)? })
    }
}

fn unit_name(text: &str) -> Option<UnitName> {
    let (kind, name) = text.split_once(':')?;
    let hash = || KeyedHash::try_from(name.to_owned()).ok();
    match kind {
        "account" => hash().map(UnitName::Account),
        "cluster" => hash().map(UnitName::Cluster),
        "slot" => name.parse().ok().map(UnitName::Slot),
        _ => None,
    }
}

/// A moment with its offset, or the first one of a date in UTC.
fn moment(text: &str) -> Option<Timestamp> {
    text.parse().ok().or_else(|| {
        let date: Date = text.parse().ok()?;
        date.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
    })
}
