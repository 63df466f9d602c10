//! What the size of an answer and its counts tell of the reasoning that is sealed in it: no more than a
//! bucket, over every carrier.

use std::collections::BTreeSet;

use guilloche::countermeasure::seal::PREFIX;
use http::StatusCode;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::Value;

use super::amazon::payloads;
use super::dialect::values;
use super::{Agent, DIALECTS, Scene};
use crate::process::risk;

/// How blobs of the scene are filled up, in bytes.
const BUCKET: usize = 256;

/// The most bytes that a blob holds beside the thought: lengths, and what the upstream has signed.
const BESIDE: usize = 72;

/// How counts of the scene are rounded, in tokens: a quarter of the bucket.
const STEP: u64 = 64;

/// The answer with every blob blackened, as a client reads it.
fn blackened(answer: &[u8]) -> Vec<Value> {
    let binary = answer.first().is_some_and(|byte| *byte == 0);
    let mut values = if binary { payloads(answer) } else { values(answer) };
    values.iter_mut().for_each(blacken);
    values
}

fn blacken(value: &mut Value) {
    match value {
        Value::String(text) if text.starts_with(PREFIX) => *text = "#".repeat(text.len()),
        Value::Array(list) => list.iter_mut().for_each(blacken),
        Value::Object(members) => members.values_mut().for_each(blacken),
        _ => {}
    }
}

fn blobs(values: &[Value]) -> usize {
    Value::from(values.to_vec()).to_string().matches("###").count()
}

/// A thought of so many bytes, none of which JSON escapes.
fn thought(bytes: usize) -> String {
    "so, if both barges come at noon. ".chars().cycle().take(bytes).collect()
}

/// What a client gets whose upstream thinks something of so many bytes and tokens.
async fn answered(
    scene: &Scene,
    (dialect, streamed): (usize, bool),
    (bytes, tokens): (usize, u64),
) -> (usize, Vec<Value>) {
    let talk = format!("sizes {dialect} {streamed} {bytes} {tokens}");
    scene.thoughts.lock().unwrap().insert(talk.clone(), (thought(bytes), tokens));
    let agent = Agent::new(dialect, streamed, &talk);
    let address = scene.address(dialect, false, 0);
    let (status, answer) = agent.asks(scene, address, 1, risk("account", 0.9)).await;
    assert_eq!(status, StatusCode::OK);
    scene.sent(&talk);
    (answer.len(), blackened(&answer))
}

// Break it: fill up to nothing, leave a count as it is, or let an event out for each piece.
#[test]
fn two_thoughts_within_a_bucket_cannot_be_told_apart_by_what_the_client_gets() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let scene = runtime.block_on(Scene::new());
    let within = BUCKET - BESIDE;
    let cases = (0..4_usize, 1..within, 1..within, 0..4_u64, 1..=STEP / 2, 1..=STEP / 2);
    let mut runner = TestRunner::new(Config { cases: 16, ..Config::default() });
    let tried = runner.run(&cases, |(bucket, one, other, step, few, more)| {
        for form in (0..DIALECTS.len()).flat_map(|it| [(it, false), (it, true)]) {
            let [one, other] = [(one, few), (other, more)].map(|(bytes, tokens)| {
                let size = (bucket * BUCKET + bytes, step * STEP + tokens);
                runtime.block_on(answered(&scene, form, size))
            });
            prop_assert!(blobs(&one.1) > 0, "{}", DIALECTS[form.0].name());
            prop_assert_eq!(one, other, "{} {:?}", DIALECTS[form.0].name(), form);
        }
        Ok(())
    });
    tried.unwrap();
}

/// What is in another bucket is seen to be: the property above is none of answers that are all alike.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_thoughts_in_different_buckets_have_blobs_of_different_sizes() {
    let scene = Scene::new().await;
    for form in (0..DIALECTS.len()).flat_map(|it| [(it, false), (it, true)]) {
        let mut sizes = BTreeSet::new();
        for bucket in 0..4 {
            sizes.insert(answered(&scene, form, (bucket * BUCKET + 1, 20)).await.0);
        }
        assert_eq!(sizes.len(), 4, "{}", DIALECTS[form.0].name());
    }
}
