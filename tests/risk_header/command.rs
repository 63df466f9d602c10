//! `guilloche risk sign` and `guilloche risk verify`.

use std::process::Command;

use super::*;

fn sign(arguments: &[&str]) -> std::process::Output {
    Command::new(env!("CARGO_BIN_EXE_guilloche"))
        .args(["risk", "sign", "--key-env", "TEST_RISK_KEY", "--key-id", "2026-11"])
        .args(arguments)
        .env("TEST_RISK_KEY", KEY_HEX)
        .env("TEST_API_KEY", API_KEY)
        .output()
        .unwrap()
}

fn created(fields: &str) -> Timestamp {
    let created = fields.split_once("created=").unwrap().1.split(';').next().unwrap();
    Timestamp::from_second(created.parse().unwrap()).unwrap()
}

#[test]
fn what_the_command_signs_is_believed() {
    let output = sign(&[
        "--account=it's",
        "--cluster=c",
        "--tenant=t",
        "--score=0.8",
        "--confidence=0.5",
        "--label=a",
        "--label=b",
        "--model=m",
        "--ttl=5m",
        "--api-key-env=TEST_API_KEY",
    ]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let fields: Vec<(&str, &str)> =
        text.lines().map(|line| line.split_once(": ").unwrap()).collect();
    let key = SigningKey::from_text("2026-11", KEY_HEX).unwrap();
    let source = SignedHeader::new(context(), vec![key]);
    let assessment = source.assess(&request(&fields), created(&text));
    assert_eq!(assessment.principal.account.as_str(), "it's");
    let Risk::Known(score) = assessment.risk else { panic!("{:?}", assessment.risk) };
    assert_eq!((score.value(), score.confidence(), score.model()), (0.8, Some(0.5), Some("m")));
    assert_eq!(score.labels().collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(score.validity().ttl, Duration::from_secs(300));
}

#[test]
fn the_formats_hold_the_same_fields() {
    let common = ["--account=it's", "--score=1"];
    let json = sign(&[&common[..], &["--format=json"]].concat()).stdout;
    let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
    assert_eq!(json.as_object().unwrap().len(), 3);
    assert!(json["guilloche-risk"].as_str().unwrap().starts_with("account=\"it's\", score=1.0"));
    let curl = String::from_utf8(sign(&[&common[..], &["--format=curl"]].concat()).stdout).unwrap();
    assert!(curl.starts_with("curl 'http://127.0.0.1:8080/v1/chat/completions' \\\n"), "{curl}");
    assert!(curl.contains(r#"-H 'guilloche-risk: account="it'\''s", score=1.0, "#), "{curl}");
    assert!(curl.contains("-d '{"), "{curl}");
    // Without an API key that the header is bound to, a request with one would be no longer its.
    assert!(!curl.contains("authorization"), "{curl}");
    let note = sign(&common).stderr;
    assert!(String::from_utf8_lossy(&note).contains("without an API key; --api-key-env"));
    let bound =
        [&common[..], &["--api-key-env=TEST_API_KEY", "--format=curl", "--path=/v1/messages"]];
    let output = sign(&bound.concat());
    assert!(output.stderr.is_empty());
    let curl = String::from_utf8(output.stdout).unwrap();
    assert!(curl.contains(r#"-H "x-api-key: $TEST_API_KEY""#) && !curl.contains(API_KEY), "{curl}");
}

/// What the command says of this input: its exit status, and its report.
fn verified(arguments: &[&str], input: &str) -> (i32, serde_json::Value) {
    use std::io::Write;

    let mut child = Command::new(env!("CARGO_BIN_EXE_guilloche"))
        .args(["risk", "verify", "--format", "json"])
        .args(arguments)
        .env("TEST_RISK_KEY", KEY_HEX)
        .env("TEST_API_KEY", API_KEY)
        .env("OTHER_API_KEY", "sk-other")
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    let report = serde_json::from_slice(&output.stdout).unwrap_or(serde_json::Value::String(error));
    (output.status.code().unwrap(), report)
}

#[test]
fn what_the_proxy_would_make_of_a_header_is_told_with_the_reason() {
    let signed = |more: &[&str]| {
        let arguments = [&["--account=a", "--cluster=c", "--score=0.8"], more].concat();
        String::from_utf8(sign(&arguments).stdout).unwrap()
    };
    let bound = signed(&["--api-key-env=TEST_API_KEY"]);
    let key = ["--key-env=TEST_RISK_KEY", "--key-id=2026-11"];
    let with = |more: &[&'static str]| [&key[..], more].concat();

    let (status, report) = verified(&with(&["--api-key-env=TEST_API_KEY"]), &bound);
    assert_eq!((status, &report["believed"]), (0, &serde_json::json!(true)), "{report}");
    assert_eq!((&report["account"], &report["cluster"]), (&"a".into(), &"c".into()));
    assert_eq!(report["score"], 0.8);
    // A whole head says method, path and API key itself.
    let head =
        format!("POST {PATH}?x=1 HTTP/1.1\r\nAuthorization: Bearer {API_KEY}\r\n{bound}\r\n{{}}");
    assert_eq!(verified(&with(&["--path=/other"]), &head).0, 0);
    let value = bound.lines().next().unwrap().strip_prefix("guilloche-risk: ").unwrap();
    let expected = base64::Engine::encode(
        &base64::engine::general_purpose::STANDARD,
        credential::hash(b"sk-other"),
    );
    for (arguments, input, reason, why) in [
        (with(&[]), bound.as_str(), "other_principal", "carries no API key".to_owned()),
        (with(&["--api-key-env=OTHER_API_KEY"]), &bound, "other_principal", expected),
        (with(&["--path=/v1/messages"]), &bound, "bad_signature", "POST /v1/messages".to_owned()),
        (vec!["--key-env=TEST_RISK_KEY", "--key-id=b"], &bound, "unknown_key", "b".to_owned()),
        (with(&["--at=2100-01-01T00:00:00Z"]), &bound, "expired", "2100-01-01".to_owned()),
        (with(&["--at=2000-01-01T00:00:00Z"]), &bound, "from_future", "2000-01-01".to_owned()),
        (with(&[]), value, "unsigned", "no signature".to_owned()),
        (with(&[]), "", "absent", "no guilloche-risk".to_owned()),
        (with(&[]), "guilloche-risk: a", "unsigned", "no signature".to_owned()),
    ] {
        let (status, report) = verified(&arguments, input);
        assert_eq!((status, &report["reason"]), (1, &reason.into()), "{report}");
        assert!(report["why"].as_str().unwrap().contains(&why), "{report}");
    }
    for (arguments, input) in
        [(with(&[]), "a: b\nno field"), (vec!["--key-id=x"], ""), (vec![], "")]
    {
        let (status, error) = verified(&arguments, input);
        assert!(status == 2 && !error.to_string().contains(KEY_HEX), "{error}");
    }
}

#[test]
fn a_configuration_says_whose_word_is_taken_and_which_grade_comes_of_it() {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("risk-verify");
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("guilloche.toml");
    let policy = concat!(env!("CARGO_MANIFEST_DIR"), "/policies/graded.toml");
    let write = |risk: &str| {
        let text = format!(
            "[upstream]\nurl = \"http://127.0.0.1:1\"\n[policy]\nfile = \"{policy}\"\n{risk}"
        );
        std::fs::write(&file, text).unwrap();
        format!("--config={}", file.display())
    };
    let now = Timestamp::now().as_second();
    let value = |score: f64| format!("account=\"a\", score={score}, issued={now}, ttl=300");
    let config = write("[risk]\ntrust = \"peer\"\n");
    let (status, report) = verified(&[&config], &value(0.55));
    assert_eq!((status, &report["grade"]), (0, &"no-reasoning".into()), "{report}");
    assert_eq!((&report["policy"], &report["mode"]), (&"graded".into(), &"enforce".into()));
    let (status, report) = verified(&[&config], &value(0.1));
    assert_eq!((status, &report["grade"]), (0, &serde_json::Value::Null), "{report}");
    let signed =
        "[risk]\ntrust = \"signature\"\nkeys = [{ id = \"k\", env = \"TEST_RISK_KEY\" }]\n";
    let (status, report) = verified(&[&write(signed)], &value(0.55));
    assert_eq!((status, &report["reason"]), (1, &"unsigned".into()), "{report}");
    let (status, error) = verified(&[&write("")], &value(0.55));
    assert!(status == 2 && error.to_string().contains("there is no [risk]"), "{error}");
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn wrong_input_ends_with_two_and_shows_no_key() {
    for arguments in [
        &["--account=a", "--score=1.1"][..],
        &["--account=~a", "--score=1"],
        &["--account=a", "--score=1", "--path=/a?b"],
        &["--account=a", "--score=1", "--ttl=0s"],
        &["--account=a", "--score=1", "--api-key-env=NO_SUCH_VARIABLE"],
        &["--account=a", "--score=1", "--credential-sha256=00"],
        &["--account=a", "--score=1", "--key-file=no/such/file"],
        &["--score=1"],
    ] {
        let output = sign(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(output.stdout.is_empty());
        assert!(!String::from_utf8_lossy(&output.stderr).contains(KEY_HEX));
    }
}
