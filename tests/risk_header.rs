//! The risk header, from the detector to the assessment: signed by this crate, by Python's and by
//! OpenSSL's HMAC, then forged in every way that has a name.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "Clippy takes functions for tests by their attribute only"
)]

#[cfg(feature = "cli")]
#[path = "risk_header/command.rs"]
mod command;
#[path = "risk_header/examples.rs"]
mod examples;

use std::sync::Arc;
use std::time::Duration;

use guilloche::risk::{
    AccountId, Assessment, ClusterId, Context, Credentials, FirstKnown, FromExtension, PeerHeader,
    Principal, Reports, Risk, RiskClaim, RiskScore, RiskSource, SignedFields, SignedHeader, Signer,
    SigningKey, UnknownReason, Validity, credential,
};
use http::{HeaderName, HeaderValue, Method, Request, request};
use jiff::Timestamp;
use proptest::prelude::*;

const NOW: i64 = 1_763_856_000;
const PATH: &str = "/v1/chat/completions";
const API_KEY: &str = "sk-1";
const KEY_HEX: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

fn now() -> Timestamp {
    Timestamp::from_second(NOW).unwrap()
}

fn later(seconds: i64) -> Timestamp {
    Timestamp::from_second(NOW + seconds).unwrap()
}

fn key(id: &str, byte: u8) -> SigningKey {
    SigningKey::new(id, &[byte; 32]).unwrap()
}

fn context() -> Context {
    Context {
        credentials: Arc::new(Credentials::with_secret(b"accounts")),
        ..Context::new(Arc::new(Reports::default())).unwrap()
    }
}

fn source() -> SignedHeader {
    SignedHeader::new(context(), vec![key("old", 1), key("new", 2)])
}

fn claim() -> RiskClaim {
    let validity = Validity { issued: now(), ttl: Duration::from_secs(300) };
    let principal = Principal {
        account: AccountId::new("ada@example.com").unwrap(),
        cluster: Some(ClusterId::new("hydra-3").unwrap()),
        tenant: None,
    };
    let score = RiskScore::new(0.87, validity).unwrap().with_labels(["cot-elicit"]).unwrap();
    let credential = Some(credential::hash(API_KEY.as_bytes()));
    RiskClaim { credential, ..RiskClaim::new(principal, score) }
}

fn signed(claim: &RiskClaim) -> SignedFields {
    Signer::new(key("new", 2)).sign(claim, &Method::POST, PATH, now()).unwrap()
}

fn request(fields: &[(&str, &str)]) -> request::Parts {
    let mut request = Request::post(format!("{PATH}?stream=1"));
    for (name, value) in [("authorization", "Bearer sk-1")].iter().chain(fields) {
        request = request.header(*name, *value);
    }
    request.body(()).unwrap().into_parts().0
}

fn good() -> request::Parts {
    request(&signed(&claim()).entries())
}

/// The reason, after checking that the caller was not given the account that the header names.
fn reason_at(source: &dyn RiskSource, request: &request::Parts, now: Timestamp) -> UnknownReason {
    let Assessment { principal, risk } = source.assess(request, now);
    let Risk::Unknown(reason) = risk else { panic!("{risk:?} was believed") };
    let by_api_key = Credentials::with_secret(b"accounts").principal(&request.headers);
    assert_eq!(principal, by_api_key, "{}", reason.name());
    reason
}

fn reason(request: &request::Parts) -> UnknownReason {
    reason_at(&source(), request, now())
}

/// Signs any text as the field, with any parameters: what a detector gone wrong would send.
fn signed_raw(risk: &str, parameters: &str) -> request::Parts {
    use hmac::{Hmac, Mac};
    let covered = parameters.split_once(')').unwrap().0.trim_start_matches('(');
    let mut base = String::new();
    for component in covered.split(' ') {
        let value = match component.split(';').next().unwrap() {
            "\"guilloche-risk\"" => risk,
            "\"@method\"" => "POST",
            "\"@path\"" => PATH,
            "\"@authority\"" => "example.com",
            other => panic!("{other}"),
        };
        base += &format!("{component}: {value}\n");
    }
    base += &format!("\"@signature-params\": {parameters}");
    let mac = Hmac::<sha2::Sha256>::new_from_slice(&[2; 32]).unwrap().chain_update(base);
    let signature = base64::Engine::encode(
        &base64::engine::general_purpose::STANDARD,
        mac.finalize().into_bytes(),
    );
    request(&[
        ("guilloche-risk", risk),
        ("signature-input", &format!("guilloche={parameters}")),
        ("signature", &format!("guilloche=:{signature}:")),
    ])
}

const COVERED: &str = r#"("guilloche-risk" "@method" "@path")"#;

fn parameters() -> String {
    format!(r#"{COVERED};created={NOW};expires={};keyid="new";tag="guilloche-risk""#, NOW + 60)
}

#[test]
fn a_good_header_is_believed() {
    let expected =
        Assessment { principal: claim().principal, risk: Risk::Known(claim().score.unwrap()) };
    assert_eq!(source().assess(&good(), now()), expected);
    // Parameters and components in another order, spaces, other labels and more parameters.
    let parameters = format!(
        r#"("@path" "guilloche-risk" "@method");tag="guilloche-risk";keyid="new";nonce="n";expires={};created={NOW}"#,
        NOW + 60
    );
    let mut request = signed_raw(&signed(&claim()).risk, &parameters);
    let theirs = HeaderValue::from_static("theirs=(\"@method\");keyid=\"x");
    request.headers.append("signature-input", theirs);
    assert_eq!(source().assess(&request, now()), expected);
}

#[test]
fn a_caller_without_a_score_keeps_the_account_that_the_detector_names() {
    let claim = RiskClaim { score: None, ..claim() };
    let assessment = source().assess(&request(&signed(&claim).entries()), now());
    assert_eq!(assessment.principal, claim.principal);
    assert_eq!(assessment.risk, Risk::Unknown(UnknownReason::NotScored));
}

#[test]
fn silence_is_absent_and_a_header_without_our_signature_unsigned() {
    assert_eq!(reason(&request(&[])), UnknownReason::Absent);
    let fields = signed(&claim());
    assert_eq!(reason(&request(&fields.entries()[..1])), UnknownReason::Unsigned);
    assert_eq!(reason(&request(&fields.entries()[..2])), UnknownReason::Unsigned);
    let other = Signer::new(key("new", 2)).with_label("other".to_owned());
    let other = other.sign(&claim(), &Method::POST, PATH, now()).unwrap();
    assert_eq!(reason(&request(&other.entries())), UnknownReason::Unsigned);
    let source = source().with_label("other".to_owned());
    assert!(matches!(source.assess(&request(&other.entries()), now()).risk, Risk::Known(_)));
}

#[test]
fn whatever_is_signed_cannot_be_changed() {
    let change: [fn(&mut request::Parts); 4] = [
        |request| request.method = Method::PUT,
        |request| request.uri = "/v1/messages".parse().unwrap(),
        |request| {
            let field = request.headers.get_mut("guilloche-risk").unwrap();
            let lower = field.to_str().unwrap().replace("0.87", "0.01");
            *field = HeaderValue::from_str(&lower).unwrap();
        },
        |request| {
            let input = request.headers.get_mut("signature-input").unwrap();
            let shorter = input.to_str().unwrap().replace(";alg=\"hmac-sha256\"", "");
            *input = HeaderValue::from_str(&shorter).unwrap();
        },
    ];
    for (index, change) in change.into_iter().enumerate() {
        let mut request = good();
        change(&mut request);
        assert_eq!(reason(&request), UnknownReason::BadSignature, "change {index}");
    }
    let forged = Signer::new(key("new", 3)).sign(&claim(), &Method::POST, PATH, now()).unwrap();
    assert_eq!(reason(&request(&forged.entries())), UnknownReason::BadSignature);
}

#[test]
fn a_field_of_two_lines_is_signed_as_one() {
    let risk = signed(&claim()).risk;
    let request = signed_raw(&risk, &parameters());
    let (first, second) = risk.split_once(", ").unwrap();
    let mut split = request.clone();
    split.headers.insert("guilloche-risk", HeaderValue::from_str(first).unwrap());
    split.headers.append("guilloche-risk", HeaderValue::from_str(second).unwrap());
    assert_eq!(source().assess(&split, now()), source().assess(&request, now()));
    assert!(matches!(source().assess(&split, now()).risk, Risk::Known(_)));
}

#[test]
fn a_key_that_is_not_configured_is_unknown() {
    let fields = Signer::new(key("lost", 2)).sign(&claim(), &Method::POST, PATH, now()).unwrap();
    assert_eq!(reason(&request(&fields.entries())), UnknownReason::UnknownKey);
}

#[test]
fn both_keys_are_good_while_one_replaces_the_other() {
    for key in [key("old", 1), key("new", 2)] {
        let fields = Signer::new(key).sign(&claim(), &Method::POST, PATH, now()).unwrap();
        let risk = source().assess(&request(&fields.entries()), now()).risk;
        assert!(matches!(risk, Risk::Known(_)));
    }
}

#[test]
fn a_signature_for_another_purpose_is_not_trusted() {
    let risk = signed(&claim()).risk;
    assert!(matches!(
        source().assess(&signed_raw(&risk, &parameters()), now()).risk,
        Risk::Known(_)
    ));
    let others = [
        parameters().replace("tag=\"guilloche-risk\"", "tag=\"other\""),
        parameters().replace(";tag=\"guilloche-risk\"", ""),
        parameters() + ";alg=\"ed25519\"",
        parameters().replace(" \"@path\"", ""),
        parameters().replace("\"@path\"", "\"@path\" \"@path\""),
        parameters().replace("\"@path\"", "\"@path\" \"@authority\""),
        parameters().replace("\"guilloche-risk\" ", "\"guilloche-risk\";sf "),
    ];
    for parameters in others {
        let request = signed_raw(&risk, &parameters);
        assert_eq!(reason(&request), UnknownReason::Untrusted, "{parameters}");
    }
}

#[test]
fn a_header_that_breaks_the_contract_is_malformed() {
    let risk = signed(&claim()).risk;
    for risk in [risk.replace("0.87", "1.87"), risk.replace("account", "name"), risk + ", ="] {
        assert_eq!(reason(&signed_raw(&risk, &parameters())), UnknownReason::Malformed, "{risk}");
    }
    let risk = signed(&claim()).risk;
    let broken = [
        parameters().replace("created", "crated"),
        parameters().replace("expires", "expired"),
        parameters().replace("keyid=\"new\"", "keyid=new"),
        parameters().replace("keyid", "key"),
        parameters() + ";alg=1",
    ];
    for parameters in broken {
        let request = signed_raw(&risk, &parameters);
        assert_eq!(reason(&request), UnknownReason::Malformed, "{parameters}");
    }
    let [risk, input, (name, signature)] =
        signed(&claim()).entries().map(|(name, value)| (name, value.to_owned()));
    let unpadded = signature.replace("=:", ":").replacen(':', "=:", 1);
    for signature in ["guilloche=x", "guilloche=:!:", "guilloche", &unpadded] {
        let request = request(&[(risk.0, &risk.1), (input.0, &input.1), (name, signature)]);
        assert_eq!(reason(&request), UnknownReason::Malformed, "{signature}");
    }
}

#[test]
fn nothing_beyond_the_bound_is_read() {
    let mut big = good();
    big.headers.insert("guilloche-risk", HeaderValue::from_str(&"x".repeat(4097)).unwrap());
    assert_eq!(reason(&big), UnknownReason::TooLarge);
    let mut big = good();
    let input = format!("guilloche=(\"{}\")", "x".repeat(4096));
    big.headers.insert("signature-input", HeaderValue::from_str(&input).unwrap());
    assert_eq!(reason(&big), UnknownReason::TooLarge);
}

#[test]
fn a_header_holds_for_a_while_only() {
    let source = source();
    // The signature holds for a minute, the clocks may be off by half of one.
    assert!(matches!(source.assess(&good(), later(90)).risk, Risk::Known(_)));
    assert_eq!(reason_at(&source, &good(), later(91)), UnknownReason::Expired);
    assert!(matches!(source.assess(&good(), later(-30)).risk, Risk::Known(_)));
    assert_eq!(reason_at(&source, &good(), later(-31)), UnknownReason::FromFuture);

    let lasting = Signer::new(key("new", 2)).with_lifetime(Duration::from_secs(3600));
    let lasting = lasting.sign(&claim(), &Method::POST, PATH, now()).unwrap();
    let lasting = request(&lasting.entries());
    assert!(matches!(source.assess(&lasting, later(330)).risk, Risk::Known(_)));
    assert_eq!(reason_at(&source, &lasting, later(331)), UnknownReason::Stale);

    let ahead = signed(&claim()).risk.replace(&NOW.to_string(), &(NOW + 31).to_string());
    let ahead = signed_raw(&ahead, &parameters());
    assert_eq!(reason(&ahead), UnknownReason::FromFuture);
    let ahead = parameters().replace(&format!("created={NOW}"), &format!("created={}", NOW + 31));
    let ahead = signed_raw(&signed(&claim()).risk, &ahead);
    assert_eq!(reason(&ahead), UnknownReason::FromFuture);
}

/// What is contested, and whom the request is taken to be from.
fn contested(source: &dyn RiskSource, request: &request::Parts) -> (UnknownReason, Principal) {
    let Assessment { principal, risk } = source.assess(request, now());
    let Risk::Contested { reason, .. } = risk else { panic!("{risk:?} is not contested") };
    (reason, principal)
}

/// A client could write any of these, so that none may make the score unknown.
#[test]
fn a_header_with_another_api_key_is_contested() {
    let source = source();
    let by_api_key = |request: &request::Parts| {
        Credentials::with_secret(b"accounts").principal(&request.headers)
    };
    let mut other = good();
    other.headers.insert("authorization", HeaderValue::from_static("Bearer sk-2"));
    let expected = (UnknownReason::OtherPrincipal, by_api_key(&other));
    assert_eq!(contested(&source, &other), expected);
    other.headers.remove("authorization");
    assert_eq!(contested(&source, &other).1, by_api_key(&other));
    // The bound one is there, so that it is the caller whom the detector names.
    for (name, value) in [
        ("x-api-key", "sk-2"),
        ("api-key", "junk"),
        ("x-goog-api-key", "junk"),
        ("authorization", "Bearer\tsk-2"),
        ("authorization", "Token sk-2"),
        ("authorization", "sk-2"),
    ] {
        let mut second = good();
        second.headers.append(name, HeaderValue::from_static(value));
        let named = contested(&source, &second);
        assert_eq!(named, (UnknownReason::OtherPrincipal, claim().principal), "{name}: {value}");
        // The upstream does not see a field of the connection, but nobody else knows that it will not.
        second.headers.append("connection", HeaderValue::from_static(name));
        assert_eq!(contested(&source, &second), named);
    }

    let unbound = RiskClaim { credential: None, ..claim() };
    let unbound = request(&signed(&unbound).entries());
    assert_eq!(contested(&source, &unbound), (UnknownReason::OtherPrincipal, by_api_key(&unbound)));
    let lenient = self::source().bind_credential(false);
    assert!(matches!(lenient.assess(&unbound, now()).risk, Risk::Known(_)));
}

/// A detector that adds its lines to a client's is not silenced by them.
// Break it: read the last line only, or all lines as one only.
#[test]
fn a_line_of_the_clients_does_not_hide_a_detectors() {
    let expected = source().assess(&good(), now());
    assert!(matches!(expected.risk, Risk::Known(_)));
    let fields = signed(&claim());
    let forged = Signer::new(key("new", 3));
    let forged = forged.sign(&claim(), &Method::POST, PATH, now()).unwrap();
    let junk = "x".repeat(4096);
    for name in ["guilloche-risk", "signature-input", "signature"] {
        let of_forged = forged.entries().into_iter().find(|(field, _)| *field == name).unwrap().1;
        for line in [
            "score=0.0",
            "guilloche=()",
            "guilloche=:AA==:",
            "guilloche=\"",
            "",
            &format!("guilloche={junk}"),
            of_forged,
        ] {
            for first in [true, false] {
                let (line, own) = ([(name, line)], fields.entries());
                let lines: Vec<_> = if first {
                    line.iter().chain(&own).collect()
                } else {
                    own.iter().chain(&line).collect()
                };
                let lines: Vec<_> = lines.into_iter().copied().collect();
                assert_eq!(source().assess(&request(&lines), now()), expected, "{name} {first}");
            }
        }
        let mut crowded = good();
        for index in 0..9 {
            let line = HeaderValue::from_str(&format!("guilloche=:{index}AA=:")).unwrap();
            crowded.headers.append(name, line);
        }
        // It is found before the others are too many, or nothing is known.
        match source().assess(&crowded, now()).risk {
            Risk::Known(_) => {}
            risk => {
                assert_eq!(risk, Risk::Contested { score: None, reason: UnknownReason::TooLarge })
            }
        }
    }
}

/// A client that has kept the header of an earlier request of its own gains nothing by it.
#[test]
fn of_several_good_headers_the_worst_counts() {
    let mild = RiskScore::new(0.1, claim().validity).unwrap();
    let mild = signed(&RiskClaim { score: Some(mild), ..claim() });
    let both = |first: &SignedFields, second: &SignedFields| {
        let lines: Vec<_> = first.entries().into_iter().chain(second.entries()).collect();
        source().assess(&request(&lines), now())
    };
    let (severe, expected) = (signed(&claim()), source().assess(&good(), now()));
    assert_eq!(both(&mild, &severe), expected);
    assert_eq!(both(&severe, &mild), expected);
    let others = RiskClaim { credential: Some([1; 32]), ..claim() };
    let risk = both(&signed(&others), &severe).risk;
    assert!(matches!(risk, Risk::Contested { .. }), "{risk:?}");
}

#[test]
fn every_unknown_risk_is_counted_under_its_reason() {
    let context = context();
    let reports = Arc::clone(&context.reports);
    let source = SignedHeader::new(context, vec![key("new", 2)]);
    let _ = source.assess(&good(), now());
    let _ = source.assess(&request(&[]), now());
    let _ = source.assess(&good(), later(1000));
    let met: Vec<_> = reports.counts().filter(|(_, count)| *count > 0).collect();
    assert_eq!(met, [(UnknownReason::Absent, 1), (UnknownReason::Expired, 1)]);
}

#[test]
fn a_peer_is_believed_without_a_signature() {
    let peer = PeerHeader::new(context());
    let field = [("guilloche-risk", "account=\"a\", score=0.5, issued=1763856000, ttl=60")];
    let assessment = peer.assess(&request(&field), now());
    assert_eq!(assessment.principal.account.as_str(), "a");
    assert!(matches!(assessment.risk, Risk::Known(_)));
    assert_eq!(reason_at(&peer, &request(&field), later(91)), UnknownReason::Stale);
    assert_eq!(reason_at(&peer, &request(&[]), now()), UnknownReason::Absent);
    assert_eq!(
        reason_at(&peer, &request(&[("guilloche-risk", "x")]), now()),
        UnknownReason::Malformed
    );
    // Of two lines one may be the client's, and nothing tells which.
    let two = [field[0], ("guilloche-risk", "confidence=0.0")];
    assert_eq!(contested(&peer, &request(&two)).0, UnknownReason::TooLarge);
    let bound = peer.bind_credential(true);
    assert_eq!(contested(&bound, &request(&field)).0, UnknownReason::OtherPrincipal);
}

#[test]
fn a_detector_in_the_process_is_believed_and_headers_are_not() {
    let source = FromExtension::new(context());
    let mut request = good();
    assert_eq!(reason_at(&source, &request, now()), UnknownReason::Absent);
    let assessment =
        Assessment { principal: claim().principal, risk: Risk::Known(claim().score.unwrap()) };
    request.extensions.insert(assessment.clone());
    assert_eq!(source.assess(&request, now()), assessment);
    let stale = source.assess(&request, later(331));
    assert_eq!(stale.principal, assessment.principal);
    assert_eq!(stale.risk, Risk::Unknown(UnknownReason::Stale));
}

#[test]
fn of_several_sources_the_first_that_knows_is_taken() {
    let both = || {
        FirstKnown::new(
            Box::new(FromExtension::new(context())),
            vec![Box::new(source()), Box::new(PeerHeader::new(context()))],
        )
    };
    assert!(matches!(both().assess(&good(), now()).risk, Risk::Known(_)));
    assert_eq!(reason_at(&both(), &request(&[]), now()), UnknownReason::Absent);
    // A bad signature is told rather than the silence of the source before it.
    let only_signed =
        FirstKnown::new(Box::new(FromExtension::new(context())), vec![Box::new(source())]);
    assert_eq!(reason_at(&only_signed, &good(), later(91)), UnknownReason::Expired);
    let first_fault =
        FirstKnown::new(Box::new(source()), vec![Box::new(PeerHeader::new(context()))]);
    assert_eq!(reason_at(&first_fault, &good(), later(1000)), UnknownReason::Expired);
    let mut request = good();
    both().strip(&mut request.headers);
    assert_eq!(request.headers.keys().collect::<Vec<_>>(), ["authorization"]);
}

#[test]
fn debug_shows_no_identifier_and_no_key() {
    let source = SignedHeader::new(context(), vec![key("key-id", 7)]);
    let assessment = source.assess(&good(), now());
    let shown = format!("{source:?} {assessment:?} {:?}", claim());
    for secret in ["ada", "hydra", "key-id", "accounts", "sk-1", "7, 7"] {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
}

/// Every byte of the three fields, changed into every byte that a header may have.
#[test]
fn one_changed_byte_anywhere_makes_the_risk_unknown() {
    let (source, good) = (source(), good());
    for name in ["guilloche-risk", "signature-input", "signature"] {
        let bytes = good.headers[name].as_bytes().to_vec();
        for position in 0..bytes.len() {
            for byte in (b' '..=b'~').chain([b'\t', 0x80, 0xff]) {
                let mut changed = bytes.clone();
                changed[position] = byte;
                if changed == bytes {
                    continue;
                }
                let mut request = good.clone();
                let value = HeaderValue::from_bytes(&changed).unwrap();
                request.headers.insert(HeaderName::from_static(name), value);
                let _ = reason_at(&source, &request, now());
            }
        }
    }
}

proptest! {
    #[test]
    fn changed_bytes_make_the_risk_unknown(
        field in 0..3_usize,
        changes in proptest::collection::vec((any::<proptest::sample::Index>(), b' '..=b'~'), 1..4),
    ) {
        let mut request = good();
        let name = ["guilloche-risk", "signature-input", "signature"][field];
        let mut bytes = request.headers[name].as_bytes().to_vec();
        for (position, byte) in changes {
            let position = position.index(bytes.len());
            bytes[position] = byte;
        }
        prop_assume!(bytes != request.headers[name].as_bytes());
        let value = HeaderValue::from_bytes(&bytes).unwrap();
        request.headers.insert(HeaderName::from_static(name), value);
        let _ = reason(&request);
    }

    #[test]
    fn any_bytes_are_answered(
        risk in "[ -~]{0,80}", input in "guilloche=[ -~]{0,80}", signature in "guilloche=[ -~]{0,60}",
    ) {
        let fields =
            [("guilloche-risk", &*risk), ("signature-input", &*input), ("signature", &*signature)];
        let _ = reason(&request(&fields));
    }
}
