//! Passages of an answer that a response names, where places are counted in bytes.

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
