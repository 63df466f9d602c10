//! `guilloche verify --ask`, as `docs/verify.md` has it.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use guilloche::mark::keys::Keys;
use guilloche::mark::ledger::{Entry, Event, Ledger};
use jiff::Timestamp;
use serde_json::json;
use tokio::task::spawn_blocking;

use crate::support::{Directory, asked, questions, teacher};

/// Runs the example of the page against this address.
async fn example(directory: &Directory, address: String) -> Output {
    let page = include_str!("../../docs/verify.md");
    let mut blocks = page.split("```sh\n").skip(1).map(|block| block.split("```").next().unwrap());
    let script = blocks
        .find(|block| block.contains("--ask http"))
        .unwrap()
        .replace("https://suspect.example", &address)
        .replace("--model suspect", "--model teacher-large");
    let programs = Path::new(env!("CARGO_BIN_EXE_guilloche")).parent().unwrap();
    let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap());
    let mut command = Command::new("sh");
    command.args(["-euc", &script]).current_dir(directory.file(".")).env("PATH", path);
    spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_answers_of_a_model_are_examined_like_a_file_and_asked_for_once() {
    let directory = Directory::new("command");
    let (address, teacher) = teacher().await;
    let keys = Keys::from_master(&[5; 32], Timestamp::UNIX_EPOCH);
    keys.create(directory.file("mark.keys")).unwrap();
    let event = Event::Issued {
        epoch: 1,
        tenant: String::new(),
        account: "acct-1".to_owned(),
        cluster: None,
        arm: None,
        carrier: None,
        strength: 256,
        answers: 10,
        sites: 100,
        flips: 50,
    };
    let mut ledger = Ledger::open(directory.file("mark.ledger")).unwrap();
    ledger.append(&Entry::new(Timestamp::UNIX_EPOCH, event)).unwrap();
    let base = json!({ "text": "These are the tools that you need. In addition, they are free." });
    fs::write(directory.file("base.jsonl"), format!("{base}\n")).unwrap();
    let prompts: String = questions(6)
        .iter()
        .map(|prompt| format!("{}\n", json!({ "prompt": prompt.messages()[0]["content"] })))
        .collect();
    fs::write(directory.file("prompts.jsonl"), prompts).unwrap();

    let first = example(&directory, format!("http://{address}")).await;
    let (out, error) =
        (String::from_utf8(first.stdout).unwrap(), String::from_utf8(first.stderr).unwrap());
    // Unmarked and short: the answer is no, or none.
    assert_eq!(first.status.code(), Some(1), "{out}{error}");
    assert!(error.contains("6 of 6 prompts answered now, 0 before, by 6 requests"), "{error}");
    assert!(out.contains("suspect: 6 documents in 1 file"), "{out}");
    assert_eq!((directory.lines().len(), asked(&teacher)), (6, 6));

    let second = example(&directory, format!("http://{address}")).await;
    let error = String::from_utf8(second.stderr).unwrap();
    assert!(error.contains("0 of 6 prompts answered now, 6 before"), "{error}");
    assert_eq!(asked(&teacher), 6);
}

#[test]
fn asking_without_a_cap_is_refused() {
    let output = Command::new(env!("CARGO_BIN_EXE_guilloche"))
        .args(["verify", "--keys=k", "--ask=http://127.0.0.1:9", "--model=m", "--prompts=p"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.contains("--max-tokens-total"), "{error}");
}
