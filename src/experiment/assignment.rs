//! Which arm a unit is in.
//!
//! An assignment is a pure function of a secret key, the experiment, its salt and the unit, in
//! integers: the same on every replica, after every restart and on every machine, and nobody who can
//! open accounts can tell in advance, or open accounts until one falls into the arm that they want.
//!
//! Arms are drawn by weighted rendezvous: each draws an exponential variable of its weight by its name, and
//! the least wins. So the share of an arm is that of its weight; where a weight grows, units move to
//! that arm alone, from the others, and none moves between those; and a closed arm keeps its units
//! while new ones are drawn among the rest.
//!
//! Which place an arm has in the file does not matter. The key is one of the deployment's secret
//! ([`blake3::derive_key`]), and the variables are words of a keyed BLAKE3. Rendezvous hashing: Thaler and Ravishankar, IEEE/ACM Transactions on Networking
//! 6(1), 1998; with weights, Schindelhauer and Schomaker, SPAA 2005.

use jiff::Timestamp;

use super::settings::{Experiment, UnitKind};
use crate::risk::Principal;
use crate::secret::{Secret, opaque_debug};

/// What the key is for, in its derivation.
const CONTEXT: &str = "guilloche 2026-11-29 assignment of units to the arms of an experiment";

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
    /// A key for each arm, and its weight; 0 of one that takes no unit.
    arms: Vec<(Secret, u32)>,
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
        let own = named(b'x', [name, salt]);
        let arms = arms.iter().map(|arm| {
            let mut hasher = blake3::Hasher::new_keyed(own.expose());
            hasher.update(b"arm").update(arm.name.as_bytes());
            let weight = if arm.closed { 0 } else { arm.weight };
            (Secret::from(*hasher.finalize().as_bytes()), weight)
        });
        let arms = arms.collect();
        Self {
            key: own,
            layer,
            part: fraction(part.start)..fraction(part.end),
            held_out: fraction(*holdout),
            arms,
        }
    }

    /// Where a unit is that nothing is known of.
    #[must_use]
    pub fn place(&self, unit: Unit<'_>) -> Place {
        let number = word(&self.layer, unit);
        // The whole of a layer has no end.
        let ends = self.part.end == u64::MAX;
        if number < self.part.start || number >= self.part.end && !ends {
            return Place::Outside;
        }
        if word(&self.key, unit) < self.held_out {
            return Place::HeldOut;
        }
        let mut least: Option<(u64, u32, usize)> = None;
        for (arm, (key, weight)) in self.arms.iter().enumerate().filter(|(_, (_, it))| *it > 0) {
            let variable = exponential(word(key, unit));
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

/// A word of 64 bits that nobody without the key knows.
fn word(key: &Secret, unit: Unit<'_>) -> u64 {
    let mut hasher = blake3::Hasher::new_keyed(key.expose());
    unit.hash_into(&mut hasher);
    hasher.finalize().as_bytes().first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes))
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
