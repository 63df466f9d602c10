//! HTTP Message Signatures (RFC 9421) as far as risk headers need them: `hmac-sha256` over
//! `"guilloche-risk" "@method" "@path"`.

use std::borrow::Cow;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{Method, request};
use jiff::Timestamp;
use sfv::{Dictionary, FieldType, InnerList, Item, List, ListEntry, Parser};

use super::fields::{SIGNATURE, SIGNATURE_INPUT, labelled, risk_fields};
use super::score::seconds;
use super::{RiskClaim, SigningKey, UnknownReason};

pub(super) const TAG: &str = "guilloche-risk";
pub(super) const ALGORITHM: &str = "hmac-sha256";
pub(super) const COVERED: [&str; 3] = ["guilloche-risk", "@method", "@path"];

/// Why no claim could be verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unverified {
    /// There is none.
    Because(UnknownReason),
    /// There may be one among more than is looked at.
    Crowded,
}

/// Checks what stands under `label` and only then reads the claims that it covers: one, unless a
/// client has got hold of another that is still good.
///
/// A detector is to replace the fields that it finds. One that adds lines to a client's must not lose
/// its word by them, so every pair of signature and claim is tried.
pub(super) fn verify(
    request: &request::Parts,
    label: &str,
    keys: &[SigningKey],
    now: Timestamp,
    skew: Duration,
) -> Result<Vec<RiskClaim>, Unverified> {
    let headers = &request.headers;
    let risks = risk_fields(headers);
    let inputs = labelled(headers, &SIGNATURE_INPUT, label);
    let signatures = labelled(headers, &SIGNATURE, label);
    if risks.is_absent() {
        return Err(Unverified::Because(UnknownReason::Absent));
    }
    if inputs.is_absent() || signatures.is_absent() {
        return Err(Unverified::Because(UnknownReason::Unsigned));
    }
    let mut claims = Vec::new();
    let mut reason = risks.unread.or(inputs.unread).or(signatures.unread);
    for risk in &risks.values {
        for input in &inputs.values {
            for signature in &signatures.values {
                let covered = Signed { label, risk, input, signature };
                match covered.verify(request, keys, now, skew) {
                    Ok(claim) if claims.contains(&claim) => {}
                    Ok(claim) => claims.push(claim),
                    Err(why) => reason = reason.or(Some(why)),
                }
            }
        }
    }
    if !claims.is_empty() {
        Ok(claims)
    } else if risks.crowded || inputs.crowded || signatures.crowded {
        Err(Unverified::Crowded)
    } else {
        Err(Unverified::Because(reason.unwrap_or(UnknownReason::Malformed)))
    }
}

/// A claim, and what is said to sign it.
struct Signed<'request> {
    label: &'request str,
    risk: &'request str,
    input: &'request str,
    signature: &'request str,
}

impl Signed<'_> {
    fn verify(
        &self,
        request: &request::Parts,
        keys: &[SigningKey],
        now: Timestamp,
        skew: Duration,
    ) -> Result<RiskClaim, UnknownReason> {
        let Self { label, risk, input, signature } = *self;
        let Some(Member::Signature(covered)) = Member::parse(input, label) else {
            return Err(UnknownReason::Malformed);
        };
        let Some(Member::Bytes(signature)) = Member::parse(signature, label) else {
            return Err(UnknownReason::Malformed);
        };
        let parameters = Parameters::read(&covered)?;
        let key = keys.iter().find(|key| key.id() == parameters.key_id);
        let key = key.ok_or(UnknownReason::UnknownKey)?;
        let path = request.uri.path();
        let base = signature_base(&covered, |name| component(name, risk, &request.method, path))
            .ok_or(UnknownReason::Untrusted)?;
        if !key.verify(base.as_bytes(), &signature) {
            return Err(UnknownReason::BadSignature);
        }
        let (now_second, skew_seconds) = (now.as_second(), seconds(skew));
        if parameters.created > now_second.saturating_add(skew_seconds) {
            return Err(UnknownReason::FromFuture);
        }
        if parameters.expires.saturating_add(skew_seconds) < now_second {
            return Err(UnknownReason::Expired);
        }
        RiskClaim::parse(risk)
    }
}

/// One member of `signature-input` or `signature`.
pub(super) enum Member {
    Signature(InnerList),
    Bytes(Vec<u8>),
}

impl Member {
    pub(super) fn parse(text: &str, label: &str) -> Option<Self> {
        let mut dictionary: Dictionary = Parser::new(text).parse().ok()?;
        match dictionary.swap_remove(label)? {
            ListEntry::InnerList(list) => Some(Self::Signature(list)),
            ListEntry::Item(item) => {
                let bytes = item.bare_item.as_byte_sequence()?;
                // The parser takes several spellings of the same bytes; this reads the usual one,
                // so that no altered signature is accepted.
                (text == format!("{label}=:{}:", STANDARD.encode(bytes)))
                    .then(|| Self::Bytes(bytes.to_vec()))
            }
        }
    }
}

/// The signature parameters (RFC 9421 §2.3) that the contract prescribes, in any order. Others are
/// allowed, as they are signed too.
struct Parameters<'input> {
    created: i64,
    expires: i64,
    key_id: &'input str,
}

impl<'input> Parameters<'input> {
    fn read(covered: &'input InnerList) -> Result<Self, UnknownReason> {
        let string = |name| match covered.params.get(name) {
            None => Ok(None),
            Some(item) => {
                item.as_string().map(|text| Some(text.as_str())).ok_or(UnknownReason::Malformed)
            }
        };
        let integer = |name| {
            let item = covered.params.get(name).and_then(sfv::BareItem::as_integer);
            item.map(i64::from).ok_or(UnknownReason::Malformed)
        };
        let names: Option<Vec<&str>> = covered.items.iter().map(component_name).collect();
        let mut names = names.unwrap_or_default();
        names.sort_unstable();
        let mut expected = COVERED;
        expected.sort_unstable();
        let as_prescribed = names == expected
            && string("tag")? == Some(TAG)
            && string("alg")?.is_none_or(|algorithm| algorithm == ALGORITHM);
        if !as_prescribed {
            return Err(UnknownReason::Untrusted);
        }
        Ok(Self {
            created: integer("created")?,
            expires: integer("expires")?,
            key_id: string("keyid")?.ok_or(UnknownReason::Malformed)?,
        })
    }
}

/// The name of a component that is covered as it is: component parameters (`;sf`, `;req`, …) would
/// mean another value.
fn component_name(item: &Item) -> Option<&str> {
    item.params.is_empty().then_some(item.bare_item.as_string()?.as_str())
}

/// The values of the covered components (RFC 9421 §2.1, §2.2.1, §2.2.6).
pub(super) fn component<'value>(
    name: &str,
    risk: &'value str,
    method: &'value Method,
    path: &'value str,
) -> Option<Cow<'value, str>> {
    match name {
        "guilloche-risk" => Some(risk.into()),
        "@method" => Some(method.as_str().into()),
        "@path" => Some(if path.is_empty() { "/" } else { path }.into()),
        _ => None,
    }
}

/// The signature base (RFC 9421 §2.5): a line for each covered component, then the signature
/// parameters, serialized strictly, without a line end.
pub(super) fn signature_base<'value>(
    covered: &InnerList,
    value: impl Fn(&str) -> Option<Cow<'value, str>>,
) -> Option<String> {
    let mut base = String::with_capacity(512);
    for item in &covered.items {
        base.push_str(&item.serialize());
        base.push_str(": ");
        base.push_str(&value(component_name(item)?)?);
        base.push('\n');
    }
    let parameters: List = vec![ListEntry::InnerList(covered.clone())];
    base.push_str("\"@signature-params\": ");
    base.push_str(&parameters.serialize()?);
    Some(base)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 9421 §B.2.5, signed with the shared secret of §B.1.5.
    #[test]
    fn the_rfc_s_own_hmac_example_comes_out() {
        let input = r#"sig-b25=("date" "@authority" "content-type");created=1618884473;keyid="test-shared-secret""#;
        let secret = "uzvJfB4u3N0Jy4T7NZ75MDVcr8zSTInedJtkgcu46YW4XByzNJjxBdtjUkdJPBtbmHhIDi6pcl8jsasjlTMtDQ==";
        let Some(Member::Signature(covered)) = Member::parse(input, "sig-b25") else {
            panic!("the example does not parse");
        };
        let base = signature_base(&covered, |name| match name {
            "date" => Some("Tue, 20 Apr 2021 02:07:55 GMT".into()),
            "@authority" => Some("example.com".into()),
            "content-type" => Some("application/json".into()),
            _ => None,
        });
        let base = base.unwrap();
        assert_eq!(
            base,
            "\"date\": Tue, 20 Apr 2021 02:07:55 GMT\n\
             \"@authority\": example.com\n\
             \"content-type\": application/json\n\
             \"@signature-params\": (\"date\" \"@authority\" \"content-type\")\
             ;created=1618884473;keyid=\"test-shared-secret\""
        );
        let key = SigningKey::from_text("test-shared-secret", secret).unwrap();
        let signature = STANDARD.encode(key.sign(base.as_bytes()));
        assert_eq!(signature, "pxcQw6G3AjtMBQjwo8XzkZf/bws5LelbaMk5rGIGtE8=");
    }

    #[test]
    fn the_parameters_are_serialized_strictly_whatever_space_they_came_with() {
        let input = r#"sig=( "@method"   "@path" ); created=01;tag="a\"b";flag=?1"#;
        let Some(Member::Signature(covered)) = Member::parse(input, "sig") else {
            panic!("the input does not parse");
        };
        let base = signature_base(&covered, |_| Some("x".into())).unwrap();
        assert!(base.ends_with(
            "\n\"@signature-params\": (\"@method\" \"@path\");created=1;tag=\"a\\\"b\";flag"
        ));
    }

    #[test]
    fn an_empty_path_is_signed_as_a_slash() {
        assert_eq!(component("@path", "", &Method::GET, "").unwrap(), "/");
    }
}
