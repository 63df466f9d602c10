//! The mark of the vLLM plugin, with keys as the proxy sends them.

use guilloche::countermeasure::watermark::{KeyOf, MarkTerms, VllmXargs};
use guilloche::forensics::detect::{Sbw, SbwKey};
use serde_json::Value;

use crate::support::{Deployment, suspected};
use crate::writer::Writer;

/// A number that is the greater for favoured tokens, and else as good as random.
fn favours(key: u64) -> impl Fn(&[u32], u32) -> f64 {
    move |context, token| {
        let prefix: [u32; 3] = context.try_into().unwrap();
        let hash = blake3::hash(format!("{context:?}{token}").as_bytes());
        let random = f64::from(hash.as_bytes()[0]) / 256.0;
        let green = Sbw { gamma: 0.25 }.is_green(SbwKey(key), prefix, token);
        (f64::from(u8::from(green)) + random + 0.001) / 2.01
    }
}

/// The key that the proxy would send for an answer to this account.
fn sent(deployment: &Deployment, key_of: KeyOf, account: &str) -> u64 {
    let marked =
        MarkTerms { recipient: Deployment::marked(account, None), epoch: 1, strength: 1.0 };
    VllmXargs { key_of, ..VllmXargs::default() }.hash_key(&deployment.keys, marked)
}

fn deployment(name: &str, settings: &str, key_of: KeyOf) -> Deployment {
    let deployment = Deployment::new(name);
    for number in 0..20 {
        deployment.issue("vllm_xargs", &format!("acct-{number}"), None);
    }
    let scheme = format!(
        "version = 1\n[[scheme]]\nname = \"vllm-sbw\"\ntokenizer = \"tokenizer.json\"\n{settings}"
    );
    deployment.secret("schemes.toml", &scheme);
    let mut writer = Writer::new(11);
    deployment.texts("base.jsonl", (0..40).map(|_| writer.unmarked(250)));
    let key = sent(&deployment, key_of, "acct-7");
    let texts = (0..40).map(|_| writer.gumbel(250, 0.6, 3, favours(key)));
    deployment.texts("suspect.jsonl", texts);
    deployment
}

#[test]
fn the_deployment_whose_key_the_plugin_marked_with_is_found() {
    let deployment = deployment("plugin", "", KeyOf::Deployment);
    let (status, verdict) = deployment.verify("suspect.jsonl", &["--scheme=vllm-sbw"]);
    assert_eq!((status, &verdict["reached"]), (0, &Value::from("deployment")), "{verdict:#}");
    let test = &verdict["deployments"][0];
    assert_eq!((&test["epoch"], &test["exact"]), (&1.into(), &true.into()));
    assert!(test["p"]["log10"].as_f64().unwrap() < -8.0);
}

#[test]
fn the_account_whose_key_the_plugin_marked_with_is_found() {
    let deployment = deployment("plugin_account", "key_of = \"principal\"\n", KeyOf::Principal);
    let (status, verdict) = deployment.verify("suspect.jsonl", &["--scheme=vllm-sbw"]);
    assert_eq!(
        (status, suspected(&verdict, "accounts")),
        (0, vec!["acct-7".to_owned()]),
        "{verdict:#}"
    );
}

#[test]
fn a_key_of_an_account_is_not_taken_for_that_of_the_deployment() {
    let deployment = deployment("plugin_other", "", KeyOf::Principal);
    let (status, verdict) = deployment.verify("suspect.jsonl", &["--scheme=vllm-sbw"]);
    assert_eq!((status, &verdict["outcome"]), (1, &Value::from("not_shown")), "{verdict:#}");
}
