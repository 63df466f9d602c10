use std::sync::Arc;

use serde_json::Value;

use super::super::keys::SealKeys;
use super::super::{Conversation, Opening};
use super::*;

fn known() -> Vec<Value> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/kat/seal.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn text<'v>(case: &'v Value, name: &str) -> &'v str {
    case[name].as_str().unwrap()
}

fn bytes<const N: usize>(case: &Value, name: &str) -> [u8; N] {
    let digits = text(case, name).chars().map(|it| u8::try_from(it.to_digit(16).unwrap()).unwrap());
    let digits: Vec<u8> = digits.collect();
    std::array::from_fn(|at| digits[2 * at] * 16 + digits[2 * at + 1])
}

fn keys(case: &Value) -> SealKeys {
    SealKeys::with_nonces(&Secret::new(bytes(case, "secret")), &[], Secret::new([0; 32]))
}

fn key(case: &Value) -> Arc<[Secret]> {
    keys(case).of_principal(case["tenant"].as_str(), text(case, "account"))
}

fn conversation(case: &Value) -> Option<Conversation> {
    let mut opening = Opening::default();
    case["conversation"].as_array()?.iter().for_each(|it| opening.other(it.as_str().unwrap()));
    opening.end();
    opening.other("What came later.");
    Some(opening.conversation())
}

fn bound(case: &Value) -> Bound<'_> {
    Bound {
        carrier: text(case, "carrier"),
        model: text(case, "model"),
        conversation: conversation(case),
    }
}

type Parts<'c> = Vec<(u32, &'c [u8])>;

fn contents(case: &Value) -> (Parts<'_>, Option<&[u8]>) {
    let texts = case["texts"].as_array().unwrap().iter();
    let texts = texts.map(|it| {
        (u32::try_from(it[0].as_u64().unwrap()).unwrap(), it[1].as_str().unwrap().as_bytes())
    });
    (texts.collect(), case["value"].as_str().map(str::as_bytes))
}

fn sealed(case: &Value) -> String {
    let (texts, value) = contents(case);
    let head = Head {
        key: keys(case).newest(),
        expires: u32::try_from(case["expires"].as_u64().unwrap()).unwrap(),
        by_conversation: !case["conversation"].is_null(),
    };
    let bucket = usize::try_from(case["bucket"].as_u64().unwrap()).unwrap();
    let contents = Contents { texts: &texts, value };
    seal(&key(case)[0], bytes(case, "nonce"), head, &bound(case), &contents, bucket).unwrap()
}

/// Oracle: libsodium and the reference BLAKE3, by `tests/kat/make_seal.py`.
#[test]
fn blobs_are_those_that_libsodium_makes() {
    for case in known() {
        assert_eq!(sealed(&case), text(&case, "blob"), "{case}");
    }
}

#[test]
fn what_libsodium_sealed_opens_in_both_alphabets_and_with_padding() {
    for case in known() {
        let blob = text(&case, "blob");
        for spelled in
            [blob.to_owned(), blob.replace('+', "-").replace('/', "_"), format!("{blob}====")]
        {
            let Some(decoded) = decode(spelled.as_bytes()) else {
                assert!(spelled.ends_with("===="));
                continue;
            };
            assert!(spelled.starts_with(PREFIX));
            let head = head(&decoded).unwrap();
            assert_eq!(u64::from(head.expires), case["expires"].as_u64().unwrap());
            let opened = open(&key(&case)[0], &bound(&case), decoded).unwrap();
            let (texts, value) = contents(&case);
            let texts: Vec<_> = texts.into_iter().map(|(tag, it)| (tag, it.to_vec())).collect();
            assert_eq!(opened.texts, texts);
            assert_eq!(opened.value.as_deref(), value);
        }
    }
}

// Break it: authenticate the ciphertext alone.
#[test]
fn nothing_opens_that_is_altered_anywhere() {
    let case = &known()[0];
    let blob = decode(text(case, "blob").as_bytes()).unwrap();
    for at in 0..blob.len() {
        for bit in [1, 0x80] {
            let mut altered = blob.clone();
            altered[at] ^= bit;
            assert!(open(&key(case)[0], &bound(case), altered).is_none(), "byte {at}");
        }
    }
    for length in 0..blob.len() {
        assert!(open(&key(case)[0], &bound(case), blob[..length].to_vec()).is_none());
    }
    let longer = [&*blob, &[0]].concat();
    assert!(open(&key(case)[0], &bound(case), longer).is_none());
}

#[test]
fn two_blobs_do_not_make_a_third() {
    let cases = known();
    let [one, other] =
        [&cases[5], &cases[6]].map(|it| decode(text(it, "blob").as_bytes()).unwrap());
    for at in 1..one.len().min(other.len()) {
        for (first, second) in [(&one, &other), (&other, &one)] {
            let spliced = [&first[..at], &second[at..]].concat();
            if spliced != one && spliced != other {
                assert!(open(&key(&cases[5])[0], &bound(&cases[5]), spliced).is_none(), "at {at}");
            }
        }
    }
}

#[test]
fn what_is_bound_cannot_be_exchanged() {
    let case = &known()[2];
    let blob = || decode(text(case, "blob").as_bytes()).unwrap();
    assert!(open(&key(case)[0], &bound(case), blob()).is_some());
    for (name, other) in [
        ("tenant", Value::Null),
        ("tenant", "".into()),
        ("tenant", "bluee".into()),
        ("account", "e".into()),
        ("model", "teacher-small".into()),
        ("model", "teacher-larg".into()),
        ("carrier", "messages.redacted".into()),
        ("conversation", Value::Null),
        ("conversation", vec!["Hello, how much is it?"].into()),
        ("secret", "00".repeat(32).into()),
    ] {
        let mut changed = case.clone();
        changed[name] = other;
        assert!(open(&key(&changed)[0], &bound(&changed), blob()).is_none(), "{name}");
    }
    // What moves from one of them to the next is another.
    let mut moved = case.clone();
    (moved["carrier"], moved["model"]) = ("messages.thinkingt".into(), "eacher-large".into());
    assert!(open(&key(&moved)[0], &bound(&moved), blob()).is_none());
}

// Break it: fill up to nothing.
#[test]
fn the_size_of_a_blob_tells_no_more_than_its_bucket() {
    let mut case = known()[0].clone();
    let mut sizes = std::collections::BTreeMap::new();
    for length in 0..3000 {
        case["texts"][0][1] = "z".repeat(length).into();
        let (bucket, size) = ((4 + 8 + length + 8 + 6).div_ceil(256), sealed(&case).len());
        assert_eq!(*sizes.entry(bucket).or_insert(size), size, "{length} bytes");
        assert!(size % 4 == 0, "nothing is left over that base64 would have to fill");
    }
    assert_eq!(sizes.len(), 12);
}

#[test]
fn nonces_differ_within_a_process_and_between_two() {
    let secret = Secret::new([1; 32]);
    let keys = [3, 4].map(|it| SealKeys::with_nonces(&secret, &[], Secret::new([it; 32])));
    let drawn = keys.iter().flat_map(|keys| (0..1000).map(|_| keys.nonce()));
    assert_eq!(drawn.collect::<std::collections::HashSet<_>>().len(), 2000);
}

proptest::proptest! {
    #[test]
    fn whatever_is_sealed_opens_as_it_was(
        texts in proptest::collection::vec((0..9_u32, ".{0,40}"), 0..4),
        value in proptest::option::of(".{0,40}"),
        bucket in 1..600_usize,
    ) {
        let case = &known()[0];
        let texts: Vec<_> = texts.iter().map(|(tag, it)| (*tag, it.as_bytes())).collect();
        let contents = Contents { texts: &texts, value: value.as_deref().map(str::as_bytes) };
        let head = Head { key: keys(case).newest(), expires: 9, by_conversation: false };
        let blob = seal(&key(case)[0], [5; NONCE], head, &bound(case), &contents, bucket).unwrap();
        let opened = open(&key(case)[0], &bound(case), decode(blob.as_bytes()).unwrap()).unwrap();
        let read: Vec<_> = opened.texts.iter().map(|(tag, it)| (*tag, it.as_slice())).collect();
        proptest::prop_assert_eq!(read, texts);
        proptest::prop_assert_eq!(opened.value, value.map(String::into_bytes));
    }

    #[test]
    fn no_bytes_make_the_reader_fail(blob in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
        let case = &known()[0];
        let _ = decode(&blob);
        let _ = head(&blob);
        proptest::prop_assert!(open(&key(case)[0], &bound(case), blob.clone()).is_none());
        let _ = parts(&blob);
    }
}
