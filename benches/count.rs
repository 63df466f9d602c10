//! How fast a corpus is read and its marks are counted: `cargo bench --bench count`.

use std::fs;
use std::io::Write;
use std::path::PathBuf;

use divan::Bencher;
use divan::counter::BytesCount;
use guilloche::forensics::corpus::{Corpus, Prompts, count_lexical};

fn main() {
    divan::main();
}

/// Prose of an assistant's kind, about two sites in a hundred words.
const PARAGRAPH: &str = "Sleep has an effect on nearly everything that the body does during the \
    day. For example, people who sleep fewer than six hours tend to react more slowly, and they \
    usually find it harder to remember what they have read. This is one of the reasons why doctors \
    ask about it first. Light matters as well: a room that is bright in the evening tells the brain \
    that the day is not over, so it helps to dim the lamps an hour before bed and to leave the \
    telephone in another room.\n\n";

/// 32 MB of records like those of an audit, four paragraphs each.
fn lines() -> String {
    let record = |number: u32| {
        let text = format!("Answer {number}.\n\n{}", PARAGRAPH.repeat(4));
        let prompt = format!("What is to be said of sleep, number {number}?");
        format!("{}\n", serde_json::json!({ "id": number, "prompt": prompt, "output": text }))
    };
    (0..16_000).map(record).collect()
}

fn file(name: &str, bytes: &[u8]) -> PathBuf {
    let path = std::env::temp_dir().join(format!("guilloche-bench-{}-{name}", std::process::id()));
    fs::write(&path, bytes).unwrap_or_default();
    path
}

fn count(bencher: Bencher<'_, '_>, name: &str, bytes: &[u8], size: usize) {
    let path = file(name, bytes);
    let prompts = Prompts::none();
    let corpus = Corpus { texts: vec![path.clone()], counts: Vec::new() };
    bencher.counter(BytesCount::new(size)).bench_local(|| {
        let counted = count_lexical(&corpus, None, &prompts, |_| ());
        counted.map_or(0, |counted| counted.material.sites)
    });
    let _ = fs::remove_file(path);
}

/// A file of JSONL, from the page cache.
#[divan::bench(sample_count = 5)]
fn jsonl(bencher: Bencher<'_, '_>) {
    let lines = lines();
    count(bencher, "plain.jsonl", lines.as_bytes(), lines.len());
}

/// The same, compressed; per byte of text.
#[divan::bench(sample_count = 5)]
fn jsonl_gzip(bencher: Bencher<'_, '_>) {
    let lines = lines();
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(lines.as_bytes()).unwrap_or_default();
    count(bencher, "gzip", &encoder.finish().unwrap_or_default(), lines.len());
}

/// The same, compressed; per byte of text.
#[divan::bench(sample_count = 5)]
fn jsonl_zstd(bencher: Bencher<'_, '_>) {
    let lines = lines();
    let packed = zstd::encode_all(lines.as_bytes(), 1).unwrap_or_default();
    count(bencher, "zstd", &packed, lines.len());
}
