//! A sentence that is planted as reasoning, and all the forms in which it would still be one.

use std::io::{Read, Write};
use std::sync::LazyLock;

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use flate2::Compression;
use flate2::read::{GzDecoder, ZlibDecoder};
use flate2::write::GzEncoder;
use memchr::{memchr3_iter, memmem};

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

/// Words of the sentence as they stand, with a capital and in capitals, and its tokens. In any mixture of cases, or if they
/// were shorter, one would come up by chance in the base64 of what is sealed.
static FORMS: LazyLock<Vec<memmem::Finder<'static>>> = LazyLock::new(|| {
    let words = SENTENCE.split(' ').filter(|word| word.len() > 5);
    let forms = words.flat_map(|word| {
        let (first, rest) = word.split_at(1);
        [word.to_owned(), first.to_uppercase() + rest, word.to_uppercase()]
    });
    let forms = forms.chain(TOKENS.iter().map(ToString::to_string));
    forms.map(|form| memmem::Finder::new(form.as_bytes()).into_owned()).collect()
});

/// The first form of the sentence, of a word of it or of a token that these bytes have.
pub(super) fn told_by(bytes: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(bytes);
    let plain = [unescaped(&text), percent_decoded(&text)].map(String::into_bytes);
    let (coded, inflated) = (decoded(bytes), inflated(bytes));
    // Bedrock's streams have events in base64, whose signatures are base64 themselves.
    let twice: Vec<Vec<u8>> = coded.iter().flat_map(|it| decoded(it)).collect();
    let others = plain.iter().chain(&coded).chain(&twice).chain(&inflated).map(Vec::as_slice);
    let all = [bytes].into_iter().chain(others).collect::<Vec<_>>().join(&b'\n');
    let told = FORMS.iter().find(|form| form.find(&all).is_some())?;
    Some(String::from_utf8_lossy(told.needle()).into_owned())
}

/// Whether these bytes have a text, as it stands or in base64.
pub(super) fn has(bytes: &[u8], text: &str) -> bool {
    let holds = |bytes: &[u8]| memmem::find(bytes, text.as_bytes()).is_some();
    holds(bytes) || decoded(bytes).iter().any(|it| holds(it))
}

/// The body of an answer, put together from its chunks if it is cut into such (RFC 9112 section 7.1).
pub(super) fn unchunked(answer: &[u8]) -> Vec<u8> {
    let behind = |bytes: &[u8], end: &[u8]| {
        bytes.windows(end.len()).position(|it| it == end).map(|at| (at, at + end.len()))
    };
    let Some((head, body)) = behind(answer, b"\r\n\r\n") else { return Vec::new() };
    let chunked = String::from_utf8_lossy(&answer[..head]).contains("transfer-encoding: chunked");
    let mut rest = &answer[body..];
    if !chunked {
        return rest.to_vec();
    }
    let mut whole = Vec::new();
    while let Some((end, from)) = behind(rest, b"\r\n") {
        let size = std::str::from_utf8(&rest[..end]).unwrap();
        let size = usize::from_str_radix(size, 16).unwrap();
        let chunk = rest[from..].get(..size).unwrap_or(&rest[from..]);
        whole.extend_from_slice(chunk);
        rest = rest[from..].get(size + 2..).filter(|_| size > 0).unwrap_or_default();
    }
    whole
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

/// Readers of base64 in either alphabet, which take what was cut off anywhere.
static ENGINES: LazyLock<[GeneralPurpose; 2]> = LazyLock::new(|| {
    let config = GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent);
    [alphabet::STANDARD, alphabet::URL_SAFE].map(|it| GeneralPurpose::new(&it, config))
});

/// What runs of letters say as base64, from each of four places, and as hexadecimal digits.
fn decoded(bytes: &[u8]) -> Vec<Vec<u8>> {
    let is_coded = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/-_".contains(byte);
    let runs = bytes.split(|byte| !is_coded(byte)).filter(|run| run.len() >= 12);
    let mut texts = Vec::new();
    for run in runs {
        let engine = &ENGINES[usize::from(run.contains(&b'-') || run.contains(&b'_'))];
        for start in 0..4 {
            let whole = &run[start..run.len() - (run.len() - start) % 4];
            texts.extend(engine.decode(whole).ok());
        }
        let digits = run.len() - run.len() % 2;
        let hex: Option<Vec<u8>> = run[..digits]
            .chunks(2)
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
            .collect();
        texts.extend(hex);
    }
    let inflated: Vec<_> = texts.iter().flat_map(|it| inflated(it)).collect();
    texts.extend(inflated);
    texts
}

/// What is compressed anywhere in these bytes, by gzip, zlib or Zstandard, as far as it can be read.
fn inflated(bytes: &[u8]) -> Vec<Vec<u8>> {
    let read = |mut reader: Box<dyn Read + '_>| {
        let mut text = vec![0; 1 << 16];
        let mut length = 0;
        while let Ok(read @ 1..) = reader.read(&mut text[length..]) {
            length += read;
        }
        text.truncate(length);
        text
    };
    let at = |start: usize| -> Option<Vec<u8>> {
        let bytes = &bytes[start..];
        Some(match bytes {
            [0x1f, 0x8b, 8, ..] => read(Box::new(GzDecoder::new(bytes))),
            [0x78, 0x01 | 0x5e | 0x9c | 0xda, ..] => read(Box::new(ZlibDecoder::new(bytes))),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => read(Box::new(zstd::Decoder::new(bytes).ok()?)),
            _ => return None,
        })
    };
    memchr3_iter(0x1f, 0x78, 0x28, bytes).filter_map(at).collect()
}

/// As a server that compresses its answers sends them.
pub(super) fn gzipped(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
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
        standard.encode(gzipped(SENTENCE.as_bytes())),
        standard.encode(format!("{{\"signature\":\"{}\"}}", standard.encode(SENTENCE))),
        url.encode(zstd::encode_all(SENTENCE.as_bytes(), 1).unwrap()),
    ] {
        assert!(told_by(form.as_bytes()).is_some(), "{form}");
    }
    let mut chunk = b"HTTP/1.1 200 OK\r\n\r\n1f\r\n".to_vec();
    chunk.extend(gzipped(SENTENCE.as_bytes()));
    assert!(told_by(&chunk).is_some());
    let cut =
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nquo\r\n4\r\nkkas\r\n0\r\n\r\n";
    assert!(told_by(cut).is_none() && told_by(&unchunked(cut)).is_some());
    assert_eq!(told_by(b"{\"answer\":\"twelve apples\",\"tokens\":[1,2,3]}"), None);
}
