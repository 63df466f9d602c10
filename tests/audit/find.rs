//! `guilloche audit find`.

use std::path::PathBuf;

use guilloche::audit::{
    ArmDecision, Counter, DecisionName, ExperimentName, Exposure, Line, Record, UnitName,
};
use guilloche::policy::Countermeasure;
use serde_json::Value;

use crate::scene::{Scene, applied, key, passed, record, words};

/// Records of two accounts of a cluster, one of which is also a tenant's, and an exposure.
fn audit(scene: &Scene) -> PathBuf {
    let mut first = record("acct-1", Some("ring"), 0.6, "withhold");
    first.applied = vec![applied(Countermeasure::Reasoning, &[(Counter::WordsRemoved, 100)])];
    let second = record("acct-2", Some("ring"), 0.6, "withhold");
    let mut of_tenant = record("acct-1", None, 0.6, "withhold");
    of_tenant.principal = key().principal("acct-1", None, Some("acme"));
    of_tenant.decision = DecisionName("gd_tenant".into());
    let principal = first.principal;
    let exposure = Line::Exposure(Box::new(Exposure {
        time: first.time,
        decision: first.decision.clone(),
        experiment: ExperimentName { name: "e".into(), salt: "s".into() },
        principal,
        unit: UnitName::Cluster(principal.cluster.unwrap()),
        arm: "control".into(),
        carried_out: None,
        population: None,
        arms: [("control".to_owned(), ArmDecision::default())].into(),
    }));
    let lines = [exposure, passed("2026-12-01T12:00:00Z", 5, 0)];
    scene.audit("audit.jsonl", &[first, second, of_tenant], &lines)
}

/// The decisions that were found, and the exit status.
fn found(scene: &Scene, arguments: &[&str], audit: &PathBuf) -> (Vec<String>, Option<i32>) {
    let arguments = [arguments, &["--format", "json"]].concat();
    let output = scene.run("find", &arguments, std::slice::from_ref(audit));
    let text = String::from_utf8(output.stdout).unwrap();
    let decision = |line: &str| {
        let entry: Value = serde_json::from_str(line).unwrap();
        let decision = entry["decision"].as_str().or(entry["exposure"]["decision"].as_str());
        decision.unwrap().to_owned()
    };
    (text.lines().map(decision).collect(), output.status.code())
}

#[test]
fn a_caller_is_found_by_name_under_the_deployments_secret_and_by_hash_without_it() {
    let scene = Scene::new("find");
    let audit = audit(&scene);
    let secret = scene.path("secret.key");
    let by_secret = ["--secret-file", secret.as_str()];
    let hash = key().principal("acct-2", None, None).account.to_string();
    for (sought, decisions) in [
        (&["--account", "acct-1"][..], &["gd_acct-1", "gd_acct-1"][..]),
        (&["--account", "acct-1", "--tenant", "acme"], &["gd_tenant"]),
        (&["--only-tenant", "acme"], &["gd_tenant"]),
        (&["--cluster", "ring"], &["gd_acct-1", "gd_acct-2", "gd_acct-1"]),
        (&["--decision", "gd_tenant", "--decision", "gd_acct-2"], &["gd_acct-2", "gd_tenant"]),
        (&["--hash", &hash], &["gd_acct-2"]),
    ] {
        let expected: Vec<_> = decisions.iter().map(ToString::to_string).collect();
        let arguments = [sought, &by_secret].concat();
        assert_eq!(found(&scene, &arguments, &audit), (expected.clone(), Some(0)), "{sought:?}");
        if sought[0] == "--hash" || sought[0] == "--decision" {
            assert_eq!(found(&scene, sought, &audit), (expected, Some(0)), "{sought:?}");
        }
    }
    assert_eq!(found(&scene, &["--decision", "gd_none"], &audit), (vec![], Some(1)));
    let later = ["--decision", "gd_tenant", "--since", "2026-12-02"];
    assert_eq!(found(&scene, &later, &audit), (vec![], Some(1)));
}

#[test]
fn the_secret_of_the_configuration_is_taken_and_those_before_it() {
    let scene = Scene::new("config");
    let audit = audit(&scene);
    scene.write("new.key", "77".repeat(32).as_bytes());
    scene.write(
        "guilloche.toml",
        b"[upstream]\nurl = \"http://127.0.0.1:1\"\n[secret]\nkey_file = \"new.key\"\nprevious_key_files = \
          [\"secret.key\"]\n",
    );
    let config = scene.path("guilloche.toml");
    let (decisions, status) = found(&scene, &["--account", "acct-2", "--config", &config], &audit);
    assert_eq!((decisions, status), (vec!["gd_acct-2".to_owned()], Some(0)));
    let new = scene.path("new.key");
    let wrong = ["--account", "acct-2", "--secret-file", &new];
    assert_eq!(found(&scene, &wrong, &audit), (vec![], Some(1)), "of another secret");
}

#[test]
fn a_name_without_a_secret_is_wrong_usage_and_no_key_is_ever_printed() {
    let scene = Scene::new("usage");
    let audit = audit(&scene);
    let secret = scene.path("secret.key");
    for arguments in [&["--account", "acct-1"][..], &[], &["--hash", "5f"], &["--tenant", "acme"]] {
        let output = scene.run("find", arguments, std::slice::from_ref(&audit));
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{arguments:?}");
    }
    for format in ["text", "json"] {
        let arguments = ["--account", "acct-1", "--secret-file", &secret, "--format", format];
        let output = scene.run("find", &arguments, std::slice::from_ref(&audit));
        let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert!(text.contains("gd_acct-1") && !text.contains("5a5a5a"), "{text}");
    }
}

#[test]
fn a_record_is_told_in_words_that_fit_eighty_columns() {
    let scene = Scene::new("words");
    let mut hostile: Record = record("acct-1", Some("ring"), 0.6, "with\u{1b}[2Jhold");
    hostile.applied = vec![applied(Countermeasure::Reasoning, &[(Counter::WordsRemoved, 1_234)])];
    let audit = scene.audit("audit.jsonl", &[hostile], &[]);
    let output = scene.run("find", &["--decision", "gd_acct-1"], &[audit]);
    let text = String::from_utf8(output.stdout).unwrap();
    for said in [
        "2026-12-01T12:00:00.000Z gd_acct-1",
        "score 0.6, by det-3",
        "policy ladder 3f00, enforce",
        "chat, stream: complete with 200, first byte after 300 ms, end after 8.0 s",
        "done reasoning: words_removed 1,234",
    ] {
        assert!(words(text.as_bytes()).contains(said), "{said}\n{text}");
    }
    assert!(
        text.lines().all(|line| line.chars().count() <= 80) && !text.contains('\u{1b}'),
        "{text}"
    );
}
