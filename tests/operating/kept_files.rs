//! Files that a command is given to write, and what was there before.

use std::fs;

use super::support::{Machine, told};

const KEPT: &str = "a plan that somebody has published\n";

fn machine(name: &str) -> Machine {
    let machine = Machine::new(name);
    machine.shell("guilloche keys new --keys mark.keys --ledger mark.ledger");
    machine.write("suspect.txt", "The tools that you need are in the house.\n");
    let policy = format!("{}/policies/graded.toml", env!("CARGO_MANIFEST_DIR"));
    fs::copy(policy, machine.folder.join("graded.toml")).unwrap();
    machine
}

// Break it: open one of them with `File::create`.
#[test]
fn no_command_overwrites_a_file_that_it_is_to_make() {
    let machine = machine("kept-out");
    let commit = ["verify", "commit", "--keys", "mark.keys", "--material", "x", "--control", "b"];
    let verify = ["verify", "--keys", "mark.keys", "--suspect", "suspect.txt"];
    for arguments in [
        [&commit[..], &["--out"]].concat(),
        vec!["verify", "count", "--suspect", "suspect.txt", "--out"],
        [&verify[..], &["--cells"]].concat(),
        vec!["keys", "bucket", "--keys", "mark.keys", "--out"],
        vec!["keys", "new", "--ledger", "other.ledger", "--keys"],
        vec!["keys", "new", "--keys", "other.keys", "--ledger"],
        vec!["policy", "keygen", "--key", "sign.pem", "--public"],
        vec!["policy", "keygen", "--public", "sign.pub.pem", "--key"],
        [&verify[..], &["--report"]].concat(),
        vec!["policy", "simulate", "--policy", "graded.toml", "--auc", "0.9", "--report"],
        vec!["audit", "report", "suspect.txt", "--report"],
    ] {
        machine.write("kept", KEPT);
        let before = machine.files();
        let (status, _, error) = told(&machine.guilloche(&arguments).arg("kept").output().unwrap());
        assert!(status == 2 && error.contains("is there already"), "{arguments:?}: {error}");
        assert!(error.contains("kept: "), "{arguments:?}: {error}");
        assert_eq!(fs::read_to_string(machine.folder.join("kept")).unwrap(), KEPT);
        assert_eq!(machine.files(), before, "{arguments:?}");
    }
}

// Break it: open the page before the work.
#[test]
fn a_command_that_fails_leaves_neither_a_page_nor_half_of_one() {
    let machine = machine("kept-page");
    let page = "<!DOCTYPE html>\n<p>of last week</p>\n";
    for arguments in [
        &["verify", "--keys", "mark.keys", "--suspect", "missing", "--report"][..],
        &["audit", "report", "missing", "--report"],
        &["policy", "replay", "--policy", "graded.toml", "missing", "--report"],
        &["policy", "simulate", "--policy", "graded.toml", "--roc", "suspect.txt", "--report"],
        &["experiment", "report", "--experiment", "missing", "missing", "--report"],
    ] {
        let before = machine.files();
        let run = |page: &str| told(&machine.guilloche(arguments).arg(page).output().unwrap());
        let (status, _, error) = run("page.html");
        assert_eq!((status, machine.files()), (2, before), "{arguments:?}: {error}");
        machine.write("old.html", page);
        assert_eq!(run("old.html").0, 2);
        assert_eq!(fs::read_to_string(machine.folder.join("old.html")).unwrap(), page);
        fs::remove_file(machine.folder.join("old.html")).unwrap();
        // It is known before the work.
        let (status, _, error) = run("nowhere/page.html");
        assert!(status == 2 && error.contains("nowhere/page.html: "), "{arguments:?}: {error}");
    }
}

#[cfg(unix)]
#[test]
fn a_page_is_written_where_a_link_leads() {
    let machine = machine("linked-page");
    machine.write("week.html", "<!DOCTYPE html>\n");
    std::os::unix::fs::symlink("week.html", machine.folder.join("newest.html")).unwrap();
    machine.shell("guilloche policy simulate --policy graded.toml --auc 0.9 --report newest.html");
    assert!(fs::symlink_metadata(machine.folder.join("newest.html")).unwrap().is_symlink());
    assert!(fs::read_to_string(machine.folder.join("week.html")).unwrap().ends_with("</html>\n"));
}
