//! The reader of audits: a line is an entry or an error.
#![no_main]

use guilloche::audit::Entry;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Err(error) = Entry::parse(data) {
        // What stands in a line is never part of the message.
        assert!(error.to_string().len() < 100);
    }
});
