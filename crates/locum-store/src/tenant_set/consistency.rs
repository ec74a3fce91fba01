//! Whether tenants can be served together, found out from their data before anything is prepared.

use std::collections::{HashMap, HashSet};

use crate::tenant_set::{TenantData, TenantSetError};

/// Checks the tenants in their order.
pub(super) fn check(tenants: &[TenantData]) -> Result<(), TenantSetError> {
    if tenants.is_empty() {
        return Err(TenantSetError::Empty);
    }
    let mut domains = HashSet::new();
    let mut default: Option<&str> = None;
    for data in tenants {
        let domain = data.tenant.domain.as_str();
        if !domains.insert(domain) {
            return Err(TenantSetError::DomainTwice(domain.to_owned()));
        }
        if data.is_default
            && let Some(other) = default.replace(domain)
        {
            return Err(TenantSetError::TwoDefaults(other.to_owned(), domain.to_owned()));
        }
        check_clients(data)?;
    }
    Ok(())
}

fn check_clients(data: &TenantData) -> Result<(), TenantSetError> {
    let mut ids = HashSet::new();
    let mut owners: HashMap<&str, &str> = HashMap::new();
    for client in &data.clients {
        if !ids.insert(client.id.as_str()) {
            return Err(TenantSetError::ClientTwice {
                domain: data.tenant.domain.clone(),
                client_id: client.id.clone(),
            });
        }
        for resource in &client.resources {
            let other = owners.insert(resource, &client.id).filter(|other| *other != client.id);
            if let Some(other) = other {
                return Err(TenantSetError::ResourceTwice {
                    domain: data.tenant.domain.clone(),
                    resource: resource.clone(),
                    first: other.to_owned(),
                    second: client.id.clone(),
                });
            }
        }
    }
    Ok(())
}
