//! The reader of key files: it refuses or reads, and what it read has epochs numbered from 1.
#![no_main]

use guilloche::mark::keys::Keys;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    for text in
        [text.to_string(), format!("guilloche-mark-keys 1\nmaster {}\n{text}", "0f".repeat(32))]
    {
        if let Ok(keys) = Keys::parse(&text) {
            for (number, epoch) in (1..).zip(keys.epochs()) {
                assert_eq!(epoch.number, number);
            }
            assert_eq!(keys.current() as usize, keys.epochs().len());
        }
    }
});
