//! Promise 13: what a stream costs is linear in its bytes, however it says its texts.

use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;

use super::rendered::*;
use super::support::*;

/// The least time of several in which an answer is rewritten. A disturbed one says nothing.
async fn least_time(body: &str) -> Duration {
    let mut least = Duration::MAX;
    for _ in 0..3 {
        let world = World::new(keeping("none"));
        let begun = Instant::now();
        let read = world.exchange(chat(), stream([data(body)])).await;
        least = least.min(begun.elapsed());
        assert!(!read.failed);
    }
    least
}

/// Twice the bytes cost about twice the time, and four times where the cost is the square: then every try
/// takes too long, and not only one beside which the machine did something else.
async fn assert_linear(name: &str, once: &str, twice: &str) {
    let bytes = twice.len() as f64 / once.len() as f64;
    let floor = Duration::from_millis(40);
    let mut tries = Vec::new();
    while tries.len() < 5 {
        let (one, two) = (least_time(once).await, least_time(twice).await);
        if two < one.mul_f64(1.5 * bytes) + floor {
            return;
        }
        tries.push((one, two));
    }
    panic!("{name}: {tries:?} for {bytes} times");
}

/// So many events each of which says all so far.
fn snapshots(member: Member, events: usize, reasons: bool) -> String {
    let text = if reasons { "<think>zqz qqz " } else { "It is " };
    let piece = "seven words that say what comes next. ";
    let whole = text.to_owned() + &piece.repeat(events);
    let pieces: Vec<String> = (1..=events)
        .filter_map(|at| whole.get(..text.len() + at * piece.len()))
        .map(str::to_owned)
        .collect();
    member.pieces(&pieces, "stop")
}

// Break it: keep the pieces and join them anew for each; compare a piece with all that went out.
#[tokio::test]
async fn a_stream_of_snapshots_costs_what_its_bytes_do() {
    for member in [Member::Cumulative, Member::Message] {
        for reasons in [false, true] {
            let (once, twice) = (snapshots(member, 200, reasons), snapshots(member, 400, reasons));
            assert_linear(&format!("{member:?} {reasons}"), &once, &twice).await;
        }
    }
}

/// So many choices, that say something one after the other, often.
fn choices(count: usize, reasons: bool) -> String {
    let chunk = |index: usize, text: &str| {
        let choice = json!({"index": index, "delta": {"content": text}, "finish_reason": null});
        format!("data: {}\n\n", json!({"id": "c", "choices": [choice]}))
    };
    let pieces =
        if reasons { ["<think>", "zqz", "</think>", "12"] } else { ["It", " is", " 12", "."] };
    let rounds = pieces.into_iter().flat_map(|piece| (0..count).map(move |at| (at, piece)));
    rounds.map(|(at, piece)| chunk(at, piece)).collect::<String>() + DONE
}

// Break it: look at every lane for every event.
#[tokio::test]
async fn many_choices_cost_what_their_bytes_do() {
    for reasons in [false, true] {
        let asks = |count: usize| {
            let body = json!({"model": "m", "messages": [], "stream": true, "n": 1000});
            (request(suspicious(), CHAT, Script::whole(body.to_string())), choices(count, reasons))
        };
        let mut least = [Duration::MAX; 2];
        let is_linear = |[few, many]: [Duration; 2]| many < few * 3 + Duration::from_millis(40);
        // A machine that does other things too has a quiet moment at some time.
        for round in 0..20 {
            for (least, count) in least.iter_mut().zip([500, 1000]) {
                let (asks, body) = asks(count);
                let world = World::new(keeping("none"));
                let begun = Instant::now();
                let read = world.exchange(asks, stream([data(&body)])).await;
                *least = begun.elapsed().min(*least);
                assert!(!read.failed && !read.text().contains("zqz"));
            }
            if round >= 4 && is_linear(least) {
                break;
            }
        }
        assert!(is_linear(least), "{reasons}: {least:?}");
    }
}
