//! Two tenants that have everything in common but their names and keys.

use std::collections::HashMap;
use std::sync::LazyLock;

use locum_abi::secret::Secret;
use locum_engine::VerificationKey;
use locum_engine::tenant::{
    AddOn, Client, ClientVerification, DelegationPolicy, LegacyGrants, Tenant, TenantKey, User,
};
use serde_json::{Map, Value, json};

use super::object;
use super::token::{SECRET, acme_key, globex_key};

/// The tenant that tests ask unless they say otherwise.
pub(crate) const ACME: &str = "acme.example.com";

/// Its neighbour, with the same client ids, users and client secrets.
pub(crate) const GLOBEX: &str = "globex.example.com";

// A key is proved to sign when it is read; once is enough for all worlds.
static ACME_KEYS: LazyLock<Vec<TenantKey>> = LazyLock::new(|| vec![key_of(ACME, acme_key())]);
static GLOBEX_KEYS: LazyLock<Vec<TenantKey>> = LazyLock::new(|| vec![key_of(GLOBEX, globex_key())]);

fn key_of(domain: &str, pem: &str) -> TenantKey {
    TenantKey::from_pem(&format!("key of {domain}"), Secret::from(pem), None).unwrap()
}

/// A tenant with the clients `caller`, `api` and `storage` (which has three add-ons), and the users Alice and Mallory,
/// who is blocked.
pub(crate) fn tenant(domain: &str) -> Tenant {
    let mut storage = client("storage");
    storage.add_ons = ["azure_blob", "aws", "salesforce_api"].map(|name| AddOn::new(name, Map::new())).into();
    let clients = [client("caller"), client("api"), storage];
    let keys = if domain == ACME { &ACME_KEYS } else { &GLOBEX_KEYS };
    Tenant {
        domain: domain.to_owned(),
        delegation: DelegationPolicy::default(),
        keys: LazyLock::force(keys).clone(),
        clients: clients.into_iter().map(|client| (client.id.clone(), client)).collect(),
        users: HashMap::from([
            ("auth0|alice".to_owned(), User { blocked: false, profile: profile_at(domain) }),
            ("auth0|mallory".to_owned(), User { blocked: true, profile: Map::new() }),
        ]),
    }
}

/// What the tenant keeps about Alice.
fn profile_at(domain: &str) -> Map<String, Value> {
    object(json!({
        "name": format!("Alice of {domain}"), "nickname": "al", "email": format!("alice@{domain}"),
        "email_verified": true, "favourite_food": "plum", "app_metadata": {"plan": "gold"},
    }))
}

/// A first-party client with an HS256 secret and both legacy grants.
pub(crate) fn client(id: &str) -> Client {
    Client {
        id: id.to_owned(),
        name: None,
        verification: ClientVerification::Secret(VerificationKey::hs256(SECRET.as_bytes()).unwrap()),
        is_first_party: true,
        oidc_conformant: false,
        grants: LegacyGrants { id_token: true, refresh_token: true },
        allowed_clients: Vec::new(),
        allowed_origins: Vec::new(),
        scope_aliases: HashMap::new(),
        app: AddOn::new("app", Map::new()),
        add_ons: Vec::new(),
    }
}
