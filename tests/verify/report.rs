//! The page of `--report`.

use std::fs;

use super::scene::{Scene, text};

#[test]
fn the_page_says_what_the_verdict_says_and_holds_neither_text_nor_keys() {
    let scene = Scene::new("report");
    let mut texts = scene.copies(2, &[("a-7", None)]);
    texts.iter_mut().for_each(|text| text.push_str("\n\nThe heron of Ostrava counts lanterns."));
    let (suspect, control) = (scene.write("answers.jsonl", &texts), scene.control());
    let cut = "{\"text\": \"The heron of Ostrava";
    fs::write(&suspect, format!("{}{cut}\n", fs::read_to_string(&suspect).unwrap())).unwrap();
    let page = scene.file("report.html");
    let control = format!("base={}", text(&control));
    let said = scene.verify(&[
        "--suspect",
        text(&suspect),
        "--control",
        &control,
        "--report",
        text(&page),
    ]);
    assert_eq!(said.code, 0, "{}", said.error);
    let (verdict, page) = (said.verdict(), fs::read_to_string(&page).unwrap());

    assert!(page.contains("There is none, and so nobody is named") && page.contains("framed"));
    assert!(page.contains("<title>Examination for marked outputs: exposed</title>"));
    assert!(page.contains("those of the account <bdi class=\"name short\">a-7</bdi>"));
    for p in verdict.deployments.iter().map(|test| test.p_adjusted) {
        assert!(page.contains(&format!("value=\"{p}\"")), "{p}");
    }
    assert!(page.contains(&verdict.method.plan_hash));
    let words: u64 = texts.iter().map(|text| text.split_whitespace().count() as u64).sum();
    assert_eq!(verdict.materials[0].files[0].words, words);
    assert!(page.contains("verify --keys mark.keys --ledger mark.ledger --format json"));
    assert!(
        page.contains("--suspect answers.jsonl --control base=control.jsonl --report report.html")
    );
    assert!(!page.contains(text(&scene.file("."))));

    assert!(page.contains("not JSON") && !page.contains("heron") && !page.contains("Ostrava"));
    let keys = fs::read_to_string(scene.file("mark.keys")).unwrap();
    let master = keys.lines().find_map(|line| line.strip_prefix("master ")).unwrap();
    assert!(master.len() == 64 && !page.contains(&master[..16]));
    assert!(page.len() < 300_000);
}

#[test]
fn a_refusal_has_its_page_too_and_a_second_page_takes_the_place_of_the_first() {
    let scene = Scene::new("report-twice");
    let suspect = scene.write("answers.jsonl", &scene.copies(2, &[("a-7", None)]));
    let page = scene.file("report.html");
    let arguments = ["--suspect", text(&suspect), "--report", text(&page)];
    // Marked text is no control.
    let control = ["--control", text(&suspect)];
    let said = scene.verify(&[&arguments[..], &control].concat());
    assert_eq!(said.code, 1, "{}", said.error);
    let first = fs::read_to_string(&page).unwrap();
    assert!(first.contains("Verdict: refused") && !first.contains("a-7"));

    let control = scene.control();
    let said = scene.verify(&[&arguments[..], &["--control", text(&control)]].concat());
    assert_eq!(said.code, 0, "{}", said.error);
    let second = fs::read_to_string(&page).unwrap();
    assert!(second.contains("Verdict: exposed") && second.ends_with("</html>\n"));
    assert_eq!(second.matches("<!DOCTYPE html>").count(), 1);
}

#[test]
fn a_page_never_takes_the_place_of_another_file() {
    let scene = Scene::new("report-keys");
    let suspect = scene.write("answers.jsonl", &scene.copies(2, &[("a-7", None)]));
    let keys = scene.file("mark.keys");
    let before = fs::read(&keys).unwrap();
    let said = scene.verify(&["--suspect", text(&suspect), "--report", text(&keys)]);
    assert_eq!(said.code, 2);
    assert!(said.error.contains("is there already, and no report"), "{}", said.error);
    assert_eq!(fs::read(&keys).unwrap(), before);
}
