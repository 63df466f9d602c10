//! The API key that a request carries: an account when no detector names one, and what a risk
//! header is bound to. The key itself goes no further than this file.

use std::fmt;

use http::header::{AUTHORIZATION, HeaderMap, HeaderName};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::{AccountId, Principal};
use crate::secret::{NoRandomness, Secret};

/// SHA-256 of an API key, as the `credential` member of a risk header carries it.
pub type CredentialHash = [u8; 32];

/// Finds a request's API keys, and names the account of callers that no detector has named.
pub struct Credentials {
    headers: Vec<HeaderName>,
    key: Secret,
}

impl Credentials {
    /// Reads `authorization` (the bearer token), `x-api-key`, and `api-key` and `x-goog-api-key` as
    /// Azure and Google take them; accounts change with every process.
    ///
    /// # Errors
    /// When the operating system gives no randomness.
    pub fn new() -> Result<Self, NoRandomness> {
        Ok(Self::with_secret(Secret::random()?.expose()))
    }

    /// The same accounts in every process that has the same `secret`.
    #[must_use]
    pub fn with_secret(secret: &[u8]) -> Self {
        let purpose = "guilloche 2026-11-23 risk: account of an API key";
        let key = Zeroizing::new(blake3::derive_key(purpose, secret));
        Self {
            headers: vec![
                AUTHORIZATION,
                HeaderName::from_static("x-api-key"),
                HeaderName::from_static("api-key"),
                HeaderName::from_static("x-goog-api-key"),
            ],
            key: Secret::new(*key),
        }
    }

    /// Reads these header fields instead, in this order; of `authorization` the bearer token.
    ///
    /// Name those only that the upstream reads: a caller that can vary a field which nobody else
    /// looks at has as many accounts as it likes.
    #[must_use]
    pub fn in_headers(self, headers: Vec<HeaderName>) -> Self {
        Self { headers, ..self }
    }

    /// The caller as far as the request alone shows it.
    #[must_use]
    pub fn principal(&self, headers: &HeaderMap) -> Principal {
        Principal::of(self.presented(headers).next().map_or_else(AccountId::anonymous, |api_key| {
            AccountId::from_hash(&blake3::keyed_hash(self.key.expose(), api_key))
        }))
    }

    /// How the credentials of a request agree with a risk header that is bound to `bound`.
    ///
    /// Servers differ in the field and in the scheme that they act on, so every value that any of
    /// them could take for a credential counts, and each of them has to be the bound one.
    pub(super) fn binding(&self, headers: &HeaderMap, bound: Option<&CredentialHash>) -> Binding {
        let (mut bound_ones, mut others) = (0, 0);
        for (name, value) in self.values(headers) {
            let token = scheme_and_token(value).map(|(_, token)| token);
            let spellings = [Some(value), token, access_key_id(value)];
            let spellings = spellings.into_iter().take(if *name == AUTHORIZATION { 3 } else { 1 });
            let matches = spellings
                .flatten()
                .any(|api_key| bound.is_some_and(|bound| bool::from(hash(api_key).ct_eq(bound))));
            *(if matches { &mut bound_ones } else { &mut others }) += 1;
        }
        match (bound_ones, others) {
            (_, 0) if bound.is_some() == (bound_ones > 0) => Binding::Holds,
            (0, _) => Binding::Absent,
            _ => Binding::Mixed,
        }
    }

    /// Every value that a server could take for a credential.
    fn values<'headers>(
        &'headers self,
        headers: &'headers HeaderMap,
    ) -> impl Iterator<Item = (&'headers HeaderName, &'headers [u8])> {
        self.headers
            .iter()
            .flat_map(|name| headers.get_all(name).iter().map(move |value| (name, value)))
            .map(|(name, value)| (name, value.as_bytes().trim_ascii()))
            .filter(|(name, value)| {
                // A scheme without a token names nobody.
                let nobody = *name == AUTHORIZATION && value.eq_ignore_ascii_case(b"bearer");
                !value.is_empty() && !nobody
            })
    }

    fn presented<'headers>(
        &'headers self,
        headers: &'headers HeaderMap,
    ) -> impl Iterator<Item = &'headers [u8]> {
        self.values(headers).filter_map(|(name, value)| {
            if *name == AUTHORIZATION { token(value) } else { Some(value) }
        })
    }
}

/// How a request's credentials agree with the one that a risk header is bound to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Binding {
    /// All are the bound one; or there is none, and none is bound.
    Holds,
    /// The bound one is there, and others beside it: it is not certain as whom the upstream will
    /// take the caller.
    Mixed,
    /// The bound one is not there.
    Absent,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Credentials")
            .field("headers", &self.headers)
            .finish_non_exhaustive()
    }
}

/// SHA-256 of an API key, for the `credential` member.
#[must_use]
pub fn hash(api_key: &[u8]) -> CredentialHash {
    Sha256::digest(api_key).into()
}

/// What names a caller under `authorization`.
fn token(value: &[u8]) -> Option<&[u8]> {
    bearer_token(value).or_else(|| access_key_id(value))
}

/// The id of the access key that a request to AWS is signed with: `AWS4-… Credential=ID/…`. Whoever checks the
/// signature knows that the caller has the key.
fn access_key_id(value: &[u8]) -> Option<&[u8]> {
    let (scheme, rest) = scheme_and_token(value)?;
    scheme.get(..5).filter(|it| it.eq_ignore_ascii_case(b"AWS4-"))?;
    let mut parts = rest.split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
    let credential = parts.find_map(|part| part.strip_prefix(b"Credential="))?;
    credential.split(|byte| *byte == b'/').next().filter(|id| !id.is_empty())
}

/// RFC 6750 §2.1; the scheme's case does not matter (RFC 9110 §11.1).
fn bearer_token(value: &[u8]) -> Option<&[u8]> {
    let (scheme, token) = scheme_and_token(value)?;
    scheme.eq_ignore_ascii_case(b"bearer").then_some(token)
}

/// The two parts of credentials (RFC 9110 §11.4). Servers split at any white space.
fn scheme_and_token(value: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = value.iter().position(u8::is_ascii_whitespace)?;
    let (scheme, token) = value.split_at_checked(at)?;
    Some((scheme, token.trim_ascii()))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn headers(fields: &[(&'static str, &'static str)]) -> HeaderMap {
        fields
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect()
    }

    #[test]
    fn one_api_key_is_one_account_wherever_it_stands() {
        let credentials = Credentials::with_secret(b"secret");
        let bearer = credentials.principal(&headers(&[("authorization", "Bearer sk-1")]));
        assert_eq!(bearer, credentials.principal(&headers(&[("authorization", "bearer  sk-1")])));
        let signed = "AWS4-HMAC-SHA256 Credential=sk-1/20261130/r/s/aws4_request, SignedHeaders=host, Signature=";
        for signature in ["00", "11"] {
            let value = HeaderValue::from_str(&format!("{signed}{signature}")).unwrap();
            let mut signed = HeaderMap::new();
            signed.insert("authorization", value);
            assert_eq!(bearer, credentials.principal(&signed));
            assert_eq!(credentials.binding(&signed, Some(&hash(b"sk-1"))), Binding::Holds);
        }
        assert_eq!(bearer, credentials.principal(&headers(&[("x-api-key", "sk-1")])));
        assert_ne!(bearer, credentials.principal(&headers(&[("x-api-key", "sk-2")])));
        assert!(!bearer.account.as_str().contains("sk-1"));
        assert!(bearer.account.as_str().starts_with("~key:"));
    }

    #[test]
    fn accounts_depend_on_the_secret_and_on_the_process_without_one() {
        let headers = headers(&[("x-api-key", "sk-1")]);
        let account = |credentials: Credentials| credentials.principal(&headers).account;
        assert_eq!(
            account(Credentials::with_secret(b"one")),
            account(Credentials::with_secret(b"one"))
        );
        assert_ne!(
            account(Credentials::with_secret(b"one")),
            account(Credentials::with_secret(b"two"))
        );
        assert_ne!(account(Credentials::new().unwrap()), account(Credentials::new().unwrap()));
    }

    #[test]
    fn a_caller_without_an_api_key_is_anonymous() {
        let credentials = Credentials::new().unwrap();
        for fields in [&[][..], &[("authorization", "Basic eDp5")], &[("x-api-key", " ")]] {
            assert!(credentials.principal(&headers(fields)).account.is_anonymous());
        }
    }

    #[test]
    fn every_credential_of_a_request_must_be_the_bound_one() {
        let credentials = Credentials::new().unwrap();
        let bound = hash(b"sk-1");
        let one = headers(&[("authorization", "Bearer sk-1")]);
        assert_eq!(credentials.binding(&one, Some(&bound)), Binding::Holds);
        assert_eq!(credentials.binding(&one, None), Binding::Absent);
        assert_eq!(credentials.binding(&one, Some(&hash(b"sk-2"))), Binding::Absent);
        assert_eq!(credentials.binding(&HeaderMap::new(), Some(&bound)), Binding::Absent);
        assert_eq!(credentials.binding(&HeaderMap::new(), None), Binding::Holds);
        for (field, value) in [
            ("x-api-key", "sk-2"),
            ("api-key", "sk-2"),
            ("x-goog-api-key", "junk"),
            ("authorization", "Bearer sk-2"),
            ("authorization", "Bearer\tsk-2"),
            ("authorization", "Token sk-2"),
            ("authorization", "sk-2"),
            ("authorization", "Bearer sk-1, Bearer sk-2"),
        ] {
            let mut two = one.clone();
            two.append(HeaderName::from_static(field), HeaderValue::from_static(value));
            assert_eq!(credentials.binding(&two, Some(&bound)), Binding::Mixed, "{field}: {value}");
        }
    }

    #[test]
    fn a_bound_credential_is_known_in_every_spelling_that_servers_take() {
        let credentials = Credentials::new().unwrap();
        for (field, value) in [
            ("authorization", "bearer   sk-1"),
            ("authorization", "Bearer\tsk-1"),
            ("authorization", "Token sk-1"),
            ("authorization", "sk-1"),
            ("api-key", " sk-1 "),
        ] {
            let headers = headers(&[(field, value), ("x-api-key", "sk-1"), ("api-key", "")]);
            let bound = hash(b"sk-1");
            assert_eq!(credentials.binding(&headers, Some(&bound)), Binding::Holds, "{value}");
        }
    }

    #[test]
    fn only_the_named_headers_are_read() {
        let credentials =
            Credentials::new().unwrap().in_headers(vec![HeaderName::from_static("x-api-key")]);
        let bearer = headers(&[("authorization", "Bearer sk-1")]);
        assert!(credentials.principal(&bearer).account.is_anonymous());
    }

    #[test]
    fn debug_shows_no_key() {
        assert_eq!(
            format!("{:?}", Credentials::with_secret(b"secret")),
            r#"Credentials { headers: ["authorization", "x-api-key", "api-key", "x-goog-api-key"], .. }"#
        );
    }
}
