//! The built-in lexicon is what its format promises, and files that break a promise are refused.

#![expect(clippy::string_slice, clippy::unwrap_used, reason = "a test that cannot go on must fail")]

use std::collections::HashSet;

use guilloche::mark::lexical::{Rewriter, Site, each_site};
use guilloche::mark::lexicon::{Left, Lexicon, LexiconProblem, MAX_FORM_WORDS, Right};

const CLASSES: &str = include_str!("../src/mark/lexicon/classes.tsv");

#[test]
fn the_built_in_lexicon_is_valid_and_has_four_hundred_classes() {
    let lexicon = Lexicon::parse(CLASSES).unwrap();
    assert!(lexicon.classes().len() >= 400, "{}", lexicon.classes().len());
    assert_eq!(Lexicon::english().classes().len(), lexicon.classes().len());
    assert_eq!(lexicon.cells() % 16, 0);
}

#[test]
fn every_class_tells_its_source_and_has_both_variants_of_every_form() {
    let mut forms = HashSet::new();
    for class in Lexicon::english().classes() {
        assert!(class.provenance.starts_with("own work"), "{}", class.provenance);
        assert_eq!(&*class.licence, "MIT OR Apache-2.0");
        assert!(!class.pairs.is_empty());
        for (first, second) in &class.pairs {
            for form in [first, second] {
                let words = form.split(' ').count();
                assert!((1..=MAX_FORM_WORDS).contains(&words), "{form}");
                assert!(
                    form.chars()
                        .all(|character| character.is_alphanumeric() || " '-".contains(character)),
                    "{form}"
                );
                let lower = form.chars().enumerate().all(|(at, character)| {
                    !character.is_uppercase() || at == 0 && form.starts_with("I")
                });
                assert!(lower, "{form}");
                assert!(forms.insert((class.id, form.clone())), "{form} twice in a class");
            }
        }
    }
}

/// A class whose guards nothing can meet would never be a site.
#[test]
fn every_class_is_a_site_somewhere() {
    let before = "We don't see them, they do not see us, and these are those that are here now. ";
    let lexicon = Lexicon::english();
    let mut unmet = Vec::new();
    let columns = CLASSES.lines().filter(|line| !line.starts_with(['#', '@']));
    for (class, row) in lexicon.classes().zip(columns) {
        let words = candidates(row);
        let (first, _) = &class.pairs[0];
        let mut met = false;
        'search: for left in &words {
            for right in &words {
                let admitted = class.guard.admits(side_left(left), side_right(right));
                if !admitted {
                    continue;
                }
                let start = left == "START";
                let form = if start { capitalized(first) } else { first.to_string() };
                let left = match left.as_str() {
                    "START" => String::new(),
                    "COMMA" => "Here, ".to_owned(),
                    "STOP" => "Here; ".to_owned(),
                    word if word.starts_with("COMMA:") => format!("We {}, ", &word[6..]),
                    word => format!("We {word} "),
                };
                let right = match right.as_str() {
                    "COMMA" => ", so".to_owned(),
                    "STOP" => ".".to_owned(),
                    "OTHER" => " `so`".to_owned(),
                    word => format!(" {word} so"),
                };
                let text = format!("{before}{left}{form}{right}");
                each_site(lexicon, &text, |site| met |= site.class == class.id);
                if met {
                    break 'search;
                }
            }
        }
        // A class within another stands where that one does.
        if !met && class.within.is_none() {
            unmet.push(first.clone());
        }
    }
    assert!(unmet.is_empty(), "{unmet:?}");
}

/// Words that the guards of a row name, and some that they do not.
fn candidates(row: &str) -> Vec<String> {
    let lists: std::collections::HashMap<&str, &str> = CLASSES
        .lines()
        .filter_map(|line| line.strip_prefix('@').and_then(|list| list.split_once('\t')))
        .collect();
    let mut words: Vec<String> =
        ["START", "COMMA", "STOP", "OTHER", "know", "they", "walks", "reading", "20"]
            .map(str::to_owned)
            .into();
    for condition in row.split('\t').nth(4).unwrap().split(' ').filter(|word| !word.contains('!')) {
        for word in condition.trim_start_matches(['<', '>']).split(',') {
            if let Some(list) = word.strip_prefix("COMMA@").and_then(|name| lists.get(name)) {
                words.extend(list.split(',').take(3).map(|word| format!("COMMA:{word}")));
                continue;
            }
            let list = word.strip_prefix('@').and_then(|name| lists.get(name));
            words.extend(list.unwrap_or(&word).split(',').map(str::to_owned));
        }
    }
    words.retain(|word| {
        !word.starts_with('*') && !word.is_empty() && word != "WORD" && word != "NUMBER"
    });
    words
}

fn side_left(word: &str) -> Left<'_> {
    match word {
        "START" => Left::Start,
        "COMMA" => Left::Comma("here"),
        word if word.starts_with("COMMA:") => Left::Comma(&word[6..]),
        "STOP" => Left::Clause,
        word => Left::Word(word),
    }
}

fn side_right(word: &str) -> Right<'_> {
    match word {
        "COMMA" => Right::Comma,
        "STOP" | "START" => Right::Stop,
        "OTHER" => Right::Other,
        word => Right::Word(word),
    }
}

fn capitalized(word: &str) -> String {
    let mut characters = word.chars();
    characters
        .next()
        .map(|first| first.to_uppercase().chain(characters).collect())
        .unwrap_or_default()
}

#[test]
fn a_file_that_breaks_a_promise_is_refused_with_its_line() {
    let row = |id: &str, first: &str, second: &str, guards: &str| {
        format!("{id}\tverb\t{first}\t{second}\t{guards}\town work\tMIT\n")
    };
    let good = row("1", "begin|begins", "start|starts", "<!the >to,*ing");
    let problem = |line: &str| {
        let error = Lexicon::parse(&format!("# comment\n{good}{line}")).unwrap_err();
        assert_eq!(error.line, 3);
        error.problem
    };
    assert_eq!(problem("2\tverb\ta\tb\n"), LexiconProblem::Columns);
    assert_eq!(problem(&row("x", "a", "b", "")), LexiconProblem::Id);
    assert_eq!(problem(&row("65535", "a", "b", "")), LexiconProblem::Id);
    assert_eq!(problem(&row("1", "a", "b", "")), LexiconProblem::DuplicateId);
    assert_eq!(problem(&row("2", "a|c", "b", "")), LexiconProblem::Forms);
    assert_eq!(problem(&row("2", "a", "a", "")), LexiconProblem::Form("a".into()));
    assert_eq!(problem(&row("2", "a b c d", "e", "")), LexiconProblem::Form("a b c d".into()));
    assert_eq!(
        problem(&row("2", "start", "kick off", "")),
        LexiconProblem::Ambiguous("start".into())
    );
    assert_eq!(problem(&row("2", "a", "b", "=x")), LexiconProblem::Guard("=x".into()));
    assert_eq!(problem(&row("2", "a", "b", "<@x")), LexiconProblem::List("x".into()));
    assert_eq!(problem("2\tverb\ta\tb\t\t\tMIT\n"), LexiconProblem::Source);
    let within = |of: &str| LexiconProblem::Within(of.into());
    assert_eq!(problem(&row("2", "start|starts", "b|bs", "^7")), within("7"));
    assert_eq!(problem(&row("2", "start", "b", "^1")), within("1"));
    assert_eq!(problem(&row("2", "begin|begins", "b|bs", "^1")), within("1"));
    assert_eq!(problem(&row("2", "start|starts", "b|bs", "^x")), within("x"));
}

#[test]
fn guards_that_exclude_each_other_keep_two_classes_of_one_form_apart() {
    let file = "1\tverb\tbegan\tstarted\t<!have >to\town work\tMIT\n\
                2\tverb\tbegun\tstarted\t<have >to\town work\tMIT\n";
    let lexicon = Lexicon::parse(file).unwrap();
    let mut rewriter = Rewriter::new(&lexicon, |_: &Site<'_>| Some(false));
    let mut out = String::new();
    rewriter.push("Some of them started to run and have started to run.", &mut out);
    rewriter.finish(false, &mut out);
    assert_eq!(out, "Some of them began to run and have begun to run.");
}

/// Three variants are two choices: the first or another, then the second or the third.
#[test]
fn a_class_within_another_divides_its_second_variant() {
    let file = "1\tverb\tquit\tstop\t>now\town work\tMIT\n2\tverb\tstop\tend\t^1\town work\tMIT\n";
    let lexicon = Lexicon::parse(file).unwrap();
    let written = ["quit", "stop", "end"];
    for (place, form) in written.into_iter().enumerate() {
        let text = format!("Some of them {form} now.");
        let mut asked = Vec::new();
        each_site(&lexicon, &text, |site| asked.push((site.class.0, site.variant, site.written)));
        let reads = [(1, place > 0, true), (2, place > 1, true)];
        assert_eq!(asked, reads[..(place + 1).min(2)], "{form}");
        for (wanted, chosen) in [(0, [false, false]), (1, [true, false]), (2, [true, true])] {
            let mut asked = Vec::new();
            let choice = |site: &Site<'_>| {
                asked.push(site.written);
                Some(chosen[usize::from(site.class.0) - 1])
            };
            let mut rewriter = Rewriter::new(&lexicon, choice);
            let mut out = String::new();
            rewriter.push(&text, &mut out);
            rewriter.finish(false, &mut out);
            assert_eq!(out, format!("Some of them {} now.", written[wanted]));
            // Of what the author did not write nothing is learned.
            assert_eq!(asked, [true, place > 0][..(wanted + 1).min(2)]);
        }
    }
}

/// Break it: take the first word before a form for the one that tells its cells apart.
#[test]
fn cells_of_a_class_behind_few_words_are_told_apart_by_a_word_further_back() {
    let words = |token: &str| {
        let file = format!("1\tmodal\tquit\tstop\t{token}>now\town work\tMIT\n");
        let lexicon = Lexicon::parse(&file).unwrap();
        let mut found = Vec::new();
        each_site(
            &lexicon,
            "Some of them (all) can stop now. After that, and so on and so on, you quit now.",
            |site| {
                found.push(site.previous.to_owned());
            },
        );
        found
    };
    assert_eq!(words(""), ["can", "you"]);
    assert_eq!(words("SECOND "), ["all", "on"]);
    assert_eq!(words("THIRD "), ["them", "so"]);
}

/// Break it: forget the past after one word, or the comma's word.
#[test]
fn a_class_of_the_present_is_none_where_the_past_is_told_and_a_comma_has_a_word_before_it() {
    let file = "@past\twas\n1\tverb\tmay\tmight\tPRESENT >help\town work\tMIT\n\
                2\tverb\tquit\tstop\t<COMMAtools >now\town work\tMIT\n";
    let lexicon = Lexicon::parse(file).unwrap();
    let sites = |text: &str| {
        let mut sites = 0;
        each_site(&lexicon, text, |_| sites += 1);
        sites
    };
    assert_eq!(sites("Some of these may help."), 1);
    assert_eq!(sites("Some of it was said, and these may help."), 0);
    assert_eq!(
        sites(
            "It was. The one of the sixteen words of which that which is this and these and those of it that these may help."
        ),
        1
    );
    assert_eq!(sites("The best of the tools, stop now."), 1);
    assert_eq!(sites("The best of the things, stop now."), 0);
    assert_eq!(sites("The best of the tools stop now."), 0);
}

/// Break it: forget what was just written.
#[test]
fn a_word_is_not_written_where_it_has_just_been() {
    let sites = |kind: &str, text: &str| {
        let file = format!("1\t{kind}\tmay\tmight\t\town work\tMIT\n");
        let lexicon = Lexicon::parse(&file).unwrap();
        let mut sites = 0;
        each_site(&lexicon, text, |_| sites += 1);
        sites
    };
    assert_eq!(sites("modal", "Some of them may go, and that might be it."), 1);
    let farther = "Some of them may go, and that of the others might be it.";
    // Of words of content a reader notices more.
    assert_eq!((sites("modal", farther), sites("verb", farther)), (2, 1));
}

/// A required neighbour that marking could replace is known under both its forms.
#[test]
fn a_condition_holds_whatever_was_chosen_for_the_neighbour() {
    let file =
        "1\tmodal\tquit\tstop\t>begin\town work\tMIT\n2\tmodal\tbegin\tstart\t\town work\tMIT\n";
    let lexicon = Lexicon::parse(file).unwrap();
    let mut sites = 0;
    each_site(
        &lexicon,
        "Some of them quit start, and after all of that and more they stop begin.",
        |_| sites += 1,
    );
    assert_eq!(sites, 4);
}
