//! Whom a simulation supposes: ordinary accounts and campaigns, as a TOML file.

use std::ops::Range;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::policy::source::{Source, text};
use crate::policy::value::At;
use crate::policy::{LoadError, Problem};

/// The population of `populations/reported.toml`.
const REPORTED: &str = include_str!("../../../populations/reported.toml");

/// The document as a whole.
const WHOLE: Range<usize> = 0..0;

/// More campaigns than anybody tells apart.
const MOST_CAMPAIGNS: usize = 64;

/// Ordinary accounts and those who harvest.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Population {
    /// Accounts of ordinary people.
    pub ordinary: f64,
    /// Those who harvest.
    pub campaigns: Vec<Campaign>,
}

/// One who harvests answers.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Campaign {
    /// Its name.
    pub name: String,
    /// Accounts at once.
    pub accounts: f64,
    /// How long it lasts.
    pub days: f64,
    /// An account is replaced after so many days; at most [`days`](Self::days).
    pub rotate_after_days: f64,
    /// Requests in all, if nothing is done about it.
    pub requests: f64,
    /// Tokens of reasoning in an answer.
    pub reasoning_tokens: f64,
    /// The share of its accounts that the detector links: they share a score and a cluster's limits, and
    /// those that are new are known from their first request. From 0 to 1.
    pub linked: f64,
}

impl Campaign {
    /// All accounts that it uses up.
    #[must_use]
    pub fn accounts_in_all(&self) -> f64 {
        self.accounts * (self.days / self.rotate_after_days).ceil()
    }

    /// Requests of an account in a day, if nothing is done about it.
    #[must_use]
    pub fn requests_per_day(&self) -> f64 {
        self.requests / (self.accounts * self.days)
    }

    /// Tokens of reasoning in all, if nothing is done about it.
    #[must_use]
    pub fn tokens(&self) -> f64 {
        self.requests * self.reasoning_tokens
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PopulationFile {
    version: Option<At<i64>>,
    ordinary: Option<At<OrdinaryTable>>,
    campaign: Option<Vec<At<CampaignTable>>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OrdinaryTable {
    accounts: Option<At<f64>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CampaignTable {
    name: Option<At<String>>,
    accounts: Option<At<f64>>,
    days: Option<At<f64>>,
    rotate_after_days: Option<At<f64>>,
    requests: Option<At<f64>>,
    reasoning_tokens: Option<At<f64>>,
    linked: Option<At<f64>>,
}

impl Population {
    /// Reads a file.
    ///
    /// # Errors
    /// [`LoadError`] with all its problems.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, LoadError> {
        let path = path.as_ref();
        Self::parse(&path.display().to_string(), &text(path)?)
    }

    /// The population of `populations/reported.toml`.
    ///
    /// # Errors
    /// None: the file is part of the program.
    pub fn reported() -> Result<Self, LoadError> {
        Self::parse("populations/reported.toml", REPORTED)
    }

    /// The share of all accounts that harvest.
    #[must_use]
    pub fn prevalence(&self) -> f64 {
        let harvest: f64 = self.campaigns.iter().map(Campaign::accounts_in_all).sum();
        harvest / (harvest + self.ordinary)
    }

    /// Reads the text of a file, which errors call `file`.
    ///
    /// # Errors
    /// [`LoadError::Invalid`] with all its problems.
    pub fn parse(file: &str, text: &str) -> Result<Self, LoadError> {
        compile(text).map_err(|problems| LoadError::Invalid { file: file.to_owned(), problems })
    }
}

fn compile(text: &str) -> Result<Population, Vec<Problem>> {
    let mut source = Source::parse(text)?;
    let Some(file) = source.read::<PopulationFile>() else {
        return Err(source.finish().err().unwrap_or_default());
    };
    source.version(file.version.as_ref());
    let ordinary = match &file.ordinary {
        Some(At { value, span }) => {
            positive(&mut source, span, "accounts", value.accounts.as_ref())
        }
        None => {
            source.missing(&WHOLE, "ordinary", None);
            1.0
        }
    };
    let tables = file.campaign.as_deref().unwrap_or_default();
    if tables.is_empty() {
        source.missing(&WHOLE, "campaign", Some("nobody harvests: `[[campaign]]` says who does"));
    }
    if let Some(At { span, .. }) = tables.get(MOST_CAMPAIGNS) {
        source.problem(span, format!("is more than {MOST_CAMPAIGNS} campaigns"), None);
    }
    let campaigns = tables.iter().map(|table| campaign(&mut source, table)).collect();
    source.finish()?;
    Ok(Population { ordinary, campaigns })
}

fn campaign(source: &mut Source<'_>, At { value, span }: &At<CampaignTable>) -> Campaign {
    let name = source.name(span, value.name.as_ref());
    let accounts = positive(source, span, "accounts", value.accounts.as_ref());
    let days = positive(source, span, "days", value.days.as_ref());
    let requests = positive(source, span, "requests", value.requests.as_ref());
    let reasoning_tokens =
        positive(source, span, "reasoning_tokens", value.reasoning_tokens.as_ref());
    let rotate_after_days = match &value.rotate_after_days {
        Some(rotate) if rotate.value > 0.0 && rotate.value <= days => rotate.value,
        Some(At { span, .. }) => {
            source.problem(span, "is not above 0 and at most `days`", None);
            days
        }
        None => days,
    };
    if let Some(linked) = &value.linked {
        source.unit_interval(linked);
    }
    let linked = value.linked.as_ref().map_or(0.0, |linked| linked.value);
    Campaign { name, accounts, days, rotate_after_days, requests, reasoning_tokens, linked }
}

/// A number that has to be there, above zero and no larger than makes sense.
fn positive(
    source: &mut Source<'_>,
    table: &Range<usize>,
    field: &str,
    number: Option<&At<f64>>,
) -> f64 {
    let Some(At { value, span }) = number else {
        source.missing(table, field, None);
        return 1.0;
    };
    if !(*value > 0.0 && *value <= 1e15) {
        source.problem(span, format!("{value} is not above 0 and at most 10^15"), None);
    }
    *value
}
