//! Ending a text that has broken off.

/// What makes whole JSON of a beginning that breaks off within a string, though not behind a backslash;
/// `None` if it does not break off there.
pub(crate) fn closing(begun: &[u8]) -> Option<Vec<u8>> {
    let mut open = Vec::new();
    let mut within = false;
    let mut bytes = begun.iter();
    while let Some(byte) = bytes.next() {
        match (within, byte) {
            (true, b'\\') => drop(bytes.next()?),
            (_, b'"') => within = !within,
            (false, b'{') => open.push(b'}'),
            (false, b'[') => open.push(b']'),
            (false, b'}' | b']') => drop(open.pop()),
            _ => {}
        }
    }
    within.then(|| std::iter::once(b'"').chain(open.into_iter().rev()).collect())
}

#[cfg(test)]
mod tests {
    use super::closing;

    #[test]
    fn a_text_that_breaks_off_in_a_string_is_made_whole() {
        const TEXT: &str = r#"{"a":[{"b":"{\"["},[1,{"c":"x\\"}]],"d":{"e":"f"}}"#;
        for cut in 0..TEXT.len() {
            let begun = TEXT.get(..cut).unwrap();
            let Some(end) = closing(begun.as_bytes()) else { continue };
            // Behind a name there is no value yet.
            let whole = begun.to_owned() + std::str::from_utf8(&end).unwrap();
            let value = serde_json::from_str::<serde_json::Value>(&whole);
            let named = value.or_else(|_| {
                let (close, rest) = end.split_first().unwrap();
                let value = [begun.as_bytes(), &[*close], b":0", rest].concat();
                serde_json::from_slice(&value)
            });
            assert!(named.is_ok(), "{whole}");
        }
        assert_eq!(closing(br#"{"a":["b"#), Some(b"\"]}".to_vec()));
        assert!([&b"{"[..], b"{}", br#""a""#, br#""a\"#].iter().all(|it| closing(it).is_none()));
    }
}
