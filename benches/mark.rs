//! How fast a stream is rewritten: `cargo bench --bench mark`.

use std::sync::Arc;

use divan::counter::BytesCount;
use guilloche::mark::cell::Roles;
use guilloche::mark::keys::{Keys, Marking, Recipient};
use guilloche::mark::lexical::{Rewriter, each_site};
use guilloche::mark::lexicon::Lexicon;

fn main() {
    divan::main();
}

/// Prose of an assistant's kind, about two sites in a hundred words.
const PARAGRAPH: &str = "Sleep has an effect on nearly everything that the body does during the \
    day. For example, people who sleep fewer than six hours tend to react more slowly, and they \
    usually find it harder to remember what they have read. This is one of the reasons why doctors \
    ask about it first. Light matters as well: a room that is bright in the evening tells the brain \
    that the day is not over, so it helps to dim the lamps an hour before bed and to leave the \
    telephone in another room.\n\n- Keep the room cool and dark.\n- Go to bed at the same hour.\n\n\
    ```python\nprint(\"usually\")\n```\n\n";

fn text() -> String {
    PARAGRAPH.repeat(400)
}

fn marking(strength: f64) -> Marking {
    let keys = Keys::from_master(&[9; 32], jiff::Timestamp::UNIX_EPOCH);
    let roles = Arc::new(Roles::new(keys.master(), Lexicon::english().cells()));
    keys.marking(
        &roles,
        1,
        Recipient { tenant: "", account: "a", cluster: None, arm: None },
        strength,
    )
}

/// One text in one piece.
#[divan::bench(args = [1.0, 0.5])]
fn rewrite_whole(bencher: divan::Bencher<'_, '_>, strength: f64) {
    let (text, marking) = (text(), marking(strength));
    let mut out = String::with_capacity(text.len() * 2);
    bencher.counter(BytesCount::of_str(&text)).bench_local(|| {
        out.clear();
        let mut rewriter = Rewriter::new(Lexicon::english(), &marking);
        rewriter.push(&text, &mut out);
        rewriter.finish(false, &mut out);
        out.len()
    });
}

/// One text in pieces of this many bytes, as tokens come.
#[divan::bench(args = [4, 16])]
fn rewrite_stream(bencher: divan::Bencher<'_, '_>, size: usize) {
    let (text, marking) = (text(), marking(1.0));
    let characters: Vec<char> = text.chars().collect();
    let pieces: Vec<String> = characters.chunks(size).map(|piece| piece.iter().collect()).collect();
    let mut out = String::with_capacity(text.len() * 2);
    bencher.counter(BytesCount::of_str(&text)).bench_local(|| {
        out.clear();
        let mut rewriter = Rewriter::new(Lexicon::english(), &marking);
        for piece in &pieces {
            rewriter.push(piece, &mut out);
        }
        rewriter.finish(false, &mut out);
        out.len()
    });
}

/// The sites of a text, as a detector reads them.
#[divan::bench]
fn read_sites(bencher: divan::Bencher<'_, '_>) {
    let text = text();
    bencher.counter(BytesCount::of_str(&text)).bench_local(|| {
        let mut sites = 0_u32;
        each_site(Lexicon::english(), &text, |site| sites += site.cell().index());
        sites
    });
}

/// The keys of one principal.
#[divan::bench]
fn derive_marking(bencher: divan::Bencher<'_, '_>) {
    let keys = Keys::from_master(&[9; 32], jiff::Timestamp::UNIX_EPOCH);
    let roles = Arc::new(Roles::new(keys.master(), Lexicon::english().cells()));
    let marked = Recipient { tenant: "", account: "a", cluster: Some("c"), arm: None };
    bencher.bench(|| keys.marking(&roles, 1, marked, 1.0));
}
