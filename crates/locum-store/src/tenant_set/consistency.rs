//! Whether tenants can be served together, found out from their data before anything is prepared.

use std::collections::{HashMap, HashSet};

use crate::tenant_set::{TenantData, TenantSetError};

/// All conflicts, in the order of the tenants.
pub(super) fn conflicts(tenants: &[TenantData]) -> Vec<TenantSetError> {
    if tenants.is_empty() {
        return vec![TenantSetError::Empty];
    }
    let mut found = Vec::new();
    let mut domains = HashSet::new();
    let mut default: Option<&str> = None;
    for data in tenants {
        let domain = data.tenant.domain.as_str();
        if !domains.insert(domain) {
            found.push(TenantSetError::DomainTwice(domain.to_owned()));
        } else if data.is_default
            && let Some(other) = default.replace(domain)
        {
            found.push(TenantSetError::TwoDefaults(other.to_owned(), domain.to_owned()));
        }
        add_conflicts_of_clients(data, &mut found);
    }
    found
}

fn add_conflicts_of_clients(data: &TenantData, found: &mut Vec<TenantSetError>) {
    let mut ids = HashSet::new();
    let mut owners: HashMap<&str, &str> = HashMap::new();
    for client in &data.clients {
        if !ids.insert(client.id.as_str()) {
            found.push(TenantSetError::ClientTwice {
                domain: data.tenant.domain.clone(),
                client_id: client.id.clone(),
            });
        }
        for resource in &client.resources {
            let other = owners.insert(resource, &client.id).filter(|other| *other != client.id);
            if let Some(other) = other {
                found.push(TenantSetError::ResourceTwice {
                    domain: data.tenant.domain.clone(),
                    resource: resource.clone(),
                    first: other.to_owned(),
                    second: client.id.clone(),
                });
            }
        }
    }
}
