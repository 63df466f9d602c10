//! What the packages bring along, against what `guilloche init` writes.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use guilloche::proxy::Config;

use crate::support::Machine;

fn repository(path: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Fails when the policy or a setting has changed in one place only.
#[test]
fn packages_have_the_configuration_and_policy_of_init() {
    let machine = Machine::new("packaged");
    machine.shell("guilloche init made --upstream http://127.0.0.1:8000 && mkdir keys");
    for name in ["guilloche.toml", "policy.toml"] {
        fs::copy(repository("packaging/debian").join(name), machine.folder.join(name)).unwrap();
    }
    let policy = |path: &str| fs::read_to_string(machine.folder.join(path)).unwrap();
    let of_chart = fs::read_to_string(repository("packaging/helm/guilloche/files/policy.toml"));
    assert_eq!(of_chart.unwrap(), policy("made/policy.toml"));
    assert_eq!(policy("policy.toml"), policy("made/policy.toml"));
    machine.shell("cp made/risk.key made/secret.key keys/");
    let text = fs::read_to_string(machine.folder.join("guilloche.toml")).unwrap();
    let config = Config::parse(
        &machine.folder.join("guilloche.toml").display().to_string(),
        &text,
        &BTreeMap::new(),
    )
    .unwrap();
    assert_eq!(config.upstream.url, "http://127.0.0.1:8000/");
    assert_eq!(config.history.unwrap().folder, Path::new("/var/lib/guilloche/policies"));
    assert_eq!(config.audit.unwrap().file, Path::new("/var/log/guilloche/audit.jsonl"));
    // What is commented out is a setting in either.
    let settings = |text: &str| -> Vec<String> {
        let names = text.lines().filter_map(|line| line.trim_start_matches("# ").split_once(" = "));
        let mut names: Vec<String> =
            names.map(|(name, _)| name.to_owned()).filter(|name| !name.contains(' ')).collect();
        names.sort();
        names
    };
    machine.shell("guilloche init marked --marks");
    let mut ours = settings(&policy("marked/guilloche.toml"));
    ours.retain(|name| name != "carriers");
    ours.push("history".to_owned());
    ours.sort();
    assert_eq!(settings(&text), ours);
}
