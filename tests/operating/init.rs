//! `guilloche init`.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use guilloche::policy::Policy;
use guilloche::policy::plan::Mode;
use guilloche::proxy::Config;

use crate::support::{Machine, Running, free_address, told};

const PLAIN: [&str; 4] = ["guilloche.toml", "policy.toml", "risk.key", "secret.key"];

fn load(path: &Path) -> Config {
    Config::load(path, &BTreeMap::new()).unwrap()
}

/// The lines that a shell is meant to be given.
fn commands(said: &str) -> Vec<&str> {
    said.lines().map(str::trim).filter(|line| line.starts_with("guilloche ")).collect()
}

#[test]
fn what_is_written_is_a_configuration_that_observes_and_keys_that_are_not_shown() {
    let machine = Machine::new("init");
    let (status, said, error) = told(&machine.guilloche(&["init"]).output().unwrap());
    assert_eq!((status, error.as_str()), (0, ""));
    assert_eq!(machine.files(), PLAIN);
    for (name, mode) in PLAIN.into_iter().zip([0o644, 0o644, 0o600, 0o600]) {
        let metadata = fs::metadata(machine.folder.join(name)).unwrap();
        assert_eq!(metadata.permissions().mode() & 0o777, mode, "{name}");
        assert!(said.contains(name), "{said}");
    }
    let keys = ["risk.key", "secret.key"]
        .map(|name| fs::read_to_string(machine.folder.join(name)).unwrap());
    assert_ne!(keys[0], keys[1]);
    for key in keys {
        assert!(key.len() == 65 && !said.contains(key.trim()), "{said}");
    }
    let config = load(&machine.folder.join("guilloche.toml"));
    assert_eq!(config.upstream.url, "http://127.0.0.1:8001/");
    assert_eq!(config.notices, Vec::<String>::new());
    let policy = Policy::load(machine.folder.join("policy.toml")).unwrap();
    assert_eq!(policy.mode, Mode::Observe);
    // The ladder that is suggested.
    let suggested = Policy::load("policies/monitor.toml").unwrap();
    let ladder = |policy: &Policy| -> Vec<(String, f64)> {
        policy.grades.iter().map(|grade| (grade.name.to_string(), grade.at)).collect()
    };
    assert_eq!(ladder(&policy), ladder(&suggested));
}

/// Fails when a setting is shown that there is none of any more.
#[test]
fn every_setting_that_is_commented_out_is_one() {
    let machine = Machine::new("init-settings");
    machine.guilloche(&["init", "--marks"]).output().unwrap();
    let path = machine.folder.join("guilloche.toml");
    let text = fs::read_to_string(&path).unwrap();
    let is_setting = |line: &str| {
        let name = line.strip_prefix("# ").and_then(|it| it.split_once(" = ")).map(|it| it.0);
        name.is_some_and(|it| it.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'))
    };
    let settings = text.lines().filter(|line| is_setting(line)).count();
    assert!(settings > 6, "{settings}");
    let all: Vec<&str> = text
        .lines()
        .map(|it| if is_setting(it) { it.trim_start_matches("# ") } else { it })
        .collect();
    machine.write("account.key", &"7".repeat(64));
    load(&machine.write("all.toml", &all.join("\n")));
}

#[test]
fn nothing_is_overwritten_and_what_is_there_is_named() {
    let machine = Machine::new("init-twice");
    machine.write("risk.key", "mine\n");
    std::os::unix::fs::symlink("/nowhere", machine.folder.join("policy.toml")).unwrap();
    let (status, said, error) = told(&machine.guilloche(&["init", "."]).output().unwrap());
    assert_eq!((status, said.as_str()), (2, ""));
    assert!(error.contains("./policy.toml, ./risk.key") && !error.contains("secret"), "{error}");
    assert_eq!(machine.files(), ["policy.toml", "risk.key"]);
    assert_eq!(fs::read_to_string(machine.folder.join("risk.key")).unwrap(), "mine\n");
}

#[test]
fn of_an_installation_that_fails_nothing_is_left() {
    let machine = Machine::new("init-fails");
    // Files of a single byte can be made, and no longer ones: the size that a shell allows is that.
    let line = "ulimit -f 0; trap '' XFSZ; guilloche init made --marks";
    let (status, _, error) = told(&machine.command("sh").args(["-c", line]).output().unwrap());
    assert_eq!(status, 2, "{error}");
    assert!(error.contains("made/risk.key"), "{error}");
    assert_eq!(machine.files(), ["made"]);
}

#[test]
fn every_kind_of_server_gives_a_configuration_that_loads() {
    let machine = Machine::new("init-kinds");
    for kind in guilloche::wire::ServerKind::ALL.map(guilloche::wire::ServerKind::name) {
        let output = machine.guilloche(&["init", kind, "--kind", kind, "--marks"]).output();
        let (status, said, error) = told(&output.unwrap());
        assert_eq!((status, error.as_str()), (0, ""), "{kind}");
        let config = load(&machine.folder.join(kind).join("guilloche.toml"));
        assert_eq!(config.upstream.kind.name(), kind);
        assert!(config.marks.is_some());
        assert!(commands(&said).len() == 3, "{said}");
    }
}

#[test]
fn an_address_is_taken_as_a_configuration_takes_it() {
    let machine = Machine::new("init-urls");
    for (url, written) in [
        ("https://models.example/base/", "https://models.example/base"),
        ("http://localhost:8000/v1", "http://localhost:8000/"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080/"),
    ] {
        let name = written.replace(['/', ':'], "-");
        let output = machine.guilloche(&["init", &name, "--upstream", url]).output().unwrap();
        assert_eq!(told(&output).0, 0, "{url}");
        let config = load(&machine.folder.join(&name).join("guilloche.toml"));
        assert_eq!(config.upstream.url, written);
    }
    for url in ["localhost:8000", "http://user:word@host", "ftp://host", "http://host/\"\nurl = \""]
    {
        let (status, _, error) =
            told(&machine.guilloche(&["init", "bad", "--upstream", url]).output().unwrap());
        assert!(status == 2 && error.contains("expected an http or https URL"), "{url}: {error}");
    }
    assert!(!machine.folder.join("bad").exists());
}

/// The commands are pasted as they were printed. Fails when one of them does not work, or when the
/// policy withholds something.
#[test]
fn the_commands_that_are_said_work_when_they_are_pasted() {
    let machine = Machine::new("init-commands");
    let folder = "it's here";
    let listen = free_address();
    let output = machine.guilloche(&["init", folder, "--listen", &listen]).output().unwrap();
    let (_, said, _) = told(&output);
    let commands = commands(&said);
    assert_eq!(commands.len(), 3, "{said}");
    assert!(commands[0].starts_with("guilloche teacher"), "{said}");
    // The port of the teacher may be somebody else's here, so it gets one of its own.
    let taught = free_address();
    let path = machine.folder.join(folder).join("guilloche.toml");
    let text = fs::read_to_string(&path).unwrap().replace("127.0.0.1:8001", &taught);
    fs::write(&path, text).unwrap();
    let shell = |line: &str| {
        let mut command = machine.command("sh");
        command.args(["-c", &format!("exec {line}")]);
        command
    };
    let teacher = format!("guilloche teacher --listen {taught}");
    let (_teacher, _) = Running::start(shell(&teacher), "teacher listens");
    let (mut proxy, started) = Running::start(shell(commands[1]), "serving");
    assert!(started.contains("mode=\"observe\""), "{started}");
    let (answer, _) = machine.shell(commands[2]);
    assert!(answer.contains("teacher-large") && answer.contains("\"reasoning_content\":\""));
    let process = proxy.child.id().to_string();
    machine.shell(&format!("kill {process}"));
    assert!(proxy.child.wait().unwrap().success());
    let audit = fs::read_to_string(machine.folder.join(folder).join("audit.jsonl")).unwrap();
    assert!(
        audit.contains("\"grade\":\"reduced\"") && audit.contains("\"observed\":[{"),
        "{audit}"
    );
    proxy.until("stopping");
}

#[test]
fn before_a_server_the_commands_tell_what_is_made_of_a_header() {
    let machine = Machine::new("init-verify");
    let listen = free_address();
    let output =
        machine.guilloche(&["init", "--kind", "vllm", "--listen", &listen]).output().unwrap();
    let (_, said, _) = told(&output);
    let commands = commands(&said);
    let (checked, warnings) = machine.shell(commands[0]);
    assert_eq!((checked.as_str(), warnings.as_str()), ("guilloche.toml can be served\n", ""));
    let (verified, _) = machine.shell(commands[1]);
    assert!(verified.contains("believed: score 0.8"), "{verified}");
    assert!(verified.contains("reduced (policy main, observe)"), "{verified}");
    let mut serve = machine.command("sh");
    serve.args(["-c", &format!("exec {}", commands[2])]);
    let (_proxy, started) = Running::start(serve, "serving");
    assert!(started.contains("configuration file=guilloche.toml"), "{started}");
}
