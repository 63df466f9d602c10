//! Marks from the key file to the evidence: a real proxy marks a model's answers, and what a client
//! got of them leads back to whom it was.

use std::path::Path;

use guilloche::forensics::detect::LawCounts;
use guilloche::forensics::evidence::{LawWeights, Strengths};
use guilloche::mark::cell::{KeyName, MarkKey, Purpose, Role, Roles};
use guilloche::mark::keys::Keys;
use guilloche::mark::law::{BUCKETS, CountingKey};
use guilloche::mark::ledger::{Entry, Event};
use guilloche::mark::lexicon::Lexicon;
use guilloche::teacher::Settings;
use tokio::process::Command;

use crate::process::{Directory, Served, claim};
use crate::scene::{Question, client, model, records};
use crate::texts::Texts;

const MARKING: &str = "version = 1\nname = \"marking\"\nmode = \"enforce\"\n\
    [[grade]]\nname = \"marked\"\nat = 0.4\nwatermark = {}\n";

/// A problem of its own for each number.
fn question(number: usize) -> Question {
    const NAMES: [&str; 8] = ["Maria", "Tom", "Priya", "Omar", "Lena", "Jack", "Aisha", "Ben"];
    const THINGS: [&str; 6] = ["apples", "books", "coins", "pencils", "stickers", "marbles"];
    let (name, thing) = (NAMES[number % 8], THINGS[number % 6]);
    let (has, buys, gives) = (20 + number * 3, 4 + number % 9, 2 + number % 7);
    let prompt = format!(
        "{name} has {has} {thing}. {name} buys {buys} more. Then {name} gives {gives} {thing} to a \
         friend and doubles the number of {thing}. How many {thing} does {name} have?"
    );
    Question { prompt, ..Question::new(false, "teacher-large", number % 2 == 0) }
}

/// How surely these texts carry the key, in natural logarithms, by the cells of one role.
fn ln_p(texts: &[String], keys: &Keys, role: Role, account: &str) -> f64 {
    let counting = CountingKey::of_epoch(keys, 1).unwrap();
    let mut counts = LawCounts::new(&counting);
    for text in texts {
        let places = counting.places(text).into_iter();
        counts.add(
            0,
            &places.map(|(cell, odds, variant)| (cell.index(), odds, variant, None)).collect(),
        );
    }
    let roles = Roles::new(keys.master(), Lexicon::english().numbers() * BUCKETS);
    let weights = LawWeights::new(&counts, &Strengths::new([]));
    // An account without a cluster has its own key in the cells of clusters, too.
    let global = role == Role::Global;
    let weights =
        weights.only(|cell| (roles.as_slice().get(cell) == Some(&Role::Global)) == global);
    let id = if role == Role::Global { "" } else { account };
    let role = if role == Role::Global { Role::Global } else { Role::Account };
    let name = KeyName { purpose: Purpose::Lexical, tenant: "", epoch: 1, role, id };
    let key = MarkKey::derive(keys.master(), &name);
    weights.score(&key).ln_p()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_that_a_client_got_lead_back_to_its_account() {
    let (_, upstream) = model(Settings::default()).await;
    let directory = Directory::new();
    let path = |name: &str| directory.path(name).display().to_string();
    // The model knows few words, so how surely they show an account depends on which cells the key
    // gives it: one key for every run.
    let keys = Keys::from_master(&[7; 32], jiff::Timestamp::now());
    keys.create(Path::new(&path("mark.keys"))).unwrap();
    let policy = directory.write("marking.toml", MARKING);
    let (key_file, ledger, audit) = (path("mark.keys"), path("mark.ledger"), path("audit.jsonl"));
    let more = [
        ("RISK_TRUST", "peer"),
        ("POLICY_FILE", policy.as_str()),
        ("AUDIT_FILE", audit.as_str()),
        ("SECRET_KEY", &"6".repeat(64)),
        ("MARKS_KEYS", key_file.as_str()),
        ("MARKS_LEDGER", ledger.as_str()),
    ];
    let proxy = Served::start(&upstream, &more).await;
    let client = client(false);
    let ask = async |number: usize, account: &str, score: f64| {
        let risk = claim(account, None, score).serialize().unwrap();
        let question = question(number);
        let answer = question.ask(&client, &proxy.address, &[("guilloche-risk", &risk)]).await;
        Texts::read(&question, answer.text()).answer
    };
    const ANSWERS: usize = 160;
    let mut harvested = Vec::new();
    let mut ordinary = Vec::new();
    for number in 0..ANSWERS {
        harvested.push(ask(number, "acct-marker-1", 0.9).await);
        let question = question(number);
        let direct = question.ask(&client, &upstream, &[]).await;
        let direct = Texts::read(&question, direct.text()).answer;
        assert_eq!(ask(number, "acct-marker-2", 0.1).await, direct);
        ordinary.push(direct);
    }
    assert_ne!(harvested, ordinary);

    // Over Messages an answer to a request with thinking on is left as it came.
    let signed = Question::new(true, "teacher-large", true);
    let risk = claim("acct-marker-1", None, 0.9).serialize().unwrap();
    let through = signed.ask(&client, &proxy.address, &[("guilloche-risk", &risk)]).await;
    let direct = signed.ask(&client, &upstream, &[]).await;
    assert_eq!(
        Texts::read(&signed, through.text()).answer,
        Texts::read(&signed, direct.text()).answer
    );

    let written = proxy.tells("/metrics").await + &proxy.tells("/status").await;
    assert!(written.contains("guilloche_ledger_lost_total 0"), "{written}");
    proxy.signal("TERM").await;
    let (status, messages) = proxy.ended().await;
    assert!(status.success());

    // The texts say who it was, and only who it was.
    for (role, account) in [(Role::Global, ""), (Role::Account, "acct-marker-1")] {
        let own = ln_p(&harvested, &keys, role, account);
        assert!(own < -5.0, "{role:?}: {own}");
        let none = ln_p(&ordinary, &keys, role, account);
        assert!(none > -5.0, "{role:?}: {none}");
    }
    let other = ln_p(&harvested, &keys, Role::Account, "acct-marker-2");
    assert!(other > -5.0, "{other}");

    // The ledger names those who were issued marks, and the audit counts the same sites.
    let entries: Vec<Entry> = std::fs::read_to_string(&ledger)
        .unwrap()
        .lines()
        .map(|line| Entry::parse(line).unwrap())
        .collect();
    let (mut issued, mut observed) = ((0, 0, 0), 0);
    for entry in &entries {
        match &entry.event {
            Event::Epoch { epoch, fingerprint, .. } => {
                assert_eq!((*epoch, fingerprint), (1, &keys.fingerprint()));
            }
            Event::Issued { account, answers, sites, flips, .. } => {
                assert_eq!(account, "acct-marker-1");
                issued = (issued.0 + answers, issued.1 + sites, issued.2 + flips);
            }
            Event::Authors { epoch: 1, counts } => observed += counts.sites(),
            _ => panic!("nobody is linked"),
        }
    }
    let audited = std::fs::read_to_string(&audit).unwrap();
    let mut counted = (0, 0, 0);
    for record in records(&audit) {
        let applied = record["applied"].as_array().unwrap();
        let Some(mark) = applied.iter().find(|it| it["countermeasure"] == "watermark") else {
            continue;
        };
        assert_eq!(mark["carrier"], "lexical");
        let count = |name: &str| mark["counts"][name].as_u64().unwrap_or(0);
        counted = (counted.0 + 1, counted.1 + count("sites"), counted.2 + count("words_changed"));
    }
    assert_eq!(issued, counted);
    assert!(observed >= issued.1, "the author is learned at all sites, also those that were left");
    assert!(issued.0 > 0 && issued.2 > 0, "{issued:?}");
    // The account is named in the ledger, and nowhere else.
    for written in [written, messages, audited] {
        assert!(!written.contains("acct-marker"));
    }
}

#[tokio::test]
async fn a_policy_that_marks_is_not_served_without_keys_nor_with_keys_that_others_can_read() {
    let directory = Directory::new();
    let policy = directory.write("marking.toml", MARKING);
    let text = format!(
        "[upstream]\nurl = \"http://127.0.0.1:1\"\n[policy]\nfile = \"{policy}\"\n\
         [listen]\naddress = \"127.0.0.1:0\"\n[admin]\naddress = \"off\"\n"
    );
    let file = directory.write("guilloche.toml", &text);
    let check = async |variables: &[(&str, &str)]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_guilloche"));
        command.args(["serve", "--check", "--config", &file]).envs(variables.iter().copied());
        let output = command.output().await.unwrap();
        (output.status.success(), String::from_utf8(output.stderr).unwrap())
    };
    let (served, said) = check(&[]).await;
    assert!(!served);
    for place in [format!("{policy}:7: "), format!("{file}:4")] {
        assert!(said.contains(&place), "{place}: {said}");
    }
    let keys = directory.path("mark.keys");
    Keys::generate(jiff::Timestamp::now()).unwrap().create(&keys).unwrap();
    let keys = keys.display().to_string();
    let variables = [("GUILLOCHE_MARKS_KEYS", keys.as_str())];
    assert!(check(&variables).await.0);
    std::fs::set_permissions(&keys, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    let (served, said) = check(&variables).await;
    assert!(!served && said.contains(&keys) && said.contains("chmod 600"), "{said}");
}
