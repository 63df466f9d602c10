//! The API key that a request carries: an account when no detector names one, and what a risk
//! header is bound to. The key itself goes no further than this file.

use std::fmt;

use http::header::{AUTHORIZATION, HeaderMap, HeaderName};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::{AccountId, Principal};

/// SHA-256 of an API key, as the `credential` member of a risk header carries it.
pub type CredentialHash = [u8; 32];

/// Finds a request's API keys, and names the account of callers that no detector has named.
pub struct Credentials {
    headers: Vec<HeaderName>,
    key: Zeroizing<[u8; 32]>,
}

impl Credentials {
    /// Reads `authorization` (the bearer token) and `x-api-key`; accounts change with every
    /// process.
    #[must_use]
    pub fn new() -> Self {
        Self::with_secret(&crate::random::secret())
    }

    /// The same accounts in every process that has the same `secret`.
    #[must_use]
    pub fn with_secret(secret: &[u8]) -> Self {
        let key = blake3::derive_key("guilloche 2026-11-23 risk: account of an API key", secret);
        Self {
            headers: vec![AUTHORIZATION, HeaderName::from_static("x-api-key")],
            key: Zeroizing::new(key),
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
            AccountId::from_hash(&blake3::keyed_hash(&self.key, api_key))
        }))
    }

    /// Whether a risk header that is bound to `bound` belongs to this request: every API key that
    /// the request carries is the bound one, and without a bound one it carries none.
    pub(super) fn match_bound(&self, headers: &HeaderMap, bound: Option<&CredentialHash>) -> bool {
        let mut presented = self.presented(headers).peekable();
        match bound {
            None => presented.peek().is_none(),
            Some(bound) => {
                presented.peek().is_some()
                    && presented.all(|api_key| bool::from(hash(api_key).ct_eq(bound)))
            }
        }
    }

    fn presented<'headers>(
        &'headers self,
        headers: &'headers HeaderMap,
    ) -> impl Iterator<Item = &'headers [u8]> {
        self.headers
            .iter()
            .flat_map(|name| headers.get_all(name).iter().map(move |value| (name, value)))
            .filter_map(|(name, value)| {
                let value = value.as_bytes();
                if *name == AUTHORIZATION { bearer_token(value) } else { Some(value) }
            })
            .map(<[u8]>::trim_ascii)
            .filter(|api_key| !api_key.is_empty())
    }
}

impl Default for Credentials {
    fn default() -> Self {
        Self::new()
    }
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

/// RFC 6750 §2.1; the scheme's case does not matter (RFC 9110 §11.1).
fn bearer_token(value: &[u8]) -> Option<&[u8]> {
    let (scheme, token) = value.split_at_checked("Bearer ".len())?;
    scheme.eq_ignore_ascii_case(b"Bearer ").then_some(token)
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
        assert_ne!(account(Credentials::new()), account(Credentials::new()));
    }

    #[test]
    fn a_caller_without_an_api_key_is_anonymous() {
        let credentials = Credentials::new();
        for fields in [&[][..], &[("authorization", "Basic eDp5")], &[("x-api-key", " ")]] {
            assert!(credentials.principal(&headers(fields)).account.is_anonymous());
        }
    }

    #[test]
    fn every_api_key_of_a_request_must_be_the_bound_one() {
        let credentials = Credentials::new();
        let bound = hash(b"sk-1");
        let one = headers(&[("authorization", "Bearer sk-1")]);
        let two = headers(&[("authorization", "Bearer sk-1"), ("x-api-key", "sk-2")]);
        assert!(credentials.match_bound(&one, Some(&bound)));
        assert!(!credentials.match_bound(&one, None));
        assert!(!credentials.match_bound(&one, Some(&hash(b"sk-2"))));
        assert!(!credentials.match_bound(&two, Some(&bound)));
        assert!(!credentials.match_bound(&HeaderMap::new(), Some(&bound)));
        assert!(credentials.match_bound(&HeaderMap::new(), None));
    }

    #[test]
    fn only_the_named_headers_are_read() {
        let credentials = Credentials::new().in_headers(vec![HeaderName::from_static("x-api-key")]);
        let bearer = headers(&[("authorization", "Bearer sk-1")]);
        assert!(credentials.principal(&bearer).account.is_anonymous());
    }

    #[test]
    fn debug_shows_no_key() {
        assert_eq!(
            format!("{:?}", Credentials::with_secret(b"secret")),
            r#"Credentials { headers: ["authorization", "x-api-key"], .. }"#
        );
    }
}
