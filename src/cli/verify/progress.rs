//! Progress on long work: to standard error, and only on a terminal.

use std::io::{IsTerminal, Write};

/// A line that is written over.
#[derive(Debug)]
pub(super) struct Progress {
    shown: bool,
    what: String,
    megabytes: u64,
}

impl Progress {
    /// Of reading something.
    pub(super) fn new(what: &str) -> Self {
        Self { shown: std::io::stderr().is_terminal(), what: what.to_owned(), megabytes: 0 }
    }

    /// So many bytes have been read.
    pub(super) fn read(&mut self, bytes: u64) {
        if self.shown && bytes >> 20 >= self.megabytes + 16 {
            self.megabytes = bytes >> 20;
            // A closed standard error leaves no one to tell.
            let _ = write!(std::io::stderr(), "\r\x1b[Kreading {}: {} MiB", self.what, bytes >> 20);
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.megabytes > 0 {
            let _ = write!(std::io::stderr(), "\r\x1b[K");
        }
    }
}
