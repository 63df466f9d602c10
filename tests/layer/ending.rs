//! Promises 4 and 6: how an exchange ends, and that it ends once.

use std::time::Duration;

use guilloche::audit::Outcome;
use guilloche::limit::Dimension;
use http_body::Body;
use tower::{Service, ServiceExt};

use super::support::*;

const PLAN: &str = "reasoning = { keep = \"none\" }\n\
                    rate = { account = { concurrency = 1, output_tokens = \"100000 per day\" } }";

/// Whether the account's only lease is free.
async fn lease_is_free(world: &World) -> bool {
    world.upstream.reply(Reply::Fail);
    let free = world.defended.clone().oneshot(chat()).await.is_err();
    world.upstream.seen();
    if !free {
        // Takes the reply back out.
        let spare = request(caller("spare", None, 0.1), CHAT, Script::whole("{}"));
        assert!(world.defended.clone().oneshot(spare).await.is_err());
    }
    free
}

/// Fails when the body is relayed by a task, or the guard's `Drop` does not end it.
#[tokio::test(start_paused = true)]
async fn a_client_that_leaves_drops_the_upstream_and_closes_everything_at_once() {
    for plan in [PLAN, "rate = { account = { concurrency = 1 } }"] {
        let world = World::new(policy(plan));
        let witness = world.upstream.answer(stream([data(says("a")), Step::Hang]));
        let mut answer = world.call(chat()).await;
        assert_eq!(next_text(&mut answer).await, says("a"));
        assert!(!lease_is_free(&world).await, "{plan}");
        assert!(!witness.is_dropped());
        let before = world.records.all().len();
        drop(answer);
        assert!(witness.is_dropped());
        let records = world.records.all();
        assert_eq!(records.len(), before + 1);
        assert_eq!(records.last().unwrap().outcome, Outcome::Cancelled);
        assert_eq!(records.last().unwrap().status, Some(200));
        assert!(lease_is_free(&world).await, "{plan}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_is_never_polled_closes_everything() {
    let world = World::new(policy(PLAN));
    let witness = world.upstream.answer(stream([Step::Hang]));
    drop(world.call(chat()).await);
    assert!(witness.is_dropped());
    assert_eq!(world.records.only().outcome, Outcome::Cancelled);
    assert!(lease_is_free(&world).await);
}

/// Fails when the exchange is taken out of the future before its head.
#[tokio::test(start_paused = true)]
async fn a_client_that_leaves_before_the_head_closes_everything() {
    for (body, reply) in
        [(Script::new([Step::Hang]), None), (Script::whole(ASKS), Some(Reply::Hang))]
    {
        let world = World::new(policy(PLAN));
        reply.into_iter().for_each(|reply| world.upstream.reply(reply));
        let mut defended = world.defended.clone();
        let request = request(suspicious(), CHAT, body);
        let witness = request.body().witness();
        let future = defended.ready().await.unwrap().call(request);
        let waited = tokio::time::timeout(Duration::from_secs(1), future).await;
        assert!(waited.is_err());
        assert!(witness.is_dropped());
        let record = world.records.only();
        assert_eq!((record.outcome, record.status), (Outcome::Cancelled, None));
        assert!(lease_is_free(&world).await);
    }
}

#[tokio::test(start_paused = true)]
async fn a_future_that_is_never_polled_closes_everything() {
    let world = World::new(policy(PLAN));
    let mut defended = world.defended.clone();
    drop(defended.ready().await.unwrap().call(chat()));
    assert_eq!(world.records.only().outcome, Outcome::Cancelled);
}

#[tokio::test(start_paused = true)]
async fn an_inner_service_that_fails_closes_everything() {
    for plan in [PLAN, "rate = { account = { concurrency = 1 } }"] {
        let world = World::new(policy(plan));
        world.upstream.reply(Reply::Fail);
        assert!(world.defended.clone().oneshot(chat()).await.is_err());
        let record = world.records.only();
        assert_eq!((record.outcome, record.status), (Outcome::UpstreamError, None));
        assert!(lease_is_free(&world).await);
    }
}

/// Servers ask no more after trailers, nor after a body that says it has ended; then they drop it.
/// Fails when the guard waits for `None`.
#[tokio::test(start_paused = true)]
async fn every_way_of_ending_well_is_complete() {
    let thought = r#"{"choices":[{"message":{"content":"4"}}]}"#;
    let documents = || {
        let in_steps = |steps: Vec<Step>| {
            let mut answer = json("");
            *answer.body_mut() = Script::new(steps);
            answer
        };
        vec![
            json(thought),
            json(""),
            in_steps(vec![data(thought)]),
            in_steps(vec![data(thought), Step::Trailers(trailers())]),
            stream([data(says("a")), data(DONE)]),
            stream([data(says("a")), data(DONE), Step::Trailers(trailers())]),
        ]
    };
    for plan in [
        PLAN,
        "rate = { account = { concurrency = 1 } }",
        "",
        "pace = { mode = \"observe\", tokens_per_second = 1 }",
    ] {
        for (index, answer) in documents().into_iter().enumerate() {
            let world = World::new(policy(plan));
            let read = world.exchange(chat(), answer).await;
            assert!(!read.failed);
            let record = world.records.only();
            assert_eq!(record.outcome, Outcome::Complete, "{plan} {index}");
            let had_bytes = read.frames.iter().any(|frame| !frame.is_empty());
            assert_eq!(record.durations.first_byte_ms.is_some(), had_bytes, "{plan} {index}");
            assert!(lease_is_free(&world).await, "{plan} {index}");
        }
    }
}

/// The first byte is timed from the arrival of the request, trailers are no byte.
#[tokio::test(start_paused = true)]
async fn durations_are_those_of_the_exchange() {
    for plan in [WITHHOLD, ""] {
        let world = World::new(policy(plan));
        let steps = [wait(2), data(says("a")), wait(3), data(DONE), wait(1)];
        world.exchange(chat(), stream(steps)).await;
        let durations = world.records.only().durations;
        assert_eq!((durations.first_byte_ms, durations.total_ms), (Some(2000), 6000));

        let world = World::new(policy(plan));
        let answer = stream([wait(2), Step::Trailers(trailers())]);
        world.exchange(chat(), answer).await;
        assert_eq!(world.records.only().durations.first_byte_ms, None, "{plan:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_inner_body_that_fails_is_an_upstream_error_once() {
    for plan in [PLAN, ""] {
        let world = World::new(policy(plan));
        let read = world.exchange(chat(), stream([data(says("a")), Step::Fail])).await;
        assert!(read.failed);
        assert_eq!(world.records.only().outcome, Outcome::UpstreamError);
    }
}

/// Promise 4. Fails when `Reading::take` lets trailers through at once, or `is_end_stream` is the
/// upstream's.
#[tokio::test(start_paused = true)]
async fn trailers_come_after_the_tail_and_nothing_held_is_an_end() {
    let world = World::new(policy(WITHHOLD));
    // The tail is an event without its blank line.
    let tail = says("b");
    let tail = tail.trim_end();
    world.upstream.answer(stream([data(says("a") + tail), Step::Trailers(trailers())]));
    let mut answer = world.call(chat()).await;
    assert_eq!(next_text(&mut answer).await, says("a"));
    assert!(!answer.body().is_end_stream());
    assert_eq!(next_text(&mut answer).await, tail);
    assert!(!answer.body().is_end_stream());
    let frame = next(&mut answer).await.unwrap().unwrap();
    assert_eq!(frame.trailers_ref(), Some(&trailers()));
    assert!(answer.body().is_end_stream());
    assert!(next(&mut answer).await.is_none());

    // Where the whole body has been given and one document is still held.
    world.upstream.answer(json(r#"{"choices":[{"message":{"content":"4"}}]}"#));
    let mut answer = world.call(chat()).await;
    assert!(!answer.body().is_end_stream());
    next_text(&mut answer).await;
    assert!(next(&mut answer).await.is_none());
    assert!(answer.body().is_end_stream());
}

/// A digest in trailers is of the unchanged content.
#[tokio::test(start_paused = true)]
async fn digests_in_the_trailers_of_a_rewritten_body_are_dropped() {
    let world = World::new(policy(WITHHOLD));
    let mut sent = trailers();
    sent.insert("content-digest", "sha-256=:AA==:".parse().unwrap());
    let answer = stream([data(thinks("a") + DONE), Step::Trailers(sent)]);
    let read = world.exchange(chat(), answer).await;
    assert_eq!(read.trailers, Some(trailers()));
}

/// Fails when `EventStream::finish` leaves lanes open.
#[tokio::test(start_paused = true)]
async fn text_that_is_held_goes_out_before_the_end() {
    let world = World::new(policy(WITHHOLD));
    let steps = [data(says("<thi")), Step::Trailers(trailers())];
    let read = world.exchange(chat(), stream(steps)).await;
    assert_eq!(read.text(), says("<thi"));
    assert_eq!(read.trailers, Some(trailers()));
}

#[tokio::test(start_paused = true)]
async fn the_limiter_counts_what_was_refused() {
    let world = World::new(policy(PLAN));
    world.upstream.answer(stream([Step::Hang]));
    let held = world.call(chat()).await;
    assert_eq!(world.call(chat()).await.status(), 429);
    assert_eq!(world.layer.handle().limiter().denied(Dimension::Concurrency), 1);
    drop(held);
}
