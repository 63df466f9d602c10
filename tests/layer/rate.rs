//! Limits of requests, tokens and concurrency.

use std::time::Duration;

use guilloche::audit::{Counter, Outcome};
use guilloche::policy::Countermeasure;
use http::{Request, Response, StatusCode};
use tokio::time::advance;

use super::support::*;

fn asks(account: &str, cluster: Option<&str>) -> Request<Script> {
    request(caller(account, cluster, 0.9), CHAT, Script::whole(ASKS))
}

/// The status with which a request is answered when the upstream says nothing.
async fn status(world: &World, request: Request<Script>) -> u16 {
    world.upstream.answer(json("{}"));
    let answer = world.call(request).await;
    let status = answer.status().as_u16();
    if status == 429 {
        // Takes the reply back out.
        let spare = self::request(caller("spare", None, 0.1), CHAT, Script::whole("{}"));
        read(world.call(spare).await.into_body()).await;
    }
    read(answer.into_body()).await;
    world.upstream.seen();
    status
}

/// Fails when `Subjects::admit` leaves out the cluster, or charges the account of a request that
/// the cluster refuses.
#[tokio::test(start_paused = true)]
async fn account_and_cluster_are_limited_at_once() {
    let world = World::new(policy(
        "rate = { account = { requests = \"2 per hour\" }, cluster = { requests = \"3 per hour\" } }",
    ));
    let hydra = Some("hydra");
    for (account, cluster, expected) in [
        ("a", hydra, 200),
        ("a", hydra, 200),
        ("a", hydra, 429),
        ("b", hydra, 200),
        ("b", hydra, 429),
        // The cluster refused b: the account was not charged.
        ("b", Some("other"), 200),
        ("b", Some("other"), 429),
        ("c", hydra, 429),
        ("c", None, 200),
    ] {
        assert_eq!(status(&world, asks(account, cluster)).await, expected, "{account}");
    }
    advance(Duration::from_secs(1801)).await;
    assert_eq!(status(&world, asks("a", hydra)).await, 200);
}

#[tokio::test(start_paused = true)]
async fn accounts_of_the_same_name_in_two_tenants_are_two() {
    let world = World::new(policy("rate = { account = { requests = \"1 per hour\" } }"));
    let of = |tenant: &str| {
        let mut caller = caller("a", None, 0.9);
        caller.principal.tenant = Some(guilloche::risk::TenantId::new(tenant).unwrap());
        request(caller, CHAT, Script::whole(ASKS))
    };
    assert_eq!(status(&world, of("t")).await, 200);
    assert_eq!(status(&world, of("u")).await, 200);
    assert_eq!(status(&world, of("t")).await, 429);
}

/// Fails when only members of their own, or the upstream's counts, are taken for reasoning.
#[tokio::test(start_paused = true)]
async fn reasoning_in_the_text_of_an_answer_counts_as_reasoning() {
    let thought = "the third crane stands idle ".repeat(40);
    let wordings = [
        format!("<think>{thought}</think>12"),
        format!("<|channel|>analysis<|message|>{thought}<|end|>12"),
        format!("{thought}\n</think>\n\n12"),
    ];
    for (at, text) in wordings.iter().enumerate() {
        for plan in ["", "reasoning = { keep = \"none\" }\n"] {
            for (limit, then) in [("100 per day", 429), ("1000 per day", 200)] {
                let quota =
                    format!("{plan}rate = {{ account = {{ reasoning_tokens = \"{limit}\" }} }}");
                let asks = || request(caller("a", None, 0.9), CHAT, Script::whole(ASKS));
                let usage = "\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":300}";
                let content = serde_json::json!(text);
                let world = World::new(policy(&quota));
                let whole = format!(
                    "{{\"choices\":[{{\"index\":0,\"message\":{{\"content\":{content}}},\
                     \"finish_reason\":\"stop\"}}],{usage}}}"
                );
                world.exchange(asks(), json(whole)).await;
                assert_eq!(status(&world, asks()).await, then, "{text}");
                // In a stream nobody sees a closing coming.
                if at < 2 {
                    let world = World::new(policy(&quota));
                    let pieces = [data(says(text)), data(STOP), data(DONE)];
                    world.exchange(asks(), stream(pieces)).await;
                    assert_eq!(status(&world, asks()).await, then, "{text}");
                }
            }
        }
    }
}

/// Fails when the least of several caps is reserved: a server goes by whichever it reads.
#[tokio::test(start_paused = true)]
async fn a_small_cap_beside_a_large_one_reserves_no_less() {
    let quota = "rate = { account = { output_tokens = \"4000 per day\" } }";
    let caps = [
        r#""max_tokens":1,"max_completion_tokens":3000"#,
        r#""max_completion_tokens":3000,"max_tokens":1"#,
        r#""max_tokens":3000,"max_completion_tokens":1"#,
    ];
    for caps in caps {
        let world = World::new(policy(quota));
        let asks = || {
            let body = format!(r#"{{"model":"m","messages":[],{caps}}}"#);
            request(caller("a", None, 0.9), CHAT, Script::whole(&body))
        };
        world.upstream.answer(json("{}"));
        let under_way = world.call(asks()).await;
        assert_eq!(under_way.status(), 200, "{caps}");
        assert_eq!(status(&world, asks()).await, 429, "{caps}");
        read(under_way.into_body()).await;
        assert_eq!(status(&world, asks()).await, 200, "{caps}");
    }
}

/// Frameworks give up for good when they are told so, whatever `retry-after` says.
#[tokio::test(start_paused = true)]
async fn a_limit_that_passes_within_a_minute_may_be_tried_again_when_it_has_passed() {
    for quota in ["60 per minute, burst 1", "2 per minute, burst 1", "1 per minute"] {
        let world =
            World::new(policy(&format!("rate = {{ account = {{ requests = \"{quota}\" }} }}")));
        assert_eq!(status(&world, asks("alice", None)).await, 200);
        let caller = caller("alice", None, 0.9);
        let answer = world.call(request(caller, CHAT, Script::whole(ASKS))).await;
        assert_eq!(answer.status(), 429);
        assert_eq!(answer.headers()["x-should-retry"], "true", "{quota}");
        let after: u64 = answer.headers()["retry-after"].to_str().unwrap().parse().unwrap();
        assert!((1..=60).contains(&after), "{quota}: {after}");
        advance(Duration::from_secs(after)).await;
        assert_eq!(status(&world, asks("alice", None)).await, 200, "{quota}");
    }
}

/// Fails when a long wait is told as a short one: who obeys it asks in vain every minute.
#[tokio::test(start_paused = true)]
async fn a_limit_of_hours_or_days_tells_when_it_has_passed() {
    for (quota, wait) in [
        ("1 per hour", 3600),
        ("1 per day", 86_400),
        ("2 per hour, burst 1", 1800),
        ("30 per hour, burst 1", 120),
    ] {
        let world =
            World::new(policy(&format!("rate = {{ account = {{ requests = \"{quota}\" }} }}")));
        assert_eq!(status(&world, asks("alice", None)).await, 200);
        let caller = caller("alice", None, 0.9);
        let answer = world.call(request(caller, CHAT, Script::whole(ASKS))).await;
        assert_eq!(
            (answer.status().as_u16(), &answer.headers()["x-should-retry"]),
            (429, &"false".parse().unwrap())
        );
        let after: u64 = answer.headers()["retry-after"].to_str().unwrap().parse().unwrap();
        assert!((wait..=wait + 60).contains(&after), "{quota}: {after}");
        advance(Duration::from_secs(after)).await;
        assert_eq!(status(&world, asks("alice", None)).await, 200, "{quota}");
    }
}

/// Fails when `refused` leaves out one of the fields.
#[tokio::test(start_paused = true)]
async fn a_refusal_has_the_protocols_shape_and_tells_when_to_come_back() {
    let world = World::new(policy("rate = { account = { requests = \"1 per hour\" } }"));
    assert_eq!(status(&world, asks("alice", None)).await, 200);
    for (path, shape) in [
        (
            CHAT,
            r#"{"error":{"code":"rate_limit_exceeded","message":"Rate limit reached for this account. (decision ID)","param":null,"type":"requests"}}"#,
        ),
        (
            MESSAGES,
            r#"{"error":{"message":"Rate limit reached for this account. (decision ID)","type":"rate_limit_error"},"type":"error"}"#,
        ),
    ] {
        let caller = caller("alice", None, 0.9);
        let answer = world.call(request(caller, path, Script::whole(ASKS))).await;
        assert_eq!(answer.status(), 429);
        let headers = answer.headers().clone();
        assert_eq!(headers["x-should-retry"], "false");
        assert_eq!(headers["content-type"], "application/json");
        let wait: u64 = headers["retry-after"].to_str().unwrap().parse().unwrap();
        assert!((3600..=3660).contains(&wait));
        assert!(!headers.contains_key("ratelimit"));
        let record = world.records.all().pop().unwrap();
        assert_eq!(headers["guilloche-decision"], record.decision.0);
        let text = read(answer.into_body()).await.text();
        assert_eq!(text, shape.replace("ID", &record.decision.0));
        assert_eq!((record.outcome, record.status), (Outcome::Refused, Some(429)));
        assert_eq!(count(&record.applied, Countermeasure::Rate, Counter::RequestsRefused), 1);
    }
    assert!(world.upstream.seen().is_empty());
}

/// Fails when the guard lets go at the head.
#[tokio::test(start_paused = true)]
async fn a_lease_is_held_to_the_end_of_the_stream() {
    let world = World::new(policy("rate = { cluster = { concurrency = 2 } }"));
    let hydra = Some("hydra");
    world.upstream.answer(stream([data(says("a")), data(DONE)]));
    let mut first = world.call(asks("a", hydra)).await;
    world.upstream.answer(stream([Step::Hang]));
    let second = world.call(asks("b", hydra)).await;
    assert_eq!(world.call(asks("c", hydra)).await.status(), 429);
    next_text(&mut first).await;
    next_text(&mut first).await;
    assert_eq!(world.call(asks("c", hydra)).await.status(), 429);
    assert!(next(&mut first).await.is_none());
    // Before the body is dropped.
    assert_eq!(status(&world, asks("c", hydra)).await, 200);
    drop((first, second));
}

const OUTPUT: &str = "rate = { account = { output_tokens = \"1000 per day\" }, \
                      reserve_output_tokens = 400 }";

/// Tokens that the account has left of its 1000, found by asking for caps.
async fn output_left(world: &World) -> u64 {
    let (mut low, mut high) = (0, 1001);
    while high - low > 1 {
        let middle = (low + high) / 2;
        let body = format!(r#"{{"model":"m","max_tokens":{middle}}}"#);
        let probe = request(caller("alice", None, 0.9), CHAT, Script::whole(body));
        // What fails is given back.
        world.upstream.reply(Reply::Answer(failing()));
        let answer = world.call(probe).await;
        if answer.status() == 429 {
            let spare = request(caller("spare", None, 0.1), CHAT, Script::whole("{}"));
            read(world.call(spare).await.into_body()).await;
            high = middle;
        } else {
            low = middle;
        }
        read(answer.into_body()).await;
    }
    world.upstream.seen();
    low
}

fn failing() -> Response<Script> {
    let mut answer = json("{}");
    *answer.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    answer
}

/// Fails when `Guard::settle` keeps the estimate, or refunds nothing of an error.
#[tokio::test(start_paused = true)]
async fn what_was_reserved_is_settled_with_what_was_used() {
    let document = |tokens: u64| {
        json(format!(
            r#"{{"choices":[{{"message":{{"content":"four"}}}}],"usage":{{"prompt_tokens":5,"completion_tokens":{tokens}}}}}"#
        ))
    };
    let world = World::new(policy(OUTPUT));
    assert_eq!(output_left(&world).await, 1000);

    world.exchange(asks("alice", None), document(30)).await;
    let record = world
        .records
        .all()
        .into_iter()
        .find(|record| record.outcome == Outcome::Complete && record.status == Some(200))
        .unwrap();
    assert_eq!(count(&record.applied, Countermeasure::Rate, Counter::TokensOut), 30);
    assert_eq!(count(&record.applied, Countermeasure::Rate, Counter::TokensIn), 5);
    assert_eq!(output_left(&world).await, 970);

    // Without usage: a token for four bytes of text.
    let text = "x".repeat(400);
    world.exchange(asks("alice", None), stream([data(says(&text)), data(DONE)])).await;
    assert_eq!(output_left(&world).await, 870);

    // More than was reserved is a debt.
    world.exchange(asks("alice", None), document(800)).await;
    assert_eq!(output_left(&world).await, 70);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_no_answer_came_of_costs_no_tokens() {
    let plan = "rate = { account = { output_tokens = \"1000 per day\", input_tokens = \"1000 per day\" } }";
    for kind in 0..4 {
        let world = World::new(policy(plan));
        match kind {
            0 => drop(world.exchange(asks("alice", None), failing()).await),
            1 => {
                world.upstream.reply(Reply::Fail);
                let request = asks("alice", None);
                tower::ServiceExt::oneshot(world.defended.clone(), request).await.unwrap_err();
            }
            // Refused by the layer itself after it was admitted.
            2 => {
                let twice = Script::whole(r#"{"model":"m","model":"m"}"#);
                let request = request(caller("alice", None, 0.9), CHAT, twice);
                assert_eq!(world.call(request).await.status(), 400);
            }
            _ => {
                let error = json(r#"{"error":{"message":"overloaded"}}"#);
                world.exchange(asks("alice", None), error).await;
            }
        }
        let record = world.records.only();
        assert_eq!(count(&record.applied, Countermeasure::Rate, Counter::TokensIn), 0, "{kind}");
        assert_eq!(count(&record.applied, Countermeasure::Rate, Counter::TokensOut), 0, "{kind}");
        assert_eq!(output_left(&world).await, 1000, "{kind}");
    }
}

/// What cannot be counted is charged as it was reserved.
#[tokio::test(start_paused = true)]
async fn an_answer_that_was_not_read_costs_what_was_reserved() {
    let world = World::new(policy(OUTPUT));
    let mut answer = json("{}");
    answer.headers_mut().insert("content-encoding", "gzip".parse().unwrap());
    let body = Script::whole(r#"{"model":"m"}"#);
    world.exchange(request(caller("alice", None, 0.9), CHAT, body), answer).await;
    assert_eq!(output_left(&world).await, 600);
}

/// Fails when `Guard::progress` does not charge.
#[tokio::test(start_paused = true)]
async fn a_stream_weighs_on_the_next_admission_before_it_ends() {
    let world = World::new(policy(OUTPUT));
    let step = says(&"x".repeat(2000));
    world.upstream.answer(stream([data(&step), Step::Hang]));
    let mut answer = world.call(asks("alice", None)).await;
    assert_eq!(output_left(&world).await, 600);
    assert_eq!(next_text(&mut answer).await, step);
    assert_eq!(output_left(&world).await, 500);
    // A cancelled stream has used what it has sent.
    drop(answer);
    assert_eq!(output_left(&world).await, 500);
}

/// Reasoning that is withheld is used all the same, and also while nothing goes out.
#[tokio::test(start_paused = true)]
async fn withheld_reasoning_weighs_on_the_next_admission_at_once() {
    let plan = format!("{OUTPUT}\n{WITHHOLD}");
    let world = World::new(policy(&plan));
    world.upstream.answer(stream([data(thinks(&"x".repeat(2000))), Step::Hang]));
    let mut answer = world.call(asks("alice", None)).await;
    let pending = tokio::time::timeout(Duration::from_secs(1), next(&mut answer)).await;
    assert!(pending.is_err());
    assert_eq!(output_left(&world).await, 500);
}

/// Fails when the fields are computed from the enforced limits.
#[tokio::test(start_paused = true)]
async fn rate_limit_fields_are_of_the_advertised_limits_only() {
    let world = World::new(policy(
        "rate = { account = { requests = \"2 per hour\" }, advertised = { requests = \"100 per minute\" } }",
    ));
    for left in [99, 98] {
        world.upstream.answer(json("{}"));
        let answer = world.call(asks("alice", None)).await;
        assert_eq!(answer.headers()["ratelimit-policy"], "\"default\";q=100;w=60");
        let state = answer.headers()["ratelimit"].to_str().unwrap();
        assert!(state.starts_with(&format!("\"default\";r={left};t=")), "{state}");
    }
    let answer = world.call(asks("alice", None)).await;
    assert_eq!(answer.status(), 429);
    assert!(answer.headers()["ratelimit"].to_str().unwrap().starts_with("\"default\";r=98;"));

    let world = World::new(policy("rate = { account = { requests = \"2 per hour\" } }"));
    world.upstream.answer(json("{}"));
    let answer = world.call(asks("alice", None)).await;
    assert!(!answer.headers().keys().any(|name| name.as_str().contains("ratelimit")));
}

/// Fails when `drop_usage_event` is forgotten, or drops what the client has asked for.
#[tokio::test(start_paused = true)]
async fn usage_is_asked_for_and_shown_only_to_who_asked_for_it() {
    let world = World::new(policy(OUTPUT));
    let sent = || stream([data(says("a")), data(STOP), data(usage(5, 7, 0)), data(DONE)]);
    let read = world.exchange(asks("alice", None), sent()).await;
    assert_eq!(read.text(), says("a") + STOP + DONE);
    let asked = world.upstream.seen()[0].text();
    assert_eq!(
        asked,
        r#"{"stream_options":{"include_usage":true},"model":"m","messages":[],"stream":true}"#
    );
    let record = world.records.only();
    assert_eq!(count(&record.applied, Countermeasure::Rate, Counter::TokensOut), 7);
    assert!(record.stream);

    let body = r#"{"model":"m","stream":true,"stream_options":{"include_usage":true}}"#;
    let asks = request(caller("alice", None, 0.9), CHAT, Script::whole(body));
    let read = world.exchange(asks, sent()).await;
    assert_eq!(read.text(), says("a") + STOP + &usage(5, 7, 0) + DONE);
    assert_eq!(world.upstream.seen()[0].text(), body);
}

/// Observed limits are charged apart, refuse nobody, and are recorded as observed.
#[tokio::test(start_paused = true)]
async fn an_observed_limit_refuses_nobody_and_is_recorded_as_observed() {
    let plan =
        "rate = { account = { requests = \"1 per hour\", output_tokens = \"1000 per day\" } }";
    let world = World::new(policy_with("observe", "", plan));
    for would_refuse in [0, 1] {
        assert_eq!(status(&world, asks("alice", None)).await, 200);
        let record = world.records.all().pop().unwrap();
        assert!(record.applied.is_empty(), "{:?}", record.applied);
        let refused = count(&record.observed, Countermeasure::Rate, Counter::RequestsRefused);
        assert_eq!(refused, would_refuse);
    }
}

#[tokio::test(start_paused = true)]
async fn an_observed_token_limit_tells_when_it_would_have_refused() {
    let plan =
        "rate = { account = { output_tokens = \"1000 per day\" }, reserve_output_tokens = 600 }";
    let world = World::new(policy_with("observe", "", plan));
    let used = r#"{"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":600}}"#;
    for would_refuse in [0, 1] {
        assert_eq!(world.exchange(asks("alice", None), json(used)).await.text(), used);
        let record = world.records.all().pop().unwrap();
        let refused = count(&record.observed, Countermeasure::Rate, Counter::RequestsRefused);
        assert_eq!(refused, would_refuse);
    }
}

/// Fails when whatever is stated is charged: a server that counts nothing would make every limit endless.
#[tokio::test(start_paused = true)]
async fn a_count_far_below_what_was_said_is_not_believed() {
    let words = "word ".repeat(160);
    for (stated, left) in [(0, 800), (24, 800), (25, 975), (200, 800), (300, 700)] {
        let document = format!(
            r#"{{"choices":[{{"message":{{"content":"{words}"}}}}],"usage":{{"prompt_tokens":5,"completion_tokens":{stated}}}}}"#
        );
        let so_far = |at: usize| says(words.get(..at * 5).unwrap());
        let cumulative: String = (1..=160).map(so_far).collect();
        let counted = STOP.to_owned() + &usage(5, stated, 0) + DONE;
        let deltas: String = ["word word ", "word "].map(says).concat().repeat(53) + &says("word ");
        for (form, answer) in [
            ("document", json(&document)),
            ("all so far", stream([data(cumulative + &counted)])),
            ("deltas", stream([data(deltas + &counted)])),
        ] {
            let world = World::new(policy(OUTPUT));
            world.exchange(asks("alice", None), answer).await;
            assert_eq!(output_left(&world).await, left, "{stated} {form}");
        }
    }
}
