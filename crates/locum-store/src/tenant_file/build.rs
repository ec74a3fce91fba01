//! Converts the parsed entries of a tenant file into a `Tenant`, checking each field.

use std::collections::{HashMap, HashSet};

use locum_engine::tenant::{
    AddOn, Client, ClientVerification, DelegationPolicy, LegacyGrants, SecretUnusable, Tenant, TenantKey,
    User, WhenUnavailable, secret_bytes,
};
use locum_engine::{BucketRule, VerificationKey};
use serde_json::{Map, Value};

use crate::tenant_file::field_error::FieldError;
use crate::tenant_file::model::{
    ClientEntry, DelegationEntry, SigningKeyEntry, TenantEntry, UserEntry, WhenUnavailableEntry,
};

/// The legacy grants, as `grant_types` names them.
const ID_TOKEN_GRANT: &str = "http://auth0.com/oauth/legacy/grant-type/delegation/id_token";
const REFRESH_TOKEN_GRANT: &str = "http://auth0.com/oauth/legacy/grant-type/delegation/refresh_token";

/// Shortest HS256 key that RFC 7518 section 3.2 allows, in bytes.
const HMAC_KEY_BYTES_MIN: usize = 32;

/// Add-ons of Auth0 that only configure single sign-on; they cannot be delegation targets, so they are skipped.
const SINGLE_SIGN_ON: [&str; 21] = [
    "box",
    "cloudbees",
    "concur",
    "dropbox",
    "echosign",
    "egnyte",
    "mscrm",
    "newrelic",
    "oag",
    "office365",
    "rms",
    "salesforce",
    "samlp",
    "sentry",
    "sharepoint",
    "slack",
    "springcm",
    "sso_integration",
    "wsfed",
    "zendesk",
    "zoom",
];

/// The contents of a tenant file.
#[derive(Debug)]
pub struct TenantFile {
    /// The tenant.
    pub tenant: Tenant,
    /// Whether it answers on every host that no tenant has as its domain.
    pub is_default: bool,
    /// What works and should not stay as it is, a sentence each.
    pub warnings: Vec<String>,
}

pub(super) fn tenant(entry: TenantEntry) -> Result<TenantFile, FieldError> {
    let domain = entry.domain.to_ascii_lowercase();
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '.' || c == '-';
    if domain.is_empty() || !domain.chars().all(allowed) {
        return Err(FieldError::new(
            "/domain",
            "write the domain as a host name, without scheme, port and path",
        ));
    }
    let warnings = short_secrets(&entry.clients);
    let keys = keys(entry.signing_keys)?;
    let tenant = Tenant {
        delegation: delegation(&entry.delegation)?,
        clients: clients(entry.clients, !keys.is_empty())?,
        users: users(entry.users)?,
        domain,
        keys,
    };
    Ok(TenantFile { tenant, is_default: entry.default, warnings })
}

/// Warns about secrets short enough to be guessed from one token. Old tenants have them, so they are not refused.
fn short_secrets(clients: &[ClientEntry]) -> Vec<String> {
    let is_short = |client: &&ClientEntry| matches!(client_secret_bytes(client), Some(Ok(bytes)) if bytes.len() < HMAC_KEY_BYTES_MIN);
    let warning = |client: &ClientEntry| {
        format!(
            "client {}: its client_secret is shorter than {HMAC_KEY_BYTES_MIN} bytes (RFC 7518 section 3.2); rotate it",
            client.client_id
        )
    };
    clients.iter().filter(is_short).map(warning).collect()
}

fn delegation(entry: &DelegationEntry) -> Result<DelegationPolicy, FieldError> {
    let rate = &entry.rate_limit;
    let size = rate.size.unwrap_or(BucketRule::AUTH0_DEFAULT.size);
    let per_minute = rate.per_minute.unwrap_or(BucketRule::AUTH0_DEFAULT.per_minute);
    if size == 0 || per_minute == 0 {
        return Err(FieldError::new("/delegation/rate_limit", "size and per_minute must be at least 1"));
    }
    if entry.lifetime_ceiling_seconds == Some(0) {
        return Err(FieldError::new("/delegation/lifetime_ceiling_seconds", "must be at least 1"));
    }
    Ok(DelegationPolicy {
        enabled: entry.enabled.unwrap_or(true),
        jsonp: entry.jsonp,
        lifetime_ceiling_seconds: entry.lifetime_ceiling_seconds,
        cap_to_subject_exp: entry.cap_to_subject_exp,
        reuse_upstream_credentials: entry.reuse_upstream_credentials,
        leeway_seconds: entry.leeway_seconds,
        rate: BucketRule { size, per_minute },
        when_buckets_unavailable: match rate.when_unavailable {
            None | Some(WhenUnavailableEntry::Open) => WhenUnavailable::Open,
            Some(WhenUnavailableEntry::Closed) => WhenUnavailable::Closed,
        },
    })
}

fn keys(entries: Vec<SigningKeyEntry>) -> Result<Vec<TenantKey>, FieldError> {
    let mut kids = HashSet::new();
    let mut keys = Vec::new();
    for (index, entry) in entries.into_iter().enumerate() {
        if entry.kid.is_empty() || !kids.insert(entry.kid.clone()) {
            return Err(FieldError::new(
                format!("/signing_keys/{index}/kid"),
                "each signing key needs a kid that no other has",
            ));
        }
        let key = TenantKey::from_pem(&entry.kid, entry.private_key, entry.certificate).map_err(|error| {
            FieldError::new(format!("/signing_keys/{index}/private_key"), error.to_string())
        })?;
        keys.push(key);
    }
    Ok(keys)
}

fn clients(entries: Vec<ClientEntry>, tenant_signs: bool) -> Result<HashMap<String, Client>, FieldError> {
    let mut clients = HashMap::with_capacity(entries.len());
    for (index, entry) in entries.into_iter().enumerate() {
        let at = format!("/clients/{index}");
        let client = client(entry, &at, tenant_signs)?;
        if let Some(twice) = clients.insert(client.id.clone(), client) {
            return Err(FieldError::new(
                format!("{at}/client_id"),
                format!("the client {} appears twice; remove one", twice.id),
            ));
        }
    }
    Ok(clients)
}

fn client(entry: ClientEntry, at: &str, tenant_signs: bool) -> Result<Client, FieldError> {
    if entry.client_id.is_empty() {
        return Err(FieldError::new(format!("{at}/client_id"), "write the client's id"));
    }
    let granted =
        |grant: &str| entry.grant_types.as_ref().is_none_or(|types| types.iter().any(|own| own == grant));
    Ok(Client {
        verification: verification(&entry, at, tenant_signs)?,
        is_first_party: entry.is_first_party.unwrap_or(true),
        oidc_conformant: entry.oidc_conformant,
        grants: LegacyGrants {
            id_token: granted(ID_TOKEN_GRANT),
            refresh_token: granted(REFRESH_TOKEN_GRANT),
        },
        allowed_origins: origins(&entry),
        app: app_target(&entry),
        add_ons: add_ons(entry.addons, at)?,
        id: entry.client_id,
        name: entry.name,
        allowed_clients: entry.allowed_clients,
        scope_aliases: entry.jwt_configuration.scopes,
    })
}

/// The client's secret as the bytes of an HMAC key, if the client has one.
fn client_secret_bytes(entry: &ClientEntry) -> Option<Result<Vec<u8>, SecretUnusable>> {
    let secret = entry.client_secret.as_ref()?;
    Some(secret_bytes(secret, entry.jwt_configuration.secret_encoded))
}

fn verification(entry: &ClientEntry, at: &str, tenant_signs: bool) -> Result<ClientVerification, FieldError> {
    match (algorithm(entry.jwt_configuration.alg.as_deref()), client_secret_bytes(entry)) {
        ("HS256", Some(bytes)) => {
            let wrong = |why: String| FieldError::new(format!("{at}/client_secret"), why);
            let bytes = bytes.map_err(|error| wrong(error.to_string()))?;
            VerificationKey::hs256(&bytes)
                .map(ClientVerification::Secret)
                .map_err(|error| wrong(error.to_string()))
        }
        ("HS256", None) => Ok(ClientVerification::Nothing),
        // `alg` is that of the tokens issued for this client as a target; its id_tokens are signed by the tenant.
        (_, _) if tenant_signs => Ok(ClientVerification::TenantKeys),
        ("ES256" | "EdDSA", _) => Ok(ClientVerification::Nothing),
        (alg, _) => Err(FieldError::new(
            format!("{at}/jwt_configuration/alg"),
            format!("{alg} needs a signing key of the tenant; add one to signing_keys"),
        )),
    }
}

/// HS256 if `alg` is absent, as in the Management API.
fn algorithm(alg: Option<&str>) -> &str {
    alg.unwrap_or("HS256")
}

/// The settings of the app issuer, from the client's own `jwt_configuration` and secret.
fn app_target(entry: &ClientEntry) -> AddOn {
    let configuration = &entry.jwt_configuration;
    let alg = algorithm(configuration.alg.as_deref());
    let mut settings = Map::new();
    settings.insert("alg".to_owned(), alg.into());
    if let Some(seconds) = configuration.lifetime_in_seconds {
        settings.insert("lifetime_in_seconds".to_owned(), seconds.into());
    }
    if let Some(secret) = entry.client_secret.as_ref().filter(|_| alg == "HS256") {
        settings.insert("secret".to_owned(), secret.expose().into());
        settings.insert("secret_encoded".to_owned(), configuration.secret_encoded.into());
    }
    if let Some(key) = &configuration.private_key {
        settings.insert("private_key".to_owned(), key.expose().into());
    }
    if let Some(kid) = &configuration.private_key_id {
        settings.insert("private_key_id".to_owned(), kid.as_str().into());
    }
    AddOn::new("app", settings)
}

fn add_ons(addons: Map<String, Value>, at: &str) -> Result<Vec<AddOn>, FieldError> {
    let mut add_ons = Vec::new();
    for (api_type, settings) in addons {
        let pointer = format!("{at}/addons/{api_type}");
        if SINGLE_SIGN_ON.contains(&api_type.as_str()) {
            continue;
        }
        if api_type == "app" {
            return Err(FieldError::new(
                pointer,
                "configure the app target by the client's jwt_configuration, not as an add-on",
            ));
        }
        match settings {
            Value::Object(settings) => add_ons.push(AddOn::new(api_type, settings)),
            // An add-on that was switched off is exported as null.
            Value::Null => {}
            _ => {
                return Err(FieldError::new(
                    pointer,
                    "write the add-on's settings as a mapping, or null if it is switched off",
                ));
            }
        }
    }
    Ok(add_ons)
}

/// The origins that a browser may call from: the listed ones, and those of the callbacks.
fn origins(entry: &ClientEntry) -> Vec<String> {
    let listed =
        entry.allowed_origins.iter().chain(&entry.web_origins).map(|origin| origin.trim_end_matches('/'));
    let mut origins: Vec<String> = Vec::new();
    for origin in listed.chain(entry.callbacks.iter().filter_map(|callback| origin_of(callback))) {
        if !origins.iter().any(|known| known == origin) {
            origins.push(origin.to_owned());
        }
    }
    origins
}

/// `https://app.example.com` of `https://app.example.com/callback`.
fn origin_of(url: &str) -> Option<&str> {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"))?;
    let authority = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    url.get(..url.len() - rest.len() + authority).filter(|_| authority > 0)
}

fn users(entries: Vec<UserEntry>) -> Result<HashMap<String, User>, FieldError> {
    let mut users = HashMap::with_capacity(entries.len());
    for (index, UserEntry { user_id, blocked, profile }) in entries.into_iter().enumerate() {
        if users.insert(user_id.clone(), User { blocked, profile }).is_some() {
            return Err(FieldError::new(
                format!("/users/{index}/user_id"),
                format!("the user {user_id} appears twice; remove one"),
            ));
        }
    }
    Ok(users)
}
