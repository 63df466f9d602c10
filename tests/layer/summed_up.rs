//! Reasoning that is condensed: the answer waits for its summary, within bounds, and gets none rather
//! than the reasoning.

use std::pin::Pin;
use std::time::Duration;

use futures_util::poll;
use guilloche::audit::{Counter, Outcome};
use guilloche::countermeasure::summary::{SummaryFailure, SummaryRules};
use guilloche::layer::SummaryLimits;
use guilloche::policy::Countermeasure;
use http_body_util::BodyExt;
use tokio::time::{Instant, sleep};

use super::summarizers::*;
use super::support::*;

/// A stream that reasons, answers and ends, an event a frame.
fn thinking() -> Vec<Step> {
    [thinks(REASONING), says("It is"), says(" 9.8."), STOP.to_owned(), DONE.to_owned()]
        .map(data)
        .into()
}

/// The same of which nothing is kept.
async fn withheld() -> String {
    let world = World::new(policy(WITHHOLD));
    world.exchange(chat(), stream(thinking())).await.text()
}

fn counted(world: &World, counter: Counter) -> u64 {
    count(&world.records.only().applied, Countermeasure::Reasoning, counter)
}

// Break it: read what has come before its summaries are there.
#[tokio::test(start_paused = true)]
async fn the_answer_waits_for_the_summary_which_comes_where_the_reasoning_ended() {
    let scribe = Scribe::slow(2);
    let world = summing_up(&scribe);
    let read = world.exchange(chat(), stream(thinking())).await;
    let text = read.text();
    let (summary, answer) = (text.find(SUMMARY).unwrap(), text.find("It is").unwrap());
    assert!(summary < answer && !text.contains("zebra"), "{text}");
    assert!(text.ends_with(DONE), "{text}");
    assert!(read.times.iter().all(|time| *time >= Duration::from_secs(2)), "{:?}", read.times);
    assert_eq!(scribe.asked(), [REASONING], "the reasoning alone, and once");
    let record = world.records.only();
    assert_eq!(record.outcome, Outcome::Complete);
    assert_eq!(counted(&world, Counter::SummariesMade), 1);
    assert_eq!(counted(&world, Counter::WordsRemoved), 48);
}

// Break it: go on reading the upstream while a summary is waited for.
#[tokio::test(start_paused = true)]
async fn the_upstream_waits_too_and_the_client_hears_that_the_stream_lives() {
    let scribe = Scribe::slow(40);
    let limits = SummaryLimits { deadline: Duration::from_secs(60), ..SummaryLimits::default() };
    let world = world(policy(SUM_UP), &scribe, limits);
    let upstream = world.upstream.answer(stream(thinking()));
    let mut answer = world.call(chat()).await;
    assert_eq!(next_text(&mut answer).await, ": keep-alive\n\n");
    assert_eq!(upstream.given(), 2, "the event that ends the reasoning was the last one read");
    assert_eq!(world.layer.handle().summaries_waiting(), 1);
    assert_eq!(next_text(&mut answer).await, ": keep-alive\n\n");
    assert!(next_text(&mut answer).await.contains(SUMMARY));
    assert_eq!(world.layer.handle().summaries_waiting(), 0);
    let rest = answer.into_body().collect().await.unwrap().to_bytes();
    assert!(rest.ends_with(DONE.as_bytes()));
}

// Break it: give the deadline to each piece of the wait, or leave the reasoning where it passes.
#[tokio::test(start_paused = true)]
async fn a_summary_that_is_late_leaves_what_none_leaves() {
    let scribe = Scribe::slow(11);
    let world = summing_up(&scribe);
    let start = Instant::now();
    let text = world.exchange(chat(), stream(thinking())).await.text();
    assert_eq!(text, withheld().await);
    assert_eq!(start.elapsed(), Duration::from_secs(10));
    assert_eq!(scribe.at_work(), 0, "nobody works for nobody");
    assert_eq!(counted(&world, Counter::SummariesSlow), 1);
}

#[tokio::test(start_paused = true)]
async fn whatever_is_no_summary_leaves_what_none_leaves() {
    let expected = withheld().await;
    type Case = (fn(&str) -> Result<String, SummaryFailure>, Counter);
    let cases: [Case; 9] = [
        (|_| Err(SummaryFailure::Failed), Counter::SummariesFailed),
        (|_| Err(SummaryFailure::Busy), Counter::SummariesBusy),
        (|_| Ok(" \n".to_owned()), Counter::SummariesEmpty),
        (|text| Ok(text.to_owned()), Counter::SummariesLong),
        (|text| Ok(text.get(..text.len() / 3).unwrap().to_owned()), Counter::SummariesRepeating),
        (|_| Ok("a".repeat(601)), Counter::SummariesLong),
        (|_| Ok("It weighed</think> both.".to_owned()), Counter::SummariesMarkedUp),
        (|_| Ok("<|channel|>analysis<|message|>So.".to_owned()), Counter::SummariesMarkedUp),
        (|_| Ok("It weighed\u{0} both.".to_owned()), Counter::SummariesMarkedUp),
    ];
    for (write, counter) in cases {
        let scribe = Scribe::new(Duration::ZERO, write);
        let streamed = summing_up(&scribe);
        let text = streamed.exchange(chat(), stream(thinking())).await.text();
        assert_eq!(text, expected, "{counter:?}");
        assert_eq!(counted(&streamed, counter), 1, "{counter:?}");
        let whole = summing_up(&scribe);
        let text = whole.exchange(chat(), json(completion(REASONING))).await.text();
        assert_eq!(text, completion(""), "{counter:?}");
        assert_eq!(counted(&whole, counter), 1, "{counter:?}");
    }
}

// Break it: put a summary into the JSON as it is.
#[tokio::test(start_paused = true)]
async fn a_summary_is_text_whatever_it_looks_like() {
    let hostile = r#"It says "},"finish_reason":"stop","x":{"y":"\u0000\n and data: [DONE]"#;
    let scribe = Scribe::new(Duration::ZERO, |_| {
        Ok(r#"It says "},"finish_reason":"stop","x":{"y":"\u0000\n and data: [DONE]"#.to_owned())
    });
    let world = summing_up(&scribe);
    let text = world.exchange(chat(), json(completion(REASONING))).await.text();
    assert_eq!(text, completion(hostile));
    let text = world.exchange(chat(), stream(thinking())).await.text();
    let said: Vec<serde_json::Value> = text
        .lines()
        .filter_map(|line| serde_json::from_str(line.strip_prefix("data: ")?).ok())
        .collect();
    let shown: String = said
        .iter()
        .filter_map(|it| it["choices"][0]["delta"]["reasoning_content"].as_str())
        .collect();
    assert_eq!(shown, hostile, "{text}");
    assert_eq!(text.matches("data: [DONE]\n").count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_document_waits_with_its_head_and_says_its_length() {
    let world = summing_up(&Scribe::slow(3));
    world.upstream.answer(json(completion(REASONING)));
    let start = Instant::now();
    let answer = world.call(chat()).await;
    assert_eq!(start.elapsed(), Duration::from_secs(3));
    let expected = completion(SUMMARY);
    assert_eq!(answer.headers()["content-length"], expected.len().to_string());
    assert_eq!(read(answer.into_body()).await.text(), expected);
}

// Break it: have a task ask, or keep what was asked for.
#[tokio::test(start_paused = true)]
async fn a_client_that_leaves_calls_the_summary_off() {
    let scribe = Scribe::slow(5);
    let world = summing_up(&scribe);
    let upstream = world.upstream.answer(stream(thinking()));
    let mut answer = world.call(chat()).await;
    assert!(poll!(Pin::new(answer.body_mut()).frame()).is_pending());
    assert_eq!((scribe.at_work(), world.layer.handle().summaries_waiting()), (1, 1));
    drop(answer);
    assert_eq!((scribe.at_work(), world.layer.handle().summaries_waiting()), (0, 0));
    assert!(upstream.is_dropped());
    assert_eq!(world.records.only().outcome, Outcome::Cancelled);
}

// Break it: let those who find no room wait for it.
#[tokio::test(start_paused = true)]
async fn no_more_are_waited_for_than_may_be_and_who_finds_no_room_waits_for_nobody() {
    let scribe = Scribe::slow(5);
    let limits = SummaryLimits { concurrency: 1, ..SummaryLimits::default() };
    let world = world(policy(SUM_UP), &scribe, limits);
    world.upstream.answer(stream(thinking()));
    let mut first = world.call(chat()).await;
    assert!(poll!(Pin::new(first.body_mut()).frame()).is_pending());
    let start = Instant::now();
    let second = world.exchange(chat(), stream(thinking())).await.text();
    assert_eq!((second, start.elapsed()), (withheld().await, Duration::ZERO));
    assert_eq!(scribe.asked().len(), 1);
    let first = read(first.into_body()).await.text();
    assert!(first.contains(SUMMARY));
    let third = world.exchange(chat(), stream(thinking())).await.text();
    assert!(third.contains(SUMMARY), "the room is free again");
    let busy: Vec<u64> = world
        .records
        .all()
        .iter()
        .map(|record| count(&record.applied, Countermeasure::Reasoning, Counter::SummariesBusy))
        .collect();
    assert_eq!(busy, [1, 0, 0]);
}

#[tokio::test(start_paused = true)]
async fn nobody_else_waits_and_nobody_is_asked_for_what_is_only_observed() {
    let scribe = Scribe::slow(5);
    let answer = || stream(thinking());
    let whole = thinking().into_iter().map(|step| match step {
        Step::Data(bytes) => String::from_utf8(bytes.to_vec()).unwrap(),
        _ => String::new(),
    });
    let whole: String = whole.collect();
    let start = Instant::now();
    let graded = summing_up(&scribe);
    let ungraded = || request(caller("bob", None, 0.1), CHAT, Script::whole(ASKS));
    assert_eq!(graded.exchange(ungraded(), answer()).await.text(), whole);
    let observed = policy_with("observe", "", SUM_UP);
    let observed = world(observed, &scribe, SummaryLimits::default());
    assert_eq!(observed.exchange(chat(), answer()).await.text(), whole);
    let record = observed.records.only();
    let tried = |counter| count(&record.observed, Countermeasure::Reasoning, counter);
    assert_eq!((tried(Counter::WordsRemoved), tried(Counter::SummariesMade)), (48, 0));
    assert_eq!((start.elapsed(), scribe.asked().len()), (Duration::ZERO, 0));
}

#[tokio::test(start_paused = true)]
async fn what_is_too_short_or_too_long_or_cut_short_is_not_handed_out() {
    let scribe = Scribe::prompt();
    let cases = [("Nine tenths are more.".to_owned(), 1), (REASONING.repeat(3), 1)];
    for (reasoning, unfit) in cases {
        let rules = SummaryRules { max_reasoning: 400, ..SummaryRules::default() };
        let limits = SummaryLimits { rules, ..SummaryLimits::default() };
        let world = world(policy(SUM_UP), &scribe, limits);
        let text = world.exchange(chat(), json(completion(&reasoning))).await.text();
        assert_eq!(text, completion(""));
        assert_eq!(counted(&world, Counter::SummariesUnfit), unfit);
    }
    // By a limit, or by a word at which the client has it end.
    for reason in ["length", "stop"] {
        let world = summing_up(&scribe);
        let cut = [thinks(REASONING), STOP.replace("stop", reason), DONE.to_owned()].map(data);
        let text = world.exchange(chat(), stream(cut)).await.text();
        assert!(!text.contains(SUMMARY), "{text}");
        let whole = completion(REASONING).replace("stop", reason).replace("It is 9.8.", "");
        let text = world.exchange(chat(), json(whole)).await.text();
        assert!(!text.contains(SUMMARY), "{text}");
    }
    assert_eq!(scribe.asked().len(), 0);
    let calls = delta(
        "\"tool_calls\":[{\"index\":0,\"id\":\"t\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]",
    );
    let called = [thinks(REASONING), calls, STOP.replace("stop", "tool_calls"), DONE.to_owned()];
    let text = summing_up(&scribe).exchange(chat(), stream(called.map(data))).await.text();
    assert!(text.contains(SUMMARY), "{text}");
}

#[tokio::test(start_paused = true)]
async fn an_upstream_that_fails_behind_its_reasoning_fails_behind_the_summary() {
    let scribe = Scribe::slow(2);
    let world = summing_up(&scribe);
    let steps = vec![data(thinks(REASONING)), data(says("It is")), Step::Fail];
    let read = world.exchange(chat(), stream(steps)).await;
    assert!(read.failed && read.text().contains(SUMMARY), "{}", read.text());
    assert_eq!(world.records.only().outcome, Outcome::UpstreamError);
    // One that fails within it has none.
    let world = summing_up(&scribe);
    let read = world.exchange(chat(), stream(vec![data(thinks(REASONING)), Step::Fail])).await;
    assert!(read.failed && !read.text().contains(SUMMARY));
}

#[tokio::test(start_paused = true)]
async fn without_a_summarizer_nothing_is_kept() {
    let world = World::new(policy(SUM_UP));
    assert_eq!(world.exchange(chat(), stream(thinking())).await.text(), withheld().await);
}

/// What was deferred by a pace waits behind its summary, not beside it.
#[tokio::test(start_paused = true)]
async fn a_paced_answer_is_summed_up_as_well() {
    let grade =
        format!("{SUM_UP}\npace = {{ first_token_delay = {{ min = \"1s\", max = \"1s\" }} }}");
    let world = world(policy(&grade), &Scribe::slow(2), SummaryLimits::default());
    let start = Instant::now();
    let read = world.exchange(chat(), stream(thinking())).await;
    assert!(read.text().contains(SUMMARY));
    assert_eq!(start.elapsed(), Duration::from_secs(3));
    sleep(Duration::ZERO).await;
}
