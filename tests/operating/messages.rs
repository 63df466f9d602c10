//! What is said of arguments that cannot be used: which one it is, and what is wanted.

use super::support::{Machine, told};

fn refused(machine: &Machine, line: &str) -> String {
    let arguments: Vec<&str> = line.split(' ').collect();
    let (status, out, error) = told(&machine.guilloche(&arguments).output().unwrap());
    assert_eq!((status, out.as_str()), (2, ""), "{line}: {error}");
    error
}

// Break it: parse one of them with the type's own `FromStr`, or leave an option out of those that take
// negative numbers.
#[test]
fn a_wrong_argument_is_named_with_the_form_that_is_wanted() {
    let machine = Machine::new("messages");
    machine.write("risk.key", &"5a".repeat(32));
    machine.shell("chmod 600 risk.key && guilloche keys new --keys k --ledger l");
    let sign = "risk sign --key-file risk.key --key-id k --account a";
    let policy = format!("{}/policies/graded.toml", env!("CARGO_MANIFEST_DIR"));
    for (line, named, wanted) in [
        (format!("{sign} --score -1"), "--score", "between 0 and 1"),
        (format!("{sign} --score 0.5 --confidence -0.5"), "--confidence", "between 0 and 1"),
        (format!("{sign} --score 0.5 --signature-label A"), "--signature-label", "such as `risk`"),
        (format!("{sign} --score 0.5 --label \u{7}"), "--label", "printable"),
        (format!("{sign} --score 0.5 --ttl -5m"), "--ttl", "such as 300s"),
        (format!("{sign} --score 0.5 --ttl soon"), "--ttl", "such as 300s"),
        (format!("{sign} --score 0.5 --ttl 0s"), "--ttl", "at least one second"),
        ("risk verify --key-id k --at today".to_owned(), "--at", "such as 2026-11-30T08:00:00Z"),
        ("keys rotate --keys k --ledger l --overlap -1h".to_owned(), "--overlap", "from 0 up"),
        ("keys rotate --keys k --ledger l --overlap 1d".to_owned(), "--overlap", "such as 300s"),
        ("keys bucket --keys k --out o --epoch -1".to_owned(), "--epoch", "-1"),
        ("mark x --keys k --account a --strength -0.5".to_owned(), "--strength", "from 0 to 1"),
        ("health --timeout -1".to_owned(), "--timeout", "-1"),
        ("audit report --since -7d a".to_owned(), "--since", "such as 24h or 7d"),
        ("audit report --until 30.11.2026 a".to_owned(), "--until", "such as 2026-11-30"),
        ("experiment report --experiment e --as-of 2026 a".to_owned(), "--as-of", "such as 2026-"),
        (
            "verify --keys k --ledger l --ledger-until 2026-11-30 --suspect s".to_owned(),
            "--ledger-until",
            "such as 2026-11-30T08:00:00Z",
        ),
        ("verify --keys k --suspect s --decoys -1".to_owned(), "--decoys", "-1"),
        (format!("policy replay --policy {policy} --low-risk -1 a"), "--low-risk", "from 0 to 1"),
        (format!("policy simulate --policy {policy} --auc 0.9 --budget -1"), "--budget", "0 to 1"),
    ] {
        let error = refused(&machine, &line);
        assert!(error.contains(named) && error.contains(wanted), "{line}: {error}");
        assert!(!error.contains("unexpected argument"), "{line}: {error}");
    }
}

#[test]
fn a_plan_that_is_none_is_told_as_such() {
    let machine = Machine::new("messages-plan");
    machine.shell("guilloche keys new --keys k --ledger l");
    for content in ["", "{", "[]", "{\"plan\": 1}"] {
        machine.write("plan.json", content);
        let error = refused(&machine, "verify --keys k --suspect s --committed plan.json");
        assert!(error.contains("plan.json: --committed: no plan of `verify commit`"), "{error}");
    }
}

// Break it: tell the error of the connection without whom it was to reach.
#[test]
fn a_server_that_cannot_be_reached_is_named() {
    let machine = Machine::new("messages-server");
    let address = super::support::free_address();
    let policy = format!("{}/policies/graded.toml", env!("CARGO_MANIFEST_DIR"));
    for line in [
        format!("policy check --upstream http://{address} {policy}"),
        format!("reload --admin {address}"),
    ] {
        let error = refused(&machine, &line);
        assert!(error.contains(&format!("http://{address}")), "{line}: {error}");
    }
}

// Break it: have an option take as many values as follow.
#[test]
fn an_option_takes_no_file_of_the_ones_that_the_command_is_about() {
    let machine = Machine::new("messages-options");
    let experiment = format!("{}/experiments/withhold-reasoning.toml", env!("CARGO_MANIFEST_DIR"));
    machine.write("complaints.csv", "account,time,metric,value\n");
    machine.write("audit.jsonl", "");
    machine.write("november.jsonl", "");
    machine.shell("mkdir state");
    for option in ["--before november.jsonl", "--state state", "--outcomes complaints.csv"] {
        let line = format!("experiment report --experiment {experiment} {option} audit.jsonl");
        let arguments: Vec<&str> = line.split(' ').collect();
        let (_, _, error) = told(&machine.guilloche(&arguments).output().unwrap());
        assert!(!error.contains("required"), "{line}: {error}");
    }
}

// Break it: end with 1 as if the proxy had been asked.
#[test]
fn a_configuration_that_does_not_say_whom_to_ask_is_no_refusal_of_the_proxy() {
    let machine = Machine::new("messages-reload");
    machine.write("guilloche.toml", "[listen\n");
    let error = refused(&machine, "reload --config guilloche.toml");
    assert!(error.contains("guilloche.toml") && error.contains("nobody was asked"), "{error}");
    assert!(error.contains("--admin"), "{error}");
}
