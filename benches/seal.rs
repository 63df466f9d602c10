//! Sealed reasoning: a blob made and opened, and the search for one in a body that has none.
//!
//! `cargo bench --bench seal`

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on must fail")]

use std::hint::black_box;
use std::sync::Arc;

use divan::Bencher;
use divan::counter::BytesCount;
use guilloche::countermeasure::OpenedIndex;
use guilloche::countermeasure::seal::{Opener, Opening, SealHolder, SealKeys, Sealer};
use guilloche::policy::plan::Seal;
use guilloche::risk::{AccountId, Principal};
use guilloche::secret::Secret;

fn main() {
    divan::main();
}

const SIZES: [usize; 3] = [1 << 10, 8 << 10, 64 << 10];

fn holder() -> SealHolder {
    let keys = SealKeys::with_nonces(&Secret::new([1; 32]), &[], Secret::new([2; 32]));
    let account = AccountId::new("account-17").unwrap();
    SealHolder::new(&Arc::new(keys), &Principal::of(account))
}

fn sealer() -> Sealer {
    Sealer::new(holder(), &Seal::default(), Some("teacher-large"), None)
}

fn thought(bytes: usize) -> Vec<u8> {
    b"If the two barges arrive before noon, both can be unloaded. "
        .iter()
        .copied()
        .cycle()
        .take(bytes)
        .collect()
}

#[divan::bench(args = SIZES)]
fn seal(bencher: Bencher<'_, '_>, bytes: usize) {
    let (sealer, text) = (sealer(), thought(bytes));
    bencher.counter(BytesCount::new(bytes)).bench(|| {
        sealer.seal("messages.thinking", black_box(&[(0, &text)]), Some(b"\"c2lnbmF0dXJl\""))
    });
}

#[divan::bench(args = SIZES)]
fn open(bencher: Bencher<'_, '_>, bytes: usize) {
    let text = thought(bytes);
    let blob = sealer().seal("messages.thinking", &[(0, &text)], None).unwrap_or_default();
    let opener = Opener::new(holder(), Some("teacher-large".to_owned()));
    let conversation = Opening::default().conversation();
    bencher
        .counter(BytesCount::new(bytes))
        .bench(|| opener.open("messages.thinking", black_box(&blob), conversation).is_some());
}

#[divan::bench(args = SIZES)]
fn look_for_a_blob_where_there_is_none(bencher: Bencher<'_, '_>, bytes: usize) {
    let body = thought(bytes);
    bencher.counter(BytesCount::new(bytes)).bench(|| Opener::may_open(black_box(&body)));
}

#[divan::bench(args = SIZES)]
fn index_what_was_opened(bencher: Bencher<'_, '_>, bytes: usize) {
    let text = String::from_utf8_lossy(&thought(bytes)).into_owned();
    bencher.counter(BytesCount::new(bytes)).bench(|| {
        let mut index = OpenedIndex::default();
        index.add(black_box(&text));
        index
    });
}
