//! `guilloche policy replay`, over audit files that the proxy's own sink has written.

#![cfg(feature = "cli")]
#![expect(clippy::panic, clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::time::Duration;

use guilloche::audit::{
    Applied, AuditKey, Counter, Counts, DecisionName, DryRun, Durations, JsonLines, Outcome,
    PolicyIdentity, Record, Risk, Sink,
};
use guilloche::lines::LineWriter;
use guilloche::policy::Countermeasure;
use guilloche::policy::plan::Mode;
use guilloche::secret::Secret;
use serde_json::{Value, json};

const SECRET: [u8; 32] = [0x5a; 32];

const POLICY: &str = r#"
version = 1
name = "stricter"
mode = "enforce"

[[exemption]]
account = "acct-evaluator"
owner = "trust-and-safety@example.com"
reason = "red-team contract"
expires = 2027-01-31

[[grade]]
name = "withhold"
at = 0.5
[grade.reasoning]
keep = "none"
[grade.rate.cluster]
requests = "100 per hour"

[[grade]]
name = "refuse"
at = 0.85
refuse = {}
"#;

struct Scene(PathBuf);

impl Scene {
    fn new(name: &str) -> Self {
        let folder =
            std::env::temp_dir().join(format!("guilloche-replay-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let scene = Self(folder);
        scene.write("policy.toml", POLICY.as_bytes());
        scene.write("secret.key", "5a".repeat(32).as_bytes());
        scene
    }

    fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, bytes).unwrap();
        path
    }

    fn audit(&self, name: &str, records: &[Record]) -> PathBuf {
        let path = self.0.join(name);
        let lines = LineWriter::append(&path, NonZeroUsize::new(1 << 16).unwrap()).unwrap();
        let sink = JsonLines::new(lines);
        records.iter().for_each(|record| sink.record(record.clone()));
        assert!(sink.lines().flush(Duration::from_secs(60)));
        path
    }

    fn replay(&self, arguments: &[&str], audits: &[PathBuf]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_guilloche"))
            .args(["policy", "replay", "--policy"])
            .arg(self.0.join("policy.toml"))
            .args(arguments)
            .args(audits)
            .env_remove("GUILLOCHE_SECRET_KEY")
            .output()
            .unwrap()
    }

    fn json(&self, arguments: &[&str], audits: &[PathBuf]) -> (Value, Option<i32>) {
        let output = self.replay(&[arguments, &["--format", "json"]].concat(), audits);
        let error = String::from_utf8_lossy(&output.stderr);
        let value = serde_json::from_slice(&output.stdout);
        (value.unwrap_or_else(|_| panic!("{error}")), output.status.code())
    }

    fn secret(&self) -> String {
        self.0.join("secret.key").display().to_string()
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn counts(counts: &[(Counter, u64)]) -> Counts {
    let mut sums = Counts::default();
    counts.iter().for_each(|(counter, amount)| sums.add(*counter, *amount));
    sums
}

fn record(account: &str, cluster: Option<&str>, score: f64, grade: &str) -> Record {
    let key = AuditKey::of_deployment(&Secret::new(SECRET));
    Record {
        time: "2026-12-01T12:00:00Z".parse().unwrap(),
        decision: DecisionName("gd_1".into()),
        principal: key.principal(account, cluster, None),
        risk: Risk::Known { score, model: None, confidence: None },
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
        durations: Durations::default(),
    }
}

/// Three requests of an ordinary account, four of a ring, one of an evaluator, one of a caller whose
/// risk is contested, and one on an unknown path.
fn records() -> Vec<Record> {
    let mild = record("acct-honest", None, 0.25, "side-channels");
    let mut marked = record("acct-1", Some("ring"), 0.8, "withhold");
    let removed = counts(&[(Counter::WordsRemoved, 100)]);
    let used = counts(&[(Counter::TokensOut, 500), (Counter::TokensReasoning, 300)]);
    marked.applied = vec![
        Applied::new(Countermeasure::Rate, used),
        Applied::new(Countermeasure::Reasoning, removed.clone()),
    ];
    // Its answer had no reasoning, so nothing was withheld.
    let plain = record("acct-2", Some("ring"), 0.6, "withhold");
    let mut untried = record("acct-2", Some("ring"), 0.7, "watched");
    untried.observed = vec![Applied::new(Countermeasure::Reasoning, Counts::default())];
    untried.dry_run = Some(DryRun::NotSampled);
    let mut tried = untried.clone();
    tried.observed = vec![Applied::new(Countermeasure::Reasoning, removed)];
    tried.dry_run = Some(DryRun::Complete);
    // The exemption names no tenant: the account is spared whosesoever it is.
    let mut evaluator = record("acct-evaluator", None, 0.9, "withhold");
    let key = AuditKey::of_deployment(&Secret::new(SECRET));
    evaluator.principal = key.principal("acct-evaluator", None, Some("acme"));
    let mut contested = record("acct-3", None, 0.0, "");
    contested.risk = Risk::Unknown { reason: "bad_signature".into() };
    contested.outcome = Outcome::Refused;
    let refused = counts(&[(Counter::RequestsRefused, 1)]);
    contested.applied = vec![Applied::new(Countermeasure::Refuse, refused)];
    let mut elsewhere = record("acct-1", Some("ring"), 0.95, "withhold");
    elsewhere.protocol = "unknown".into();
    let ordinary = [mild.clone(), mild.clone(), mild];
    [&ordinary[..], &[marked, plain, untried, tried, evaluator, contested, elsewhere]].concat()
}

#[test]
fn who_changes_grade_what_it_costs_and_what_is_withheld_is_told_from_the_records() {
    let scene = Scene::new("whole");
    let audit = scene.audit("audit.jsonl", &records());
    let (replay, status) = scene.json(&["--secret-file", &scene.secret()], &[audit]);
    assert_eq!(status, Some(0));
    let told = |field: &str| replay[field].clone();
    assert_eq!(
        (told("requests"), told("accounts"), told("clusters")),
        (10.into(), 5.into(), 1.into())
    );
    let change = |recorded: Option<&str>, replayed: Option<&str>, requests: u64, accounts: u64| json!({ "recorded": recorded, "replayed": replayed, "requests": requests, "accounts": accounts });
    assert_eq!(
        told("changes"),
        json!([
            change(None, None, 1, 1),
            change(Some("side-channels"), None, 3, 1),
            change(Some("withhold"), Some("withhold"), 2, 2),
            change(Some("withhold"), Some("refuse"), 2, 2),
            change(Some("watched"), Some("withhold"), 2, 1),
        ])
    );
    assert_eq!(told("changed"), json!({ "requests": 7, "accounts": 4 }));
    let both = |requests: u64, accounts: u64| json!({ "requests": requests, "accounts": accounts });
    let kinds = told("kinds");
    let kind = |place: usize| {
        let kind = &kinds[place];
        ["kind", "seen", "touched", "limited", "refused", "were_refused"].map(|it| kind[it].clone())
    };
    assert_eq!(
        kind(0),
        ["exempt".into(), both(1, 1), both(0, 0), both(0, 0), both(0, 0), 0.into()]
    );
    assert_eq!(
        kind(1),
        ["unknown".into(), both(1, 1), both(1, 1), both(0, 0), both(1, 1), 1.into()]
    );
    assert_eq!(
        kind(2),
        ["low_risk".into(), both(3, 1), both(0, 0), both(0, 0), both(0, 0), 0.into()]
    );
    assert_eq!(
        kind(3),
        ["suspected".into(), both(5, 2), both(4, 2), both(4, 2), both(0, 0), 0.into()]
    );
    // A record without a word of reasoning is one of a grade that withholds it: none was there.
    let amount = |amount: u64, counted: u64, unknown: u64| json!({ "amount": amount, "counted": counted, "unknown": unknown });
    assert_eq!(
        told("withheld"),
        json!({
            "words": amount(200, 3, 1),
            "reasoning_tokens": amount(300, 1, 3),
            "sites": amount(0, 0, 0),
        })
    );
    assert_eq!(told("recorded")[0]["requests"], 10);
}

#[test]
fn without_the_secret_exemptions_are_not_matched_and_that_is_said() {
    let scene = Scene::new("secret");
    let audit = scene.audit("audit.jsonl", &records());
    let (replay, _) = scene.json(&[], std::slice::from_ref(&audit));
    assert_eq!(replay["kinds"][0]["seen"]["requests"], 0);
    assert_eq!(replay["kinds"][3]["refused"]["requests"], 1);
    let assumed = replay["assumed"].to_string();
    assert!(assumed.contains("Without the deployment's secret"), "{assumed}");
    assert!(assumed.contains("not recorded"), "{assumed}");
    scene.write("secret.key", b"no key");
    let output = scene.replay(&["--secret-file", &scene.secret()], &[audit]);
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn a_policy_that_only_observes_is_told_as_if_it_were_enforced() {
    let scene = Scene::new("observes");
    let audit = scene.audit("audit.jsonl", &records());
    let (enforced, _) = scene.json(&[], std::slice::from_ref(&audit));
    scene.write("policy.toml", POLICY.replace("\"enforce\"", "\"observe\"").as_bytes());
    let (observed, _) = scene.json(&[], &[audit]);
    assert_eq!(observed["kinds"][3], enforced["kinds"][3]);
    assert_eq!(observed["withheld"], enforced["withheld"]);
    assert!(observed["assumed"].to_string().contains("as if it were enforced"));
}

#[test]
fn the_answer_depends_neither_on_the_order_nor_on_the_sharding_of_the_files() {
    let scene = Scene::new("order");
    let mut records = records();
    let one = scene.audit("one.jsonl", &records);
    records.reverse();
    let shards: Vec<_> = records
        .chunks(3)
        .enumerate()
        .map(|(number, shard)| scene.audit(&format!("{number}.jsonl"), shard))
        .collect();
    let told = |audits: &[PathBuf]| {
        let (mut replay, _) = scene.json(&["--secret-file", &scene.secret()], audits);
        replay.as_object_mut().unwrap().remove("files");
        replay
    };
    assert_eq!(told(&[one]), told(&shards));
}

#[test]
fn what_could_not_be_read_is_named_with_its_line_and_costs_nothing_else() {
    let scene = Scene::new("damaged");
    let good = scene.audit("good.jsonl", &records());
    let text = fs::read(&good).unwrap();
    // The same lines in the same order would be taken for a copy.
    let other: Vec<&[u8]> = text.split_inclusive(|byte| *byte == b'\n').rev().collect();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&other.concat()).unwrap();
    let whole = gzip.finish().unwrap();
    let cut = scene.write("cut.jsonl.gz", &whole[..whole.len() - 9]);
    let hostile = scene.write("hostile.jsonl", &[b"{\"time\":\"\x1b[2J\"}\n", &text[..]].concat());
    let audits = [good, cut, hostile];
    let (replay, status) = scene.json(&[], &audits);
    assert_eq!(status, Some(2));
    assert!(replay["requests"].as_u64().unwrap() >= 20, "{replay}");
    let output = scene.replay(&[], &audits);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("line 1: is no JSON, or was cut"), "{text}");
    assert!(text.contains("cannot be read further"), "{text}");
    assert!(!text.contains('\x1b'));
}

#[test]
fn the_report_for_people_fits_eighty_columns_and_a_page_stands_alone() {
    let scene = Scene::new("page");
    let mut records = records();
    let long = "a-grade-of-a-very-long-name-that-a-hostile-file-may-have";
    records.push(record("acct-9", None, 0.7, long));
    let audit = scene.audit("audit.jsonl", &records);
    let page = scene.0.join("replay.html");
    let output = scene.replay(&["--report", &page.display().to_string()], &[audit]);
    assert_eq!(output.status.code(), Some(0));
    let text = String::from_utf8(output.stdout).unwrap();
    for line in text.lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
    let page = fs::read_to_string(page).unwrap();
    well_formed(&page);
    assert!(page.contains("stricter") && page.contains("Content-Security-Policy"));
    assert!(!page.contains("<script") && !page.contains("http://"), "nothing is loaded");
}

fn well_formed(page: &str) {
    let mut reader = quick_xml::Reader::from_str(page.trim_start_matches("<!DOCTYPE html>"));
    reader.config_mut().check_end_names = true;
    loop {
        match reader.read_event().unwrap() {
            quick_xml::events::Event::Eof => break,
            _ => continue,
        }
    }
}

#[test]
fn a_file_that_is_not_there_or_is_given_twice_is_wrong_input() {
    let scene = Scene::new("missing");
    let audit = scene.audit("audit.jsonl", &records());
    for audits in [vec![scene.0.join("none.jsonl")], vec![audit.clone(), audit]] {
        let output = scene.replay(&[], &audits);
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0));
    }
}
