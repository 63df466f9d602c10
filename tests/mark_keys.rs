//! Key files, epochs, the ledger, and the bits that follow from them.

#![expect(clippy::string_slice, clippy::unwrap_used, reason = "a test that cannot go on must fail")]

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use guilloche::mark::cell::{Cell, ClassId, KeyName, Purpose, Role, Roles, bucket};
use guilloche::mark::keys::{KeyFileProblem, Keys, KeysError, Recipient};
use guilloche::mark::ledger::{Entries, Entry, EntryError, Event, Ledger, MAX_LINE_BYTES};
use jiff::{SignedDuration, Timestamp};

const MASTER: [u8; 32] = [0x5a; 32];
const HOUR: SignedDuration = SignedDuration::from_hours(1);

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

/// An empty directory of this test's own, removed at its end.
struct Directory(PathBuf);

impl Directory {
    fn new(name: &str) -> Self {
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn a_key_file_is_read_as_it_was_written() {
    let directory = Directory::new("key_file_round_trip");
    let path = directory.file("mark.keys");
    let mut keys = Keys::generate(at(1000)).unwrap();
    keys.create(&path).unwrap();
    keys.rotate(at(2000), HOUR).unwrap();
    keys.replace(&path).unwrap();
    let read = Keys::read(&path).unwrap();
    assert_eq!(read.master(), keys.master());
    assert_eq!(read.epochs(), keys.epochs());
    assert_eq!(read.fingerprint(), keys.fingerprint());
    assert!(!directory.file("mark.keys.new").exists());
}

#[test]
fn an_existing_key_file_is_never_overwritten_by_a_new_one() {
    let directory = Directory::new("key_file_create");
    let path = directory.file("mark.keys");
    Keys::generate(at(0)).unwrap().create(&path).unwrap();
    let before = fs::read(&path).unwrap();
    let error = Keys::generate(at(0)).unwrap().create(&path).unwrap_err();
    assert!(matches!(error.problem, KeyFileProblem::File(_)));
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[cfg(unix)]
#[test]
fn a_key_file_that_others_may_read_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let directory = Directory::new("key_file_permissions");
    let path = directory.file("mark.keys");
    Keys::generate(at(0)).unwrap().create(&path).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    for mode in [0o660, 0o604, 0o620, 0o601] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        let error = Keys::read(&path).unwrap_err();
        assert!(matches!(error.problem, KeyFileProblem::Permissions(found) if found == mode));
    }
}

#[test]
fn a_damaged_key_file_is_refused_and_its_contents_are_not_shown() {
    let hex = "5a".repeat(32);
    let good = format!("guilloche-mark-keys 1\nmaster {hex}\nepoch 1 2026-11-23T00:00:00Z -\n");
    assert!(Keys::parse(&good).is_ok());
    for (text, expected) in [
        (good.replace("keys 1", "keys 2"), "the first line is not `guilloche-mark-keys 1`"),
        (String::new(), "the first line is not `guilloche-mark-keys 1`"),
        (good.replace(&hex, &hex[2..]), "line 2 is not as a key file has it"),
        (good.replace("5a5a", "5g5a"), "line 2 is not as a key file has it"),
        (good.replace("epoch 1", "epoch 2"), "line 3 is not as a key file has it"),
        (good.replace(" -", ""), "line 3 is not as a key file has it"),
        (good.replace(" -", " - -"), "line 3 is not as a key file has it"),
        (format!("{good}master {hex}\n"), "line 4 is not as a key file has it"),
        (good.replace("epoch 1 2026-11-23T00:00:00Z -\n", ""), "the master or an epoch is missing"),
        (good.replace(&format!("master {hex}\n"), ""), "the master or an epoch is missing"),
    ] {
        let error = Keys::parse(&text).unwrap_err();
        assert_eq!(error.to_string(), expected);
        assert!(!format!("{error:?}").contains("5a5a"));
    }
    let shown = format!("{:?}", Keys::parse(&good).unwrap());
    assert!(!shown.contains("5a") && !shown.contains("90"), "{shown}");
}

#[test]
fn epochs_overlap_after_a_rotation() {
    let mut keys = Keys::from_master(&MASTER, at(0));
    assert_eq!(keys.rotate(at(0), HOUR), Err(KeysError::Clock(at(0))));
    assert_eq!(keys.rotate(at(1), -HOUR), Err(KeysError::Overlap));
    keys.rotate(at(10_000), HOUR).unwrap();
    let in_use = |time| keys.epochs_at(at(time)).map(|epoch| epoch.number).collect::<Vec<_>>();
    assert_eq!(in_use(9_999), [1]);
    assert_eq!(in_use(10_000), [1, 2]);
    assert_eq!(in_use(13_599), [1, 2]);
    assert_eq!(in_use(13_600), [2]);
    assert_eq!(in_use(-1), [0; 0]);
    assert_eq!(keys.current(), 2);
}

/// Frozen: if one of these changes, texts that were marked before can no longer be read. The values
/// come from an implementation of BLAKE3 and ChaCha20 in plain Python, written from the BLAKE3
/// paper and RFC 8439 after the specification in `mark::cell`.
#[test]
fn derivation_buckets_and_bits_are_frozen() {
    let keys = Keys::from_master(&MASTER, at(0));
    let name = KeyName {
        purpose: Purpose::Lexical,
        tenant: "t",
        epoch: 1,
        role: Role::Account,
        id: "acct-17",
    };
    let key = keys.derive(&name);
    let hex: String = key.as_bytes().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    let buckets: Vec<u8> = ["", "the", "don't", "café"].iter().map(|word| bucket(word)).collect();
    let cells = (0..16).map(|bucket| Cell::from_bucket(ClassId(100), bucket));
    let bits: String = cells.map(|cell| if key.bit(cell) { '1' } else { '0' }).collect();
    let roles = Roles::new(keys.master(), 16);
    let roles: Vec<u8> = roles.as_slice().iter().map(|role| *role as u8).collect();
    assert_eq!(hex, "6a8f4d3d5b275920");
    assert_eq!(buckets, [15, 12, 4, 4]);
    assert_eq!(bits, "0000011101111011");
    assert_eq!(roles, [0, 0, 1, 0, 1, 0, 1, 2, 0, 0, 1, 2, 0, 0, 2, 2]);
    let coin = keys.derive(&KeyName { purpose: Purpose::Coin, ..name });
    let coins = [0, 1, 2, 3].map(|bucket| coin.coin(Cell::from_bucket(ClassId(100), bucket)));
    assert_eq!(coins, [55, 252, 24, 230]);
}

/// The values come from the `blake3` package of Python, fed as `mark::cell` specifies.
#[test]
fn an_engines_key_is_the_accounts_and_from_linking_on_the_clusters() {
    let keys = Keys::from_master(&MASTER, at(0));
    let alone = Recipient { tenant: "t", account: "acct-17", cluster: None, arm: None };
    let linked = Recipient { cluster: Some("hydra"), ..alone };
    assert_eq!(keys.engine_key(3, alone).hex().as_str(), "d684e170e54eedb0");
    assert_eq!(keys.engine_key(3, linked).hex().as_str(), "1633c6e8b943df44");
    assert_eq!(keys.engine_key(3, alone).number(), 0xd684_e170_e54e_edb0);
    let bias = keys.logit_bias_key(3, alone);
    assert_eq!(bias.as_bytes()[..4], [0x6f, 0x2e, 0x1d, 0x3c]);
    assert_eq!(format!("{:?}", keys.engine_key(3, alone)), "EngineKey { .. }");
}

#[test]
fn a_linked_account_carries_its_clusters_bits_and_shares_the_global_ones() {
    let keys = Keys::from_master(&MASTER, at(0));
    let roles = Arc::new(Roles::new(keys.master(), 6400));
    let marking = |account, cluster| {
        keys.marking(&roles, 1, Recipient { tenant: "", account, cluster, arm: None }, 1.0)
    };
    let (a, b, c) = (marking("a", Some("x")), marking("b", Some("x")), marking("c", None));
    let cells = (0..400).flat_map(|class| (0..16).map(move |bucket| (ClassId(class), bucket)));
    let (mut same, mut all) = ([[0; 3]; 2], [0; 3]);
    for (class, bucket) in cells {
        let cell = Cell::from_bucket(class, bucket);
        let role = roles.of(cell) as usize;
        all[role] += 1;
        same[0][role] += usize::from(a.bit(cell) == b.bit(cell));
        same[1][role] += usize::from(a.bit(cell) == c.bit(cell));
    }
    let half = |role: usize, count: usize| count * 5 > all[role] * 2 && count * 5 < all[role] * 3;
    assert_eq!(same[0][..2], all[..2]);
    assert!(half(2, same[0][2]));
    assert_eq!(same[1][0], all[0]);
    assert!(half(1, same[1][1]) && half(2, same[1][2]));
}

fn issued(account: &str) -> Event {
    Event::Issued {
        epoch: 1,
        tenant: String::new(),
        account: account.to_owned(),
        cluster: None,
        arm: None,
        carrier: None,
        strength: 256,
        answers: 2,
        sites: 30,
        flips: 14,
    }
}

#[test]
fn a_ledger_is_read_as_it_was_written_and_only_grows() {
    let directory = Directory::new("ledger_round_trip");
    let path = directory.file("mark.ledger");
    let linked = Event::Linked { tenant: "t".into(), account: "a".into(), cluster: "x".into() };
    let entries =
        [Entry::new(at(1), issued("a")), Entry::new(at(2), linked), Entry::new(at(3), issued("b"))];
    for entry in &entries {
        Ledger::open(&path).unwrap().append(entry).unwrap();
    }
    let text = fs::read(&path).unwrap();
    let read: Vec<Entry> = Entries::new(&text[..]).map(Result::unwrap).collect();
    assert_eq!(read, entries);
}

#[test]
fn a_torn_line_spoils_no_other() {
    let directory = Directory::new("ledger_torn");
    let path = directory.file("mark.ledger");
    Ledger::open(&path).unwrap().append(&Entry::new(at(1), issued("a"))).unwrap();
    let mut text = fs::read(&path).unwrap();
    text.extend_from_slice(b"{\"version\":1,\"ti");
    fs::write(&path, &text).unwrap();
    Ledger::open(&path).unwrap().append(&Entry::new(at(2), issued("b"))).unwrap();
    let text = fs::read(&path).unwrap();
    let read: Vec<_> = Entries::new(&text[..]).collect();
    assert_eq!(read.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false, true]);
}

#[test]
fn lines_that_are_too_long_or_of_another_version_are_errors_of_their_own() {
    let good = serde_json::to_string(&Entry::new(at(1), issued("a"))).unwrap();
    let other = good.replace("\"version\":1", "\"version\":2");
    let long = "x".repeat(3 * MAX_LINE_BYTES);
    let text = format!("{good}\n{long}\n\n{other}\n{good}");
    let read: Vec<_> = Entries::new(text.as_bytes()).collect();
    assert!(matches!(
        read.as_slice(),
        [Ok(_), Err(EntryError::TooLong), Err(EntryError::Version(2)), Ok(_)]
    ));
}

fn guilloche(directory: &Directory, arguments: &[&str]) -> (i32, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_guilloche"))
        .current_dir(&directory.0)
        .args(arguments)
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

#[test]
fn the_commands_make_rotate_and_show_keys_and_mark_with_them() {
    let directory = Directory::new("commands");
    let files = ["--keys", "k", "--ledger", "l"];
    let run = |arguments: &[&str]| guilloche(&directory, arguments);
    let with_files = |arguments: &[&str]| run(&[arguments, &files].concat());
    assert_eq!(with_files(&["keys", "new"]).0, 0);
    assert_eq!(with_files(&["keys", "new"]).0, 2);
    assert_eq!(with_files(&["keys", "rotate"]).0, 0);
    let (code, shown, _) = run(&["keys", "show", "--keys", "k", "--format", "json"]);
    let shown: serde_json::Value = serde_json::from_str(&shown).unwrap();
    assert_eq!((code, shown["epochs"].as_array().unwrap().len()), (0, 2));
    let secret = fs::read_to_string(directory.file("k")).unwrap();
    let secret = secret.lines().nth(1).unwrap().strip_prefix("master ").unwrap().to_owned();
    assert!(!shown.to_string().contains(&secret[..16]));
    assert_eq!(Entries::new(&fs::read(directory.file("l")).unwrap()[..]).count(), 2);

    // So many sites that some account's bits differ from them, whatever the random master.
    let text = "These are the tools that you need.\nFurthermore, prices usually rose, for example, \
        because of the whole plan, and it often took about 20 minutes to choose a specific one in \
        order to rest, especially if all of the parts had a number of uses instead of being rare. \
        In addition, they seldom help each other too.\n";
    fs::write(directory.file("t"), text).unwrap();
    let accounts: Vec<String> = (0..8).map(|number| format!("a{number}")).collect();
    let marked = |account: &str, more: &[&str]| {
        let arguments = ["mark", "t", "--keys", "k", "--account", account];
        let (code, out, error) = run(&[&arguments[..], more].concat());
        assert_eq!((code, error.as_str()), (0, ""));
        out
    };
    let flipped = accounts.iter().find(|account| marked(account, &[]) != text).unwrap();
    assert_eq!(marked(flipped, &["--strength", "0"]), text);
    let report: serde_json::Value =
        serde_json::from_str(&marked(flipped, &["--format", "json"])).unwrap();
    assert_eq!(report["text"].as_str().unwrap(), marked(flipped, &[]));
    assert_eq!(report["substitutions"].as_array().unwrap().len() as u64, report["flips"]);
    let diff = marked(flipped, &["--format", "diff"]);
    assert!(diff.starts_with("2: ") && diff.contains("[-") && diff.contains("{+"), "{diff}");
    assert_eq!(run(&["mark", "t", "--keys", "k", "--account", "a", "--epoch", "9"]).0, 2);
    assert_eq!(run(&["mark", "missing", "--keys", "k", "--account", "a"]).0, 2);
}
