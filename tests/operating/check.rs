//! `guilloche serve --check`, and where a configuration is found.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;

use crate::support::{Machine, Running, free_address, told};

/// A configuration on free addresses, with more behind it.
fn configuration(more: &str) -> (String, String) {
    let address = free_address();
    let text = format!(
        "[upstream]\nurl = \"http://127.0.0.1:1\"\n[listen]\naddress = \"{address}\"\n\
         [admin]\naddress = \"off\"\n{more}"
    );
    (text, address)
}

#[test]
fn a_configuration_is_found_where_it_usually_is_and_the_one_that_was_taken_is_told() {
    let machine = Machine::new("found");
    let (text, _) = configuration("");
    let check = |variables: &[(&str, &str)]| {
        let mut command = machine.guilloche(&["serve", "--check"]);
        command.envs(variables.iter().copied());
        told(&command.output().unwrap())
    };
    let (status, _, error) = check(&[]);
    assert_eq!(status, 2);
    let personal = machine.folder.join(".config/guilloche/guilloche.toml");
    for said in ["guilloche.toml, ", &personal.display().to_string(), "/etc/guilloche", "init"] {
        assert!(error.contains(said), "{said}: {error}");
    }
    for path in [".config/guilloche/guilloche.toml", "xdg/guilloche/guilloche.toml"] {
        let path = machine.folder.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, &text).unwrap();
    }
    let xdg = machine.folder.join("xdg").display().to_string();
    let other = machine.write("other.toml", &text).display().to_string();
    let here = |variables: &[(&str, &str)]| check(variables).1;
    assert_eq!(here(&[]), format!("{} can be served\n", personal.display()));
    let of_xdg = here(&[("XDG_CONFIG_HOME", &xdg)]);
    assert_eq!(of_xdg, format!("{xdg}/guilloche/guilloche.toml can be served\n"));
    machine.write("guilloche.toml", &text);
    assert_eq!(here(&[]), "guilloche.toml can be served\n");
    let named = here(&[("GUILLOCHE_CONFIG", &other)]);
    assert_eq!(named, format!("{other} can be served\n"));
    // What is named has to be there, and what is there and cannot be read is not passed over.
    assert_eq!(check(&[("GUILLOCHE_CONFIG", "/nowhere.toml")]).0, 2);
    fs::remove_file(machine.folder.join("guilloche.toml")).unwrap();
    fs::create_dir(machine.folder.join("guilloche.toml")).unwrap();
    let (status, _, error) = check(&[]);
    assert!(status == 2 && error.contains("guilloche.toml: cannot be read"), "{error}");
}

// Break it: leave one of the files out of `rehearsal::files`.
#[test]
fn the_check_fails_at_what_the_start_would_fail_at_and_leaves_nothing_behind() {
    let machine = Machine::new("check");
    machine.write("secret.key", &"7".repeat(64));
    fs::set_permissions(machine.folder.join("secret.key"), fs::Permissions::from_mode(0o600))
        .unwrap();
    let output = machine.guilloche(&["init", "keys", "--marks"]).output().unwrap();
    assert_eq!(told(&output).0, 0);
    let secret = "[secret]\nkey_file = \"secret.key\"\n";
    for (name, more, cannot) in [
        ("audit", "[audit]\nfile = \"gone/audit.jsonl\"\n", "gone/audit.jsonl"),
        ("folder", "[audit]\nfile = \"keys\"\n", "keys"),
        ("log", "[access_log]\noutput = \"gone/log\"\n", "gone/log"),
        (
            "ledger",
            "[marks]\nkeys = \"keys/mark.keys\"\nledger = \"gone/mark.ledger\"\n",
            "gone/mark.ledger",
        ),
        ("good", "[audit]\nfile = \"audit.jsonl\"\n[access_log]\noutput = \"log\"\n", ""),
    ] {
        let (text, _) = configuration(&format!("{secret}{more}"));
        machine.write("guilloche.toml", &text);
        let files = machine.files();
        let output = machine.guilloche(&["serve", "--check"]).output().unwrap();
        let (status, _, error) = told(&output);
        let expected = if cannot.is_empty() { 0 } else { 2 };
        assert_eq!(status, expected, "{name}: {error}");
        let said = format!("cannot write to {cannot}: ");
        assert!(cannot.is_empty() || error.contains(&said), "{name}: {error}");
        assert_eq!(machine.files(), files, "{name}");
        if !cannot.is_empty() {
            let started = machine.guilloche(&["serve"]).output().unwrap();
            assert_eq!(told(&started).0, 2, "{name}: it starts");
        }
    }
}

#[test]
fn an_address_that_is_taken_is_told_and_one_that_the_proxy_itself_has_is_a_warning() {
    let machine = Machine::new("taken");
    let (text, address) = configuration("");
    machine.write("guilloche.toml", &text);
    let check = || told(&machine.guilloche(&["serve", "--check"]).output().unwrap());
    let somebody = TcpListener::bind(&address).unwrap();
    let (status, _, error) = check();
    assert!(status == 2 && error.contains(&format!("cannot listen on {address}")), "{error}");
    assert!(error.contains("listen.address"), "it says what to do: {error}");
    drop(somebody);
    let admin = free_address();
    machine.write("guilloche.toml", &text.replace("\"off\"", &format!("\"{admin}\"")));
    let (_proxy, _) = Running::start(machine.guilloche(&["serve"]), "serving");
    let (status, said, error) = check();
    assert_eq!((status, said.as_str()), (0, "guilloche.toml can be served\n"), "{error}");
    assert!(error.contains("a proxy is running there already"), "{error}");
    let health = |more: &[&str]| {
        let mut command = machine.guilloche(&["health", "--admin", &admin]);
        told(&command.args(more).output().unwrap())
    };
    // The upstream is nowhere, so that it is alive and not ready.
    assert_eq!(health(&["--alive"]), (0, "alive\n".to_owned(), String::new()));
    let unready = (1, "the upstream cannot be reached\n".to_owned(), String::new());
    assert_eq!(health(&[]), unready);
    let reload = || told(&machine.guilloche(&["reload"]).output().unwrap());
    let (status, said, warnings) = reload();
    assert_eq!(status, 0, "{said}");
    assert!(said.contains("the new configuration decides: policy none"), "{said}");
    assert!(warnings.starts_with("warning: NOTHING IS GRADED"), "{warnings}");
    let listens = fs::read_to_string(machine.folder.join("guilloche.toml")).unwrap();
    machine.write("guilloche.toml", &(listens + "[policy]\nfile = \"gone.toml\"\n"));
    let (status, said, _) = reload();
    assert!(status == 1 && said.contains("gone.toml cannot be read"), "{said}");
    let nobody = machine.guilloche(&["health", "--admin", &address]).output().unwrap();
    assert_eq!(told(&nobody).0, 1);
}

/// What somebody meets on the first day, and what the error says that helps.
#[test]
fn the_mistakes_of_the_first_day_are_answered_with_what_helps() {
    let machine = Machine::new("mistakes");
    machine.write("short.key", "0b0b");
    let upstream = "[upstream]\nurl = \"http://127.0.0.1:1\"\n";
    let address = "[listen]\naddress = \"192.0.2.1:8080\"\n[admin]\naddress = \"off\"\n";
    for (text, helps) in [
        ("", "upstream.url: is required: an http or https URL"),
        ("[upstream]\nurl = \"localhost:8000\"\n", "such as \"http://127.0.0.1:8000\""),
        ("[risk]\ntrust = \"signature\"\n", "keys = [{ id = \"2026-11\", file = \"risk.key\" }]"),
        ("[risk]\nkeys = []\n", "trust = \"signature\" and keys ="),
        (
            "[risk]\ntrust = \"signature\"\nkeys = [{ id = \"a\", file = \"risk.key\" }]\n",
            "risk.key cannot be read: No such file or directory (os error 2) (`openssl rand -hex 32`",
        ),
        (
            "[risk]\ntrust = \"signature\"\nkeys = [{ id = \"a\", file = \"short.key\" }]\n",
            "as `openssl rand -hex 32` makes them), this one has 2",
        ),
        ("[secret]\nkey_file = \"short.key\"\n", "(`openssl rand -hex 32` makes one)"),
        ("[secret]\nkey_file = \"gone.key\"\n", "`guilloche init` all that is needed"),
        ("[audit]\nfile = \"audit.jsonl\"\n", "`openssl rand -hex 32` makes one"),
        ("[policy]\nfile = \"gone.toml\"\n", "`guilloche init` writes one that only observes"),
        ("[marks]\nkeys = \"gone.keys\"\n", "`guilloche keys new` makes one"),
        ("[listn]\n", "listn: is no section; there are: access_log, admin"),
        (address, "\"0.0.0.0:PORT\" in listen.address"),
    ] {
        let text = if text.contains("[upstream]") || text.is_empty() {
            text.to_owned()
        } else {
            format!("{upstream}{text}")
        };
        machine.write("guilloche.toml", &text);
        let (status, _, error) = told(&machine.guilloche(&["serve"]).output().unwrap());
        assert!(status == 2 && error.contains(helps), "{helps}: {error}");
    }
    machine.write("guilloche.toml", "[upstream]\nurl = \"http://127.0.0.1:8000/v1\"\n");
    let mut check = machine.guilloche(&["serve", "--check"]);
    check.env("GUILLOCHE_LISTEN_ADDRESS", "127.0.0.1:0").env("GUILLOCHE_ADMIN_ADDRESS", "off");
    let (status, _, warnings) = told(&check.output().unwrap());
    assert!(status == 0 && warnings.contains("would go to /v1/v1/models"), "{warnings}");
}

/// As systemd asks for it with `Type=notify`. Fails when it is told before clients can connect.
#[test]
fn a_service_manager_is_told_when_clients_can_connect_and_when_no_more_can() {
    let machine = Machine::new("notify");
    let (text, address) = configuration("");
    machine.write("guilloche.toml", &text);
    // The path of a socket has at most 107 bytes.
    let path = std::env::temp_dir().join(format!("guilloche-notify-{}", std::process::id()));
    let _ = fs::remove_file(&path);
    let manager = std::os::unix::net::UnixDatagram::bind(&path).unwrap();
    let mut serve = machine.guilloche(&["serve"]);
    serve.env("NOTIFY_SOCKET", &path);
    let mut state = [0; 64];
    let mut told = || {
        let length = manager.recv(&mut state).unwrap();
        String::from_utf8(state.iter().take(length).copied().collect()).unwrap()
    };
    let mut child = serve.stderr(std::process::Stdio::null()).spawn().unwrap();
    assert_eq!(told(), "READY=1");
    std::net::TcpStream::connect(&address).unwrap();
    machine.shell(&format!("kill {}", child.id()));
    assert_eq!(told(), "STOPPING=1");
    assert!(child.wait().unwrap().success());
    fs::remove_file(&path).unwrap();
}

/// A taken address is no excuse for another mistake, nor is one mistake for the next.
// Break it: stop at the first, or take any address that cannot be had for the proxy's own.
#[test]
fn everything_that_a_start_would_fail_at_is_told_at_once_with_its_place() {
    let machine = Machine::new("all");
    let admin = free_address();
    let (text, address) = configuration("[access_log]\noutput = \"gone/log\"\n");
    let text = text.replace("\"off\"", &format!("\"{admin}\""));
    machine.write("guilloche.toml", &text);
    let line = |field: &str| {
        let at = text.lines().position(|line| line.starts_with(field)).unwrap() + 1;
        format!("guilloche.toml:{at}: ")
    };
    let log = format!("{}access_log.output: cannot write to gone/log: ", line("output"));
    let somebody = TcpListener::bind(&address).unwrap();
    for command in [&["serve", "--check"][..], &["serve"]] {
        let (status, _, error) = told(&machine.guilloche(command).output().unwrap());
        assert_eq!(status, 2, "{error}");
        assert!(error.contains(&log), "{log}: {error}");
        assert!(
            error.contains(&format!("listen.address: cannot listen on {address}: ")),
            "{error}"
        );
    }
    drop(somebody);
    // Where a proxy answers, only what it has itself is no mistake.
    machine.write("guilloche.toml", &text.replace("gone/log", "log"));
    let (_proxy, _) = Running::start(machine.guilloche(&["serve"]), "serving");
    let elsewhere = text.replace("gone/log", "log").replace(&address, "192.0.2.1:1");
    machine.write("guilloche.toml", &elsewhere);
    let (status, _, error) = told(&machine.guilloche(&["serve", "--check"]).output().unwrap());
    assert_eq!(status, 2, "{error}");
    assert!(error.contains("listen.address: cannot listen on 192.0.2.1:1: "), "{error}");
}
