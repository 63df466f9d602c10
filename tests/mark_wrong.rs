//! Substitutions that would be wrong do not come, under any key: other senses, names, words that are
//! spoken of as words, doses, numbers with letters behind.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

use std::sync::Arc;

use guilloche::mark::cell::Roles;
use guilloche::mark::keys::{Keys, Recipient};
use guilloche::mark::lexical::{Choice, Rewriter, Site};
use guilloche::mark::lexicon::Lexicon;

/// Class, text, and what must not come; the class that once wrote it need not be there any more.
const WRONG: &str = include_str!("fixtures/marks/wrong.tsv");

/// Texts that provoke: kind, text, and what must not come.
const PROVOKING: &str = include_str!("fixtures/marks/provoking.tsv");

/// English with a contraction and the words for one, so that every gate is open.
const BEFORE: &str = "This is what we don't see and what they do not see.\n\n";

fn cases() -> impl Iterator<Item = [&'static str; 3]> {
    let columns = |row: &'static str| row.split('\t').collect::<Vec<_>>().try_into().unwrap();
    WRONG.lines().skip(1).map(columns)
}

fn rewrite(text: &str, choice: impl Choice) -> String {
    let mut rewriter = Rewriter::new(Lexicon::english(), choice);
    let mut out = String::new();
    rewriter.push(text, &mut out);
    rewriter.finish(false, &mut out);
    out
}

#[test]
fn nothing_wrong_comes_whichever_variant_is_chosen() {
    let mut wrong = Vec::new();
    for [class, text, bad] in cases() {
        for before in ["", BEFORE] {
            for variant in [false, true] {
                let out = rewrite(&format!("{before}{text}\n"), |_: &Site<'_>| Some(variant));
                let out = out.rsplit("\n\n").next().unwrap();
                if out.contains(bad) {
                    wrong.push(format!("{class}: {out}"));
                }
            }
        }
    }
    wrong.dedup();
    assert!(wrong.is_empty(), "{} {wrong:#?}", wrong.len());
}

#[test]
fn nothing_wrong_comes_under_any_account() {
    let keys = Keys::from_master(&[5; 32], jiff::Timestamp::UNIX_EPOCH);
    let roles = Arc::new(Roles::new(keys.master(), Lexicon::english().cells()));
    for account in 0..25 {
        let marked = Recipient {
            tenant: "",
            account: &format!("account-{account}"),
            cluster: None,
            arm: None,
        };
        let marking = keys.marking(&roles, 1, marked, 1.0);
        for [class, text, bad] in cases() {
            let out = rewrite(&format!("{BEFORE}{text}\n"), &marking);
            let out = out.rsplit("\n\n").next().unwrap();
            assert!(!out.contains(bad), "class {class}, account {account}: {out}");
        }
    }
}

/// Break it: take a word out of a guard, read the past as the present, or forget what was just said.
#[test]
fn texts_that_provoke_are_left_right_whatever_is_chosen_at_each_of_their_sites() {
    let mut wrong = Vec::new();
    for row in PROVOKING.lines().skip(1) {
        let [kind, text, bad] = row.split('\t').collect::<Vec<_>>().try_into().unwrap();
        // Every site, and every choice within one, in both ways at least.
        for pattern in 0..16_u32 {
            let mut site = 0_u32;
            let choice = |_: &Site<'_>| {
                site += 1;
                Some(pattern >> (site % 4) & 1 == 1)
            };
            let out = rewrite(&format!("{BEFORE}{text}\n"), choice);
            let out = out.rsplit("\n\n").next().unwrap();
            if out.contains(bad) {
                wrong.push(format!("{kind}: {out}"));
            }
        }
    }
    wrong.sort();
    wrong.dedup();
    assert!(wrong.is_empty(), "{} {wrong:#?}", wrong.len());
}

#[test]
fn every_kind_has_ten_sentences() {
    let mut kinds = std::collections::BTreeMap::<_, u32>::new();
    cases().for_each(|[class, _, _]| *kinds.entry(class).or_default() += 1);
    let few = kinds.iter().filter(|(_, count)| **count < 10).collect::<Vec<_>>();
    assert!(kinds.len() >= 30 && few.is_empty(), "{few:?}");
}
