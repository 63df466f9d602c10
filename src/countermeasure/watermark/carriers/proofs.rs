//! What is known of whether the upstream knows a carrier.
//!
//! Most servers ignore members that they do not know without a word. A carrier that is ignored
//! marks nothing, so it is tried out before it is relied on.

use std::sync::atomic::{AtomicU8, Ordering};

use super::Carrier;

/// What is known of one carrier.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
#[non_exhaustive]
pub enum Proof {
    /// Not tried, and taken to work.
    #[default]
    Assumed = 0,
    /// Not tried yet; not relied on.
    Open = 1,
    /// It does what it should.
    Works = 2,
    /// The upstream ignores it or refuses it.
    Fails = 3,
}

/// What is known of each carrier; read for every request.
#[derive(Debug, Default)]
pub struct Proofs([AtomicU8; Carrier::ALL.len()]);

impl Proof {
    /// Whether a carrier of which this is known is relied on.
    #[must_use]
    pub fn allows(self) -> bool {
        matches!(self, Self::Assumed | Self::Works)
    }

    /// The name in logs, metrics and the status.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Assumed => "assumed",
            Self::Open => "open",
            Self::Works => "works",
            Self::Fails => "fails",
        }
    }
}

impl Proofs {
    /// What is known of a carrier.
    #[must_use]
    pub fn get(&self, carrier: Carrier) -> Proof {
        let Self(proofs) = self;
        match proofs.get(carrier as usize).map(|proof| proof.load(Ordering::Relaxed)) {
            Some(1) => Proof::Open,
            Some(2) => Proof::Works,
            Some(3) => Proof::Fails,
            _ => Proof::Assumed,
        }
    }

    /// Notes what has become known of a carrier, for all requests from now on.
    pub fn set(&self, carrier: Carrier, proof: Proof) {
        if let Some(place) = self.0.get(carrier as usize) {
            place.store(proof as u8, Ordering::Relaxed);
        }
    }
}
