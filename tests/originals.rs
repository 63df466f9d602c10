//! What marked answers read like before: kept, asked for, and forgotten.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::time::Duration;

use guilloche::countermeasure::originals::{Originals, Owner, Place};
use guilloche::mark::lexical::{Rewriter, Site};
use guilloche::mark::lexicon::Lexicon;
use proptest::prelude::*;
use tokio::time::Instant;

const TEXT: &str = "\nFor example, it is a good idea to begin with this. In addition, there are others such as that. ";

const AGE: Duration = Duration::from_secs(3600);

fn originals(max_bytes: usize) -> Originals {
    Originals::new(&[7; 32].into(), max_bytes, AGE)
}

/// Marks a text for its owner and remembers it; what the client gets.
fn give(
    originals: &Originals,
    owner: Owner,
    place: Place,
    pieces: &[&str],
    variant: bool,
    now: Instant,
) -> String {
    let choice = |_: &Site<'_>| Some(variant);
    let mut rewriter = Rewriter::new(Lexicon::english(), choice).with_undo();
    let mut recording = originals.recording(owner, place);
    let (mut all, mut out) = (String::new(), String::new());
    for piece in pieces.iter().map(Some).chain([None]) {
        out.clear();
        match piece {
            Some(piece) => rewriter.push(piece, &mut out),
            None => rewriter.finish(false, &mut out),
        }
        recording.push(&out);
        all.push_str(&out);
    }
    if let Some(original) = recording.finish(rewriter.undo().unwrap()) {
        originals.remember(original, now);
    }
    all
}

/// The place of what answers a question.
fn place(originals: &Originals, owner: Owner, question: &str) -> Place {
    let mut conversation = originals.conversation(owner);
    conversation.other(question);
    conversation.end();
    conversation.place()
}

/// What becomes of an answer that the client sends back behind its question.
fn back(
    originals: &Originals,
    owner: Owner,
    question: &str,
    text: &str,
    now: Instant,
) -> Option<String> {
    let mut conversation = originals.conversation(owner);
    conversation.other(question);
    conversation.end();
    conversation.answer(text, now)
}

#[test]
fn an_answer_comes_back_as_it_was_and_one_that_differs_by_a_byte_does_not() {
    let (originals, now) = (originals(1 << 20), Instant::now());
    let owner = originals.owner(None, "a");
    assert!(!originals.knows(owner, now));
    let asked = place(&originals, owner, "q");
    let marked = give(&originals, owner, asked, &[TEXT], true, now);
    assert_ne!(marked, TEXT);
    assert!(originals.knows(owner, now));
    let restored = |text: &str| back(&originals, owner, "q", text, now);
    assert_eq!(restored(&marked).as_deref(), Some(TEXT));
    assert_eq!(restored(marked.trim()).as_deref(), Some(TEXT.trim()), "a client may trim it");
    assert_eq!(back(&originals, owner, "elsewhere", &marked, now), None, "it is a short text");
    for at in marked.char_indices().map(|(at, _)| at) {
        let (before, behind) = marked.split_at(at);
        let mut cut = behind.chars();
        let character = cut.next().unwrap();
        for other in [
            format!("{before}{}", cut.as_str()),
            format!("{before}~{behind}"),
            format!("{before}{}{}", if character == 'x' { 'y' } else { 'x' }, cut.as_str()),
        ] {
            if other.trim() != marked.trim() {
                assert_eq!(restored(&other), None, "{other}");
            }
        }
    }
    assert_eq!(restored(""), None);
    assert_eq!(restored(TEXT), None, "what was never marked stays");
}

#[test]
fn an_answer_is_its_accounts_own() {
    let (originals, now) = (originals(1 << 20), Instant::now());
    let [a, b, tenant] =
        [originals.owner(None, "a"), originals.owner(None, "b"), originals.owner(Some("t"), "a")];
    assert!(a != b && a != tenant && originals.owner(Some(""), "a") != a);
    let asked = place(&originals, a, "q");
    let marked = give(&originals, a, asked, &[TEXT], true, now);
    assert!(originals.knows(a, now) && !originals.knows(b, now));
    assert_eq!(back(&originals, b, "q", &marked, now), None);
    assert_eq!(back(&originals, tenant, "q", &marked, now), None);
    // Another's text that came to read the same has another past.
    let other = TEXT.replace("In addition", "Additionally");
    let asked = place(&originals, b, "q");
    assert_eq!(give(&originals, b, asked, &[&other], true, now), marked);
    assert_eq!(back(&originals, b, "q", &marked, now), Some(other));
    assert_eq!(back(&originals, a, "q", &marked, now).as_deref(), Some(TEXT));
}

#[test]
fn two_originals_of_one_text_are_told_apart_by_what_they_answered() {
    let (originals, now) = (originals(1 << 20), Instant::now());
    let owner = originals.owner(None, "a");
    let first = "Try it. In addition, there is this.";
    let second = "Try it. Additionally, there is this.";
    let give = |question: &str, text: &str| {
        let asked = place(&originals, owner, question);
        give(&originals, owner, asked, &[text], true, now)
    };
    assert_eq!(give("one", first), second);
    assert_eq!(give("two", second), second);
    assert_eq!(back(&originals, owner, "one", second, now).as_deref(), Some(first));
    assert_eq!(back(&originals, owner, "two", second, now), None);
    // From elsewhere nobody knows.
    assert_eq!(back(&originals, owner, "three", second, now), None);
    give("four", first);
    assert_eq!(back(&originals, owner, "three", second, now), None);
    assert_eq!(originals.occupancy().guessed, 0);
    // The same question answered again: the client keeps the later answer.
    give("one", second);
    assert_eq!(back(&originals, owner, "one", second, now), None);
    assert_eq!(originals.occupancy().texts, 1);
}

#[test]
fn a_long_text_is_known_wherever_it_stands_and_its_newest_original_is_taken() {
    let (originals, now) = (originals(1 << 20), Instant::now());
    let owner = originals.owner(None, "a");
    let first =
        format!("{}In addition, there is this.", "Try it, and that is all of it. ".repeat(10));
    let second = first.replace("In addition", "Additionally");
    for (question, text) in [("one", &second), ("two", &first)] {
        let asked = place(&originals, owner, question);
        assert_eq!(give(&originals, owner, asked, &[text], true, now), second);
    }
    assert_eq!(back(&originals, owner, "one", &second, now), None);
    assert_eq!(back(&originals, owner, "three", &second, now), Some(first));
    assert_eq!(originals.occupancy().guessed, 1);
    assert_eq!(originals.occupancy().restored, 1);
}

#[test]
fn many_originals_of_one_text_are_bounded() {
    let (originals, now) = (originals(1 << 20), Instant::now());
    let owner = originals.owner(None, "a");
    for question in 0..1000 {
        let asked = place(&originals, owner, &question.to_string());
        give(&originals, owner, asked, &["Try it. In addition, there is this."], true, now);
    }
    assert!(originals.occupancy().bytes < 2048);
}

#[test]
fn what_was_not_asked_for_the_longest_goes_first() {
    let (originals, now) = (originals(4096), Instant::now());
    let give = |number: usize| {
        let owner = originals.owner(None, &number.to_string());
        let asked = place(&originals, owner, "q");
        give(&originals, owner, asked, &[TEXT], true, now)
    };
    let knows = |number: usize| originals.knows(originals.owner(None, &number.to_string()), now);
    let marked = give(0);
    for number in 1..1000 {
        give(number);
        // The first account goes on with its conversation.
        let first = originals.owner(None, "0");
        assert!(back(&originals, first, "q", &marked, now).is_some(), "{number}");
        assert!(originals.occupancy().bytes <= 4096);
        assert!(knows(number));
    }
    assert!(!knows(1) && !knows(900), "no trace of an owner is left");
    let occupancy = originals.occupancy();
    assert_eq!(occupancy.evicted, 1000 - occupancy.texts as u64);
    assert_eq!(occupancy.expired, 0);
}

#[test]
fn an_answer_is_remembered_for_a_while_after_it_was_last_sent() {
    let (originals, now) = (originals(1 << 20), Instant::now());
    let owner = originals.owner(None, "a");
    let asked = place(&originals, owner, "q");
    let marked = give(&originals, owner, asked, &[TEXT], true, now);
    let nearly = AGE - Duration::from_secs(1);
    for turn in 1..5 {
        let now = now + nearly * turn;
        assert_eq!(back(&originals, owner, "q", &marked, now).as_deref(), Some(TEXT));
    }
    let later = now + nearly * 4 + AGE;
    assert_eq!(back(&originals, owner, "q", &marked, later), None);
    assert!(!originals.knows(owner, later));
    assert_eq!(originals.occupancy().expired, 1);
    assert_eq!(originals.occupancy().bytes, 0);
}

#[test]
fn a_table_without_room_remembers_nothing() {
    let (originals, now) = (originals(0), Instant::now());
    let owner = originals.owner(None, "a");
    let asked = place(&originals, owner, "q");
    let marked = give(&originals, owner, asked, &[TEXT], true, now);
    assert_eq!(back(&originals, owner, "q", &marked, now), None);
    assert!(!originals.knows(owner, now));
}

#[test]
fn endless_white_space_and_endless_marks_are_not_held() {
    let (originals, now) = (originals(1 << 20), Instant::now());
    let owner = originals.owner(None, "a");
    let asked = place(&originals, owner, "q");
    let blank = " ".repeat(100_000);
    // So far from each other that none repeats the last.
    let between = "It is so. ".repeat(14);
    let marks = format!("Try it. In addition, there is this. {between}\n\n").repeat(10_000);
    for text in [format!("Try it. In addition, there is this.{blank}x"), marks] {
        give(&originals, owner, asked, &[&text], true, now);
        assert!(!originals.knows(owner, now));
    }
    give(&originals, owner, asked, &[&format!("{blank}Try it.")], true, now);
    assert!(originals.knows(owner, now), "white space before a text costs nothing");
}

#[test]
fn nothing_that_is_printed_tells_a_text() {
    let (originals, now) = (originals(1 << 20), Instant::now());
    let owner = originals.owner(None, "account-name");
    let asked = place(&originals, owner, "question");
    give(&originals, owner, asked, &[TEXT], true, now);
    let mut recording = originals.recording(owner, asked);
    recording.push("answer  ");
    let printed = format!(
        "{originals:?} {owner:?} {asked:?} {recording:?} {:?}",
        originals.conversation(owner)
    );
    for secret in ["account-name", "question", "example", "answer", "[70"] {
        assert!(!printed.contains(secret), "{printed}");
    }
}

proptest! {
    #[test]
    fn any_text_comes_back_from_any_cut_trimmed_or_not(
        words in proptest::collection::vec(proptest::sample::select(TEXT.split_inclusive(' ').collect::<Vec<_>>()), 0..30),
        noise in "[ \\n\u{3000}`x😀]{0,6}",
        at in any::<proptest::sample::Index>(),
        cuts in proptest::collection::vec(any::<proptest::sample::Index>(), 0..8),
        variant in any::<bool>(),
    ) {
        let (originals, now) = (originals(1 << 20), Instant::now());
        let owner = originals.owner(None, "a");
        let mut words = words;
        words.insert(at.index(words.len() + 1), &noise);
        let text = words.concat();
        let mut bounds: Vec<usize> = cuts.iter().map(|cut| cut.index(text.len() + 1))
            .filter(|at| text.is_char_boundary(*at)).chain([0, text.len()]).collect();
        bounds.sort_unstable();
        let pieces: Vec<&str> = bounds.windows(2).filter_map(|pair| text.get(pair[0]..pair[1])).collect();
        let asked = place(&originals, owner, "q");
        let marked = give(&originals, owner, asked, &pieces, variant, now);
        for sent in [marked.as_str(), marked.trim(), marked.trim_end()] {
            let expected = if sent == marked { text.as_str() } else if sent == marked.trim() { text.trim() } else { text.trim_end() };
            let restored = back(&originals, owner, "q", sent, now);
            prop_assert_eq!(restored.as_deref().unwrap_or(sent), expected);
        }
    }
}

/// Fails when all principals share one table: whoever is answered without end would have the answers
/// of all others forgotten.
#[test]
fn who_is_answered_without_end_leaves_most_others_what_is_remembered_of_them() {
    let bound = 16 << 20;
    let (originals, now) = (originals(bound), Instant::now());
    let owner = |number: u32| originals.owner(None, &format!("account {number}"));
    for number in 0..100 {
        let there = place(&originals, owner(number), "And then?");
        give(&originals, owner(number), there, &[TEXT], true, now);
    }
    let endless = originals.owner(None, "endless");
    let there = place(&originals, endless, "And then?");
    for number in 0..16_000 {
        give(&originals, endless, there, &[&format!("{number} of them")], true, now);
    }
    let occupancy = originals.occupancy();
    assert!(occupancy.evicted > 0 && occupancy.bytes <= bound / 2, "{occupancy:?}");
    let known = (0..100).filter(|number| originals.knows(owner(*number), now)).count();
    assert!((50..100).contains(&known), "{known}");
}

/// What becomes of answers that a client sends back in pieces, behind their question.
fn back_in_pieces(
    originals: &Originals,
    owner: Owner,
    question: &str,
    pieces: &[&str],
    now: Instant,
) -> (String, u64) {
    let mut conversation = originals.conversation(owner);
    conversation.other(question);
    conversation.end();
    let restored = conversation.answers(pieces, now);
    let whole = pieces.iter().zip(restored);
    let whole = whole.map(|(piece, restored)| restored.unwrap_or_else(|| (*piece).to_owned()));
    (whole.collect(), conversation.restored())
}

fn cut(text: &str, size: usize) -> Vec<&str> {
    let starts = (0..text.len()).step_by(size);
    starts.map(|at| text.get(at..text.len().min(at + size)).unwrap()).collect()
}

// Break it: look each piece up alone.
#[test]
fn an_answer_that_comes_back_as_it_was_streamed_comes_back_as_it_was() {
    let (originals, now) = (originals(1 << 20), Instant::now());
    let owner = originals.owner(None, "a");
    let asked = place(&originals, owner, "q");
    let marked = give(&originals, owner, asked, &[TEXT], true, now);
    let other = TEXT.replace("For example", "For instance").replace("begin", "start");
    let second = give(&originals, owner, asked, &[&other], true, now);
    assert!(marked != TEXT && second != other);
    for size in [1, 2, 7, 40, marked.len()] {
        let pieces = cut(&marked, size);
        let back = |pieces: &[&str]| back_in_pieces(&originals, owner, "q", pieces, now);
        assert_eq!(back(&pieces), (TEXT.to_owned(), 1), "pieces of {size}");
        // What a client has left out or changed anywhere is another text.
        let mut changed = pieces.clone();
        let middle = changed.len() / 2;
        changed[middle] = "~";
        assert_eq!(back(&changed), (changed.concat(), 0), "pieces of {size}");
        // Between others, and with another that is known behind it.
        let around = [&["Ah."][..], &pieces, &cut(&second, size), &["So."]].concat();
        assert_eq!(back(&around), (format!("Ah.{TEXT}{other}So."), 2), "pieces of {size}");
    }
}

/// Twice as many pieces of nothing that is known take no more lookups than a conversation has.
// Break it: begin anew at every piece for as long as there are any.
#[test]
fn pieces_of_what_nobody_knows_cost_what_their_bytes_do() {
    let (originals, now) = (originals(1 << 20), Instant::now());
    let owner = originals.owner(None, "a");
    let _ = give(&originals, owner, place(&originals, owner, "q"), &[TEXT], true, now);
    let mut seconds = Vec::new();
    for count in [20_000, 40_000] {
        let pieces = vec!["word "; count];
        let least = (0..3).map(|_| {
            let begun = Instant::now();
            let (whole, restored) = back_in_pieces(&originals, owner, "q", &pieces, now);
            assert!(restored == 0 && whole.len() == 5 * count);
            begun.elapsed()
        });
        seconds.push(least.min().unwrap().as_secs_f64());
    }
    assert!(seconds[1] < 3.0 * seconds[0] + 0.05, "{seconds:?}");
}
