//! The `RateLimit-Policy` and `RateLimit` header fields (draft-ietf-httpapi-ratelimit-headers).
//!
//! The draft knows no unit for tokens. So the quota itself (`q`, `w`, `r`, `t`) is of requests, and
//! tokens are told in parameters that begin with a vendor's name, as the draft asks of extensions.
//! Tell only advertised limits: the enforced ones would tell a caller its grade.

use std::time::Duration;

use sfv::{Integer, KeyRef, ListSerializer, StringRef};

use super::{Advertised, Dimension, Limiter, Limits, Subject};

/// The values of the two header fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RateLimitFields {
    /// `RateLimit-Policy`, such as `"default";q=100;w=60`.
    pub policy: String,
    /// `RateLimit`, such as `"default";r=50;t=30`.
    pub state: String,
}

/// The names that [`RateLimitFields`] are told under.
#[derive(Clone, Copy, Debug)]
pub struct FieldNames<'a> {
    /// The policy's name, printable ASCII.
    pub policy: &'a str,
    /// The prefix of the parameters for tokens, lower-case letters, digits and hyphens, beginning
    /// with a letter. `None` tells requests only.
    pub vendor: Option<&'a str>,
}

impl RateLimitFields {
    /// The fields for a subject's advertised limits, tracked with
    /// [`Enforcement::Advertise`](super::Enforcement::Advertise). `None` when they do not limit
    /// requests, the only unit the draft has for them.
    ///
    /// A window that is not of whole seconds is told as the next longer one, with as much more
    /// quota, rounded down.
    ///
    /// # Errors
    ///
    /// [`sfv::Error`] when a name cannot stand in a structured field (RFC 9651).
    pub fn new(
        names: FieldNames<'_>,
        limiter: &Limiter,
        subject: Subject,
        advertised: &Limits,
        now: tokio::time::Instant,
    ) -> Result<Option<Self>, sfv::Error> {
        Self::told(names, advertised, &limiter.states(subject, advertised, now))
    }

    /// The same where it is known what is left.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn told(
        names: FieldNames<'_>,
        advertised: &Limits,
        left: &Advertised,
    ) -> Result<Option<Self>, sfv::Error> {
        let Some((quota, state)) = advertised.requests.zip(left.requests) else { return Ok(None) };
        let name = StringRef::from_str(names.policy)?;
        let window = ceil_seconds(quota.period).max(1);
        let in_window = |quota: super::Quota| {
            let units = u128::from(quota.amount.get()) * u128::from(window) * 1_000_000_000;
            u64::try_from(units / quota.period.as_nanos().max(1)).unwrap_or(u64::MAX)
        };
        let allowed = in_window(quota);

        let mut policies = ListSerializer::new();
        let mut policy = policies
            .bare_item(name)
            .parameter(KeyRef::from_str("q")?, integer(allowed))
            .parameter(KeyRef::from_str("w")?, integer(window));
        let mut states = ListSerializer::new();
        let mut current = states
            .bare_item(name)
            .parameter(KeyRef::from_str("r")?, integer(state.remaining.min(allowed)))
            .parameter(KeyRef::from_str("t")?, integer(ceil_seconds(state.reset)));

        let quotas = advertised.quotas();
        for dimension in Dimension::METERED {
            let Some(vendor) = names.vendor.filter(|_| dimension != Dimension::Requests) else {
                continue;
            };
            let quota = quotas.get(dimension).copied().flatten();
            let state = left.get(dimension).copied().flatten();
            let Some((quota, state)) = quota.zip(state) else { continue };
            let key = format!("{vendor}-{}", dimension.name());
            let key = KeyRef::from_str(&key)?;
            let allowed = in_window(quota);
            policy = policy.parameter(key, integer(allowed));
            current = current.parameter(key, integer(state.remaining.min(allowed)));
        }
        let fields = policies.finish().zip(states.finish());
        Ok(fields.map(|(policy, state)| Self { policy, state }))
    }
}

fn ceil_seconds(duration: Duration) -> u64 {
    duration.as_secs().saturating_add(u64::from(duration.subsec_nanos() > 0))
}

/// Structured fields have integers of 15 digits at most.
fn integer(value: u64) -> Integer {
    Integer::try_from(value).unwrap_or(Integer::MAX)
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU64;

    use tokio::time::Instant;

    use super::super::{Amounts, Demand, Enforcement, Quota};
    use super::*;

    fn quota(amount: u64, period: Duration) -> Option<Quota> {
        let amount = NonZeroU64::new(amount).unwrap();
        Some(Quota { amount, period, burst: amount })
    }

    fn fields(limits: &Limits, vendor: Option<&str>) -> Option<RateLimitFields> {
        let start = Instant::now();
        let limiter = Limiter::new(10, start);
        let subject = Subject::from_hash(1);
        let estimate = Amounts { requests: 50, output_tokens: 400, ..Amounts::default() };
        let enforcement = Enforcement::Advertise;
        let demand = Demand { subject, scope: "account", limits: *limits, estimate, enforcement };
        let _held = limiter.reserve(&[demand], start).unwrap();
        let names = FieldNames { policy: "default", vendor };
        RateLimitFields::new(names, &limiter, subject, limits, start).unwrap()
    }

    #[test]
    fn the_fields_read_as_in_the_draft() {
        let limits = Limits {
            requests: quota(100, Duration::from_secs(60)),
            output_tokens: quota(1000, Duration::from_secs(60)),
            ..Limits::default()
        };
        let plain = fields(&limits, None).unwrap();
        assert_eq!(plain.policy, r#""default";q=100;w=60"#);
        assert_eq!(plain.state, r#""default";r=50;t=30"#);
        let vendor = fields(&limits, Some("acme")).unwrap();
        assert_eq!(vendor.policy, r#""default";q=100;w=60;acme-output-tokens=1000"#);
        assert_eq!(vendor.state, r#""default";r=50;t=30;acme-output-tokens=600"#);
    }

    #[test]
    fn a_window_of_part_of_a_second_is_told_in_whole_seconds() {
        let limits =
            Limits { requests: quota(100, Duration::from_millis(1500)), ..Limits::default() };
        assert_eq!(fields(&limits, None).unwrap().policy, r#""default";q=133;w=2"#);
    }

    #[test]
    fn without_a_quota_of_requests_there_are_no_fields() {
        let limits =
            Limits { output_tokens: quota(1000, Duration::from_secs(60)), ..Limits::default() };
        assert_eq!(fields(&limits, Some("acme")), None);
    }

    #[test]
    fn a_name_that_could_end_the_field_is_escaped_or_refused() {
        let start = Instant::now();
        let limits = Limits { requests: quota(1, Duration::from_secs(1)), ..Limits::default() };
        let name = |policy, vendor| {
            let limiter = Limiter::new(10, start);
            let names = FieldNames { policy, vendor };
            RateLimitFields::new(names, &limiter, Subject::from_hash(1), &limits, start)
        };
        assert_eq!(name("a\"b", None).unwrap().unwrap().policy, r#""a\"b";q=1;w=1"#);
        assert!(name("a\r\nb", None).is_err());
    }
}
