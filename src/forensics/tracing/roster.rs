//! Whom a text may be traced to: all to whom marks were issued, and no others.

use crate::mark::cell::{MarkKey, Role, Roles};
use crate::secret::opaque_debug;

/// An account, in one epoch, that was issued marks.
pub struct Account {
    /// Its name in the report.
    pub name: String,
    /// Its key for that epoch.
    pub key: MarkKey,
    /// The place of its cluster in [`Roster::clusters`], if it was linked.
    pub cluster: Option<usize>,
    /// Whether it was issued marks while it was not linked: then the cells of the cluster role
    /// carried its own key, too.
    pub marked_alone: bool,
}

opaque_debug!(Account);

/// A cluster, in one epoch.
pub struct Cluster {
    /// Its name in the report.
    pub name: String,
    /// Its shared key.
    pub key: MarkKey,
}

opaque_debug!(Cluster);

/// An arm of an experiment, in one epoch, whose recipients were issued marks.
pub struct Arm {
    /// Its name in the report.
    pub name: String,
    /// Its key.
    pub key: MarkKey,
}

opaque_debug!(Arm);

/// All to whom marks were issued, as the ledger has them. Membership is fixed before the text is
/// seen: whoever forms clusters by their scores finds clusters in noise.
#[derive(Debug)]
pub struct Roster {
    /// The deployment's key for the global role.
    pub global: MarkKey,
    /// Accounts.
    pub accounts: Vec<Account>,
    /// Clusters.
    pub clusters: Vec<Cluster>,
    /// Arms of experiments.
    pub arms: Vec<Arm>,
    /// Whether most of what was issued went to recipients in arms. Then the deployment's key is
    /// looked for in those cells alone in which arms have no part: in the others little of it is.
    pub mostly_in_arms: bool,
    /// Whether who is in which cluster was fixed before the text was at hand: by a commitment, or
    /// because later lines of the ledger were not read. If not, accounts can have been linked
    /// because they score high; then a cluster is tested by its shared key alone, and its members
    /// like accounts without a cluster.
    pub membership_fixed: bool,
}

/// The roles whose cells carry an account's own key.
pub(super) fn carries(account: &Account, role: Role) -> bool {
    match role {
        Role::Global | Role::Arm => false,
        Role::Cluster => account.cluster.is_none() || account.marked_alone,
        Role::Account => true,
    }
}

/// Whether the deployment's key is looked for in a cell, by number.
pub(in crate::forensics) fn is_deployments(roster: &Roster, roles: &Roles, cell: usize) -> bool {
    has_role(roles, cell, Role::Global) && !(roster.mostly_in_arms && roles.carries_arms(cell))
}

/// Whether a cell, by number, has this role; no role beyond the cells there are.
pub(super) fn has_role(roles: &Roles, cell: usize, role: Role) -> bool {
    roles.as_slice().get(cell) == Some(&role)
}
