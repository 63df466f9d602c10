//! Makes the files of a finished experiment: what a proxy would have written of units that behave as
//! the test says.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use guilloche::audit::latency::LatencySketch;
use guilloche::audit::{
    AuditKey, ExperimentName, KeyedHash, Line, Population, UnitName, UnitSummary, UnitSums,
};
use guilloche::jiff::{SignedDuration, Timestamp};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// Who takes part, and what the treated arm does to them.
#[derive(Clone, Copy)]
pub(crate) struct Study {
    pub(crate) clusters: u32,
    pub(crate) ordinary: u32,
    /// What is left of harvesters' reasoning.
    pub(crate) left: f64,
    /// By what the treated arm multiplies the time to the first byte of ordinary callers.
    pub(crate) slower: f64,
    /// Of four new units, so many go to the treated arm.
    pub(crate) treated_of_four: u32,
    pub(crate) seed: u64,
}

impl Default for Study {
    fn default() -> Self {
        Self { clusters: 40, ordinary: 120, left: 1.0, slower: 1.0, treated_of_four: 2, seed: 1 }
    }
}

/// The experiment that is studied, with four looks.
pub(crate) const EXPERIMENT: &str = r#"
version = 1
name = "study"
salt = "s"
start = 2026-12-01
end = 2026-12-29
looks = 4

[[arm]]
name = "monitor"
policy = "policies/monitor.toml"
control = true

[[arm]]
name = "strict"
policy = "policies/strict.toml"

[[metric]]
name = "reasoning_tokens"
role = "success"
better = "lower"
scale = "log"

[[metric]]
name = "first_byte_ms"
role = "guardrail"
better = "lower"
margin = 0.25
cap = 60_000

[[metric]]
name = "refused_share"
role = "guardrail"
better = "lower"
margin = 0.01
"#;

pub(crate) fn start() -> Timestamp {
    "2026-12-01T00:00:00Z".parse().unwrap()
}

/// The name of a unit, as the audit has it.
pub(crate) fn hash(number: u32) -> KeyedHash {
    AuditKey::new([5; 32]).principal(&format!("unit-{number}"), None, None).account
}

impl Study {
    /// What was written of every unit, two days apart; the last is of the experiment's last day.
    pub(crate) fn lines(&self) -> Vec<Line> {
        let mut random = ChaCha20Rng::seed_from_u64(self.seed);
        let mut lines = Vec::new();
        for number in 0..self.clusters + self.ordinary {
            let harvests = number < self.clusters;
            let treated = random.next_u32() % 4 < self.treated_of_four;
            let first_day = i64::from(random.next_u32() % 7);
            let size = normal(&mut random);
            for day in (first_day..28).step_by(2) {
                let met = if harvests {
                    let left = if treated { self.left } else { 1.0 };
                    let tokens = (size + 0.3 * normal(&mut random) + 8.0).exp() * left;
                    UnitSums {
                        requests: 40,
                        exposed: 40,
                        reasoning_tokens: tokens as u64,
                        ..UnitSums::default()
                    }
                } else {
                    let slower = if treated { self.slower } else { 1.0 };
                    let mut first_byte = LatencySketch::default();
                    for _ in 0..3 {
                        let wait = (0.3 * size + 0.3 * normal(&mut random) + 6.0).exp();
                        first_byte.add((wait * slower) as u64);
                    }
                    UnitSums { requests: 3, first_byte, ..UnitSums::default() }
                };
                lines.push(Line::Unit(Box::new(UnitSummary {
                    time: start() + SignedDuration::from_hours(24 * (day + 1)),
                    experiment: ExperimentName { name: "study".into(), salt: "s".into() },
                    unit: match harvests {
                        true => UnitName::Cluster(hash(number)),
                        false => UnitName::Account(hash(number)),
                    },
                    arm: Some(if treated { "strict" } else { "monitor" }.into()),
                    population: Some(match harvests {
                        true => Population::Harvesters,
                        false => Population::Legitimate,
                    }),
                    first_seen: start() + SignedDuration::from_hours(24 * first_day + 1),
                    contaminated: false,
                    met,
                })));
            }
        }
        // Somebody was there on the last day, so that the last look has come.
        if let Some(Line::Unit(summary)) = lines.last_mut() {
            // What the last minute had is written behind the end.
            summary.time = start() + SignedDuration::from_secs(86_400 * 28 + 40);
        }
        lines
    }
}

fn normal(random: &mut ChaCha20Rng) -> f64 {
    let mut uniform = || (f64::from(random.next_u32()) + 0.5) / f64::from(u32::MAX);
    (-2.0 * uniform().ln()).sqrt() * (std::f64::consts::TAU * uniform()).cos()
}

pub(crate) fn text(lines: &[Line]) -> String {
    lines.iter().map(|line| serde_json::to_string(line).unwrap() + "\n").collect()
}

/// A folder with the experiment, which is removed at the end.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new(name: &str) -> Self {
        Self::with(name, EXPERIMENT)
    }

    pub(crate) fn with(name: &str, experiment: &str) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("report-{name}"));
        std::fs::create_dir_all(&folder).unwrap();
        let policies = format!("{}/policies", env!("CARGO_MANIFEST_DIR"));
        let experiment = experiment.replace("\"policies/", &format!("\"{policies}/"));
        std::fs::write(folder.join("study.toml"), experiment).unwrap();
        Self(folder)
    }

    pub(crate) fn file(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path = self.0.join(name);
        std::fs::write(&path, content).unwrap();
        path.display().to_string()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Runs `guilloche experiment …` on the experiment.
    pub(crate) fn run(&self, command: &str, arguments: &[&str]) -> Output {
        let mut binary = Command::new(env!("CARGO_BIN_EXE_guilloche"));
        binary.args(["experiment", command, "--experiment"]).arg(self.path("study.toml"));
        binary.args(arguments).output().unwrap()
    }

    /// The report as JSON, and the exit status.
    pub(crate) fn report(&self, arguments: &[&str]) -> (serde_json::Value, i32) {
        let output = self.run("report", &[&["--format", "json"], arguments].concat());
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        let report = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{error}"));
        (report, output.status.code().unwrap())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What a test leaves when it fails is looked at.
        if !std::thread::panicking() {
            std::fs::remove_dir_all(&self.0).unwrap();
        }
    }
}

/// The experiment with an outcome that somebody else measures.
pub(crate) fn with_complaints() -> String {
    format!(
        "{EXPERIMENT}\n[[metric]]\nname = \"complaints\"\nrole = \"guardrail\"\nbetter = \
         \"lower\"\nmargin = 0.5\ncap = 10\n"
    )
}
