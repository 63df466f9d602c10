//! How soon canary cells tell answers that were copied from text that only follows the same cells.
//!
//! ```text
//! cargo run --release --example copied_answers -- WORDS KEYS ANSWERS.jsonl...
//! ```
//!
//! A line of `ANSWERS` is an object with the text in `output`. For each of so many keys, answers of so many words
//! are marked as they would have been sent (`copied`), and with every cell's usual choice in all passages, as who
//! has learned or forges writes them at best (`followed`). Told are the medians of log10 p of the
//! deployment's key, by each cell's usual uniform alone and by both readings, and of the test of copies, how many
//! places that has, and how often p is below a thousandth and a twentieth.

#![expect(clippy::print_stdout, reason = "an example shows what it found")]

use std::f64::consts::LN_10;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::process::ExitCode;

use guilloche::forensics::detect::{LawCounts, LexicalSites};
use guilloche::forensics::evidence::{CopyEvidence, LawWeights, SentWeights, Strengths};
use guilloche::mark::cell::{KeyName, Purpose, Role, Roles};
use guilloche::mark::keys::{Keys, Recipient, Scheme, TextKeys};
use guilloche::mark::law::{BUCKETS, Canaries, CountingKey};
use guilloche::mark::lexical::Rewriter;
use guilloche::mark::lexicon::Lexicon;
use serde_json::Value;

type Failure = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    match measure(&std::env::args().skip(1).collect::<Vec<_>>()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn measure(arguments: &[String]) -> Result<(), Failure> {
    let [words, keys, files @ ..] = arguments else {
        return Err("copied_answers WORDS KEYS ANSWERS...".into());
    };
    let (words, number_of_keys): (usize, usize) = (words.parse()?, keys.parse()?);
    let mut answers = Vec::new();
    for file in files {
        for line in BufReader::new(File::open(file)?).lines() {
            let record: Value = serde_json::from_str(&line?)?;
            answers.extend(record.get("output").and_then(Value::as_str).map(str::to_owned));
        }
    }
    for (name, scheme) in [("copied", Scheme::Canaries), ("followed", Scheme::Law)] {
        let mut found = Vec::new();
        for number in 0..number_of_keys {
            let master = *blake3::hash(&(number as u64).to_le_bytes()).as_bytes();
            let keys = Keys::from_master(&master, jiff::Timestamp::UNIX_EPOCH);
            let start = number * answers.len() / number_of_keys;
            let some = answers.iter().cycle().skip(start);
            found.push(tested(&keys.with_scheme(scheme), some, words)?);
        }
        tell(name, &found);
    }
    Ok(())
}

/// What the tests say of a text.
struct Found {
    /// log10 p of the deployment's key, by each cell's usual uniform alone.
    usual: f64,
    /// The same by both readings.
    either: f64,
    copies: CopyEvidence,
}

fn tested<'a>(
    keys: &Keys,
    answers: impl Iterator<Item = &'a String>,
    words: usize,
) -> Result<Found, Failure> {
    let recipient = Recipient { tenant: "", account: "acct", cluster: None, arm: None };
    let marking = TextKeys::new(keys.clone()).marking(1, recipient, 1.0);
    let keys = keys.clone().with_scheme(Scheme::Canaries);
    let counting = CountingKey::of_epoch(&keys, 1).ok_or("no epoch with canaries")?;
    let mut counts = LawCounts::new(&counting);
    let sites = LexicalSites::english().counting(vec![counting]);
    let mut left = words;
    for (number, answer) in answers.enumerate() {
        let mut rewriter = Rewriter::new(Lexicon::english(), marking.begin());
        let mut marked = String::with_capacity(answer.len() + answer.len() / 16);
        rewriter.push(answer, &mut marked);
        rewriter.finish(false, &mut marked);
        for document in sites.read(&marked, []).law {
            counts.add((number % 64) as u8, &document);
        }
        left = left.saturating_sub(answer.split_whitespace().count());
        if left == 0 {
            break;
        }
    }
    let name =
        KeyName { purpose: Purpose::Lexical, tenant: "", epoch: 1, role: Role::Global, id: "" };
    let key = keys.derive(&name);
    let roles = Roles::new(keys.master(), Lexicon::english().numbers() * BUCKETS);
    let strengths = Strengths::new([]);
    let global = |cell: usize| roles.as_slice().get(cell) == Some(&Role::Global);
    let canaries = Canaries::derive(keys.master(), "", 1);
    let usual = LawWeights::new(&counts, &strengths).only(global).score(&key);
    let sent = SentWeights::new(&counts, &strengths, &canaries, &roles).only(global).score(&key);
    Ok(Found {
        usual: usual.ln_p() / LN_10,
        either: usual.ln_p_of_either(&sent) / LN_10,
        copies: CopyEvidence::new(&counts, &key, &canaries, &roles, &strengths),
    })
}

fn tell(name: &str, found: &[Found]) {
    let median = |of: &dyn Fn(&Found) -> f64| {
        let mut values: Vec<f64> = found.iter().map(of).collect();
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied().unwrap_or_default()
    };
    let below = |level: f64| found.iter().filter(|it| it.copies.ln_p <= level.ln()).count();
    println!(
        "{name}: mark {:.1} and by both readings {:.1}, copies {:.1}; {:.0} places in active passages, {:.0} in others; of {} keys p below 0.001 {}, 0.05 {}",
        median(&|it| it.usual),
        median(&|it| it.either),
        median(&|it| it.copies.ln_p / LN_10),
        median(&|it| (it.copies.active.canary + it.copies.active.ordinary) as f64),
        median(&|it| (it.copies.others.canary + it.copies.others.ordinary) as f64),
        found.len(),
        below(0.001),
        below(0.05),
    );
}
