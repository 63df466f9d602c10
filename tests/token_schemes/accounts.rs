//! Marks with a key for each account.

use std::collections::HashMap;

use guilloche::forensics::detect::SglangGumbel;
use guilloche::mark::lexicon::Lexicon;
use guilloche::mark::paired::PairedClasses;
use serde_json::Value;

use crate::support::{Deployment, suspected};
use crate::writer::{TOKENIZER, Writer};

/// SGLang's number of a candidate, with the key that a request has.
fn sglang(key: u64) -> impl Fn(&[u32], u32) -> f64 {
    move |context, token| {
        let hash = SglangGumbel::watermark_hash(key, SglangGumbel::hash_context(context), token);
        (f64::from(hash) + 0.5) / 4_294_967_296.0
    }
}

/// Forty accounts of which two are linked, and a file of schemes for SGLang.
fn deployment(name: &str) -> Deployment {
    let deployment = Deployment::new(name);
    for number in 0..40 {
        deployment.issue("sglang", &format!("acct-{number}"), None);
    }
    for account in ["acct-5", "acct-6"] {
        deployment.issue("sglang", account, Some("hydra"));
    }
    deployment.secret(
        "schemes.toml",
        "version = 1\n[[scheme]]\nname = \"sglang\"\ntokenizer = \"tokenizer.json\"\n",
    );
    let mut writer = Writer::new(1);
    deployment.texts("base.jsonl", (0..40).map(|_| writer.unmarked(250)));
    deployment
}

#[test]
fn the_account_whose_key_a_student_follows_is_found_and_no_other() {
    let deployment = deployment("account");
    let key = deployment.keys.engine_key(1, Deployment::marked("acct-17", None)).number();
    let mut writer = Writer::new(2);
    let texts = (0..40).map(|_| writer.gumbel(250, 0.3, 2, sglang(key)));
    deployment.texts("suspect.jsonl", texts);
    let (status, verdict) = deployment.verify("suspect.jsonl", &["--scheme=sglang"]);
    assert_eq!(status, 0, "{verdict:#}");
    assert_eq!(verdict["outcome"], "exposed");
    assert_eq!(suspected(&verdict, "accounts"), ["acct-17"]);
    assert!(suspected(&verdict, "clusters").is_empty());
    let strongest = &verdict["accounts"]["strongest"][0];
    assert_eq!((&strongest["id"], &strongest["scheme"]), (&"acct-17".into(), &"sglang".into()));
    // Both are told: the law's p-value, and the place among decoys.
    // No p-value below one key in the 2^32 that SGLang can tell apart, however high the score.
    let p = strongest["p"]["p"].as_f64().unwrap();
    assert!((p * 4_294_967_296.0 - 1.0).abs() < 1e-9, "{p}");
    assert!(strongest["standardized"].as_f64().unwrap() > 10.0);
    let decoys = &strongest["parts"][0];
    assert_eq!(decoys["name"], "among decoy keys");
    let p = decoys["p"]["p"].as_f64().unwrap();
    assert!((p - 1.0 / 1_001.0).abs() < 1e-9, "{p}");
    assert!(strongest["effect"]["low"].as_f64().unwrap() > 0.0);
    assert_eq!(verdict["materials"][0]["scheme"], "sglang");
    assert!(verdict["materials"][0]["rules"].as_str().unwrap().contains("context of 2 tokens"));
}

#[test]
fn a_cluster_is_found_by_its_shared_key() {
    let deployment = deployment("cluster");
    let linked = Deployment::marked("acct-5", Some("hydra"));
    let key = deployment.keys.engine_key(1, linked).number();
    let mut writer = Writer::new(3);
    let texts = (0..40).map(|_| writer.gumbel(250, 0.3, 2, sglang(key)));
    deployment.texts("suspect.jsonl", texts);
    let (status, verdict) = deployment.verify("suspect.jsonl", &["--scheme=sglang"]);
    assert_eq!((status, suspected(&verdict, "clusters")), (0, vec!["hydra".to_owned()]));
    assert!(suspected(&verdict, "accounts").is_empty());
}

#[test]
fn a_text_without_a_mark_accuses_nobody() {
    let deployment = deployment("unmarked");
    let mut writer = Writer::new(4);
    for file in ["base.jsonl", "suspect.jsonl"] {
        deployment.texts(file, (0..40).map(|_| writer.unmarked_prose(250)));
    }
    let (status, verdict) = deployment.verify("suspect.jsonl", &[]);
    assert_eq!((status, &verdict["outcome"]), (1, &Value::from("not_shown")), "{verdict:#}");
    let schemes: Vec<&Value> =
        verdict["materials"].as_array().unwrap().iter().map(|one| &one["scheme"]).collect();
    assert_eq!(schemes, ["lexical", "sglang"]);
    assert!(verdict["controls"].as_array().unwrap().len() >= 3);
}

#[test]
fn a_marked_text_that_is_called_a_control_refuses_every_answer() {
    let deployment = deployment("control");
    let key = deployment.keys.engine_key(1, Deployment::marked("acct-17", None)).number();
    let mut writer = Writer::new(5);
    let texts: Vec<String> = (0..40).map(|_| writer.gumbel(250, 0.3, 2, sglang(key))).collect();
    deployment.texts("base.jsonl", texts.clone());
    deployment.texts("suspect.jsonl", texts);
    let (status, verdict) = deployment.verify("suspect.jsonl", &["--scheme=sglang"]);
    assert_eq!((status, &verdict["outcome"]), (1, &Value::from("refused")));
    assert!(suspected(&verdict, "accounts").is_empty());
}

#[test]
fn an_account_is_found_by_the_words_that_its_bias_favours() {
    let deployment = Deployment::new("bias");
    for number in 0..20 {
        deployment.issue("logit_bias", &format!("acct-{number}"), None);
    }
    deployment.secret(
        "schemes.toml",
        "version = 1\n[[scheme]]\nname = \"logit-bias\"\ntokenizer = \"tokenizer.json\"\n",
    );
    let classes = PairedClasses::read(Lexicon::english(), &TOKENIZER);
    let pairs: Vec<[u32; 2]> = classes.pairs().iter().map(|pair| pair.tokens).collect();
    let key = deployment.keys.logit_bias_key(1, Deployment::marked("acct-3", None));
    let bias: HashMap<u32, f64> = classes.bias(&key, 0.5, usize::MAX).into_iter().collect();
    let mut writer = Writer::new(6);
    let none = HashMap::new();
    deployment.texts("base.jsonl", (0..60).map(|_| writer.biased(250, &pairs, &none)));
    deployment.texts("suspect.jsonl", (0..60).map(|_| writer.biased(250, &pairs, &bias)));
    deployment.texts("clean.jsonl", (0..60).map(|_| writer.biased(250, &pairs, &none)));
    let scheme = ["--scheme=logit-bias"];
    let (status, verdict) = deployment.verify("suspect.jsonl", &scheme);
    assert_eq!(
        (status, suspected(&verdict, "accounts")),
        (0, vec!["acct-3".to_owned()]),
        "{verdict:#}"
    );
    let (status, verdict) = deployment.verify("clean.jsonl", &scheme);
    assert_eq!((status, &verdict["outcome"]), (1, &Value::from("not_shown")));
}
