//! Where assessments come from.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, request};
use jiff::Timestamp;

use super::credential::Binding;
use super::fields::{DEFAULT_LABEL, RISK, combined, strip};
use super::signature::Unverified;
use super::{
    Assessment, Credentials, Reports, Risk, RiskClaim, RiskScore, SigningKey, UnknownReason,
    signature,
};
use crate::ready::MaybeReady;
use crate::secret::NoRandomness;

/// Says who sent a request and how risky they are.
pub trait RiskSource: fmt::Debug + Send + Sync {
    /// Assesses one request, before anything is stripped from it. Never fails: what cannot be
    /// relied on is [`Risk::Unknown`], and its caller is known by their API key at most.
    fn assess(&self, request: &request::Parts, now: Timestamp) -> Assessment;

    /// The same where somebody else may have to be asked first, such as a detector that is called: the
    /// layer asks by this, and waits before it decides. The source sees to it that the wait is short,
    /// and that it ends in an assessment all the same; [`assess`](Self::assess) is then what it can say
    /// without asking. It is dropped with the request if the client leaves.
    fn ask(&self, request: &request::Parts, now: Timestamp) -> MaybeReady<Assessment> {
        MaybeReady::Ready(self.assess(request, now))
    }

    /// Where it counts what it could not believe, if it does.
    fn reports(&self) -> Option<&Arc<Reports>> {
        None
    }

    /// Removes the headers that only a detector may set. Every request is stripped before it is
    /// forwarded, whether or not it was assessed by them.
    fn strip(&self, headers: &mut HeaderMap) {
        strip(headers, DEFAULT_LABEL);
    }
}

/// A source behind a pointer is the source.
macro_rules! source_behind {
    ($($pointer:ident),+) => {$(
        impl<S: RiskSource + ?Sized> RiskSource for $pointer<S> {
            fn assess(&self, request: &request::Parts, now: Timestamp) -> Assessment {
                (**self).assess(request, now)
            }

            fn ask(&self, request: &request::Parts, now: Timestamp) -> MaybeReady<Assessment> {
                (**self).ask(request, now)
            }

            fn reports(&self) -> Option<&Arc<Reports>> {
                (**self).reports()
            }

            fn strip(&self, headers: &mut HeaderMap) {
                (**self).strip(headers);
            }
        }
    )+};
}

source_behind!(Arc, Box);

/// What sources share: the clock's tolerance, the callers' own credentials, and the reports.
#[derive(Clone, Debug)]
pub struct Context {
    /// How far the detector's clock may be off.
    pub clock_skew: Duration,
    /// How callers that no detector has named are told apart.
    pub credentials: Arc<Credentials>,
    /// Where unknown risks are counted.
    pub reports: Arc<Reports>,
}

impl Context {
    /// 30 seconds of clock skew; accounts that change with every process.
    ///
    /// # Errors
    /// When the operating system gives no randomness.
    pub fn new(reports: Arc<Reports>) -> Result<Self, NoRandomness> {
        Ok(Self {
            clock_skew: Duration::from_secs(30),
            credentials: Arc::new(Credentials::new()?),
            reports,
        })
    }

    fn unknown(&self, headers: &HeaderMap, reason: UnknownReason) -> Assessment {
        Assessment { principal: self.credentials.principal(headers), risk: Risk::Unknown(reason) }
    }

    fn report(&self, assessment: Assessment, now: Timestamp) -> Assessment {
        if let Risk::Unknown(reason) | Risk::Contested { reason, .. } = assessment.risk {
            self.reports.note(reason, now);
        }
        assessment
    }

    /// A detector's word may be among more than is looked at.
    fn crowded(&self, headers: &HeaderMap) -> Assessment {
        let risk = Risk::Contested { score: None, reason: UnknownReason::TooLarge };
        Assessment { principal: self.credentials.principal(headers), risk }
    }

    /// What claims that a detector has made of a request say of it. If there are several, a client
    /// has kept one of an earlier request: the one that is worst for it counts.
    fn assess(
        &self,
        claims: impl IntoIterator<Item = RiskClaim>,
        headers: &HeaderMap,
        bind_credential: bool,
        now: Timestamp,
    ) -> Assessment {
        let mut reason = UnknownReason::Malformed;
        let mut worst: Option<(RiskClaim, Binding)> = None;
        for claim in claims {
            if let Err(why) = claim.validity.check(now, self.clock_skew) {
                reason = why;
                continue;
            }
            let binding = match bind_credential {
                true => self.credentials.binding(headers, claim.credential.as_ref()),
                false => Binding::Holds,
            };
            let rank = |claim: &RiskClaim, binding| {
                (binding != Binding::Holds, claim.score.as_ref().map(RiskScore::value))
            };
            if worst.as_ref().is_none_or(|(known, held)| rank(&claim, binding) > rank(known, *held))
            {
                worst = Some((claim, binding));
            }
        }
        let Some((claim, binding)) = worst else { return self.unknown(headers, reason) };
        let RiskClaim { principal, score, .. } = claim;
        let reason = UnknownReason::OtherPrincipal;
        match binding {
            Binding::Holds => {
                let risk = score.map_or(Risk::Unknown(UnknownReason::NotScored), Risk::Known);
                Assessment { principal, risk }
            }
            Binding::Mixed => Assessment { principal, risk: Risk::Contested { score, reason } },
            // It may be another caller's request, who must not be taken for the one named.
            Binding::Absent => Assessment {
                principal: self.credentials.principal(headers),
                risk: Risk::Contested { score, reason },
            },
        }
    }
}

/// Reads the [`Assessment`] that a detector in the same process has put into the request's
/// extensions. Headers are not looked at.
#[derive(Clone, Debug)]
pub struct FromExtension {
    context: Context,
}

impl FromExtension {
    /// A source with that context.
    #[must_use]
    pub fn new(context: Context) -> Self {
        Self { context }
    }
}

impl RiskSource for FromExtension {
    fn reports(&self) -> Option<&Arc<Reports>> {
        Some(&self.context.reports)
    }

    fn assess(&self, request: &request::Parts, now: Timestamp) -> Assessment {
        let assessment = match request.extensions.get::<Assessment>() {
            None => self.context.unknown(&request.headers, UnknownReason::Absent),
            Some(Assessment { principal, risk: Risk::Known(score) }) => {
                let checked = score.validity().check(now, self.context.clock_skew);
                let risk = checked.map_or_else(Risk::Unknown, |()| Risk::Known(score.clone()));
                // The process trusts its own detector about who is calling even when it is slow.
                Assessment { principal: principal.clone(), risk }
            }
            Some(unknown) => unknown.clone(),
        };
        self.context.report(assessment, now)
    }
}

/// Reads the `guilloche-risk` header that a detector in front has signed: `docs/risk-header.md`.
#[derive(Clone, Debug)]
pub struct SignedHeader {
    context: Context,
    keys: Vec<SigningKey>,
    label: String,
    bind_credential: bool,
}

impl SignedHeader {
    /// Accepts signatures by any of `keys` (two while one replaces the other) under the default
    /// label, bound to the request's API key.
    #[must_use]
    pub fn new(context: Context, keys: Vec<SigningKey>) -> Self {
        Self { context, keys, label: DEFAULT_LABEL.to_owned(), bind_credential: true }
    }

    /// Reads the signature with that label instead.
    #[must_use]
    pub fn with_label(self, label: String) -> Self {
        Self { label, ..self }
    }

    /// Whether a request with an API key must carry its hash in the header. Without that, whoever
    /// sees another caller's header can use it until its signature expires.
    #[must_use]
    pub fn bind_credential(self, bind_credential: bool) -> Self {
        Self { bind_credential, ..self }
    }
}

impl RiskSource for SignedHeader {
    fn reports(&self) -> Option<&Arc<Reports>> {
        Some(&self.context.reports)
    }

    fn assess(&self, request: &request::Parts, now: Timestamp) -> Assessment {
        let Self { context, keys, label, bind_credential } = self;
        let headers = &request.headers;
        let assessment = match signature::verify(request, label, keys, now, context.clock_skew) {
            Ok(claims) => context.assess(claims, headers, *bind_credential, now),
            Err(Unverified::Because(reason)) => context.unknown(headers, reason),
            Err(Unverified::Crowded) => context.crowded(headers),
        };
        context.report(assessment, now)
    }

    fn strip(&self, headers: &mut HeaderMap) {
        strip(headers, &self.label);
    }
}

/// Reads a `guilloche-risk` header without a signature. Only for a listener that nobody but the
/// detector can reach, such as a sidecar's.
#[derive(Clone, Debug)]
pub struct PeerHeader {
    context: Context,
    bind_credential: bool,
}

impl PeerHeader {
    /// Believes whoever can send requests.
    #[must_use]
    pub fn new(context: Context) -> Self {
        Self { context, bind_credential: false }
    }

    /// Whether a request with an API key must carry its hash in the header.
    #[must_use]
    pub fn bind_credential(self, bind_credential: bool) -> Self {
        Self { bind_credential, ..self }
    }
}

impl RiskSource for PeerHeader {
    fn reports(&self) -> Option<&Arc<Reports>> {
        Some(&self.context.reports)
    }

    fn assess(&self, request: &request::Parts, now: Timestamp) -> Assessment {
        let Self { context, bind_credential } = self;
        let headers = &request.headers;
        // The detector is to replace the field. Where there are several lines, one may be a client's,
        // and nothing tells which.
        let assessment = match headers.get_all(RISK).iter().count() {
            0 | 1 => combined(headers, &RISK)
                .and_then(|field| RiskClaim::parse(&field.ok_or(UnknownReason::Absent)?))
                .map_or_else(
                    |reason| context.unknown(headers, reason),
                    |claim| context.assess([claim], headers, *bind_credential, now),
                ),
            _ => context.crowded(headers),
        };
        context.report(assessment, now)
    }
}

/// Asks several sources in turn: the first known risk is taken; else the first that was unknown for
/// any reason but silence; else the first. Behind one that has to be waited for, all are asked at once.
///
/// Each source counts what it does not know. A [`PeerHeader`] among them undoes a [`SignedHeader`]:
/// it believes what the other refuses.
#[derive(Debug)]
pub struct FirstKnown {
    first: Box<dyn RiskSource>,
    others: Vec<Box<dyn RiskSource>>,
}

impl FirstKnown {
    /// Asks `first`, then `others`.
    #[must_use]
    pub fn new(first: Box<dyn RiskSource>, others: Vec<Box<dyn RiskSource>>) -> Self {
        Self { first, others }
    }
}

/// Whether no other source is asked after this.
fn is_known(assessment: &Assessment) -> bool {
    matches!(assessment.risk, Risk::Known(_) | Risk::Contested { .. })
}

/// What counts of what was unknown so far, and what another source says.
fn better(best: Assessment, next: Assessment) -> Assessment {
    let absent = Risk::Unknown(UnknownReason::Absent);
    if is_known(&next) || best.risk == absent && next.risk != absent { next } else { best }
}

impl RiskSource for FirstKnown {
    fn assess(&self, request: &request::Parts, now: Timestamp) -> Assessment {
        let mut best = self.first.assess(request, now);
        for source in &self.others {
            if is_known(&best) {
                break;
            }
            best = better(best, source.assess(request, now));
        }
        best
    }

    fn ask(&self, request: &request::Parts, now: Timestamp) -> MaybeReady<Assessment> {
        let mut best = self.first.ask(request, now);
        let mut others = self.others.iter();
        while let MaybeReady::Ready(known) = best {
            if is_known(&known) {
                return MaybeReady::Ready(known);
            }
            let Some(source) = others.next() else { return MaybeReady::Ready(known) };
            best = match source.ask(request, now) {
                MaybeReady::Ready(next) => MaybeReady::Ready(better(known, next)),
                MaybeReady::Waiting(next) => {
                    MaybeReady::wait(async move { better(known, next.await) })
                }
            };
        }
        let others: Vec<_> = others.map(|source| source.ask(request, now)).collect();
        MaybeReady::wait(async move {
            let mut best = best.get().await;
            for next in others {
                if is_known(&best) {
                    break;
                }
                best = better(best, next.get().await);
            }
            best
        })
    }

    /// Those of the first source that has any: sources are given the same.
    fn reports(&self) -> Option<&Arc<Reports>> {
        let mut sources = std::iter::once(&self.first).chain(&self.others);
        sources.find_map(|source| source.reports())
    }

    fn strip(&self, headers: &mut HeaderMap) {
        self.first.strip(headers);
        self.others.iter().for_each(|source| source.strip(headers));
    }
}
