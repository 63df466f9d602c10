//! Progress on long work: to standard error, and only on a terminal.

use std::fmt::Display;
use std::io::{IsTerminal, Write};

/// A line that is written over.
#[derive(Debug)]
pub(crate) struct Progress {
    shown: bool,
    what: String,
    megabytes: u64,
    /// Something stands on the line.
    written: bool,
}

impl Progress {
    /// Of some work, or of reading something.
    pub(crate) fn new(what: &str) -> Self {
        let shown = std::io::stderr().is_terminal();
        Self { shown, what: what.to_owned(), megabytes: 0, written: false }
    }

    /// So far the work has come.
    pub(crate) fn say(&mut self, far: impl Display) {
        if self.shown {
            self.written = true;
            // A closed standard error leaves no one to tell.
            let _ = write!(std::io::stderr(), "\r\x1b[K{}: {far}", self.what);
        }
    }

    /// So many bytes have been read.
    pub(crate) fn read(&mut self, bytes: u64) {
        if bytes >> 20 >= self.megabytes + 16 {
            self.megabytes = bytes >> 20;
            self.say(format_args!("{} MiB read", bytes >> 20));
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.written {
            let _ = write!(std::io::stderr(), "\r\x1b[K");
        }
    }
}
