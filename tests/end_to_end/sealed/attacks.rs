//! What is tried to have a blob opened that is somebody else's, or for something else, or is none: over every
//! carrier, over real sockets.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use guilloche::countermeasure::seal::{
    Opened, Opener, Opening, PREFIX, SealHolder, SealKeys, Sealer,
};
use guilloche::policy::plan::Seal;
use guilloche::risk::{AccountId, Principal, TenantId};
use guilloche::secret::Secret;
use http::StatusCode;
use serde_json::Value;
use tokio::time::Instant;

use super::dialect::THOUGHTS;
use super::{Agent, DIALECTS, Scene, text};
use crate::process::{claim, risk};

/// Every dialect, in documents and in streams.
fn forms() -> impl Iterator<Item = (usize, bool)> {
    (0..DIALECTS.len()).flat_map(|it| [(it, false), (it, true)])
}

/// An agent that has had two turns answered, and holds what was thought in them sealed.
async fn owner(scene: &Scene, (dialect, streamed): (usize, bool), address: &str) -> Agent {
    let name = DIALECTS[dialect].name();
    let mut owner = Agent::new(dialect, streamed, &format!("owner {name} {streamed}"));
    owner.turn(scene, address, 0).await;
    owner.turn(scene, address, 1).await;
    scene.sent(&owner.talk);
    owner
}

/// Every string of a value, changed in place.
fn each_string(value: &mut Value, change: &mut dyn FnMut(&mut String)) {
    match value {
        Value::String(text) => change(text),
        Value::Array(list) => list.iter_mut().for_each(|it| each_string(it, change)),
        Value::Object(members) => members.values_mut().for_each(|it| each_string(it, change)),
        _ => {}
    }
}

/// The same agent with its blobs changed.
fn with_blobs(agent: &Agent, change: &mut dyn FnMut(&mut String)) -> Agent {
    let mut other = agent.clone();
    for entry in &mut other.history {
        each_string(entry, &mut |text| {
            if text.starts_with(PREFIX) {
                change(text);
            }
        });
    }
    other
}

fn blobs(agent: &Agent) -> Vec<String> {
    let mut found = Vec::new();
    with_blobs(agent, &mut |blob| found.push(blob.clone()));
    assert!(!found.is_empty());
    found
}

/// Whether any of what was thought is in a request.
pub(super) fn shows(sent: &str) -> bool {
    THOUGHTS.iter().any(|it| sent.contains(&Value::from(*it).to_string()))
}

/// Sends the next turn; what the upstream gets of it.
pub(super) async fn forwarded(scene: &Scene, agent: &Agent, address: &str, risk: String) -> String {
    let (status, answer) = agent.asks(scene, address, 2, risk).await;
    assert_eq!(status, StatusCode::OK, "{}: {}", agent.talk, text(&answer));
    let [(_, sent)]: [_; 1] = scene.sent(&agent.talk).try_into().unwrap();
    text(&sent)
}

/// Another account, tenant or deployment is shown nothing, whatever it makes of the blobs.
// Break it: leave the tenant out of the key.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_else_can_have_it_opened() {
    let scene = Scene::new().await;
    for (dialect, streamed) in (0..DIALECTS.len()).flat_map(|it| [(it, false), (it, true)]) {
        let name = DIALECTS[dialect].name();
        let mut owner = Agent::new(dialect, streamed, &format!("owner {dialect} {streamed}"));
        let address = scene.address(dialect, false, 0);
        owner.turn(&scene, address, 0).await;
        owner.turn(&scene, address, 1).await;
        scene.sent(&owner.talk);
        let of_tenant = {
            let mut claim = claim("account", None, 0.9);
            claim.principal.tenant = Some(TenantId::new("blue").unwrap());
            claim.serialize().unwrap()
        };
        let mut tampered = owner.clone();
        let spelled = Value::from(owner.history.clone()).to_string();
        let swapped = spelled.replace(PREFIX, &format!("{PREFIX}AAAA"));
        tampered.history = serde_json::from_str(&swapped).unwrap();
        for (who, agent, address, risk) in [
            ("another account", &owner, address, risk("thief", 0.9)),
            ("another account, unsuspected", &owner, address, risk("thief", 0.0)),
            ("another tenant", &owner, address, of_tenant),
            ("another deployment", &owner, &scene.elsewhere.address, risk("account", 0.9)),
            ("tampered", &tampered, address, risk("account", 0.9)),
        ] {
            let (status, answer) = agent.asks(&scene, address, 2, risk).await;
            assert_eq!(status, StatusCode::OK, "{who}, {name}: {}", text(&answer));
            let [(_, sent)]: [_; 1] = scene.sent(&owner.talk).try_into().unwrap();
            let sent = text(&sent);
            let shown = THOUGHTS.iter().any(|it| sent.contains(&Value::from(*it).to_string()));
            assert!(!shown && !sent.contains(PREFIX), "{who}, {name}: {sent}");
        }
        // Where a policy says so, in the vendor's words.
        let refusing = &scene.refusing.address;
        let (status, answer) = owner.asks(&scene, refusing, 2, risk("thief", 0.9)).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{name}");
        assert!(text(&answer).contains("message"), "{name}: {}", text(&answer));
        assert!(scene.sent(&owner.talk).is_empty());
        let (status, _) = owner.asks(&scene, refusing, 2, risk("account", 0.9)).await;
        assert_eq!(status, StatusCode::OK, "{name}");
        scene.sent(&owner.talk);
    }
}

/// Blobs that were cut, flipped, spliced or put into each other's places: the pieces of two make no third.
// Break it: open by the head alone, or authenticate the ciphertext without it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_made_of_blobs_is_left_out() {
    let scene = Scene::new().await;
    for form in forms() {
        let address = scene.address(form.0, false, 0);
        let owner = owner(&scene, form, address).await;
        let name = DIALECTS[form.0].name();
        let decoded = |blob: &str| STANDARD_NO_PAD.decode(blob).unwrap();
        let all = blobs(&owner);
        let [first, last] = [all.first(), all.last()].map(|it| decoded(it.unwrap()));
        assert_ne!(first, last, "{name}");
        let mut attempts: Vec<(String, Vec<u8>)> = Vec::new();
        for at in [9, 18, 42, 43, first.len() / 2, first.len() - 16, first.len() - 1] {
            attempts.push((format!("cut at {at}"), first[..at].to_vec()));
            let spliced = [&first[..at], &last[at.min(last.len())..]].concat();
            attempts.push((format!("spliced at {at}"), spliced));
            let mut flipped = first.clone();
            flipped[at] ^= 1;
            attempts.push((format!("flipped at {at}"), flipped));
        }
        attempts.push(("twice".to_owned(), [first.clone(), first.clone()].concat()));
        attempts.push(("longer".to_owned(), [&first[..], &[0; 3]].concat()));
        // Two that were sealed in one second begin alike.
        attempts.retain(|(_, bytes)| *bytes != first && *bytes != last);
        for (what, bytes) in attempts {
            // What no longer begins as one is no blob of this layer's.
            let blob = STANDARD_NO_PAD.encode(&bytes);
            assert!(blob.starts_with(PREFIX), "{what}");
            let forged = with_blobs(&owner, &mut |it| it.clone_from(&blob));
            let sent = forwarded(&scene, &forged, address, risk("account", 0.9)).await;
            assert!(!shows(&sent) && !sent.contains(PREFIX), "{name}, {what}: {sent}");
        }
    }
}

/// A blob of another kind of carrier, and one where none is looked for.
// Break it: leave the carrier out of what is bound, or open whatever looks like a blob.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_blob_opens_in_no_other_carrier_and_nowhere_beside_one() {
    let scene = Scene::new().await;
    let family = |dialect: usize| match DIALECTS[dialect].name() {
        "messages" | "invoke" => "messages",
        "converse" | "invoke, nova" => "converse",
        "chat in strings" | "chat with thinking parts" => "strings of chat",
        name if name.starts_with("gemini") => "gemini",
        name => name,
    };
    let mut owners = Vec::new();
    for dialect in 0..DIALECTS.len() {
        let address = scene.address(dialect, false, 0);
        owners.push(owner(&scene, (dialect, false), address).await);
    }
    for (dialect, agent) in owners.iter().enumerate() {
        let (name, address) = (DIALECTS[dialect].name(), scene.address(dialect, false, 0));
        for (from, other) in owners.iter().enumerate() {
            let blob = blobs(other).remove(0);
            if family(from) != family(dialect) {
                let forged = with_blobs(agent, &mut |it| it.clone_from(&blob));
                let sent = forwarded(&scene, &forged, address, risk("account", 0.9)).await;
                assert!(!shows(&sent) && !sent.contains(PREFIX), "{name}, {from}: {sent}");
            }
        }
        // As what is asked, as what is instructed, as what a tool has given, and as a name.
        let blob = blobs(agent).remove(0);
        let leaked: &'static str = blob.clone().leak();
        let user = DIALECTS[dialect].user(leaked);
        let mut result = DIALECTS[dialect].result(1);
        each_string(&mut result, &mut |text| {
            if text == "17" {
                text.clone_from(&blob);
            }
        });
        for (what, mut forged) in [
            ("asked", Agent { history: vec![user], ..agent.clone() }),
            ("instructed", Agent { system: leaked, ..agent.clone() }),
            ("given", agent.clone()),
            ("named", Agent { tools: vec![leaked].leak(), ..agent.clone() }),
        ] {
            if what == "given" {
                *forged.history.last_mut().unwrap() = result.clone();
            }
            if what != "asked" {
                forged = with_blobs(&forged, &mut |it| *it = it.replacen(PREFIX, "none", 1));
                if what == "given" {
                    *forged.history.last_mut().unwrap() = result.clone();
                }
            }
            for score in [0.1, 0.9] {
                let sent = forwarded(&scene, &forged, address, risk("account", score)).await;
                assert!(!shows(&sent), "{name}, {what}: {sent}");
            }
        }
    }
}

/// Where a policy binds them so, what was thought in one conversation is shown in no other, and not behind
/// another beginning of the same.
// Break it: leave the conversation out of what is bound.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_bound_to_its_conversation_is_not_opened_in_another() {
    let scene = Scene::new().await;
    let address = &scene.bound.address;
    for form in forms() {
        let name = DIALECTS[form.0].name();
        let owner = owner(&scene, form, address).await;
        let sent = forwarded(&scene, &owner, address, risk("account", 0.9)).await;
        assert!(shows(&sent), "{name}: {sent}");
        let mut other = owner.clone();
        other.history[0] = DIALECTS[form.0].user("9 and 7?");
        for score in [0.1, 0.9] {
            let sent = forwarded(&scene, &other, address, risk("account", score)).await;
            assert!(!shows(&sent) && !sent.contains(PREFIX), "{name}: {sent}");
        }
    }
}

/// The carriers that blobs of these dialects stand in.
const CARRIERS: [&str; 14] = [
    "chat.reasoning",
    "chat.reasoning_details.data",
    "chat.reasoning_details.signature",
    "chat.thinking_blocks.data",
    "chat.thinking_blocks.signature",
    "chat.thought_signature",
    "cohere.thinking",
    "converse.reasoning",
    "converse.redacted",
    "gemini.part",
    "gemini.thought",
    "messages.redacted_thinking",
    "messages.thinking",
    "ollama.thinking",
];

/// A replica of the scene's, to whose seals a policy gives this lifetime.
fn sealed_for(lifetime: Duration, blob: &str) -> String {
    let keys = Arc::new(SealKeys::new(&Secret::new([0x77; 32]), &[]).unwrap());
    let holder = SealHolder::new(&keys, &Principal::of(AccountId::new("account").unwrap()));
    let opener = Opener::new(holder.clone(), Some("m".to_owned()));
    let conversation = Opening::default().conversation();
    let opened =
        |carrier: &&'static str| Some((*carrier, opener.open(carrier, blob, conversation)?));
    let all = CARRIERS.iter().chain(&["responses.reasoning"]);
    let (carrier, Opened { texts, value }) = all.into_iter().find_map(opened).unwrap();
    let mut settings = Seal::default();
    settings.lifetime = lifetime;
    let texts: Vec<(u32, &[u8])> = texts.iter().map(|(at, it)| (*at, it.as_slice())).collect();
    let sealer = Sealer::new(holder, &settings, Some("m"), None);
    sealer.seal(carrier, &texts, value.as_deref()).unwrap()
}

// Break it: look at no clock.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_older_than_its_lifetime_is_left_out_or_refused_in_the_vendors_words() {
    let scene = Scene::new().await;
    for form in forms() {
        let (name, address) = (DIALECTS[form.0].name(), scene.address(form.0, false, 0));
        let owner = owner(&scene, form, address).await;
        let lasting = |seconds: u64| {
            let lifetime = Duration::from_secs(seconds);
            with_blobs(&owner, &mut |blob| *blob = sealed_for(lifetime, blob))
        };
        let (fresh, old) = (lasting(600), lasting(0));
        let sent = forwarded(&scene, &fresh, address, risk("account", 0.9)).await;
        assert!(shows(&sent), "{name}: {sent}");
        for score in [0.1, 0.9] {
            let sent = forwarded(&scene, &old, address, risk("account", score)).await;
            assert!(!shows(&sent) && !sent.contains(PREFIX), "{name}: {sent}");
        }
        let refusing = &scene.refusing.address;
        let (status, answer) = old.asks(&scene, refusing, 2, risk("account", 0.9)).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{name}: {}", text(&answer));
        assert!(scene.sent(&old.talk).is_empty(), "{name}");
    }
}

/// Dialects whose blobs stand in each way in which they do: in blocks, items, parts and strings.
const LARGE: [&str; 4] = ["messages", "responses", "gemini", "chat in strings"];

fn numbered(name: &str) -> usize {
    DIALECTS.iter().position(|it| it.name() == name).unwrap()
}

/// Ten megabytes that begin as a blob, and one that is genuine, but holds more than is ever sealed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_blob_of_ten_megabytes_is_left_out() {
    let scene = Scene::new().await;
    let keys = Arc::new(SealKeys::new(&Secret::new([0x77; 32]), &[]).unwrap());
    let holder = SealHolder::new(&keys, &Principal::of(AccountId::new("account").unwrap()));
    let sealer = Sealer::new(holder, &Seal::default(), Some("m"), None);
    let thought = "as long as this ".repeat(480_000);
    let genuine = sealer.seal("messages.thinking", &[(0, thought.as_bytes())], None).unwrap();
    assert!(genuine.len() > 10_000_000);
    let endless = format!("{PREFIX}{}", "A".repeat(10_000_000));
    for dialect in LARGE.map(numbered) {
        let (name, address) = (DIALECTS[dialect].name(), scene.address(dialect, false, 0));
        let owner = owner(&scene, (dialect, false), address).await;
        for blob in [&genuine, &endless] {
            let mut first = true;
            let forged = with_blobs(&owner, &mut |it| {
                it.replace_range(.., if std::mem::take(&mut first) { blob } else { "none" });
            });
            let sent = forwarded(&scene, &forged, address, risk("account", 0.9)).await;
            assert!(sent.len() < 100_000 && !sent.contains("as long as this"), "{name}");
        }
    }
}

/// How long a request with so many blobs takes to be answered, and how many of them open.
async fn taken(scene: &Scene, agent: &Agent, count: usize) -> (Duration, usize) {
    let mut many = agent.clone();
    let turns = many.history.split_off(1);
    // Each turn has its blob, or more than one.
    many.history.extend(turns.iter().cloned().cycle().take(count / 2 * turns.len()));
    let address = scene.address(agent.dialect, false, 0);
    let begun = Instant::now();
    let sent = forwarded(scene, &many, address, risk("account", 0.9)).await;
    let taken = begun.elapsed();
    assert!(!sent.contains(PREFIX));
    let shown = THOUGHTS.iter().map(|it| sent.matches(&Value::from(*it).to_string()).count());
    (taken, shown.sum())
}

/// Ten thousand blobs: as many are opened as there may be, the others left out, and four times as many cost
/// four times as much.
// Break it: look for the place of each among all, or open whatever comes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_blobs_cost_what_their_bytes_do() {
    let scene = Scene::new().await;
    for dialect in LARGE.map(numbered) {
        let name = DIALECTS[dialect].name();
        let owner = owner(&scene, (dialect, false), scene.address(dialect, false, 0)).await;
        let mut times = Vec::new();
        // A disturbed time says nothing.
        let linear = loop {
            let (few, _) = taken(&scene, &owner, 2_500).await;
            let (many, opened) = taken(&scene, &owner, 10_000).await;
            assert!(opened > 1_000 && opened <= 4_096, "{name}: {opened}");
            times.push((few, many));
            let linear = many < few.mul_f64(6.0) + Duration::from_millis(500);
            if linear || times.len() == 3 {
                break linear;
            }
        };
        assert!(linear, "{name}: {times:?}");
    }
}
