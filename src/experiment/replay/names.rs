//! Whom exemptions name, found by the hashes that an audit has in place of names.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, PoisonError, RwLock};

use crate::audit::{AuditKey, KeyedHash, PrincipalHashes};
use crate::policy::Exemption;
use crate::risk::{AccountId, ClusterId, Principal, TenantId};
use crate::secret::opaque_debug;

/// Tenants whose hashes are remembered; those of others are computed each time.
const MOST_TENANTS: usize = 10_000;

/// The names of exemptions. Whoever is not among them is nobody whom a policy names.
pub(super) struct Names {
    key: Option<AuditKey>,
    nobody: AccountId,
    accounts: Vec<AccountId>,
    clusters: Vec<ClusterId>,
    tenants: HashMap<KeyedHash, TenantId>,
    /// Accounts and clusters are hashed as those of their tenant, and an exemption need not name one.
    of_tenants: RwLock<HashMap<Option<KeyedHash>, Arc<OfTenant>>>,
}

opaque_debug!(Names);

/// The names by their hashes as one tenant's.
struct OfTenant {
    accounts: HashMap<KeyedHash, AccountId>,
    clusters: HashMap<KeyedHash, ClusterId>,
}

impl Names {
    /// Those of exemptions, under the key that the audit's hashes were made with; without it nobody is
    /// found.
    pub(super) fn new(exemptions: &[Exemption], key: Option<&AuditKey>) -> Self {
        let distinct = |name: fn(&Exemption) -> Option<&String>| -> HashSet<&str> {
            exemptions.iter().filter_map(name).map(String::as_str).collect()
        };
        let tenants = distinct(|exemption| exemption.tenant.as_ref());
        // What is no identifier of a detector's is in no record either.
        let tenants = tenants.into_iter().filter_map(|name| TenantId::new(name).ok());
        let tenants = tenants.filter_map(|name| Some((key?.tenant(name.as_str()), name)));
        let clusters = distinct(|exemption| exemption.cluster.as_ref());
        let accounts = distinct(|exemption| exemption.account.as_ref());
        Self {
            key: key.cloned(),
            nobody: AccountId::exempted("~recorded"),
            accounts: accounts.into_iter().map(AccountId::exempted).collect(),
            clusters: clusters.into_iter().filter_map(|name| ClusterId::new(name).ok()).collect(),
            tenants: tenants.collect(),
            of_tenants: RwLock::default(),
        }
    }

    /// The principal of a record, as far as exemptions name it.
    pub(super) fn of(&self, hashes: &PrincipalHashes) -> Principal {
        let PrincipalHashes { account, cluster, tenant } = hashes;
        let Some(key) = &self.key else { return Principal::of(self.nobody.clone()) };
        let names = self.of_tenant(key, *tenant);
        Principal {
            account: names.accounts.get(account).unwrap_or(&self.nobody).clone(),
            cluster: cluster.and_then(|hash| names.clusters.get(&hash).cloned()),
            tenant: tenant.and_then(|hash| self.tenants.get(&hash).cloned()),
        }
    }

    fn of_tenant(&self, key: &AuditKey, tenant: Option<KeyedHash>) -> Arc<OfTenant> {
        // What is remembered is whole whenever the lock is free.
        let known = self.of_tenants.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(names) = known.get(&tenant) {
            return Arc::clone(names);
        }
        drop(known);
        let account = |name: &AccountId| (key.account(name.as_str(), tenant), name.clone());
        let cluster = |name: &ClusterId| (key.cluster(name.as_str(), tenant), name.clone());
        let names = Arc::new(OfTenant {
            accounts: self.accounts.iter().map(account).collect(),
            clusters: self.clusters.iter().map(cluster).collect(),
        });
        let mut known = self.of_tenants.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() < MOST_TENANTS {
            known.insert(tenant, Arc::clone(&names));
        }
        names
    }
}
