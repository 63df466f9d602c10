//! Child processes: started, measured through `/proc`, and killed with their owner.

use std::io::{self, BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::{Instant, sleep};

use crate::cli::Failure;
use crate::proxy::config::ENVIRONMENT_PREFIX;

/// How long a child may take to tell its address.
const START: Duration = Duration::from_secs(20);
/// Clock ticks per second in `/proc`: `USER_HZ`, 100 on every architecture that Rust has a Linux
/// standard library for.
const TICKS_PER_SECOND: f64 = 100.0;

/// Where a child tells its address.
#[derive(Clone, Copy, Debug)]
pub(super) enum Tells {
    /// On standard output, as a line of its own.
    OnOutput,
    /// In the first line of its log on standard error.
    InLog,
}

/// A process that serves on an address of its own, and those that it has started.
#[derive(Debug)]
pub(super) struct Served {
    child: Child,
    pub(super) address: SocketAddr,
}

impl Served {
    /// Starts it with these arguments and waits for its address.
    pub(super) fn start(arguments: &[&str], tells: Tells) -> Result<Self, Failure> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(arguments).stdin(Stdio::null()).env("RUST_LOG", "guilloche=info");
        // Settings of a proxy that the user runs are not meant for this one.
        for (name, _) in std::env::vars_os() {
            if name.to_str().is_some_and(|name| name.starts_with(ENVIRONMENT_PREFIX)) {
                command.env_remove(name);
            }
        }
        match tells {
            Tells::OnOutput => command.stdout(Stdio::piped()),
            Tells::InLog => command.stdout(Stdio::null()).stderr(Stdio::piped()),
        };
        let mut child = command.spawn()?;
        let output: Option<Box<dyn Read + Send>> = match tells {
            Tells::OnOutput => child.stdout.take().map(|output| Box::new(output) as _),
            Tells::InLog => child.stderr.take().map(|output| Box::new(output) as _),
        };
        // From here on the child is killed whatever happens.
        let mut served = Self { child, address: SocketAddr::from(([0, 0, 0, 0], 0)) };
        let line = first_line(output.ok_or("a child has no output")?)?;
        served.address = address(&line)
            .ok_or_else(|| format!("`{}` did not start: {line}", arguments.join(" ")))?;
        Ok(served)
    }

    /// Runs a command that does not tell when it listens at this address, and waits until it does.
    pub(super) async fn listening(mut command: Command, address: SocketAddr) -> io::Result<Self> {
        let served = Self { child: command.spawn()?, address };
        let until = Instant::now() + START;
        while TcpStream::connect(address).await.is_err() {
            if Instant::now() > until {
                return Err(io::ErrorKind::TimedOut.into());
            }
            sleep(Duration::from_millis(20)).await;
        }
        Ok(served)
    }

    /// It, and the processes that it has started.
    fn processes(&self) -> Vec<u32> {
        let own = self.child.id();
        let children = std::fs::read_to_string(format!("/proc/{own}/task/{own}/children"));
        let children = children.unwrap_or_default();
        let children = children.split_whitespace().filter_map(|id| id.parse().ok());
        std::iter::once(own).chain(children).collect()
    }

    /// Processor time that they have used so far, of their own and of the system on their behalf.
    pub(super) fn cpu_seconds(&self) -> io::Result<f64> {
        let mut sum = 0;
        for id in self.processes() {
            let stat = std::fs::read_to_string(format!("/proc/{id}/stat"))?;
            sum += cpu_ticks(&stat)
                .ok_or_else(|| io::Error::other("/proc/PID/stat has another form"))?;
        }
        Ok(sum as f64 / TICKS_PER_SECOND)
    }

    /// Bytes of memory that they have resident.
    pub(super) fn resident_bytes(&self) -> io::Result<u64> {
        let mut sum = 0;
        for id in self.processes() {
            let status = std::fs::read_to_string(format!("/proc/{id}/status"))?;
            sum += resident(&status)
                .ok_or_else(|| io::Error::other("/proc/PID/status has another form"))?;
        }
        Ok(sum)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // They have nothing to finish, and may be gone already. Whoever has started others is asked to
        // take them along.
        if self.processes().len() > 1 {
            let id = self.child.id().to_string();
            let _ = Command::new("kill").args(["-s", "TERM", &id]).status();
        } else {
            let _ = self.child.kill();
        }
        let _ = self.child.wait();
    }
}

/// The first line; the rest is read and thrown away, so that the child can go on writing.
fn first_line(output: Box<dyn Read + Send>) -> Result<String, Failure> {
    let (sender, line) = mpsc::sync_channel(1);
    std::thread::spawn(move || {
        let mut output = BufReader::new(output);
        let mut line = String::new();
        let read = output.read_line(&mut line);
        let _ = sender.send(read.map(|_| line));
        let _ = io::copy(&mut output, &mut io::sink());
    });
    Ok(line.recv_timeout(START)??)
}

/// The address in `127.0.0.1:1` or `… serving address=127.0.0.1:1 admin=…`.
fn address(line: &str) -> Option<SocketAddr> {
    let text = line.split_whitespace().find_map(|word| word.strip_prefix("address="));
    text.unwrap_or(line.trim()).parse().ok()
}

/// Fields 14 and 15 of `/proc/PID/stat`. The second may hold spaces and ends with the last `)`.
fn cpu_ticks(stat: &str) -> Option<u64> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace().skip(11);
    let mut next = || fields.next()?.parse::<u64>().ok();
    Some(next()? + next()?)
}

fn resident(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

/// How many files this process, and so each of its children, may have open.
pub(super) fn open_files() -> Option<usize> {
    let limits = std::fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// The processor, how many of them, and how busy the machine already is.
pub(super) fn machine() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find(|line| line.starts_with("model name"));
    let model = model.and_then(|line| line.split_once(": ")).map_or("unknown", |(_, model)| model);
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or_default();
    format!("{processors} x {}, load {load} before", model.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_time_is_found_behind_any_name_of_the_process() {
        let stat = "42 (a) b) S 1 2 3 4 5 6 7 8 9 10 120 30 7 8 20 0";
        assert_eq!(cpu_ticks(stat), Some(150));
        assert_eq!(cpu_ticks("42 (a) S 1"), None);
    }

    #[test]
    fn resident_memory_is_read_in_kibibytes() {
        assert_eq!(resident("Name:\tx\nVmRSS:\t    2048 kB\nThreads:\t1\n"), Some(2 << 20));
        assert_eq!(resident("Name:\tx\n"), None);
    }

    #[test]
    fn an_address_is_a_line_or_a_field_of_the_log() {
        let expected = "127.0.0.1:81".parse().ok();
        assert_eq!(address("127.0.0.1:81\n"), expected);
        let line = "2026 INFO guilloche::cli: serving address=127.0.0.1:81 admin=127.0.0.1:82\n";
        assert_eq!(address(line), expected);
        assert_eq!(address("guilloche: no\n"), None);
    }
}
