//! What a text keeps to: contractions, spellings, what it has just said, and how it is written.

use guilloche::mark::lexical::{Rewriter, Site};
use guilloche::mark::lexicon::Lexicon;

use super::{BEFORE, forced};

#[test]
fn a_text_without_contractions_is_given_none() {
    let text = "These are the tools that we do not need, and it is good that they are free.";
    let mut rewriter = Rewriter::new(Lexicon::english(), |_: &Site<'_>| Some(true));
    let mut out = String::new();
    rewriter.push(text, &mut out);
    rewriter.finish(false, &mut out);
    assert_eq!((out.as_str(), rewriter.sites()), (text, 0));
}

/// Break it: open a place for a contraction behind one contraction.
#[test]
fn a_text_that_keeps_to_contractions_or_to_the_words_for_them_is_left_so_and_one_that_mixes_them_is_not()
 {
    let only = "This is what we don't see. It's good that they're here, and you can't tell.";
    for variant in [false, true] {
        let mut rewriter = Rewriter::new(Lexicon::english(), |_: &Site<'_>| Some(variant));
        let mut out = String::new();
        rewriter.push(only, &mut out);
        rewriter.finish(false, &mut out);
        assert_eq!(out, only);
    }
    assert_eq!(forced("Some animals do not sleep.", true), "Some animals don't sleep.");
}

/// Break it: look six words back for words of content too, or for the variant that stands there alone.
#[test]
fn a_phrasing_does_not_come_again_in_the_next_sentence_nor_is_one_taken_out_that_answers_another() {
    for text in [
        "They need to improve this town. It is not easy, but we can say that it will enhance security here.",
        "For example, it rains in the north of the land on most days, and this is, for example, why they left.",
    ] {
        let changed = |variant| forced(text, variant);
        let again = |word: &str| changed(true).matches(word).count() > 1;
        assert!(!again("enhance") && !again("instance"), "{}", changed(true));
    }
    let far = format!(
        "It will improve safety. {} It will enhance security here.",
        "So it is. ".repeat(12)
    );
    assert!(forced(&far, false).ends_with("improve security here."));
}

/// Break it: leave the second place as it is.
#[test]
fn what_an_exchange_would_have_said_twice_is_exchanged_for_what_it_took_away() {
    let text = "It will improve security here, and they say that it can enhance performance too.";
    let swapped =
        "It will enhance security here, and they say that it can improve performance too.";
    let mut first = true;
    let mut rewriter = Rewriter::new(Lexicon::english(), |site: &Site<'_>| {
        site.form.starts_with("improve").then(|| std::mem::take(&mut first))
    });
    let mut out = String::new();
    rewriter.push(&format!("{BEFORE}{text}"), &mut out);
    rewriter.finish(false, &mut out);
    assert_eq!(out.strip_prefix(BEFORE).unwrap(), swapped);
    assert_eq!(rewriter.sites(), 1);
}

#[test]
fn a_spelling_is_kept_up_throughout_a_text() {
    let text = "The dataset is small. The dataset has few rows, and dataset sizes differ.";
    let mut bits = [true, false, false].into_iter();
    let mut rewriter = Rewriter::new(Lexicon::english(), |_: &Site<'_>| bits.next());
    let mut out = String::new();
    rewriter.push(&format!("These are the tools that we need. {text}"), &mut out);
    rewriter.finish(false, &mut out);
    assert_eq!(out.matches("data set").count(), 3);
    assert_eq!((rewriter.sites(), rewriter.flips()), (1, 3));
}

#[test]
fn american_and_british_forms_are_not_mixed() {
    let rewrite = |text: &str| {
        let mut bits = [true, false, false].into_iter();
        let mut rewriter = Rewriter::new(Lexicon::english(), |_: &Site<'_>| bits.next());
        let mut out = String::new();
        rewriter.push(&format!("These are the tools that we have. {text}"), &mut out);
        rewriter.finish(false, &mut out);
        (out.replace("These are the tools that we have. ", ""), rewriter.sites())
    };
    assert_eq!(
        rewrite("They walked toward the door with judgment and leaped."),
        ("They walked towards the door with judgement and leapt.".to_owned(), 1)
    );
    let told = "Its color was that of the judgment toward the end.";
    assert_eq!(rewrite(told), (told.to_owned(), 0));
}

#[test]
fn what_stays_written_so_in_a_name_is_written_so_behind_it() {
    let text = "**Kind**: Dataset of the trees. The dataset is small.";
    assert_eq!(forced(text, true), text);
}

/// Break it: let only words that are no prose tell how the author writes, or none of those that wait in vain.
#[test]
fn what_is_spared_or_waits_in_vain_is_written_so_behind_it() {
    let text = "\n\nAnna: Here a dataset is shown.\n\nThe dataset is small.";
    assert_eq!(forced(text, true), text);
    let mut rewriter = Rewriter::new(Lexicon::english(), |_: &Site<'_>| Some(true));
    let mut out = String::new();
    rewriter.push("Here is a dataset", &mut out);
    rewriter.flush(&mut out);
    rewriter.push(" of trees. The dataset is small.", &mut out);
    rewriter.finish(false, &mut out);
    assert_eq!(out, "Here is a dataset of trees. The dataset is small.");
}

#[test]
fn phrasings_of_talk_are_given_to_talk_only() {
    let text = "Here they saw a lot of people. Maybe it was the rain.";
    assert_eq!(forced(text, true), "Here they saw lots of people. Perhaps it was the rain.");
    let mut rewriter = Rewriter::new(Lexicon::english(), |_: &Site<'_>| Some(true));
    let mut out = String::new();
    rewriter.push(text, &mut out);
    rewriter.finish(false, &mut out);
    assert_eq!(out, text);
}

#[test]
fn case_and_apostrophe_follow_the_text() {
    let curly = "These are the tools. It’s what you don’t need. They do not help. We do not know.";
    let mut rewriter = Rewriter::new(Lexicon::english(), |_: &Site<'_>| Some(true));
    let mut out = String::new();
    rewriter.push(curly, &mut out);
    rewriter.finish(false, &mut out);
    assert!(out.ends_with("They do not help. We don’t know."), "{out}");
    assert_eq!(forced("For example, it rains.", true), "For instance, it rains.");
    assert_eq!(forced("Today it rains, for example.", true), "Today it rains, for instance.");
}
