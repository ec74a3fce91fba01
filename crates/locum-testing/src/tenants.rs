//! Two tenants that differ only in their domains and keys.

use locum_abi::configuration::SigningKey;
use locum_engine::BucketRule;
use locum_engine::model::{AddOn, Client, ClientKey, ClientSecret, Tenant, User};
use locum_engine::prepared::TenantKey;
use locum_store::TenantData;
use serde_json::{Map, Value, json};

use crate::tokens::{SECRET, acme_key, globex_key};
use crate::{ACME, GLOBEX, object};

/// A tenant with the clients `caller`, `api` and `storage`, and the users Alice and Mallory. `storage` has three
/// add-ons; Mallory is blocked.
pub fn tenant(domain: &str) -> TenantData {
    let mut storage = client("storage");
    storage.add_ons = ["azure_blob", "aws", "salesforce_api"].map(|name| AddOn::new(name, Map::new())).into();
    let mut tenant = Tenant::new(domain);
    tenant.signing_keys = vec![signing_key(domain)];
    // Tests send any number of invalid tokens; those of this limit set their own.
    tenant.delegation.invalid_token_rate = bucket_rule(1_000_000, 60);
    let mut data = TenantData::new(tenant, vec![client("caller"), client("api"), storage]);
    data.users.insert("auth0|alice".to_owned(), User::new(profile_at(domain)));
    data.users.insert("auth0|mallory".to_owned(), blocked_user());
    data
}

/// The signing key of a tenant. Its `kid` is `key of {domain}`.
pub fn signing_key(domain: &str) -> SigningKey {
    let pem = if domain == GLOBEX { globex_key() } else { acme_key() };
    SigningKey { kid: format!("key of {domain}"), private_key_pem: pem.into(), certificate_pem: None }
}

/// The public key of this tenant as a JWK Set, with its `kid`.
pub fn jwk_set(domain: &str) -> String {
    let key = TenantKey::from_signing_key(&signing_key(domain)).unwrap();
    json!({"keys": [{"kty": "RSA", "kid": key.kid, "n": key.public.n, "e": key.public.e}]}).to_string()
}

/// The stored profile of Alice.
fn profile_at(domain: &str) -> Map<String, Value> {
    object(json!({
        "name": format!("Alice of {domain}"), "nickname": "al", "email": format!("alice@{domain}"),
        "email_verified": true, "favourite_food": "plum", "app_metadata": {"plan": "gold"},
    }))
}

/// A first-party client with the HS256 secret [`SECRET`] and both legacy grants.
pub fn client(id: &str) -> Client {
    let mut client = Client::new(id);
    client.key = ClientKey::Secret(ClientSecret::new(&SECRET.into(), false).unwrap());
    client
}

/// The client of a tenant with this id, which is added if there is none.
pub fn client_of<'d>(data: &'d mut TenantData, id: &str) -> &'d mut Client {
    let place = data.clients.iter().position(|known| known.id == id).unwrap_or_else(|| {
        data.clients.push(client(id));
        data.clients.len() - 1
    });
    &mut data.clients[place]
}

/// A blocked user.
pub fn blocked_user() -> User {
    let mut user = User::default();
    user.blocked = true;
    user
}

/// A rate limit: the size of the bucket, and the requests that are refilled per minute. Panics if one is zero.
pub fn bucket_rule(size: u32, per_minute: u32) -> BucketRule {
    BucketRule { size: size.try_into().unwrap(), per_minute: per_minute.try_into().unwrap() }
}

/// The tenants [`ACME`] and [`GLOBEX`].
pub fn both_tenants() -> [TenantData; 2] {
    [tenant(ACME), tenant(GLOBEX)]
}
