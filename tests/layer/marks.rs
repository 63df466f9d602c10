//! Marked answers: who is marked, with whose keys, what is said of it, and that no text waits long.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use guilloche::audit::{Counter, Outcome, Record};
use guilloche::countermeasure::watermark::{Carrier, CarrierSetting, Carriers, Marks, Sglang};
use guilloche::experiment::{Experiment, Experiments, RunSettings};
use guilloche::mark::cell::Roles;
use guilloche::mark::keys::{ArmMark, Keys, Recipient, Scheme};
use guilloche::mark::ledger::{Entry, Event, LedgerWriter};
use guilloche::mark::lexical::Rewriter;
use guilloche::mark::lexicon::Lexicon;
use guilloche::policy::Countermeasure;
use guilloche::risk::{Assessment, Context, FromExtension, Reports, Risk, UnknownReason};

use super::support::*;

const MARK: &str = "watermark = {}";

/// English in which the marks exchange words.
pub(super) const ANSWER: &str = "It's one of the tools that you can use. For example, it does not need any \
    oil. However, it is important to note that they are big, and you do not have to use all of \
    them. In addition, there is a way to do that. For instance, you cannot start until it is done. \
    You may also want to make sure that the blades are not too old, because it is easy to break \
    one that has been used for several years. They should be kept in a dry place, and \
    you should not lend them to people who do not know how to use them.";

fn keys() -> Keys {
    Keys::from_master(&[7; 32], jiff::Timestamp::UNIX_EPOCH).with_scheme(Scheme::Coins)
}

fn marking() -> World {
    marking_with(MARK)
}

fn marking_with(plan: &str) -> World {
    World::with(policy(plan), |builder| builder.marks(Marks::new(keys())))
}

/// Oracle: the text through the rewriter at once, its sites, and those at which a word changed.
fn marked(account: &str, cluster: Option<&str>, strength: f64) -> (String, u64, u64) {
    marked_for(&keys(), Recipient { tenant: "", account, cluster, arm: None }, strength)
}

fn marked_for(keys: &Keys, caller: Recipient<'_>, strength: f64) -> (String, u64, u64) {
    let roles = Arc::new(Roles::new(keys.master(), Lexicon::english().cells()));
    let marking = keys.marking(&roles, keys.current(), caller, strength);
    let mut rewriter = Rewriter::new(Lexicon::english(), &marking);
    let mut out = String::new();
    rewriter.push(ANSWER, &mut out);
    rewriter.finish(false, &mut out);
    (out, rewriter.sites(), rewriter.flips())
}

fn document() -> String {
    format!(r#"{{"choices":[{{"message":{{"content":"{ANSWER}"}},"finish_reason":"stop"}}]}}"#)
}

/// The content of a document, or of a stream's events.
fn content(body: &str) -> String {
    let pieces = body.split("\"content\":\"").skip(1);
    pieces.map(|rest| rest.split_once('"').unwrap().0).collect()
}

fn events() -> String {
    let pieces: Vec<&str> = ANSWER.split_inclusive(' ').collect();
    pieces.iter().map(|piece| says(piece)).collect::<String>() + STOP + DONE
}

fn counted(record: &Record, counter: Counter) -> u64 {
    count(&record.applied, Countermeasure::Watermark, counter)
}

fn carrier(record: &Record) -> Option<Carrier> {
    record.applied.iter().find_map(|applied| applied.carrier)
}

/// Promises 3 and 10. Fails when the record counts events, or what was configured.
#[tokio::test(start_paused = true)]
async fn the_record_says_how_many_sites_carry_the_mark_and_how_many_words_changed() {
    let (text, sites, flips) = marked("alice", Some("hydra"), 1.0);
    assert!(flips > 2 && sites > flips, "{flips} of {sites}");
    for stream_too in [false, true] {
        let world = marking();
        let answer = if stream_too { stream([data(events())]) } else { json(document()) };
        let read = world.exchange(chat(), answer).await;
        assert_eq!(content(&read.text()), text);
        let record = world.records.only();
        assert_eq!(
            (counted(&record, Counter::Sites), counted(&record, Counter::WordsChanged)),
            (sites, flips)
        );
        assert_eq!(carrier(&record), Some(Carrier::Lexical));
        assert_eq!(record.applied.len(), 1, "events that wait for a word are not dropped");
        let line = serde_json::to_string(&record).unwrap();
        let expected = format!(
            r#""applied":[{{"countermeasure":"watermark","carrier":"lexical","counts":{{"sites":{sites},"words_changed":{flips}}}}}]"#
        );
        assert!(line.contains(&expected), "{line}");
    }
}

/// Promise 10. Fails when the record is made of the policy.
#[tokio::test(start_paused = true)]
async fn nothing_is_claimed_where_nothing_was_marked() {
    let no_keys = World::new(policy(MARK));
    let observed = World::with(policy("watermark = { mode = \"observe\" }"), |builder| {
        builder.marks(Marks::new(keys()))
    });
    let faint = marking_with("watermark = { strength = 0.001 }");
    for world in [no_keys, observed, faint] {
        let read = world.exchange(chat(), stream([data(events())])).await;
        assert_eq!(read.text(), events());
        assert_eq!(world.records.only().applied, []);
    }
    // An answer without a site, one that the upstream refused, one that a program reads.
    let world = marking();
    let structured =
        r#"{"model":"m","messages":[],"stream":true,"response_format":{"type":"json_object"}}"#;
    let structured = request(suspicious(), CHAT, Script::whole(structured));
    let mut failed = json(document());
    *failed.status_mut() = http::StatusCode::BAD_REQUEST;
    let wordless = r#"{"choices":[{"message":{"content":"42"},"finish_reason":"stop"}]}"#;
    for (request, answer) in
        [(chat(), json(wordless)), (chat(), failed), (structured, json(document()))]
    {
        world.exchange(request, answer).await;
        let record = world.records.all().pop().unwrap();
        assert_eq!(record.applied, []);
    }
}

/// Promise 1. Fails when marks are made for whoever comes.
#[tokio::test(start_paused = true)]
async fn whoever_reaches_no_grade_gets_the_upstreams_bytes() {
    let unknown = Assessment { risk: Risk::Unknown(UnknownReason::Expired), ..suspicious() };
    for caller in [caller("alice", None, 0.2), unknown] {
        let world = marking();
        let frames: Vec<String> = events().split_inclusive("\n\n").map(str::to_owned).collect();
        let request = request(caller, CHAT, Script::whole(ASKS));
        let read = world.exchange(request, stream(frames.iter().map(data))).await;
        assert_eq!(read.frames, frames);
    }
}

/// Fails when the strength is the policy's and not the score's, or the account's and not the
/// cluster's keys mark a linked account.
#[tokio::test(start_paused = true)]
async fn the_score_sets_the_strength_and_the_principal_the_keys() {
    let plan = "watermark = { strength = { min = 0.2, max = 1.0 } }";
    let world = marking_with(plan);
    let mut answers = Vec::new();
    for (account, cluster, score, strength) in [
        ("a", None, 0.5, 0.2),
        ("a", None, 0.75, 0.6),
        ("a", None, 1.0, 1.0),
        ("b", None, 1.0, 1.0),
        ("a", Some("h"), 1.0, 1.0),
        ("b", Some("h"), 1.0, 1.0),
    ] {
        let request = request(caller(account, cluster, score), CHAT, Script::whole(ASKS));
        let read = world.exchange(request, json(document())).await;
        let (text, ..) = marked(account, cluster, strength);
        assert_eq!(content(&read.text()), text, "{account} {cluster:?} {score}");
        answers.push(text);
    }
    assert_ne!(answers[2], answers[3], "two accounts are told apart");
    assert_ne!(answers[0], answers[2], "a weak mark is no strong one");
}

/// Promise 11. Fails when an exchange looks for the marks of the moment.
#[tokio::test(start_paused = true)]
async fn a_stream_under_way_keeps_its_keys() {
    let world = marking();
    let frames: Vec<String> = events().split_inclusive("\n\n").map(str::to_owned).collect();
    world.upstream.answer(stream(frames.iter().map(data)));
    let answer = world.call(chat()).await;
    let source = FromExtension::new(Context::new(Arc::new(Reports::default())).unwrap());
    let other = Marks::new(
        Keys::from_master(&[8; 32], jiff::Timestamp::UNIX_EPOCH).with_scheme(Scheme::Coins),
    );
    let handle = world.layer.handle();
    let settings = handle.settings(policy(MARK)).risk(source);
    handle.replace(settings.marks(other)).unwrap();
    let (text, ..) = marked("alice", Some("hydra"), 1.0);
    assert_eq!(content(&read(answer.into_body()).await.text()), text);
    let next = world.exchange(chat(), json(document())).await.text();
    assert_ne!(content(&next), text);
}

/// Promise 4. Fails when the timer is left out, or moved with every event.
#[tokio::test(start_paused = true)]
async fn a_word_that_waits_to_be_marked_leaves_when_the_upstream_falls_silent() {
    let world = marking();
    let milliseconds = Duration::from_millis;
    let steps = [
        data(says("It is one of the tools. For exam")),
        Step::Wait(milliseconds(100)),
        data(says("ple, you can. For exam")),
        Step::Wait(milliseconds(400)),
        data(says("ple, do it.")),
        data(STOP),
    ];
    let read = world.exchange(chat(), stream(steps)).await;
    let text = read.text();
    let times: Vec<u128> = read.times.iter().map(Duration::as_millis).collect();
    // At once; at the second event; the rest of it 150 ms later; then at the third.
    assert_eq!(times.len(), 4 + usize::from(times.len() > 4), "{times:?} {text}");
    assert_eq!((times[0], times[1]), (0, 100), "{text}");
    assert!((250..=260).contains(&times[2]), "{times:?} {text}");
    let flushed = String::from_utf8(read.frames[2].to_vec()).unwrap();
    assert_eq!(flushed, says("For exam"), "an event of the lane's own: {text}");
    assert!(content(&text).ends_with("For example, do it."), "what left as it was stays: {text}");
    assert_eq!(content(&text).matches("one of the tools").count(), 1);
}

/// Fails when what the reasoning editor holds leaves with it.
#[tokio::test(start_paused = true)]
async fn silence_lets_nothing_go_that_is_withheld() {
    let world =
        marking_with("watermark = {}\nreasoning = { keep = { share = 0.5 }, signed = \"seal\" }");
    let steps = [
        data(thinks("One two. Three four. ")),
        data(says("<thi")),
        wait(10),
        data(says("s one")),
        data(STOP),
    ];
    let read = world.exchange(chat(), stream(steps)).await;
    let early: Vec<&bytes::Bytes> = read
        .frames
        .iter()
        .zip(&read.times)
        .filter(|(_, time)| time.as_secs() < 10)
        .map(|(frame, _)| frame)
        .collect();
    let early = String::from_utf8(early.into_iter().flatten().copied().collect()).unwrap();
    assert!(!early.contains("Three") && !early.contains("<thi"), "{early}");
    assert_eq!(content(&read.text()), "<this one");
}

/// Fails when the timer runs while nothing waits to be marked.
#[tokio::test(start_paused = true)]
async fn a_silent_stream_is_not_woken_for_nothing() {
    for (plan, text, most) in [(MARK, "12. ", 2), (WITHHOLD, "For exam", 2)] {
        let world = marking_with(plan);
        world.upstream.answer(stream([data(says(text)), Step::Hang]));
        let mut answer = world.call(chat()).await;
        next_text(&mut answer).await;
        let polled = AtomicUsize::new(0);
        let waiting = async {
            let mut body = std::pin::Pin::new(answer.body_mut());
            std::future::poll_fn(|context| {
                polled.fetch_add(1, Ordering::Relaxed);
                http_body::Body::poll_frame(body.as_mut(), context)
            })
            .await
        };
        let silent = tokio::time::timeout(Duration::from_secs(10), waiting).await;
        assert!(silent.is_err(), "{plan}");
        assert!(polled.into_inner() <= most, "{plan}");
    }
}

/// A mark in the server's own sampler is asked for, recorded, and the text left alone.
#[tokio::test(start_paused = true)]
async fn an_answer_that_its_server_marks_is_not_edited_too() {
    let directory = Directory::new("in-generation");
    let ledger = directory.ledger();
    let carriers =
        Carriers::new(vec![CarrierSetting::Sglang(Sglang::default()), CarrierSetting::Lexical]);
    let world = World::with(policy(MARK), |builder| {
        builder.marks(Marks::new(keys()).carriers(carriers).ledger(Arc::clone(&ledger)))
    });
    let asks = r#"{"model":"m","messages":[],"watermark":{"enabled":false}}"#;
    let request = request(suspicious(), CHAT, Script::whole(asks));
    let read = world.exchange(request, json(document())).await;
    assert_eq!(read.text(), document());
    let sent = world.upstream.seen()[0].text();
    assert!(sent.contains("\"watermark\":{\"enabled\":true,\"key\":\""), "{sent}");
    let record = world.records.only();
    assert_eq!(carrier(&record), Some(Carrier::Sglang));
    assert!(counted(&record, Counter::FieldsSet) >= 1);
    assert_eq!(counted(&record, Counter::FieldsStripped), 1);
    assert_eq!(counted(&record, Counter::Sites), 0);
    assert!(ledger.flush(PATIENCE));
    let issued = directory.entries().pop().unwrap();
    assert!(
        matches!(issued.event, Event::Issued { carrier: Some(name), sites: 0, .. } if name == "sglang")
    );
}

/// Fails when an answer is noted that was not marked, a link is not noted, or counts are invented.
#[tokio::test(start_paused = true)]
async fn the_ledger_has_what_was_issued_to_whom() {
    let directory = Directory::new("issued");
    let ledger = directory.ledger();
    let world = World::with(policy(MARK), |builder| {
        builder.marks(Marks::new(keys()).ledger(Arc::clone(&ledger)))
    });
    let mut expected = (0, 0);
    for _ in 0..3 {
        let request = request(caller("a", None, 0.9), CHAT, Script::whole(ASKS));
        world.exchange(request, json(document())).await;
        let (_, sites, flips) = marked("a", None, 1.0);
        expected = (expected.0 + sites, expected.1 + flips);
    }
    for _ in 0..2 {
        let linked = request(caller("a", Some("hydra"), 0.9), CHAT, Script::whole(ASKS));
        world.exchange(linked, json(document())).await;
    }
    // Neither of these is issued anything.
    world
        .exchange(request(caller("b", None, 0.1), CHAT, Script::whole(ASKS)), json(document()))
        .await;
    let wordless = r#"{"choices":[{"message":{"content":"42"},"finish_reason":"stop"}]}"#;
    world
        .exchange(request(caller("c", None, 0.9), CHAT, Script::whole(ASKS)), json(wordless))
        .await;
    assert!(ledger.flush(PATIENCE));
    let entries = directory.entries();
    let shown: Vec<String> = entries
        .iter()
        .map(|entry| match &entry.event {
            Event::Epoch { epoch, fingerprint, .. } => {
                assert_eq!(*fingerprint, keys().fingerprint());
                format!("epoch {epoch}")
            }
            Event::Linked { account, cluster, .. } => format!("{account} in {cluster}"),
            Event::Issued { epoch: 1, account, cluster, answers, carrier: None, .. } => {
                format!("{account} {cluster:?} {answers}")
            }
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(
        shown[..4],
        ["epoch 1", "a None 1", "a in hydra", "a Some(\"hydra\") 1"],
        "{shown:?}"
    );
    assert_eq!(shown.len(), 6, "{shown:?}");
    let sums = entries.iter().fold((0, 0), |sums, entry| match &entry.event {
        Event::Issued { cluster: None, sites, flips, .. } => (sums.0 + sites, sums.1 + flips),
        _ => sums,
    });
    assert_eq!(sums, expected);
    assert_eq!(ledger.lost().count(), 0);
}

/// Promise 6. Fails when a client that leaves is issued nothing, though it got marked words.
#[tokio::test(start_paused = true)]
async fn a_client_that_leaves_was_issued_what_it_got() {
    let directory = Directory::new("left");
    let ledger = directory.ledger();
    let world = World::with(policy(MARK), |builder| {
        builder.marks(Marks::new(keys()).ledger(Arc::clone(&ledger)))
    });
    world.upstream.answer(stream([data(events().replace(STOP, "").replace(DONE, "")), Step::Hang]));
    let mut answer = world.call(chat()).await;
    next_text(&mut answer).await;
    drop(answer);
    assert_eq!(world.records.only().outcome, Outcome::Cancelled);
    assert!(ledger.flush(PATIENCE));
    let issued = directory.entries().pop().unwrap();
    assert!(matches!(issued.event, Event::Issued { answers: 1, sites: 5.., .. }), "{issued:?}");
}

const PATIENCE: Duration = Duration::from_secs(60);

/// Fails when arms share a key, or the ledger does not know whose it was.
#[tokio::test(start_paused = true)]
async fn callers_in_the_arms_of_an_experiment_are_marked_with_the_keys_of_their_arm() {
    const EXPERIMENT: &str = "version = 1\nname = \"two\"\nsalt = \"s\"\nstart = 2020-01-01\n\
        end = 2100-01-01\nunit = \"account\"\n\
        [[arm]]\nname = \"one\"\npolicy = \"p\"\ncontrol = true\n\
        [[arm]]\nname = \"other\"\npolicy = \"p\"\n\
        [[metric]]\nname = \"output_tokens\"\nrole = \"success\"\nbetter = \"lower\"\n";
    let arm = |arm: &str| ArmMark { experiment: "two".into(), salt: "s".into(), arm: arm.into() };
    let (one, other) = (arm("one"), arm("other"));
    let marked_in = |keys: &Keys, arm: Option<&ArmMark>| {
        marked_for(keys, Recipient { tenant: "", account: "a-0", cluster: None, arm }, 1.0).0
    };
    // So short a text has few sites in cells of arms: a master by which they differ.
    let masters = (0..=u8::MAX).map(|it| {
        Keys::from_master(&[it; 32], jiff::Timestamp::UNIX_EPOCH).with_scheme(Scheme::Coins)
    });
    let tells = |keys: &Keys| {
        let [one, other, none] = [Some(&one), Some(&other), None].map(|arm| marked_in(keys, arm));
        one != other && one != none
    };
    let keys = masters.into_iter().find(tells).unwrap();
    let experiment = Experiment::parse("two.toml", EXPERIMENT, |_| Ok(policy(MARK))).unwrap();
    let secret = guilloche::secret::Secret::new(SECRET);
    let settings = RunSettings::default();
    let experiments = Experiments::begin(vec![experiment], &secret, &settings).unwrap();
    let directory = Directory::new("arms");
    let capacity = NonZeroUsize::new(64).unwrap();
    let ledger = LedgerWriter::open(directory.file(), keys.fingerprint(), capacity).unwrap();
    let ledger = Arc::new(ledger);
    let marks = Marks::new(keys.clone()).ledger(Arc::clone(&ledger));
    let world = World::with(policy(MARK), |builder| {
        builder.marks(marks).experiments(Arc::new(experiments))
    });
    let mut in_arms = Vec::new();
    for number in 0..12 {
        let account = &*format!("a-{number}");
        let asks = request(caller(account, None, 0.9), CHAT, Script::whole(ASKS));
        let read = world.exchange(asks, json(document())).await.text();
        let recipient = |arm| Recipient { tenant: "", account, cluster: None, arm: Some(arm) };
        let marked = |arm| marked_for(&keys, recipient(arm), 1.0).0;
        let own = if content(&read) == marked(&one) { &one } else { &other };
        assert_eq!(content(&read), marked(own));
        in_arms.push(own);
    }
    assert!(in_arms.contains(&&one) && in_arms.contains(&&other));
    assert!(ledger.flush(PATIENCE));
    let entries = directory.entries();
    let issued = entries.iter().filter_map(|entry| match &entry.event {
        Event::Issued { arm, .. } => Some(arm.as_ref().unwrap()),
        _ => None,
    });
    assert_eq!(issued.collect::<Vec<_>>(), in_arms);
}

struct Directory(PathBuf);

impl Directory {
    fn new(name: &str) -> Self {
        let path =
            std::env::temp_dir().join(format!("guilloche-marks-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self) -> PathBuf {
        self.0.join("mark.ledger")
    }

    fn ledger(&self) -> Arc<LedgerWriter> {
        let capacity = NonZeroUsize::new(64).unwrap();
        Arc::new(LedgerWriter::open(self.file(), keys().fingerprint(), capacity).unwrap())
    }

    fn entries(&self) -> Vec<Entry> {
        let text = std::fs::read_to_string(self.file()).unwrap();
        text.lines().map(|line| Entry::parse(line).unwrap()).collect()
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// As OpenRouter's does. Clients keep the last entries of a stream: behind a signature nothing more may come.
// Break it: mark the string alone.
#[tokio::test(start_paused = true)]
async fn a_string_of_reasoning_is_not_marked_beside_entries_that_say_the_same_and_are_signed() {
    let world = marking();
    let event = |word: &str, signature: Option<&str>| {
        let mut entry = serde_json::json!({"type": "reasoning.text", "text": word, "index": 0});
        if let Some(signature) = signature {
            entry["signature"] = signature.into();
        }
        let delta = serde_json::json!({"reasoning": word, "reasoning_details": [entry]});
        data(format!(
            "data: {}\n\n",
            serde_json::json!({"choices": [{"index": 0, "delta": delta}]})
        ))
    };
    for number in 0..8 {
        let words = ANSWER.split_inclusive(' ').map(|word| event(word, None));
        let steps = words.chain([event("", Some("c2ln")), data(DONE)]);
        let risk = caller(&format!("account-{number}"), None, 0.9);
        let answer = world.exchange(request(risk, CHAT, Script::whole(ASKS)), stream(steps)).await;
        let given = answer.text();
        let deltas: Vec<serde_json::Value> = given
            .lines()
            .filter_map(|line| serde_json::from_str(line.strip_prefix("data: ")?).ok())
            .map(|event: serde_json::Value| event["choices"][0]["delta"].clone())
            .collect();
        let said: String = deltas.iter().filter_map(|it| it["reasoning"].as_str()).collect();
        assert_eq!(said, ANSWER);
        assert_eq!(deltas.last().unwrap()["reasoning_details"][0]["signature"], "c2ln", "{given}");
    }
}
