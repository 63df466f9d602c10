//! Which arm a unit is in.
//!
//! An assignment is a pure function of a secret key, the experiment, its salt and the unit, in
//! integers: the same on every replica, after every restart and on every machine, and nobody who can
//! open accounts can tell in advance, or open accounts until one falls into the arm that they want.
//!
//! Arms are drawn by weighted rendezvous: each draws an exponential variable of its weight, and the
//! least wins. So the share of an arm is that of its weight; where a weight grows, units move to
//! that arm alone, from the others, and none moves between those; and a closed arm keeps its units
//! while new ones are drawn among the rest.
//!
//! The key is one of the deployment's secret ([`blake3::derive_key`]), and the variables are words of
//! a keyed BLAKE3. Rendezvous hashing: Thaler and Ravishankar, IEEE/ACM Transactions on Networking
//! 6(1), 1998; with weights, Schindelhauer and Schomaker, SPAA 2005.

use jiff::Timestamp;

use super::settings::{Experiment, UnitKind};
use crate::risk::Principal;
use crate::secret::{Secret, opaque_debug};

/// What the key is for, in its derivation.
const CONTEXT: &str = "guilloche 2026-11-29 assignment of units to the arms of an experiment";

/// Words of 64 bits that one hash gives.
const WORDS: usize = 8;

/// What is assigned: a cluster, an account or a slot of time.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub enum Unit<'a> {
    /// Accounts that the detector has linked.
    Cluster {
        /// The tenant; empty in a deployment of one.
        tenant: &'a str,
        /// The cluster.
        id: &'a str,
    },
    /// One account.
    Account {
        /// The tenant; empty in a deployment of one.
        tenant: &'a str,
        /// The account.
        id: &'a str,
    },
    /// A slot of time, by its number.
    Slot(i64),
}

opaque_debug!(Unit<'_>);

/// Where an experiment has put a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Another experiment of the layer may have it.
    Outside,
    /// It stays with the control arm, and is in no comparison.
    HeldOut,
    /// In an arm, by its index.
    Arm(usize),
}

/// How one experiment assigns units.
pub struct Assignment {
    key: Secret,
    /// Experiments of one layer draw the same number for a unit.
    layer: Secret,
    /// The part of the layer that is this experiment's, of 2^64.
    part: std::ops::Range<u64>,
    /// Of its units, those whose number is below this are held out.
    held_out: u64,
    /// The weights of the arms; 0 of one that takes no unit.
    weights: Vec<u32>,
}

opaque_debug!(Assignment);

impl<'a> Unit<'a> {
    /// The unit of a caller at `now`.
    #[must_use]
    pub fn of(kind: UnitKind, principal: &'a Principal, now: Timestamp) -> Self {
        let Principal { account, cluster, tenant } = principal;
        let tenant = tenant.as_ref().map_or("", |tenant| tenant.as_str());
        match (kind, cluster) {
            (UnitKind::Slot(switchback), _) => Self::Slot(switchback.slot_of(now)),
            (UnitKind::Cluster, Some(cluster)) => Self::Cluster { tenant, id: cluster.as_str() },
            _ => Self::Account { tenant, id: account.as_str() },
        }
    }

    /// Tells every unit from every other.
    fn hash_into(self, hasher: &mut blake3::Hasher) {
        let mut part = |kind: u8, tenant: &str, id: &[u8]| {
            hasher.update(&[kind]);
            hasher.update(&(tenant.len() as u64).to_le_bytes());
            hasher.update(tenant.as_bytes());
            hasher.update(id);
        };
        match self {
            Self::Cluster { tenant, id } => part(b'c', tenant, id.as_bytes()),
            Self::Account { tenant, id } => part(b'a', tenant, id.as_bytes()),
            Self::Slot(number) => part(b's', "", &number.to_le_bytes()),
        }
    }
}

impl Assignment {
    /// The assignment of an experiment under the deployment's secret. `part` is what of its layer it
    /// takes, from 0 to 1: experiments of a layer whose parts do not overlap share no unit.
    #[must_use]
    pub fn new(secret: &Secret, experiment: &Experiment, part: std::ops::Range<f64>) -> Self {
        let Experiment { name, salt, layer, holdout, arms, .. } = experiment;
        let key = blake3::derive_key(CONTEXT, secret.expose());
        let named = |kind: u8, names: [&str; 2]| {
            let mut hasher = blake3::Hasher::new_keyed(&key);
            hasher.update(&[kind]);
            for name in names {
                hasher.update(&(name.len() as u64).to_le_bytes());
                hasher.update(name.as_bytes());
            }
            Secret::from(*hasher.finalize().as_bytes())
        };
        let layer = match layer {
            Some(layer) => named(b'l', [layer, ""]),
            None => named(b'e', [name, salt]),
        };
        let weights = arms.iter().map(|arm| if arm.closed { 0 } else { arm.weight });
        Self {
            key: named(b'x', [name, salt]),
            layer,
            part: fraction(part.start)..fraction(part.end),
            held_out: fraction(*holdout),
            weights: weights.collect(),
        }
    }

    /// Where a unit is that nothing is known of.
    #[must_use]
    pub fn place(&self, unit: Unit<'_>) -> Place {
        let number = words(&self.layer, unit, 0)[0];
        // The whole of a layer has no end.
        let ends = self.part.end == u64::MAX;
        if number < self.part.start || number >= self.part.end && !ends {
            return Place::Outside;
        }
        let mut drawn = words(&self.key, unit, 0);
        if drawn[0] < self.held_out {
            return Place::HeldOut;
        }
        let mut least: Option<(u64, u32, usize)> = None;
        for (arm, weight) in self.weights.iter().enumerate() {
            let word = (arm + 1) % WORDS;
            if word == 0 {
                drawn = words(&self.key, unit, ((arm + 1) / WORDS) as u64);
            }
            let Some(variable) = drawn.get(word).map(|word| exponential(*word)) else { continue };
            if *weight == 0 {
                continue;
            }
            // A variable over its weight, without division.
            let less = least.is_none_or(|(best, of, _)| {
                u128::from(variable) * u128::from(of) < u128::from(best) * u128::from(*weight)
            });
            if less {
                least = Some((variable, *weight, arm));
            }
        }
        least.map_or(Place::HeldOut, |(_, _, arm)| Place::Arm(arm))
    }
}

/// Words that nobody without the key knows.
fn words(key: &Secret, unit: Unit<'_>, block: u64) -> [u64; WORDS] {
    let mut hasher = blake3::Hasher::new_keyed(key.expose());
    unit.hash_into(&mut hasher);
    let mut bytes = [0; WORDS * 8];
    let mut output = hasher.finalize_xof();
    output.set_position(block * 64);
    output.fill(&mut bytes);
    let mut words = [0; WORDS];
    for (word, bytes) in words.iter_mut().zip(bytes.chunks_exact(8)) {
        *word = bytes.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte));
    }
    words
}

/// A share as so many of 2^64.
fn fraction(share: f64) -> u64 {
    // A cast saturates: 1 is the most there is.
    (share.clamp(0.0, 1.0) * 2f64.powi(64)) as u64
}

/// Minus the binary logarithm of (word + 1/2) / 2^64, in units of 2^-32: an exponential variable, in
/// integers, so that no library's logarithm decides.
fn exponential(word: u64) -> u64 {
    /// Digits of the logarithm behind the point.
    const DIGITS: u32 = 32;
    // Never zero, and with the half in it.
    let doubled = (u128::from(word) << 1) | 1;
    let size = 128 - doubled.leading_zeros();
    // From 1 to 2, with 63 digits behind the point.
    let mantissa = (doubled << (64 - size.min(64))) >> size.saturating_sub(64);
    let mut mantissa = mantissa as u64;
    let mut digits: u64 = 0;
    for _ in 0..DIGITS {
        let square = u128::from(mantissa) * u128::from(mantissa);
        let carried = (square >> 127) as u64;
        digits = digits << 1 | carried;
        mantissa = (square >> (63 + carried)) as u64;
    }
    (65 << DIGITS) - (u64::from(size - 1) << DIGITS | digits)
}
