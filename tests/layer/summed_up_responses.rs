//! Over OpenAI Responses a summary has a place of its own, in the item and in events, which all agree.

use guilloche::layer::SummaryLimits;
use http::Request;
use serde_json::{Value, json};

use super::summarizers::*;
use super::support::*;

fn asks(stream: bool) -> Request<Script> {
    let asks = json!({"model": "m", "input": "Which is more?", "stream": stream}).to_string();
    request(suspicious(), RESPONSES, Script::whole(asks))
}

fn thought(text: &str, summary: Value) -> Value {
    json!({"id": "rs_1", "type": "reasoning", "status": "completed", "summary": summary,
        "content": [{"type": "reasoning_text", "text": text}]})
}

fn said() -> Value {
    json!({"id": "msg_1", "type": "message", "role": "assistant", "status": "completed",
        "content": [{"type": "output_text", "text": "It is 9.8.", "annotations": []}]})
}

fn response(thought: &Value) -> Value {
    json!({"id": "resp_1", "object": "response", "status": "completed", "output": [thought, said()]})
}

fn entry() -> Value {
    json!([{"type": "summary_text", "text": SUMMARY}])
}

/// As vLLM says it: the reasoning is a text of its item, which has no summary.
fn events() -> Vec<Value> {
    let reasoning = thought(REASONING, json!([]));
    let begun = json!({"id": "rs_1", "type": "reasoning", "summary": [], "status": "in_progress"});
    let of = |mut event: Value, item: u32| {
        let id = if item == 0 { "rs_1" } else { "msg_1" };
        event["item_id"] = id.into();
        event["output_index"] = item.into();
        event["content_index"] = 0.into();
        event
    };
    let mut events = vec![
        json!({"type": "response.created", "response": {"id": "resp_1", "output": []}}),
        json!({"type": "response.output_item.added", "output_index": 0, "item": begun}),
    ];
    for piece in REASONING.split_inclusive(". ") {
        events.push(of(json!({"type": "response.reasoning_text.delta", "delta": piece}), 0));
    }
    events.extend([
        of(json!({"type": "response.reasoning_text.done", "text": REASONING}), 0),
        json!({"type": "response.output_item.done", "output_index": 0, "item": reasoning}),
        json!({"type": "response.output_item.added", "output_index": 1, "item":
            {"id": "msg_1", "type": "message", "role": "assistant", "content": [], "status": "in_progress"}}),
        of(json!({"type": "response.content_part.added", "part": {"type": "output_text", "text": "", "annotations": []}}), 1),
        of(json!({"type": "response.output_text.delta", "delta": "It is 9.8."}), 1),
        of(json!({"type": "response.output_text.done", "text": "It is 9.8."}), 1),
        of(json!({"type": "response.content_part.done", "part": {"type": "output_text", "text": "It is 9.8.", "annotations": []}}), 1),
        json!({"type": "response.output_item.done", "output_index": 1, "item": said()}),
        json!({"type": "response.completed", "response": response(&reasoning)}),
    ]);
    for (number, event) in events.iter_mut().enumerate() {
        event["sequence_number"] = number.into();
    }
    events
}

fn written(events: &[Value]) -> Vec<Step> {
    let event =
        |it: &Value| data(format!("event: {}\ndata: {it}\n\n", it["type"].as_str().unwrap()));
    events.iter().map(event).collect()
}

fn decoded(text: &str) -> Vec<Value> {
    let data = text.lines().filter_map(|line| line.strip_prefix("data: "));
    data.map(|data| serde_json::from_str(data).unwrap()).collect()
}

fn of_kind<'e>(events: &'e [Value], kind: &str) -> Vec<&'e Value> {
    events.iter().filter(|it| it["type"] == kind).collect()
}

#[tokio::test(start_paused = true)]
async fn a_document_has_it_in_the_summary_of_its_item() {
    let scribe = Scribe::prompt();
    let world = summing_up(&scribe);
    let document = response(&thought(REASONING, json!([])));
    let text = world.exchange(asks(false), json(document.to_string())).await.text();
    let expected = response(&thought("", entry()));
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), expected);
    assert_eq!(scribe.asked(), [REASONING]);
}

// Break it: leave it in the text of the item, or say it only where the response ends.
#[tokio::test(start_paused = true)]
async fn a_stream_says_it_in_events_of_its_own_and_every_copy_of_the_item_has_it() {
    let scribe = Scribe::slow(1);
    let world = summing_up(&scribe);
    let text = world.exchange(asks(true), stream(written(&events()))).await.text();
    assert!(!text.contains("zebra"), "{text}");
    let got = decoded(&text);
    let numbers: Vec<u64> = got.iter().map(|it| it["sequence_number"].as_u64().unwrap()).collect();
    assert_eq!(numbers, (0..numbers.len() as u64).collect::<Vec<_>>(), "{text}");
    let kinds: Vec<&str> = got.iter().map(|it| it["type"].as_str().unwrap()).collect();
    assert_eq!(
        kinds[2..8],
        [
            "response.reasoning_summary_part.added",
            "response.reasoning_summary_text.delta",
            "response.reasoning_summary_text.done",
            "response.reasoning_summary_part.done",
            "response.reasoning_text.done",
            "response.output_item.done",
        ],
        "{text}"
    );
    for event in &got[2..6] {
        let place = (&event["item_id"], &event["output_index"], &event["summary_index"]);
        assert_eq!(place, (&json!("rs_1"), &json!(0), &json!(0)), "{event}");
    }
    assert_eq!((&got[2]["part"]["text"], &got[3]["delta"]), (&json!(""), &json!(SUMMARY)));
    assert_eq!((&got[4]["text"], &got[5]["part"]["text"]), (&json!(SUMMARY), &json!(SUMMARY)));
    assert_eq!(got[6]["text"], "");
    let done = of_kind(&got, "response.output_item.done")[0];
    assert_eq!(done["item"], thought("", entry()));
    let completed = of_kind(&got, "response.completed")[0];
    assert_eq!(completed["response"], response(&thought("", entry())));
}

/// Without a summary the stream is the one of which nothing is kept, its numbers too.
#[tokio::test(start_paused = true)]
async fn without_a_summary_it_is_the_stream_of_which_nothing_is_kept() {
    let late = summing_up(&Scribe::slow(60));
    let late = late.exchange(asks(true), stream(written(&events()))).await.text();
    let none = World::new(policy(WITHHOLD));
    let none = none.exchange(asks(true), stream(written(&events()))).await.text();
    assert_eq!(late, none);
    let late = summing_up(&Scribe::slow(60));
    let document = response(&thought(REASONING, json!([]))).to_string();
    let late = late.exchange(asks(false), json(&document)).await.text();
    assert_eq!(serde_json::from_str::<Value>(&late).unwrap(), response(&thought("", json!([]))));
}

/// The server's own summary is condensed where it stands: its first part, and the others are withheld.
#[tokio::test(start_paused = true)]
async fn a_summary_of_the_servers_own_is_condensed_in_its_place() {
    let own = json!({"id": "rs_1", "type": "reasoning", "summary": [
        {"type": "summary_text", "text": REASONING}, {"type": "summary_text", "text": REASONING}]});
    let world = summing_up(&Scribe::prompt());
    let text = world.exchange(asks(false), json(response(&own).to_string())).await.text();
    let got: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        got["output"][0]["summary"],
        json!([
        {"type": "summary_text", "text": SUMMARY}, {"type": "summary_text", "text": ""}])
    );
}

// Break it: leave in the request what was only shown.
#[tokio::test(start_paused = true)]
async fn beside_a_seal_it_is_only_shown_and_the_upstream_gets_what_it_wrote() {
    let grade = "reasoning = { keep = \"summary\", seal = {} }";
    let world = world(policy(grade), &Scribe::prompt(), SummaryLimits::default());
    let original = thought(REASONING, json!([]));
    let text = world.exchange(asks(false), json(response(&original).to_string())).await.text();
    let got: Value = serde_json::from_str(&text).unwrap();
    let item = &got["output"][0];
    assert_eq!((&item["summary"], text.contains("zebra")), (&entry(), false), "{text}");
    assert!(item["encrypted_content"].as_str().unwrap().starts_with(PREFIX));
    world.upstream.seen();
    let again = json!({"model": "m", "input": [{"role": "user", "content": "Which is more?"}, item, said(),
        {"role": "user", "content": "And now?"}]});
    let again = request(suspicious(), RESPONSES, Script::whole(again.to_string()));
    world.exchange(again, json(response(&original).to_string())).await;
    let seen: Value = serde_json::from_str(&world.upstream.seen()[0].text()).unwrap();
    let mut expected = original;
    expected["encrypted_content"] = Value::Null;
    assert_eq!(seen["input"][1], expected);
}

/// An id that is none is closed where it stands, and is not said elsewhere.
#[tokio::test(start_paused = true)]
async fn what_is_closed_is_not_said_in_events_of_the_layers_own() {
    let world = summing_up(&Scribe::prompt());
    let mut hostile = events();
    for event in &mut hostile {
        if event["item_id"] == "rs_1" {
            event["item_id"] = "the zebra stands here".into();
        }
        for item in ["/item", "/response/output/0"] {
            if let Some(item) = event.pointer_mut(item).filter(|it| it["id"] == "rs_1") {
                item["id"] = "the zebra stands here".into();
            }
        }
    }
    let text = world.exchange(asks(true), stream(written(&hostile))).await.text();
    assert!(!text.contains("zebra"), "{text}");
}
