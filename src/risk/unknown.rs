//! Why there is no score.

/// Why a risk is unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum UnknownReason {
    /// The detector said nothing.
    Absent,
    /// The detector named the caller and gave no score.
    NotScored,
    /// Not what the contract prescribes: syntax, type, range, or a member that is missing.
    Malformed,
    /// Longer than this crate reads.
    TooLarge,
    /// A header without our signature where one is required.
    Unsigned,
    /// The signature does not match.
    BadSignature,
    /// No key of that id.
    UnknownKey,
    /// Signed for another purpose: another tag or algorithm, or other parts of the message.
    Untrusted,
    /// The signature has expired.
    Expired,
    /// The score is older than its time to live.
    Stale,
    /// Signed or issued later than now.
    FromFuture,
    /// Issued for a caller with another API key.
    OtherPrincipal,
}

impl UnknownReason {
    /// Every reason.
    pub const ALL: [Self; 12] = [
        Self::Absent,
        Self::NotScored,
        Self::Malformed,
        Self::TooLarge,
        Self::Unsigned,
        Self::BadSignature,
        Self::UnknownKey,
        Self::Untrusted,
        Self::Expired,
        Self::Stale,
        Self::FromFuture,
        Self::OtherPrincipal,
    ];

    /// The name in metrics, logs and audit records. It never changes.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Absent => "absent",
            Self::NotScored => "not_scored",
            Self::Malformed => "malformed",
            Self::TooLarge => "too_large",
            Self::Unsigned => "unsigned",
            Self::BadSignature => "bad_signature",
            Self::UnknownKey => "unknown_key",
            Self::Untrusted => "untrusted",
            Self::Expired => "expired",
            Self::Stale => "stale",
            Self::FromFuture => "from_future",
            Self::OtherPrincipal => "other_principal",
        }
    }

    /// What it means, in a sentence.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Absent => "The request has no guilloche-risk header.",
            Self::NotScored => "The header is good and has no score.",
            Self::Malformed => {
                "The header is not what the contract prescribes: its syntax, a type or range, or a \
                 member or parameter that is missing."
            }
            Self::TooLarge => "The header is longer than 4096 bytes.",
            Self::Unsigned => "There is no signature under our label.",
            Self::BadSignature => {
                "The signature does not match: the header, the method, the path or the parameters \
                 are others than were signed, or another key was used."
            }
            Self::UnknownKey => "No key has the signature's keyid.",
            Self::Untrusted => {
                "It was signed for another purpose: another tag or algorithm, or other parts of the \
                 request."
            }
            Self::Expired => "The signature has expired.",
            Self::Stale => "The score is older than its time to live.",
            Self::FromFuture => "It was signed or issued later than now: a clock is wrong.",
            Self::OtherPrincipal => "It was issued for a caller with another API key.",
        }
    }

    /// Whether something is wrong: everything but a detector that stays silent.
    #[must_use]
    pub fn is_fault(self) -> bool {
        !matches!(self, Self::Absent | Self::NotScored)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_its_own_name() {
        let names: std::collections::HashSet<_> =
            UnknownReason::ALL.into_iter().map(UnknownReason::name).collect();
        assert_eq!(names.len(), UnknownReason::ALL.len());
    }
}
