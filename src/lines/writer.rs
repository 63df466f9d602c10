//! A bounded queue of lines and the one thread that writes them.
//!
//! Files are written with blocking calls, so a thread does it: a slow disk or a stalled pipe delays
//! the lines, never an exchange. When the queue is full a line is lost; the count of lost lines is
//! itself written as soon as there is room again, as `{"lost":N}`, so a reader of the file knows
//! that there is a gap and where.

use std::collections::VecDeque;
use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use serde::Serialize;

use super::last_is_cut;

/// Takes lines without waiting and has them written in order.
///
/// Dropping it has the lines that it still holds written; [`flush`](Self::flush) waits for them.
pub struct LineWriter {
    shared: Arc<Shared>,
}

/// Reads how many lines a [`LineWriter`] has lost, for as long as anyone wants to know.
#[derive(Clone, Debug)]
pub struct Lost(Arc<Shared>);

struct Shared {
    capacity: NonZeroUsize,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Vec<u8>>,
    /// Lines lost since the last time the loss was written.
    lost: u64,
    lost_in_all: u64,
    /// Whether the thread holds lines that it has not written yet.
    writing: bool,
    /// The file is to be opened again before the next line is written.
    reopen: bool,
    closed: bool,
}

impl LineWriter {
    /// Appends to a file, which is created readable by its owner only. At most `capacity` lines
    /// wait while as many again are being written. A last line that a crash has cut stays a line of
    /// its own.
    ///
    /// # Errors
    /// When the file cannot be opened, or no thread can be started.
    pub fn append(path: impl AsRef<Path>, capacity: NonZeroUsize) -> io::Result<Self> {
        let path = path.as_ref();
        let (file, cut) = open(path)?;
        Self::start(Output { to: Box::new(file), path: Some(path.to_owned()) }, capacity, cut)
    }

    /// Writes to standard output.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn stdout(capacity: NonZeroUsize) -> io::Result<Self> {
        Self::new(io::stdout(), capacity)
    }

    /// Writes to `output`, which needs no buffer of its own: lines that wait together are written
    /// together.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn new(output: impl Write + Send + 'static, capacity: NonZeroUsize) -> io::Result<Self> {
        Self::start(Output { to: Box::new(output), path: None }, capacity, false)
    }

    /// `cut` if the output stands within a line.
    fn start(output: Output, capacity: NonZeroUsize, cut: bool) -> io::Result<Self> {
        let shared =
            Arc::new(Shared { capacity, state: Mutex::default(), changed: Condvar::new() });
        let of_thread = Arc::clone(&shared);
        thread::Builder::new().name("lines".into()).spawn(move || of_thread.drain(output, cut))?;
        Ok(Self { shared })
    }

    /// Queues `value` as one line of JSON, or counts it as lost when the queue is full or the value
    /// has no JSON form. Never waits for the output.
    pub fn write(&self, value: &impl Serialize) {
        // Serialized before the lock is taken: the lock is held for a push only.
        let line = serde_json::to_vec(value).map(|mut line| {
            line.push(b'\n');
            line
        });
        let mut state = self.shared.lock();
        match line {
            Ok(line) if state.waiting.len() < self.shared.capacity.get() => {
                state.waiting.push_back(line);
            }
            _ => state.lose(1),
        }
        drop(state);
        self.shared.changed.notify_all();
    }

    /// Has the file opened again by its name, so that lines to come go to a new file once somebody has
    /// renamed the old one. Lines that wait may go to either. If it cannot be opened the old
    /// file is written on, and the log says so. Without effect on what is no file.
    pub fn reopen(&self) {
        self.shared.lock().reopen = true;
        self.shared.changed.notify_all();
    }

    /// A handle on the count of lost lines.
    #[must_use]
    pub fn lost(&self) -> Lost {
        Lost(Arc::clone(&self.shared))
    }

    /// Waits until every line that was queued before has been written, at most for `patience`.
    /// Blocks the thread. Returns whether all were written.
    #[must_use]
    pub fn flush(&self, patience: Duration) -> bool {
        let state = self.shared.lock();
        let (state, _) = self
            .shared
            .changed
            .wait_timeout_while(state, patience, |state| {
                state.writing || !state.waiting.is_empty() || state.lost > 0
            })
            .unwrap_or_else(PoisonError::into_inner);
        !state.writing && state.waiting.is_empty() && state.lost == 0
    }
}

impl Drop for LineWriter {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.changed.notify_all();
    }
}

impl fmt::Debug for LineWriter {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("LineWriter").field("shared", &self.shared).finish()
    }
}

impl Lost {
    /// Lines lost since the writer was made: the queue was full, or the output failed.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.0.lock().lost_in_all
    }
}

impl State {
    fn lose(&mut self, lines: u64) {
        self.lost = self.lost.saturating_add(lines);
        self.lost_in_all = self.lost_in_all.saturating_add(lines);
    }
}

impl Shared {
    /// A panic while the lock is held would leave a valid state: every change is one step.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The thread: writes what waits until the writer is dropped and nothing waits any more.
    /// `cut` if the output stands within a line.
    fn drain(&self, mut output: Output, mut cut: bool) {
        let mut batch = VecDeque::new();
        let mut broken = false;
        loop {
            let mut state = self.lock();
            state.writing = false;
            self.changed.notify_all();
            state = self
                .changed
                .wait_while(state, |state| {
                    state.waiting.is_empty() && state.lost == 0 && !state.closed && !state.reopen
                })
                .unwrap_or_else(PoisonError::into_inner);
            if std::mem::take(&mut state.reopen) {
                drop(state);
                cut = output.reopen().unwrap_or(cut);
                continue;
            }
            if state.waiting.is_empty() && state.lost == 0 {
                return;
            }
            state.writing = true;
            std::mem::swap(&mut batch, &mut state.waiting);
            let lost = std::mem::take(&mut state.lost);
            drop(state);

            let lines = batch.len() as u64;
            if let Err(error) = write_batch(&mut output.to, &mut batch, lost, cut) {
                batch.clear();
                let mut state = self.lock();
                state.lose(lines);
                // Not announced yet; with nothing waiting it must not spin on a broken output.
                state.lost = state.lost.saturating_add(lost);
                let give_up = state.closed;
                if !broken {
                    tracing::error!(%error, "lines cannot be written; they are being lost");
                }
                (broken, cut) = (true, true);
                if give_up {
                    state.lost = 0;
                    continue;
                }
                state.writing = false;
                self.changed.notify_all();
                let _next_line = self
                    .changed
                    .wait_while(state, |state| {
                        state.waiting.is_empty() && !state.closed && !state.reopen
                    })
                    .unwrap_or_else(PoisonError::into_inner);
            } else {
                (broken, cut) = (false, false);
            }
        }
    }
}

/// What lines are written to.
struct Output {
    to: Box<dyn Write + Send>,
    /// Where it is opened, if it is a file.
    path: Option<PathBuf>,
}

impl Output {
    /// Whether the file that is written from now on stands within a line; `None` if it is the same as before.
    fn reopen(&mut self) -> Option<bool> {
        let path = self.path.as_ref()?;
        match open(path) {
            Ok((file, cut)) => {
                self.to = Box::new(file);
                Some(cut)
            }
            Err(error) => {
                let path = path.display();
                tracing::error!(%error, %path, "it cannot be opened again, and is written on");
                None
            }
        }
    }
}

/// Opens a file to append to it; and whether its last line is cut.
fn open(path: &Path) -> io::Result<(File, bool)> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let output = options.open(path)?;
    // What is no file, such as a pipe, has no last line; of a file that may be written and not
    // read it is not known, and an empty line costs less than a lost one.
    let cut = output.metadata()?.is_file()
        && File::open(path).and_then(|mut file| last_is_cut(&mut file)).unwrap_or(true);
    Ok((output, cut))
}

/// Writes the lines, then what was lost after them; on a line of their own if the output stands
/// within one, as after a failed write.
fn write_batch(
    output: &mut impl Write,
    batch: &mut VecDeque<Vec<u8>>,
    lost: u64,
    cut: bool,
) -> io::Result<()> {
    let mut bytes = Vec::new();
    if cut {
        bytes.push(b'\n');
    }
    for line in batch.drain(..) {
        bytes.extend_from_slice(&line);
    }
    if lost > 0 {
        writeln!(bytes, r#"{{"lost":{lost}}}"#)?;
    }
    output.write_all(&bytes)?;
    output.flush()
}

impl fmt::Debug for Shared {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let State { waiting, lost, lost_in_all, writing, reopen, closed } = &*self.lock();
        formatter
            .debug_struct("Shared")
            .field("capacity", &self.capacity)
            .field("waiting", &waiting.len())
            .field("lost", lost)
            .field("lost_in_all", lost_in_all)
            .field("writing", writing)
            .field("reopen", reopen)
            .field("closed", closed)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(60);

    /// Asks for leave before each write, and sends what was written.
    struct Gate {
        enter: mpsc::SyncSender<()>,
        leave: mpsc::Receiver<io::Result<()>>,
        written: mpsc::Sender<String>,
    }

    impl Write for Gate {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.enter.send(()).map_err(io::Error::other)?;
            self.leave.recv().map_err(io::Error::other)??;
            self.written.send(String::from_utf8_lossy(bytes).into()).map_err(io::Error::other)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    type Doors = (mpsc::Receiver<()>, mpsc::Sender<io::Result<()>>, mpsc::Receiver<String>);

    fn gate(capacity: usize) -> (LineWriter, Doors) {
        let (enter, entered) = mpsc::sync_channel(0);
        let (allow, leave) = mpsc::channel();
        let (written, read) = mpsc::channel();
        let capacity = NonZeroUsize::new(capacity).unwrap();
        let lines = LineWriter::new(Gate { enter, leave, written }, capacity).unwrap();
        (lines, (entered, allow, read))
    }

    #[test]
    fn a_full_queue_loses_lines_at_once_and_says_so_when_there_is_room() {
        let (lines, (entered, allow, read)) = gate(2);
        lines.write(&1);
        entered.recv().unwrap();
        // The writer now stands in its first write: two lines fit, three are lost.
        for value in 2..=6 {
            lines.write(&value);
        }
        assert_eq!(lines.lost().count(), 3);
        allow.send(Ok(())).unwrap();
        assert_eq!(read.recv().unwrap(), "1\n");
        entered.recv().unwrap();
        allow.send(Ok(())).unwrap();
        assert_eq!(read.recv().unwrap(), "2\n3\n{\"lost\":3}\n");
        assert!(lines.flush(PATIENCE));
    }

    // Break it: keep the file, or look for its name only where a line comes.
    #[test]
    fn a_file_that_was_renamed_is_left_and_another_begun() {
        let folder =
            std::env::temp_dir().join(format!("guilloche-reopened-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let (file, old) = (folder.join("lines"), folder.join("lines.1"));
        let lines = LineWriter::append(&file, NonZeroUsize::MIN).unwrap();
        lines.write(&1);
        assert!(lines.flush(PATIENCE));
        std::fs::rename(&file, &old).unwrap();
        lines.reopen();
        lines.write(&2);
        assert!(lines.flush(PATIENCE));
        // A folder stands where the next one should be.
        std::fs::rename(&file, folder.join("lines.2")).unwrap();
        std::fs::create_dir(&file).unwrap();
        lines.reopen();
        lines.write(&3);
        assert!(lines.flush(PATIENCE));
        let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
        assert_eq!((read("lines.1").as_str(), read("lines.2").as_str()), ("1\n", "2\n3\n"));
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn a_failed_write_is_counted_and_the_next_line_starts_afresh() {
        let (lines, (entered, allow, read)) = gate(2);
        lines.write(&1);
        entered.recv().unwrap();
        allow.send(Err(io::Error::other("disk full"))).unwrap();
        lines.write(&2);
        entered.recv().unwrap();
        allow.send(Ok(())).unwrap();
        assert_eq!(read.recv().unwrap(), "\n2\n{\"lost\":1}\n");
        assert_eq!(lines.lost().count(), 1);
    }

    #[test]
    fn lines_that_wait_are_written_after_the_writer_is_dropped() {
        let (lines, (entered, allow, read)) = gate(8);
        lines.write(&"a");
        entered.recv().unwrap();
        lines.write(&"b");
        drop(lines);
        allow.send(Ok(())).unwrap();
        entered.recv().unwrap();
        allow.send(Ok(())).unwrap();
        assert_eq!(read.iter().collect::<String>(), "\"a\"\n\"b\"\n");
    }

    #[test]
    fn a_file_is_appended_to_and_flushed() {
        let directory =
            std::env::temp_dir().join(format!("guilloche-lines-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        let path = directory.join("audit.jsonl");
        for value in [1, 2] {
            let lines = LineWriter::append(&path, NonZeroUsize::MIN).unwrap();
            lines.write(&value);
            assert!(lines.flush(PATIENCE));
        }
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "1\n2\n");
        std::fs::remove_dir_all(directory).unwrap();
    }

    #[test]
    fn a_line_that_a_crash_has_cut_does_not_swallow_the_next() {
        let path = std::env::temp_dir().join(format!("guilloche-cut-{}.jsonl", std::process::id()));
        for (before, after) in
            [("1\n{\"a\":", "1\n{\"a\":\n2\n3\n"), ("1\n", "1\n2\n3\n"), ("", "2\n3\n")]
        {
            std::fs::write(&path, before).unwrap();
            let lines = LineWriter::append(&path, NonZeroUsize::MIN).unwrap();
            for value in [2, 3] {
                lines.write(&value);
                assert!(lines.flush(PATIENCE));
            }
            assert_eq!(std::fs::read_to_string(&path).unwrap(), after);
        }
        std::fs::remove_file(path).unwrap();
    }

    #[test]
    fn flushing_gives_up_when_patience_ends() {
        let (lines, _doors) = gate(1);
        lines.write(&1);
        assert!(!lines.flush(Duration::ZERO));
    }
}
