//! The command `guilloche serve` as a process of its own: what it says, what it holds, how it ends.

use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use guilloche::risk::{AccountId, ClusterId, Principal, RiskClaim, RiskScore, Validity};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;

/// A wait that would otherwise never end fails the test instead.
pub(crate) async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(60), future).await.expect("it never happened")
}

/// A directory that goes when the test does.
#[derive(Debug)]
pub(crate) struct Directory(PathBuf);

impl Directory {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let name =
            format!("guilloche-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> String {
        let path = self.path(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A file of the repository.
pub(crate) fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// A running `guilloche serve`; killed when dropped.
#[derive(Debug)]
pub(crate) struct Served {
    child: Child,
    pub(crate) address: String,
    pub(crate) admin: String,
    messages: Arc<Mutex<String>>,
    reading: JoinHandle<()>,
    _directory: Directory,
}

impl Served {
    /// Starts it in front of `upstream`, with the fields that `more` names set by the environment.
    pub(crate) async fn start(upstream: &str, more: &[(&str, &str)]) -> Self {
        let directory = Directory::new();
        let text = format!("[upstream]\nurl = \"http://{upstream}\"\n");
        let file = directory.write("guilloche.toml", &text);
        let mut command = Command::new(env!("CARGO_BIN_EXE_guilloche"));
        command.args(["serve", "--config", &file]).stderr(Stdio::piped()).kill_on_drop(true);
        command.env("RUST_LOG", "debug");
        command.env("GUILLOCHE_LISTEN_ADDRESS", "127.0.0.1:0");
        command.env("GUILLOCHE_ADMIN_ADDRESS", "127.0.0.1:0");
        more.iter().for_each(|(name, value)| {
            command.env(format!("GUILLOCHE_{name}"), value);
        });
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        while !line.contains(" serving ") {
            line.clear();
            let read = soon(lines.read_line(&mut line)).await.unwrap();
            assert!(read > 0, "the proxy did not start");
        }
        let field = |name: &str| {
            let value = line.split_once(name).unwrap().1;
            value.split_ascii_whitespace().next().unwrap().to_owned()
        };
        let (address, admin) = (field(" address="), field(" admin="));
        let messages = Arc::new(Mutex::new(line));
        let kept = Arc::clone(&messages);
        let reading = tokio::spawn(async move {
            let mut line = String::new();
            while lines.read_line(&mut line).await.is_ok_and(|read| read > 0) {
                kept.lock().unwrap().push_str(&std::mem::take(&mut line));
            }
        });
        Self { child, address, admin, messages, reading, _directory: directory }
    }

    /// What it has said so far on standard error.
    pub(crate) fn messages(&self) -> String {
        self.messages.lock().unwrap().clone()
    }

    /// Whether it still runs and nothing in it has panicked.
    pub(crate) fn is_well(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none() && !self.messages().contains("panicked")
    }

    /// Sends it a signal, by name.
    pub(crate) async fn signal(&self, name: &str) {
        let id = self.child.id().unwrap().to_string();
        let sent = Command::new("kill").args([format!("-{name}"), id]).status().await.unwrap();
        assert!(sent.success());
    }

    /// Waits for its end; returns its status and all it has said.
    pub(crate) async fn ended(mut self) -> (ExitStatus, String) {
        let status = soon(self.child.wait()).await.unwrap();
        soon(&mut self.reading).await.unwrap();
        (status, self.messages())
    }

    /// The most memory that it has held since the last call, in bytes.
    #[cfg(target_os = "linux")]
    pub(crate) fn peak_memory(&self) -> u64 {
        let process = format!("/proc/{}", self.child.id().unwrap());
        let status = std::fs::read_to_string(format!("{process}/status")).unwrap();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        // Makes the peak begin anew (proc_pid_clear_refs(5)).
        std::fs::write(format!("{process}/clear_refs"), "5").unwrap();
        peak.split_ascii_whitespace().next().unwrap().parse::<u64>().unwrap() * 1024
    }

    /// The body of an answer of its admin listener's.
    pub(crate) async fn tells(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(&self.admin).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        soon(stream.read_to_string(&mut answer)).await.unwrap();
        answer.split_once("\r\n\r\n").unwrap().1.to_owned()
    }

    /// The value of a metric, or of all lines of one whose name and labels begin so; 0 if none.
    pub(crate) async fn metric(&self, name: &str) -> f64 {
        let text = self.tells("/metrics").await;
        let lines = text.lines().filter(|line| line.starts_with(name));
        lines.fold(0.0, |sum, line| sum + line.rsplit_once(' ').unwrap().1.parse::<f64>().unwrap())
    }
}

/// A claim about an account, issued now.
pub(crate) fn claim(account: &str, cluster: Option<&str>, score: f64) -> RiskClaim {
    let validity = Validity { issued: jiff::Timestamp::now(), ttl: Duration::from_secs(300) };
    let score = RiskScore::new(score, validity).unwrap().with_confidence(1.0).unwrap();
    let principal = Principal {
        account: AccountId::new(account).unwrap(),
        cluster: cluster.map(|cluster| ClusterId::new(cluster).unwrap()),
        tenant: None,
    };
    RiskClaim::new(principal, score)
}

/// The risk header of an account, as a sidecar sends it.
pub(crate) fn risk(account: &str, score: f64) -> String {
    claim(account, None, score).serialize().unwrap()
}
