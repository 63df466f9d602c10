//! Promise 5: what fails in the middle never looks like an end.

use guilloche::audit::{Counter, Outcome};
use guilloche::layer::Caps;
use guilloche::policy::Countermeasure;

use super::support::*;

const CHAT_FAILED: &str = "data: {\"error\":{\"code\":\"bad_gateway\",\"message\":\"the upstream \
                           failed in the middle of its answer\",\"param\":null,\
                           \"type\":\"server_error\"}}\n\n";
const MESSAGES_FAILED: &str = "event: error\ndata: {\"error\":{\"message\":\"the upstream failed \
                               in the middle of its answer\",\"type\":\"api_error\"},\
                               \"type\":\"error\"}\n\n";

fn small() -> Caps {
    Caps { document: 200, event: 200, ..Caps::default() }
}

async fn fails_with(steps: Vec<Step>, out: &str) {
    let world = World::with(policy(WITHHOLD), |builder| builder.caps(small()));
    let read = world.exchange(chat(), stream(steps)).await;
    assert_eq!(read.text(), out.to_owned() + CHAT_FAILED);
    assert!(read.failed && read.trailers.is_none());
    assert_eq!(world.records.only().outcome, Outcome::UpstreamError);
}

/// Fails when `Reading::take` takes an error for an end.
#[tokio::test(start_paused = true)]
async fn a_stream_whose_upstream_fails_ends_with_the_protocols_error_and_then_fails() {
    fails_with(vec![data(says("a")), data("data: {\"cho"), Step::Fail], &says("a")).await;
    fails_with(vec![Step::Fail], "").await;

    let world = World::new(policy(WITHHOLD));
    let text = |text: &str| {
        let delta = format!(r#","index":0,"delta":{{"type":"text_delta","text":"{text}"}}"#);
        event("content_block_delta", &delta)
    };
    let answer = stream([data(text("a")), Step::Fail]);
    let read = world.exchange(messages(), answer).await;
    assert_eq!(read.text(), text("a") + MESSAGES_FAILED);
    assert!(read.failed);
}

/// Text that came before the failure goes out, whether or not it came in the same frame. Fails
/// when `Reading::advance` gives up what it has.
#[tokio::test(start_paused = true)]
async fn what_came_before_the_failure_goes_out_before_the_error() {
    let broken = "data: {\"choices\"\n\n";
    fails_with(vec![data(says("a") + &says("b") + broken)], &(says("a") + &says("b"))).await;
    fails_with(vec![data(says("a") + broken)], &says("a")).await;
    let long = "x".repeat(201);
    fails_with(vec![data(says("a") + &says("b") + &long)], &(says("a") + &says("b"))).await;
}

#[tokio::test(start_paused = true)]
async fn an_event_over_the_cap_fails_the_stream() {
    fails_with(vec![data(says("a")), data(says(&"b".repeat(200)))], &says("a")).await;
    fails_with(vec![data(says("a")), data("data: "), data("b".repeat(200))], &says("a")).await;
}

#[tokio::test(start_paused = true)]
async fn an_event_that_cannot_be_read_fails_the_stream() {
    fails_with(vec![data(says("a")), data("data: {\n\n"), data(DONE)], &says("a")).await;
    // Also at the end, where it has no blank line behind it.
    fails_with(vec![data(says("a")), data("data: {\"choices\":[")], &says("a")).await;
}

#[tokio::test(start_paused = true)]
async fn an_event_that_cannot_be_read_is_passed_where_the_policy_says_so() {
    let world = World::new(policy_with("enforce", "on_opaque = \"pass\"", WITHHOLD));
    let odd = says("a") + "data: odd\n\n" + DONE;
    assert_eq!(world.exchange(chat(), stream([data(&odd)])).await.text(), odd);
}

/// Fails when `Document::push` stops collecting at the cap, or `finish` passes what it cannot read.
#[tokio::test(start_paused = true)]
async fn a_document_that_fails_is_broken_off() {
    for (steps, out) in [
        (vec![data("{\"choices\":"), Step::Fail], ""),
        (vec![data("\n {\"choices\":"), Step::Fail], "\n "),
        (vec![data("x".repeat(201))], ""),
        (vec![data("{\"choices\":["), data(" ".repeat(200)), Step::Hang], ""),
        (vec![data("{\"choices\":[}")], ""),
        (vec![data("{\"choices\":[}"), Step::Trailers(trailers())], ""),
    ] {
        let world = World::with(policy(WITHHOLD), |builder| builder.caps(small()));
        let mut answer = json("");
        *answer.body_mut() = Script::new(steps);
        let read = world.exchange(chat(), answer).await;
        assert_eq!(read.text(), out);
        assert!(read.failed && read.trailers.is_none());
        assert_eq!(world.records.only().outcome, Outcome::UpstreamError);
    }
}

#[tokio::test(start_paused = true)]
async fn after_its_failure_a_body_has_ended() {
    let world = World::new(policy(WITHHOLD));
    world.upstream.answer(stream([data(says("a")), Step::Fail]));
    let mut answer = world.call(chat()).await;
    assert_eq!(next_text(&mut answer).await, says("a"));
    assert_eq!(next_text(&mut answer).await, CHAT_FAILED);
    assert!(!http_body::Body::is_end_stream(answer.body()));
    let error = next(&mut answer).await.unwrap().unwrap_err();
    assert!(error.is_upstream());
    assert!(http_body::Body::is_end_stream(answer.body()));
    assert!(next(&mut answer).await.is_none());
    assert_eq!(world.records.all().len(), 1);
}

/// An error that the upstream states itself is the client's, and no answer. What it says in words
/// may be the model's.
#[tokio::test(start_paused = true)]
async fn an_upstreams_own_error_event_is_told_in_fixed_words_and_recorded() {
    let world = World::new(policy(WITHHOLD));
    let error = "data: {\"error\":{\"code\":503,\"message\":\"a thought\"}}\n\n";
    let read = world.exchange(chat(), stream([data(says("<thi")), data(error), data(DONE)])).await;
    let told = error.replace("a thought", "The server had an error while processing the request.");
    assert_eq!(read.text(), says("<thi") + &told + DONE);
    assert!(!read.failed);
    let record = world.records.only();
    assert_eq!(record.outcome, Outcome::UpstreamError);
    assert_eq!(count(&record.applied, Countermeasure::Reasoning, Counter::WordsRemoved), 0);
}
