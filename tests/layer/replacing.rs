//! Promise 11: one policy per request, and the next one for the next.

use std::sync::Arc;

use guilloche::audit::Sink;
use guilloche::layer::{Caps, DefenseHandle, DefenseLayer};
use guilloche::policy::Policy;
use guilloche::risk::{Context, FromExtension, Reports, RiskSource, SignedHeader, SigningKey};

use tower::Layer;

use super::support::*;

fn source() -> Box<FromExtension> {
    Box::new(FromExtension::new(Context::new(Arc::new(Reports::default())).unwrap()))
}

/// Replaces policy and source; the rest stays.
fn replace(handle: &DefenseHandle, policy: Policy, source: Box<dyn RiskSource>) {
    let settings = handle.settings(policy).risk(source);
    handle.replace(settings).unwrap();
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

    replace(&handle, refusing(), source());
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
    let replace = async { replace(&world.layer.handle(), refusing(), source()) };
    let (answer, ()) = tokio::join!(call, replace);
    assert_eq!(read(answer.into_body()).await.text(), says("b"));
}

#[tokio::test(start_paused = true)]
async fn a_policy_comes_with_its_source() {
    let world = World::new(policy(WITHHOLD));
    let key = SigningKey::new("2026", &[1; 32]).unwrap();
    let signed = SignedHeader::new(Context::new(Arc::new(Reports::default())).unwrap(), vec![key]);
    replace(&world.layer.handle(), refusing(), Box::new(signed));
    // The new source does not look at extensions.
    let read = world.exchange(chat(), stream([data(thinks("a"))])).await;
    assert_eq!(read.text(), thinks("a"));
}

#[tokio::test(start_paused = true)]
async fn rates_that_are_used_stay_used() {
    let limited = || policy("rate = { account = { requests = \"1 per hour\" } }");
    let world = World::new(limited());
    world.exchange(chat(), json("{}")).await;
    replace(&world.layer.handle(), limited(), source());
    assert_eq!(world.call(chat()).await.status(), 429);
}

/// Fails when a part of what decides is read once for all, or from another snapshot than the rest.
#[tokio::test(start_paused = true)]
async fn all_that_lives_is_replaced_together_and_a_stream_under_way_keeps_all_of_it() {
    let world = World::new(policy(WITHHOLD));
    let handle = world.layer.handle();
    world.upstream.answer(stream([data(says("a")), wait(9), data(says("b"))]));
    let mut under_way = world.call(chat()).await;
    assert_eq!(next_text(&mut under_way).await, says("a"));

    let later = Arc::new(Records::default());
    let caps = Caps { request_body: 8, ..Caps::default() };
    let settings = handle.settings(policy("side_channels = {}"));
    let sink = Arc::clone(&later) as Arc<dyn Sink>;
    handle.replace(settings.audit(sink).caps(caps).secret([8; 32])).unwrap();
    assert_eq!(world.call(chat()).await.status(), 413);
    let new = later.only();
    assert!(world.records.all().is_empty());

    assert_eq!(read(under_way.into_body()).await.text(), says("b"));
    let old = world.records.only();
    assert_ne!(old.policy.revision, new.policy.revision);
    assert_ne!(old.principal, new.principal, "the secret is another");
    assert_eq!(later.all().len(), 1);
}

/// Fails when a process without a configured secret draws another one at a reload.
#[tokio::test(start_paused = true)]
async fn what_is_not_replaced_stays() {
    let sink = Arc::new(Records::default());
    let builder = DefenseLayer::builder(policy(WITHHOLD)).audit(Arc::clone(&sink) as Arc<dyn Sink>);
    let layer = builder.caps(Caps { document: 3, ..Caps::default() }).build().unwrap();
    let upstream = Upstream::default();
    let world = World { defended: layer.layer(upstream.clone()), layer, upstream, records: sink };
    let handle = world.layer.handle();
    for _ in 0..2 {
        let read = world.exchange(chat(), json("{\"choices\":[]}")).await;
        assert!(read.text().contains("error"), "{}", read.text());
        handle.replace(handle.settings(policy(WITHHOLD))).unwrap();
    }
    let records = world.records.all();
    assert_eq!(records.len(), 2);
    assert_eq!(records[0].principal, records[1].principal);
}

/// Fails when the bounds of what all exchanges share are those of the start.
#[tokio::test(start_paused = true)]
async fn bounds_of_what_is_shared_are_replaced_and_what_is_held_counts_against_them() {
    let world = World::new(policy(WITHHOLD));
    let handle = world.layer.handle();
    let unfinished = || Script::new([data([b' '; 40 << 10]), Step::Hang]);
    let mut first = Box::pin(world.call(request(suspicious(), CHAT, unfinished())));
    assert!(futures_util::poll!(&mut first).is_pending());
    let held = handle.held();
    assert!(held >= 40 << 10);
    let caps = Caps { held: held + (16 << 10), ..Caps::default() };
    handle.replace(handle.settings(policy(WITHHOLD)).caps(caps)).unwrap();
    assert_eq!(handle.held(), held);
    let other = caller("bob", None, 0.9);
    assert_eq!(world.call(request(other, CHAT, unfinished())).await.status(), 503);
    drop(first);
    assert_eq!(handle.held(), 0);
}
