//! The reader of ledgers: a line is an entry or an error, and every line is one of them.
#![no_main]

use guilloche::mark::ledger::{Entries, Entry};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let lines = data.split(|byte| *byte == b'\n').count();
    assert!(Entries::new(data).count() <= lines);
    if let Ok(line) = std::str::from_utf8(data) {
        let _ = Entry::parse(line);
    }
});
