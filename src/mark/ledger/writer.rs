//! The one thread that writes a ledger.
//!
//! An answer is noted by putting it into a bounded queue, which never waits. When the queue is full
//! or the file cannot be written, answers are missing from the ledger, and counted.

use std::fs::File;
use std::io::{self, BufReader, Seek, SeekFrom};
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender};
use std::thread;
use std::time::Duration;

use jiff::Timestamp;

use super::own::{LedgerError, OwnEntries, check_head};
use super::tally::Tally;
use super::{Entry, EntryError, Event, Issue, Ledger};

/// The longest that an answer is missing from the ledger.
const EVERY: Duration = Duration::from_secs(60);

/// How long room in a full queue is waited for before it is looked for again.
const FULL_QUEUE: Duration = Duration::from_millis(1);

/// How much of a ledger's end is read to learn what need not be written again.
const RECALLED_BYTES: u64 = 16 << 20;

/// Takes marked answers without waiting and has them written. Dropping it has the rest written;
/// [`flush`](Self::flush) waits for that.
#[derive(Debug)]
pub struct LedgerWriter {
    queue: SyncSender<Message>,
    lost: Arc<AtomicU64>,
}

/// Reads how many answers a [`LedgerWriter`] has lost.
#[derive(Clone, Debug)]
pub struct LostAnswers(Arc<AtomicU64>);

#[derive(Debug)]
enum Message {
    Issue(Box<Issue>),
    /// All that came before is to be written, then this is dropped.
    Flush(SyncSender<()>),
}

impl LedgerWriter {
    /// Opens a ledger for the deployment whose key file has this fingerprint, or begins one that
    /// only its owner can read. At most `capacity` answers wait.
    ///
    /// # Errors
    /// When the file is the ledger of other keys, or none; when it cannot be opened, others than its
    /// owner have access to it, or no thread can be started.
    pub fn open(
        path: impl AsRef<Path>,
        fingerprint: String,
        capacity: NonZeroUsize,
    ) -> Result<Self, LedgerError> {
        let path = path.as_ref();
        let mut ledger = Ledger::open(path)?;
        check_head(path, &fingerprint)?;
        let mut tally = Tally::new(fingerprint.clone());
        recall(path, fingerprint, &mut tally)?;
        Ok(Self::start(move |entries| ledger.append_all(entries), tally, capacity, EVERY)?)
    }

    fn start(
        append: impl FnMut(&[Entry]) -> Result<(), EntryError> + Send + 'static,
        tally: Tally,
        capacity: NonZeroUsize,
        every: Duration,
    ) -> io::Result<Self> {
        let (queue, messages) = mpsc::sync_channel(capacity.get());
        let lost = Arc::new(AtomicU64::new(0));
        let writing = Writing { append, tally, lost: Arc::clone(&lost), broken: false };
        thread::Builder::new()
            .name("ledger".into())
            .spawn(move || writing.run(&messages, every))?;
        Ok(Self { queue, lost })
    }

    /// Notes a marked answer. Never waits.
    pub fn issue(&self, issue: Issue) {
        let answers = issue.answers;
        if self.queue.try_send(Message::Issue(Box::new(issue))).is_err() {
            self.lost.fetch_add(answers, Ordering::Relaxed);
        }
    }

    /// A handle on the count of lost answers.
    #[must_use]
    pub fn lost(&self) -> LostAnswers {
        LostAnswers(Arc::clone(&self.lost))
    }

    /// Waits until everything that was noted before is written or lost, at most for `patience`.
    /// Blocks the thread. Returns whether that was enough.
    #[must_use]
    pub fn flush(&self, patience: Duration) -> bool {
        let (written, wait) = mpsc::sync_channel(0);
        let mut message = Message::Flush(written);
        let mut rest = patience;
        // A full queue is being emptied.
        while let Err(mpsc::TrySendError::Full(unsent)) = self.queue.try_send(message) {
            let Some(left) = rest.checked_sub(FULL_QUEUE) else { return false };
            (message, rest) = (unsent, left);
            // Nothing comes before it is sent: this waits.
            let _still_full = wait.recv_timeout(FULL_QUEUE);
        }
        wait.recv_timeout(rest) == Err(RecvTimeoutError::Disconnected)
    }
}

impl LostAnswers {
    /// Answers lost since the writer was made.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Reads the end of a ledger. Lines that are none are left to whoever reads it for evidence.
fn recall(path: &Path, fingerprint: String, tally: &mut Tally) -> Result<(), LedgerError> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(RECALLED_BYTES)))?;
    OwnEntries::new(BufReader::new(file), fingerprint)
        .try_for_each(|entry| entry.map(|entry| tally.recall(&entry)))
}

/// The thread's own.
struct Writing<A> {
    append: A,
    tally: Tally,
    lost: Arc<AtomicU64>,
    broken: bool,
}

impl<A: FnMut(&[Entry]) -> Result<(), EntryError>> Writing<A> {
    fn run(mut self, messages: &Receiver<Message>, every: Duration) {
        let mut entries = Vec::new();
        loop {
            let message = match self.tally.oldest() {
                None => messages.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some(oldest) => {
                    // A clock that was set back makes no line wait longer.
                    let age = Timestamp::now().duration_since(oldest).unsigned_abs();
                    messages.recv_timeout(every.saturating_sub(age))
                }
            };
            match message {
                Ok(Message::Issue(issue)) => self.tally.issue(*issue, &mut entries),
                Ok(Message::Flush(written)) => {
                    self.tally.write_authors(Timestamp::now(), &mut entries);
                    self.tally.drain(&mut entries);
                    self.write(&mut entries);
                    drop(written);
                }
                Err(RecvTimeoutError::Timeout) => self.tally.drain(&mut entries),
                Err(RecvTimeoutError::Disconnected) => {
                    self.tally.write_authors(Timestamp::now(), &mut entries);
                    self.tally.drain(&mut entries);
                    self.write(&mut entries);
                    return;
                }
            }
            self.write(&mut entries);
        }
    }

    fn write(&mut self, entries: &mut Vec<Entry>) {
        if entries.is_empty() {
            return;
        }
        let written = (self.append)(entries);
        if let Err(error) = &written {
            if !self.broken {
                tracing::error!(%error, "the ledger of marks cannot be written; answers are missing in it");
            }
            let answers = entries.iter().map(|entry| match entry.event {
                Event::Issued { answers, .. } => answers,
                Event::Epoch { .. } | Event::Linked { .. } | Event::Authors { .. } => 0,
            });
            self.lost.fetch_add(answers.sum(), Ordering::Relaxed);
        }
        self.broken = written.is_err();
        entries.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mark::law::AuthorCounts;

    const PATIENCE: Duration = Duration::from_secs(60);

    fn issue(account: &str) -> Issue {
        Issue {
            time: Timestamp::now(),
            epoch: 1,
            tenant: String::new(),
            account: account.to_owned(),
            cluster: None,
            arm: None,
            carrier: None,
            strength: 256,
            answers: 1,
            sites: 2,
            flips: 1,
            authors: AuthorCounts::default(),
        }
    }

    fn capacity(capacity: usize) -> NonZeroUsize {
        NonZeroUsize::new(capacity).unwrap()
    }

    /// A writer whose lines are sent on, and what they are sent to.
    fn writer(every: Duration) -> (LedgerWriter, Receiver<Vec<Entry>>) {
        let (sent, written) = mpsc::channel();
        let append = move |entries: &[Entry]| {
            sent.send(entries.to_vec()).map_err(io::Error::other)?;
            Ok(())
        };
        let tally = Tally::new("f".into());
        (LedgerWriter::start(append, tally, capacity(64), every).unwrap(), written)
    }

    #[test]
    fn what_is_added_up_is_written_when_it_is_old_enough_and_at_the_latest_at_the_end() {
        for every in [Duration::ZERO, EVERY] {
            let (writer, written) = writer(every);
            writer.issue(issue("a"));
            assert_eq!(written.recv().unwrap().len(), 2, "the epoch and the first answer, at once");
            writer.issue(issue("a"));
            if every == EVERY {
                drop(writer);
            }
            // Nothing else wakes the thread.
            assert_eq!(written.recv().unwrap().len(), 1);
        }
    }

    #[test]
    fn a_full_queue_loses_answers_and_counts_them() {
        let (enter, entered) = mpsc::sync_channel(0);
        let (allow, leave) = mpsc::channel::<()>();
        let append = move |_: &[Entry]| {
            enter.send(()).map_err(io::Error::other)?;
            leave.recv().map_err(io::Error::other)?;
            Ok(())
        };
        let writer =
            LedgerWriter::start(append, Tally::new("f".into()), capacity(2), EVERY).unwrap();
        writer.issue(issue("a"));
        entered.recv().unwrap();
        for account in ["b", "c", "d", "e"] {
            writer.issue(issue(account));
        }
        assert_eq!(writer.lost().count(), 2);
        assert!(!writer.flush(Duration::ZERO));
        drop((allow, entered));
        assert!(writer.flush(PATIENCE));
        // The three that waited could not be written either.
        assert_eq!(writer.lost().count(), 5);
    }

    #[test]
    fn no_line_is_added_to_the_ledger_of_other_keys_or_to_another_file() {
        let path = std::env::temp_dir().join(format!("guilloche-other-{}", std::process::id()));
        let writer = LedgerWriter::open(&path, "theirs".into(), capacity(8)).unwrap();
        writer.issue(issue("a"));
        assert!(writer.flush(PATIENCE));
        let theirs = std::fs::read(&path).unwrap();
        // So long that its epoch is not near the end.
        let long = [&theirs[..], &b"\n".repeat(RECALLED_BYTES as usize)].concat();
        for content in [theirs, long, b"an answer\n".to_vec()] {
            std::fs::write(&path, &content).unwrap();
            LedgerWriter::open(&path, "f".into(), capacity(8)).unwrap_err();
            assert!(std::fs::read(&path).unwrap() == content);
        }
        std::fs::remove_file(path).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn a_ledger_is_for_its_owner_alone_and_is_gone_on_with() {
        use std::os::unix::fs::PermissionsExt;
        let directory =
            std::env::temp_dir().join(format!("guilloche-ledger-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        let path = directory.join("mark.ledger");
        for _ in 0..2 {
            let writer = LedgerWriter::open(&path, "f".into(), capacity(8)).unwrap();
            let linked = Issue { cluster: Some("h".into()), ..issue("a") };
            writer.issue(linked.clone());
            writer.issue(Issue { carrier: Some("sglang"), sites: 0, flips: 0, ..linked });
            assert!(writer.flush(PATIENCE));
        }
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let text = std::fs::read_to_string(&path).unwrap();
        let events: Vec<String> = text
            .lines()
            .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
            .map(|line| {
                line["event"].as_str().unwrap().to_owned()
                    + line["carrier"].as_str().unwrap_or_default()
            })
            .collect();
        let expected = ["epoch", "linked", "issued", "issuedsglang", "issued", "issuedsglang"];
        assert_eq!(events, expected, "{text}");
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o660)).unwrap();
        let refused = LedgerWriter::open(&path, "f".into(), capacity(8)).unwrap_err();
        let LedgerError::File(refused) = refused else { panic!("{refused:?}") };
        assert_eq!(refused.kind(), io::ErrorKind::PermissionDenied);
        std::fs::remove_dir_all(directory).unwrap();
    }
}
