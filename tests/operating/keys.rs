//! Key files and the ledgers that belong to them.

use std::fs;

use super::support::{Machine, told};

fn run(machine: &Machine, line: &str) -> (i32, String) {
    let arguments: Vec<&str> = line.split(' ').collect();
    let (status, _, error) = told(&machine.guilloche(&arguments).output().unwrap());
    (status, error)
}

/// Every file with what it holds.
fn contents(machine: &Machine) -> Vec<(String, Vec<u8>)> {
    let read = |name: String| fs::read(machine.folder.join(&name)).ok().map(|text| (name, text));
    machine.files().into_iter().filter_map(read).collect()
}

/// A machine with two key files and a ledger of each, and files that are no ledgers.
fn machine(name: &str) -> Machine {
    let machine = Machine::new(name);
    machine.shell("guilloche keys new --keys a.keys --ledger a.ledger");
    machine.shell("guilloche keys new --keys b.keys --ledger b.ledger");
    machine.write("notes.txt", "no ledger\n");
    machine.write("empty", "");
    machine.shell("chmod 600 notes.txt empty");
    machine
}

// Break it: record an epoch before looking at what stands in the ledger, or keys before it.
#[test]
fn new_keys_begin_a_ledger_of_their_own_or_leave_nothing_behind() {
    let machine = machine("keys-new");
    for (ledger, said) in [
        ("a.ledger", "belongs to other keys"),
        ("notes.txt", "belongs to other keys"),
        ("nowhere/new.ledger", "nowhere/new.ledger: "),
        ("new.keys", "new.keys: "),
        ("served", "served: "),
    ] {
        let before = contents(&machine);
        if ledger == "served" {
            fs::create_dir_all(machine.folder.join("served")).unwrap();
        }
        let line = format!("keys new --keys new.keys --ledger {ledger}");
        let (status, error) = run(&machine, &line);
        assert!(status == 2 && error.contains(said), "{ledger}: {error}");
        if ledger.starts_with(['a', 'n']) && said.starts_with("belongs") {
            assert!(error.contains(ledger) && error.contains("new.keys"), "{error}");
        }
        assert_eq!(contents(&machine), before, "{ledger}");
    }
    assert_eq!(run(&machine, "keys new --keys new.keys --ledger empty").0, 0);
    assert!(fs::read_to_string(machine.folder.join("empty")).unwrap().contains("fingerprint"));
}

// Break it: replace the keys before the ledger has their epoch.
#[test]
fn a_rotation_goes_on_with_the_ledger_of_its_keys_or_changes_nothing() {
    let machine = machine("keys-rotate");
    for (ledger, said) in [
        ("b.ledger", "is the ledger of other keys"),
        ("notes.txt", "is no ledger"),
        ("a.ledgre", "there is no such ledger"),
        (".", ".: "),
    ] {
        let before = contents(&machine);
        let line = format!("keys rotate --keys a.keys --ledger {ledger}");
        let (status, error) = run(&machine, &line);
        assert!(status == 2 && error.contains(said), "{ledger}: {error}");
        if said.starts_with("is ") {
            assert!(error.contains(ledger) && error.contains("a.keys"), "{error}");
        }
        assert_eq!(contents(&machine), before, "{ledger}");
    }
    // The ledger may not be written to: the keys stay as they are.
    machine.shell("chmod 644 a.ledger");
    let before = contents(&machine);
    assert_eq!(run(&machine, "keys rotate --keys a.keys --ledger a.ledger").0, 2);
    assert_eq!(contents(&machine), before);
    machine.shell("chmod 600 a.ledger");
    // An epoch that the ledger has, and the keys after a crash have not.
    let keys = fs::read(machine.folder.join("a.keys")).unwrap();
    assert_eq!(run(&machine, "keys rotate --keys a.keys --ledger a.ledger").0, 0);
    fs::write(machine.folder.join("a.keys"), keys).unwrap();
    assert_eq!(run(&machine, "keys rotate --keys a.keys --ledger a.ledger").0, 0);
    let (shown, _) = machine.shell("guilloche keys show --keys a.keys");
    assert!(shown.contains("epoch 2") && !shown.contains("epoch 3"), "{shown}");
}

// Break it: open a ledger without a look at whose it is.
#[test]
fn a_proxy_writes_to_no_ledger_of_other_keys() {
    let machine = machine("keys-serve");
    machine.shell("guilloche init proxy --marks --upstream http://127.0.0.1:9");
    let ledger = machine.folder.join("proxy/mark.ledger");
    let own = fs::read(&ledger).unwrap();
    for (other, said) in
        [("a.ledger", "is the ledger of other keys"), ("notes.txt", "is no ledger")]
    {
        fs::copy(machine.folder.join(other), &ledger).unwrap();
        let before = fs::read(&ledger).unwrap();
        for check in [" --check", ""] {
            let line = format!("serve --config proxy/guilloche.toml{check}");
            let (status, error) = run(&machine, &line);
            assert!(status == 2 && error.contains(said), "{other}{check}: {error}");
            assert!(error.contains("mark.ledger") && error.contains("mark.keys"), "{error}");
            assert_eq!(fs::read(&ledger).unwrap(), before);
        }
    }
    for good in [&own[..], b""] {
        fs::write(&ledger, good).unwrap();
        let (status, error) = run(&machine, "serve --config proxy/guilloche.toml --check");
        assert_eq!(status, 0, "{error}");
    }
}
