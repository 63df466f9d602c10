//! A machine of its own, as far as the command can tell.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

/// A folder that is gone with the test, in which commands run.
pub(crate) struct Machine {
    pub(crate) folder: PathBuf,
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

impl Machine {
    pub(crate) fn new(name: &str) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("operating-{name}"));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        Self { folder }
    }

    /// A program in the folder, that finds `guilloche` and no configuration but one that is here.
    pub(crate) fn command(&self, program: &str) -> Command {
        let installed = Path::new(env!("CARGO_BIN_EXE_guilloche")).parent().unwrap();
        let path = std::env::var("PATH").unwrap_or_default();
        let mut command = Command::new(program);
        command.current_dir(&self.folder).stdin(Stdio::null());
        command.env("PATH", format!("{}:{path}", installed.display())).env("HOME", &self.folder);
        for name in ["RUST_LOG", "XDG_CONFIG_HOME", "GUILLOCHE_CONFIG"] {
            command.env_remove(name);
        }
        command
    }

    pub(crate) fn guilloche(&self, arguments: &[&str]) -> Command {
        let mut command = self.command("guilloche");
        command.args(arguments);
        command
    }

    /// What a shell prints for a line of a command's output, which has to succeed.
    pub(crate) fn shell(&self, line: &str) -> (String, String) {
        let output = self.command("sh").args(["-e", "-c", line]).output().unwrap();
        let (status, out, error) = told(&output);
        assert_eq!(status, 0, "{line}\n{out}{error}");
        (out, error)
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    /// Every file and folder there is, by its name.
    pub(crate) fn files(&self) -> Vec<String> {
        fn walk(folder: &Path, root: &Path, found: &mut Vec<String>) {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                found.push(path.strip_prefix(root).unwrap().display().to_string());
                if path.is_dir() {
                    walk(&path, root, found);
                }
            }
        }
        let mut found = Vec::new();
        walk(&self.folder, &self.folder, &mut found);
        found.sort();
        found
    }
}

/// Exit status, standard output, standard error.
pub(crate) fn told(output: &Output) -> (i32, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

/// A server that ends with the test.
pub(crate) struct Running {
    pub(crate) child: Child,
    lines: Box<dyn BufRead>,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Running {
    /// Starts a command and reads on until it says `sign`.
    pub(crate) fn start(mut command: Command, sign: &str) -> (Self, String) {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // The teacher tells its address where the proxy tells nothing.
        let out: Box<dyn BufRead> = if sign.contains("teacher") {
            Box::new(BufReader::new(child.stdout.take().unwrap()))
        } else {
            Box::new(BufReader::new(child.stderr.take().unwrap()))
        };
        let mut running = Self { child, lines: out };
        let said = running.until(sign);
        (running, said)
    }

    /// All that is said up to a line with `sign`.
    pub(crate) fn until(&mut self, sign: &str) -> String {
        let mut said = String::new();
        while !said.lines().last().is_some_and(|line| line.contains(sign)) {
            let read = self.lines.read_line(&mut said).unwrap();
            assert_ne!(read, 0, "it ended without {sign}: {said}");
        }
        said
    }
}

/// An address that nobody listens on, and one beside it.
pub(crate) fn free_address() -> String {
    loop {
        let first = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = first.local_addr().unwrap().port();
        if port < u16::MAX && std::net::TcpListener::bind(("127.0.0.1", port + 1)).is_ok() {
            return format!("127.0.0.1:{port}");
        }
    }
}
