//! The report on a verdict: its structure, its numbers, and what hostile names do to it.
#![cfg(feature = "forensics")]

mod reader;
mod verdicts;

use guilloche::mark::examination::{ControlKind, Method, Outcome, Verdict, conclude};
use guilloche::mark::report::{Run, page};

use self::reader::Page;

/// The page, read by another hand's parser; kept where a developer can look at it.
fn read(name: &str, verdict: &Verdict, run: &Run) -> Page {
    let html = page(verdict, run);
    std::fs::write(format!("{}/report-{name}.html", env!("CARGO_TARGET_TMPDIR")), &html).unwrap();
    Page::read(&html)
}

fn run() -> Run {
    let command = [
        "/usr/local/bin/guilloche",
        "verify",
        "--keys",
        "/etc/guilloche/keys.toml",
        "--suspect",
        "/home/analyst/case-12/suspect answers.jsonl.zst",
        "--control",
        "/data/controls/other-model.jsonl",
        "--decoys",
        "10000",
    ];
    Run {
        made: Some("2026-11-23T03:32:00Z".parse().unwrap()),
        command: command.map(Into::into).into(),
    }
}

#[test]
fn every_part_is_there_in_its_order() {
    let page = read("exposed", &verdicts::exposed(10_000), &run());
    let numbers: Vec<&str> =
        page.headings.iter().filter_map(|heading| heading.split(' ').next()).collect();
    assert_eq!(numbers, ["1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12"]);
    assert!(page.title.ends_with("exposed"));
}
