//! The README as a newcomer follows it: its configuration, and its commands in their order.

#![cfg(all(unix, feature = "cli"))]
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "Clippy takes functions for tests by their attribute only"
)]

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

const README: &str = include_str!("../README.md");

/// The block of the README in this language that holds `part`.
fn block(language: &str, part: &str) -> &'static str {
    let blocks = README.split("\n```").filter_map(|block| block.strip_prefix(language));
    blocks.into_iter().find(|block| block.contains(part)).unwrap_or_else(|| panic!("{part}"))
}

/// A process that ends with the test, and its output, which stays open until then.
struct Running(Child, Option<Box<dyn BufRead>>);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

struct Newcomer {
    folder: PathBuf,
}

impl Drop for Newcomer {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

impl Newcomer {
    /// A folder with what a checkout has at its root.
    fn new() -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("readme");
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(folder.join("policies")).unwrap();
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let policy = "policies/graded.toml";
        std::fs::copy(root.join(policy), folder.join(policy)).unwrap();
        Self { folder }
    }

    fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let installed = Path::new(env!("CARGO_BIN_EXE_guilloche")).parent().unwrap();
        let path = std::env::var("PATH").unwrap_or_default();
        let mut command = Command::new(program);
        command.args(arguments).current_dir(&self.folder);
        command.env("PATH", format!("{}:{path}", installed.display())).env_remove("RUST_LOG");
        command.env("GUILLOCHE_LISTEN_ADDRESS", "127.0.0.1:0");
        command.env("GUILLOCHE_ADMIN_ADDRESS", "off");
        command
    }

    /// What a shell prints for these lines.
    fn shell(&self, lines: &str) -> (String, String) {
        let output = self.command("sh", &["-e", "-c", lines]).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let (out, error) = (text(output.stdout), text(output.stderr));
        assert!(output.status.success(), "{lines}\n{out}{error}");
        (out, error)
    }

    /// Starts a server and returns the line that tells its address.
    fn start(&self, arguments: &[&str]) -> (Running, String) {
        let mut command = self.command(env!("CARGO_BIN_EXE_guilloche"), arguments);
        let teaches = arguments == ["teacher", "--listen", "127.0.0.1:0"];
        let (stdout, stderr) =
            if teaches { (Stdio::piped(), Stdio::null()) } else { (Stdio::null(), Stdio::piped()) };
        let mut child = Running(command.stdout(stdout).stderr(stderr).spawn().unwrap(), None);
        let mut line = String::new();
        let mut output: Box<dyn BufRead> = match (child.0.stdout.take(), child.0.stderr.take()) {
            (Some(out), _) => Box::new(BufReader::new(out)),
            (None, error) => Box::new(BufReader::new(error.unwrap())),
        };
        output.read_line(&mut line).unwrap();
        child.1 = Some(output);
        (child, line)
    }
}

/// The address that a line tells.
fn address(line: &str) -> String {
    let start = line.find("127.0.0.1:").unwrap_or_else(|| panic!("{line}"));
    let rest = line.get(start..).unwrap_or_default();
    rest.split(|character: char| character.is_whitespace()).next().unwrap_or_default().to_owned()
}

#[test]
fn a_newcomer_who_follows_the_readme_sees_what_it_says() {
    let newcomer = Newcomer::new();
    let (_teacher, told) = newcomer.start(&["teacher", "--listen", "127.0.0.1:0"]);
    let configuration = block("toml", "# guilloche.toml");
    assert!(configuration.contains("http://127.0.0.1:8001"), "the teacher's own port");
    let configuration = configuration.replace("127.0.0.1:8001", &address(&told));
    std::fs::write(newcomer.folder.join("guilloche.toml"), configuration).unwrap();

    let (servers, _) =
        block("sh", "guilloche teacher &").split_once("guilloche teacher &").unwrap();
    let (out, warnings) = newcomer.shell(servers);
    assert_eq!((out.as_str(), warnings.as_str()), ("guilloche.toml can be served\n", ""));
    let (_proxy, told) = newcomer.start(&["serve", "--config", "guilloche.toml"]);
    for said in ["policy=\"graded\"", "mode=\"enforce\"", "trust=\"signature\""] {
        assert!(told.contains(said), "{said}: {told}");
    }

    let url = format!("--format curl --url http://{}", address(&told));
    // Nobody types as fast as a shell that goes on at once.
    let written =
        "timeout 20 sh -c 'until grep -q decision audit.jsonl; do sleep 0.05; done'\ntail -n";
    let asking =
        block("sh", "sh ask.sh").replace("--format curl", &url).replace("tail -n", written);
    let (out, _) = newcomer.shell(&asking);
    for said in
        ["\"model\":\"teacher-small\"", "17", "\"grade\":\"reduced\"", "\"models_replaced\":1"]
    {
        assert!(out.contains(said), "{said}: {out}");
    }
    assert!(out.contains("\"reasoning_content\":\"\""), "{out}");
    assert!(!out.contains("acct-7"), "{out}");

    let verifying = block("sh", "guilloche risk verify").to_owned();
    let (out, _) = newcomer.shell(&format!("export API_KEY=sk-1234\n{verifying}"));
    assert_eq!(out.trim(), block("text", "believed: score").trim());
}

/// Fails when the demo harvests before it prints what it has found until then.
#[test]
fn the_demo_prints_what_it_finds_as_it_finds_it() {
    let newcomer = Newcomer { folder: Path::new(env!("CARGO_TARGET_TMPDIR")).join("readme-demo") };
    std::fs::create_dir_all(&newcomer.folder).unwrap();
    let mut command = newcomer.command(env!("CARGO_BIN_EXE_guilloche"), &["demo"]);
    command.env("TMPDIR", &newcomer.folder).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut demo = Running(command.spawn().unwrap(), None);
    let mut lines = BufReader::new(demo.0.stdout.take().unwrap()).lines().map(Result::unwrap);
    let table: Vec<String> = lines
        .by_ref()
        .skip_while(|line| !line.starts_with("caller"))
        .take_while(|line| !line.is_empty())
        .collect();
    // The harvest, which takes most of the time, is still to come.
    assert!(demo.0.try_wait().unwrap().is_none());
    let stage = newcomer.folder.join(format!("guilloche-demo-{}", demo.0.id()));
    assert!(stage.is_dir() && !stage.join("loot.jsonl").exists());
    let shown = block("text", "caller    score grade");
    assert_eq!(table.first().map(String::as_str), shown.trim().lines().next());
    let without_rates = |line: &str| {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        words.into_iter().enumerate().filter(|(at, _)| *at != 6).map(|(_, word)| word).collect()
    };
    let rows: Vec<Vec<String>> = table.iter().map(|line| without_rates(line)).collect();
    let expected: Vec<Vec<String>> =
        shown.trim().lines().take(rows.len()).map(without_rates).collect();
    assert_eq!(rows, expected);
    assert!(rows.len() == 7 && table.iter().all(|line| line.len() <= 80), "{table:#?}");
}
