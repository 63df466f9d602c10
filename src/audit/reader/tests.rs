use std::io::Write;
use std::ops::Range;

use super::*;
use crate::audit::{AuditKey, DecisionName, Durations, Outcome, PolicyIdentity, Record, Risk};
use crate::policy::plan::Mode;

fn record(number: u64) -> Record {
    Record {
        time: jiff::Timestamp::from_second(1_800_000_000).unwrap(),
        decision: DecisionName(format!("d-{number}")),
        principal: AuditKey::new([0; 32]).principal("a", None, None),
        risk: Risk::Unknown { reason: "missing".into() },
        grade: String::new(),
        exempt: None,
        arm: None,
        policy: PolicyIdentity { name: "ladder".into(), revision: "3f".into() },
        protocol: "chat".into(),
        stream: true,
        mode: Mode::Enforce,
        applied: Vec::new(),
        observed: Vec::new(),
        other_arms: std::collections::BTreeMap::new(),
        dry_run: None,
        outcome: Outcome::Complete,
        status: Some(200),
        durations: Durations::default(),
    }
}

fn lines(numbers: Range<u64>) -> Vec<u8> {
    let line = |number| serde_json::to_string(&record(number)).unwrap() + "\n";
    numbers.map(line).collect::<String>().into_bytes()
}

/// Files in a folder of their own.
fn written(name: &str, files: &[(&str, &[u8])]) -> (PathBuf, Vec<PathBuf>) {
    let folder =
        std::env::temp_dir().join(format!("guilloche-audit-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let write = |(name, bytes): &(&str, &[u8])| {
        let path = folder.join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    };
    (folder.clone(), files.iter().map(write).collect())
}

fn decisions(paths: &[PathBuf]) -> (Vec<String>, Vec<FileRead>) {
    let mut seen = Vec::new();
    let look = |entry| match entry {
        Entry::Record(record) => record.decision.0,
        Entry::Line(_) => "-".to_owned(),
    };
    let files = read(paths, look, |decision| seen.push(decision), |_| ()).unwrap();
    (seen, files)
}

#[test]
fn files_of_every_form_are_read_in_their_order_and_more_than_one_window_of_them() {
    let [plain, second, third] = [10_000, 30_000, 50_000].map(|from| lines(from..from + 20_000));
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&second).unwrap();
    let (gzip, zstd) = (gzip.finish().unwrap(), zstd::encode_all(&third[..], 1).unwrap());
    let (folder, paths) =
        written("forms", &[("a.jsonl", &plain), ("b.gz", &gzip), ("c.zst", &zstd)]);
    let (seen, files) = decisions(&paths);
    let expected = (10_000..70_000).map(|number| format!("d-{number}"));
    assert!(seen.iter().cloned().eq(expected));
    let read = |file: &FileRead| (file.bytes, file.records, file.has_gaps(), file.compression);
    assert_eq!(
        files.iter().map(read).collect::<Vec<_>>(),
        [None, Some("gzip"), Some("zstd")].map(|compression| (
            plain.len() as u64,
            20_000,
            false,
            compression
        ))
    );
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn what_is_wrong_with_a_file_is_told_with_its_line_and_costs_nothing_else() {
    let [good, second, third] = [0, 2, 4].map(|from| lines(from..from + 2));
    let long = vec![b'x'; MAX_LINE_BYTES + 1];
    let gap = b"\n{\"lost\":4}\n{\"time\":\"2027\n\n";
    let hostile = [&good[..], gap, &long, b"\n", &good].concat();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&second).unwrap();
    let whole = gzip.finish().unwrap();
    let cut = &whole[..whole.len() - 12];
    let (folder, paths) =
        written("hostile", &[("a.jsonl", &hostile), ("b.gz", cut), ("c.jsonl", &third)]);
    let (seen, files) = decisions(&paths);
    assert_eq!(seen[..5], ["d-0", "d-1", "-", "d-0", "d-1"]);
    assert_eq!(seen[seen.len() - 2..], ["d-4", "d-5"]);
    let [hostile, cut, last] = &files[..] else { panic!("three files") };
    assert_eq!((hostile.records, hostile.lost, hostile.skipped), (4, 4, 2));
    assert_eq!(
        hostile.problems,
        ["line 5: is no JSON, or was cut: see column 13", "line 7: is longer than any entry"]
    );
    assert!(cut.broken.as_ref().unwrap().contains("cannot be read further"), "{cut:?}");
    assert!(hostile.has_gaps() && cut.has_gaps() && !last.has_gaps());
    std::fs::remove_dir_all(folder).unwrap();
}

// Break it: compare whole heads, and what a file was before it grew is read beside it.
#[test]
fn a_copy_of_a_file_is_told_under_whatever_name_compression_and_length() {
    let all = lines(0..200);
    let one = lines(0..1);
    let more = [&one[..], b"{\"lost\":4}\n"].concat();
    let copies = [&all[..], &all[..lines(0..3).len()], &zstd::encode_all(&all[..], 1).unwrap()];
    for copy in copies {
        let files = [("a.jsonl", &all[..]), ("b.jsonl", &one), ("c.jsonl", &more), ("d", copy)];
        let (folder, paths) = written("copies", &files);
        let error = read(&paths, |_| panic!("nothing is read"), |()| (), |_| ()).unwrap_err();
        assert!(error.to_string().contains("one is a copy"), "{error}");
        assert_eq!(decisions(&paths[1..]).1.len(), 3, "a line may be in several");
        std::fs::remove_dir_all(folder).unwrap();
    }
}

#[test]
fn a_file_that_is_not_there_or_given_twice_is_told_before_any_is_read() {
    let (folder, mut paths) = written("twice", &[("a.jsonl", &lines(0..1))]);
    for (other, message) in
        [(folder.join("none"), "os error 2"), (folder.join("./a.jsonl"), "is given twice")]
    {
        paths.truncate(1);
        paths.push(other);
        let error = read(&paths, |_| panic!("nothing is read"), |()| (), |_| ()).unwrap_err();
        assert!(error.to_string().contains(message), "{error}");
    }
    std::fs::remove_dir_all(folder).unwrap();
}
