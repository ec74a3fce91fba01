//! Two tenants with clients of every sort, and the tokens that their users hold.

use std::collections::HashMap;
use std::sync::LazyLock;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use locum_abi::secret::Secret;
use locum_engine::VerificationKey;
use locum_engine::tenant::{
    AddOn, Client, ClientVerification, DelegationPolicy, LegacyGrants, Tenant, TenantKey, User,
};
use serde_json::{Map, Value, json};

use super::{ACME, NOW};

/// The secret of every HS256 client.
const SECRET: &str = "a secret of at least thirty-two bytes";

/// A key of 2048 bits, made for this run.
static RSA_PEM: LazyLock<String> = LazyLock::new(|| {
    let key = KeyPair::generate(KeySize::Rsa2048).unwrap();
    let der = AsDer::<Pkcs8V1Der<'_>>::as_der(&key).unwrap();
    pem::encode(&pem::Pem::new("PRIVATE KEY", der.as_ref()))
});

/// The tenants of a world.
pub(crate) struct Tenants(pub(crate) Vec<Tenant>);

impl Tenants {
    /// `acme.example.com`, and `globex.example.com` with the same client id and another origin.
    pub(crate) fn usual() -> Self {
        let mut globex = tenant("globex.example.com");
        globex.clients.get_mut("caller").unwrap().allowed_origins = vec!["https://globex.example".to_owned()];
        Self(vec![tenant(ACME), globex])
    }

    /// The same with another policy at `acme.example.com`.
    pub(crate) fn with_policy(policy: DelegationPolicy) -> Self {
        let mut tenants = Self::usual();
        tenants.0[0].delegation = policy;
        tenants
    }
}

fn tenant(domain: &str) -> Tenant {
    let with = |id: &str, change: fn(&mut Client)| {
        let mut client = client(id);
        change(&mut client);
        (id.to_owned(), client)
    };
    let clients = HashMap::from([
        with("caller", |client| client.allowed_origins = vec!["https://app.example".to_owned()]),
        with("other", |client| client.allowed_origins = vec!["https://other.example".to_owned()]),
        with("sloppy", |client| client.allowed_origins = vec!["null".to_owned(), "*".to_owned()]),
        with("closed", |client| client.allowed_clients = vec!["other".to_owned()]),
        with("third-party", |client| client.is_first_party = false),
        with("rs256", |client| client.verification = ClientVerification::TenantKeys),
        with("storage", |client| client.add_ons = vec![AddOn::new("azure_blob", Map::new())]),
        with("cloud", |client| client.add_ons = vec![AddOn::new("aws", Map::new())]),
    ]);
    let mallory = User { blocked: true, profile: Map::new() };
    Tenant {
        domain: domain.to_owned(),
        delegation: DelegationPolicy::default(),
        keys: vec![tenant_key(&format!("key of {domain}"))],
        clients,
        users: HashMap::from([("auth0|mallory".to_owned(), mallory)]),
    }
}

fn client(id: &str) -> Client {
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

/// A tenant key under this `kid`.
pub(crate) fn tenant_key(kid: &str) -> TenantKey {
    TenantKey::from_pem(kid, Secret::from(RSA_PEM.as_str()), None).unwrap()
}

/// A good id_token of Alice for this client of `acme.example.com`.
pub(crate) fn id_token(client_id: &str) -> String {
    token_of(&claims(client_id))
}

/// The same, signed with the tenant's key.
pub(crate) fn rs256_id_token(client_id: &str) -> String {
    let key = EncodingKey::from_rsa_pem(RSA_PEM.as_bytes()).unwrap();
    let mut header = Header::new(Algorithm::RS256);
    header.kid = Some(format!("key of {ACME}"));
    encode(&header, &claims(client_id), &key).unwrap()
}

/// These claims under the clients' secret.
pub(crate) fn token_of(claims: &Value) -> String {
    encode(&Header::default(), claims, &EncodingKey::from_secret(SECRET.as_bytes())).unwrap()
}

fn claims(client_id: &str) -> Value {
    json!({
        "iss": format!("https://{ACME}/"), "aud": client_id, "sub": "auth0|alice",
        "iat": NOW - 10, "exp": NOW + 300,
    })
}
