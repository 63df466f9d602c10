//! A deployment in a directory, and the command.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use guilloche::mark::keys::{Keys, Recipient};
use guilloche::mark::ledger::{Entry, Event, Ledger};
use jiff::Timestamp;
use serde_json::{Value, json};

pub(crate) const TENANT: &str = "";

/// A directory of this test's own, removed at its end, with the keys of a deployment.
pub(crate) struct Deployment {
    path: PathBuf,
    pub(crate) keys: Keys,
}

impl Deployment {
    pub(crate) fn new(name: &str) -> Self {
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("token_schemes").join(name);
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        let keys = Keys::from_master(&[0x5a; 32], Timestamp::UNIX_EPOCH);
        keys.create(path.join("mark.keys")).unwrap();
        let tokenizer =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tokenizers/byte_level.json");
        fs::copy(tokenizer, path.join("tokenizer.json")).unwrap();
        Self { path, keys }
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// A file that only its owner can read.
    pub(crate) fn secret(&self, name: &str, text: &str) {
        let path = self.file(name);
        fs::write(&path, text).unwrap();
        #[cfg(unix)]
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    }

    /// Enters answers by a carrier to an account.
    pub(crate) fn issue(&self, carrier: &'static str, account: &str, cluster: Option<&str>) {
        let event = Event::Issued {
            epoch: 1,
            tenant: TENANT.to_owned(),
            account: account.to_owned(),
            cluster: cluster.map(str::to_owned),
            arm: None,
            carrier: Some(carrier.into()),
            strength: 256,
            answers: 40,
            sites: 0,
            flips: 0,
        };
        let mut ledger = Ledger::open(self.file("mark.ledger")).unwrap();
        ledger.append(&Entry::new(Timestamp::UNIX_EPOCH, event)).unwrap();
    }

    pub(crate) fn marked<'a>(account: &'a str, cluster: Option<&'a str>) -> Recipient<'a> {
        Recipient { tenant: TENANT, account, cluster, arm: None }
    }

    /// Writes texts as records.
    pub(crate) fn texts(&self, name: &str, texts: impl IntoIterator<Item = String>) {
        let mut file = fs::File::create(self.file(name)).unwrap();
        for text in texts {
            writeln!(file, "{}", json!({ "prompt": "Go on.", "answer": text })).unwrap();
        }
    }

    /// Runs `guilloche verify` with the suspect, a control, and 1,000 decoys.
    pub(crate) fn verify(&self, suspect: &str, more: &[&str]) -> (i32, Value) {
        let (status, out, error) = self.run(suspect, more);
        assert!(out.starts_with('{'), "{status}: {error}");
        let verdict = serde_json::from_str(&out).unwrap();
        (status, verdict)
    }

    pub(crate) fn run(&self, suspect: &str, more: &[&str]) -> (i32, String, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_guilloche"));
        command.current_dir(&self.path).args([
            "verify",
            "--keys=mark.keys",
            "--ledger=mark.ledger",
            "--schemes=schemes.toml",
            "--format=json",
            "--control=base=base.jsonl",
        ]);
        if !more.iter().any(|argument| argument.starts_with("--decoys")) {
            command.arg("--decoys=1000");
        }
        if !suspect.is_empty() {
            command.args(["--suspect", suspect]);
        }
        let output = command.args(more).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
    }
}

impl Drop for Deployment {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// With whose outputs a verdict says that the text is consistent, at a level.
pub(crate) fn suspected(verdict: &Value, level: &str) -> Vec<String> {
    let ids = &verdict[level]["consistent_with"]["ids"];
    let id = |id: &Value| id["id"].as_str().unwrap().to_owned();
    ids.as_array().map(|ids| ids.iter().map(id).collect()).unwrap_or_default()
}
