//! Promise 7: memory has bounds, and each bound its outcome.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use guilloche::audit::{Counter, Outcome};
use guilloche::layer::Caps;
use guilloche::policy::Countermeasure;
use http::Request;
use http_body::Body;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::time::Instant;

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

/// Fails when a body that is read has no time limit.
#[tokio::test(start_paused = true)]
async fn a_request_that_trickles_is_refused_in_time() {
    let caps = Caps { request_body_time: Duration::from_secs(30), ..Caps::default() };
    for path in [CHAT, MESSAGES] {
        let world = World::with(policy(WITHHOLD), |builder| builder.caps(caps));
        let trickle = (0..1000).flat_map(|_| [data(" "), wait(5)]);
        let start = Instant::now();
        let answer = world.call(request(suspicious(), path, Script::new(trickle))).await;
        assert_eq!(answer.status(), 408);
        assert_eq!(start.elapsed(), Duration::from_secs(30));
        let text = read(answer.into_body()).await.text();
        assert!(text.contains("the request body took too long"), "{text}");
        assert!(world.upstream.seen().is_empty());
        assert_eq!(world.records.only().outcome, Outcome::Refused);
    }
}

/// Fails when a body is read of which the head tells that a limit is reached.
#[tokio::test(start_paused = true)]
async fn limits_are_asked_before_the_body_is_read() {
    let plan = "rate = { account = { requests = \"2 per hour\" } }";
    let world = World::new(policy(plan));
    for _ in 0..2 {
        // What the head was asked about is not used twice.
        assert_eq!(world.exchange(chat(), json("{}")).await.text(), "{}");
    }
    let body = Script::new([data(ASKS), Step::Hang]);
    let witness = body.witness();
    let answer = world.call(request(suspicious(), CHAT, body)).await;
    assert_eq!((answer.status(), witness.given()), (429.try_into().unwrap(), 0));
    assert!(answer.headers().contains_key("retry-after"));
    let record = world.records.all().pop().unwrap();
    assert_eq!(count(&record.applied, Countermeasure::Rate, Counter::RequestsRefused), 1);
}

const KIB: usize = 1 << 10;

fn upload(account: &str, bytes: usize) -> Request<Script> {
    let body = Script::new([data(" ".repeat(bytes)), Step::Hang]);
    request(caller(account, None, 0.9), CHAT, body)
}

/// Fails when bodies are bounded only one by one, or one caller can take all the room.
#[tokio::test(start_paused = true)]
async fn what_all_requests_hold_is_bounded_and_shared_fairly() {
    let caps = Caps { held: 512 * KIB, held_by_principal: 256 * KIB, ..Caps::default() };
    let world = Arc::new(World::with(policy(WITHHOLD), |builder| builder.caps(caps)));
    let holds = |account: &'static str| {
        let world = Arc::clone(&world);
        tokio::spawn(async move { world.call(upload(account, 120 * KIB)).await.status() })
    };
    let held = [holds("a"), holds("a")];
    tokio::task::yield_now().await;
    assert!(world.layer.handle().held() >= 240 * KIB);
    let answer = world.call(upload("a", 120 * KIB)).await;
    assert_eq!(answer.status(), 503);
    assert_eq!(answer.headers()["retry-after"], "2");
    let text = read(answer.into_body()).await.text();
    assert!(text.contains("\"code\":\"overloaded\""), "{text}");
    let record = world.records.only();
    assert_eq!((record.outcome, record.status), (Outcome::Overloaded, Some(503)));
    // Others have their share, until there is none left.
    let others = [holds("b"), holds("c")];
    tokio::task::yield_now().await;
    assert_eq!(world.call(upload("d", 120 * KIB)).await.status(), 503);
    assert_eq!(world.layer.handle().without_room(), 2);
    held.iter().chain(&others).for_each(|waiting| waiting.abort());
    tokio::task::yield_now().await;
    assert_eq!(world.layer.handle().held(), 0);
    let read = world.exchange(chat(), stream([data(says("a"))])).await;
    assert_eq!(read.text(), says("a"));
    assert_eq!(world.layer.handle().held(), 0);
}

/// A world in which the caller's requests, which are still being sent, have 120 KiB.
async fn crowded(room: usize) -> (Arc<World>, tokio::task::JoinHandle<()>) {
    let caps = Caps { held_by_principal: room, ..Caps::default() };
    let world = Arc::new(World::with(policy(WITHHOLD), |builder| builder.caps(caps)));
    let others = Arc::clone(&world);
    let sending = tokio::spawn(async move {
        let _ = others.call(upload("alice", 120 * KIB)).await;
    });
    tokio::task::yield_now().await;
    (world, sending)
}

fn long_document() -> http::Response<Script> {
    let mut document = json("");
    *document.body_mut() = Script::new([data("{"), data("x".repeat(100 * KIB)), Step::Hang]);
    document
}

fn long_stream() -> http::Response<Script> {
    stream([data(says("a")), data("data: "), data("x".repeat(100 * KIB))])
}

/// Fails when answers are not counted, or what cannot be held ends as if it were complete.
#[tokio::test(start_paused = true)]
async fn an_answer_for_which_there_is_no_room_fails_clearly() {
    let (world, sending) = crowded(200 * KIB).await;
    let broken = world.exchange(chat(), long_stream()).await;
    assert!(broken.failed && broken.text().starts_with(&says("a")), "{}", broken.text());
    assert!(broken.text().contains("\"code\":\"overloaded\""));
    world.upstream.answer(long_document());
    let answer = world.call(chat()).await;
    assert_eq!(answer.status(), 503);
    assert!(answer.headers().contains_key("retry-after"));
    assert!(world.records.all().iter().all(|record| record.outcome == Outcome::Overloaded));
    sending.abort();
    let _ = sending.await;
    assert_eq!(world.layer.handle().held(), 0);
}

/// Fails when a client is told to ask again for what no emptiness would hold.
#[tokio::test(start_paused = true)]
async fn what_is_longer_than_all_a_caller_may_have_is_not_to_be_asked_for_again() {
    let caps = Caps { held_by_principal: 64 * KIB, ..Caps::default() };
    let world = World::with(policy(WITHHOLD), |builder| builder.caps(caps));
    let broken = world.exchange(chat(), long_stream()).await;
    assert!(broken.failed && broken.text().starts_with(&says("a")), "{}", broken.text());
    assert!(broken.text().contains("\"code\":\"bad_gateway\""), "{}", broken.text());
    world.upstream.answer(long_document());
    let answer = world.call(chat()).await;
    assert_eq!(answer.status(), 502);
    assert!(!answer.headers().contains_key("retry-after"));
    assert_eq!(answer.headers()["x-should-retry"], "false");
    assert!(world.records.all().iter().all(|record| record.outcome == Outcome::UpstreamError));
    world.upstream.seen();
    let long = request(suspicious(), CHAT, Script::new([data(" ".repeat(100 * KIB)), Step::Hang]));
    assert_eq!(world.call(long).await.status(), 413);
    assert_eq!(world.layer.handle().held(), 0);
}

/// Fails when a long event is forgotten, or let go of whole, once it has been rewritten: a server
/// keeps what it is given until its client has read it.
#[tokio::test(start_paused = true)]
async fn a_long_event_counts_until_its_client_has_read_it() {
    let world = World::new(policy(WITHHOLD));
    let long = "x".repeat(600 * KIB);
    let steps = [data(says(&long)), data(says("b")), data(": ping\n\n"), Step::Hang];
    world.upstream.answer(stream(steps));
    let mut answer = world.call(chat()).await;
    let held = || world.layer.handle().held();
    let mut text = next_text(&mut answer).await;
    let first = text.len();
    assert!((1..=64 * KIB).contains(&first), "{first}");
    assert!(held() >= 600 * KIB - first, "{}", held());
    while text.len() < says(&long).len() {
        text += &next_text(&mut answer).await;
    }
    assert_eq!(text, says(&long));
    // The first piece is kept until the second shows that they are deltas.
    assert_eq!(next_text(&mut answer).await, says("b"));
    assert_eq!(next_text(&mut answer).await, ": keep-alive\n\n");
    assert!(held() < 64 * KIB, "{}", held());
}

/// Fails when memory that the next event may need, or a text that may come again, is kept uncounted: a
/// few hundred streams of one long event each then take four times of what may be held.
#[tokio::test(start_paused = true)]
async fn a_stream_that_goes_on_counts_what_it_keeps_of_a_long_event() {
    // What is silent for long says that it lives.
    const PING: &str = ": keep-alive\n\n";
    let long = |text: &str| data(says(&text.repeat(300 * KIB / text.len())));
    let caps = Caps { held_by_principal: 1024 * KIB, ..Caps::default() };
    let world = World::with(policy(WITHHOLD), |builder| builder.caps(caps));
    let mut open = Vec::new();
    let mut failed = 0;
    for _ in 0..8 {
        world.upstream.answer(stream([long("text "), data(says("b")), data(PING), Step::Hang]));
        let mut answer = world.call(chat()).await;
        let mut text = String::new();
        while !text.ends_with(PING) && !text.contains("overloaded") {
            text += &next_text(&mut answer).await;
        }
        failed += usize::from(text.contains("overloaded"));
        open.push(answer);
    }
    // The second piece has shown that the texts are deltas: nothing is kept of them any more.
    assert_eq!(failed, 0);
    open.clear();
    for _ in 0..8 {
        world.upstream.answer(stream([long("text "), data(PING), Step::Hang]));
        let mut answer = world.call(chat()).await;
        let mut text = String::new();
        while !text.ends_with(PING) && !text.contains("overloaded") {
            text += &next_text(&mut answer).await;
        }
        failed += usize::from(text.contains("overloaded"));
        open.push(answer);
    }
    assert!(failed >= 4, "{failed}");
}

/// Fails when texts are told apart, and counted, that nobody edits.
#[tokio::test(start_paused = true)]
async fn an_answer_of_many_parts_passes_where_only_side_channels_are_closed() {
    let part = |index: usize| {
        let details = format!(r#"[{{"type":"reasoning.text","index":{index},"text":"a"}}]"#);
        let delta = format!(r#"{{"reasoning_details":{details}}}"#);
        format!("data: {{\"choices\":[{{\"index\":{index},\"delta\":{delta}}}]}}\n\n")
    };
    let events: String = (0..3000).map(part).collect();
    let world = World::new(policy("side_channels = { max_choices = 128 }"));
    let read = world.exchange(chat(), stream([data(&events)])).await;
    assert!(!read.failed && read.text() == events);
    let choices: Vec<String> = (0..3000)
        .map(|at| format!(r#"{{"index":{at},"message":{{"content":"a"}},"finish_reason":"stop"}}"#))
        .collect();
    let document = format!(r#"{{"choices":[{}]}}"#, choices.join(","));
    assert_eq!(world.exchange(chat(), json(&document)).await.text(), document);
}

/// How often the way from a request to the end of its answer let others have their turn, and the text.
async fn turns(world: &World, answer: http::Response<Script>) -> (usize, String) {
    world.upstream.answer(answer);
    let mut turns = 0;
    let mut call = Box::pin(world.call(chat()));
    let mut answer = poll_fn(|context| {
        let polled = call.as_mut().poll(context);
        turns += usize::from(polled.is_pending());
        polled
    })
    .await;
    let mut text = Vec::new();
    loop {
        let body = answer.body_mut();
        let frame = poll_fn(|context| {
            let polled = Pin::new(&mut *body).poll_frame(context);
            turns += usize::from(polled.is_pending());
            polled
        });
        let Some(frame) = frame.await else { break };
        text.extend_from_slice(&frame.unwrap().into_data().unwrap());
    }
    (turns, String::from_utf8(text).unwrap())
}

/// Fails when a long answer is rewritten in one go: meanwhile its worker would serve nobody else.
#[tokio::test(start_paused = true)]
async fn a_long_answer_is_rewritten_in_turns() {
    let text = "twelve and a half, caf\u{e9}. ".repeat(80_000);
    let thoughts = "so ".repeat(100_000);
    let message = format!(r#"{{"reasoning_content":"{thoughts}","content":"{text}"}}"#);
    let document = format!(r#"{{"choices":[{{"index":0,"message":{message}}}]}}"#);
    let world = World::new(policy(WITHHOLD));
    let (document_turns, read) = turns(&world, json(&document)).await;
    assert_eq!(read, document.replace(&thoughts, ""));
    assert!(document_turns >= text.len() / (64 * KIB), "{document_turns} turns");

    let events: String = (0..4000).map(|_| says(&"word ".repeat(100))).collect();
    let (event_turns, read) = turns(&world, stream([data(&events)])).await;
    assert_eq!(read, events);
    assert!(event_turns >= events.len() / (128 * KIB), "{event_turns} turns");
}

/// Fails when a turn is given by waking: the runtime then looks at no socket for dozens of turns.
#[tokio::test]
async fn the_sockets_of_others_are_seen_between_the_turns_of_a_long_answer() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (mut peer, _) = listener.accept().unwrap();
    let slices = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&slices);
    let other = tokio::spawn(async move {
        stream.read_exact(&mut [0]).await.unwrap();
        seen.load(Ordering::Relaxed)
    });
    let text = "twelve and a half. ".repeat(100_000);
    let thoughts = "so ".repeat(50_000);
    let message = format!(r#"{{"reasoning_content":"{thoughts}","content":"{text}"}}"#);
    let world = World::new(policy(WITHHOLD));
    world.upstream.answer(json(format!(r#"{{"choices":[{{"index":0,"message":{message}}}]}}"#)));
    let turns = Arc::clone(&slices);
    let edited = tokio::spawn(async move {
        let mut answer = Box::pin(async move { read(world.call(chat()).await.into_body()).await });
        poll_fn(|context| {
            let polled = answer.as_mut().poll(context);
            // What the other waits for has come when the edit is under way.
            if turns.fetch_add(1, Ordering::Relaxed) == 2 {
                std::io::Write::write_all(&mut peer, b"x").unwrap();
            }
            polled.map(drop)
        })
        .await;
    });
    edited.await.unwrap();
    let turns = slices.load(Ordering::Relaxed);
    assert!(turns > 20, "{turns} turns");
    let seen = other.await.unwrap();
    assert!(seen < 10, "seen at turn {seen} of {turns}");
}

/// A picture, a recording or a file is longer than any text, and no text.
#[tokio::test(start_paused = true)]
async fn long_data_passes_the_caps_and_long_text_does_not() {
    let caps = Caps { event: 64 * KIB, document: 64 * KIB, ..Caps::default() };
    let long = "iVBORw0K/+A9".repeat(50 * KIB);
    let url = format!("data:image/png;base64,{long}");
    let image = format!(
        r#""content":"","images":[{{"type":"image_url","image_url":{{"url":"{url}"}}}}],"logprob":1"#
    );
    let pdf = format!(
        r#","index":1,"content_block":{{"type":"web_fetch_tool_result","content":{{"source":{{"type":"base64","data":"{long}"}}}}}}"#
    );
    let document = format!(r#"{{"choices":[{{"index":0,"message":{{{image}}}}}]}}"#);
    let emptied = |text: &str| text.replace("\"logprob\":1", "\"logprob\":null");
    for grade in ["side_channels = {}", "side_channels = {}\nreasoning = { keep = \"none\" }"] {
        let world = World::with(policy(grade), |builder| builder.caps(caps));
        let sent = delta(&image) + &says("b");
        for piece in [usize::MAX, 1000] {
            let pieces: Vec<Step> = sent.as_bytes().chunks(piece).map(data).collect();
            let read = world.exchange(chat(), stream(pieces)).await;
            assert!(!read.failed && read.text() == emptied(&sent));
        }
        let sent = event("content_block_start", &pdf);
        let read = world.exchange(messages(), stream([data(&sent)])).await;
        assert!(!read.failed && read.text() == sent);
        let read = world.exchange(chat(), json(&document)).await;
        assert!(!read.failed && read.text() == emptied(&document));
        // Text.
        let text = "It is told. ".repeat(50 * KIB);
        let read = world.exchange(chat(), stream([data(says(&text))])).await;
        assert!(read.failed);
    }
}
