//! Promise 7: memory has bounds, and each bound its outcome.

use guilloche::layer::Caps;

use super::support::*;

/// Fails when the limiter or the pacer keeps every principal.
#[tokio::test(start_paused = true)]
async fn accounts_past_the_cap_share_what_is_left() {
    let caps = Caps { principals: 1000, ..Caps::default() };
    let plan = "rate = { account = { requests = \"5 per hour\" } }\n\
                pace = { tokens_per_second = 100000 }";
    let world = World::with(policy(plan), |builder| builder.caps(caps));
    let mut refused = 0;
    for account in 0..10_000 {
        let request =
            request(caller(&format!("account-{account}"), None, 0.9), CHAT, Script::whole("{}"));
        world.upstream.answer(json("{}"));
        let answer = world.call(request).await;
        if answer.status() == 429 {
            refused += 1;
            let spare = self::request(caller("spare", None, 0.1), CHAT, Script::whole("{}"));
            read(world.call(spare).await.into_body()).await;
        }
        read(answer.into_body()).await;
    }
    world.upstream.seen();
    let occupancy = world.layer.handle().limiter().occupancy();
    assert!(occupancy.subjects <= 1000, "{occupancy:?}");
    assert!((8_000..9_100).contains(&refused), "{refused}");
}

/// Fails when the splitter searches what it holds from the start at each piece, or when pieces are
/// kept apart.
#[tokio::test(start_paused = true)]
async fn an_endless_event_fails_the_stream_at_the_cap() {
    let caps = Caps { event: 64 * 1024, ..Caps::default() };
    let world = World::with(policy(WITHHOLD), |builder| builder.caps(caps));
    let piece = "x".repeat(64);
    let mut steps = vec![data("data: \"")];
    steps.extend((0..10_000).map(|_| data(&piece)));
    let witness = world.upstream.answer(stream(steps));
    let read = read(world.call(chat()).await.into_body()).await;
    assert!(read.failed);
    // What went past the cap was never read.
    assert!(witness.given() <= 1 + 64 * 1024 / 64 + 1, "{}", witness.given());
}

#[tokio::test(start_paused = true)]
async fn a_stream_of_single_bytes_gives_the_same_as_whole() {
    let world = World::new(policy(WITHHOLD));
    let events: String = (0..50).map(|index| thinks("a") + &says(&index.to_string())).collect();
    let pieces = events.bytes().map(|byte| data([byte]));
    let pieced = world.exchange(chat(), stream(pieces)).await;
    let whole = world.exchange(chat(), stream([data(&events)])).await;
    assert_eq!(whole.frames.len(), 1);
    assert_eq!(pieced.text(), whole.text());
}

/// Fails when the request is counted by frames.
#[tokio::test(start_paused = true)]
async fn an_endless_request_is_refused_at_the_cap() {
    let caps = Caps { request_body: 1024, ..Caps::default() };
    let world = World::with(policy(WITHHOLD), |builder| builder.caps(caps));
    let body = Script::new((0..10_000).map(|_| data("x")));
    let witness = body.witness();
    let answer = world.call(request(suspicious(), CHAT, body)).await;
    assert_eq!(answer.status(), 413);
    assert_eq!(witness.given(), 1025);
}

/// A paced stream holds one frame of the upstream's, however much the upstream has.
#[tokio::test(start_paused = true)]
async fn a_paced_stream_holds_one_frame() {
    let world = World::new(policy("pace = { tokens_per_second = 1 }"));
    let witness = world.upstream.answer(stream((0..1000).map(|_| data(says("abcdabcd")))));
    let mut answer = world.call(chat()).await;
    for frames in 1..10 {
        next_text(&mut answer).await;
        assert_eq!(witness.given(), frames);
    }
}
