//! A deployment with its keys and ledger, texts that it marked, and the command.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, LazyLock};

use guilloche::forensics::examination::Verdict;
use guilloche::mark::cell::Roles;
use guilloche::mark::keys::{Keys, Recipient, Scheme};
use guilloche::mark::ledger::{Entry, Event, Ledger};
use guilloche::mark::lexical::Rewriter;
use guilloche::mark::lexicon::Lexicon;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::prose::documents;

pub(crate) struct Scene {
    folder: PathBuf,
    pub(crate) keys: Keys,
}

impl Drop for Scene {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// What the command said.
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) error: String,
}

impl Said {
    pub(crate) fn verdict(&self) -> Verdict {
        serde_json::from_str(&self.out)
            .unwrap_or_else(|error| panic!("{error}: {} {}", self.out, self.error))
    }
}

pub(crate) fn issued(epoch: u32, account: &str, cluster: Option<&str>) -> Event {
    Event::Issued {
        epoch,
        tenant: String::new(),
        account: account.to_owned(),
        cluster: cluster.map(str::to_owned),
        arm: None,
        carrier: None,
        strength: 256,
        answers: 100,
        sites: 3_000,
        flips: 1_500,
    }
}

impl Scene {
    /// A deployment in its second epoch that has issued marks to twenty accounts in the first and
    /// to forty in the second, of which `a-30` to `a-34` are the cluster `hydra`.
    pub(crate) fn new(name: &str) -> Self {
        Self::of_scheme(name, Scheme::Coins)
    }

    /// The same, marking by this scheme.
    pub(crate) fn of_scheme(name: &str, scheme: Scheme) -> Self {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("verify-{name}"));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        let start = Timestamp::UNIX_EPOCH;
        let mut keys = Keys::from_master(&[0x3c; 32], start);
        let next = start + SignedDuration::from_hours(24 * 90);
        keys.rotate(next, SignedDuration::from_hours(24)).unwrap();
        let scene = Self { folder, keys: keys.with_scheme(scheme) };
        scene.keys.create(scene.file("mark.keys")).unwrap();
        let fingerprint = scene.keys.fingerprint();
        scene.record(Event::Epoch { epoch: 1, fingerprint, rules: None, rates: None });
        for number in 0..20 {
            scene.record(issued(1, &format!("a-{number}"), None));
        }
        for number in 0..40 {
            let cluster = (30..35).contains(&number).then_some("hydra");
            scene.record(issued(2, &format!("a-{number}"), cluster));
        }
        scene
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Adds to the ledger.
    pub(crate) fn record(&self, event: Event) {
        let entry = Entry::new(Timestamp::UNIX_EPOCH, event);
        Ledger::open(self.file("mark.ledger")).unwrap().append(&entry).unwrap();
    }

    /// A text as an account receives it.
    pub(crate) fn marked(
        &self,
        epoch: u32,
        account: &str,
        cluster: Option<&str>,
        text: &str,
    ) -> String {
        self.marked_for(epoch, Recipient { tenant: "", account, cluster, arm: None }, text)
    }

    /// The same of an account in an arm of an experiment.
    pub(crate) fn marked_for(&self, epoch: u32, marked: Recipient<'_>, text: &str) -> String {
        let lexicon = Lexicon::english();
        let roles = Arc::new(Roles::new(self.keys.master(), lexicon.cells()));
        let marking = self.keys.marking(&roles, epoch, marked, 1.0);
        let mut rewriter = Rewriter::new(lexicon, &marking);
        let mut out = String::new();
        rewriter.push(text, &mut out);
        rewriter.finish(false, &mut out);
        out
    }

    /// The first half of the prose as these accounts of an epoch received it, in turn.
    pub(crate) fn copies(&self, epoch: u32, accounts: &[(&str, Option<&str>)]) -> Vec<String> {
        let (texts, _) = halves();
        texts
            .iter()
            .enumerate()
            .map(|(number, text)| {
                let (account, cluster) = accounts[number % accounts.len()];
                self.marked(epoch, account, cluster, text)
            })
            .collect()
    }

    /// Writes texts as JSONL.
    pub(crate) fn write(&self, name: &str, texts: &[String]) -> PathBuf {
        let path = self.file(name);
        fs::write(&path, jsonl(texts)).unwrap();
        path
    }

    /// Writes the second half of the prose, unmarked.
    pub(crate) fn control(&self) -> PathBuf {
        self.write("control.jsonl", halves().1)
    }

    /// `guilloche verify` with the keys and ledger, a small number of decoys, and JSON; with the
    /// usual control if none is given.
    pub(crate) fn verify(&self, arguments: &[&str]) -> Said {
        let (keys, ledger) = (self.file("mark.keys"), self.file("mark.ledger"));
        let given = ["--keys", text(&keys), "--ledger", text(&ledger), "--format", "json"];
        let decoys: &[&str] =
            if arguments.contains(&"--committed") { &[] } else { &["--decoys", "1000"] };
        let says = |name: &str| arguments.iter().any(|argument| argument.starts_with(name));
        let controls: &[&str] = if says("--control") {
            &[]
        } else {
            // Each text stands in two fields, of which one is asked for by name.
            let line = |text: &String| json!({ "text": text, "rows": [0, { "deep": text }] });
            let lines: String = halves().1.iter().map(|text| format!("{}\n", line(text))).collect();
            fs::write(self.file("usual.jsonl"), lines).unwrap();
            &["--control", "usual.jsonl"]
        };
        self.run(&[&["verify"], &given[..], decoys, arguments, controls].concat())
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Said {
        self.run_on(arguments, 2)
    }

    /// Runs the command on so many threads.
    pub(crate) fn run_on(&self, arguments: &[&str], threads: u32) -> Said {
        let output = Command::new(env!("CARGO_BIN_EXE_guilloche"))
            .args(arguments)
            .current_dir(&self.folder)
            .env("RAYON_NUM_THREADS", threads.to_string())
            .output()
            .unwrap();
        let string = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Said {
            code: output.status.code().unwrap(),
            out: string(output.stdout),
            error: string(output.stderr),
        }
    }
}

/// The prose in two halves: every second document is in the first.
pub(crate) fn halves() -> (&'static [String], &'static [String]) {
    static HALVES: LazyLock<[Vec<String>; 2]> = LazyLock::new(|| {
        let half = |start| documents().iter().skip(start).step_by(2).cloned().collect();
        [half(0), half(1)]
    });
    let [first, second] = &*HALVES;
    (first, second)
}

pub(crate) fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// One record a line.
pub(crate) fn jsonl(texts: &[String]) -> String {
    texts.iter().map(|text| format!("{}\n", json!({ "text": text }))).collect()
}
