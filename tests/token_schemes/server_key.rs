//! Marks with the one key of a server.

use guilloche::forensics::detect::{VllmGumbel, VllmKey};
use serde_json::Value;

use crate::support::Deployment;
use crate::writer::Writer;

fn vllm(key: u64) -> impl Fn(&[u32], u32) -> f64 {
    move |context, token| f64::from(VllmGumbel::uniform(VllmKey(key), context, token))
}

fn deployment(name: &str, key: u64) -> Deployment {
    let deployment = Deployment::new(name);
    deployment.issue("vllm", "acct-1", None);
    deployment.secret(
        "schemes.toml",
        &format!(
            "version = 1\n[[scheme]]\nname = \"vllm\"\ntokenizer = \"tokenizer.json\"\n\
             context_window = 2\nkey = {key}\n"
        ),
    );
    let mut writer = Writer::new(7);
    deployment.texts("base.jsonl", (0..20).map(|_| writer.unmarked(250)));
    let texts = (0..40).map(|_| writer.gumbel(250, 0.3, 2, vllm(42)));
    deployment.texts("suspect.jsonl", texts);
    deployment
}

#[test]
fn a_servers_own_mark_is_found_with_its_key() {
    let deployment = deployment("vllm", 42);
    let (status, verdict) = deployment.verify("suspect.jsonl", &["--scheme=vllm"]);
    assert_eq!((status, &verdict["reached"]), (0, &Value::from("deployment")), "{verdict:#}");
    let test = &verdict["deployments"][0];
    assert!(test["p"]["log10"].as_f64().unwrap() < -8.0);
    assert_eq!(test["exact"], true);
    let deviation = test["decoys"]["deviation"].as_f64().unwrap();
    assert!((0.9..1.1).contains(&deviation), "{deviation}");
    assert!(test["effect"]["low"].as_f64().unwrap() > 0.0);
    // Nobody's own key is in it.
    assert_eq!(verdict["accounts"]["tests"], 0);
}

#[test]
fn with_another_key_nothing_is_found() {
    let deployment = deployment("vllm_other", 43);
    let (status, verdict) = deployment.verify("suspect.jsonl", &["--scheme=vllm"]);
    assert_eq!((status, &verdict["outcome"]), (1, &Value::from("not_shown")), "{verdict:#}");
}
