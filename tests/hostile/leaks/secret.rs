//! A sentence that is planted as reasoning, and all the forms in which it would still be one.

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// Rare words, so that each alone is found.
pub(super) const SENTENCE: &str = "quokkas ferry obsidian marbles past drowsy umbrellas";

/// Its tokens, as a server numbers them.
pub(super) const TOKENS: [u64; 7] = [
    179_010_104_461,
    179_020_204_462,
    179_030_304_463,
    179_040_404_464,
    179_050_504_465,
    179_060_604_466,
    179_070_704_467,
];

/// The first form of the sentence, of a word of it or of a token that these bytes have.
pub(super) fn told_by(bytes: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(bytes);
    let plain = [text.to_string(), unescaped(&text), percent_decoded(&text)];
    let decoded = decoded(bytes);
    let words = || SENTENCE.split(' ').filter(|word| word.len() > 4);
    let in_text = |text: &str| {
        let text = text.to_lowercase();
        let token = TOKENS.iter().map(ToString::to_string).find(|token| text.contains(token));
        words().find(|word| text.contains(word)).map(str::to_owned).or(token)
    };
    plain.iter().chain(&decoded).find_map(|text| in_text(text))
}

/// Whether these bytes have a text, as it stands or in base64.
pub(super) fn has(bytes: &[u8], text: &str) -> bool {
    let coded = decoded(bytes);
    String::from_utf8_lossy(bytes).contains(text) || coded.iter().any(|it| it.contains(text))
}

/// Text whose `\u0041` are letters.
fn unescaped(text: &str) -> String {
    let mut parts = text.split("\\u");
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (code, rest) = part.split_at_checked(4).unwrap_or((part, ""));
        let letter = u32::from_str_radix(code, 16).ok().and_then(char::from_u32);
        plain.push_str(&letter.map_or_else(|| code.to_owned(), String::from));
        plain.push_str(rest);
    }
    plain
}

fn percent_decoded(text: &str) -> String {
    let mut parts = text.split('%');
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (code, rest) = part.split_at_checked(2).unwrap_or((part, ""));
        let letter = u8::from_str_radix(code, 16).ok().map(char::from);
        plain.push_str(&letter.map_or_else(|| code.to_owned(), String::from));
        plain.push_str(rest);
    }
    plain
}

/// What runs of letters say as base64, from each of four places, and as hexadecimal digits.
fn decoded(bytes: &[u8]) -> Vec<String> {
    let config = GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let engines =
        [alphabet::STANDARD, alphabet::URL_SAFE].map(|it| GeneralPurpose::new(&it, config));
    let is_coded = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/-_".contains(byte);
    let runs = bytes.split(|byte| !is_coded(byte)).filter(|run| run.len() >= 12);
    let mut texts = Vec::new();
    for run in runs {
        for start in 0..4 {
            let whole = &run[start..run.len() - (run.len() - start) % 4];
            texts.extend(engines.iter().filter_map(|engine| engine.decode(whole).ok()));
        }
        let digits = run.len() - run.len() % 2;
        let hex: Option<Vec<u8>> = run[..digits]
            .chunks(2)
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
            .collect();
        texts.extend(hex);
    }
    texts.iter().map(|text| String::from_utf8_lossy(text).into_owned()).collect()
}

#[test]
fn the_sentence_is_found_in_every_form() {
    let standard = &base64::engine::general_purpose::STANDARD;
    let url = &base64::engine::general_purpose::URL_SAFE_NO_PAD;
    for form in [
        SENTENCE.to_owned(),
        SENTENCE.to_uppercase(),
        "a ferry obsidian marbles b".to_owned(),
        SENTENCE.bytes().map(|byte| format!("\\u{byte:04x}")).collect(),
        SENTENCE.bytes().map(|byte| format!("%{byte:02X}")).collect(),
        SENTENCE.bytes().map(|byte| format!("{byte:02x}")).collect(),
        format!("{{\"a\":\"{}\"}}", standard.encode(SENTENCE)),
        format!("x{}", standard.encode(format!("??{SENTENCE}"))),
        url.encode(SENTENCE),
        format!("[{}]", TOKENS[3]),
    ] {
        assert!(told_by(form.as_bytes()).is_some(), "{form}");
    }
    assert_eq!(told_by(b"{\"answer\":\"twelve apples\",\"tokens\":[1,2,3]}"), None);
}
