//! Promise 10: the record tells what was done, and nothing else is told to anyone.

use guilloche::audit::{Counter, DecisionName, Outcome};
use guilloche::policy::Countermeasure;
use http_body::Body;
use proptest::prelude::*;

use super::support::*;

/// Reasoning and answer words, as they come in each event.
fn a_stream() -> impl Strategy<Value = Vec<(bool, u8)>> {
    proptest::collection::vec((any::<bool>(), 1..5_u8), 1..30)
}

fn run<T>(test: impl Future<Output = T>) -> T {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_time().start_paused(true);
    runtime.build().unwrap().block_on(test)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    /// The words that are missing are counted here without the layer. Fails when the record counts
    /// what the plan says, or counts a word at each of its pieces.
    #[test]
    fn the_words_that_are_recorded_as_removed_are_missing(events in a_stream(), cut in 1..40_usize) {
        let mut sent = String::new();
        let mut thought = 0;
        let mut dropped = 0;
        for (thinking, words) in events {
            let text = "word ".repeat(usize::from(words));
            sent += &if thinking { thinks(&text) } else { says(&text) };
            thought += if thinking { u64::from(words) } else { 0 };
            dropped += u64::from(thinking);
        }
        sent += STOP;
        let (out, record) = run(async {
            let world = World::new(policy(WITHHOLD));
            let steps = sent.as_bytes().chunks(cut).map(data);
            let read = world.exchange(chat(), stream(steps)).await;
            (read.text(), world.records.only())
        });
        let missing = sent.matches("word").count() - out.matches("word").count();
        let counted = |counter| count(&record.applied, Countermeasure::Reasoning, counter);
        prop_assert_eq!(missing as u64, thought);
        prop_assert_eq!(counted(Counter::WordsRemoved), thought);
        prop_assert_eq!(counted(Counter::EventsDropped), dropped);
        prop_assert_eq!(record.applied.is_empty(), thought == 0);
    }

    /// Fails when a type of the layer prints the bytes it holds.
    #[test]
    fn no_text_and_no_identifier_is_in_a_record_or_in_debug_output(
        marker in "[a-z]{12,20}",
        plan in prop::sample::select(vec![
            "reasoning = { keep = \"none\" }",
            "reasoning = { keep = \"conclusion\", signed = \"seal\" }\npace = { tokens_per_second = 1 }",
            "downgrade = { models = { \"*\" = \"small\" }, disclose = false }",
            "side_channels = {}\nrate = { account = { output_tokens = \"9000 per day\" } }",
            "",
        ]),
        document in any::<bool>(),
    ) {
        run(async {
            let account = format!("acct-{marker}");
            let world = World::new(policy(plan));
            let body = format!(
                r#"{{"model":"{marker}","messages":[{{"role":"user","content":"{marker}"}}],"{marker}":1}}"#
            );
            let caller = caller(&account, Some(&format!("cluster-{marker}")), 0.9);
            let text = format!("A{marker} b. C{marker} <thi");
            let answer = if document {
                let document = format!(
                    r#"{{"model":"{marker}","choices":[{{"message":{{"reasoning_content":"{text}","content":"{text}"}}}}]}}"#
                );
                let mut answer = json("");
                *answer.body_mut() = Script::new([data(&document), Step::Hang]);
                answer
            } else {
                let half = format!("data: {{\"choices\":[{{\"delta\":{{\"content\":\"{marker}");
                stream([data(thinks(&text) + &says(&text) + &half), Step::Hang])
            };
            world.upstream.answer(answer);
            let silent = |shown: String| assert!(!shown.contains(&marker), "{shown}");
            let mut defended = world.defended.clone();
            let future = tower::Service::call(
                tower::ServiceExt::ready(&mut defended).await.unwrap(),
                request(caller, CHAT, Script::new([data(&body)])),
            );
            silent(format!("{future:?}"));
            let second = std::time::Duration::from_secs(1);
            let mut future = Box::pin(future);
            // The head of a document that is changed waits for all of it.
            let answered = tokio::time::timeout(second, &mut future).await;
            silent(format!("{future:?}"));
            if let Ok(answer) = answered {
                let mut answer = answer.unwrap();
                silent(format!("{:?}", answer.body()));
                for _ in 0..3 {
                    let _pending = tokio::time::timeout(second, next(&mut answer)).await;
                    silent(format!("{:?} {:#?}", answer.body(), answer.body()));
                }
            }
            drop(future);
            // The scripted service prints what it has seen.
            world.upstream.seen();
            silent(format!("{defended:?} {:?} {:?}", world.layer, world.layer.handle()));
            let record = world.records.only();
            silent(serde_json::to_string(&record).unwrap());
            silent(format!("{record:?}"));
        });
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_under_way_prints_no_text() {
    let world = World::new(policy(WITHHOLD));
    world.upstream.answer(json("{}"));
    let mut shown = String::new();
    let inner =
        tower::service_fn(|request: http::Request<guilloche::layer::RequestBody<Script>>| {
            let shown = format!("{:?}", request.body());
            async move {
                let mut answer = json("{}");
                answer
                    .headers_mut()
                    .insert("x-request-id", shown.replace(' ', "").parse().unwrap());
                Ok::<_, Scripted>(answer)
            }
        });
    let defended = tower::Layer::layer(&world.layer, inner);
    let answer = tower::ServiceExt::oneshot(defended, chat()).await.unwrap();
    shown.push_str(answer.headers()["x-request-id"].to_str().unwrap());
    assert!(!shown.contains("messages") && !shown.is_empty(), "{shown}");
}

/// Fails when the observed countermeasures are counted among the applied, or not listed.
#[tokio::test(start_paused = true)]
async fn what_is_only_observed_is_listed_apart() {
    let plan = "reasoning = { keep = \"none\", mode = \"observe\" }\n\
                downgrade = { max_output_tokens = 5 }";
    let world = World::new(policy(plan));
    let thought = r#"{"choices":[{"message":{"reasoning_content":"r","content":"4"}}]}"#;
    assert_eq!(world.exchange(chat(), json(thought)).await.text(), thought);
    let record = world.records.only();
    let names = |list: &[guilloche::audit::Applied]| -> Vec<_> {
        list.iter().map(|applied| applied.countermeasure).collect()
    };
    assert_eq!(names(&record.applied), [Countermeasure::Downgrade]);
    assert_eq!(count(&record.applied, Countermeasure::Downgrade, Counter::FieldsSet), 1);
    assert_eq!(names(&record.observed), [Countermeasure::Reasoning]);
}

/// What was done to a request counts for the answer's record too, once.
#[tokio::test(start_paused = true)]
async fn what_was_done_to_request_and_answer_is_counted_once() {
    let plan = "side_channels = {}\nreasoning = { keep = \"none\", round_usage = 64 }\n\
                downgrade = { models = { \"m\" = \"small\" }, max_output_tokens = 9 }";
    let world = World::new(policy(plan));
    let asks = r#"{"model":"m","logprobs":true,"n":3,"stream":true}"#;
    let request = request(suspicious(), CHAT, Script::whole(asks));
    let steps =
        [data(thinks("one two")), data(says("a")), data(STOP), data(usage(1, 90, 3)), data(DONE)];
    let read = world.exchange(request, stream(steps)).await;
    assert!(!read.failed);
    let record = world.records.only();
    let count = |countermeasure, counter| count(&record.applied, countermeasure, counter);
    assert_eq!(count(Countermeasure::Reasoning, Counter::WordsRemoved), 2);
    assert_eq!(count(Countermeasure::Reasoning, Counter::EventsDropped), 1);
    // Of the output and of the reasoning.
    assert_eq!(count(Countermeasure::Reasoning, Counter::CountsRounded), 2);
    assert_eq!(count(Countermeasure::Downgrade, Counter::ModelsReplaced), 1);
    assert_eq!(count(Countermeasure::Downgrade, Counter::FieldsSet), 1);
    assert_eq!(count(Countermeasure::SideChannels, Counter::FieldsStripped), 2);
    assert_eq!((record.outcome, record.stream), (Outcome::Complete, true));
    assert_eq!((record.grade.as_str(), record.protocol.as_ref()), ("graded", "chat"));
}

/// Names are whatever a client or an upstream writes, so that only known ones are told.
#[tokio::test(start_paused = true)]
async fn the_record_names_the_members_that_were_closed_and_none_that_somebody_made_up() {
    let world = World::new(policy("side_channels = { max_choices = 1 }"));
    let asks = r#"{"model":"m","top_logprobs":5,"n":3,"Marker-client-7":1,"Marker-client-8":2}"#;
    let answers = r#"{"choices":[{"index":0,"message":{"role":"assistant","content":"a"},"logprobs":{"content":[]}}],"Marker-upstream-9":"x"}"#;
    let request = request(suspicious(), CHAT, Script::whole(asks));
    let read = world.exchange(request, json(answers)).await;
    assert!(!read.failed && !read.text().contains("\"x\""), "{}", read.text());
    let record = world.records.only();
    let [closing] = record.applied.as_slice() else { panic!("{:?}", record.applied) };
    assert_eq!(closing.countermeasure, Countermeasure::SideChannels);
    assert_eq!(closing.counts.get(Counter::FieldsStripped), 6);
    assert_eq!(closing.members, ["logprobs", "n", "top_logprobs", "other"]);
    assert!(!serde_json::to_string(&record).unwrap().contains("Marker"));
}

/// A plan that found nothing to do has done nothing.
#[tokio::test(start_paused = true)]
async fn a_plan_that_changed_nothing_is_not_recorded_as_applied() {
    let plan = "side_channels = {}\nreasoning = { keep = \"none\", round_usage = 64 }\n\
                pace = { tokens_per_second = 100000 }";
    let world = World::new(policy(plan));
    let thoughtless = says("a") + STOP + DONE;
    let read = world.exchange(chat(), stream([data(&thoughtless)])).await;
    assert_eq!(read.text(), thoughtless);
    assert_eq!(world.records.only().applied, []);
}

/// The access log names the decision by what the answer carries. Fails when `Exchange::answer` or
/// `refused` leaves the extension out.
#[tokio::test(start_paused = true)]
async fn an_answer_carries_its_decision_for_the_access_log() {
    for plan in [WITHHOLD, "refuse = {}", "", "rate = { account = { requests = \"1 per hour\" } }"]
    {
        let world = World::new(policy(plan));
        for _ in 0..2 {
            world.upstream.answer(json("{}"));
            let answer = world.call(chat()).await;
            let carried = answer.extensions().get::<DecisionName>().cloned();
            drop(answer);
            assert_eq!(carried, world.records.all().pop().map(|record| record.decision), "{plan}");
        }
    }
}

/// A client that left has missed only what it would have got until then.
#[tokio::test(start_paused = true)]
async fn a_cancelled_stream_counts_what_was_done_until_then() {
    let world = World::new(policy(WITHHOLD));
    let steps = [data(thinks("one two") + &says("a")), data(thinks("three"))];
    world.upstream.answer(stream(steps));
    let mut answer = world.call(chat()).await;
    next_text(&mut answer).await;
    assert!(!answer.body().is_end_stream());
    drop(answer);
    let record = world.records.only();
    assert_eq!(record.outcome, Outcome::Cancelled);
    assert_eq!(count(&record.applied, Countermeasure::Reasoning, Counter::WordsRemoved), 2);
}
