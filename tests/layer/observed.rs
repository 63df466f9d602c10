//! What is only observed: the record says what it would have done, and nothing else tells of it.

use std::path::PathBuf;
use std::time::Duration;

use guilloche::audit::{Applied, Counter, DryRun, Outcome, Record};
use guilloche::countermeasure::watermark::{Carrier, CarrierSetting, Carriers, Marks, Sglang};
use guilloche::mark::keys::{Keys, Scheme};
use guilloche::policy::{Countermeasure, Policy};
use http::{Request, Response};

use super::marks::ANSWER;
use super::support::*;

pub(super) const ALL: &str = "side_channels = { max_choices = 1 }\n\
    reasoning = { keep = \"none\", round_usage = 64 }\n\
    downgrade = { models = { \"m\" = \"small\" }, max_output_tokens = 9, max_effort = \"low\" }\n\
    watermark = { multi_turn = \"restore\" }\n\
    pace = { tokens_per_second = 20, first_token_delay = { min = \"1s\", max = \"2s\" } }";

const PLANS: [&str; 4] = [
    "side_channels = { max_choices = 1 }",
    "reasoning = { keep = \"conclusion\", signed = \"seal\", round_usage = 10 }",
    "watermark = { strength = 0.7, multi_turn = \"mark\" }",
    ALL,
];

fn marking(policy: Policy) -> World {
    World::with(policy, |builder| builder.marks(Marks::new(keys())))
}

fn keys() -> Keys {
    Keys::from_master(&[7; 32], jiff::Timestamp::UNIX_EPOCH).with_scheme(Scheme::Coins)
}

/// A world that marks if the plan does: keys take a while to make.
fn world(mode: &str, plan: &str) -> World {
    let policy = policy_with(mode, "", plan);
    if plan.contains("watermark") { marking(policy) } else { World::new(policy) }
}

pub(super) fn observing(plan: &str) -> World {
    world("observe", plan)
}

pub(super) fn asks(path: &str) -> Request<Script> {
    let body = if path == MESSAGES {
        r#"{"model":"m","max_tokens":99999,"top_k":3,"made_up":1,"thinking":{"type":"enabled","budget_tokens":9000},"messages":[{"role":"user","content":"q"}],"stream":true}"#
    } else if path == RESPONSES {
        r#"{"model":"m","max_output_tokens":99999,"top_logprobs":3,"made_up":1,"reasoning":{"effort":"high"},"input":[{"role":"user","content":"q"}],"stream":true}"#
    } else if path.contains("/models/m:") {
        r#"{"generationConfig":{"maxOutputTokens":99999,"candidateCount":3,"responseLogprobs":true,"thinkingConfig":{"thinkingLevel":"high"}},"contents":[{"role":"user","parts":[{"text":"q"}]}]}"#
    } else if path == OLLAMA {
        r#"{"model":"m","options":{"num_predict":99999,"made_up":1},"logprobs":true,"think":"high","messages":[{"role":"user","content":"q"}]}"#
    } else if path == COHERE {
        r#"{"model":"m","max_tokens":99999,"logprobs":true,"made_up":1,"thinking":{"type":"enabled","token_budget":9000},"messages":[{"role":"user","content":"q"}],"stream":true}"#
    } else if path == LLAMA_CPP {
        r#"{"n_predict":99999,"n_probs":3,"n_cmpl":3,"made_up":1,"prompt":"q","stream":true}"#
    } else if path == TGI {
        r#"{"parameters":{"max_new_tokens":99999,"best_of":3,"top_n_tokens":3,"made_up":1},"inputs":"q","stream":true}"#
    } else if path == COMPLETIONS {
        r#"{"model":"m","max_tokens":99999,"logprobs":3,"n":3,"made_up":1,"prompt":"q","stream":true}"#
    } else {
        r#"{"model":"m","logprobs":true,"top_logprobs":5,"n":3,"reasoning_effort":"high","made_up":1,"messages":[{"role":"user","content":"q"}],"stream":true}"#
    };
    request(suspicious(), path, Script::whole(body))
}

/// The samples of the wire, each with its path and its status.
fn samples() -> Vec<(String, &'static str, u16, Vec<u8>)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/wire");
    let mut samples: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension().is_some_and(|it| it == "json" || it == "sse" || it == "ndjson")
        })
        .map(|path| {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            let status = name.strip_suffix(".json").and_then(|it| it.rsplit_once("error_"));
            let status = status.map_or(200, |(_, status)| status.parse().unwrap());
            let to = match name.as_str() {
                name if name.starts_with("anthropic") => MESSAGES,
                name if name.starts_with("responses") => RESPONSES,
                name if name.starts_with("openai_completions") => COMPLETIONS,
                name if name.starts_with("ollama") => OLLAMA,
                name if name.starts_with("converse") => CONVERSE,
                "gemini.json" => "/v1beta/models/m:generateContent",
                name if name.starts_with("gemini") => GEMINI,
                name if name.starts_with("cohere") => COHERE,
                name if name.starts_with("llama_cpp") => LLAMA_CPP,
                name if name.starts_with("tgi") || name.starts_with("sglang_generate") => TGI,
                _ => CHAT,
            };
            (name, to, status, std::fs::read(path).unwrap())
        })
        // What InvokeModel is asked has the shape of each vendor's own.
        .filter(|(name, ..)| name != "expected.json" && !name.starts_with("invoke"))
        .collect();
    let document =
        format!(r#"{{"choices":[{{"message":{{"content":"{ANSWER}"}},"finish_reason":"stop"}}]}}"#);
    let events: String = ANSWER.split_inclusive(' ').map(says).collect();
    samples.push(("words.json".to_owned(), CHAT, 200, document.into()));
    samples.push(("words.sse".to_owned(), CHAT, 200, (events + STOP + DONE).into()));
    samples.sort();
    assert!(samples.len() > 30);
    samples
}

pub(super) type Answering = fn() -> Response<Script>;

pub(super) fn pieces(bytes: &[u8], size: usize) -> Vec<Step> {
    bytes.chunks(size).map(data).collect()
}

pub(super) fn answer(name: &str, status: u16, steps: Vec<Step>) -> Response<Script> {
    let mut response = stream(steps);
    if name.ends_with(".ndjson") {
        let lines = "application/x-ndjson".parse().unwrap();
        response.headers_mut().insert("content-type", lines);
    } else if name.ends_with(".json") {
        response.headers_mut().insert("content-type", "application/json".parse().unwrap());
    }
    *response.status_mut() = status.try_into().unwrap();
    response
}

/// What was done by each countermeasure that did something.
fn done(list: &[Applied]) -> Vec<Applied> {
    let did = |it: &&Applied| !it.counts.is_empty() || it.carrier.is_some();
    let mut done: Vec<_> = list.iter().filter(did).cloned().collect();
    done.sort_by_key(|it| it.countermeasure);
    done
}

/// The same as its JSON, with the waits apart.
fn timed(list: &[Applied]) -> (serde_json::Value, u64) {
    let mut json = serde_json::to_value(done(list)).unwrap();
    for row in json.as_array_mut().unwrap() {
        row["counts"].as_object_mut().unwrap().remove("waits_ms");
    }
    (json, count(list, Countermeasure::Pace, Counter::WaitsMs))
}

/// The record, which a long answer's dry run may still be at work on.
async fn recorded(world: &World) -> Record {
    for _ in 0..100_000 {
        if !world.records.all().is_empty() {
            break;
        }
        tokio::task::yield_now().await;
    }
    world.records.only()
}

/// The policy that is observed tells of an exchange what the same policy, enforced, does to it, and
/// leaves it as it is.
async fn is_told_and_not_done(
    plan: &str,
    (name, path, status): (&str, &str, u16),
    steps: &[Step],
) -> bool {
    // Log-probabilities would show a mark.
    let asks = |path| match plan.starts_with("watermark") {
        true => request(suspicious(), path, Script::whole(ASKS)),
        false => asks(path),
    };
    let enforcing = world("enforce", plan);
    let enforced = enforcing.exchange(asks(path), answer(name, status, steps.to_vec())).await;
    let observing = observing(plan);
    let observed = observing.exchange(asks(path), answer(name, status, steps.to_vec())).await;

    let sent: Vec<_> = steps
        .iter()
        .filter_map(|step| match step {
            Step::Data(bytes) => Some(bytes.clone()),
            _ => None,
        })
        .collect();
    assert_eq!(observed.frames, sent, "{name} {plan}");
    assert!(observed.times.iter().all(Duration::is_zero), "{name} {plan}");
    let asked = observing.upstream.seen().remove(0);
    assert_eq!(asked.text(), whole(asks(path)).await, "{name} {plan}");

    let (enforced_record, record) = (enforcing.records.only(), recorded(&observing).await);
    assert_eq!((record.applied, record.outcome), (vec![], Outcome::Complete), "{name} {plan}");
    if enforced.failed {
        assert_eq!(record.dry_run, Some(DryRun::AnswerUnread), "{name} {plan}");
        return false;
    }
    assert_eq!(record.dry_run, Some(DryRun::Complete), "{name} {plan}");
    let ((told, waits), (did, waited)) = (timed(&record.observed), timed(&enforced_record.applied));
    assert_eq!(told, did, "{name} {plan}");
    // Timers fire on whole milliseconds.
    assert!(waits.abs_diff(waited) <= 5 + waited / 100, "{name} {plan}: {waits} {waited}");
    assert_eq!(record.stream, enforced_record.stream);
    assert_eq!(observing.layer.handle().originals().occupancy().texts, 0);
    assert_eq!(observing.layer.handle().held(), 0, "{name} {plan}");
    !done(&record.observed).is_empty()
}

pub(super) async fn whole(request: Request<Script>) -> String {
    read(request.into_body()).await.text()
}

/// Fails when the dry run is given only a part of the plan, misses the end of a document or a piece
/// of a stream, or leaves members, carrier or waits out.
#[tokio::test(start_paused = true)]
async fn an_observed_policy_counts_what_it_does_when_it_is_enforced() {
    let mut told = 0;
    for (name, path, status, bytes) in samples() {
        for plan in PLANS {
            for size in [1 << 20, 61, 7] {
                let steps = pieces(&bytes, size);
                let counted = is_told_and_not_done(plan, (&name, path, status), &steps).await;
                told += usize::from(counted);
            }
        }
    }
    assert!(told > 250, "{told}");
}

/// Text that waits to be marked leaves when the upstream is silent, whoever is looking.
#[tokio::test(start_paused = true)]
async fn silence_in_a_stream_changes_the_counts_as_it_does_when_they_are_enforced() {
    for gap in [0, 100, 151, 400] {
        let mut steps = Vec::new();
        for word in ANSWER.split_inclusive(' ') {
            steps.extend([data(says(word)), Step::Wait(Duration::from_millis(gap))]);
        }
        steps.push(data(STOP.to_owned() + DONE));
        let plan = "watermark = { multi_turn = \"mark\" }";
        let enforcing = marking(policy(plan));
        enforcing.exchange(chat(), stream(steps.clone())).await;
        let world = observing(plan);
        world.exchange(chat(), stream(steps)).await;
        let (enforced, record) = (enforcing.records.only(), world.records.only());
        // What was let go is not marked.
        assert_eq!(done(&enforced.applied).is_empty(), gap > 150);
        assert_eq!(done(&record.observed), done(&enforced.applied), "{gap}");
    }
}

/// A document of megabytes is passed at once; its record waits for what is counted in it. Fails when
/// the work is done before the last frame, or dropped with the body.
#[tokio::test(start_paused = true)]
async fn a_long_answer_is_passed_at_once_and_counted_while_others_have_their_turn() {
    let thought = "Let us see what it is. ".repeat(40_000);
    let document = format!(
        r#"{{"choices":[{{"message":{{"reasoning_content":"{thought}","content":"4"}}}}]}}"#
    );
    let events = thinks(&"a b c ".repeat(100_000)) + &thinks("d ").repeat(9000) + STOP + DONE;
    for (name, text, words) in [("a.json", document, 240_000), ("a.sse", events, 309_000)] {
        for size in [text.len(), 100_000] {
            let world = observing(ALL);
            let steps = pieces(text.as_bytes(), size);
            let frames = steps.len();
            let witness = world.upstream.answer(answer(name, 200, steps));
            let mut answer = world.call(asks(CHAT)).await;
            for given in 1..=frames {
                next(&mut answer).await.unwrap().unwrap();
                assert_eq!(witness.given(), given);
            }
            assert!(next(&mut answer).await.is_none());
            if frames == 1 {
                assert!(world.records.all().is_empty(), "{name}: it was waited for");
            }
            let record = recorded(&world).await;
            assert_eq!(
                (record.outcome, record.dry_run),
                (Outcome::Complete, Some(DryRun::Complete))
            );
            let removed = count(&record.observed, Countermeasure::Reasoning, Counter::WordsRemoved);
            assert_eq!(removed, words, "{name}");
            drop(answer);
            assert_eq!(world.layer.handle().held(), 0);
        }
    }
}

/// Fails when the share is not asked for, or not uniform.
#[tokio::test(start_paused = true)]
async fn as_large_a_share_as_the_policy_says_is_tried_out() {
    for (share, least, most) in [("0", 0, 0), ("0.25", 60, 140), ("1", 400, 400)] {
        let top = format!("observe_sample = {share}");
        let world = marking(policy_with("observe", &top, WITHHOLD));
        for _ in 0..400 {
            world.exchange(chat(), stream([data(thinks("one two") + DONE)])).await;
        }
        let records = world.records.all();
        let (tried, others): (Vec<_>, Vec<_>) =
            records.iter().partition(|record| record.dry_run == Some(DryRun::Complete));
        assert!((least..=most).contains(&tried.len()), "{share}: {}", tried.len());
        for record in others {
            assert_eq!(record.dry_run, Some(DryRun::NotSampled));
            assert_eq!(record.observed.len(), 1);
            assert!(done(&record.observed).is_empty());
        }
        assert!(tried.iter().all(|record| done(&record.observed).len() == 1));
    }
}

/// Fails when the dry run sees what the client sees, or what is carried out is counted twice.
#[tokio::test(start_paused = true)]
async fn what_is_observed_beside_what_is_carried_out_is_told_apart() {
    let streamed = || stream([data(thinks("one two") + &says(ANSWER) + STOP + DONE)]);
    let document = || {
        json(format!(
            r#"{{"choices":[{{"message":{{"reasoning_content":"one two","content":"{ANSWER}"}},"finish_reason":"stop"}}]}}"#
        ))
    };
    let answers: [Answering; 2] = [streamed, document];
    for answer in answers {
        let world = marking(policy(
            "downgrade = { max_output_tokens = 5 }\nside_channels = { max_choices = 1 }\n\
             reasoning = { keep = \"none\", mode = \"observe\" }\n\
             watermark = { multi_turn = \"mark\" }",
        ));
        let both = marking(policy(
            "downgrade = { max_output_tokens = 5 }\nside_channels = { max_choices = 1 }\n\
             reasoning = { keep = \"none\" }\nwatermark = { multi_turn = \"mark\" }",
        ));
        both.exchange(asks(CHAT), answer()).await;
        let read = world.exchange(asks(CHAT), answer()).await;
        assert!(read.text().contains("two"));
        let (both, record) = (both.records.only(), world.records.only());
        let names = |list: &[Applied]| list.iter().map(|it| it.countermeasure).collect::<Vec<_>>();
        assert_eq!(names(&done(&record.observed)), [Countermeasure::Reasoning]);
        let carried_out =
            [Countermeasure::Downgrade, Countermeasure::SideChannels, Countermeasure::Watermark];
        assert_eq!(names(&done(&record.applied)), carried_out);
        let mut together = record.applied.clone();
        together.extend(record.observed.clone());
        assert_eq!(done(&together), done(&both.applied));
    }
}

/// The request is not touched, so that no server is asked to mark. Fails when the edits of the dry run
/// go out.
#[tokio::test(start_paused = true)]
async fn a_server_that_would_be_asked_to_mark_is_not_asked() {
    let carriers = Carriers::new(vec![CarrierSetting::Sglang(Sglang::default())]);
    let policy = policy_with("observe", "", "watermark = {}");
    let world = World::with(policy, |it| it.marks(Marks::new(keys()).carriers(carriers)));
    world.exchange(chat(), json(r#"{"choices":[]}"#)).await;
    assert_eq!(world.upstream.seen()[0].text(), ASKS);
    let record = world.records.only();
    let [observed] = record.observed.as_slice() else { panic!("{:?}", record.observed) };
    assert_eq!(observed.carrier, Some(Carrier::Sglang));
    assert!(observed.counts.get(Counter::FieldsSet) > 0);
}

#[tokio::test(start_paused = true)]
async fn an_observed_refusal_is_counted_where_the_model_is_governed() {
    let top = "scope = { models = [\"m*\"] }";
    for (top, model, refused) in [("", "other", 1), (top, "mine", 1), (top, "other", 0)] {
        let world = observing_with(top, "refuse = {}");
        let asks = format!(r#"{{"model":"{model}","messages":[]}}"#);
        let asks = request(suspicious(), CHAT, Script::whole(asks));
        assert_eq!(world.exchange(asks, json("{}")).await.text(), "{}");
        let record = world.records.only();
        let told = count(&record.observed, Countermeasure::Refuse, Counter::RequestsRefused);
        assert_eq!((told, record.observed.len()), (refused, refused as usize), "{top} {model}");
    }
}

fn observing_with(top: &str, plan: &str) -> World {
    marking(policy_with("observe", top, plan))
}

/// What an observed limit is charged with is what the answer used, not what was reserved.
#[tokio::test(start_paused = true)]
async fn an_observed_limit_is_charged_with_what_the_answer_used() {
    let plan =
        "rate = { account = { output_tokens = \"1000 per day\" }, reserve_output_tokens = 600 }";
    let world = observing(plan);
    for _ in 0..2 {
        let sent = says("a") + STOP + &usage(5, 7, 2) + DONE;
        assert_eq!(world.exchange(chat(), stream([data(&sent)])).await.text(), sent);
    }
    for record in world.records.all() {
        let count = |counter| count(&record.observed, Countermeasure::Rate, counter);
        assert_eq!((count(Counter::TokensIn), count(Counter::TokensOut)), (5, 7));
        assert_eq!(count(Counter::RequestsRefused), 0);
        assert!(record.applied.is_empty());
    }
}

/// The same of a document so long that it has gone out before it is read.
#[tokio::test(start_paused = true)]
async fn an_observed_limit_is_charged_with_what_a_long_document_used() {
    let plan =
        "rate = { account = { output_tokens = \"1000 per day\" }, reserve_output_tokens = 600 }";
    let token = r#"{"token":" sleep","logprob":-0.25,"top_logprobs":[]},"#.repeat(20_000);
    let document = format!(
        r#"{{"choices":[{{"message":{{"content":"4"}},"logprobs":{{"content":[{token}null]}}}}],"usage":{{"prompt_tokens":5,"completion_tokens":7}}}}"#
    );
    let world = observing(plan);
    for asked in 1..=2 {
        let sent = answer("a.json", 200, pieces(document.as_bytes(), document.len()));
        assert_eq!(world.exchange(asks(CHAT), sent).await.text(), document);
        while world.records.all().len() < asked {
            tokio::task::yield_now().await;
        }
    }
    for record in world.records.all() {
        let count = |counter| count(&record.observed, Countermeasure::Rate, counter);
        assert_eq!((count(Counter::TokensIn), count(Counter::TokensOut)), (5, 7));
        assert_eq!(count(Counter::RequestsRefused), 0);
    }
}
