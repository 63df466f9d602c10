//! Policy files: what loads, what does not and why, and what a loaded policy decides.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod decisions;
mod mistakes;
mod plans;
#[cfg(feature = "cli")]
mod upstream;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use guilloche::policy::plan::Mode;
use guilloche::policy::{Countermeasure, Decision, Policy, Reason, RequestFacts};
use guilloche::risk::{
    AccountId, Assessment, ClusterId, Principal, Risk, RiskScore, TenantId, Validity,
};
use guilloche::wire::ProtocolId;
use jiff::Timestamp;

const HEAD: &str = "version = 1\nname = \"p\"\nmode = \"enforce\"\n";

const CHAT: RequestFacts<'_> =
    RequestFacts { path: "/v1/chat/completions", protocol: Some(ProtocolId::Chat) };

fn now() -> Timestamp {
    "2026-12-01T12:00:00Z".parse().unwrap()
}

fn policy(body: &str) -> Policy {
    Policy::parse("test.toml", &format!("{HEAD}{body}")).unwrap()
}

fn principal() -> Principal {
    Principal {
        account: AccountId::new("acct-1").unwrap(),
        cluster: Some(ClusterId::new("ring-1").unwrap()),
        tenant: Some(TenantId::new("tenant-1").unwrap()),
    }
}

fn assessment(score: f64, confidence: Option<f64>) -> Assessment {
    let validity = Validity { issued: now(), ttl: Duration::from_secs(300) };
    let mut score = RiskScore::new(score, validity).unwrap();
    if let Some(confidence) = confidence {
        score = score.with_confidence(confidence).unwrap();
    }
    Assessment { principal: principal(), risk: Risk::Known(score) }
}

fn decide(policy: &Policy, score: f64) -> Decision {
    policy.decide(&assessment(score, None), CHAT, now())
}

fn reasons(decision: &Decision) -> Vec<&'static str> {
    decision.reasons.iter().map(Reason::name).collect()
}

fn grade(decision: &Decision) -> Option<&str> {
    decision.grade.as_ref().map(|grade| &*grade.name)
}

fn shipped() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies");
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
        .collect();
    files.sort();
    files
}

#[test]
fn every_shipped_policy_loads_without_a_notice_and_governs_every_protocol() {
    assert!(shipped().len() >= 4);
    for path in shipped() {
        let policy = Policy::load(&path).unwrap();
        assert_eq!(policy.notices(now()), [], "{}", path.display());
        assert!(ProtocolId::ALL.into_iter().all(|protocol| policy.scope.covers_protocol(protocol)));
        assert_eq!(path.file_stem().unwrap().to_str(), Some(policy.name.as_str()));
    }
}

#[test]
fn the_monitor_has_the_graded_ladder_and_carries_out_none_of_it() {
    let load = |name: &str| {
        Policy::load(Path::new(env!("CARGO_MANIFEST_DIR")).join("policies").join(name)).unwrap()
    };
    let (monitor, graded) = (load("monitor.toml"), load("graded.toml"));
    assert_eq!(monitor.grades.len(), graded.grades.len());
    for (watched, done) in monitor.grades.iter().zip(&graded.grades) {
        assert_eq!(
            (&watched.name, watched.at, watched.min_confidence),
            (&done.name, done.at, done.min_confidence)
        );
        for named in Countermeasure::ALL {
            let modes = (named.mode_in(&watched.plan), named.mode_in(&done.plan));
            assert!(
                matches!(modes, (None, None) | (Some(Mode::Observe), Some(Mode::Enforce))),
                "{}: {} is {modes:?}",
                watched.name,
                named.name()
            );
        }
    }
}

// The command prints what is committed.
#[cfg(all(feature = "schema", feature = "experiments"))]
#[test]
fn the_committed_schemas_are_those_of_the_code() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (file, made) in [
        ("policies/schema.json", guilloche::policy::schema()),
        ("experiments/schema.json", guilloche::experiment::schema()),
    ] {
        let made = format!("{made:#}\n");
        if std::env::var_os("GUILLOCHE_WRITE_SCHEMAS").is_some() {
            fs::write(root.join(file), &made).unwrap();
        }
        let committed = fs::read_to_string(root.join(file)).unwrap();
        assert!(committed == made, "{file}: set GUILLOCHE_WRITE_SCHEMAS, and this test writes it");
    }
}
