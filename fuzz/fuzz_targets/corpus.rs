//! The reader of corpora: any file is counted or refused, twice the same, and nothing of it is lost
//! from the tally of its records.
#![no_main]

use std::env::temp_dir;
use std::fs;
use std::process;

use guilloche::forensics::corpus::{Corpus, Prompts, count_lexical};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let path = temp_dir().join(format!("guilloche-fuzz-corpus-{}", process::id()));
    fs::write(&path, data).expect("the folder for temporary files can be written to");
    let corpus = Corpus { texts: vec![path.clone()], counts: Vec::new() };
    let count = || count_lexical(&corpus, None, &Prompts::none(), |_| ());
    match (count(), count()) {
        (Ok(first), Ok(second)) => {
            assert_eq!(first.counts, second.counts);
            let file = first.material.files.first().expect("one file was read");
            assert!(file.skipped <= file.records);
        }
        (Err(first), Err(second)) => assert_eq!(first.to_string(), second.to_string()),
        _ => panic!("read once and refused once"),
    }
});
