//! The choice that marks the texts of one principal.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Keys;
use crate::mark::cell::{Bits, Cell, KeyName, MarkKey, Purpose, Role, Roles};
use crate::mark::lexical::{Choice, Chosen, Site};
use crate::secret::opaque_debug;

/// Whose texts are recipient.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Recipient<'a> {
    /// The tenant; empty in a deployment of one.
    pub tenant: &'a str,
    /// The account.
    pub account: &'a str,
    /// The accounts it has been linked with, if any.
    pub cluster: Option<&'a str>,
    /// The arm of an experiment that it is in, if any, by its [`ArmMark`].
    pub arm: Option<&'a ArmMark>,
}

opaque_debug!(Recipient<'_>);

/// An arm of an experiment, as keys are derived for it and as the ledger names it. An experiment
/// that is begun again, with another salt, has other keys.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ArmMark {
    /// The name of the experiment.
    pub experiment: String,
    /// Its salt.
    pub salt: String,
    /// The name of the arm.
    pub arm: String,
}

impl ArmMark {
    /// What its key is derived for. Names hold no line feed, so that no two arms have one id.
    #[must_use]
    pub fn id(&self) -> String {
        let Self { experiment, salt, arm } = self;
        format!("{experiment}\n{salt}\n{arm}")
    }
}

/// `arm in experiment (salt)`.
impl fmt::Display for ArmMark {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { experiment, salt, arm } = self;
        write!(formatter, "{arm} of {experiment} ({salt})")
    }
}

/// Which variant each cell has for one principal in one epoch. Making it draws a few kilobytes of
/// key stream, so it is worth keeping for the next answer.
#[derive(Clone, Debug)]
pub struct Marking {
    roles: Arc<Roles>,
    global: Part,
    cluster: Part,
    account: Part,
    arm: Option<Part>,
    /// Cells with a coin below this carry their bit; 256 for all.
    threshold: u16,
}

/// The bits and coins of one role.
#[derive(Clone, Debug)]
struct Part {
    bits: Bits,
    coin: MarkKey,
}

/// Cells with a coin below this carry a mark of this strength, 0 to 1.
pub(crate) fn carrying(strength: f64) -> u16 {
    // A float-to-integer cast saturates, and is 0 for what is no number.
    (strength.clamp(0.0, 1.0) * 256.0).round() as u16
}

impl Keys {
    /// How to mark the texts of `recipient` at a strength from 0 (not at all) to 1 (every cell).
    ///
    /// `roles` are those of this deployment, `Roles::new(keys.master(), cells)`.
    #[must_use]
    pub fn marking(
        &self,
        roles: &Arc<Roles>,
        epoch: u32,
        recipient: Recipient<'_>,
        strength: f64,
    ) -> Marking {
        let cells = u32::try_from(roles.as_slice().len()).unwrap_or(u32::MAX);
        let arm = recipient.arm.map(ArmMark::id);
        let part = |role, id| {
            let name = |purpose| KeyName { purpose, tenant: recipient.tenant, epoch, role, id };
            Part {
                bits: Bits::new(&self.derive(&name(Purpose::Lexical)), cells),
                coin: self.derive(&name(Purpose::Coin)),
            }
        };
        let arm = arm.as_deref().map(|id| part(Role::Arm, id));
        let account = part(Role::Account, recipient.account);
        let cluster = recipient
            .cluster
            .map_or_else(|| account.clone(), |cluster| part(Role::Cluster, cluster));
        let threshold = carrying(strength);
        Marking {
            roles: Arc::clone(roles),
            global: part(Role::Global, ""),
            cluster,
            account,
            arm,
            threshold,
        }
    }
}

impl Marking {
    /// Whether no cell carries anything: at a strength of less than half a 256th.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        self.threshold == 0
    }

    /// The variant of a cell; `None` if the cell carries nothing at this strength.
    #[must_use]
    pub fn bit(&self, cell: Cell) -> Option<bool> {
        let part = match self.roles.of(cell) {
            Role::Global | Role::Arm => {
                let is_arms = || self.roles.carries_arms(cell.index() as usize);
                self.arm.as_ref().filter(|_| is_arms()).unwrap_or(&self.global)
            }
            Role::Cluster => &self.cluster,
            Role::Account => &self.account,
        };
        let carries = match self.threshold {
            0 => false,
            256 => true,
            threshold => u16::from(part.coin.coin(cell)) < threshold,
        };
        carries.then(|| part.bits.get(cell))
    }
}

impl Choice for Marking {
    fn choose(&mut self, site: &Site<'_>) -> Chosen {
        self.bit(site.cell()).map_or(Chosen::Author, Chosen::Marked)
    }
}

impl Choice for &Marking {
    fn choose(&mut self, site: &Site<'_>) -> Chosen {
        self.bit(site.cell()).map_or(Chosen::Author, Chosen::Marked)
    }
}
