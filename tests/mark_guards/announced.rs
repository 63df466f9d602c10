//! What is announced by a paragraph, told by a label or matched by an agent stays as it is, and prose behind it
//! does not.

use guilloche::mark::lexical::{Rewriter, Site};
use guilloche::mark::lexicon::Lexicon;

use super::{BEFORE, forced};

/// Texts, each behind `%%%` and its kind; what must stay stands between `⟪` and `⟫`.
const FIXTURES: [&str; 2] = [
    include_str!("../fixtures/marks/announced.txt"),
    include_str!("../fixtures/marks/provoking_further.txt"),
];

fn cases() -> impl Iterator<Item = (&'static str, String, Vec<&'static str>)> {
    let sections = |fixture: &'static str| fixture.strip_prefix("%%% ").unwrap().split("\n%%% ");
    FIXTURES.into_iter().flat_map(sections).map(|section| {
        let (kind, text) = section.split_once('\n').unwrap();
        let stays =
            text.split('⟪').skip(1).map(|rest| rest.split_once('⟫').map_or(rest, |it| it.0));
        (kind, text.trim_end().replace(['⟪', '⟫'], ""), stays.map(str::trim_end).collect())
    })
}

/// Break it: hold no paragraph behind a colon, or take a label out of its list.
#[test]
fn what_is_announced_or_labelled_stays_whatever_is_chosen() {
    let mut wrong = Vec::new();
    for (kind, text, stays) in cases() {
        for variant in [false, true] {
            let out = forced(&format!("\n\n{text}\n"), variant);
            wrong.extend(stays.iter().filter(|part| !out.contains(**part)).map(|_| kind));
        }
    }
    assert!(cases().count() >= 655 && wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn it_is_the_same_letter_by_letter() {
    for (kind, text, _) in cases() {
        let text = format!("{BEFORE}\n\n{text}\n");
        let mut rewriter = Rewriter::new(Lexicon::english(), |_: &Site<'_>| Some(true));
        let mut out = String::new();
        for letter in text.chars() {
            rewriter.push(letter.encode_utf8(&mut [0; 4]), &mut out);
        }
        rewriter.finish(false, &mut out);
        let mut whole = String::new();
        let mut rewriter = Rewriter::new(Lexicon::english(), |_: &Site<'_>| Some(true));
        rewriter.push(&text, &mut whole);
        rewriter.finish(false, &mut whole);
        assert_eq!(out, whole, "{kind}");
    }
}

#[test]
fn prose_behind_it_and_behind_what_only_looks_so_is_marked() {
    let prose = "For example, it usually works, and people say so of most of what they do not see.";
    for before in [
        "He said:\n\nNo.",
        "Tom: Hello.\nAnn: Hi.",
        "Smith, J. (2010). On it. Springer.",
        "Take one tablet.",
        "A) Red\nB) Blue",
        "We met at 10:30 on Monday.",
        "\"One of them.\n\nAnd another,\" he said.",
        "These are things to know:",
        "The word “start” is one of them.",
        "## 1.1 Of it",
        "It has 3.5 million of them.",
        "**Why it matters**",
        "They said this of it.",
        "with",
        "BEGIN TRANSACTION",
        "A <> or a >>> is one of them.",
    ] {
        let text = format!("\n\n{before}\n\n{prose}");
        let changed = [false, true].map(|variant| forced(&text, variant));
        assert_ne!(changed[0], changed[1], "{before}");
        assert!(changed.iter().all(|out| out.contains(before)), "{before}");
    }
    for label in
        ["Note: ", "Answer: ", "- **Speed**: ", "✅ ", "a) ", "**Step 1:** ", "Pro Tip: ", "2020: "]
    {
        let text = format!("\n\n{label}{prose}");
        assert_ne!(forced(&text, false), forced(&text, true), "{label}");
    }
}
