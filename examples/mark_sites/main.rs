//! The sites of answers, before and after they are marked, one line of JSON for each answer: what the
//! rates of `src/mark/law/rates.tsv` are fitted to, and what a reader without the key is measured on
//! (`docs/forensics/law`).
//!
//! ```text
//! cargo run --release --example mark_sites -- plain ANSWERS.jsonl...
//! cargo run --release --example mark_sites -- coins|law KEY ANSWERS.jsonl...
//! cargo run --release --example mark_sites -- learned KEY AUTHOR.jsonl ANSWERS.jsonl...
//! cargo run --release --example mark_sites -- places KEY ANSWERS.jsonl...
//! cargo run --release --example mark_sites -- edits KEY ANSWERS.jsonl...
//! cargo run --release --example mark_sites -- variants ANSWERS.jsonl...
//! ```
//!
//! A line of `ANSWERS` is an object with the text in `output`. `plain` tells the sites as they are, `coins`
//! and `law` as they are once the text was marked by that scheme with the key of this number, for one account, at full
//! strength or at the one behind the number, as in `3@0.5`; `learned` marks by the law with the rates of an epoch that has learned from the first half of
//! an author's answers; `places` tells the cells of the law with their log-odds; `edits` has in the place of sites what
//! the law writes otherwise: from which byte, how many, and what; `variants` tells of each site also from which
//! byte it is, how many, and what the other variant would be, and lacks what is spared as verse. A line that is
//! written has the number of words and the sites in their order: class, the word before, and 1 where the
//! second variant stands.

#![expect(clippy::print_stdout, reason = "an example shows what it found")]

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::process::ExitCode;

use guilloche::mark::keys::{Keys, Recipient, Scheme, TextKeys, TextMarking};
use guilloche::mark::law::CountingKey;
use guilloche::mark::lexical::{Choice, Rewriter, Site, Unit, each_site};
use guilloche::mark::lexicon::Lexicon;
use serde_json::{Value, json};

type Failure = Box<dyn std::error::Error>;

const RECIPIENT: Recipient<'_> =
    Recipient { tenant: "", account: "acct", cluster: None, arm: None };

const USAGE: &str = "mark_sites plain|variants ANSWERS... | coins|law|places|edits KEY ANSWERS... | learned KEY AUTHOR ANSWERS...";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match &*arguments {
        ["plain", files @ ..] => each_answer(files, |text| json!(sites(text))),
        ["variants", files @ ..] => each_answer(files, |text| json!(variants(text))),
        ["coins", key, files @ ..] => marked(Scheme::Coins, key, files),
        ["law", key, files @ ..] => marked(Scheme::Law, key, files),
        ["learned", key, author, files @ ..] => learned(key, author, files),
        ["places", key, files @ ..] => places(key, files),
        ["edits", key, files @ ..] => edits(key, files),
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

/// The keys of a number, and the strength that it tells behind an `@`.
fn keys(number: &str) -> Result<(Keys, f64), Failure> {
    let (number, strength) = number.split_once('@').unwrap_or((number, "1"));
    let master = *blake3_of(number.parse()?).as_bytes();
    Ok((Keys::from_master(&master, jiff::Timestamp::UNIX_EPOCH), strength.parse()?))
}

fn blake3_of(number: u64) -> blake3::Hash {
    blake3::hash(&number.to_le_bytes())
}

/// By the rates of an epoch that has learned from the first half of an author's answers, if they have enough sites.
fn learned(key: &str, author: &str, files: &[&str]) -> Result<(), Failure> {
    let (mut keys, strength) = keys(key)?;
    let texts = TextKeys::new(keys.clone());
    let marking = texts.marking(1, RECIPIENT, 1.0);
    let answers = BufReader::new(File::open(author)?).lines().collect::<Result<Vec<_>, _>>()?;
    for line in answers.iter().take(answers.len() / 2) {
        let record: Value = serde_json::from_str(line)?;
        rewritten(&marking, record.get("output").and_then(Value::as_str).unwrap_or_default());
    }
    keys.learn(&texts.take_learned());
    let texts = TextKeys::new(keys);
    let marking = texts.marking(1, RECIPIENT, strength);
    each_answer(files, |text| json!(sites(&rewritten(&marking, text))))
}

fn marked(scheme: Scheme, key: &str, files: &[&str]) -> Result<(), Failure> {
    let (keys, strength) = keys(key)?;
    let texts = TextKeys::new(keys.with_scheme(scheme));
    let marking = texts.marking(1, RECIPIENT, strength);
    each_answer(files, |text| json!(sites(&rewritten(&marking, text))))
}

fn rewritten(marking: &TextMarking, text: &str) -> String {
    let mut rewriter = Rewriter::new(Lexicon::english(), marking.begin());
    let mut out = String::with_capacity(text.len() + text.len() / 16);
    rewriter.push(text, &mut out);
    rewriter.finish(false, &mut out);
    out
}

fn edits(key: &str, files: &[&str]) -> Result<(), Failure> {
    let (keys, strength) = keys(key)?;
    let marking = TextKeys::new(keys).marking(1, RECIPIENT, strength);
    each_answer(files, |text| json!(substitutions(marking.begin(), text)))
}

/// What a choice writes otherwise: from which byte, how many, and what.
fn substitutions(choice: impl Choice, text: &str) -> Vec<(usize, usize, String)> {
    let mut rewriter = Rewriter::new(Lexicon::english(), choice).with_offsets(Unit::Bytes);
    let mut out = String::new();
    rewriter.push(text, &mut out);
    rewriter.finish(false, &mut out);
    let edits = rewriter.offsets().into_iter().flat_map(|map| map.substitutions());
    let form = |to: usize, inserted| out.get(to..to + inserted).unwrap_or_default().to_owned();
    edits.map(|(at, removed, to, inserted)| (at, removed, form(to, inserted))).collect()
}

/// The sites with what would stand there otherwise: each is turned alone.
fn variants(text: &str) -> Vec<Value> {
    let mut sites = Vec::new();
    loop {
        let (mut read, mut turned) = (0, None);
        let choice = |site: &Site<'_>| {
            read += 1;
            let here = read == sites.len() + 1;
            if here {
                turned = Some((site.class.0, site.previous.to_owned(), u8::from(site.variant)));
            }
            here.then_some(!site.variant)
        };
        let edit = substitutions(choice, text).into_iter().next();
        let (Some((class, previous, variant)), Some((at, length, other))) = (turned, edit) else {
            return sites;
        };
        sites.push(json!([class, previous, variant, at, length, other]));
    }
}

fn places(key: &str, files: &[&str]) -> Result<(), Failure> {
    let (keys, _) = keys(key)?;
    let counting = CountingKey::of_epoch(&keys, 1).ok_or("no epoch of the law")?;
    each_answer(files, |text| {
        let row = |(cell, log_odds, variant): (guilloche::mark::cell::Cell, i16, bool)| {
            json!([cell.index(), log_odds, u8::from(variant)])
        };
        json!(counting.places(text).into_iter().map(row).collect::<Vec<_>>())
    })
}

fn each_answer(files: &[&str], found: impl Fn(&str) -> Value) -> Result<(), Failure> {
    for file in files {
        for line in BufReader::new(File::open(file)?).lines() {
            let record: Value = serde_json::from_str(&line?)?;
            let text = record.get("output").and_then(Value::as_str).unwrap_or_default();
            let words = text.split_whitespace().count();
            println!("{}", json!({ "words": words, "sites": found(text) }));
        }
    }
    Ok(())
}

fn sites(text: &str) -> Vec<Value> {
    let mut sites = Vec::new();
    each_site(Lexicon::english(), text, |site| {
        sites.push(json!([site.class.0, site.previous, u8::from(site.variant)]));
    });
    sites
}
