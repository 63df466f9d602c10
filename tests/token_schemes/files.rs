//! Files of schemes: what each scheme takes, and what is said of mistakes.

use std::fs;

use guilloche::forensics::examination::tokens::read_schemes;

use crate::support::Deployment;
use crate::writer::Writer;

/// Every scheme, with its settings.
const ALL: &str = r#"
version = 1

[[scheme]]
name = "sglang"
tokenizer = "tokenizer.json"
context_window = 4
mixing_probability = 0.9

[[scheme]]
name = "vllm"
tokenizer = "tokenizer.json"
context_window = 4
key = 42

[[scheme]]
name = "vllm-dual"
tokenizer = "tokenizer.json"
context_window = 4
alpha = 0.2
key = "00000000deadbeef"

[[scheme]]
name = "kgw-lefthash"
tokenizer = "tokenizer.json"
vocabulary = 4096
key = 15485867

[[scheme]]
name = "kgw-selfhash"
tokenizer = "tokenizer.json"
vocabulary = 4096
green_ratio = 0.5
context_width = 4
key = 15485867

[[scheme]]
name = "vllm-sbw"
tokenizer = "tokenizer.json"

[[scheme]]
name = "synthid"
tokenizer = "tokenizer.json"
keys = [654, 400, 836]

[[scheme]]
name = "synthid-main"
tokenizer = "tokenizer.json"
ngram_len = 4
keys = [-654, 400, 836]

[[scheme]]
name = "logit-bias"
tokenizer = "tokenizer.json"

[[scheme]]
name = "green-table"
tokenizer = "tokenizer.json"
table = "green.jsonl"
"#;

const SCHEMES: [&str; 10] = [
    "sglang",
    "vllm",
    "vllm-dual",
    "kgw-lefthash",
    "kgw-selfhash",
    "vllm-sbw",
    "synthid",
    "synthid-main",
    "logit-bias",
    "green-table",
];

/// A table of one list without a context, in which every other token is green.
fn with_table(name: &str) -> Deployment {
    let deployment = Deployment::new(name);
    let bitmap = format!("{}VVU=", "VVVV".repeat(170));
    let head = r#"{"version": 1, "vocabulary": 4096, "context_tokens": 0, "green_ratio": 0.5}"#;
    let table = format!("{head}\n{{\"context\": [], \"green\": \"{bitmap}\"}}\n");
    fs::write(deployment.file("green.jsonl"), table).unwrap();
    deployment
}

#[test]
fn every_scheme_is_read_and_tested_and_finds_nothing_where_nothing_is() {
    let deployment = with_table("all");
    deployment.secret("schemes.toml", ALL);
    for carrier in ["sglang", "logit_bias"] {
        deployment.issue(carrier, "acct-1", None);
    }
    let mut writer = Writer::new(9);
    deployment.texts("base.jsonl", (0..2).map(|_| writer.unmarked_prose(150)));
    deployment.texts("suspect.jsonl", (0..2).map(|_| writer.unmarked_prose(150)));
    // Ten decoys do not suffice for an answer; a thousand of each scheme take minutes.
    let mut arguments = vec!["--decoys=10".to_owned()];
    arguments.extend(SCHEMES.map(|name| format!("--scheme={name}")));
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (status, verdict) = deployment.verify("suspect.jsonl", &arguments);
    assert_eq!((status, &verdict["outcome"]), (1, &"refused".into()), "{verdict:#}");
    for refused in verdict["refusals"].as_array().unwrap() {
        assert!(refused["reason"].as_str().unwrap().contains("do not tell"), "{refused:#}");
    }
    for test in verdict["deployments"].as_array().unwrap() {
        assert!(test["p_adjusted"]["p"].as_f64().unwrap() > 1e-3, "{test:#}");
    }
    let materials = verdict["materials"].as_array().unwrap();
    let schemes: Vec<&str> =
        materials.iter().map(|material| material["scheme"].as_str().unwrap()).collect();
    assert_eq!(schemes, SCHEMES);
    for material in materials {
        let sites = material["sites"].as_u64().unwrap();
        let few = material["scheme"] == "logit-bias";
        assert!(few || sites > 100, "{material:#}");
    }
}

#[test]
fn the_file_of_the_documentation_is_read() {
    let page = include_str!("../../docs/verify.md");
    let example = page.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
    let deployment = Deployment::new("page");
    deployment.secret("schemes.toml", example);
    let schemes = read_schemes(deployment.file("schemes.toml")).unwrap();
    let names: Vec<&str> = schemes.iter().map(|scheme| scheme.name()).collect();
    assert_eq!(names, ["sglang", "vllm", "logit-bias"]);
}

fn problem(deployment: &Deployment, text: &str) -> String {
    deployment.secret("schemes.toml", text);
    read_schemes(deployment.file("schemes.toml")).unwrap_err().problem.to_string()
}

#[test]
fn a_mistake_is_named_and_no_key_is_shown() {
    let deployment = with_table("mistakes");
    let scheme =
        |rest: &str| format!("version = 1\n[[scheme]]\ntokenizer = \"tokenizer.json\"\n{rest}\n");
    for (text, said) in [
        ("version = 2\n".to_owned(), "version 2"),
        ("version = 1\n".to_owned(), "no [[scheme]]"),
        (scheme("name = \"nonsense\""), "unknown variant `nonsense`"),
        (scheme("name = \"vllm\"\nkey = 1\ncontext_window = 0"), "context_window must be"),
        (
            scheme("name = \"vllm\"\nkey = 1\ncontext_window = 2\nother = 1"),
            "unknown field `other`",
        ),
        (scheme("name = \"vllm\"\nkey = 7654321.5\ncontext_window = 2"), "a key is a number"),
        (scheme("name = \"vllm\"\nkey = \"7654321x\"\ncontext_window = 2"), "a key is a number"),
        (scheme("name = \"vllm\"\nkey = 7654321\ncontext_window = \"x\""), "line"),
        (
            scheme("name = \"kgw-lefthash\"\nkey = 1\nvocabulary = 9\ngreen_ratio = 1.0"),
            "green_ratio",
        ),
        (scheme("name = \"kgw-lefthash\"\nkey = 15485863\nvocabulary = 9"), "public default"),
        (scheme("name = \"synthid\"\nkeys = []"), "keys must be"),
        (scheme("name = \"sglang\"\nkey_b = 1"), "key_b needs mixing_probability"),
        (scheme("name = \"green-table\"\ntable = \"none.jsonl\""), "none.jsonl"),
        (scheme("name = \"logit-bias\"").repeat(2).replacen("version = 1\n", "", 1), "version"),
    ] {
        let problem = problem(&deployment, &text);
        assert!(problem.contains(said), "{problem:?} for {text}");
        assert!(!problem.contains("7654321"), "{problem}");
    }
    let twice = format!(
        "{}[[scheme]]\nname = \"logit-bias\"\ntokenizer = \"tokenizer.json\"\n",
        scheme("name = \"logit-bias\"")
    );
    assert_eq!(problem(&deployment, &twice), "the scheme logit-bias stands there twice");
    let missing = scheme("name = \"logit-bias\"").replace("tokenizer.json", "none.json");
    assert!(problem(&deployment, &missing).contains("none.json"));
}

#[cfg(unix)]
#[test]
fn keys_that_others_may_read_are_refused() {
    let deployment = Deployment::new("permissions");
    let text = "version = 1\n[[scheme]]\nname = \"vllm\"\ntokenizer = \"tokenizer.json\"\n\
                context_window = 2\nkey = 1\n";
    deployment.secret("schemes.toml", text);
    let path = deployment.file("schemes.toml");
    assert!(read_schemes(&path).is_ok());
    fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    let problem = read_schemes(&path).unwrap_err().to_string();
    assert!(problem.contains("it holds keys") && problem.contains("644"), "{problem}");
}

#[test]
fn a_scheme_without_settings_or_accounts_is_an_error_that_says_so() {
    let deployment = Deployment::new("wrong_use");
    deployment.issue("vllm", "acct-1", None);
    deployment.texts("base.jsonl", ["Nothing.".to_owned()]);
    deployment.texts("suspect.jsonl", ["Nothing.".to_owned()]);
    deployment.secret(
        "schemes.toml",
        "version = 1\n[[scheme]]\nname = \"sglang\"\ntokenizer = \"tokenizer.json\"\n",
    );
    let (status, _, error) = deployment.run("suspect.jsonl", &["--scheme=vllm"]);
    assert_eq!(status, 2);
    assert!(error.contains("schemes.toml does not have it"), "{error}");
    let (status, _, error) = deployment.run("suspect.jsonl", &["--scheme=sglang"]);
    assert_eq!(status, 2);
    assert!(error.contains("the ledger has no account"), "{error}");
    let (status, _, error) = deployment.run("-", &["--scheme=lexical"]);
    assert_eq!(status, 1, "standard input can be read by one scheme: {error}");
}
