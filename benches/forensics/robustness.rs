//! What becomes of the verdict when the marked text is changed in ways that need no model.

use guilloche::forensics::detect::CellCounts;
use guilloche::mark::cell::Role;
use guilloche::mark::keys::Scheme;
use rayon::prelude::*;
use unicode_normalization::UnicodeNormalization;

use crate::corpus::Corpus;
use crate::deployment::{ACCOUNT, Deployment, SCHEMES, counts_of, draw, marked, seed};
use crate::figures::{ln_p as shown, median, repetitions, share, table, thousands};
use crate::plot::{Axis, Plot, Series};
use crate::source::Source;

const USUAL: u32 = 60;
const WORDS: [usize; 4] = [3_000, 10_000, 30_000, 100_000];

type Change = fn(&str, &mut Source) -> String;

const CHANGES: [(&str, Change); 20] = [
    ("none", |text, _| text.to_owned()),
    ("Unicode NFC", |text, _| text.nfc().collect()),
    ("Unicode NFKC", |text, _| text.nfkc().collect()),
    ("Unicode NFD", |text, _| text.nfd().collect()),
    ("curly quotes made straight", |text, _| straight(text)),
    ("straight quotes made curly", |text, _| text.replace('\'', "’")),
    ("backticks removed", |text, _| text.replace('`', "")),
    ("all white space one space", |text, _| spaced(text, " ")),
    ("two spaces between words", |text, _| spaced(text, "  ")),
    ("wrapped at 72 columns", |text, _| wrapped(text)),
    ("lower case", |text, _| text.to_lowercase()),
    ("upper case", |text, _| text.to_uppercase()),
    ("punctuation stripped, apostrophes and hyphens kept", |text, _| stripped(text, true)),
    ("all punctuation stripped", |text, _| stripped(text, false)),
    ("lower case, all punctuation stripped", |text, _| stripped(text, false).to_lowercase()),
    ("sentences shuffled", shuffled),
    ("30 % of words deleted", |text, source| without_words(text, 0.3, source)),
    ("30 % of sentences deleted", |text, source| without_sentences(text, 0.3, source)),
    ("50 % of words deleted", |text, source| without_words(text, 0.5, source)),
    (
        "NFKC, straight, lower case, one space, shuffled, 30 % of sentences deleted",
        |text, source| {
            let kept = shuffled(&without_sentences(text, 0.3, source), source);
            let plain: String = straight(&kept).nfkc().collect();
            spaced(&plain.to_lowercase(), " ")
        },
    ),
];

fn straight(text: &str) -> String {
    text.replace(['’', '‘'], "'").replace(['“', '”'], "\"")
}

fn spaced(text: &str, space: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(space)
}

fn wrapped(text: &str) -> String {
    let paragraphs = text.split("\n\n").map(|paragraph| {
        let (mut out, mut column) = (String::new(), 0);
        for word in paragraph.split_whitespace() {
            let length = word.chars().count();
            if column > 0 && column + 1 + length > 72 {
                out.push('\n');
                column = 0;
            } else if column > 0 {
                out.push(' ');
                column += 1;
            }
            out.push_str(word);
            column += length;
        }
        out
    });
    paragraphs.collect::<Vec<_>>().join("\n\n")
}

fn stripped(text: &str, joiners: bool) -> String {
    let keep = |character: &char| {
        character.is_alphanumeric()
            || character.is_whitespace()
            || joiners && matches!(character, '\'' | '’' | '-')
    };
    text.chars().filter(keep).collect()
}

/// Sentences: what ends before white space behind a full stop, or with the line.
fn sentences(text: &str) -> Vec<&str> {
    let (mut sentences, mut start, mut ended) = (Vec::new(), 0, false);
    for (at, character) in text.char_indices() {
        if character == '\n' || ended && character == ' ' {
            sentences.push(text[start..at].trim());
            start = at;
        }
        ended = matches!(character, '.' | '!' | '?');
    }
    sentences.push(text[start..].trim());
    sentences.retain(|sentence| !sentence.is_empty());
    sentences
}

fn shuffled(text: &str, source: &mut Source) -> String {
    let mut sentences = sentences(text);
    for place in (1..sentences.len()).rev() {
        sentences.swap(place, source.below(place as u32 + 1) as usize);
    }
    sentences.join(" ")
}

fn without_words(text: &str, share: f64, source: &mut Source) -> String {
    let kept = text.split(' ').filter(|_| !source.chance(share));
    kept.collect::<Vec<_>>().join(" ")
}

fn without_sentences(text: &str, share: f64, source: &mut Source) -> String {
    let kept = sentences(text).into_iter().filter(|_| !source.chance(share));
    kept.collect::<Vec<_>>().join(" ")
}

/// `ln p` of the deployment's key and the number of sites, after each change.
fn one(
    corpus: &Corpus,
    control: &CellCounts,
    scheme: Scheme,
    words: usize,
    number: u32,
) -> Vec<(f64, f64)> {
    let deployment = Deployment::new(scheme, number);
    let marking = deployment.marking(ACCOUNT, 1.0);
    let mut source = Source::of(seed("robustness", number));
    let texts: Vec<String> = draw(&corpus.suspect, words, &mut source)
        .into_iter()
        .map(|document| marked(&document.text, &marking))
        .collect();
    let key = deployment.key(Role::Global, "");
    CHANGES
        .iter()
        .map(|(_, change)| {
            let counts = deployment.counts_of(texts.iter().map(|text| change(text, &mut source)));
            let said = deployment.said(&counts, control, 1.0);
            (deployment.ln_p(&said, &[Role::Global], &key), counts.sites() as f64)
        })
        .collect()
}

pub(crate) fn study(corpus: &Corpus) {
    let control = counts_of(corpus.control.iter().map(|document| document.text.as_str()));
    for scheme in SCHEMES {
        of_scheme(corpus, &control, scheme);
    }
}

fn of_scheme(corpus: &Corpus, control: &CellCounts, scheme: Scheme) {
    let mut rows: Vec<Vec<String>> =
        CHANGES.iter().map(|(name, _)| vec![(*name).to_owned()]).collect();
    let mut series: Vec<Vec<(f64, f64)>> = vec![Vec::new(); CHANGES.len()];
    for words in WORDS {
        let results: Vec<Vec<(f64, f64)>> = (0..repetitions(USUAL))
            .into_par_iter()
            .map(|number| one(corpus, control, scheme, words, number))
            .collect();
        let sites = |change: usize| median(results.iter().map(|result| result[change].1));
        for (change, row) in rows.iter_mut().enumerate() {
            let p: Vec<f64> = results.iter().map(|result| result[change].0).collect();
            let found = p.iter().filter(|p| **p < 1e-6_f64.ln()).count();
            if words == WORDS[1] {
                row.insert(1, format!("{:.0} %", 100.0 * sites(change) / sites(0)));
            }
            row.push(share(found, p.len()));
            let rate = found as f64 / p.len() as f64;
            let middle = median(p);
            if words == WORDS[WORDS.len() - 1] {
                row.push(shown(middle));
            }
            series[change].push((words as f64, rate));
        }
    }
    println!(
        "\n`{}`: marked at full strength, then changed. Found: the deployment's key at p < 1e-6, in {} \
         repetitions.",
        scheme.name(),
        repetitions(USUAL)
    );
    let mut head = vec!["change".to_owned(), "sites left".to_owned()];
    head.extend(WORDS.map(|words| format!("found in {} words", thousands(words))));
    head.push("median p in 100,000".to_owned());
    table(&head.iter().map(String::as_str).collect::<Vec<_>>(), &rows);
    if scheme == Scheme::Law {
        plot(&series);
    }
}

fn plot(series: &[Vec<(f64, f64)>]) {
    let chosen = [
        "none",
        "wrapped at 72 columns",
        "lower case",
        "all punctuation stripped",
        "sentences shuffled",
        "30 % of words deleted",
    ];
    let series = CHANGES.iter().zip(series).filter(|((name, _), _)| chosen.contains(name));
    let series = series.map(|((name, _), points)| Series {
        name: (*name).to_owned(),
        points: points.clone(),
        intervals: Vec::new(),
        dashed: false,
    });
    Plot {
        title: "What is left of a mark after changes that need no model",
        x: Axis::decades("words of text", 3, 5),
        y: Axis::percent("found at p < 1e-6"),
        series: series.collect(),
    }
    .write("robustness");
}
