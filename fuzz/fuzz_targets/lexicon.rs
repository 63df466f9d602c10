//! The reader of lexicons: it refuses with a line of the file, or what it read can be used.
#![no_main]

use guilloche::mark::lexical::each_site;
use guilloche::mark::lexicon::Lexicon;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    match Lexicon::parse(&text) {
        Ok(lexicon) => {
            each_site(&lexicon, &text, |site| assert!(site.cell().index() < lexicon.cells()));
        }
        Err(error) => assert!((1..=text.lines().count()).contains(&error.line)),
    }
});
