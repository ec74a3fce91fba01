//! Every origin that some client of a tenant allows: what a preflight is judged by, since it names no client.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use locum_engine::tenant::Tenant;

/// One set for each tenant, made again when the tenant was. Going through all clients of a large tenant for each
/// preflight would let anybody keep a core busy.
#[derive(Default)]
pub(crate) struct Origins {
    by_domain: Mutex<HashMap<String, OfTenant>>,
}

struct OfTenant {
    made_of: Weak<Tenant>,
    origins: Arc<HashSet<String>>,
}

impl Origins {
    /// Whether any client of the tenant allows this origin.
    pub(crate) fn allow(&self, tenant: &Arc<Tenant>, origin: &str) -> bool {
        self.of(tenant).contains(origin)
    }

    fn of(&self, tenant: &Arc<Tenant>) -> Arc<HashSet<String>> {
        let mut by_domain = self.by_domain.lock().unwrap_or_else(PoisonError::into_inner);
        match by_domain.get(&tenant.domain) {
            // A weak pointer keeps its address from being used again, so equal addresses are the same tenant.
            Some(known) if known.made_of.as_ptr() == Arc::as_ptr(tenant) => Arc::clone(&known.origins),
            _ => {
                let all = tenant.clients.values().flat_map(|client| client.allowed_origins.iter().cloned());
                let origins = Arc::new(all.collect::<HashSet<String>>());
                let known = OfTenant { made_of: Arc::downgrade(tenant), origins: Arc::clone(&origins) };
                by_domain.insert(tenant.domain.clone(), known);
                origins
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use locum_engine::tenant::DelegationPolicy;

    use super::*;

    fn tenant(domain: &str) -> Arc<Tenant> {
        Arc::new(Tenant {
            domain: domain.to_owned(),
            delegation: DelegationPolicy::default(),
            keys: Vec::new(),
            clients: HashMap::new(),
            users: HashMap::new(),
        })
    }

    #[test]
    fn a_set_is_made_once_for_each_state_of_a_tenant() {
        let origins = Origins::default();
        let acme = tenant("acme.example.com");
        let made = origins.of(&acme);
        assert!(Arc::ptr_eq(&made, &origins.of(&acme)));
        let reloaded = tenant("acme.example.com");
        assert!(!Arc::ptr_eq(&made, &origins.of(&reloaded)));
        assert!(!Arc::ptr_eq(&origins.of(&reloaded), &origins.of(&tenant("globex.example.com"))));
    }
}
