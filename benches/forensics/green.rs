//! Green lists that an operator has dumped, against the decoys of such a table.

use tokio::time::Instant;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use guilloche::forensics::detect::{
    GreenKey, GreenTable, HuggingFaceKgw, KeyScore, Seeding, TokenScheme,
};
use guilloche::forensics::evidence::Decoys;
use guilloche::mark::cell::Purpose;
use rayon::prelude::*;

use crate::calibration::{Line, line, sites};
use crate::samples::{SIZES, Samples, chosen, issued};
use crate::tokens::VOCABULARY;

/// Tables that an operator would have dumped, each of lists of another key, against the decoys of
/// such a table.
pub(crate) fn tables(samples: &Samples<'_>) -> Vec<Line> {
    let mut lines = Vec::new();
    if !chosen("green table") {
        return lines;
    }
    for ((size, tokens), keys) in SIZES.iter().zip(&samples.tokens).zip([1_000_u32, 300, 100]) {
        let started = Instant::now();
        let seeding = Seeding::LeftHash;
        let lists = HuggingFaceKgw { vocabulary: VOCABULARY, green_ratio: 0.25, seeding };
        let mut contexts: Vec<u32> = tokens.iter().flatten().copied().collect();
        contexts.sort_unstable();
        contexts.dedup();
        let counted = sites(&lists, tokens);
        let read = |number: u32| {
            let key = lists.key(&issued(Purpose::Engine, number));
            GreenTable::read(dump(&lists, &key, &contexts).as_bytes()).unwrap()
        };
        let scores: Vec<KeyScore> = (0..keys)
            .into_par_iter()
            .map(|number| {
                let table = read(number);
                let prepared = table.prepare(&mut counted.iter().map(|(site, _)| site));
                table.score(&GreenKey::Table, &prepared)
            })
            .collect();
        let table = read(0);
        let prepared = table.prepare(&mut counted.iter().map(|(site, _)| site));
        let decoys = Decoys::new([41; 32], keys);
        let decoys: Vec<KeyScore> = (0..keys)
            .into_par_iter()
            .map(|number| table.score(&table.key(&decoys.key(number)), &prepared))
            .collect();
        let null = |trials| table.null(&prepared, trials);
        lines.push(line("green table", *size, &scores, &decoys, null, started).shown());
    }
    lines
}

/// The file that `GreenTable::read` documents.
fn dump(
    lists: &HuggingFaceKgw,
    key: &<HuggingFaceKgw as TokenScheme>::Key,
    contexts: &[u32],
) -> String {
    let mut file = format!(
        "{{\"version\": 1, \"vocabulary\": {VOCABULARY}, \"context_tokens\": 1, \
         \"green_ratio\": 0.25}}\n"
    );
    for context in contexts {
        let mut bitmap = vec![0_u8; VOCABULARY as usize / 8];
        for token in lists.green_list(key, &[*context]) {
            bitmap[token as usize / 8] |= 1 << (token % 8);
        }
        let green = STANDARD.encode(bitmap);
        file.push_str(&format!("{{\"context\": [{context}], \"green\": \"{green}\"}}\n"));
    }
    file
}
