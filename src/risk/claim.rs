//! The `guilloche-risk` field: a structured dictionary (RFC 9651) with a detector's word about one
//! request. `docs/risk-header.md` is the contract for those who write it.

mod members;

use std::time::Duration;

use sfv::{DictSerializer, Integer, KeyRef, StringRef};

use self::members::{Members, integer, item, list, number, string, timestamp};
use super::credential::CredentialHash;
use super::score::seconds;
use super::{AccountId, ClusterId, Principal, RiskScore, TenantId, UnknownReason, Validity};

/// What a detector says about a request.
#[derive(Clone, Debug, PartialEq)]
pub struct RiskClaim {
    /// Who is calling.
    pub principal: Principal,
    /// When it was said and for how long it holds.
    pub validity: Validity,
    /// How risky they are; `None` when the detector knows the caller but has no score yet.
    pub score: Option<RiskScore>,
    /// SHA-256 of the API key that the request carries; required when it carries one, unless the
    /// source does not bind headers to credentials.
    pub credential: Option<CredentialHash>,
}

/// The claim has a timestamp or time to live that the field cannot carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a time is outside what a risk header can carry")]
pub struct ClaimError;

impl RiskClaim {
    /// A claim with a score, bound to no API key.
    #[must_use]
    pub fn new(principal: Principal, score: RiskScore) -> Self {
        Self { principal, validity: score.validity(), score: Some(score), credential: None }
    }

    /// The value of the field. Score and confidence are rounded to the three decimals that
    /// structured fields have.
    ///
    /// # Errors
    ///
    /// [`ClaimError`].
    pub fn serialize(&self) -> Result<String, ClaimError> {
        let Self { principal: Principal { account, cluster, tenant }, validity, score, credential } =
            self;
        // What the serializer returns is for parameters, of which this field has none.
        let mut field = DictSerializer::new();
        let texts = [
            ("account", Some(account.as_str())),
            ("cluster", cluster.as_ref().map(ClusterId::as_str)),
            ("tenant", tenant.as_ref().map(TenantId::as_str)),
            ("model", score.as_ref().and_then(RiskScore::model)),
        ];
        for (name, text) in texts {
            if let Some(text) = text {
                let _ = field.bare_item(key(name)?, quoted(text)?);
            }
        }
        let numbers = [
            ("score", score.as_ref().map(RiskScore::value)),
            ("confidence", score.as_ref().and_then(RiskScore::confidence)),
        ];
        for (name, number) in numbers {
            if let Some(number) = number {
                let decimal = sfv::Decimal::try_from(number).map_err(|_| ClaimError)?;
                let _ = field.bare_item(key(name)?, decimal);
            }
        }
        if let Some(score) = score.as_ref().filter(|score| score.labels().len() > 0) {
            let mut list = field.inner_list(key("labels")?);
            for label in score.labels() {
                let _ = list.bare_item(quoted(label)?);
            }
            let _ = list.finish();
        }
        let times = [("issued", validity.issued.as_second()), ("ttl", seconds(validity.ttl))];
        for (name, time) in times {
            let _ = field.bare_item(key(name)?, Integer::try_from(time).map_err(|_| ClaimError)?);
        }
        if let Some(hash) = credential {
            let _ = field.bare_item(key("credential")?, hash.as_slice());
        }
        field.finish().ok_or(ClaimError)
    }

    /// Reads the field. Members and parameters that the contract does not name are ignored, as
    /// RFC 9651 §2 advises for growth.
    ///
    /// # Errors
    ///
    /// [`UnknownReason::Malformed`].
    pub fn parse(field: &str) -> Result<Self, UnknownReason> {
        Self::read(field).ok_or(UnknownReason::Malformed)
    }

    fn read(field: &str) -> Option<Self> {
        let members = Members::read(field)?;
        let principal = Principal {
            account: AccountId::new(string(&members.account)??).ok()?,
            cluster: string(&members.cluster)?.map(ClusterId::new).transpose().ok()?,
            tenant: string(&members.tenant)?.map(TenantId::new).transpose().ok()?,
        };
        let ttl = u64::try_from(integer(&members.ttl)?).ok().filter(|ttl| *ttl > 0)?;
        let validity =
            Validity { issued: timestamp(&members.issued)?, ttl: Duration::from_secs(ttl) };
        let mut score = match number(&members.score)? {
            Some(value) => Some(RiskScore::new(value, validity).ok()?),
            None => None,
        };
        if let Some(confidence) = number(&members.confidence)? {
            score = score.map(|score| score.with_confidence(confidence)).transpose().ok()?;
        }
        if let Some(labels) = list(&members.labels)? {
            score = score.map(|score| score.with_labels(labels)).transpose().ok()?;
        }
        if let Some(model) = string(&members.model)? {
            score = score.map(|score| score.with_model(model)).transpose().ok()?;
        }
        let credential = match item(&members.credential)? {
            Some(item) => Some(item.as_byte_sequence()?.try_into().ok()?),
            None => None,
        };
        Some(Self { principal, validity, score, credential })
    }
}

fn key(name: &str) -> Result<&KeyRef, ClaimError> {
    KeyRef::from_str(name).map_err(|_| ClaimError)
}

fn quoted(text: &str) -> Result<&StringRef, ClaimError> {
    StringRef::from_str(text).map_err(|_| ClaimError)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    const LEAST: &str = "account=\"a\", issued=1763856000, ttl=300";

    fn claim() -> RiskClaim {
        let issued = Timestamp::from_second(1_763_856_000).unwrap();
        let validity = Validity { issued, ttl: Duration::from_secs(300) };
        let score = RiskScore::new(0.875, validity).unwrap().with_confidence(0.6).unwrap();
        let score = score.with_labels(["cot-elicit", "proxy \"net\""]).unwrap();
        let principal = Principal {
            account: AccountId::new("ada \\ co").unwrap(),
            cluster: Some(ClusterId::new("c-7").unwrap()),
            tenant: Some(TenantId::new("t").unwrap()),
        };
        let credential = Some([7; 32]);
        RiskClaim { credential, ..RiskClaim::new(principal, score.with_model("det-3.2").unwrap()) }
    }

    #[test]
    fn a_claim_survives_the_wire() {
        let claim = claim();
        let field = claim.serialize().unwrap();
        assert_eq!(
            field,
            "account=\"ada \\\\ co\", cluster=\"c-7\", tenant=\"t\", model=\"det-3.2\", score=0.875, \
             confidence=0.6, labels=(\"cot-elicit\" \"proxy \\\"net\\\"\"), issued=1763856000, ttl=300, \
             credential=:BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=:"
        );
        assert_eq!(RiskClaim::parse(&field), Ok(claim));
    }

    #[test]
    fn whole_numbers_tokens_dates_and_unknown_members_are_read() {
        let field = "account=\"a\", score=1, labels=(x y/z);p, issued=@1763856000, ttl=300, new=?1";
        let score = RiskClaim::parse(field).unwrap().score.unwrap();
        assert_eq!(score.value(), 1.0);
        assert_eq!(score.labels().collect::<Vec<_>>(), ["x", "y/z"]);
        assert_eq!(score.validity().issued.as_second(), 1_763_856_000);
    }

    #[test]
    fn a_caller_may_be_known_without_a_score() {
        assert_eq!(RiskClaim::parse(LEAST).unwrap().score, None);
    }

    #[test]
    fn a_field_that_breaks_the_contract_is_malformed() {
        let too_many_labels = format!("score=0.5, labels=({}z)", "x ".repeat(16));
        let members = [
            "score=1.5",
            "score=-0.1",
            "score=2",
            "score=0.1234",
            "score=\"0.5\"",
            "score=(0.5)",
            "score=0.5, confidence=1.1",
            "score=0.5, labels=x",
            "score=0.5, labels=(1)",
            "score=0.5, model=token",
            "cluster=\"\"",
            "tenant=\"~x\"",
            "credential=:AAA=:",
            "credential=\"x\"",
            "ttl=0",
            "ttl=-1",
            "ttl=1.5",
            "issued=\"x\"",
            "issued=999999999999999",
            "account=\"~anonymous\"",
            "account=token",
            "score=0.5,",
            "score=0.5 x",
            &too_many_labels,
        ];
        for member in members {
            // The last of several members with one name wins.
            let field = format!("{LEAST}, {member}");
            assert_eq!(RiskClaim::parse(&field), Err(UnknownReason::Malformed), "{field}");
        }
        for field in
            ["", "account=\"a\", ttl=3", "account=\"a\", issued=1", "issued=1, ttl=3", "{}"]
        {
            assert_eq!(RiskClaim::parse(field), Err(UnknownReason::Malformed), "{field}");
        }
        assert!(RiskClaim::parse(LEAST).is_ok());
    }
}
