//! Whether tenants can be served together, found out from their data before anything is prepared.

use std::collections::{HashMap, HashSet};

use locum_engine::model::{Client, ClientAuthentication, ClientKey, SecretDigest};

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
    add_shared_management_keys(tenants, &mut found);
    found
}

/// Finds the management keys that somebody has who is not to manage the tenant: a client, or another tenant.
fn add_shared_management_keys(tenants: &[TenantData], found: &mut Vec<TenantSetError>) {
    let mut owners: HashMap<&[u8], &str> = HashMap::new();
    let mut digests: HashMap<SecretDigest, &str> = HashMap::new();
    let mut shared = |domain: &str, other: String| {
        found.push(TenantSetError::ManagementKeyShared { domain: domain.to_owned(), other });
    };
    for data in tenants {
        let domain = data.tenant.domain.as_str();
        for key in &data.tenant.management_keys {
            if let Some(other) = owners.insert(key.secret().expose().as_bytes(), domain) {
                shared(domain, format!("as a management key of {other}"));
            }
            digests.insert(SecretDigest::of(key.secret()), domain);
        }
    }
    if owners.is_empty() {
        return;
    }
    for data in tenants {
        for client in &data.clients {
            let owner = secrets_of(client).find_map(|secret| owners.get(secret));
            if let Some(owner) = owner.or_else(|| digests.get(digest_of(client)?)) {
                shared(owner, format!("as the secret of the client {} of {}", client.id, data.tenant.domain));
            }
        }
    }
}

/// The bytes of a client's secret, and its text.
fn secrets_of(client: &Client) -> impl Iterator<Item = &[u8]> {
    let key = match &client.key {
        ClientKey::Secret(secret) => Some(secret.expose()),
        ClientKey::TenantKeys | ClientKey::None => None,
    };
    let text = client.app.settings.get("secret").and_then(|secret| Some(secret.as_str()?.as_bytes()));
    key.into_iter().chain(text)
}

fn digest_of(client: &Client) -> Option<&SecretDigest> {
    match &client.authentication {
        ClientAuthentication::Secret(digest) => Some(digest),
        _ => None,
    }
}

fn add_conflicts_of_clients(data: &TenantData, found: &mut Vec<TenantSetError>) {
    let mut ids = HashSet::new();
    let mut owners: HashMap<&str, &str> = HashMap::new();
    let audience = data.tenant.management_audience();
    for client in &data.clients {
        if !ids.insert(client.id.as_str()) {
            found.push(TenantSetError::ClientTwice {
                domain: data.tenant.domain.clone(),
                client_id: client.id.clone(),
            });
        }
        if client.id == audience || client.resources.contains(&audience) {
            found.push(TenantSetError::ManagementAudience {
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
