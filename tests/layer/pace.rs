//! Slowing down: one rate for all streams of a cluster, a steady first delay, signs of life.

use std::future::Future;
use std::task::Poll;
use std::time::Duration;

use guilloche::audit::{Counter, Outcome};
use guilloche::policy::Countermeasure;
use http::Request;
use tokio::time::{Instant, timeout};

use super::support::*;

const PACED: &str = "pace = { tokens_per_second = 10 }";
const HEARTBEAT: &str = ": keep-alive\n\n";

fn asks(account: &str, cluster: Option<&str>) -> Request<Script> {
    request(caller(account, cluster, 0.9), CHAT, Script::whole(ASKS))
}

/// An event of so many tokens.
fn tokens(tokens: usize) -> Step {
    data(says(&"abcd".repeat(tokens)))
}

/// Fails when the rate is kept per account or per stream.
#[tokio::test(start_paused = true)]
async fn two_streams_of_a_cluster_share_one_rate() {
    let world = World::new(policy(PACED));
    let mut answers = Vec::new();
    for account in ["a", "b"] {
        world.upstream.answer(stream((0..60).map(|_| tokens(1))));
        answers.push(world.call(asks(account, Some("hydra"))).await);
    }
    world.upstream.answer(stream((0..60).map(|_| tokens(1))));
    let alone = world.call(asks("c", None)).await;
    let answers: [Answer; 2] = answers.try_into().unwrap();
    let [a, b] = answers.map(|answer| read(answer.into_body()));
    let (a, b, alone) = tokio::join!(a, b, read(alone.into_body()));
    let end = |read: &Read| *read.times.last().unwrap();
    // 120 tokens at 10 a second, less the burst of a quarter of a second.
    let last = end(&a).max(end(&b));
    assert!((11_500..=12_000).contains(&last.as_millis()), "{last:?}");
    assert!((5_500..=6_000).contains(&end(&alone).as_millis()), "{:?}", end(&alone));
    // In any second no more than the rate and the burst.
    let mut times: Vec<Duration> = a.times.iter().chain(&b.times).copied().collect();
    times.sort();
    for (index, start) in times.iter().enumerate() {
        let window = times.iter().skip(index);
        let within = window.take_while(|time| **time < *start + Duration::from_secs(1)).count();
        assert!(within <= 13, "{within} tokens in the second from {start:?}");
    }
    for record in world.records.all() {
        assert!(count(&record.applied, Countermeasure::Pace, Counter::WaitsMs) > 5_000);
    }
}

/// Fifty at once are let in as far as what they come to takes a minute; the rest are told when to come
/// back, and are let in then, beside those that are still at it. Fails when expected output does not
/// count, or does after its end.
#[tokio::test(start_paused = true)]
async fn a_herd_is_let_in_as_far_as_a_minute_goes_and_told_truly_when_to_come_back() {
    const BODY: &str = r#"{"model":"m","messages":[],"stream":true,"max_tokens":2000}"#;
    let world = World::new(policy("pace = { tokens_per_second = 100 }"));
    let world = &world;
    let epoch = Instant::now();
    let refused = std::sync::atomic::AtomicU64::new(0);
    let answers = all((0..50).map(|_| async {
        loop {
            // One reply for each that is let in.
            world.upstream.answer(stream((0..20).map(|_| tokens(100))));
            let caller = caller("a", Some("hydra"), 0.9);
            let answer = world.call(request(caller, CHAT, Script::whole(BODY))).await;
            if answer.status() == 200 {
                let (start, read) = (epoch.elapsed(), read(answer.into_body()).await);
                return read.times.iter().map(|time| start + *time).collect::<Vec<_>>();
            }
            assert_eq!(answer.status(), 429);
            refused.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            let after = answer.headers()["retry-after"].to_str().unwrap().parse().unwrap();
            tokio::time::sleep(Duration::from_secs(after)).await;
        }
    }))
    .await;
    assert!(refused.load(std::sync::atomic::Ordering::Relaxed) >= 47);
    let mut times = Vec::new();
    for answer in &answers {
        let took = *answer.last().unwrap() - answer[0];
        assert!(took <= Duration::from_secs(90), "{took:?}");
        let waits = answer.windows(2).map(|pair| pair[1] - pair[0]);
        assert!(waits.max().unwrap() <= Duration::from_secs(6));
        times.extend_from_slice(answer);
    }
    times.sort();
    // 100,000 tokens at 100 a second, and in no window more than the rate, the burst and an event.
    for (index, start) in times.iter().enumerate().step_by(7) {
        for end in (index + 1..times.len()).step_by(11) {
            let (sent, seconds) = ((end - index) * 100, (times[end] - *start).as_secs_f64());
            assert!(sent as f64 <= seconds * 100.0 + 125.0, "{sent} tokens in {seconds} s");
        }
    }
}

/// Drives futures of one task together.
async fn all<F: Future>(futures: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut futures: Vec<_> = futures.map(|future| (Box::pin(future), None)).collect();
    std::future::poll_fn(move |context| {
        let mut done = true;
        for (future, output) in &mut futures {
            if output.is_none() {
                match future.as_mut().poll(context) {
                    Poll::Ready(value) => *output = Some(value),
                    Poll::Pending => done = false,
                }
            }
        }
        if !done {
            return Poll::Pending;
        }
        Poll::Ready(futures.drain(..).filter_map(|(_, output)| output).collect())
    })
    .await
}

/// Fails when the delay is drawn per request, or is the same for everyone.
#[tokio::test(start_paused = true)]
async fn a_first_delay_is_the_same_for_the_same_principal_only() {
    let world =
        World::new(policy("pace = { first_token_delay = { min = \"1s\", max = \"30s\" } }"));
    let mut delays = Vec::new();
    for account in ["a", "a", "b", "c"] {
        let read =
            world.exchange(asks(account, Some("hydra")), stream([tokens(1), tokens(1)])).await;
        let heartbeats = read.frames.iter().filter(|frame| **frame == HEARTBEAT).count();
        let [first, second] = read.times[heartbeats..] else { panic!("{:?}", read.times) };
        assert!(first >= Duration::from_secs(1) && first <= Duration::from_secs(31));
        assert_eq!(first, second, "only the first waits");
        delays.push(first);
    }
    assert_eq!(delays[0], delays[1]);
    assert!(delays[1] != delays[2] && delays[2] != delays[3]);
    // Another layer with the same secret draws the same.
    let other =
        World::new(policy("pace = { first_token_delay = { min = \"1s\", max = \"30s\" } }"));
    let read = other.exchange(asks("a", None), stream([tokens(1)])).await;
    assert_eq!(read.times.last(), Some(&delays[0]));
}

/// Fails when `HEARTBEAT` changes, or a frame of the upstream's does not put it off.
#[tokio::test(start_paused = true)]
async fn a_silent_stream_says_every_15_seconds_that_it_lives() {
    for (request, event, heartbeat) in [
        (chat(), says("a"), HEARTBEAT.to_owned()),
        (messages(), event("message_stop", ""), event("ping", "")),
    ] {
        let world = World::new(policy(WITHHOLD));
        let (front, behind) = event.split_at(20);
        // The second event is cut in two by a long silence.
        let steps =
            [wait(10), data(&event), wait(31), data(front), wait(15), data(behind), wait(2)];
        let read = world.exchange(request, stream(steps)).await;
        let seconds: Vec<u64> = read.times.iter().map(Duration::as_secs).collect();
        let frames = [&event, &heartbeat, &heartbeat, &heartbeat, &event];
        assert_eq!(read.frames, frames.map(|frame| frame.clone().into_bytes()));
        assert_eq!(seconds, [10, 25, 40, 55, 56]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_paced_stream_that_waits_for_long_says_that_it_lives() {
    let world = World::new(policy("pace = { tokens_per_second = 1 }"));
    let read = world.exchange(chat(), stream([tokens(40)])).await;
    let seconds: Vec<u64> = read.times.iter().map(Duration::as_secs).collect();
    assert_eq!(seconds, [15, 30, 39]);
    assert_eq!(read.frames[..2], [HEARTBEAT, HEARTBEAT]);
}

/// Fails when a document gets a heartbeat, or does not wait as its stream would have.
#[tokio::test(start_paused = true)]
async fn a_document_waits_in_silence_and_its_wait_is_recorded() {
    let world = World::new(policy(PACED));
    let document =
        format!(r#"{{"choices":[{{"message":{{"content":"{}"}}}}]}}"#, "abcd".repeat(400));
    let read = world.exchange(chat(), json(&document)).await;
    assert_eq!(read.frames, [document.into_bytes()]);
    assert!((39_500..=40_000).contains(&read.times[0].as_millis()), "{:?}", read.times);
    let record = world.records.only();
    let waited = count(&record.applied, Countermeasure::Pace, Counter::WaitsMs);
    assert!((39_500..=40_000).contains(&waited), "{waited}");
    assert_eq!(record.durations.total_ms, waited);
}

/// The last event waits too when it has no blank line behind it. Fails when `Reading::finish` gives
/// the tail out at once.
#[tokio::test(start_paused = true)]
async fn the_tail_of_a_stream_waits_as_the_rest() {
    let world = World::new(policy(PACED));
    let event = says(&"abcd".repeat(100));
    let read = world.exchange(chat(), stream([data(event.trim_end())])).await;
    assert_eq!(read.text(), event.trim_end());
    assert!(read.times.last().unwrap().as_millis() >= 9_500, "{:?}", read.times);
}

/// Fails when the upstream is read before what was read has gone out.
#[tokio::test(start_paused = true)]
async fn the_upstream_is_not_read_while_the_stream_waits() {
    let world = World::new(policy(PACED));
    let witness = world.upstream.answer(stream([tokens(100), tokens(1), tokens(1)]));
    let mut answer = world.call(chat()).await;
    assert!(timeout(Duration::from_secs(5), next(&mut answer)).await.is_err());
    assert_eq!(witness.given(), 1);
    let start = Instant::now();
    next_text(&mut answer).await;
    assert!(start.elapsed() < Duration::from_secs(6));
    assert_eq!(witness.given(), 1);
    drop(answer);
    assert_eq!(world.records.only().outcome, Outcome::Cancelled);
}

/// A client that left was not waited for. Fails when the whole wait is counted at its start.
#[tokio::test(start_paused = true)]
async fn a_wait_that_was_cut_short_is_recorded_as_long_as_it_was() {
    let world = World::new(policy(PACED));
    world.upstream.answer(stream([tokens(100)]));
    let mut answer = world.call(chat()).await;
    assert!(timeout(Duration::from_secs(2), next(&mut answer)).await.is_err());
    drop(answer);
    let waited = count(&world.records.only().applied, Countermeasure::Pace, Counter::WaitsMs);
    assert_eq!(waited, 2000);
}
