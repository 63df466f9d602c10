//! The same corpus in other forms is the same verdict.

use std::fs;
use std::io::Write;

use guilloche::forensics::examination::Verdict;
use serde_json::json;

use super::scene::{Scene, halves, jsonl, text};

/// What a verdict says of the text, without the names of files.
fn numbers(mut verdict: Verdict) -> Verdict {
    verdict.method.plan_hash.clear();
    verdict.method.subject.clear();
    let controls = verdict.controls.iter_mut().filter_map(|control| control.material.as_mut());
    for material in verdict.materials.iter_mut().chain(controls) {
        material.files.clear();
    }
    verdict
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn compressed_files_of_several_members_and_standard_fields_make_no_difference() {
    let scene = Scene::new("compressed");
    let texts = scene.copies(2, &[("a-7", None)]);
    let plain = scene.write("suspect.jsonl", &texts);
    let expected = numbers(scene.verify(&["--suspect", text(&plain)]).verdict());

    let (first, second) = texts.split_at(texts.len() / 3);
    let parts = [jsonl(first), jsonl(second)];
    let members: Vec<u8> = parts.iter().flat_map(|part| gzip(part.as_bytes())).collect();
    // The names tell nothing: the first bytes do.
    fs::write(scene.file("members"), members).unwrap();
    let frames: Vec<u8> =
        parts.iter().flat_map(|part| zstd::encode_all(part.as_bytes(), 1).unwrap()).collect();
    fs::write(scene.file("frames.gz"), frames).unwrap();
    let chat = |text: &String| {
        json!({ "messages": [
            { "role": "user", "content": "Tell me." },
            { "role": "assistant", "content": [{ "type": "text", "text": text }] },
        ] })
    };
    let lines: Vec<String> = texts.iter().map(|text| format!("{}\r\n\r\n", chat(text))).collect();
    fs::write(scene.file("chat.jsonl"), format!("\u{feff}{}", lines.concat())).unwrap();
    for name in ["members", "frames.gz", "chat.jsonl"] {
        let verdict = scene.verify(&["--suspect", name]).verdict();
        assert_eq!(verdict.materials[0].files[0].records, texts.len() as u64, "{name}");
        assert_eq!(numbers(verdict), expected, "{name}");
    }
    let field = |text: &String| json!({ "text": "no", "rows": [0, { "deep": text }] });
    let lines: Vec<String> = texts.iter().map(|text| format!("{}\n", field(text))).collect();
    fs::write(scene.file("field.jsonl"), lines.concat()).unwrap();
    let said = scene.verify(&["--suspect", "field.jsonl", "--field", "rows.1.deep"]);
    assert_eq!(numbers(said.verdict()), expected);
}

#[test]
fn a_corpus_that_is_counted_in_parts_is_the_corpus_as_a_whole() {
    let scene = Scene::new("shards");
    let texts = scene.copies(2, &[("a-7", None)]);
    let whole = scene.write("whole.jsonl", &texts);
    let expected = numbers(scene.verify(&["--suspect", text(&whole)]).verdict());

    let parts: Vec<String> = texts
        .chunks(texts.len().div_ceil(3))
        .enumerate()
        .map(|(number, texts)| {
            text(&scene.write(&format!("part-{number}.jsonl"), texts)).to_owned()
        })
        .collect();
    let said = scene.run(&["verify", "count", "--suspect", &parts[0], "--out", "0.counts"]);
    assert_eq!((said.code, said.error.as_str()), (0, ""), "{}", said.out);
    scene.run(&["verify", "count", "--suspect", &parts[1], "--out", "1.counts"]);
    let verdict = scene
        .verify(&["--suspect", &parts[2], "--suspect-counts", "0.counts", "1.counts"])
        .verdict();
    let names: Vec<&str> =
        verdict.materials[0].files.iter().map(|file| file.name.as_str()).collect();
    assert!(names[1].starts_with("0.counts: ") && names[1].ends_with("part-0.jsonl"), "{names:?}");
    assert_eq!(numbers(verdict), expected);

    // A shard of shards, compressed.
    scene.run(&[
        "verify",
        "count",
        "--suspect-counts",
        "0.counts",
        "1.counts",
        "--out",
        "01.counts",
    ]);
    let packed = zstd::encode_all(&fs::read(scene.file("01.counts")).unwrap()[..], 1).unwrap();
    fs::write(scene.file("packed"), packed).unwrap();
    let verdict = scene.verify(&["--suspect-counts", "packed", "--suspect", &parts[2]]).verdict();
    assert_eq!(numbers(verdict), expected);
    let shard = fs::read_to_string(scene.file("01.counts")).unwrap();
    assert!(!shard.contains(texts[0].lines().next().unwrap()));
}

/// To see it fail, have `count_lexical` take for counts what begins like a file of them.
#[test]
fn counts_are_believed_only_where_the_caller_says_that_they_are_counts() {
    let scene = Scene::new("posing");
    let texts = scene.copies(2, &[("a-7", None)]);
    let marked = scene.write("marked.jsonl", &texts);
    scene.run(&["verify", "count", "--suspect", text(&marked), "--out", "marked.counts"]);
    let numbers = fs::read(scene.file("marked.counts")).unwrap();
    // A suspect's own file, whose author would like to choose what is counted.
    for name in ["answers.txt", "answers.jsonl", "answers.counts"] {
        fs::write(scene.file(name), &numbers).unwrap();
        for role in ["--suspect", "--control"] {
            let more: &[&str] =
                if role == "--control" { &["--suspect", text(&marked)] } else { &[] };
            let verdict = scene.verify(&[&[role, name], more].concat()).verdict();
            let controls = verdict.controls.iter().filter_map(|it| it.material.as_ref());
            let read = verdict.materials.iter().chain(controls).flat_map(|it| &it.files);
            let file = read.into_iter().find(|file| file.name == name).unwrap();
            assert_eq!((file.documents, file.skipped), (0, 1), "{role} {name}");
            assert!(file.problems[0].contains("--suspect-counts"), "{:?}", file.problems);
        }
    }
    let said = scene.verify(&["--suspect-counts", "answers.txt"]).verdict();
    assert_eq!(said.accounts.consistent_with.ids()[0].id, "a-7");
    let control = halves().1.to_vec();
    let control = scene.write("other.jsonl", &control);
    scene.run(&["verify", "count", "--suspect", text(&control), "--out", "other.counts"]);
    let said = scene.verify(&["--suspect", text(&marked), "--control-counts", "base=other.counts"]);
    assert!(said.verdict().controls.iter().any(|it| it.name == "base"));
}

#[test]
fn the_number_of_threads_makes_no_difference_to_a_single_byte() {
    let scene = Scene::new("threads");
    let mut texts = scene.copies(2, &[("a-7", None)]);
    // Repetitions, with and without a prompt that takes sites away.
    let repeated = texts[0].clone();
    texts.extend([repeated.clone(), repeated.clone()]);
    let mut lines = jsonl(&texts);
    lines.insert_str(0, &format!("{}\n", json!({ "prompt": repeated, "text": repeated })));
    fs::write(scene.file("suspect.jsonl"), lines).unwrap();
    let arguments = [
        "verify",
        "--keys",
        "mark.keys",
        "--ledger",
        "mark.ledger",
        "--suspect",
        "suspect.jsonl",
        "--decoys",
        "1000",
        "--format",
        "json",
    ];
    let one = scene.run_on(&arguments, 1);
    assert_eq!(one.verdict().materials[0].repeated, 3);
    assert!(one.verdict().materials[0].excluded > 0);
    for threads in [2, 7] {
        assert_eq!(scene.run_on(&arguments, threads).out, one.out);
    }
}

#[test]
fn a_long_plain_text_is_cut_into_documents_and_found_all_the_same() {
    let scene = Scene::new("plain");
    let book = scene.copies(2, &[("a-7", None)]).join("\n\n");
    fs::write(scene.file("book.md"), &book).unwrap();
    let verdict = scene.verify(&["--suspect", "book.md"]).verdict();
    let file = &verdict.materials[0].files[0];
    assert_eq!((file.format.as_str(), file.bytes), ("text", book.len() as u64));
    assert!(file.documents >= book.len() as u64 / 8192);
    assert_eq!(verdict.accounts.consistent_with.ids()[0].id, "a-7");
}

#[test]
fn what_repeats_a_marked_prompt_says_nothing() {
    let scene = Scene::new("prompts");
    let texts = scene.copies(2, &[("a-7", None)]);
    let lines: String = texts
        .iter()
        .map(|text| format!("{}\n", json!({ "prompt": format!("Repeat: {text}"), "output": text })))
        .collect();
    fs::write(scene.file("echo.jsonl"), lines).unwrap();
    let verdict = scene.verify(&["--suspect", "echo.jsonl"]).verdict();
    let material = &verdict.materials[0];
    assert!(material.excluded > 20 * material.sites, "{material:?}");

    // The same prompts in a file of their own, as they are asked: without answers.
    let suspect = scene.write("suspect.jsonl", &texts);
    let prompt = |text: &String| format!("{}\n", json!({ "prompt": format!("Repeat: {text}") }));
    fs::write(scene.file("only.jsonl"), texts.iter().map(prompt).collect::<String>()).unwrap();
    let verdict = scene.verify(&["--suspect", text(&suspect), "--prompts", "only.jsonl"]).verdict();
    // Those at the beginning of a text stand behind another word there.
    let material = &verdict.materials[0];
    assert!(material.excluded > 20 * material.sites, "{material:?}");
    scene.run(&["verify", "count", "--suspect", text(&suspect), "--out", "all.counts"]);
    let said = scene.verify(&["--suspect-counts", "all.counts", "--prompts", "echo.jsonl"]);
    assert_eq!(said.code, 2);
    assert!(said.error.contains("all.counts: was counted with other --prompts"), "{}", said.error);
    let half = scene.write("half.jsonl", &texts[..texts.len() / 2]);
    let some = scene.verify(&["--suspect", text(&suspect), "--prompts", text(&half)]).verdict();
    assert!(some.materials[0].excluded > 0 && some.materials[0].sites > 0);
    assert!(halves().0.len() == texts.len());
}
