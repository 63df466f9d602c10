//! `guilloche risk sign`.

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
    assert_eq!(curl.lines().count(), 3);
    assert!(curl.starts_with(r#"-H 'guilloche-risk: account="it'\''s", score=1.0, "#));
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
