//! Audit files, and the command that reads them.

use std::collections::BTreeMap;
use std::fs;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::time::Duration;

use guilloche::audit::{
    Applied, AuditKey, Counter, Counts, DecisionName, Durations, JsonLines, Line, Outcome, Passed,
    PolicyIdentity, Record, Risk, Sink,
};
use guilloche::lines::LineWriter;
use guilloche::policy::Countermeasure;
use guilloche::policy::plan::Mode;
use guilloche::secret::Secret;
use serde_json::Value;

pub(crate) const SECRET: [u8; 32] = [0x5a; 32];

/// A folder of its own.
pub(crate) struct Scene(PathBuf);

impl Scene {
    pub(crate) fn new(name: &str) -> Self {
        let folder =
            std::env::temp_dir().join(format!("guilloche-audit-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let scene = Self(folder);
        scene.write("secret.key", "5a".repeat(32).as_bytes());
        scene
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }

    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, bytes).unwrap();
        path
    }

    pub(crate) fn audit(&self, name: &str, records: &[Record], lines: &[Line]) -> PathBuf {
        let path = self.0.join(name);
        let writer = LineWriter::append(&path, NonZeroUsize::new(1 << 16).unwrap()).unwrap();
        let sink = JsonLines::new(writer);
        records.iter().for_each(|record| sink.record(record.clone()));
        lines.iter().for_each(|line| sink.lines().write(line));
        assert!(sink.lines().flush(Duration::from_secs(60)));
        path
    }

    pub(crate) fn run(&self, command: &str, arguments: &[&str], audits: &[PathBuf]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_guilloche"))
            .args(["audit", command])
            .args(arguments)
            .args(audits)
            .env_remove("GUILLOCHE_SECRET_KEY")
            .output()
            .unwrap()
    }

    /// The report as JSON, and the exit status.
    pub(crate) fn report(&self, arguments: &[&str], audits: &[PathBuf]) -> (Value, Option<i32>) {
        let output = self.run("report", &[arguments, &["--format", "json"]].concat(), audits);
        let error = String::from_utf8_lossy(&output.stderr);
        let value = serde_json::from_slice(&output.stdout);
        (value.unwrap_or_else(|_| panic!("{error}")), output.status.code())
    }
}

/// What was printed, on one line.
pub(crate) fn words(printed: &[u8]) -> String {
    let text = std::str::from_utf8(printed).unwrap();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

impl Drop for Scene {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

pub(crate) fn key() -> AuditKey {
    AuditKey::of_deployment(&Secret::new(SECRET))
}

pub(crate) fn applied(named: Countermeasure, counts: &[(Counter, u64)]) -> Applied {
    let mut sums = Counts::default();
    counts.iter().for_each(|(counter, amount)| sums.add(*counter, *amount));
    Applied::new(named, sums)
}

/// A request to which nothing was done.
pub(crate) fn record(account: &str, cluster: Option<&str>, score: f64, grade: &str) -> Record {
    Record {
        time: "2026-12-01T12:00:00Z".parse().unwrap(),
        decision: DecisionName(format!("gd_{account}")),
        principal: key().principal(account, cluster, None),
        risk: Risk::Known { score, model: Some("det-3".into()), confidence: None },
        grade: grade.into(),
        exempt: None,
        arm: None,
        policy: PolicyIdentity { name: "ladder".into(), revision: "3f00".into() },
        protocol: "chat".into(),
        stream: true,
        mode: Mode::Enforce,
        applied: Vec::new(),
        observed: Vec::new(),
        other_arms: BTreeMap::new(),
        dry_run: None,
        outcome: Outcome::Complete,
        status: Some(200),
        durations: Durations { first_byte_ms: Some(300), total_ms: 8_000 },
    }
}

pub(crate) fn passed(time: &str, requests: u64, absent: u64) -> Line {
    let time: jiff::Timestamp = time.parse().unwrap();
    Line::Passed(Box::new(Passed {
        time,
        since: time - jiff::SignedDuration::from_secs(60),
        requests: BTreeMap::from([("chat".into(), requests)]),
        unknown: BTreeMap::from([("absent".into(), absent)]),
    }))
}
