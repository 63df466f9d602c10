//! The detector's side: signing claims.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use http::header::{HeaderMap, HeaderValue, InvalidHeaderValue};
use jiff::Timestamp;
use sfv::{ItemSerializer, StringRef};

use super::claim::ClaimError;
use super::fields::{DEFAULT_LABEL, RISK, SIGNATURE, SIGNATURE_INPUT};
use super::score::seconds;
use super::signature::{ALGORITHM, COVERED, Member, TAG, component, signature_base};
use super::{RiskClaim, SigningKey};
use crate::secret::opaque_debug;

/// Signs claims, as a detector does.
///
/// ```
/// use std::time::Duration;
/// use guilloche::risk::{AccountId, Principal, RiskClaim, RiskScore, Signer, SigningKey, Validity};
///
/// let now = jiff::Timestamp::from_second(1_763_856_000)?;
/// let score = RiskScore::new(0.87, Validity { issued: now, ttl: Duration::from_secs(300) })?;
/// let claim = RiskClaim::new(Principal::of(AccountId::new("acct-1")?), score);
/// let signer = Signer::new(SigningKey::new("2026-11", &[7; 32])?);
/// let signed = signer.sign(&claim, &http::Method::POST, "/v1/chat/completions", now)?;
/// assert_eq!(signed.risk, r#"account="acct-1", score=0.87, issued=1763856000, ttl=300"#);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Signer {
    key: SigningKey,
    label: String,
    lifetime: Duration,
}

/// The values of the three fields that a detector adds to a request.
#[derive(Clone, PartialEq, Eq)]
pub struct SignedFields {
    /// `guilloche-risk`
    pub risk: String,
    /// `signature-input`
    pub signature_input: String,
    /// `signature`
    pub signature: String,
}

opaque_debug!(SignedFields);

impl Signer {
    /// Signs under the default label, for one minute.
    #[must_use]
    pub fn new(key: SigningKey) -> Self {
        Self { key, label: DEFAULT_LABEL.to_owned(), lifetime: Duration::from_secs(60) }
    }

    /// Signs under another label, which must be a structured-field key such as `sig1`.
    #[must_use]
    pub fn with_label(self, label: String) -> Self {
        Self { label, ..self }
    }

    /// Lets signatures expire after so many whole seconds. Until then a header can be replayed on
    /// the same method and path (and API key, if bound).
    #[must_use]
    pub fn with_lifetime(self, lifetime: Duration) -> Self {
        Self { lifetime, ..self }
    }

    /// Signs `claim` for a request with that method and path (no query) at `now`.
    ///
    /// # Errors
    ///
    /// [`ClaimError`] when a time or the label does not fit into a structured field.
    pub fn sign(
        &self,
        claim: &RiskClaim,
        method: &Method,
        path: &str,
        now: Timestamp,
    ) -> Result<SignedFields, ClaimError> {
        let risk = claim.serialize()?;
        let created = now.as_second();
        let expires = created.checked_add(seconds(self.lifetime)).ok_or(ClaimError)?;
        let key_id = StringRef::from_str(self.key.id()).map_err(|_| ClaimError)?;
        let key_id = ItemSerializer::new().bare_item(key_id).finish();
        let signature_input = format!(
            "{}=(\"{}\");created={created};expires={expires};keyid={key_id};alg=\"{ALGORITHM}\";tag=\"{TAG}\"",
            self.label,
            COVERED.join("\" \"")
        );
        let Some(Member::Signature(covered)) = Member::parse(&signature_input, &self.label) else {
            return Err(ClaimError);
        };
        let base = signature_base(&covered, |name| component(name, &risk, method, path))
            .ok_or(ClaimError)?;
        let signature = STANDARD.encode(self.key.sign(base.as_bytes()));
        Ok(SignedFields {
            risk,
            signature_input,
            signature: format!("{}=:{signature}:", self.label),
        })
    }
}

impl SignedFields {
    /// Names and values, in the order they are usually written.
    #[must_use]
    pub fn entries(&self) -> [(&'static str, &str); 3] {
        let Self { risk, signature_input, signature } = self;
        [("guilloche-risk", risk), ("signature-input", signature_input), ("signature", signature)]
    }

    /// Puts the fields on a request in place of any risk header; other signatures stay.
    ///
    /// # Errors
    ///
    /// None of the values that [`Signer::sign`] makes; others may hold bytes that no header may.
    pub fn apply(&self, headers: &mut HeaderMap) -> Result<(), InvalidHeaderValue> {
        headers.insert(RISK, HeaderValue::from_str(&self.risk)?);
        headers.append(SIGNATURE_INPUT, HeaderValue::from_str(&self.signature_input)?);
        headers.append(SIGNATURE, HeaderValue::from_str(&self.signature)?);
        Ok(())
    }
}
