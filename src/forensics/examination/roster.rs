//! From a ledger to rosters: one for each tenant and epoch in which marks were issued.

use std::collections::BTreeMap;

use super::verdict::Issued;
use crate::forensics::evidence::Strengths;
use crate::forensics::tracing::{Account, Arm, Cluster, Roster};
use crate::mark::cell::{KeyName, MarkKey, Purpose, Role};
use crate::mark::keys::{ArmMark, Keys};
use crate::mark::ledger::{Entry, Event};

/// All to whom marks were issued in one tenant and epoch.
#[derive(Debug)]
pub struct Issuance {
    /// The tenant; empty in a deployment of one.
    pub tenant: String,
    /// The epoch.
    pub epoch: u32,
    /// All that was issued.
    pub issued: Issued,
    /// At which strengths.
    pub strengths: Strengths,
    /// Whom a text may be traced to, with their keys.
    pub roster: Roster,
    /// What was issued to each account, in the order of the roster.
    pub accounts: Vec<Issued>,
    /// What was issued under each cluster's key, in the order of the roster.
    pub clusters: Vec<Issued>,
    /// What was issued under each arm's key, in the order of the roster.
    pub arms: Vec<Issued>,
}

/// A ledger does not belong to the keys.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LedgerMismatch {
    /// An epoch began under another master.
    #[error("epoch {epoch} of the ledger began with the keys {found}; these are {expected}")]
    OtherKeys {
        /// The epoch.
        epoch: u32,
        /// The fingerprint in the ledger.
        found: String,
        /// That of the keys.
        expected: String,
    },
    /// Marks of an epoch that the key file does not have.
    #[error("marks were issued in epoch {0}, which the key file does not have")]
    UnknownEpoch(u32),
}

/// By what answers were marked, and what the keys of that are derived for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MarkedBy {
    /// The name in the ledger.
    pub carrier: &'static str,
    /// The purpose of the keys.
    pub purpose: Purpose,
}

impl MarkedBy {
    /// The words of the text.
    pub const WORDS: Self = Self { carrier: "lexical", purpose: Purpose::Lexical };
    /// SGLang's own mark.
    pub const SGLANG: Self = Self { carrier: "sglang", purpose: Purpose::Engine };
    /// The mark of the vLLM plugin vllm-sbw.
    pub const VLLM_XARGS: Self = Self { carrier: "vllm_xargs", purpose: Purpose::Engine };
    /// Paired entries of `logit_bias`.
    pub const LOGIT_BIAS: Self = Self { carrier: "logit_bias", purpose: Purpose::LogitBias };

    /// Whether an entry tells of answers that were marked so.
    fn issued(self, carrier: Option<&str>, answers: u64, sites: u64) -> bool {
        // A server that marks while it generates does not count its sites.
        let marked = if self == Self::WORDS { sites > 0 } else { answers > 0 };
        marked && carrier.unwrap_or(Self::WORDS.carrier) == self.carrier
    }
}

#[derive(Default)]
struct Received {
    issued: Issued,
    alone: bool,
    /// Answers under the key of each cluster.
    clusters: BTreeMap<String, u64>,
}

#[derive(Default)]
struct Period {
    accounts: BTreeMap<String, Received>,
    clusters: BTreeMap<String, Issued>,
    arms: BTreeMap<ArmMark, Issued>,
    /// Sites by strength, in 256ths.
    strengths: BTreeMap<u16, u64>,
}

type Periods = BTreeMap<(String, u32), Period>;
type Linked = BTreeMap<(String, String), String>;

/// The rosters of a ledger, by tenant and epoch, of those whose answers were marked so.
///
/// An account belongs to the cluster under whose key most of its answers of the epoch were; if
/// there were none, to the one it was linked with last. When the lines were written, this does not
/// know: [`Roster::membership_fixed`] is for the caller to set, and until then no test rests on who
/// is in which cluster. Accounts to which no marked site was issued are nobody's suspects. If
/// nothing was issued at all, the epochs of the key file are tested for the deployment alone.
///
/// # Errors
///
/// If the ledger is not that of the keys.
pub fn issuances(
    keys: &Keys,
    marked_by: MarkedBy,
    entries: impl IntoIterator<Item = Entry>,
) -> Result<Vec<Issuance>, LedgerMismatch> {
    let mut periods = Periods::new();
    let mut linked = Linked::new();
    for entry in entries {
        enter(keys, marked_by, entry.event, &mut periods, &mut linked)?;
    }
    if periods.is_empty() {
        let epochs = keys.epochs().iter().map(|epoch| (String::new(), epoch.number));
        periods.extend(epochs.map(|period| (period, Period::default())));
    }
    Ok(periods
        .into_iter()
        .map(|(period, received)| issuance(keys, marked_by.purpose, period, received, &linked))
        .collect())
}

fn enter(
    keys: &Keys,
    marked_by: MarkedBy,
    event: Event,
    periods: &mut Periods,
    linked: &mut Linked,
) -> Result<(), LedgerMismatch> {
    match event {
        Event::Epoch { epoch, fingerprint: found, .. } => {
            let expected = keys.fingerprint();
            if found != expected {
                return Err(LedgerMismatch::OtherKeys { epoch, found, expected });
            }
        }
        Event::Issued {
            epoch,
            tenant,
            account,
            cluster,
            arm,
            carrier,
            strength,
            answers,
            sites,
            ..
        } => {
            if !keys.epochs().iter().any(|known| known.number == epoch) {
                return Err(LedgerMismatch::UnknownEpoch(epoch));
            }
            if !marked_by.issued(carrier.as_deref(), answers, sites) {
                return Ok(());
            }
            let more = Issued { answers, sites };
            let period = periods.entry((tenant, epoch)).or_default();
            *period.strengths.entry(strength).or_default() += sites;
            let received = period.accounts.entry(account).or_default();
            received.issued = received.issued.and(more);
            // Only words have room for a key of the arm's beside the others.
            if let Some(arm) = arm.filter(|_| marked_by == MarkedBy::WORDS) {
                let issued = period.arms.entry(arm).or_default();
                *issued = issued.and(more);
            }
            match cluster {
                None => received.alone = true,
                Some(cluster) => {
                    *received.clusters.entry(cluster.clone()).or_default() += answers;
                    let issued = period.clusters.entry(cluster).or_default();
                    *issued = issued.and(more);
                }
            }
        }
        Event::Authors { .. } => {}
        Event::Linked { tenant, account, cluster } => {
            linked.insert((tenant, account), cluster);
        }
    }
    Ok(())
}

impl Issued {
    fn and(self, Self { answers, sites }: Self) -> Self {
        Self {
            answers: self.answers.saturating_add(answers),
            sites: self.sites.saturating_add(sites),
        }
    }
}

fn issuance(
    keys: &Keys,
    purpose: Purpose,
    (tenant, epoch): (String, u32),
    period: Period,
    linked: &Linked,
) -> Issuance {
    let key = |role, id: &str| {
        let name = KeyName { purpose, tenant: &tenant, epoch, role, id };
        MarkKey::derive(keys.master(), &name)
    };
    let Period { accounts, mut clusters, arms, strengths } = period;
    let share = |(strength, sites): (u16, u64)| (f64::from(strength) / 256.0, sites as f64);
    let strengths = Strengths::new(strengths.into_iter().map(share));
    let cluster_of = |account: &str, received: &Received| {
        let most = received.clusters.iter().max_by_key(|(_, answers)| **answers);
        let named = most.map(|(cluster, _)| cluster);
        named.or_else(|| linked.get(&(tenant.clone(), account.to_owned()))).cloned()
    };
    let memberships: Vec<Option<String>> =
        accounts.iter().map(|(name, received)| cluster_of(name, received)).collect();
    for cluster in memberships.iter().flatten() {
        clusters.entry(cluster.clone()).or_default();
    }
    let places: BTreeMap<&str, usize> =
        clusters.keys().enumerate().map(|(place, name)| (name.as_str(), place)).collect();

    let mut issued = Issued::default();
    let (mut members, mut received) = (Vec::new(), Vec::new());
    for ((name, account), cluster) in accounts.into_iter().zip(&memberships) {
        issued = issued.and(account.issued);
        received.push(account.issued);
        members.push(Account {
            key: key(Role::Account, &name),
            cluster: cluster.as_ref().and_then(|cluster| places.get(cluster.as_str()).copied()),
            marked_alone: account.alone,
            name,
        });
    }
    let roster = Roster {
        global: key(Role::Global, ""),
        accounts: members,
        clusters: clusters
            .keys()
            .map(|name| Cluster { key: key(Role::Cluster, name), name: name.clone() })
            .collect(),
        mostly_in_arms: arms.values().map(|arm| arm.sites).sum::<u64>() > issued.sites / 2,
        arms: arms
            .keys()
            .map(|arm| Arm { key: key(Role::Arm, &arm.id()), name: arm.to_string() })
            .collect(),
        membership_fixed: false,
    };
    let arms = arms.values().copied().collect();
    let clusters = clusters.values().copied().collect();
    Issuance { tenant, epoch, issued, strengths, roster, accounts: received, clusters, arms }
}
