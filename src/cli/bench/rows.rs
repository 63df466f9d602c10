//! What is compared, and how each is set up.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use memchr::memmem;
use serde::Serialize;

use super::canned::{ANSWERING_MODEL, ASKED_MODEL};
use super::children::StreamShape;
use super::load::{events_of, fetch, fetch_for};
use super::nginx;
use super::process::{Served, Tells};
use super::target::Target;
use crate::cli::{Failure, keys};

/// One line of the tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Row {
    /// The load generator and the upstream with nothing in between: what the rig itself can do.
    Upstream,
    /// The least that a streaming reverse proxy on hyper does.
    Bare,
    /// nginx, where it is installed: one worker for each processor, nothing buffered, no log.
    Nginx,
    /// Guilloche, for a caller who has reached no grade.
    Untouched,
    /// Guilloche, for a caller at the strictest grade that still answers.
    Strictest,
    /// Guilloche, for a caller whose answers are marked in their words.
    Marked,
    /// The same grade, observed only, and tried on a copy of every exchange.
    Observed,
    /// The same grade, observed only, and tried on none.
    Unsampled,
}

impl Row {
    pub(super) const ALL: [Self; 8] = [
        Self::Upstream,
        Self::Bare,
        Self::Nginx,
        Self::Untouched,
        Self::Strictest,
        Self::Marked,
        Self::Observed,
        Self::Unsampled,
    ];

    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Upstream => "upstream alone",
            Self::Bare => "bare hyper proxy",
            Self::Nginx => "nginx",
            Self::Untouched => "guilloche, grade 0",
            Self::Strictest => "guilloche, strictest",
            Self::Marked => "guilloche, marked",
            Self::Observed => "observed, sample 1",
            Self::Unsampled => "observed, sample 0",
        }
    }

    pub(super) fn score(self) -> &'static str {
        match self {
            Self::Upstream | Self::Bare | Self::Nginx | Self::Untouched => "0.05",
            Self::Strictest | Self::Marked | Self::Observed | Self::Unsampled => "0.95",
        }
    }

    /// Its policy, if it is guilloche.
    fn policy(self) -> Option<String> {
        let (mode, sample) = match self {
            Self::Upstream | Self::Bare | Self::Nginx => return None,
            Self::Marked => return Some(MARKING.to_owned()),
            Self::Untouched | Self::Strictest => ("enforce", "1.0"),
            Self::Observed => ("observe", "1.0"),
            Self::Unsampled => ("observe", "0.0"),
        };
        let policy = POLICY.replace("ASKED", ASKED_MODEL).replace("ANSWERING", ANSWERING_MODEL);
        Some(policy.replace("LIMIT", LIMIT).replace("MODE", mode).replace("SAMPLE", sample))
    }

    /// The least share of the upstream's events that clients get in the middle of a stream whose
    /// first half is reasoning, if the row keeps up. Where reasoning is left out, half is due; the
    /// streams do not reach their middle at quite the same time.
    pub(super) fn least_share(self) -> f64 {
        if self == Self::Strictest { 0.42 } else { 0.95 }
    }

    /// How many events of such a stream reach the client.
    pub(super) fn delivered(self, shape: StreamShape) -> std::ops::RangeInclusive<u64> {
        let all = events_of(shape);
        // The events of reasoning may be left out.
        if self == Self::Strictest { shape.texts - shape.reasoning..=all } else { all..=all }
    }
}

/// The strictest grade that still answers. Limits are counted and never reached, and nothing is
/// slowed down: what is measured is the work, not the waiting.
const POLICY: &str = r#"
version = 1
name = "bench"
mode = "MODE"
observe_sample = SAMPLE
unknown_routes = "refuse"
on_opaque = "refuse"

[[grade]]
name = "strictest"
at = 0.5
side_channels = { max_choices = 1 }
reasoning = { keep = "none", ask_upstream = true, round_usage = 64 }

[grade.downgrade]
models = { "ASKED" = "ANSWERING" }
max_output_tokens = 4096
max_effort = "low"
# The requested name is restored in every event.
disclose = false

[grade.rate]
account = { requests = "LIMIT", input_tokens = "LIMIT", output_tokens = "LIMIT", reasoning_tokens = "LIMIT", concurrency = 100_000 }
cluster = { requests = "LIMIT", input_tokens = "LIMIT", output_tokens = "LIMIT", reasoning_tokens = "LIMIT", concurrency = 100_000 }
"#;
const MARKING: &str = r#"
version = 1
name = "bench"
mode = "enforce"

[[grade]]
name = "marked"
at = 0.5
watermark = {}
"#;
const LIMIT: &str = "1_000_000_000 per second";

/// The upstream, and what it takes to start the rows in front of it. Dropping it stops all.
#[derive(Debug)]
pub(super) struct Rig {
    pub(super) upstream: Served,
    files: Files,
}

/// A directory of this run's own, removed with it.
#[derive(Debug)]
struct Files(PathBuf);

impl Files {
    /// Writes what a row is configured with; its file.
    fn configure(&self, row: Row, upstream: SocketAddr) -> Result<Option<PathBuf>, Failure> {
        let Some(policy) = row.policy() else { return Ok(None) };
        let directory = self.0.join(format!("{row:?}"));
        std::fs::create_dir_all(&directory)?;
        std::fs::write(directory.join("policy.toml"), policy)?;
        let mut config = config(&directory, upstream);
        if row == Row::Marked {
            let (keys, ledger) = (directory.join("mark.keys"), directory.join("mark.ledger"));
            keys::new(&keys, &ledger, Timestamp::now())?;
            let (keys, ledger) = (keys.display(), ledger.display());
            config.push_str(&format!("[marks]\nkeys = '{keys}'\nledger = '{ledger}'\n"));
        }
        let file = directory.join("guilloche.toml");
        std::fs::write(&file, config)?;
        Ok(Some(file))
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        // What is left in the system's directory for such files does no harm.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

impl Rig {
    pub(super) fn start() -> Result<Self, Failure> {
        let upstream = Served::start(&["bench-upstream"], Tells::OnOutput)?;
        let name = format!("guilloche-bench-{}", std::process::id());
        let files = Files(std::env::temp_dir().join(name));
        std::fs::create_dir_all(&files.0)?;
        Ok(Self { upstream, files })
    }

    /// The rows that can be measured here.
    pub(super) fn rows() -> Vec<Row> {
        let has_nginx = nginx::is_installed();
        Row::ALL.into_iter().filter(|row| *row != Row::Nginx || has_nginx).collect()
    }

    /// Starts a row's own process; the upstream is none's own.
    pub(super) async fn start_row(&self, row: Row) -> Result<Option<Served>, Failure> {
        match row {
            Row::Bare => {
                let upstream = self.upstream.address.to_string();
                return Served::start(&["bench-bare-proxy", &upstream], Tells::OnOutput).map(Some);
            }
            Row::Nginx => {
                return nginx::start(&self.files.0, self.upstream.address).await.map(Some);
            }
            _ => {}
        }
        let Some(config) = self.files.configure(row, self.upstream.address)? else {
            return Ok(None);
        };
        let config = config.to_str().ok_or("the temporary directory's name is not text")?;
        Served::start(&["serve", "--config", config], Tells::InLog).map(Some)
    }
}

fn config(directory: &Path, upstream: SocketAddr) -> String {
    format!(
        "[listen]\naddress = \"127.0.0.1:0\"\n[upstream]\nurl = \"http://{upstream}\"\n\
         [admin]\naddress = \"off\"\n[limits]\nmax_connections = 100000\n\
         [risk]\ntrust = \"peer\"\n[policy]\nfile = '{}'\n",
        directory.join("policy.toml").display()
    )
}

/// Shows that a row does what its title says before it is measured.
pub(super) async fn check(row: Row, target: &Target, upstream: &Target) -> Result<(), Failure> {
    let shape = StreamShape { texts: 8, reasoning: 4, interval: Duration::ZERO };
    if row == Row::Marked && !marks(target, upstream).await? {
        return Err(format!("{}: no answer is marked", row.title()).into());
    }
    for shape in [None, Some(shape)] {
        let original = fetch(upstream, shape).await?;
        let got = fetch(target, shape).await?;
        if row == Row::Marked {
            continue;
        }
        let holds = |text: &str| memmem::find(&got, text.as_bytes()).is_some();
        let right = match row {
            Row::Strictest => {
                let reasoning = ["\"reasoning_content\":\" word", "The reader asks"];
                let content =
                    if shape.is_some() { "\"content\":\" word" } else { "19 crates left" };
                !reasoning.into_iter().any(holds)
                    && !holds(ANSWERING_MODEL)
                    && holds(ASKED_MODEL)
                    && holds(content)
            }
            _ => got == original,
        };
        if !right {
            return Err(format!("{}: the answer is not what it has to be", row.title()).into());
        }
    }
    Ok(())
}

/// Whether somebody's answer has other words than the upstream's, and everybody's is whole.
async fn marks(target: &Target, upstream: &Target) -> Result<bool, Failure> {
    let original = fetch(upstream, None).await?;
    let target = target.on_behalf_of("marked");
    let mut differ = false;
    for account in 0..64 {
        let marked = fetch_for(&target, account, None).await?;
        let whole = memmem::find(&marked, b"There are 19 crates left").is_some()
            && serde_json::from_slice::<serde_json::Value>(&marked).is_ok();
        if !whole {
            return Ok(false);
        }
        differ |= marked != original;
    }
    Ok(differ)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policies_of_the_benchmark_load() {
        for policy in Row::ALL.into_iter().filter_map(Row::policy) {
            let policy = crate::policy::Policy::parse("bench.toml", &policy);
            assert!(policy.is_ok(), "{policy:?}");
        }
    }
}
