//! Converts the parsed entries of a tenant file into a `Tenant`, checking each field and collecting the errors.

use std::collections::{HashMap, HashSet};
use std::mem::take;
use std::num::NonZeroU32;

use locum_engine::model::{
    AddOn, AttributePattern, Chains, Client, ClientAuthentication, ClientKey, ClientSecret,
    ConfidentialClients, DelegationPolicy, InvalidAttributePattern, LegacyGrants, SecretDigest, Tenant, User,
    WhenUnavailable,
};
use locum_engine::{BucketRule, KeySet};
use serde_json::{Map, Value};

use crate::tenant_file::field_error::FieldErrors;
use crate::tenant_file::issuers;
use crate::tenant_file::management::{self, Grants, Management};
use crate::tenant_file::model::{
    ChainsEntry, ClientEntry, ConfidentialClientsEntry, DelegationEntry, FormerIssuerEntry,
    JwtConfigurationEntry, TenantEntry, UserEntry, WhenUnavailableEntry,
};
use crate::tenant_file::refresh_tokens::{self, RefreshTokenEntry};
use crate::tenant_file::signing_keys;
use crate::tenant_set::TenantData;

/// The legacy grants, as `grant_types` names them.
const ID_TOKEN_GRANT: &str = "http://auth0.com/oauth/legacy/grant-type/delegation/id_token";
const REFRESH_TOKEN_GRANT: &str = "http://auth0.com/oauth/legacy/grant-type/delegation/refresh_token";

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

pub(super) fn tenant(mut entry: TenantEntry, errors: &mut FieldErrors) -> TenantData {
    let management = Management::read(&entry, errors);
    let (client_entries, user_entries) = (take(&mut entry.clients), take(&mut entry.users));
    let is_default = entry.default;
    let tenant_signs =
        !entry.signing_keys.is_empty() || entry.former_issuers.iter().any(FormerIssuerEntry::has_keys);
    let tenant = tenant_alone(entry, errors);
    let mut data = TenantData::new(tenant, clients(client_entries, tenant_signs, &management.grants, errors));
    management.add_to(&mut data.tenant, &mut data.clients);
    data.users = users(user_entries, errors);
    data.is_default = is_default;
    data
}

/// The tenant without its clients and users.
pub(super) fn tenant_alone(entry: TenantEntry, errors: &mut FieldErrors) -> Tenant {
    let domain = entry.domain.to_ascii_lowercase();
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '.' || c == '-';
    if domain.is_empty() || !domain.chars().all(allowed) {
        errors.add("/domain", "write the domain as a host name, without scheme, port and path");
    }
    let mut tenant = Tenant::new(domain);
    tenant.delegation = delegation(&entry.delegation, errors);
    signing_keys::add(&mut tenant, entry.signing_keys, entry.next_signing_key, errors);
    issuers::add(&mut tenant, entry.former_issuers, entry.trusted_issuers, errors);
    tenant.management_keys = management::keys(entry.management.as_ref(), errors);
    tenant
}

fn delegation(entry: &DelegationEntry, errors: &mut FieldErrors) -> DelegationPolicy {
    let rate = &entry.rate_limit;
    if entry.lifetime_ceiling_seconds == Some(0) {
        errors.add("/delegation/lifetime_ceiling_seconds", "must be at least 1");
    }
    if entry.session_seconds == Some(0) {
        errors.add("/delegation/session_seconds", "must be at least 1");
    }
    let mut policy = DelegationPolicy::default();
    policy.enabled = entry.enabled.unwrap_or(true);
    policy.jsonp = entry.jsonp;
    policy.lifetime_ceiling_seconds = entry.lifetime_ceiling_seconds;
    policy.cap_to_subject_exp = entry.cap_to_subject_exp;
    policy.chains = match entry.chains {
        None | Some(ChainsEntry::Authenticated) => Chains::Authenticated,
        Some(ChainsEntry::Open) => Chains::Open,
        Some(ChainsEntry::Refused) => Chains::Refused,
    };
    policy.confidential_clients = match entry.confidential_clients {
        None | Some(ConfidentialClientsEntry::Open) => ConfidentialClients::Open,
        Some(ConfidentialClientsEntry::Refused) => ConfidentialClients::Refused,
    };
    policy.carry_scope = entry.carry_scope;
    policy.session_seconds = entry.session_seconds;
    policy.profile_endpoints = entry.profile_endpoints;
    policy.reuse_upstream_credentials = entry.reuse_upstream_credentials;
    policy.leeway_seconds = entry.leeway_seconds;
    policy.private_attributes = private_attributes(&entry.private_attributes, errors);
    policy.rate =
        bucket(rate.size, rate.per_minute, BucketRule::AUTH0_DEFAULT, "/delegation/rate_limit", errors);
    policy.invalid_token_rate = bucket(
        rate.invalid_tokens.size,
        rate.invalid_tokens.per_minute,
        BucketRule::INVALID_TOKENS_DEFAULT,
        "/delegation/rate_limit/invalid_tokens",
        errors,
    );
    policy.when_buckets_unavailable = match rate.when_unavailable {
        None | Some(WhenUnavailableEntry::Open) => WhenUnavailable::Open,
        Some(WhenUnavailableEntry::Closed) => WhenUnavailable::Closed,
    };
    policy
}

fn private_attributes(patterns: &[String], errors: &mut FieldErrors) -> Vec<AttributePattern> {
    let mut valid = Vec::with_capacity(patterns.len());
    for (index, pattern) in patterns.iter().enumerate() {
        match pattern.parse() {
            Ok(pattern) => valid.push(pattern),
            Err(invalid) => {
                let invalid: InvalidAttributePattern = invalid;
                errors.add(format!("/delegation/private_attributes/{index}"), invalid.to_string());
            }
        }
    }
    valid
}

/// A rate limit; a zero is an error, and the default stands for it until the file is corrected.
fn bucket(
    size: Option<u32>,
    per_minute: Option<u32>,
    default: BucketRule,
    pointer: &str,
    errors: &mut FieldErrors,
) -> BucketRule {
    let mut at_least_one = |name: &str, stated: Option<u32>, default: NonZeroU32| {
        NonZeroU32::new(stated.unwrap_or(default.get())).unwrap_or_else(|| {
            errors.add(format!("{pointer}/{name}"), "must be at least 1");
            default
        })
    };
    BucketRule {
        size: at_least_one("size", size, default.size),
        per_minute: at_least_one("per_minute", per_minute, default.per_minute),
    }
}

fn clients(
    entries: Vec<ClientEntry>,
    tenant_signs: bool,
    grants: &Grants,
    errors: &mut FieldErrors,
) -> Vec<Client> {
    let mut ids = HashSet::with_capacity(entries.len());
    let mut clients = Vec::with_capacity(entries.len());
    for (index, entry) in entries.into_iter().enumerate() {
        let at = format!("/clients/{index}");
        let client = client(entry, &at, tenant_signs, grants, errors);
        if client.id.is_empty() {
            continue;
        }
        if ids.insert(client.id.clone()) {
            clients.push(client);
        } else {
            let message = format!("the client {} appears twice; remove one", client.id);
            errors.add(format!("{at}/client_id"), message);
        }
    }
    clients
}

/// One client, without what other clients decide. `at` is the pointer of its entry.
pub(super) fn client(
    entry: ClientEntry,
    at: &str,
    tenant_signs: bool,
    grants: &Grants,
    errors: &mut FieldErrors,
) -> Client {
    if entry.client_id.is_empty() {
        errors.add(format!("{at}/client_id"), "write the client's id");
    }
    let granted =
        |grant: &str| entry.grant_types.as_ref().is_none_or(|types| types.iter().any(|own| own == grant));
    let mut client = Client::new(entry.client_id.clone());
    client.key = key(&entry, at, tenant_signs, errors);
    client.authentication = authentication(&entry, at, errors);
    client.management_scopes = management::scopes_of(&entry, grants);
    client.is_first_party = entry.is_first_party.unwrap_or(true);
    client.oidc_conformant = entry.oidc_conformant;
    client.grants =
        LegacyGrants { id_token: granted(ID_TOKEN_GRANT), refresh_token: granted(REFRESH_TOKEN_GRANT) };
    client.refresh_tokens = refresh_tokens::rules(
        entry.grant_types.as_deref(),
        entry.refresh_token.as_ref().unwrap_or(&RefreshTokenEntry::default()),
        at,
        errors,
    );
    client.allowed_origins = origins(&entry);
    client.app = app_target(&entry);
    client.add_ons = add_ons(entry.addons, at, errors);
    client.name = entry.name;
    client.allowed_clients = entry.allowed_clients;
    client.resources = entry.resources;
    client.require_actor = entry.require_actor;
    client.scope_aliases = entry.jwt_configuration.scopes;
    client
}

fn key(entry: &ClientEntry, at: &str, tenant_signs: bool, errors: &mut FieldErrors) -> ClientKey {
    let JwtConfigurationEntry { alg, secret_encoded, .. } = &entry.jwt_configuration;
    match (algorithm(alg.as_deref()), &entry.client_secret) {
        ("HS256", Some(secret)) => match ClientSecret::new(secret, *secret_encoded) {
            Ok(secret) => ClientKey::Secret(secret),
            Err(error) => {
                errors.add(format!("{at}/client_secret"), error.to_string());
                ClientKey::None
            }
        },
        ("HS256", None) => ClientKey::None,
        // `alg` is that of the tokens issued for this client as a target; its id_tokens are signed by the tenant.
        (_, _) if tenant_signs => ClientKey::TenantKeys,
        ("ES256" | "EdDSA", _) => ClientKey::None,
        (_, _) => {
            errors.add(
                format!("{at}/jwt_configuration/alg"),
                "this algorithm needs a signing key of the tenant; add one to signing_keys",
            );
            ClientKey::None
        }
    }
}

/// How the client authenticates. One with a secret or with keys does unless it is said to be a public one (RFC 7591 section 2).
fn authentication(entry: &ClientEntry, at: &str, errors: &mut FieldErrors) -> ClientAuthentication {
    let pointer = || format!("{at}/token_endpoint_auth_method");
    match (entry.token_endpoint_auth_method.as_deref(), &entry.client_secret, &entry.jwks) {
        (Some("none"), _, _) | (None, None, None) => ClientAuthentication::None,
        (None, Some(_), Some(_)) => {
            errors.add(
                at,
                "it has a client_secret and jwks; say by token_endpoint_auth_method which of them it authenticates by",
            );
            ClientAuthentication::None
        }
        (None, Some(secret), None)
        | (Some("client_secret_basic" | "client_secret_post"), Some(secret), _) => {
            ClientAuthentication::Secret(SecretDigest::of(secret))
        }
        (None | Some("private_key_jwt"), _, Some(set)) => {
            if let Err(invalid) = KeySet::from_json(set) {
                errors.add(format!("{at}/jwks"), invalid.to_string());
            }
            ClientAuthentication::PrivateKey(set.clone())
        }
        (Some("private_key_jwt"), _, None) => {
            errors.add(pointer(), "this method needs the client's public keys; add them as `jwks`");
            ClientAuthentication::None
        }
        (Some("client_secret_basic" | "client_secret_post"), None, _) => {
            errors.add(
                pointer(),
                "this method needs a client_secret; add one, or write `none` for a public client",
            );
            ClientAuthentication::None
        }
        (Some(_), _, _) => {
            errors.add(
                pointer(),
                "write `none`, `client_secret_basic`, `client_secret_post` or `private_key_jwt`",
            );
            ClientAuthentication::None
        }
    }
}

/// HS256 if `alg` is absent, as in the Management API.
pub(super) fn algorithm(alg: Option<&str>) -> &str {
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

fn add_ons(addons: Map<String, Value>, at: &str, errors: &mut FieldErrors) -> Vec<AddOn> {
    let mut add_ons = Vec::new();
    for (api_type, settings) in addons {
        let pointer = format!("{at}/addons/{api_type}");
        if SINGLE_SIGN_ON.contains(&api_type.as_str()) {
            continue;
        }
        if api_type == "app" {
            errors
                .add(pointer, "configure the app target by the client's jwt_configuration, not as an add-on");
            continue;
        }
        match settings {
            Value::Object(settings) => add_ons.push(AddOn::new(api_type, settings)),
            // An add-on that was switched off is exported as null.
            Value::Null => {}
            _ => {
                errors.add(pointer, "write the add-on's settings as a mapping, or null if it is switched off")
            }
        }
    }
    add_ons
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

fn users(entries: Vec<UserEntry>, errors: &mut FieldErrors) -> HashMap<String, User> {
    let mut users = HashMap::with_capacity(entries.len());
    for (index, entry) in entries.into_iter().enumerate() {
        let (user_id, user) = user(entry, &format!("/users/{index}"), errors);
        if user_id.is_empty() {
            continue;
        }
        if users.insert(user_id.clone(), user).is_some() {
            let message = format!("the user {user_id} appears twice; remove one");
            errors.add(format!("/users/{index}/user_id"), message);
        }
    }
    users
}

/// One user with its id. `at` is the pointer of its entry.
pub(super) fn user(entry: UserEntry, at: &str, errors: &mut FieldErrors) -> (String, User) {
    let UserEntry { user_id, blocked, profile } = entry;
    if user_id.is_empty() {
        errors.add(format!("{at}/user_id"), "write the user's id");
    }
    let mut user = User::new(profile);
    user.blocked = blocked;
    (user_id, user)
}
