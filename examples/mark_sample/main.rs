//! What the lexical mark does to a corpus: its density by class, the contexts of one class, and a
//! random sample of substitutions for a judge who must not know which sentence is the original.
//!
//! ```text
//! cargo run --release --example mark_sample -- density CORPUS...
//! cargo run --release --example mark_sample -- contexts CLASS COUNT SEED CORPUS...
//! cargo run --release --example mark_sample -- sample COUNT SEED SAMPLE.tsv KEY.tsv CORPUS...
//! cargo run --release --example mark_sample -- text CORPUS...
//! ```
//!
//! `CORPUS` is a file or a folder of `.html`, `.md` and `.txt` files, each of them a document;
//! `text` writes them out as they are read. The corpus that figures in the documentation are of is
//! the folders `book`, `clippy`, `edition-guide`, `nomicon` and `rustdoc` of the component
//! `rust-docs` 1.95.0 (`rustup component add rust-docs`, below
//! `$(rustc --print sysroot)/share/doc/rust/html`; Debian's package is `rust-doc`), which are MIT OR
//! Apache-2.0. `LEXICON` may name another lexicon than the built-in one.

#![expect(clippy::print_stdout, reason = "an example shows what it found")]

mod corpus;
mod page;
mod substitution;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::process::ExitCode;
use std::sync::{Arc, LazyLock};

use guilloche::mark::cell::{ClassId, Roles};
use guilloche::mark::keys::{Keys, Marking, Recipient};
use guilloche::mark::lexical::{Rewriter, Site};
use guilloche::mark::lexicon::Lexicon;

use self::corpus::Documents;
use self::substitution::{Draw, Substitution};

type Failure = Box<dyn std::error::Error>;

const USAGE: &str = "mark_sample density CORPUS... | contexts CLASS COUNT SEED CORPUS... | \
    sample COUNT SEED SAMPLE.tsv KEY.tsv CORPUS... | text CORPUS...";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match &*arguments {
        ["density", corpus @ ..] => density(corpus),
        ["contexts", class, count, seed, corpus @ ..] => contexts(class, count, seed, corpus),
        ["sample", count, seed, sample, key, corpus @ ..] => {
            write_sample(count, seed, sample, key, corpus)
        }
        ["text", corpus @ ..] => Documents::read(corpus).map(|documents| {
            documents.texts().for_each(|text| println!("{text}"));
        }),
        _ => Err(USAGE.into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// The built-in lexicon, or the one under work that `LEXICON` names.
fn lexicon() -> &'static Lexicon {
    static LEXICON: LazyLock<Option<Lexicon>> = LazyLock::new(|| {
        let text = std::fs::read_to_string(std::env::var_os("LEXICON")?);
        let parsed = text
            .map_err(|error| error.to_string())
            .and_then(|text| Lexicon::parse(&text).map_err(|error| error.to_string()));
        parsed.map_err(|error| println!("LEXICON: {error}")).ok()
    });
    LEXICON.as_ref().unwrap_or(Lexicon::english())
}

fn density(corpus: &[&str]) -> Result<(), Failure> {
    let documents = Documents::read(corpus)?;
    let lexicon = lexicon();
    let mut counts: BTreeMap<ClassId, u64> = BTreeMap::new();
    for text in documents.texts() {
        let mut rewriter = Rewriter::new(lexicon, |site: &Site<'_>| {
            *counts.entry(site.class).or_default() += 1;
            None
        });
        let mut out = String::new();
        rewriter.push(text, &mut out);
        rewriter.finish(false, &mut out);
    }
    let (words, sites) = (documents.words(), counts.values().sum::<u64>());
    let mut rows: Vec<_> =
        lexicon.classes().filter_map(|class| Some((*counts.get(&class.id)?, class))).collect();
    rows.sort_by_key(|(count, class)| (std::cmp::Reverse(*count), class.id));
    println!(
        "{} documents, {words} words outside code, {} classes",
        documents.len(),
        lexicon.classes().len()
    );
    println!(
        "{sites} sites of {} classes, {:.1} per 1,000 words",
        rows.len(),
        per_mille(sites, words)
    );
    for (count, class) in rows {
        let (first, second) = class.pairs.first().ok_or("a class without forms")?;
        println!(
            "{:5} {:6.3}  {count:6}  {} {first} / {second}",
            class.id.0,
            per_mille(count, words),
            class.kind
        );
    }
    Ok(())
}

fn per_mille(count: u64, words: u64) -> f64 {
    count as f64 * 1000.0 / words.max(1) as f64
}

/// A key that the seed alone decides, so that anyone draws the same sample.
fn marking(seed: u64) -> Marking {
    let mut master = [0; 32];
    for (place, byte) in master.iter_mut().zip(seed.to_le_bytes()) {
        *place = byte;
    }
    let keys = Keys::from_master(&master, jiff::Timestamp::UNIX_EPOCH);
    let roles = Arc::new(Roles::new(keys.master(), lexicon().cells()));
    keys.marking(
        &roles,
        1,
        Recipient { tenant: "", account: "sample", cluster: None, arm: None },
        1.0,
    )
}

/// All substitutions at full strength.
fn substitutions(documents: &Documents, seed: u64) -> Vec<Substitution> {
    let marking = marking(seed);
    documents.texts().flat_map(|text| substitution::of(text, &marking)).collect()
}

fn contexts(class: &str, count: &str, seed: &str, corpus: &[&str]) -> Result<(), Failure> {
    let (class, count, seed) = (ClassId(class.parse()?), count.parse()?, seed.parse()?);
    let mut found = Vec::new();
    for text in Documents::read(corpus)?.texts() {
        found.extend(substitution::of_class(text, class));
    }
    println!("{} substitutions", found.len());
    Draw::new(seed).sample(&mut found, count);
    for Substitution { before, after, .. } in &found {
        println!("- {before}\n+ {after}");
    }
    Ok(())
}

fn write_sample(
    count: &str,
    seed: &str,
    sample: &str,
    key: &str,
    corpus: &[&str],
) -> Result<(), Failure> {
    let (count, seed) = (count.parse()?, seed.parse()?);
    let documents = Documents::read(corpus)?;
    let mut found = substitutions(&documents, seed);
    let all = found.len();
    let mut draw = Draw::new(seed);
    draw.sample(&mut found, count);
    let mut rows = String::from("number\tclass\tbefore-sentence\tafter-sentence\n");
    let mut originals = String::from("number\toriginal\n");
    for (number, Substitution { class, before, after }) in (1..).zip(&found) {
        let swapped = draw.coin();
        let (left, right) = if swapped { (after, before) } else { (before, after) };
        writeln!(rows, "{number}\t{}\t{left}\t{right}", class.0)?;
        let original = if swapped { "after-sentence" } else { "before-sentence" };
        writeln!(originals, "{number}\t{original}")?;
    }
    std::fs::write(sample, rows)?;
    std::fs::write(key, originals)?;
    println!("{} of {all} substitutions in {} words", found.len(), documents.words());
    Ok(())
}
