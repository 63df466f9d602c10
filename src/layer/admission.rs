//! Whose limits a request counts against, and whether they let it in.

use jiff::Timestamp;
use tokio::time::Instant;

use super::estimate::Estimate;
use super::shared::Shared;
use super::timing::Pacing;
use crate::limit::{
    Amounts, Demand, Denied, Dimension, Enforcement, Expected, FieldNames, Limits, Pacer, Quota,
    RateLimitFields, Reservation, Subject, Turn, first_token_delay,
};
use crate::policy::plan::{DEFAULT_RESERVE_OUTPUT_TOKENS, Measure, Mode, Pace, Rate, Scope};
use crate::risk::Principal;
use crate::secret::Secret;

/// The name under which limits are advertised: one for every caller, so that it tells nothing.
const ADVERTISED: FieldNames<'static> = FieldNames { policy: "default", vendor: None };

const DAY: i64 = 86_400;

/// A principal as the limiter knows it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Subjects {
    pub(super) account: Subject,
    cluster: Option<Subject>,
    advertised: Subject,
}

/// The outcome of an admission.
#[derive(Debug)]
pub(super) struct Admission {
    /// Charges and leases, or the limit that refuses.
    pub(super) result: Result<Reservation, Denied>,
    /// What was asked for.
    pub(super) estimate: Amounts,
    /// What the response tells of the advertised limits.
    pub(super) fields: Option<RateLimitFields>,
}

impl Subjects {
    pub(super) fn of(principal: &Principal, key: &[u8; 32]) -> Self {
        let Principal { account, cluster, tenant } = principal;
        // Tenants name their accounts as they like: the same name is not the same account.
        let tenant = tenant.as_ref().map_or("", |tenant| tenant.as_str());
        let subject =
            |scope: &str, id: &str| Subject::derive(key, scope, [tenant, id].join("\0").as_bytes());
        Self {
            account: subject("account", account.as_str()),
            cluster: cluster.as_ref().map(|cluster| subject("cluster", cluster.as_str())),
            advertised: subject("advertised", account.as_str()),
        }
    }

    /// Asks every limit of a rate at once.
    pub(super) fn admit(
        &self,
        shared: &Shared,
        rate: &Measure<Rate>,
        estimate: Estimate,
    ) -> Admission {
        let Measure { mode, settings } = rate;
        let reserved = u64::from(settings.reserve_output_tokens.get());
        let estimate = Amounts {
            requests: 1,
            input_tokens: estimate.input_tokens,
            output_tokens: estimate.output_cap.unwrap_or(reserved),
            // Reasoning is charged as it comes: no request says how much there will be.
            reasoning_tokens: 0,
        };
        let enforcement = match mode {
            Mode::Enforce => Enforcement::Enforce,
            Mode::Observe => Enforcement::Observe,
        };
        let demand = |subject, scope, limits, enforcement| Demand {
            subject,
            scope,
            limits,
            estimate,
            enforcement,
        };
        let mut demands = vec![demand(self.account, "account", &settings.account, enforcement)];
        if let Some(cluster) = self.cluster {
            demands.push(demand(cluster, "cluster", &settings.cluster, enforcement));
        }
        let advertised = settings.advertised.as_ref().filter(|_| *mode == Mode::Enforce);
        if let Some(advertised) = advertised {
            let shown = demand(self.advertised, "advertised", advertised, Enforcement::Advertise);
            demands.push(shown);
        }
        let result = shared.limiter.reserve(&demands, Instant::now());
        Admission { result, estimate, fields: self.fields(shared, rate) }
    }

    /// What the response tells of the advertised limits.
    pub(super) fn fields(&self, shared: &Shared, rate: &Measure<Rate>) -> Option<RateLimitFields> {
        let advertised = rate.enforced()?.advertised.as_ref()?;
        let (limiter, now) = (&shared.limiter, Instant::now());
        RateLimitFields::new(ADVERTISED, limiter, self.advertised, advertised, now).ok()?
    }

    /// Whether the limits that are enforced would let in the least that a request of so many input
    /// tokens can be.
    pub(super) fn would_admit(
        &self,
        shared: &Shared,
        rate: &Rate,
        input_tokens: u64,
    ) -> Result<(), Denied> {
        let estimate = Amounts { requests: 1, input_tokens, ..Amounts::default() };
        let limiter = &shared.limiter;
        let now = Instant::now();
        // Most have room: that is seen without being noted.
        let may_lack = |subject, limits: &Limits| {
            let lacks = |dimension, quota: Option<Quota>, least| {
                quota.is_some_and(|it| limiter.state(subject, dimension, it, now).remaining < least)
            };
            lacks(Dimension::Requests, limits.requests, estimate.requests)
                || lacks(Dimension::InputTokens, limits.input_tokens, estimate.input_tokens)
                || limits
                    .concurrency
                    .is_some_and(|most| limiter.in_flight(subject, now) >= most.get())
        };
        let cluster_may_lack = || self.cluster.is_some_and(|it| may_lack(it, &rate.cluster));
        if !may_lack(self.account, &rate.account) && !cluster_may_lack() {
            return Ok(());
        }
        let (scope, enforcement) = ("account", Enforcement::Enforce);
        let demand =
            |subject, scope, limits| Demand { subject, scope, limits, estimate, enforcement };
        let mut demands = vec![demand(self.account, scope, &rate.account)];
        demands.extend(self.cluster.map(|cluster| demand(cluster, "cluster", &rate.cluster)));
        // Nothing of it is used yet: all is given back.
        let reserved = limiter.reserve(&demands, now)?;
        reserved.settle(Amounts::default(), now);
        Ok(())
    }

    /// Whose rate a response is slowed down to.
    fn paced(&self, pace: &Pace) -> Subject {
        match pace.shared_by {
            Scope::Account => self.account,
            Scope::Cluster => self.cluster.unwrap_or(self.account),
        }
    }

    /// Asks for a place among the answers that go out at the pace; `limits` tell what an answer is
    /// expected to come to where the request does not.
    pub(super) fn admit_paced(
        &self,
        pacer: &Pacer,
        pace: &Pace,
        limits: Option<&Rate>,
        estimate: Estimate,
    ) -> Result<Option<Turn>, Denied> {
        let Some(rate) = pace.tokens_per_second else { return Ok(None) };
        let expected = match estimate.output_cap {
            Some(cap) => Expected::AtMost(cap),
            None => {
                let reserved = limits.map(|limits| limits.reserve_output_tokens);
                let reserved = reserved.unwrap_or(DEFAULT_RESERVE_OUTPUT_TOKENS);
                // A guess must not keep a slow subject's other requests out.
                let quarter = rate.get().saturating_mul(15);
                Expected::About(reserved.get().min(quarter).into())
            }
        };
        pacer.admit(self.paced(pace), rate, expected, Instant::now()).map(Some)
    }

    /// How a response is slowed down.
    pub(super) fn pacing(
        &self,
        key: &Secret,
        pace: &Pace,
        turn: Option<Turn>,
        now: Timestamp,
    ) -> Pacing {
        let day = now.as_second().div_euclid(DAY);
        Pacing {
            first: pace.first_token_delay.map(|delay| {
                first_token_delay(key.expose(), self.account, day, delay.min, delay.max)
            }),
            turn,
        }
    }
}
