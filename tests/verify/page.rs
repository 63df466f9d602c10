//! The commands of `docs/verify.md` run as they stand there.

use std::fs;
use std::path::Path;
use std::process::Command;

use guilloche::forensics::examination::{Outcome, Verdict};
use guilloche::mark::keys::Scheme;
use serde_json::json;

use super::law::copies;
use super::scene::Scene;

#[test]
fn the_procedure_of_the_documentation_runs() {
    let page = include_str!("../../docs/verify.md");
    let script = page.split("```sh\n").nth(1).unwrap().split("```").next().unwrap();
    let scene = Scene::of_scheme("page", Scheme::Law);
    scene.write("answers.jsonl", &copies(&scene.keys, 2, "a-7", 1.0));
    scene.control();
    fs::rename(scene.file("control.jsonl"), scene.file("base.jsonl")).unwrap();
    let prompt = json!({ "prompt": "How do people find the house?", "text": "Tell me." });
    fs::write(scene.file("prompts.jsonl"), format!("{prompt}\n")).unwrap();

    let programs = Path::new(env!("CARGO_BIN_EXE_guilloche")).parent().unwrap();
    let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap());
    let output = Command::new("sh")
        .args(["-euc", script])
        .current_dir(scene.file("."))
        .env("PATH", path)
        .output()
        .unwrap();
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{error}");
    let verdict = fs::read_to_string(scene.file("verdict.json")).unwrap();
    let verdict: Verdict = serde_json::from_str(&verdict).unwrap();
    assert_eq!(verdict.outcome, Outcome::Exposed);
    assert!(verdict.method.committed.is_some() && verdict.naming.asked.is_none());
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains(&verdict.method.plan_hash) && text.contains("committed to on"), "{text}");
}
