//! What is only observed of an exchange that cannot be read, has no room, or breaks off.

use std::time::Duration;

use guilloche::audit::{Counter, DryRun, Outcome};
use guilloche::layer::Caps;
use guilloche::policy::Countermeasure;

use super::observed::{ALL, Answering, answer, asks, observing, pieces, whole};
use super::support::*;

#[tokio::test(start_paused = true)]
async fn an_answer_that_cannot_be_read_passes_and_the_record_says_so() {
    let cases: [(Answering, u64); 4] = [
        (
            || {
                let mut response = json("\x1f");
                response.headers_mut().insert("content-encoding", "gzip".parse().unwrap());
                response
            },
            0,
        ),
        (|| json("{"), 0),
        (|| stream([data(thinks("a b")), data("data: {\n\n"), data(thinks("c"))]), 2),
        (|| stream([data(thinks("a b")), data("data: \"x"), data("x".repeat(3 << 20))]), 2),
    ];
    for (answer, words) in cases {
        let world = observing("reasoning = { keep = \"none\" }\nside_channels = {}");
        let read = world.exchange(asks(CHAT), answer()).await;
        assert!(!read.failed);
        assert_eq!(read.text(), self::read(answer().into_body()).await.text());
        assert_eq!(world.upstream.seen()[0].text(), whole(asks(CHAT)).await);
        let record = world.records.only();
        assert_eq!(
            (record.outcome, record.dry_run),
            (Outcome::Complete, Some(DryRun::AnswerUnread))
        );
        let count = |by, counter| count(&record.observed, by, counter);
        assert_eq!(count(Countermeasure::Reasoning, Counter::WordsRemoved), words);
        // What was found in the request still counts.
        assert!(count(Countermeasure::SideChannels, Counter::FieldsStripped) >= 3);
    }
}

/// Fails when `Prepared::new` refuses, or its refusal is lost.
#[tokio::test(start_paused = true)]
async fn a_request_that_would_be_refused_passes_and_counts_as_such() {
    let prefilled = r#"{"model":"m","messages":[{"role":"user","content":"q"},{"role":"assistant","content":"<think>"}]}"#;
    let long = " ".repeat(5000);
    let caps = Caps { request_body: 4096, ..Caps::default() };
    for (body, encoding) in [
        (prefilled, "identity"),
        (r#"{"model":"m","model":"n","messages":[]}"#, "identity"),
        ("{", "identity"),
        (&long, "identity"),
        ("\x1f", "gzip"),
    ] {
        let policy = policy_with("observe", "", "reasoning = { keep = \"none\" }");
        let world = World::with(policy, |builder| builder.caps(caps));
        let steps: Vec<Step> = body.as_bytes().chunks(9).map(data).collect();
        let frames = steps.len();
        let mut request = request(suspicious(), CHAT, Script::new(steps));
        request.headers_mut().insert("content-encoding", encoding.parse().unwrap());
        let sent = thinks("a b") + DONE;
        let read = world.exchange(request, stream([data(&sent)])).await;
        assert_eq!(read.text(), sent);
        let seen = world.upstream.seen().remove(0);
        assert_eq!((seen.text().as_str(), seen.frames.len()), (body, frames));
        let record = world.records.only();
        assert_eq!(record.dry_run, Some(DryRun::Complete), "{body:.80}");
        let [observed] = record.observed.as_slice() else { panic!("{:?}", record.observed) };
        assert_eq!(observed.counts.get(Counter::RequestsRefused), 1, "{body:.80}");
        assert_eq!(observed.counts.get(Counter::WordsRemoved), 0, "{body:.80}");
        assert_eq!(world.layer.handle().held(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_that_ends_early_or_fails_is_left_alone() {
    for steps in [vec![data("{\"model\""), Step::Fail], vec![data("{}"), Step::Hang]] {
        let fails = matches!(steps[1], Step::Fail);
        let world = observing(ALL);
        world.upstream.answer(json("{}"));
        let asks = request(suspicious(), CHAT, Script::new(steps));
        let call = tokio::time::timeout(Duration::from_secs(1), world.call(asks)).await;
        assert_eq!(call.is_ok(), fails);
        if let Ok(answer) = call {
            assert!(world.upstream.seen()[0].failed);
            read(answer.into_body()).await;
        }
        assert_eq!(world.records.only().dry_run, Some(DryRun::RequestUnread));
        assert_eq!(world.layer.handle().held(), 0);
    }
}

/// Fails when a dry run takes room like anybody else, or what it lacks breaks the answer off.
#[tokio::test(start_paused = true)]
async fn a_dry_run_stops_at_half_of_what_may_be_held_and_takes_no_other_room() {
    let caps = Caps { held: 256 << 10, held_by_principal: 256 << 10, ..Caps::default() };
    let policy = policy_with("observe", "", "reasoning = { keep = \"none\" }");
    let world = World::with(policy, |builder| builder.caps(caps));
    let document = format!(
        r#"{{"choices":[{{"message":{{"reasoning_content":"{}"}}}}]}}"#,
        "a ".repeat(100_000)
    );
    world.upstream.answer(answer("a.json", 200, pieces(document.as_bytes(), 1000)));
    let mut answer = world.call(asks(CHAT)).await;
    let mut most = 0;
    let mut text = Vec::new();
    while let Some(frame) = next(&mut answer).await {
        text.extend_from_slice(frame.unwrap().data_ref().unwrap());
        most = most.max(world.layer.handle().held());
    }
    assert_eq!(text, document.as_bytes());
    assert!((64 << 10..=128 << 10).contains(&most), "{most}");
    assert_eq!(world.records.only().dry_run, Some(DryRun::NoRoom));
    assert_eq!(world.layer.handle().without_room(), 0);
    assert_eq!(world.layer.handle().held(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_answer_counts_what_would_have_been_done_until_then() {
    let world = observing(WITHHOLD);
    let steps = [data(thinks("one two") + &says("a")), data(thinks("three"))];
    world.upstream.answer(stream(steps));
    let mut answer = world.call(chat()).await;
    next_text(&mut answer).await;
    assert!(world.records.all().is_empty());
    drop(answer);
    let record = world.records.only();
    assert_eq!((record.outcome, record.dry_run), (Outcome::Cancelled, Some(DryRun::Complete)));
    assert_eq!(count(&record.observed, Countermeasure::Reasoning, Counter::WordsRemoved), 2);
}

#[tokio::test(start_paused = true)]
async fn an_upstream_that_fails_fails_the_client_as_it_did() {
    let world = observing(WITHHOLD);
    let steps = [data(thinks("one two")), Step::Fail];
    let read = world.exchange(chat(), stream(steps)).await;
    assert!(read.failed);
    assert_eq!(read.text(), thinks("one two"));
    let record = world.records.only();
    assert_eq!((record.outcome, record.dry_run), (Outcome::UpstreamError, Some(DryRun::Complete)));
    assert_eq!(count(&record.observed, Countermeasure::Reasoning, Counter::WordsRemoved), 2);
}
