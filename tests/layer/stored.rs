//! Answers that the upstream keeps: what was decided about one holds for whoever reads it later.

use std::path::PathBuf;

use guilloche::countermeasure::watermark::Marks;
use guilloche::mark::keys::{Keys, Scheme};
use guilloche::risk::Assessment;
use http::{Method, Request, Response};
use serde_json::{Value, json as value};

use super::support::*;

const ASKS_RESPONSES: &str = r#"{"model":"m","input":"q","stream":true,"store":true}"#;
const ID: &str = "/v1/responses/resp_0a1b2c3d";
const THOUGHT: &str = "compare 9.11";

fn sample(name: &str) -> Vec<u8> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/wire");
    std::fs::read(folder.join(name)).unwrap()
}

fn clear() -> Assessment {
    caller("bob", None, 0.1)
}

fn asks(method: Method, target: &str, caller: Assessment) -> Request<Script> {
    let mut request = request(caller, target, Script::whole(""));
    *request.method_mut() = method;
    request
}

fn told() -> Response<Script> {
    stream(sample("responses_stream.sse").chunks(1000).map(data))
}

/// A suspicious caller has an answer.
async fn given(world: &World) -> String {
    let asked = request(suspicious(), RESPONSES, Script::whole(ASKS_RESPONSES));
    world.exchange(asked, told()).await.text()
}

fn marking() -> World {
    let keys =
        || Keys::from_master(&[7; 32], jiff::Timestamp::UNIX_EPOCH).with_scheme(Scheme::Coins);
    let plan = "reasoning = { keep = \"none\" }\nwatermark = { strength = 1.0 }";
    World::with(policy(plan), |builder| builder.marks(Marks::new(keys())))
}

fn texts(document: &Value) -> Vec<String> {
    let items = document["output"].as_array().or(document["data"].as_array()).unwrap();
    let parts = items.iter().flat_map(|item| {
        ["content", "summary"].map(|list| item[list].as_array().cloned().unwrap_or_default())
    });
    parts.flatten().map(|part| part["text"].as_str().unwrap_or_default().to_owned()).collect()
}

// Break it: decide by the score of who reads, or remember nothing when the answer begins.
#[tokio::test(start_paused = true)]
async fn whoever_reads_an_answer_later_gets_what_its_first_reader_got() {
    let world = World::new(policy(WITHHOLD));
    let first = given(&world).await;
    assert!(!first.contains(THOUGHT) && first.contains("The larger number"));
    for (reader, method, target) in [
        (clear(), Method::GET, ID.to_owned()),
        (suspicious(), Method::GET, ID.to_owned()),
        (clear(), Method::GET, format!("{ID}?include=reasoning.encrypted_content")),
        (clear(), Method::POST, format!("{ID}/cancel")),
    ] {
        let asked = asks(method, &target, reader);
        let read = world.exchange(asked, json(sample("responses.json"))).await.text();
        assert!(!read.contains(THOUGHT) && read.contains("The larger number"), "{target}: {read}");
        let seen = world.upstream.seen().pop().unwrap();
        assert_eq!(seen.head.uri.path_and_query().unwrap().as_str(), target);
    }
    // Of others nothing is known, and nothing is done to who has reached no grade.
    let other = String::from_utf8(sample("responses.json")).unwrap().replace("resp_0a1b", "resp_9");
    let asked = asks(Method::GET, "/v1/responses/resp_92c3d", clear());
    assert_eq!(world.exchange(asked, json(&other)).await.text(), other);
    let gone = r#"{"id":"resp_0a1b2c3d","object":"response","deleted":true}"#;
    assert_eq!(world.exchange(asks(Method::DELETE, ID, clear()), json(gone)).await.text(), gone);
}

/// Asked for in the background, it is queued, and read as often as its client likes.
// Break it: remember only answers that have texts, or forget them when they are first read.
#[tokio::test(start_paused = true)]
async fn what_was_decided_of_an_answer_in_the_background_holds_when_it_is_read() {
    let world = World::new(policy(WITHHOLD));
    let queued = |status: &str| {
        value!({"id": "resp_0a1b2c3d", "object": "response", "created_at": 1, "status": status,
            "background": true, "error": null, "model": "m", "output": [], "usage": null})
        .to_string()
    };
    let body = r#"{"model":"m","input":"q","background":true,"store":true}"#;
    let asked = request(suspicious(), RESPONSES, Script::whole(body));
    let first = world.exchange(asked, json(queued("queued"))).await.text();
    assert_eq!(first, queued("queued"));
    let read = async |answer: String| {
        world.exchange(asks(Method::GET, ID, clear()), json(answer)).await.text()
    };
    assert_eq!(read(queued("in_progress")).await, queued("in_progress"));
    let whole = String::from_utf8(sample("responses.json")).unwrap();
    for _ in 0..2 {
        tokio::time::advance(std::time::Duration::from_secs(60)).await;
        let read = read(whole.clone()).await;
        assert!(!read.contains(THOUGHT) && read.contains("The larger number"), "{read}");
    }
    let asked = asks(Method::GET, &format!("{ID}?stream=true"), clear());
    let streamed = world.exchange(asked, told()).await.text();
    assert!(!streamed.contains(THOUGHT) && streamed.contains("response.completed"), "{streamed}");
}

// Break it: pass what nobody has decided about, or refuse it.
#[tokio::test(start_paused = true)]
async fn an_answer_of_which_nothing_is_known_is_read_at_the_readers_own_grade() {
    let plan = "reasoning = { keep = \"none\" }\n\
        downgrade = { models = { \"big*\" = \"gpt-5.5-mini-2026-08-01\" }, disclose = false }";
    let world = World::new(policy(plan));
    let asked = || asks(Method::GET, ID, suspicious());
    let read = world.exchange(asked(), json(sample("responses.json"))).await.text();
    assert!(!read.contains(THOUGHT) && !read.contains("gpt-5.5"), "{read}");
    // What was decided then holds from now on.
    let read = world.exchange(asks(Method::GET, ID, clear()), json(sample("responses.json"))).await;
    assert!(!read.text().contains(THOUGHT));
    // A section may have been opened by what was asked.
    let open = value!({"id": "resp_3", "status": "completed", "output": [{"id": "msg_3", "type": "message",
        "content": [{"type": "output_text", "text": "<think>secret"}]}]});
    let asked = asks(Method::GET, "/v1/responses/resp_3", suspicious());
    let read = world.exchange(asked, json(open.to_string())).await.text();
    assert!(!read.contains("secret"), "{read}");
    let world = World::new(policy("refuse = {}"));
    assert_eq!(world.call(asks(Method::GET, ID, suspicious())).await.status(), 403);
}

// Break it: let the upstream begin behind the number that a client counts to, or in the middle of a section.
#[tokio::test(start_paused = true)]
async fn a_stream_goes_on_behind_the_number_that_its_client_has_counted_to() {
    let world = World::new(policy(WITHHOLD));
    let first = given(&world).await;
    let events: Vec<&str> = first.split_inclusive("\n\n").collect();
    for after in [0, 3, 9, 100] {
        let target = format!("{ID}?stream=true&starting%5Fafter={after}");
        let read = world.exchange(asks(Method::GET, &target, clear()), told()).await.text();
        assert_eq!(read, events.iter().skip(after + 1).copied().collect::<String>(), "{after}");
        let seen = world.upstream.seen().pop().unwrap();
        assert_eq!(seen.head.uri.query(), Some("stream=true"));
    }
}

// Break it: mark by the score of who reads: two versions of one text tell where its marks are.
#[tokio::test(start_paused = true)]
async fn a_marked_answer_has_the_same_marks_whoever_reads_it() {
    let world = marking();
    let answer = super::marks::ANSWER;
    let document = value!({"id": "resp_5", "object": "response", "status": "completed", "output": [
        {"id": "msg_5", "type": "message", "role": "assistant", "content":
            [{"type": "output_text", "text": answer, "annotations": []}]}]});
    let asked = request(suspicious(), RESPONSES, Script::whole(r#"{"model":"m","input":"q"}"#));
    let first = world.exchange(asked, json(document.to_string())).await.text();
    assert_ne!(first, document.to_string());
    for reader in [clear(), caller("carol", None, 0.6), suspicious()] {
        let asked = asks(Method::GET, "/v1/responses/resp_5", reader);
        assert_eq!(world.exchange(asked, json(document.to_string())).await.text(), first);
    }
}

// Break it: pass what an answer was given to, or look for the answer's id only: one that goes on from it
// has another.
#[tokio::test(start_paused = true)]
async fn what_an_answer_was_given_to_tells_nothing_that_was_withheld() {
    let world = World::new(policy(WITHHOLD));
    let list = value!({"object": "list", "first_id": "msg_u", "last_id": "msg_01", "has_more": false, "data": [
        {"id": "msg_u", "type": "message", "role": "user", "content": [{"type": "input_text", "text": "a question"}]},
        {"id": "rs_01", "type": "reasoning", "summary": [{"type": "summary_text", "text": "First, compare 9.11"}]},
        {"id": "msg_01", "type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "an answer"}]}]});
    let list = list.to_string();
    let chain = "/v1/responses/resp_later/input_items?limit=20";
    let untouched = world.exchange(asks(Method::GET, chain, clear()), json(&list)).await.text();
    assert_eq!(untouched, list, "nothing is known of anyone");
    given(&world).await;
    for (reader, target) in [
        (clear(), chain),
        (suspicious(), chain),
        (clear(), "/v1/responses/resp_0a1b2c3d/input_items"),
    ] {
        let read = world.exchange(asks(Method::GET, target, reader), json(&list)).await.text();
        let read: Value = serde_json::from_str(&read).unwrap();
        assert_eq!(texts(&read), ["a question", "", ""], "{target}");
        assert_eq!(read["has_more"], false);
    }
    let other = list.replace("_01", "_77");
    let asked = asks(Method::GET, chain, clear());
    assert_eq!(world.exchange(asked, json(&other)).await.text(), other, "others' items stay");
}

// Break it: look for the id in the path as it is spelled.
#[tokio::test(start_paused = true)]
async fn no_other_way_leads_to_an_answer_that_was_decided_about() {
    let world = World::new(policy(WITHHOLD));
    let other = |target: &str| asks(Method::GET, target, clear());
    let targets = [
        "/v1/responses/resp%5F0a1b2c3d",
        "/v1//responses/resp_0a1b2c3d",
        "/v1/responses/resp_0a1b2c3d/",
        "/v1/responses/resp_0a1b2c3d;a/x",
        "/v1/conversations/conv_1/items/rs_01",
    ];
    for target in targets {
        assert_eq!(world.exchange(other(target), json("{}")).await.text(), "{}", "{target}");
    }
    given(&world).await;
    for target in targets {
        assert_eq!(world.call(other(target)).await.status(), 404, "{target}");
    }
    assert_eq!(world.call(asks(Method::PUT, ID, clear())).await.status(), 404);
    let asked = other("/v1/responses/resp_other/");
    assert_eq!(world.exchange(asked, json("{}")).await.text(), "{}");
}

// Break it: pass an answer that cannot be read because its reader has reached no grade.
#[tokio::test(start_paused = true)]
async fn a_known_answer_that_cannot_be_read_is_read_by_nobody() {
    let world = World::new(policy_with("enforce", "on_opaque = \"pass\"", WITHHOLD));
    given(&world).await;
    for answer in [json("First, compare 9.11"), Response::new(Script::whole("First, compare 9.11"))]
    {
        world.upstream.answer(answer);
        let read = world.call(asks(Method::GET, ID, clear())).await;
        assert_eq!(read.status(), 502);
    }
    assert_eq!(world.upstream.seen().pop().unwrap().head.headers["accept-encoding"], "identity");
}

// Break it: count the reading of an answer as an answer whatever the policy only observes.
#[tokio::test(start_paused = true)]
async fn an_observed_policy_decides_about_no_later_reading() {
    let world = World::new(policy_with("observe", "", WITHHOLD));
    let from = String::from_utf8(sample("responses_stream.sse")).unwrap();
    assert_eq!(given(&world).await, from);
    let document = String::from_utf8(sample("responses.json")).unwrap();
    for reader in [clear(), suspicious()] {
        let asked = asks(Method::GET, ID, reader);
        assert_eq!(world.exchange(asked, json(&document)).await.text(), document);
    }
}

/// The list of somebody's input, in which an item of the answer that [`given`] gives stands or not.
fn list(item: &str) -> String {
    value!({"object": "list", "has_more": false, "data": [
        {"id": "msg_u", "type": "message", "role": "user", "content": [{"type": "input_text", "text": "a question"}]},
        {"id": item, "type": "reasoning", "summary": [{"type": "summary_text", "text": "First, compare 9.11"}]}]})
    .to_string()
}

/// A head that a guarded caller would not get as it is.
fn told_much(status: u16, body: &str, media_type: &str) -> Response<Script> {
    Response::builder()
        .status(status)
        .header("content-type", media_type)
        .header("content-length", body.len())
        .header("etag", "\"e\"")
        .header("repr-digest", "sha-256=:abc=:")
        .header("x-model", "big")
        .header("x-internal", "x".repeat(300))
        .body(Script::new([data(body), Step::Trailers(trailers())]))
        .unwrap()
}

// Break it: guard the head of a list, refuse one that cannot be read, or ask for another than the client does.
#[tokio::test(start_paused = true)]
async fn whoever_asks_for_a_list_in_which_nothing_is_known_gets_it_as_it_is() {
    let ask = async |world: &World, target: &str, answer: Response<Script>| {
        world.upstream.answer(answer);
        let (head, body) = world.call(asks(Method::GET, target, clear())).await.into_parts();
        let body = read(body).await;
        let seen = world.upstream.seen().pop().unwrap();
        let target = seen.head.uri.path_and_query().unwrap().to_string();
        (head.status, head.headers, body.text(), body.trailers, target)
    };
    let target = "/v1/responses/resp_other/input_items?limit=20;after=a&x";
    let (before, after) = (World::new(policy(WITHHOLD)), World::new(policy(WITHHOLD)));
    given(&after).await;
    let blank = format!("  \n{}", list("rs_other"));
    let twice = list("rs_other").replace("\"has_more\"", "\"data\":[],\"has_more\"");
    for (status, body, media_type) in [
        (200, list("rs_other"), "application/json"),
        (200, blank, "application/json"),
        (200, twice, "application/json"),
        (200, "{\"data\": [".to_owned(), "application/json"),
        (200, "no JSON".to_owned(), "text/plain"),
        (404, "no such answer".to_owned(), "text/plain"),
        (500, list("rs_other"), "application/json"),
    ] {
        let answer = || told_much(status, &body, media_type);
        let expected = ask(&before, target, answer()).await;
        assert_eq!(expected.2, body);
        assert_eq!(ask(&after, target, answer()).await, expected, "{status} {body}");
    }
}

// Break it: pass a list that is too long or cannot be understood, or a part of one, unseen.
#[tokio::test(start_paused = true)]
async fn a_list_that_holds_something_known_is_read_however_it_comes() {
    let world = World::new(policy(WITHHOLD));
    given(&world).await;
    let known = list("rs_01");
    let unreadable = format!("{known}]");
    let escaped = known.replace("rs_01", "rs\\u005f01");
    let twice = known.replace("\"has_more\"", "\"data\":[],\"has_more\"");
    let mut part = json(&known);
    *part.status_mut() = http::StatusCode::PARTIAL_CONTENT;
    for answer in [
        json(&known),
        told_much(200, &known, "application/json"),
        json(unreadable),
        json(escaped),
        json(twice),
        part,
    ] {
        let asked = asks(Method::GET, "/v1/responses/resp_later/input_items", clear());
        world.upstream.answer(answer);
        let (head, body) = world.call(asked).await.into_parts();
        let text = read(body).await.text();
        assert!(!text.contains(THOUGHT), "{text}");
        assert!(!head.headers.contains_key("x-internal"), "{:?}", head.headers);
    }
}
