use super::*;

fn whole(document: &[u8]) -> Result<(), Error> {
    Reader::new(document).document(|reader| reader.pass())
}

#[test]
fn a_document_nested_ten_thousand_deep_is_skipped_without_recursion() {
    let document = [b"[".repeat(10_000), b"]".repeat(10_000)].concat();
    assert_eq!(whole(&document), Ok(()));
    assert!(whole(document.get(..15_000).unwrap()).is_err());
}

#[test]
fn what_python_writes_and_strict_parsers_refuse_is_still_walked() {
    assert_eq!(whole(br#"{"a":NaN,"b":-Infinity,"c":"\ud83d"}"#), Ok(()));
}

#[test]
fn escaped_and_duplicate_names_are_all_visited() {
    let mut seen = Vec::new();
    Reader::new(br#"{"cho\u0069ces":1,"choices":2, "other" : 3}"#)
        .document(|reader| {
            reader.members(|reader, key| {
                seen.push(key.is("choices"));
                reader.pass()
            })
        })
        .unwrap();
    assert_eq!(seen, [true, true, false]);
}

#[test]
fn the_first_quote_or_backslash_is_found_wherever_it_stands_and_whatever_is_beside_it() {
    let neighbours = [b'!', b'"' - 1, b'"' + 1, b'\\' - 1, b'\\' + 1, 0x00, 0xA2, 0xDC, 0xFF];
    for (place, beside) in (0..40).flat_map(|place| neighbours.map(|beside| (place, beside))) {
        for found in [b'"', b'\\'] {
            let mut bytes = [beside; 40];
            assert_eq!(quote_or_backslash(&bytes), None);
            bytes[place..].fill(found);
            assert_eq!(quote_or_backslash(&bytes), Some(place), "{beside} before {found}");
            bytes[place + 1..].fill(beside);
            assert_eq!(quote_or_backslash(&bytes), Some(place), "{beside} around {found}");
        }
    }
}

#[test]
fn every_truncation_of_a_document_is_an_error() {
    let document = br#"{"a":[1,{"b":"c\"d"}],"e":null}"#;
    for end in 0..document.len() {
        assert!(whole(document.get(..end).unwrap()).is_err(), "cut at {end}");
    }
    assert_eq!(whole(document), Ok(()));
}

proptest::proptest! {
    /// Oracle: serde_json. What it accepts must be walked to the end.
    #[test]
    fn whatever_serde_json_writes_is_walked(value in arbitrary_value()) {
        let compact = serde_json::to_vec(&value).unwrap();
        let pretty = serde_json::to_vec_pretty(&value).unwrap();
        proptest::prop_assert_eq!(whole(&compact), Ok(()));
        proptest::prop_assert_eq!(whole(&pretty), Ok(()));
    }

    #[test]
    fn no_bytes_make_it_panic_or_loop(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
        let _ = whole(&bytes);
    }
}

fn arbitrary_value() -> impl proptest::strategy::Strategy<Value = serde_json::Value> {
    use proptest::prelude::*;
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        ".*".prop_map(serde_json::Value::String),
    ];
    leaf.prop_recursive(4, 32, 5, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Into::into),
            proptest::collection::btree_map(".*", inner, 0..5)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    })
}
