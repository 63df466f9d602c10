//! Passages of an answer that a response names, where places are counted in bytes or in characters.

use serde_json::{Value, json};

use super::responses::Done;
use super::shapes::{PROSE, Shape, withheld};

/// The passages of the answer that a response names, as a library looks for them: by bytes of a part.
fn passages(response: &Value) -> Vec<String> {
    let candidate = &response["candidates"][0];
    let parts = candidate["content"]["parts"].as_array().unwrap();
    let supports = candidate["groundingMetadata"]["groundingSupports"].as_array().unwrap();
    let passage = |support: &Value| {
        let segment = &support["segment"];
        let place = |name: &str| segment[name].as_u64().unwrap_or_default() as usize;
        let text = parts[place("partIndex")]["text"].as_str().unwrap();
        text.get(place("startIndex")..place("endIndex")).unwrap().to_owned()
    };
    supports.iter().map(passage).collect()
}

// Break it: count places in characters, or from the beginning of all parts.
#[test]
fn passages_of_an_answer_are_found_where_they_have_come_to_stand() {
    let text = format!("思考 é. {PROSE}");
    let word = |word: &str| {
        let start = text.find(word).unwrap();
        json!({"segment": {"partIndex": 1, "startIndex": start, "endIndex": start + word.len(), "text": word}})
    };
    let first = json!({"segment": {"partIndex": 1, "endIndex": "思考".len(), "text": "思考"}});
    let behind =
        json!({"segment": {"partIndex": 2, "startIndex": 5, "endIndex": 8, "text": "it."}});
    let supports = vec![first, word("answer"), word("check the result"), behind];
    let whole = json!({"candidates": [{"index": 0, "finishReason": "STOP",
        "content": {"role": "model", "parts": [
            {"text": "a thought that is long", "thought": true}, {"text": text}, {"text": " So, it."}]},
        "groundingMetadata": {"groundingSupports": supports, "webSearchQueries": ["a b"]}}]});
    let expected = ["思考", "answer", "check the result", "it."];
    assert_eq!(passages(&whole), expected);
    let marks = Done { marks: true, ..Done::default() };
    for done in [withheld(), Done { marks: true, ..withheld() }, marks] {
        let out = Shape::Gemini.whole(done, &whole.to_string());
        let said = Shape::Gemini.read(std::slice::from_ref(&out)).text;
        assert_eq!(said == text.clone() + " So, it.", !done.marks);
        assert_eq!(passages(&out), expected, "{done:?}");
        let copies = out.to_string().matches("\"text\":null").count();
        assert_eq!(copies, 4, "what says a passage again says nothing: {out}");
    }
    // In a stream all of an answer is one part.
    let pieces = text.split_inclusive(' ');
    let mut events: Vec<Value> = pieces.map(|it| Shape::Gemini.event("", it, None)).collect();
    let mut last = Shape::Gemini.event("", "", Some("STOP"));
    let start = text.find("check the result").unwrap();
    last["candidates"][0]["groundingMetadata"]["groundingSupports"] = json!([
        {"segment": {"startIndex": start, "endIndex": start + 16, "text": "check the result"}}]);
    events.push(last);
    let from = Shape::Gemini.framed(&events);
    let out = Shape::Gemini.streamed(Done { marks: true, ..withheld() }, &from, 11);
    let mut out = Shape::Gemini.payloads(&out);
    let said = Shape::Gemini.read(&out).text;
    assert_ne!(said, text);
    let mut last = out.pop().unwrap();
    last["candidates"][0]["content"]["parts"][0]["text"] = said.into();
    assert_eq!(passages(&last), ["check the result"]);
}

/// The passage that a citation of Cohere's names, by characters of the text.
fn cited(text: &str, citation: &Value) -> String {
    let place = |name: &str| citation[name].as_u64().unwrap() as usize;
    text.chars().skip(place("start")).take(place("end") - place("start")).collect()
}

// Break it: count places in bytes, or look for them in the first block.
#[test]
fn citations_of_a_chat_of_coheres_point_to_the_same_words_after_as_before() {
    let text = format!("思考 é. {PROSE}");
    let shape = Shape::Cohere;
    for words in ["思考", "answer", "check the result"] {
        let start = text.split_once(words).unwrap().0.chars().count();
        let end = start + words.chars().count();
        let citation = json!({"start": start, "end": end, "text": words, "type": "TEXT_CONTENT",
            "content_index": 1, "sources": [{"type": "document", "id": "doc:0"}]});
        assert_eq!(cited(&text, &citation), words);
        let whole = json!({"id": "c", "finish_reason": "COMPLETE", "message": {"role": "assistant",
            "content": [{"type": "thinking", "thinking": "a thought that is long"},
                {"type": "text", "text": text}], "citations": [citation]}});
        let pieces: Vec<&str> = text.split_inclusive(' ').collect();
        let said = |piece: &&str| shape.event("", piece, None);
        for done in [withheld(), Done { marks: true, ..withheld() }] {
            let out = shape.whole(done, &whole.to_string());
            let marked = out["message"]["content"][1]["text"].as_str().unwrap();
            assert_eq!(marked == text, !done.marks);
            let citation = &out["message"]["citations"][0];
            assert_eq!((cited(marked, citation), &citation["text"]), (words.into(), &Value::Null));
            // Behind the text, or as soon as the words have come.
            let over = text.split_once(words).unwrap().0.len() + words.len();
            let come = pieces.iter().scan(0, |length, it| Some((*length, *length += it.len()).0));
            let come = come.take_while(|length| *length < over).count();
            for at in [come, pieces.len()] {
                let mut events: Vec<Value> = pieces.iter().map(said).collect();
                let delta = json!({"message": {"citations": citation_of(&whole)}});
                let start = json!({"type": "citation-start", "index": 0, "delta": delta});
                events.splice(at..at, [start, json!({"type": "citation-end", "index": 0})]);
                events.push(shape.event("", "", Some("COMPLETE")));
                let out = shape.payloads(&shape.streamed(done, &shape.framed(&events), 11));
                let told = out.iter().find(|it| it["type"] == "citation-start").unwrap();
                assert_eq!(cited(&shape.read(&out).text, citation_of(told)), words, "at {at}");
            }
        }
    }
}

fn citation_of(told: &Value) -> &Value {
    let message =
        if told["delta"].is_null() { &told["message"] } else { &told["delta"]["message"] };
    let citations = &message["citations"];
    if citations.is_array() { &citations[0] } else { citations }
}
