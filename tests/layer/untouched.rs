//! Promise 1: whoever no countermeasure reaches gets the inner service's bytes, unread.

use guilloche::audit::Outcome;
use guilloche::risk::{Risk, UnknownReason};
use http::{Request, Response};
use http_body::Body;

use super::support::*;

/// Frames that a reader of events would put together otherwise, and bytes that are no JSON.
fn odd_frames() -> Vec<Step> {
    let event = thinks("a");
    let (front, behind) = event.split_at(9);
    vec![
        data(front),
        data(behind),
        data(""),
        data(thinks("b") + &says("c") + "data: {"),
        data(b"\xff\xfe"),
        Step::Trailers(trailers()),
    ]
}

fn odd_answer() -> Response<Script> {
    let mut response = stream(odd_frames());
    for (name, value) in
        [("content-length", "7"), ("etag", "\"e\""), ("accept-ranges", "bytes"), ("digest", "d")]
    {
        response.headers_mut().insert(name, value.parse().unwrap());
    }
    response
}

async fn stays_untouched(world: &World, request: Request<Script>) {
    let path = request.uri().path().to_owned();
    let witness = world.upstream.answer(odd_answer());
    let mut answer = world.call(request).await;
    assert_eq!(answer.headers(), odd_answer().headers(), "{path}");

    let seen = world.upstream.seen().remove(0);
    assert_eq!(seen.frames, ["{\"model\":\"m\",", "\"stream\":true}"], "{path}");
    assert_eq!(seen.trailers, Some(trailers()), "{path}");
    assert_eq!(seen.head.headers["accept-encoding"], "gzip", "{path}");
    assert!(!seen.head.headers.contains_key("content-length"), "{path}");

    let steps = odd_frames();
    for (index, step) in steps.iter().enumerate() {
        assert_eq!(witness.given(), index, "{path}: polled ahead");
        let frame = next(&mut answer).await.unwrap().unwrap();
        match step {
            Step::Data(bytes) => assert_eq!(frame.data_ref(), Some(bytes), "{path}"),
            _ => assert_eq!(frame.trailers_ref(), Some(&trailers()), "{path}"),
        }
    }
    assert!(next(&mut answer).await.is_none());
    assert!(answer.body().is_end_stream());

    // What says how long it is still says so.
    world.upstream.answer(json("[1,2]"));
    let answer = world.call(request_again(&path)).await;
    assert_eq!(answer.body().size_hint().exact(), Some(5));
    assert!(!answer.body().is_end_stream());
    let read = read(answer.into_body()).await;
    assert_eq!(read.frames, ["[1,2]"]);
    world.upstream.seen();
}

fn request_again(path: &str) -> Request<Script> {
    request(caller("bob", None, 0.1), path, Script::whole("{}"))
}

/// A request in two frames with trailers.
fn framed(caller: guilloche::risk::Assessment, path: &str) -> Request<Script> {
    let steps = [data("{\"model\":\"m\","), data("\"stream\":true}"), Step::Trailers(trailers())];
    let mut request = request(caller, path, Script::new(steps));
    request.headers_mut().insert("accept-encoding", "gzip".parse().unwrap());
    request
}

const PLAN: &str = "reasoning = { keep = \"none\" }\npace = { tokens_per_second = 1 }\n\
                    rate = { account = { output_tokens = \"100000 per day\" } }";

/// Fails when `Defense::call` decides by `decision.plan` of any grade, or wraps with a reading body.
#[tokio::test(start_paused = true)]
async fn a_caller_below_the_first_grade_is_untouched() {
    let world = World::new(policy(PLAN));
    stays_untouched(&world, framed(caller("bob", None, 0.49), CHAT)).await;
    assert!(world.records.all().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_caller_of_unknown_risk_is_untouched() {
    let world = World::new(policy(PLAN));
    let mut unknown = suspicious();
    unknown.risk = Risk::Unknown(UnknownReason::NotScored);
    stays_untouched(&world, framed(unknown, CHAT)).await;
    let mut nobody = framed(suspicious(), MESSAGES);
    nobody.extensions_mut().clear();
    stays_untouched(&world, nobody).await;
    assert!(world.records.all().is_empty());
}

/// Fails when `Exchange::acts` asks for the grade, not for what of its plan is enforced.
#[tokio::test(start_paused = true)]
async fn an_exempt_caller_is_untouched_and_recorded() {
    let exemption = "[[exemption]]\naccount = \"alice\"\nowner = \"o\"\nreason = \"r\"\n\
                     expires = 2999-01-01";
    let world = World::new(policy_with("enforce", exemption, PLAN));
    stays_untouched(&world, framed(suspicious(), CHAT)).await;
    let record = world.records.only();
    assert_eq!((record.outcome, record.status), (Outcome::Complete, Some(200)));
    assert!(record.applied.is_empty() && record.observed.is_empty());
}

/// Fails when `Measure::enforced` ignores the mode.
#[tokio::test(start_paused = true)]
async fn an_observed_caller_is_untouched() {
    for plan in [PLAN, "refuse = {}"] {
        let world = World::new(policy_with("observe", "", plan));
        stays_untouched(&world, framed(suspicious(), CHAT)).await;
        let record = world.records.only();
        assert!(record.applied.is_empty(), "{:?}", record.applied);
        assert!(!record.observed.is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn a_plan_whose_countermeasures_are_all_observed_leaves_its_caller_untouched() {
    let world = World::new(policy(
        "refuse = { mode = \"observe\" }\nreasoning = { keep = \"none\", mode = \"observe\" }\n\
         pace = { tokens_per_second = 1, mode = \"observe\" }\n\
         rate = { account = { output_tokens = \"9 per day\" }, mode = \"observe\" }",
    ));
    stays_untouched(&world, framed(suspicious(), CHAT)).await;
    assert_eq!(world.records.only().observed.len(), 4);
}

/// Fails when `Policy::decide` leaves its scope out.
#[tokio::test(start_paused = true)]
async fn routes_and_protocols_out_of_scope_are_untouched() {
    let routes = policy_with("enforce", "scope = { routes = [\"/v1/messages\"] }", PLAN);
    stays_untouched(&World::new(routes), framed(suspicious(), CHAT)).await;
    let protocols = policy_with("enforce", "scope = { protocols = [\"chat\"] }", PLAN);
    stays_untouched(&World::new(protocols), framed(suspicious(), MESSAGES)).await;
}

/// The model stands in the request, which is read for it; what goes on has the same bytes. Fails
/// when `Exchange::prepare` leaves out `for_model`, or rewrites the head whatever the plan.
#[tokio::test(start_paused = true)]
async fn a_model_out_of_scope_is_untouched() {
    for plan in [PLAN, "refuse = {}"] {
        let world = World::new(policy_with("enforce", "scope = { models = [\"other*\"] }", plan));
        world.upstream.answer(odd_answer());
        let answer = world.call(framed(suspicious(), CHAT)).await;
        assert_eq!(answer.headers(), odd_answer().headers(), "{plan}");
        let seen = world.upstream.seen().remove(0);
        assert_eq!(seen.text(), "{\"model\":\"m\",\"stream\":true}");
        assert_eq!(seen.head.headers["accept-encoding"], "gzip");
        let read = read(answer.into_body()).await;
        let frames: Vec<_> = odd_frames()
            .into_iter()
            .filter_map(|step| match step {
                Step::Data(bytes) => Some(bytes),
                _ => None,
            })
            .collect();
        assert_eq!(read.frames, frames);
        assert_eq!(read.trailers, Some(trailers()));
        assert!(world.records.only().applied.is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn a_governed_model_of_a_scope_of_models_is_refused() {
    let top = "scope = { models = [\"m*\"] }";
    let world = World::new(policy_with("enforce", top, "refuse = {}"));
    assert_eq!(world.call(chat()).await.status(), 403);
    let two = Script::whole(r#"{"model":"m","model":"other"}"#);
    assert_eq!(world.call(request(suspicious(), CHAT, two)).await.status(), 400);
    let none = request(suspicious(), CHAT, Script::whole("{}"));
    assert_eq!(world.call(none).await.status(), 403);
    assert!(world.upstream.seen().is_empty());
}

/// Fails when `Defense::call` takes a request with the clone instead of the instance that is ready
/// (the scripted service panics).
#[tokio::test(start_paused = true)]
async fn the_instance_that_was_ready_takes_the_request() {
    let world = World::new(policy(WITHHOLD));
    for request in [chat(), framed(caller("bob", None, 0.1), CHAT)] {
        let read = world.exchange(request, json(r#"{"choices":[]}"#)).await;
        assert_eq!(read.text(), r#"{"choices":[]}"#);
    }
}
