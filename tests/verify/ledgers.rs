//! Ledgers that are not those of the keys, and such as name nobody.

use std::fs;

use guilloche::forensics::examination::{Level, Outcome};
use guilloche::mark::ledger::Event;

use super::scene::{Scene, text};

/// Break it: pass over each line that is no entry, however many there are.
#[test]
fn a_file_that_is_not_the_ledger_of_the_keys_gives_no_verdict() {
    let scene = Scene::new("other-ledger");
    let suspect = scene.write("suspect.jsonl", &scene.copies(2, &[("a-7", None)]));
    let control = scene.control();
    let fingerprint = "0123456789abcdef".to_owned();
    let begun = Event::Epoch { epoch: 3, fingerprint, rules: None, rates: None };
    let own = fs::read(scene.file("mark.ledger")).unwrap();
    scene.record(begun);
    let mixed = fs::read(scene.file("mark.ledger")).unwrap();
    let answers = fs::read(&suspect).unwrap();
    let keys = fs::read(scene.file("mark.keys")).unwrap();
    for (content, said) in [
        (mixed, "is the ledger of other keys"),
        (answers, "is no ledger"),
        (keys, "is no ledger"),
        (b"\x1f\x8b\x08\0\0".to_vec(), "is no ledger"),
        (b"{}\n[]\n".to_vec(), "is no ledger"),
    ] {
        fs::write(scene.file("mark.ledger"), content).unwrap();
        // What is read of it tells whose it is, whenever it was written.
        for until in [&[][..], &["--ledger-until", "1969-01-01T00:00:00Z"]] {
            let arguments = ["--suspect", text(&suspect), "--control", text(&control)];
            let verified = scene.verify(&[&arguments[..], until].concat());
            assert_eq!((verified.code, verified.out.as_str()), (2, ""));
            assert!(verified.error.contains("mark.ledger: "), "{}", verified.error);
            assert!(verified.error.contains(said), "{}", verified.error);
            assert!(!verified.error.contains("3c3c"), "{}", verified.error);
        }
        let commit = ["verify", "commit", "--keys", "mark.keys", "--ledger", "mark.ledger"];
        let committed = scene.run(&[&commit[..], &["--material", "x", "--control", "b"]].concat());
        assert!(committed.code == 2 && committed.error.contains(said), "{}", committed.error);
    }
    fs::write(scene.file("mark.ledger"), own).unwrap();
    assert_eq!(scene.verify(&["--suspect", text(&suspect), "--control", text(&control)]).code, 0);
}

/// Break it: say that a text cannot be traced where nobody was tested.
#[test]
fn where_the_ledger_names_nobody_it_is_not_said_that_nobody_fits() {
    let scene = Scene::new("empty-ledger");
    let suspect = scene.write("suspect.jsonl", &scene.copies(2, &[("a-7", None)]));
    let control = scene.control();
    let first = fs::read_to_string(scene.file("mark.ledger")).unwrap();
    let first = first.lines().next().unwrap().to_owned() + "\n";
    for ledger in ["", &first] {
        fs::write(scene.file("mark.ledger"), ledger).unwrap();
        let said = scene.verify(&["--suspect", text(&suspect), "--control", text(&control)]);
        let verdict = said.verdict();
        assert_eq!((said.code, verdict.outcome), (0, Outcome::Exposed), "{}", said.error);
        assert_eq!(verdict.reached, Some(Level::Deployment));
        let sentence = &verdict.sentence;
        assert!(sentence.contains("was not tested: no entry of a ledger was read"), "{sentence}");
        assert!(!sentence.contains("traced"), "{sentence}");
    }
}
