//! Streams that are rewritten are the same wherever they are cut, and documents in which nothing is to be
//! changed are the same to the byte, in every shape.

use serde_json::Value;

use super::responses::{self, Done};
use super::shapes::{Answer, SHAPES, Shape};
use super::{cut_everywhere, document, framed_stream, sample, words};
use crate::wire::framing::Framing;
use crate::wire::responses::Responses;

/// What is edited, and leaves something of each text.
fn edited() -> Done {
    Done { keep: Some(words(3)), marks: true, ..Done::default() }
}

/// Editors read all of the texts and let all of them out, a text of reasoning in whole sentences.
fn read_only() -> Done {
    Done { keep: Some(words(1_000_000)), echoes: true, ..Done::default() }
}

/// An answer of a few characters that take several bytes, escapes, and words that can be marked.
fn short(shape: Shape) -> Answer {
    Answer {
        reasoning: "Né 🤔 \"so\"\\.\n It goes on.".to_owned(),
        text: "For example, é it is\n\"big\". 思考。".to_owned(),
        finish: shape.finishes()[0].to_owned(),
    }
}

// Break it: forget what is undecided between two chunks in any splitter, or decide at the end of a chunk.
#[test]
fn a_rewritten_stream_cut_at_any_byte_is_what_it_is_whole_in_every_shape() {
    for shape in SHAPES {
        let from = shape.stream(&short(shape), &[19, 7]);
        let whole = shape.streamed(edited(), &from, from.len());
        assert_ne!(whole, from, "{shape:?}");
        shape.assert_invariants(&from, &whole);
        let edits = shape.edits(edited());
        for pieces in cut_everywhere(&from) {
            let (first, protocol, framing) = (pieces[0].len(), shape.protocol(), shape.framing());
            let out = framed_stream(protocol, framing, edits.clone(), pieces);
            assert!(out.unwrap() == whole, "{shape:?} cut at {first} and evenly behind");
        }
    }
}

// Break it: the same.
#[test]
fn samples_that_are_rewritten_come_out_the_same_in_chunks_of_any_size() {
    for shape in SHAPES {
        for (_, stream) in shape.samples() {
            let from = sample(stream);
            let whole = shape.streamed(edited(), &from, from.len());
            shape.assert_invariants(&from, &whole);
            for size in [1, 2, 3, 5, 61] {
                let out = shape.streamed(edited(), &from, size);
                assert!(out == whole, "{stream} in chunks of {size}");
            }
        }
    }
}

// Break it: the same, or renumber by the chunks.
#[test]
fn a_rewritten_responses_stream_cut_at_any_byte_is_what_it_is_whole() {
    let from = sample("responses_stream.sse");
    let edits = responses::edits(edited());
    let rewritten = |pieces: Vec<&[u8]>| {
        framed_stream(&Responses, Framing::Sse, edits.clone(), pieces).unwrap()
    };
    let whole = rewritten(vec![&from]);
    assert_ne!(whole, from);
    for pieces in cut_everywhere(&from) {
        let first = pieces[0].len();
        assert!(rewritten(pieces) == whole, "cut at {first} and evenly behind");
    }
    assert!(rewritten(from.chunks(1).collect()) == whole, "byte by byte");
}

/// A document as servers also write it: with white space, escapes that none needs, and numbers of any
/// spelling.
fn respelled(document: &str) -> String {
    let value: Value = serde_json::from_str(document).unwrap();
    let pretty = serde_json::to_string_pretty(&value).unwrap();
    let spelled = pretty.replace(": 3,", ": 3.0e+00,").replace('é', "\\u00e9").replace('/', "\\/");
    assert!(serde_json::from_str::<Value>(&spelled).is_ok());
    format!("\n \r\n{}\n", spelled.replace('\n', "\r\n"))
}

// Break it: write a document anew instead of splicing it, or a text that its editor left as it was.
#[test]
fn a_document_whose_text_an_editor_leaves_alone_is_the_upstreams_to_the_byte() {
    for shape in SHAPES {
        let mut answer = short(shape);
        if shape.protocol().features().signs_reasoning {
            // Such reasoning is kept whole or not at all, and is read by nobody.
            answer.reasoning.clear();
        }
        let own = shape.document(&answer);
        for from in [own.clone(), respelled(&own)] {
            let out = document(shape.protocol(), shape.edits(read_only()), from.as_bytes());
            assert_eq!(String::from_utf8(out.unwrap()).unwrap(), from, "{shape:?}");
        }
    }
    let mut own: Value = serde_json::from_slice(&sample("responses.json")).unwrap();
    // Side channels are closed whatever an editor does.
    for item in own["output"].as_array_mut().unwrap() {
        for part in item["content"].as_array_mut().into_iter().flatten() {
            part["logprobs"] = Value::Array(Vec::new());
        }
    }
    let own = own.to_string();
    for from in [own.clone(), respelled(&own)] {
        let out = document(&Responses, responses::edits(read_only()), from.as_bytes()).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), from, "responses");
    }
}

// Break it: write an event anew instead of splicing it.
#[test]
fn a_stream_whose_text_an_editor_leaves_alone_is_the_upstreams_to_the_byte() {
    for shape in SHAPES {
        let answer = Answer { reasoning: String::new(), ..short(shape) };
        let from = shape.stream(&answer, &[9, 4]);
        let out = shape.streamed(read_only(), &from, 17);
        assert!(
            out == from,
            "{shape:?}:\n{}\n{}",
            String::from_utf8_lossy(&out),
            String::from_utf8_lossy(&from)
        );
    }
}
