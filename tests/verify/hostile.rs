//! Files that mean harm, or are broken.

use std::fs;
use std::io::Write;

use guilloche::forensics::examination::{Outcome, RefusedBy};
use proptest::prelude::*;

use super::scene::{Scene, jsonl, text};

#[test]
fn a_broken_line_is_told_by_its_number_and_costs_no_other_line() {
    let scene = Scene::new("broken");
    let texts = scene.copies(2, &[("a-7", None)]);
    let mut lines: Vec<String> = jsonl(&texts).lines().map(str::to_owned).collect();
    lines.insert(2, "{\"text\": \"hush-hush".to_owned());
    fs::write(scene.file("suspect.jsonl"), lines.join("\n")).unwrap();
    let said = scene.verify(&["--suspect", "suspect.jsonl"]);
    let file = &said.verdict().materials[0].files[0];
    assert_eq!((file.skipped, file.documents), (1, texts.len() as u64));
    assert!(file.problems[0].starts_with("line 3: not JSON"), "{:?}", file.problems);
    assert!(!said.out.contains("hush-hush"));
}

#[test]
fn where_more_than_a_small_share_cannot_be_read_there_is_no_answer() {
    let scene = Scene::new("unreadable");
    let texts = scene.copies(2, &[("a-7", None)]);
    let broken = "{}\n".repeat(texts.len() / 10);
    fs::write(scene.file("suspect.jsonl"), jsonl(&texts) + &broken).unwrap();
    let said = scene.verify(&["--suspect", "suspect.jsonl"]);
    let verdict = said.verdict();
    assert_eq!((said.code, verdict.outcome), (1, Outcome::Refused));
    assert_eq!(verdict.refusals[0].by, RefusedBy::Unreadable);
    assert_eq!(verdict.materials[0].files[0].problems.len(), 5);
    assert!(verdict.accounts.strongest.is_empty());
}

#[test]
fn a_line_that_is_too_long_costs_no_other_line() {
    let scene = Scene::new("long-line");
    let texts = scene.copies(2, &[("a-7", None)]);
    let mut lines = jsonl(&texts);
    lines.push_str(&format!("{{\"text\":\"{}\"}}\n", "a".repeat(40 << 20)));
    lines.push_str("{\"text\":\"more\"}\n");
    // As it is, and in the little that is read whatever it was compressed to.
    let packed = zstd::encode_all(lines.as_bytes(), 1).unwrap();
    for (name, bytes) in [("long.jsonl", lines.into_bytes()), ("long.zst", packed)] {
        fs::write(scene.file(name), bytes).unwrap();
        let verdict = scene.verify(&["--suspect", name]).verdict();
        let file = &verdict.materials[0].files[0];
        assert_eq!((file.skipped, file.documents), (1, texts.len() as u64 + 1), "{name}");
        assert!(file.problems[0].contains("longer than 16 MiB"), "{:?}", file.problems);
        assert!(file.bytes > 40 << 20);
    }
}

#[test]
fn what_stands_behind_megabytes_of_nothing_is_read() {
    let scene = Scene::new("nothing");
    let texts = scene.copies(2, &[("a-7", None)]);
    let blank = " \n".repeat(5 << 20);
    fs::write(scene.file("far.jsonl"), blank.clone() + &jsonl(&texts)).unwrap();
    fs::write(scene.file("far.txt"), blank + &texts.join("\n\n")).unwrap();
    for name in ["far.jsonl", "far.txt"] {
        let verdict = scene.verify(&["--suspect", name]).verdict();
        assert_eq!(verdict.accounts.consistent_with.ids()[0].id, "a-7", "{name}");
        assert_eq!(verdict.materials[0].files[0].sha256.len(), 64);
    }
}

/// A line of gigabytes was read to its end before, however small the file.
#[test]
fn a_bomb_is_put_down_before_it_has_cost_much() {
    let scene = Scene::new("bomb");
    let good = scene.write("good.jsonl", &scene.copies(2, &[("a-7", None)]));
    let start = fs::read(&good).unwrap();
    let mebibyte = vec![b'a'; 1 << 20];
    let gzip = |bytes: &[u8]| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    };
    let zstd = |bytes: &[u8]| zstd::encode_all(bytes, 1).unwrap();
    let short_lines = vec![b'\n'; 1 << 20];
    type Pack<'p> = &'p dyn Fn(&[u8]) -> Vec<u8>;
    for (name, role, pack, fill) in [
        ("line.gz", "--suspect", &gzip as Pack<'_>, &mebibyte),
        ("line.zst", "--control", &zstd, &mebibyte),
        ("lines.jsonl.gz", "--suspect", &gzip, &short_lines),
    ] {
        let mut bomb = pack(if name.contains("lines") { &start } else { b"" });
        let member = pack(fill);
        (0..256).for_each(|_| bomb.extend_from_slice(&member));
        fs::write(scene.file(name), &bomb).unwrap();
        let suspect: &[&str] = if role == "--control" { &["--suspect", text(&good)] } else { &[] };
        let said = scene.verify(&[&[role, name], suspect].concat());
        assert!(said.code == 2 && said.out.is_empty(), "{name}");
        let told = said.error.contains(name) && said.error.contains("250 times its size");
        assert!(told, "{}", said.error);
    }
}

#[test]
fn bytes_that_are_no_text_are_read_as_what_they_are_not() {
    let scene = Scene::new("bytes");
    let mut lines = jsonl(&scene.copies(2, &[("a-7", None)])).into_bytes();
    let at = lines.iter().position(|byte| *byte == b' ').unwrap();
    lines[at] = 0xff;
    fs::write(scene.file("suspect.jsonl"), lines).unwrap();
    let file =
        scene.verify(&["--suspect", "suspect.jsonl"]).verdict().materials[0].files[0].clone();
    assert_eq!(file.skipped, 0);
}

#[test]
fn what_cannot_be_used_ends_with_two_and_names_the_file() {
    let scene = Scene::new("unusable");
    let texts = scene.copies(2, &[("a-7", None)]);
    let good = scene.write("good.jsonl", &texts);
    let mut cut = zstd::encode_all(jsonl(&texts).as_bytes(), 1).unwrap();
    cut.truncate(cut.len() / 2);
    fs::write(scene.file("cut.zst"), cut).unwrap();
    fs::write(scene.file("wide.txt"), b"\xff\xfeh\0i\0").unwrap();
    fs::write(scene.file("damaged.counts"), "{\"guilloche_counts\":1,\"counts\":7}").unwrap();
    fs::write(scene.file("newer.counts"), "{\"guilloche_counts\":2,\"counts\":7}").unwrap();
    for (name, reason) in [
        ("absent.jsonl", "No such file"),
        ("cut.zst", "cannot be read after"),
        ("wide.txt", "UTF-16"),
        ("damaged.counts", "not counts of this version"),
        ("newer.counts", "version 2"),
    ] {
        let control = if name.ends_with(".counts") { "--control-counts" } else { "--control" };
        let said = scene.verify(&["--suspect", text(&good), control, name]);
        assert_eq!((said.code, said.out.as_str()), (2, ""), "{name}");
        assert!(said.error.contains(name) && said.error.contains(reason), "{}", said.error);
    }
    let said = scene.verify(&["--suspect", text(&good), "--schemes", "absent.toml"]);
    assert!(said.code == 2 && said.error.contains("absent.toml"), "{}", said.error);
    // A build that reads no tokens says how to get one that does.
    let told = said.error.contains("--features tokenizers");
    assert_eq!(told, !cfg!(feature = "tokenizers"), "{}", said.error);
    let said = scene.verify(&["--suspect", text(&good), "--field", "a..b"]);
    assert_eq!(said.code, 2);
    assert_eq!(scene.run(&["verify"]).code, 2);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    /// Whatever a file holds, the command ends as it says it does.
    #[test]
    fn any_bytes_at_all_are_read_to_an_end(
        start in prop::sample::select(vec![
            &b""[..], b"{", b"[", b"\x1f\x8b\x08\0", b"\x28\xb5\x2f\xfd", b"{\"guilloche_counts\":1",
        ]),
        bytes in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        let scene = Scene::new("any-bytes");
        fs::write(scene.file("suspect"), [start, &bytes].concat()).unwrap();
        for kind in ["--suspect", "--suspect-counts"] {
            let counts = format!("counts{kind}");
            let said = scene.run(&["verify", "count", kind, "suspect", "--out", &counts]);
            prop_assert!([0, 2].contains(&said.code), "{} {}", said.code, said.error);
        }
    }
}
