//! What a script learns of a command whose report nobody reads to its end.

use std::fs::File;
use std::process::{Command, Stdio};

use super::support::{Machine, told};

/// A pipe whose reader has gone, as that of `| head` goes.
fn closed_pipe() -> Stdio {
    let mut reader = Command::new("true").stdin(Stdio::piped()).spawn().unwrap();
    let pipe = reader.stdin.take().unwrap();
    reader.wait().unwrap();
    pipe.into()
}

fn policy(name: &str) -> String {
    format!("{}/policies/{name}", env!("CARGO_MANIFEST_DIR"))
}

// Break it: end with 0 where a write fails, or before the command has come to its answer.
#[test]
fn an_answer_that_nobody_reads_is_no_success_and_a_no_stays_one() {
    let machine = Machine::new("closed-output");
    let graded = policy("graded.toml");
    machine.write("bad.toml", "version = 7\n");
    machine.write("audit.jsonl", "this is no entry\n");
    let explain = ["policy", "explain", "--policy", &graded, "--score", "0.9", "--account", "a"];
    let simulate = ["policy", "simulate", "--policy", &graded, "--auc", "0.9"];
    machine.shell("guilloche keys new --keys mark.keys --ledger mark.ledger");
    for (arguments, expected) in [
        (&["policy", "schema"][..], 141),
        (&["policy", "check", &graded], 141),
        (&["policy", "check", "--format", "json", &graded], 141),
        (&[&explain[..], &["--model", "m"]].concat(), 141),
        (&simulate, 141),
        (&["experiment", "schema"], 141),
        (&["keys", "show", "--keys", "mark.keys"], 141),
        (&["completions", "bash"], 141),
        (&["man"], 141),
        (&["policy", "check", "bad.toml", &graded], 1),
        (&["policy", "check", "--format", "json", "bad.toml"], 1),
        (&["audit", "report", "audit.jsonl"], 2),
        (&["policy", "check", "missing.toml"], 2),
    ] {
        let mut command = machine.guilloche(arguments);
        let output = command.stdout(closed_pipe()).stderr(Stdio::piped()).output().unwrap();
        let (status, _, error) = told(&output);
        assert_eq!(status, expected, "{arguments:?}: {error}");
        // Of the pipe nothing is said: whoever closed it knows.
        assert!(!error.contains("pipe"), "{arguments:?}: {error}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_report_that_finds_no_room_is_told() {
    let machine = Machine::new("full-output");
    let graded = policy("graded.toml");
    for arguments in [&["policy", "check", &graded][..], &["policy", "schema"]] {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let output = machine.guilloche(arguments).stdout(full).output().unwrap();
        let (status, _, error) = told(&output);
        assert!(status == 2 && error.contains("standard output: "), "{status} {error}");
    }
}
