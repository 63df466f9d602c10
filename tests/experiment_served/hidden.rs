//! Arms that differ in nothing but what can be hidden cannot be told apart from outside.
//!
//! Somebody who runs an account in each of two arms sends the same probes to both, and trains a
//! classifier on all that is not the text itself: fields and their order, ids, counts, the form of
//! the bytes, times. `GUILLOCHE_PROBES=12000` sends so many pairs, instead of few.

use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use bytes::Bytes;
use guilloche::mark::keys::Keys;
use http::Request;
use http_body_util::BodyExt;
use tokio::time::Instant;

use crate::process::claim;
use crate::stage::Stage;
use crate::support::{HttpClient, client, full, soon};

const CONTROL: &str = "version = 1\nname = \"control\"\nmode = \"enforce\"\n\
    [[grade]]\nname = \"graded\"\nat = 0.5\n\
    reasoning = { keep = \"none\", round_usage = 16 }\n";

/// Another model answers under the same name, its answers are marked, and go out at a pace that they
/// hardly reach.
const OTHER: &str = "version = 1\nname = \"other\"\nmode = \"enforce\"\n\
    [[grade]]\nname = \"graded\"\nat = 0.5\nwatermark = {}\n\
    reasoning = { keep = \"none\", round_usage = 16 }\n\
    downgrade = { models = { \"m\" = \"m-small\" }, disclose = false }\n\
    pace = { tokens_per_second = 20000, shared_by = \"account\" }\n";

/// Numbers that look random and are the same in every run.
struct Draws(u64);

impl Draws {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

/// What a probe shows: a value in a bucket for each thing that is looked at.
type Features = BTreeMap<String, u64>;

/// Wider by a sixth from one to the next, which no wait of a network hides.
fn size(value: u128) -> u64 {
    ((value as f64 + 1.0).ln() * 6.0) as u64
}

/// The form of a text, with what it says left out: letters and digits by kind and number.
fn form(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    let mut last = ' ';
    for character in text.chars() {
        let kind = if character.is_ascii_alphabetic() { 'a' } else { character };
        let goes_on = kind == 'a' && last == 'a';
        if !goes_on && !kind.is_ascii_digit() {
            kind.hash(&mut hasher);
        }
        last = kind;
    }
    hasher.finish()
}

async fn probe(
    http: &HttpClient,
    address: std::net::SocketAddr,
    risk: &str,
    body: &str,
) -> Features {
    let request = Request::post(format!("http://{address}/v1/chat/completions"))
        .header("content-type", "application/json")
        .header("guilloche-risk", risk)
        .body(full(body.to_owned()))
        .unwrap();
    let sent = Instant::now();
    let (head, mut answer) = soon(http.request(request)).await.unwrap().into_parts();
    let mut shown = Features::from([
        ("status".to_owned(), head.status.as_u16().into()),
        ("head after".to_owned(), size(sent.elapsed().as_micros())),
    ]);
    let names: Vec<_> = head.headers.keys().map(|name| name.as_str().to_owned()).collect();
    shown.insert("fields".to_owned(), form(&names.join(" ")));
    for (name, value) in &head.headers {
        shown.insert(format!("field {name}"), form(value.to_str().unwrap_or_default()));
    }
    let (mut pieces, mut first, mut bytes) = (0, None, Vec::<Bytes>::new());
    while let Some(frame) = soon(answer.frame()).await {
        if let Ok(data) = frame.unwrap().into_data() {
            first.get_or_insert_with(|| sent.elapsed());
            pieces += 1;
            bytes.push(data);
        }
    }
    let text = String::from_utf8(bytes.concat()).unwrap();
    shown.insert("pieces".to_owned(), pieces);
    shown.insert("first byte after".to_owned(), size(first.unwrap_or_default().as_micros()));
    shown.insert("last byte after".to_owned(), size(sent.elapsed().as_micros()));
    shown.insert("bytes".to_owned(), size(text.len() as u128));
    for (at, event) in text.split("\n\n").enumerate() {
        let without = event.split("\"content\":\"").next().unwrap_or_default();
        shown.insert(format!("event {at}"), form(without));
        let counts = event.split("\"usage\":").nth(1).unwrap_or_default();
        for (number, count) in counts.split(|it: char| !it.is_ascii_digit()).enumerate() {
            if let Ok(count) = count.parse::<u64>() {
                shown.insert(format!("count {number}"), size(count.into()));
                shown.insert(format!("count {number}, low digits"), count % 16);
            }
        }
    }
    shown
}

/// Naive Bayes with add-one smoothing; the log odds of being of the second kind.
fn trained(probes: &[(Features, bool)]) -> impl Fn(&Features) -> f64 {
    let mut counts: HashMap<(String, u64), [f64; 2]> = HashMap::new();
    let mut kinds = [0.0; 2];
    for (features, other) in probes {
        kinds[usize::from(*other)] += 1.0;
        for (name, value) in features {
            counts.entry((name.clone(), *value)).or_insert([1.0; 2])[usize::from(*other)] += 1.0;
        }
    }
    move |features| {
        let odds = |(name, value): (&String, &u64)| {
            let [one, other] = counts.get(&(name.clone(), *value)).copied().unwrap_or([1.0; 2]);
            (other / kinds[1]).ln() - (one / kinds[0]).ln()
        };
        features.iter().map(odds).sum()
    }
}

/// The chance that a probe of the second kind has the larger score.
fn area(scores: &mut [(f64, bool)]) -> f64 {
    scores.sort_by(|one, other| one.0.total_cmp(&other.0));
    let (mut rank, mut sum, mut others) = (0.0, 0.0, 0.0);
    for tied in scores.chunk_by(|one, other| one.0 == other.0) {
        let middle = rank + (tied.len() as f64 + 1.0) / 2.0;
        let of_second = tied.iter().filter(|it| it.1).count() as f64;
        (sum, others) = (sum + middle * of_second, others + of_second);
        rank += tied.len() as f64;
    }
    let ones = rank - others;
    (sum - others * (others + 1.0) / 2.0) / (ones * others)
}

/// A stream of a model with a mind of its own: other words, counts and a wait for each.
fn answers() -> impl Fn() -> crate::support::BoxBody + Clone {
    let prose = std::fs::read_to_string("tests/fixtures/prose/rust-book.txt").unwrap();
    let sentences: Vec<String> = prose
        .split(". ")
        .filter(|it| (40..200).contains(&it.len()) && !it.contains(['"', '\\', '\n']))
        .map(str::to_owned)
        .collect();
    let draws = std::sync::Arc::new(std::sync::Mutex::new(Draws(0x5DEE_CE66D)));
    let sentences = std::sync::Arc::new(sentences);
    move || {
        let mut draws = draws.lock().unwrap();
        let mut say = |member: &str| {
            let said = &sentences[draws.below(sentences.len() as u64) as usize];
            format!(
                "data: {{\"id\":\"chatcmpl-1\",\"model\":\"MODEL\",\"choices\":[{{\"index\":0,\"delta\":\
                 {{\"{member}\":\"{said}. \"}},\"finish_reason\":null}}]}}\n\n"
            )
        };
        let mut events = vec![say("reasoning_content")];
        events.extend((0..4).map(|_| say("content")));
        let (input, output, thought) =
            (10 + draws.below(90), 60 + draws.below(60), 10 + draws.below(40));
        events.push(format!(
            "data: {{\"id\":\"chatcmpl-1\",\"model\":\"MODEL\",\"choices\":[],\"usage\":{{\"prompt_tokens\":{input},\
             \"completion_tokens\":{output},\"completion_tokens_details\":{{\"reasoning_tokens\":{thought}}}}}}}\n\n"
        ));
        events.push("data: [DONE]\n\n".to_owned());
        let wait = Duration::from_micros(draws.below(4_000));
        let stream = futures_util::stream::unfold(
            (events.into_iter(), Some(wait)),
            async |(mut left, wait)| {
                if let Some(wait) = wait {
                    tokio::time::sleep(wait).await;
                }
                // One by one, as servers send them.
                tokio::task::yield_now().await;
                let event = left.next()?;
                Some((Ok(http_body::Frame::data(Bytes::from(event))), (left, None)))
            },
        );
        http_body_util::StreamBody::new(stream).boxed_unsync()
    }
}

// Break it: count the answers of one arm only, or give one of them another model's name.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_has_an_account_in_each_arm_cannot_tell_which_is_which() {
    let pairs = std::env::var("GUILLOCHE_PROBES").map_or(600, |it| it.parse().unwrap());
    let stage = Stage::answering(CONTROL, OTHER, "", answers()).await;
    let keys = stage.directory.path("keys");
    Keys::from_master(&[7; 32], jiff::Timestamp::now()).create(&keys).unwrap();
    let replica = stage.marking_replica("one", &keys.display().to_string()).await;
    // Which arm an account is in is known to the operator alone.
    let (mut one, mut other) = (None, None);
    for number in 0..40 {
        let account = format!("acct-{number}");
        replica.ask((&account, None), 0.9).await;
    }
    for exposure in replica.exposures() {
        let place = if exposure.arm == "control" { &mut one } else { &mut other };
        place.get_or_insert(exposure.principal.account);
    }
    let key =
        guilloche::audit::AuditKey::of_deployment(&guilloche::secret::Secret::new([0x7c; 32]));
    let account = |hash| {
        (0..40)
            .map(|number| format!("acct-{number}"))
            .find(|name| Some(key.principal(name, None, None).account) == hash)
            .unwrap()
    };
    let accounts = [account(one), account(other)];
    let risks = accounts.each_ref().map(|it| claim(it, None, 0.9).serialize().unwrap());
    let http = client(false);
    let mut draws = Draws(0x9E37_79B9);
    let mut probes = Vec::new();
    for _ in 0..pairs {
        let words = draws.below(1000);
        let body = format!(
            "{{\"model\":\"m\",\"stream\":true,\"messages\":[{{\"role\":\"user\",\"content\":\"probe {words}\"}}]}}"
        );
        let first = draws.below(2) == 1;
        for other in [first, !first] {
            let risk = &risks[usize::from(other)];
            probes.push((probe(&http, replica.running.address, risk, &body).await, other));
        }
    }
    let (training, held_out) = probes.split_at(probes.len() / 2);
    let score = trained(training);
    let mut scores: Vec<_> = held_out.iter().map(|(it, other)| (score(it), *other)).collect();
    let area = area(&mut scores);
    println!("area {area:.3} with {pairs} pairs");
    // What tells most, by itself.
    let names: Vec<&String> = probes[0].0.keys().collect();
    for name in names {
        let only = |it: &(Features, bool)| {
            let value = it.0.get(name).copied().unwrap_or_default();
            (Features::from([(name.clone(), value)]), it.1)
        };
        let training: Vec<_> = training.iter().map(only).collect();
        let score = trained(&training);
        let mut scores: Vec<_> =
            held_out.iter().map(only).map(|(it, other)| (score(&it), other)).collect();
        let alone = self::area(&mut scores);
        assert!(alone < 0.56 + 2.0 / (held_out.len() as f64).sqrt(), "{name}: {alone:.3}");
    }
    // Chance alone spreads it by about 0.6 over the root of the probes.
    let bound = 0.55 + 1.2 / (held_out.len() as f64).sqrt();
    assert!(area < bound, "told apart: area {area:.3} with {pairs} pairs");
    if pairs >= 12_000 {
        assert!(area <= 0.55, "told apart: area {area:.3} with {pairs} pairs");
    }
    replica.stop().await;
}
