//! What holds of every protocol that says each text once, whatever its shape.

use proptest::prelude::*;

use super::responses::Done;
use super::shapes::{Answer, PROSE, SHAPES, withheld};
use super::{EventStream, sample, words};
use crate::policy::Unhandled;
use crate::policy::plan::Keep;
use crate::wire::{ProtocolId, Refusal, RefusalKind};

fn dones() -> Vec<Done> {
    let keeps =
        [None, Some(Keep::None), Some(words(3)), Some(Keep::Share(0.5)), Some(Keep::Conclusion)];
    let marks =
        |keep: Option<Keep>| [false, true].map(|marks| Done { keep, marks, ..Done::default() });
    keeps.into_iter().flat_map(marks).collect()
}

fn prose() -> impl Strategy<Value = String> {
    "(So|wait|begin|For example|9\\.8| |, |\\. |\\? |\\n|é|思考。|🤔|\"|\\\\|<|</th|think>|<think>){0,14}"
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    /// The document is the oracle of the stream, and one cut of the other.
    // Break it: give the end of a text in either form another `cut_short`, or let a lane's editor see an
    // empty piece as an end.
    #[test]
    fn an_answer_reads_the_same_in_both_forms_however_it_is_cut(
        reasoning in prose(),
        text in prose(),
        cuts in proptest::collection::vec(1..7_usize, 1..5),
        cut in 1..40_usize,
        shape in proptest::sample::select(SHAPES.to_vec()),
        done in proptest::sample::select(dones()),
        ended in 0..2_usize,
    ) {
        // A closing that nothing opened is seen ahead in a whole text only: `tests/layer/unopened.rs`.
        let said = reasoning.clone() + &text;
        let unopened = said.split_once("</th").is_some_and(|(_, rest)| rest.contains("think>"));
        prop_assume!(!unopened);
        let finish = shape.finishes()[ended].to_owned();
        let answer = Answer { reasoning, text, finish };
        let from = shape.stream(&answer, &cuts);
        let to = shape.streamed(done, &from, cut);
        shape.assert_invariants(&from, &to);
        let whole = shape.whole(done, &shape.document(&answer));
        prop_assert_eq!(shape.read(&shape.payloads(&to)), shape.read(&[whole]));
        let again = shape.streamed(done, &from, from.len());
        prop_assert_eq!(to, again);
    }
}

// Break it: leave the answer of a protocol out of its channels.
#[test]
fn an_answer_is_marked_and_reasoning_withheld_in_every_shape() {
    for shape in SHAPES {
        let finish = shape.finishes()[0].to_owned();
        let reasoning = "Alpha bravo charlie. Delta echo.".to_owned();
        let answer = Answer { reasoning, text: PROSE.to_owned(), finish: finish.clone() };
        let from = shape.stream(&answer, &[5]);
        let untouched = shape.streamed(Done::default(), &from, 7);
        assert_eq!(untouched, from, "{shape:?}: what nobody edits is what came");
        let read = |done| shape.read(&shape.payloads(&shape.streamed(done, &from, 11)));
        let marked = read(Done { marks: true, ..Done::default() });
        assert_ne!(marked.text, shape.read(&shape.payloads(&from)).text, "{shape:?}");
        assert!(marked.text.ends_with("start."), "{shape:?}: {marked:?}");
        let marked = read(Done { marks: true, ..withheld() });
        assert_eq!((&*marked.reasoning, &*marked.finish), ("", &*finish), "{shape:?}");
        assert!(!marked.text.contains("bravo") && marked.text.ends_with("start."), "{marked:?}");
        // Nothing of it is told by the events that are left either.
        let out = shape.streamed(withheld(), &from, 13);
        let short = Answer { reasoning: "Alpha bravo.".to_owned(), ..answer.clone() };
        let less = shape.streamed(withheld(), &shape.stream(&short, &[5]), 13);
        if !shape.inline() {
            assert_eq!(out, less, "{shape:?}");
        }
    }
}

// Break it: read another member for the model's name.
#[test]
fn a_downgraded_answer_bears_the_name_that_was_asked_for() {
    let named = |it: ProtocolId| !matches!(it, ProtocolId::Converse | ProtocolId::Invoke);
    for shape in SHAPES.into_iter().filter(|it| named(it.protocol().id())) {
        for (whole, stream) in shape.samples() {
            let done = Done { downgrades: true, ..Done::default() };
            let named = sample(stream);
            let named = String::from_utf8(named).unwrap();
            let model = shape.model_of(&named);
            if model.is_empty() {
                continue;
            }
            let from = named.replace(&model, "gpt-5.5-mini-2026-08-01");
            let out = String::from_utf8(shape.streamed(done, from.as_bytes(), 9)).unwrap();
            assert!(!out.contains("gpt-5.5-mini") && out.contains("\"big\""), "{shape:?}: {out}");
            let from = String::from_utf8(sample(whole))
                .unwrap()
                .replace(&model, "gpt-5.5-mini-2026-08-01");
            let out = shape.whole(done, &from).to_string();
            assert!(!out.contains("gpt-5.5-mini") && out.contains("\"big\""), "{shape:?}: {out}");
        }
    }
}

// Break it: read a name of a text that the protocol does not have.
#[test]
fn the_samples_read_the_same_in_both_forms_whatever_is_done_to_them() {
    for shape in SHAPES {
        for (whole, stream) in shape.samples() {
            for done in dones() {
                let streamed = shape.streamed(done, &sample(stream), 5);
                shape.assert_invariants(&sample(stream), &streamed);
                let whole = shape.whole(done, &String::from_utf8(sample(whole)).unwrap());
                assert_eq!(
                    shape.read(&shape.payloads(&streamed)),
                    shape.read(&[whole]),
                    "{done:?}"
                );
            }
        }
    }
}

// Break it: end the stream as if it was whole.
#[test]
fn a_stream_that_fails_ends_in_an_error_of_its_protocol() {
    for shape in SHAPES {
        let finish = shape.finishes()[0].to_owned();
        let answer = Answer { reasoning: String::new(), text: PROSE.to_owned(), finish };
        let from = shape.stream(&answer, &[5]);
        let half = from.len() / 2;
        let edits = shape.edits(Done { marks: true, ..Done::default() });
        let (protocol, refuse) = (shape.protocol(), Unhandled::Refuse);
        let mut events = EventStream::new(protocol, shape.framing(), edits, refuse, 1 << 20);
        events.push(from[..half].to_vec().into());
        let mut out = Vec::new();
        while let Some(bytes) = events.next_event().unwrap() {
            out.extend_from_slice(&bytes);
        }
        let message = "it broke".to_owned();
        out.extend_from_slice(
            &events.fail(&Refusal { kind: RefusalKind::UpstreamFailed, message }),
        );
        let last = shape.payloads(&out).pop().unwrap();
        let failed = &last["delta"]["error"];
        let error = if failed.is_null() { &last["error"] } else { failed };
        let said = error.as_str().or(error["message"].as_str()).or(last["message"].as_str());
        assert_eq!(said, Some("it broke"), "{shape:?}: {last}");
    }
}
