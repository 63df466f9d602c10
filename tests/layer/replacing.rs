//! Promise 11: one policy per request, and the next one for the next.

use std::sync::Arc;

use guilloche::policy::Policy;
use guilloche::risk::{Context, FromExtension, Reports, SignedHeader, SigningKey};

use super::support::*;

fn source() -> Box<FromExtension> {
    Box::new(FromExtension::new(Context::new(Arc::new(Reports::default())).unwrap()))
}

fn refusing() -> Policy {
    Policy::parse(
        "other.toml",
        "version = 1\nname = \"other\"\nmode = \"enforce\"\n[[grade]]\nname = \"no\"\nat = 0.2\nrefuse = {}\n",
    )
    .unwrap()
}

/// Fails when the exchange looks at the layer's policy again.
#[tokio::test(start_paused = true)]
async fn a_stream_under_way_keeps_its_policy_and_the_next_request_has_the_new_one() {
    let world = World::new(policy(WITHHOLD));
    let handle = world.layer.handle();
    let (name, revision) = handle.policy();
    assert_eq!(name, "test");
    let steps = [data(thinks("a") + &says("b")), data(thinks("c") + &says("d")), data(DONE)];
    world.upstream.answer(stream(steps));
    let mut answer = world.call(chat()).await;
    assert_eq!(next_text(&mut answer).await, says("b"));

    handle.replace(refusing(), source(), None);
    assert_eq!(handle.policy().0, "other");
    assert_ne!(handle.policy().1, revision);
    assert_eq!(next_text(&mut answer).await, says("d"));
    read(answer.into_body()).await;
    let record = world.records.only();
    assert_eq!((record.policy.name.as_str(), record.policy.revision), ("test", revision));

    // Also a service that was made before.
    assert_eq!(world.call(chat()).await.status(), 403);
    let record = world.records.all().pop().unwrap();
    assert_eq!((record.policy.name.as_str(), record.grade.as_str()), ("other", "no"));
}

/// The request is decided when it arrives, not when its body has.
#[tokio::test(start_paused = true)]
async fn a_request_whose_body_is_under_way_keeps_its_policy() {
    let world = World::new(policy(WITHHOLD));
    let body = Script::new([wait(5), data(ASKS)]);
    world.upstream.answer(stream([data(thinks("a") + &says("b"))]));
    let call = world.call(request(suspicious(), CHAT, body));
    let replace = async { world.layer.handle().replace(refusing(), source(), None) };
    let (answer, ()) = tokio::join!(call, replace);
    assert_eq!(read(answer.into_body()).await.text(), says("b"));
}

#[tokio::test(start_paused = true)]
async fn a_policy_comes_with_its_source() {
    let world = World::new(policy(WITHHOLD));
    let key = SigningKey::new("2026", &[1; 32]).unwrap();
    let signed = SignedHeader::new(Context::new(Arc::new(Reports::default())).unwrap(), vec![key]);
    world.layer.handle().replace(refusing(), Box::new(signed), None);
    // The new source does not look at extensions.
    let read = world.exchange(chat(), stream([data(thinks("a"))])).await;
    assert_eq!(read.text(), thinks("a"));
}

#[tokio::test(start_paused = true)]
async fn rates_that_are_used_stay_used() {
    let limited = || policy("rate = { account = { requests = \"1 per hour\" } }");
    let world = World::new(limited());
    world.exchange(chat(), json("{}")).await;
    world.layer.handle().replace(limited(), source(), None);
    assert_eq!(world.call(chat()).await.status(), 429);
}
