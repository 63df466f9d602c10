//! Whom exemptions name, found by the hashes that an audit has in place of names.

use std::collections::HashMap;

use crate::audit::{AuditKey, KeyedHash, PrincipalHashes};
use crate::policy::Exemption;
use crate::risk::{AccountId, ClusterId, Principal, TenantId};
use crate::secret::opaque_debug;

/// The names of exemptions by their hashes. Whoever is not among them is nobody whom a policy names.
pub(super) struct Names {
    nobody: Principal,
    accounts: HashMap<KeyedHash, AccountId>,
    clusters: HashMap<KeyedHash, ClusterId>,
    tenants: HashMap<KeyedHash, TenantId>,
}

opaque_debug!(Names);

impl Names {
    /// Those of exemptions, under the key that the audit's hashes were made with; without it, none.
    pub(super) fn new(exemptions: &[Exemption], key: Option<&AuditKey>) -> Self {
        let nobody = Principal::of(AccountId::exempted("~recorded"));
        let mut names = Self {
            nobody,
            accounts: HashMap::new(),
            clusters: HashMap::new(),
            tenants: HashMap::new(),
        };
        let Some(key) = key else { return names };
        for Exemption { account, cluster, tenant, .. } in exemptions {
            let hashes = key.principal(
                account.as_deref().unwrap_or_default(),
                cluster.as_deref(),
                tenant.as_deref(),
            );
            if let Some(name) = account {
                names.accounts.insert(hashes.account, AccountId::exempted(name));
            }
            // What is no identifier of a detector's is in no record either.
            let cluster = cluster.as_deref().and_then(|name| ClusterId::new(name).ok());
            names.clusters.extend(hashes.cluster.zip(cluster));
            let tenant = tenant.as_deref().and_then(|name| TenantId::new(name).ok());
            names.tenants.extend(hashes.tenant.zip(tenant));
        }
        names
    }

    /// The principal of a record, as far as exemptions name it.
    pub(super) fn of(&self, hashes: &PrincipalHashes) -> Principal {
        let PrincipalHashes { account, cluster, tenant } = hashes;
        let Self { nobody, accounts, clusters, tenants } = self;
        Principal {
            account: accounts.get(account).unwrap_or(&nobody.account).clone(),
            cluster: cluster.and_then(|hash| clusters.get(&hash).cloned()),
            tenant: tenant.and_then(|hash| tenants.get(&hash).cloned()),
        }
    }
}
