//! Standard output, of which it is known whether all that was written was read.
//!
//! Whoever pipes a report into another program and has its exit status decide must not take an answer
//! that nobody read for a good one. A command still comes to its own answer, which counts for more.

use std::io::{self, ErrorKind, IsTerminal, StdoutLock, Write};
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether something was written that nobody will read.
static LOST: AtomicBool = AtomicBool::new(false);

/// Standard output. What is written after its reader has gone counts as written.
pub(super) struct StandardOutput(StdoutLock<'static>);

/// Standard output, of this thread alone.
pub(super) fn lock() -> StandardOutput {
    StandardOutput(io::stdout().lock())
}

/// Writes what is left, and tells whether everything was taken.
pub(super) fn is_read() -> io::Result<bool> {
    lock().flush()?;
    Ok(!LOST.load(Ordering::Relaxed))
}

impl StandardOutput {
    pub(super) fn is_terminal(&self) -> bool {
        self.0.is_terminal()
    }
}

impl Write for StandardOutput {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        unless_closed(self.0.write(bytes), bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        unless_closed(self.0.flush(), ())
    }
}

fn unless_closed<T>(written: io::Result<T>, all: T) -> io::Result<T> {
    match written {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => {
            LOST.store(true, Ordering::Relaxed);
            Ok(all)
        }
        Err(error) => Err(io::Error::new(error.kind(), format!("standard output: {error}"))),
        written => written,
    }
}
