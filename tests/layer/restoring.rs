//! Conversations that repeat marked answers: what of a request is changed, and what never is.

use std::sync::Arc;

use guilloche::audit::Counter;
use guilloche::countermeasure::watermark::Marks;
use guilloche::layer::Caps;
use guilloche::mark::keys::{Keys, Scheme};
use guilloche::policy::Countermeasure;
use guilloche::risk::Assessment;
use http::Request;

use crate::support::{
    GEMINI, MESSAGES, Script, Seen, Step, Witness, World, caller, count, data, event, json, next,
    policy, stream, trailers,
};

/// In which words are exchanged for at least one of the accounts.
const TEXT: &str = "It is a good idea to begin with this. In addition, there are others such as \
    that. These are some of the tools that you need. They are often enough.";

const ASKS: &str = r#"{"model":"m","messages":[{"role":"user","content":"q"}]}"#;

fn world(caps: Caps) -> World {
    let marks = Marks::new(
        Keys::from_master(&[7; 32], jiff::Timestamp::UNIX_EPOCH).with_scheme(Scheme::Coins),
    );
    let restore = "watermark = { multi_turn = \"restore\" }";
    World::with(policy(restore), |builder| builder.marks(marks).caps(caps))
}

fn answer() -> String {
    format!(
        r#"{{"type":"message","role":"assistant","content":[{{"type":"thinking","thinking":"Hm.","signature":"s"}},{{"type":"text","text":"{TEXT}"}}]}}"#
    )
}

/// Has an account answered; the text that it got.
async fn told(world: &World, account: &str) -> String {
    let asks = Request::post(MESSAGES).extension(caller(account, None, 0.9));
    let asks = asks.body(Script::whole(ASKS)).unwrap();
    let given = world.exchange(asks, json(answer())).await.text();
    world.upstream.seen();
    let given: serde_json::Value = serde_json::from_str(&given).unwrap();
    given["content"][1]["text"].as_str().unwrap().to_owned()
}

/// An account that got a marked text, and that text.
async fn marked(world: &World) -> (String, String) {
    for number in 0..64 {
        let account = format!("account-{number}");
        let text = told(world, &account).await;
        if text != TEXT {
            return (account, text);
        }
    }
    panic!("no word was exchanged");
}

/// A request that repeats a text, written as no other would write it.
fn repeats(text: &str) -> String {
    let spelled = text.replace(' ', "\\u0020").replace('.', "\\u002E");
    format!(
        " {{ \"model\" : \"m\",\n\"x\":1.50, \"messages\":[{{\"role\":\"user\",\"content\":\"q\"}},\
         {{\"content\" : [{{ \"text\":\"{spelled}\" , \"type\":\"text\",\"y\":\"\\/\"}}],\
         \"role\":\"assistant\"}}, {{\"role\":\"user\",\"content\":\"{spelled}\"}}], \"x\":2}} "
    )
}

fn request(caller: Assessment, body: Script) -> Request<Script> {
    Request::post(MESSAGES).extension(caller).body(body).unwrap()
}

/// Has a request answered with nothing of interest; what the upstream saw of it.
async fn sent(world: &World, request: Request<Script>) -> Seen {
    world.exchange(request, json("{}")).await;
    world.upstream.seen().pop().unwrap()
}

#[tokio::test]
async fn only_the_repeated_text_is_changed_and_what_is_said_of_the_body_still_holds() {
    for score in [0.1, 0.9] {
        let world = world(Caps::default());
        let (account, text) = marked(&world).await;
        let body = repeats(&text);
        let request = Request::post(MESSAGES)
            .extension(caller(&account, None, score))
            .header("content-length", body.len())
            .header("content-digest", "sha-256=:AAAA:")
            .header("digest", "sha-256=AAAA")
            .body(Script::whole(&body))
            .unwrap();
        let before = world.records.all().len();
        let seen = sent(&world, request).await;
        let (first, rest) = body.split_once("\\u0020").unwrap();
        let start = first.rfind('"').unwrap() + 1;
        let end = first.len() + rest.find('"').unwrap() + "\\u0020".len();
        let expected = format!("{}{TEXT}{}", body.get(..start).unwrap(), body.get(end..).unwrap());
        assert_eq!(seen.text(), expected, "what the user says stays as it is");
        assert_eq!(seen.length.exact(), Some(expected.len() as u64));
        assert_eq!(seen.head.headers["content-length"], expected.len().to_string());
        assert!(!seen.head.headers.contains_key("content-digest"));
        assert!(!seen.head.headers.contains_key("digest"));
        assert_eq!(world.layer.handle().originals().occupancy().restored, 1);
        let records = world.records.all();
        let restored = records.iter().skip(before).map(|record| {
            count(&record.applied, Countermeasure::Watermark, Counter::TextsRestored)
        });
        let expected: &[u64] = if score < 0.5 { &[] } else { &[1] };
        assert_eq!(restored.collect::<Vec<_>>(), expected, "below the first grade nothing is kept");
    }
}

#[tokio::test]
async fn a_text_that_differs_by_a_byte_goes_as_it_came() {
    let world = world(Caps::default());
    let (account, text) = marked(&world).await;
    for other in [format!("{text}!"), text.replacen('a', "A", 1), text.get(1..).unwrap().to_owned()]
    {
        let body = repeats(&other);
        for score in [0.1, 0.9] {
            let request = request(caller(&account, None, score), Script::whole(&body));
            assert_eq!(sent(&world, request).await.text(), body);
        }
    }
    let body = repeats(&format!("{text}\\n  "));
    let request = request(caller(&account, None, 0.1), Script::whole(&body));
    assert!(sent(&world, request).await.text().contains(&format!("{TEXT}\\n  \"")));
}

/// Break it by reading every request of a layer that remembers something.
#[tokio::test]
async fn a_caller_of_whom_nothing_is_remembered_keeps_frames_and_trailers() {
    let world = world(Caps::default());
    let (_, text) = marked(&world).await;
    let body = repeats(&text);
    let (left, right) = body.split_at(90);
    let steps = [data(left), data(""), data(right), Step::Trailers(trailers())];
    for caller in [caller("new", None, 0.1), caller("new", None, 0.49)] {
        let seen = sent(&world, request(caller, Script::new(steps.clone()))).await;
        assert_eq!(seen.frames, [left.to_owned(), String::new(), right.to_owned()]);
        assert_eq!(seen.trailers, Some(trailers()));
        assert_eq!(seen.length.upper(), None);
        assert!(!seen.head.headers.contains_key("content-length"));
    }
}

#[tokio::test]
async fn a_body_that_cannot_be_read_for_its_conversation_goes_as_it_came() {
    let caps = Caps { request_body: 500, ..Caps::default() };
    let world = world(caps);
    let (account, text) = marked(&world).await;
    let known = || caller(&account, None, 0.1);
    // Compressed, or said to be too long: not read at all.
    for (name, value) in [("content-encoding", "gzip"), ("content-length", "501")] {
        let mut request = request(known(), Script::new([data("a"), data("b")]));
        request.headers_mut().insert(name, value.parse().unwrap());
        let seen = sent(&world, request).await;
        assert_eq!(seen.frames, ["a", "b"]);
    }
    // Too long without having said so: what has been read goes first.
    let long = repeats(&text);
    let (begins, goes_on) = long.split_at(400);
    let steps = [data(begins), data(goes_on), data("tail"), Step::Trailers(trailers())];
    let seen = sent(&world, request(known(), Script::new(steps))).await;
    assert_eq!(seen.text(), format!("{long}tail"));
    assert_eq!(seen.trailers, Some(trailers()));
    // No JSON, or only as far as the text.
    let broken = repeats(&text).trim_end().strip_suffix('}').unwrap().to_owned();
    let caps = Caps { request_body: 5000, ..Caps::default() };
    let world = self::world(caps);
    let (account, _) = marked(&world).await;
    let known = || caller(&account, None, 0.1);
    for body in ["", "[]", r#"{"messages":[{"role":"assistant","content":"#, &broken] {
        let seen = sent(&world, request(known(), Script::whole(body))).await;
        assert_eq!(seen.text(), body);
    }
}

#[tokio::test]
async fn a_body_that_fails_is_not_taken_for_a_whole_one() {
    let world = world(Caps::default());
    let (account, _) = marked(&world).await;
    let body = Script::new([data("{\"messages\""), Step::Fail]);
    let seen = sent(&world, request(caller(&account, None, 0.1), body)).await;
    assert_eq!(seen.text(), "{\"messages\"");
    assert!(seen.failed, "the inner service sees the failure");
}

#[tokio::test]
async fn a_client_that_leaves_while_its_conversation_is_read_cancels_the_read() {
    let world = world(Caps::default());
    let (account, _) = marked(&world).await;
    let body = Script::new([data("{"), Step::Hang]);
    let witness: Arc<Witness> = body.witness();
    let call = world.call(request(caller(&account, None, 0.1), body));
    assert!(tokio::time::timeout(std::time::Duration::from_secs(1), call).await.is_err());
    assert!(witness.is_dropped());
    assert!(world.upstream.seen().is_empty());
}

/// Break it by remembering what has gone out when the body is dropped.
#[tokio::test]
async fn an_answer_is_remembered_text_by_text_as_each_ends() {
    let starts = |index: u32| {
        event(
            "content_block_start",
            &format!(r#","index":{index},"content_block":{{"type":"text","text":""}}"#),
        )
    };
    let says = |index: u32, text: &str| {
        event(
            "content_block_delta",
            &format!(r#","index":{index},"delta":{{"type":"text_delta","text":"{text}"}}"#),
        )
    };
    let stops = |index: u32| event("content_block_stop", &format!(r#","index":{index}"#));
    let world = world(Caps::default());
    let occupancy = || world.layer.handle().originals().occupancy().texts;
    let events = [starts(0), says(0, TEXT), stops(0), starts(1), says(1, TEXT)];
    let steps = events.into_iter().map(data).chain([Step::Hang]);
    world.upstream.answer(stream(steps));
    let mut answer = world.call(request(caller("a", None, 0.9), Script::whole(ASKS))).await;
    for _ in 0..2 {
        next(&mut answer).await.unwrap().unwrap();
        assert_eq!(occupancy(), 0, "the first text has not ended");
    }
    next(&mut answer).await.unwrap().unwrap();
    assert_eq!(occupancy(), 1);
    next(&mut answer).await.unwrap().unwrap();
    next(&mut answer).await.unwrap().unwrap();
    drop(answer);
    assert_eq!(occupancy(), 1, "the client left in the middle of the second text");
}

/// As Google's library for Python does, which keeps every chunk of a stream, as a content of its own.
// Break it: look each part up alone, or those of each content.
#[tokio::test]
async fn a_marked_stream_comes_back_in_the_parts_in_which_it_was_streamed() {
    let chunk = |text: &str| {
        let parts = serde_json::json!([{ "text": text }]);
        let content = serde_json::json!({"role": "model", "parts": parts});
        format!("data: {}\n\n", serde_json::json!({"candidates": [{"content": content}]}))
    };
    let asks = serde_json::json!({"contents": [{"role": "user", "parts": [{"text": "q"}]}]});
    let mut exchanged = 0;
    for number in 0..16 {
        let world = world(Caps::default());
        let account = format!("account-{number}");
        let asked = |body: &serde_json::Value, score: f64| {
            let request = Request::post(GEMINI).extension(caller(&account, None, score));
            request.body(Script::whole(body.to_string())).unwrap()
        };
        let pieces = TEXT.split_inclusive(' ').map(|word| data(chunk(word)));
        let end = r#"data: {"candidates":[{"finishReason":"STOP","content":{"parts":[]}}]}"#;
        let steps = pieces.chain([data(format!("{end}\n\n"))]);
        let given = world.exchange(asked(&asks, 0.9), stream(steps)).await.text();
        world.upstream.seen();
        let parts: Vec<serde_json::Value> = given
            .lines()
            .filter_map(|line| line.strip_prefix("data: "))
            .map(|event| serde_json::from_str::<serde_json::Value>(event).unwrap())
            .flat_map(|event| {
                event["candidates"][0]["content"]["parts"].as_array().unwrap().clone()
            })
            .collect();
        let text = |parts: &[serde_json::Value]| -> String {
            parts.iter().map(|part| part["text"].as_str().unwrap()).collect()
        };
        exchanged += usize::from(text(&parts) != TEXT);
        assert!(parts.len() > 10);
        let as_one = vec![serde_json::json!({"role": "model", "parts": parts})];
        let as_many = parts.iter().map(|it| serde_json::json!({"role": "model", "parts": [it]}));
        for (answers, score) in [as_one, as_many.collect()].iter().zip([0.1, 0.9]) {
            let mut again = asks.clone();
            let turns = again["contents"].as_array_mut().unwrap();
            turns.extend_from_slice(answers);
            turns.push(asks["contents"][0].clone());
            let seen = sent(&world, asked(&again, score)).await.text();
            let seen: serde_json::Value = serde_json::from_str(&seen).unwrap();
            let contents = seen["contents"].as_array().unwrap();
            let restored: Vec<serde_json::Value> = contents[1..contents.len() - 1]
                .iter()
                .flat_map(|content| content["parts"].as_array().unwrap().clone())
                .collect();
            assert_eq!((text(&restored).as_str(), restored.len()), (TEXT, parts.len()));
        }
    }
    assert!(exchanged > 0, "no word was exchanged");
}
