//! Reasoning that is condensed: what looks ahead and what lets out agree, and without a summary the
//! answer is the one of which nothing is kept.

use bytes::Bytes;
use proptest::prelude::*;

use super::client::accumulate;
use super::invariants::assert_invariants;
use super::parity::{DIALECTS, Dialect};
use super::{
    COMPLETIONS, EventStream, document, model, protocol, sample, stream, streams, withhold,
    worked_out,
};
use crate::countermeasure::ResponseEdits;
use crate::countermeasure::summary::{SummaryBook, SummaryFailure, SummaryRules};
use crate::layer::document::Document;
use crate::policy::Unhandled;
use crate::policy::plan::Keep;
use crate::wire::Protocol;
use crate::wire::framing::Framing;

type Written = Result<String, SummaryFailure>;

/// Says of a text how long it is: each text has a summary of its own.
fn length(reasoning: &str) -> Written {
    Ok(format!("It is of length {}.", reasoning.len()))
}

fn nothing(_: &str) -> Written {
    Err(SummaryFailure::Failed)
}

fn settle(book: &SummaryBook, write: fn(&str) -> Written) {
    for wanted in book.wanted() {
        book.settle(wanted.key, write(&wanted.reasoning));
    }
}

fn summed_up(protocol: &dyn Protocol, edits: ResponseEdits) -> (SummaryBook, ResponseEdits) {
    let book = SummaryBook::new(SummaryRules::default());
    (book.clone(), edits.summed_up_in(book, protocol))
}

/// What goes out of a stream, each of whose chunks is looked through first.
fn condensed<'c>(
    protocol: &'static dyn Protocol,
    edits: ResponseEdits,
    chunks: impl IntoIterator<Item = &'c [u8]>,
    write: fn(&str) -> Written,
) -> Vec<u8> {
    let (book, edits) = summed_up(protocol, edits);
    let events =
        |edits| EventStream::new(protocol, Framing::Sse, edits, Unhandled::Refuse, 1 << 20);
    let (mut ahead, mut events) = (events(edits.ahead()), events(edits));
    let mut out = Vec::new();
    for chunk in chunks {
        let chunk = Bytes::copy_from_slice(chunk);
        ahead.push(chunk.clone());
        while ahead.next_event().unwrap().is_some() {}
        settle(&book, write);
        events.push(chunk);
        while let Some(bytes) = events.next_event().unwrap() {
            out.extend_from_slice(&bytes);
        }
    }
    ahead.finish().unwrap();
    settle(&book, write);
    out.extend_from_slice(&events.finish().unwrap());
    out
}

fn condensed_document(
    protocol: &'static dyn Protocol,
    edits: ResponseEdits,
    bytes: &[u8],
    write: fn(&str) -> Written,
) -> Vec<u8> {
    let (book, edits) = summed_up(protocol, edits);
    let document = |edits| {
        let mut document = Document::new(protocol, edits, Unhandled::Refuse, 1 << 24);
        let early = document.push(Bytes::copy_from_slice(bytes)).unwrap().unwrap_or_default();
        [early, worked_out(&mut document).unwrap()].concat()
    };
    document(edits.ahead());
    settle(&book, write);
    document(edits)
}

// Break it: leave a beginning where there is no summary, or drop no event whose text has none.
#[test]
fn without_a_summary_every_sample_is_the_one_of_which_nothing_is_kept() {
    for name in streams() {
        let (protocol, model) = (protocol(&name), model(&name));
        let from = sample(&name);
        let none = stream(protocol, withhold(Keep::None, protocol, model), [&*from]).unwrap();
        for size in [1, 7, 100, usize::MAX] {
            let edits = withhold(Keep::Summary, protocol, model);
            let left = condensed(protocol, edits, from.chunks(size.min(from.len())), nothing);
            assert!(left == none, "{name}, chunks of {size}");
        }
    }
    for name in COMPLETIONS {
        let (protocol, model) = (protocol(name), model(name));
        let from = sample(&format!("{name}.json"));
        let none = document(protocol, withhold(Keep::None, protocol, model), &from).unwrap();
        let edits = withhold(Keep::Summary, protocol, model);
        assert!(condensed_document(protocol, edits, &from, nothing) == none, "{name}");
    }
}

/// Nobody who writes summaries is configured.
#[test]
fn without_a_book_nothing_is_kept() {
    for name in COMPLETIONS {
        let (protocol, model) = (protocol(name), model(name));
        let from = sample(&format!("{name}.json"));
        let of = |keep| document(protocol, withhold(keep, protocol, model), &from).unwrap();
        assert!(of(Keep::Summary) == of(Keep::None), "{name}");
    }
}

fn protocol_of(dialect: Dialect) -> &'static dyn Protocol {
    protocol(if dialect.messages() { "anthropic" } else { "chat" })
}

fn edits_of(dialect: Dialect, keep: Keep) -> ResponseEdits {
    let model = if dialect == Dialect::Template { "qwq-32b" } else { "m" };
    withhold(keep, protocol_of(dialect), model)
}

const REASONING: &str = "First the two numbers are put beside each other. Then their whole parts are \
    compared, which are the same. So the tenths decide, and eight of them are more than one.";

#[test]
fn every_dialect_shows_the_summary_in_the_place_of_the_reasoning_and_before_the_answer() {
    for dialect in DIALECTS {
        let from = dialect.stream(REASONING, "It is 9.8.", "stop", &[9]);
        let to = condensed(
            protocol_of(dialect),
            edits_of(dialect, Keep::Summary),
            from.as_bytes().chunks(20),
            length,
        );
        let text = String::from_utf8(to.clone()).unwrap();
        let summary = length(REASONING).unwrap();
        // What is signed is whole or empty.
        let times = match dialect {
            Dialect::Thinking => 0,
            Dialect::Details => 2,
            _ => 1,
        };
        assert_eq!(text.matches(&summary).count(), times, "{dialect:?}: {text}");
        assert!(!text.contains("tenths"), "{dialect:?}: {text}");
        let texts = accumulate(dialect.messages(), &to, true);
        let said = |text: &String| text.contains("It is 9.8.");
        assert!(texts.values().any(said), "{dialect:?}: {texts:?}");
        if let (Some(summary), Some(answer)) = (text.find(&summary), text.find("9.8")) {
            assert!(summary < answer, "{dialect:?}: {text}");
        }
        assert_invariants(dialect.messages(), from.as_bytes(), &to);
    }
}

// Break it: condense what a limit has ended.
#[test]
fn reasoning_that_was_cut_short_has_no_summary() {
    for dialect in DIALECTS {
        let from = dialect.stream(REASONING, "", "length", &[9]);
        let of = |keep, write| {
            condensed(protocol_of(dialect), edits_of(dialect, keep), [from.as_bytes()], write)
        };
        let closed = matches!(dialect, Dialect::Tagged | Dialect::Template | Dialect::TaggedBlock);
        if !closed {
            assert!(of(Keep::Summary, length) == of(Keep::None, nothing), "{dialect:?}");
        }
    }
}

fn words(least: usize) -> impl Strategy<Value = String> {
    let word = "(So|wait|nine|9\\.8|and|then|é|思考。|🤔|\"a\"|b\\\\|<|\\? |\\n)";
    proptest::collection::vec(word, least..60).prop_map(|words| words.join(" "))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    /// The document is the oracle of the stream.
    // Break it: hash the pieces of a text apart, or let what looks ahead see other edits.
    #[test]
    fn any_completion_is_summed_up_the_same_in_both_forms_however_it_is_cut(
        reasoning in words(0),
        answer in words(0),
        cuts in proptest::collection::vec(1..9_usize, 1..5),
        size in 1..300_usize,
        dialect in proptest::sample::select(DIALECTS.to_vec()),
        write in proptest::sample::select(vec![length as fn(&str) -> Written, nothing]),
        finish in proptest::sample::select(vec!["stop", "length"]),
    ) {
        let protocol = protocol_of(dialect);
        let edits = || edits_of(dialect, Keep::Summary);
        let from = dialect.document(&reasoning, &answer, finish);
        let whole = condensed_document(protocol, edits(), from.as_bytes(), write);
        let whole = accumulate(dialect.messages(), &whole, false);
        let from = dialect.stream(&reasoning, &answer, finish, &cuts);
        let to = condensed(protocol, edits(), from.as_bytes().chunks(size), write);
        assert_invariants(dialect.messages(), from.as_bytes(), &to);
        prop_assert_eq!(accumulate(dialect.messages(), &to, true), whole);
        if write("").is_err() {
            let none = stream(protocol, edits_of(dialect, Keep::None), [from.as_bytes()]).unwrap();
            prop_assert!(to == none, "{}", from);
        }
    }
}
