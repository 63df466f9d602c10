//! The risk header: nothing that was not signed makes a caller known; what was signed is read as it was said, and
//! stripped; a claim that is read and written again reads the same.
#![no_main]

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use guilloche::risk::{
    Context, Reports, Risk, RiskClaim, RiskSource, SignedHeader, Signer, SigningKey,
};
use http::{HeaderName, HeaderValue, Request};
use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;

const PATH: &str = "/v1/chat/completions";

const NAMES: [&str; 4] = ["guilloche-risk", "signature-input", "signature", "authorization"];

fn key() -> SigningKey {
    SigningKey::new("k", &[5; 32]).unwrap()
}

static SOURCE: LazyLock<SignedHeader> = LazyLock::new(|| {
    let context = Context::new(Arc::new(Reports::default())).unwrap();
    SignedHeader::new(context, vec![key()]).bind_credential(false)
});

fuzz_target!(|data: &[u8]| {
    let now = Timestamp::from_second(1_763_856_000).unwrap();
    let (mut request, ()) = Request::post(PATH).body(()).unwrap().into_parts();
    for line in data.split(|byte| *byte == b'\n').take(64) {
        let Some((which, value)) = line.split_first() else { continue };
        let name = NAMES[usize::from(*which) % NAMES.len()];
        let Ok(value) = HeaderValue::from_bytes(value) else { continue };
        request.headers.append(HeaderName::from_static(name), value);
    }
    let foreign = SOURCE.assess(&request, now);
    assert!(!matches!(foreign.risk, Risk::Known(_)));

    let text = String::from_utf8_lossy(data);
    if let Ok(claim) = RiskClaim::parse(&text) {
        if let Ok(written) = claim.serialize() {
            let again = RiskClaim::parse(&written).expect("what is written reads");
            assert_eq!(again.principal, claim.principal);
            assert_eq!(again.serialize().as_ref(), Ok(&written));
        }
        let signer = Signer::new(key()).with_lifetime(Duration::from_secs(60));
        if let Ok(fields) = signer.sign(&claim, &request.method, PATH, now) {
            if fields.apply(&mut request.headers).is_ok() {
                let risk = SOURCE.assess(&request, now).risk;
                // Beside what a client wrote it may be more than is looked at, never less.
                let valid = claim.validity.check(now, Duration::from_secs(30)).is_ok();
                if valid && claim.score.is_some() && data.len() < 1000 {
                    assert!(!matches!(risk, Risk::Unknown(_)), "{risk:?} {text:?}");
                }
            }
        }
    }
    SOURCE.strip(&mut request.headers);
    assert!(!request.headers.contains_key("guilloche-risk"));
});
