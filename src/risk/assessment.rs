//! What a source says about a request: a principal, and a score or the reason why there is none.

use super::{Principal, RiskScore, UnknownReason};

/// What is known about the risk of a caller. Unknown is a third state, never "clean".
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Risk {
    /// A detector's score that may be relied on.
    Known(RiskScore),
    /// A detector has signed for this request, and the request leaves open whom it is from: its
    /// credentials contradict what was signed, or crowd it out. Never taken for unknown, since a
    /// client could write that; a policy that is enforced refuses it.
    Contested {
        /// What the detector says of the caller that it has signed for, if it says anything.
        score: Option<RiskScore>,
        /// What contradicts it.
        reason: UnknownReason,
    },
    /// There is none.
    Unknown(UnknownReason),
}

/// Who is calling, and what is known about their risk.
#[derive(Clone, Debug, PartialEq)]
pub struct Assessment {
    /// Who.
    pub principal: Principal,
    /// How risky.
    pub risk: Risk,
}
