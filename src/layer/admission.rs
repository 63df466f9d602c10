//! Whose limits a request counts against, and whether they let it in.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use jiff::Timestamp;
use tokio::time::Instant;

use super::estimate::Estimate;
use super::timing::Pacing;
use crate::limit::{
    Admission, Advertised, Amounts, Demand, Denied, Enforcement, Expected, FieldNames, Limits,
    Pacer, RateLimitFields, Reserving, Subject, Turn, first_token_delay,
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

/// An admission that a store is asked for.
#[derive(Debug)]
pub(super) struct Pending {
    reserving: Reserving,
    /// What was asked for.
    estimate: Amounts,
}

impl Pending {
    pub(super) fn new(reserving: Reserving, estimate: Amounts) -> Self {
        Self { reserving, estimate }
    }

    /// What the store says, with what was asked for.
    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Poll<(Admission, Amounts)> {
        let outcome = ready!(Pin::new(&mut self.reserving).poll(context));
        Poll::Ready((outcome, self.estimate))
    }
}

/// What is reserved for a request.
pub(super) fn reserved(rate: &Rate, estimate: Estimate) -> Amounts {
    let reserved = u64::from(rate.reserve_output_tokens.get());
    Amounts {
        requests: 1,
        input_tokens: estimate.input_tokens,
        output_tokens: estimate.output_cap.unwrap_or(reserved),
        // Reasoning is charged as it comes: no request says how much there will be.
        reasoning_tokens: 0,
    }
}

/// What the response tells of the advertised limits.
pub(super) fn fields(rate: &Measure<Rate>, left: &Advertised) -> Option<RateLimitFields> {
    let advertised = rate.enforced()?.advertised.as_ref()?;
    RateLimitFields::told(ADVERTISED, advertised, left).ok()?
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

    /// What is asked of every limit of a rate at once.
    pub(super) fn demands(&self, rate: &Measure<Rate>, estimate: Amounts) -> Vec<Demand> {
        let Measure { mode, settings } = rate;
        let enforcement = match mode {
            Mode::Enforce => Enforcement::Enforce,
            Mode::Observe => Enforcement::Observe,
        };
        let demand = |subject, scope, limits: &Limits, enforcement| Demand {
            subject,
            scope,
            limits: *limits,
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
        demands
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
